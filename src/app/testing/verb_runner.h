// VerbRunner: runs a verb in the test's own process, with texts in place of standard streams, in a folder that
// goes with it. For tests only.
#pragma once

#include <algorithm>
#include <sstream>
#include <string>
#include <vector>

#include "app/command_line.h"
#include "io/file_system.h"
#include "io/path.h"
#include "tests/temporary_directory.h"

namespace colloquium::app {

struct VerbResult {
  Exit exit = Exit::kDone;
  std::string out;
  std::string err;
};

class VerbRunner {
 public:
  std::string path(const std::string& name) const { return io::join(directory_.path(), name); }

  // Writes a file into the folder; its path.
  std::string write(const std::string& name, const std::string& text) const {
    io::FileSystem& files = io::posix_file_system();
    const std::string file = path(name);
    REQUIRE(files.make_directories(io::parent_of(file)).has_value());
    REQUIRE(io::write_file_atomically(files, file, text).has_value());
    return file;
  }

  // Empty if there is no such file.
  std::string read(const std::string& name) const {
    return io::read_file(io::posix_file_system(), path(name), size_t{1} << 30).value_or("");
  }

  VerbResult run(const std::vector<std::string>& arguments, const std::string& input = "") const {
    std::ostringstream out, err;
    Console console{[input, at = size_t{0}](std::span<char> into) mutable -> Result<size_t> {
                      const size_t n = std::min(into.size(), input.size() - at);
                      std::copy_n(input.data() + at, n, into.data());
                      at += n;
                      return n;
                    },
                    out, err};
    const Exit exit = run_command_line(root_verb(), arguments, console);
    return {exit, out.str(), err.str()};
  }

 private:
  TemporaryDirectory directory_;
};

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace colloquium::app
