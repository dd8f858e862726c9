#include "log/layout.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/assert.h"
#include "io/path.h"

namespace colloquium::log {
namespace {

constexpr size_t kOffsetDigits = 20;
constexpr size_t kMaxNameBytes = 200;
constexpr const char* kCompactedSuffix = "compacted";

std::string padded(int64_t offset) {
  ASSERT(offset >= 0);
  const std::string digits = std::to_string(offset);
  return std::string(kOffsetDigits - digits.size(), '0') + digits;
}

std::optional<int64_t> base_of(std::string_view name, std::string_view suffix) {
  if (name.size() != kOffsetDigits + 1 + suffix.size()) return std::nullopt;
  if (name.substr(kOffsetDigits + 1) != suffix) return std::nullopt;
  return segment_of_file(name);
}

}  // namespace

std::string format_path(const std::string& directory) {
  return io::join(directory, "FORMAT");
}
std::string clean_path(const std::string& directory) {
  return io::join(directory, "CLEAN");
}
std::string lock_path(const std::string& directory) {
  return io::join(directory, "LOCK");
}
std::string repair_path(const std::string& directory) {
  return io::join(directory, "REPAIR");
}
std::string restoring_path(const std::string& directory) {
  return io::join(directory, "RESTORING");
}
std::string ballast_path(const std::string& directory) {
  return io::join(directory, "BALLAST");
}
std::string quarantine_directory(const std::string& directory) {
  return io::join(directory, "quarantine");
}
std::string journal_directory(const std::string& directory) {
  return io::join(directory, "journal");
}
std::string streams_directory(const std::string& directory) {
  return io::join(directory, "streams");
}

std::string stream_directory(const std::string& directory, const std::string& stream) {
  return io::join(streams_directory(directory), stream);
}
std::string meta_path(const std::string& directory, const std::string& stream) {
  return io::join(stream_directory(directory, stream), "meta");
}
std::string partition_directory(const std::string& directory, const std::string& stream, int32_t partition) {
  ASSERT(partition >= 0 && !stream.empty());
  return io::join(stream_directory(directory, stream), std::to_string(partition));
}
std::string epochs_path(const std::string& directory) {
  return io::join(directory, "epochs");
}
std::string gaps_path(const std::string& directory) {
  return io::join(directory, "gaps");
}

std::string oldest_path(const std::string& directory) {
  ASSERT(!directory.empty());
  return io::join(directory, "oldest");
}

std::string segment_path(const std::string& directory, int64_t base_offset, std::string_view suffix) {
  ASSERT(!directory.empty() && !suffix.empty());
  return io::join(directory, padded(base_offset) + "." + std::string(suffix));
}
std::string torn_path(const std::string& directory, int64_t base_offset, uint64_t position) {
  ASSERT(!directory.empty());
  return io::join(directory, padded(base_offset) + "." + std::to_string(position) + ".torn");
}

std::string compacted_path(const std::string& directory, int64_t base_offset, int32_t generation) {
  ASSERT(!directory.empty() && generation > 0);
  return io::join(directory, padded(base_offset) + "." + std::to_string(generation) + "." + kCompactedSuffix);
}

Result<std::vector<CompactedFile>> list_compacted_files(const io::FileSystem& fs, const std::string& directory) {
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(directory));
  std::vector<CompactedFile> files;
  for (const std::string& name : names) {
    const std::optional<int64_t> base = segment_of_file(name);
    if (!base || !name.ends_with(kCompactedSuffix)) continue;
    ASSERT(name.size() > kOffsetDigits);
    CompactedFile file{*base, 0};
    const char* const begin = name.data() + kOffsetDigits + 1;
    const auto [end, error] = std::from_chars(begin, name.data() + name.size(), file.generation);
    const bool ours = error == std::errc() && file.generation > 0 && *end == '.' &&
                      std::string_view(end + 1, name.data() + name.size()) == kCompactedSuffix;
    if (ours) files.push_back(file);
  }
  return files;
}

Result<std::vector<int64_t>> list_segments(const io::FileSystem& fs, const std::string& directory) {
  return list_segment_files(fs, directory, "log");
}

Result<std::vector<int64_t>> list_segment_files(const io::FileSystem& fs, const std::string& directory,
                                                std::string_view suffix) {
  ASSERT(!suffix.empty());
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(directory));
  std::vector<int64_t> bases;
  for (const std::string& name : names) {
    if (const std::optional<int64_t> base = base_of(name, suffix)) bases.push_back(*base);
  }
  ASSERT(std::is_sorted(bases.begin(), bases.end()));
  return bases;
}

std::optional<int64_t> segment_of_file(std::string_view name) {
  if (name.size() <= kOffsetDigits || name[kOffsetDigits] != '.') return std::nullopt;
  int64_t base = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + kOffsetDigits, base);
  if (error != std::errc() || end != name.data() + kOffsetDigits || base < 0) return std::nullopt;
  return base;
}

Status check_stream_name(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '_' || c == '-';
  });
  if (plain && !name.empty() && name.size() <= kMaxNameBytes && name != "." && name != "..") return {};
  return fail(ErrorCode::kInvalidConfig,
              "cannot use '" + name +
                  "' as the name of a stream: it becomes a folder; use up to 200 of the "
                  "characters A-Z a-z 0-9 . _ -");
}

std::string partition_name(const std::string& stream, int32_t partition) {
  ASSERT(partition >= 0);
  if (stream.empty()) return "the commit journal";
  return stream + "/" + std::to_string(partition);
}

}  // namespace colloquium::log
