#include "log/checkpoint_file.h"

#include <string_view>

#include "base/assert.h"
#include "base/logging.h"
#include "io/checksum.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {

// The last byte is the version.
constexpr std::string_view kMagic("CQCKPT\0\1", 8);
constexpr size_t kHeadBytes = kMagic.size() + 4;
constexpr size_t kMostBytes = size_t{2} << 30;

std::string checkpoints_directory(const std::string& directory) {
  return directory + "/checkpoints";
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

}  // namespace

std::string checkpoint_path(const std::string& directory, const std::string& name) {
  ASSERT(!name.empty());
  constexpr char kHex[] = "0123456789abcdef";
  std::string path = checkpoints_directory(directory) + "/";
  for (const char c : name) {
    if (is_plain(c)) {
      path += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      path.append({'%', kHex[byte >> 4], kHex[byte & 15]});
    }
  }
  return path + ".checkpoint";
}

Status make_checkpoint_folder(io::FileSystem& fs, const std::string& directory) {
  return fs.make_directories(checkpoints_directory(directory));
}

Status write_checkpoint(io::FileSystem& fs, const std::string& directory, const std::string& name,
                        std::string bytes) {
  std::string head(kMagic);
  append_be32(head, io::crc32c(bytes));
  bytes.insert(0, head);
  return io::write_file_atomically(fs, checkpoint_path(directory, name), bytes);
}

std::optional<std::string> read_checkpoint(const io::FileSystem& fs, const std::string& directory,
                                           const std::string& name) {
  const std::string path = checkpoint_path(directory, name);
  if (!fs.info(path)) return std::nullopt;
  auto read = io::read_file(fs, path, kMostBytes);
  const auto damaged = [&](const std::string& why) {
    log_warning("log", path + " is not used, and what it held is gathered from the streams: " + why);
    return std::nullopt;
  };
  if (!read) return damaged(read.error().describe());
  if (read->size() < kHeadBytes || std::string_view(*read).substr(0, kMagic.size()) != kMagic) {
    return damaged("it has another form, or is of another version");
  }
  ByteReader head(std::string_view(*read).substr(kMagic.size(), 4));
  if (head.be32() != io::crc32c(std::string_view(*read).substr(kHeadBytes)))
    return damaged("its checksum is wrong");
  read->erase(0, kHeadBytes);
  return std::move(*read);
}

}  // namespace colloquium::log
