#include "components/file/file_identity.h"

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdio>
#include <utility>

#include "io/checksum.h"
#include "io/file_system.h"
#include "io/inflated_file.h"

namespace colloquium::components {
namespace {

constexpr std::array<size_t, 4> kLengths = {1024, 256, 64, kIdentityBytesMin};

std::string name_of(std::string_view head) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%zu-%016" PRIx64, head.size(), io::xxh3_64(head));
  return text.data();
}

}  // namespace

std::vector<std::string> part_names(std::string_view head) {
  std::vector<std::string> names;
  for (const size_t length : kLengths) {
    if (head.size() >= length) names.push_back(name_of(head.substr(0, length)));
  }
  // Only a file that is read once is that short.
  if (names.empty()) names.push_back(name_of(head));
  return names;
}

Result<OpenedFile> open_file(io::FileSystem& fs, const std::string& path, uint64_t inode, size_t head_bytes) {
  OpenedFile opened;
  TRY_ASSIGN(auto file, fs.open(path, io::OpenMode::kRead));
  TRY_ASSIGN(opened.is_compressed, io::is_compressed(*file));
  auto content = io::inflated(std::move(file));
  if (!content) return fail(content.error().code, "cannot read '" + path + "': " + content.error().message);
  opened.file = std::move(*content);
  TRY_ASSIGN(const io::FileInfo info, opened.file->info());
  if (info.inode != inode) return fail(ErrorCode::kConflict, "'" + path + "' is another file now");
  opened.head.resize(head_bytes);
  TRY_ASSIGN(const size_t got, opened.file->read_at(0, {opened.head.data(), opened.head.size()}));
  opened.head.resize(got);
  opened.at.inode = info.inode;
  opened.at.size = info.size;
  opened.at.head = fingerprint_of(std::string_view(opened.head).substr(0, kFingerprintBytes));
  return opened;
}

Status find_part(OpenedFile& opened, const std::vector<KnownPart>& known, const std::string& fresh,
                 bool from_start) {
  opened.part = fresh;
  for (const KnownPart& part : known) {
    TRY_ASSIGN(const FileCursor cursor, FileCursor::decode(part.cursor));
    TRY_ASSIGN(const bool same, cursor.speaks_of(*opened.file));
    if (!same) continue;
    if (part.in_use) {
      opened.copy_of = part.name;
      return {};
    }
    opened.part = part.name;
    // Also with --from-start: to the log a position below what it has is an event it has.
    opened.at.base = from_start ? cursor.next_base() : cursor.base;
    if (!from_start) {
      opened.at.offset = cursor.offset;
      opened.at.tail = cursor.tail;
    }
    return {};
  }
  return {};
}

}  // namespace colloquium::components
