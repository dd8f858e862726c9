#include "log/seal.h"

#include "base/assert.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;

bool read_line(const SidecarLine& line, Seal& seal) {
  ASSERT(!line.name.empty());
  if (line.name == "offsets") return line.number(0, seal.base_offset) && line.number(1, seal.next_offset);
  if (line.name == "size") return line.number(0, seal.size_bytes);
  if (line.name == "crc32c-of-file") return line.number(0, seal.crc);
  if (line.name == "times") return line.number(0, seal.first_time_ms) && line.number(1, seal.max_time_ms);
  if (line.name == "epochs") return line.number(0, seal.first_epoch) && line.number(1, seal.last_epoch);
  if (line.name == "source") {
    SourceMark& mark = seal.sources[std::string(line.field(0))];
    mark.cursor = line.field(1);
    return line.number(2, mark.first_offset) && line.number(3, mark.append_time_ms);
  }
  return true;  // lines of later minor additions are passed over
}

}  // namespace

std::string seal_text(const Seal& seal) {
  ASSERT(seal.next_offset > seal.base_offset);
  SidecarWriter writer("seal", kVersion);
  writer.line("offsets", {std::to_string(seal.base_offset), std::to_string(seal.next_offset)});
  writer.line("size", {std::to_string(seal.size_bytes)});
  writer.line("crc32c-of-file", {std::to_string(seal.crc)});
  writer.line("times", {std::to_string(seal.first_time_ms), std::to_string(seal.max_time_ms)});
  writer.line("epochs", {std::to_string(seal.first_epoch), std::to_string(seal.last_epoch)});
  for (const auto& [source, mark] : seal.sources) {
    writer.line("source",
                {source, mark.cursor, std::to_string(mark.first_offset), std::to_string(mark.append_time_ms)});
  }
  return writer.finish();
}

Result<Seal> read_seal(const io::FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const Sidecar sidecar, read_sidecar(fs, path, "seal", kVersion));
  Seal seal;
  for (const SidecarLine& line : sidecar.lines) {
    if (!read_line(line, seal)) return sidecar_damaged(path, "the line '" + line.name + "' is malformed");
  }
  if (seal.next_offset <= seal.base_offset || seal.size_bytes == 0)
    return sidecar_damaged(path, "lines are missing");
  return seal;
}

}  // namespace colloquium::log
