// Sidecar files: the small versioned texts beside the segments (FORMAT, CLEAN, meta, epochs, seals).
//
//   colloquium <kind> <version>
//   <name> <field> …
//   crc32c <eight hex digits of everything before this line>
//
// Fields are percent-encoded where they hold anything but letters, digits and - . _ : so that a line splits at
// spaces. Thread safety: functions and values.
#pragma once

#include <charconv>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"

namespace colloquium::log {

class SidecarWriter {
 public:
  SidecarWriter(std::string_view kind, int version);
  void line(std::string_view name, std::initializer_list<std::string_view> fields);
  std::string finish();

 private:
  std::string text_;
};

struct SidecarLine {
  std::string name;
  std::vector<std::string> fields;

  std::string_view field(size_t i) const {
    return i < fields.size() ? std::string_view(fields[i]) : std::string_view();
  }
  // The whole of field `i` as a decimal number; false if it is none.
  template <class T>
  bool number(size_t i, T& value) const {
    const std::string_view text = field(i);
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
  }
};

struct Sidecar {
  int version = 0;
  std::vector<SidecarLine> lines;
};

// kCorrupt if the checksum or the form is wrong, kInvalidConfig if the version is newer than `newest`,
// and the checksum not wrong.
Result<Sidecar> parse_sidecar(std::string_view content, std::string_view kind, int newest,
                              const std::string& path);
Result<Sidecar> read_sidecar(const io::FileSystem& fs, const std::string& path, std::string_view kind, int newest);

tl::unexpected<Error> sidecar_damaged(const std::string& path, std::string_view what);

}  // namespace colloquium::log
