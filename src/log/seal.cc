#include "log/seal.h"

#include "base/assert.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;
// Of a compacted segment: a reader that knows nothing of them would take it for damaged.
constexpr int kCompactedVersion = 2;

bool read_compacted(const SidecarLine& line, Compacted& compacted) {
  ASSERT(line.name == "compacted");
  return line.number(0, compacted.generation) && compacted.generation >= 0 &&
         line.number(1, compacted.below_offset) && line.number(2, compacted.time_ms) &&
         line.number(3, compacted.tombstones);
}

bool read_line(const SidecarLine& line, Seal& seal) {
  ASSERT(!line.name.empty());
  if (line.name == "offsets") return line.number(0, seal.base_offset) && line.number(1, seal.next_offset);
  if (line.name == "events-end") return line.number(0, seal.events_end);
  if (line.name == "size") return line.number(0, seal.size_bytes);
  if (line.name == "crc32c-of-file") return line.number(0, seal.crc);
  if (line.name == "times") return line.number(0, seal.first_time_ms) && line.number(1, seal.max_time_ms);
  if (line.name == "epochs") return line.number(0, seal.first_epoch) && line.number(1, seal.last_epoch);
  if (line.name == "source") return read_source_fields(line, 0, seal.sources);
  if (line.name == "compacted") return read_compacted(line, seal.compacted);
  return true;  // lines of later minor additions are passed over
}

}  // namespace

void write_source_lines(SidecarWriter& writer, const SourceMarks& sources) {
  for (const auto& [source, mark] : sources) {
    ASSERT(mark.first_offset >= 0);
    writer.line("source",
                {source, mark.cursor, std::to_string(mark.first_offset), std::to_string(mark.append_time_ms)});
  }
}

bool read_source_fields(const SidecarLine& line, size_t first, SourceMarks& sources) {
  ASSERT(line.name == "source");
  SourceMark& mark = sources[std::string(line.field(first))];
  mark.cursor = line.field(first + 1);
  return line.number(first + 2, mark.first_offset) && line.number(first + 3, mark.append_time_ms);
}

std::string seal_text(const Seal& seal) {
  ASSERT(seal.next_offset > seal.base_offset);
  const Compacted& compacted = seal.compacted;
  SidecarWriter writer("seal", compacted.any() ? kCompactedVersion : kVersion);
  writer.line("offsets", {std::to_string(seal.base_offset), std::to_string(seal.next_offset)});
  writer.line("events-end", {std::to_string(seal.events_end)});
  writer.line("size", {std::to_string(seal.size_bytes)});
  writer.line("crc32c-of-file", {std::to_string(seal.crc)});
  writer.line("times", {std::to_string(seal.first_time_ms), std::to_string(seal.max_time_ms)});
  writer.line("epochs", {std::to_string(seal.first_epoch), std::to_string(seal.last_epoch)});
  if (compacted.any()) {
    writer.line("compacted", {std::to_string(compacted.generation), std::to_string(compacted.below_offset),
                              std::to_string(compacted.time_ms), std::to_string(compacted.tombstones)});
  }
  write_source_lines(writer, seal.sources);
  return writer.finish();
}

Result<Seal> read_seal(const io::FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const Sidecar sidecar, read_sidecar(fs, path, "seal", kCompactedVersion));
  Seal seal;
  for (const SidecarLine& line : sidecar.lines) {
    if (!read_line(line, seal)) return sidecar_damaged(path, "the line '" + line.name + "' is malformed");
  }
  if (seal.events_end == 0) seal.events_end = seal.next_offset;  // of an earlier version, that did not say
  const bool within = seal.base_offset <= seal.events_end && seal.events_end <= seal.next_offset;
  if (!within || seal.next_offset <= seal.base_offset || seal.size_bytes == 0)
    return sidecar_damaged(path, "lines are missing");
  return seal;
}

}  // namespace colloquium::log
