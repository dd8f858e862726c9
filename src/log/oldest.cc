#include "log/oldest.h"

#include "base/assert.h"
#include "io/path.h"
#include "log/layout.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;

bool read_line(const SidecarLine& line, Oldest& oldest) {
  ASSERT(!line.name.empty());
  if (line.name == "offset") return line.number(0, oldest.offset) && oldest.offset > 0;
  if (line.name == "time") return line.number(0, oldest.max_time_ms);
  if (line.name == "source") return read_source_fields(line, 0, oldest.sources);
  return true;  // lines of later minor additions are passed over
}

}  // namespace

std::string oldest_text(const Oldest& oldest) {
  ASSERT_WHY(oldest.offset > 0, "a partition that begins at its beginning needs no such file");
  SidecarWriter writer("oldest", kVersion);
  writer.line("offset", {std::to_string(oldest.offset)});
  writer.line("time", {std::to_string(oldest.max_time_ms)});
  write_source_lines(writer, oldest.sources);
  return writer.finish();
}

Result<Oldest> read_oldest(const io::FileSystem& fs, const std::string& directory) {
  const std::string path = oldest_path(directory);
  const auto sidecar = read_sidecar(fs, path, "oldest", kVersion);
  if (!sidecar && sidecar.error().code == ErrorCode::kNotFound) return Oldest{};
  if (!sidecar) return fail(sidecar.error());
  Oldest oldest;
  for (const SidecarLine& line : sidecar->lines) {
    if (!read_line(line, oldest)) return sidecar_damaged(path, "the line '" + line.name + "' is malformed");
  }
  if (oldest.offset == 0) return sidecar_damaged(path, "it names no offset");
  return oldest;
}

Status remove_segments_below(io::FileSystem& fs, const std::string& directory, int64_t offset, size_t& left) {
  ASSERT(offset >= 0);
  TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs.open_folder(directory));
  TRY_ASSIGN(const std::vector<std::string> names, fs.list(directory));
  bool any = false;
  for (const std::string& name : names) {
    const std::optional<int64_t> base = segment_of_file(name);
    if (!base || *base >= offset) continue;
    any = true;
    if (!fs.remove(io::join(directory, name))) ++left;
  }
  return any ? folder->sync() : Status();
}

}  // namespace colloquium::log
