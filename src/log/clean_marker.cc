#include "log/clean_marker.h"

#include "base/assert.h"
#include "io/checksum.h"
#include "log/layout.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;
constexpr size_t kMaxIndexBytes = size_t{64} << 20;

// An empty stream name, the journal's, is written as one that no stream can have.
std::string written_name(const std::string& stream) {
  return stream.empty() ? "/" : stream;
}
std::string read_name(std::string_view written) {
  return written == "/" ? std::string() : std::string(written);
}

bool read_partition(const SidecarLine& line, CleanMarker& marker) {
  ASSERT(line.name == "partition");
  int32_t number = 0;
  if (!line.number(1, number)) return false;
  CleanEntry& entry = marker[{read_name(line.field(0)), number}];
  PartitionEnd& end = entry.end;
  int has_active = 0;
  int mark_last = 0;
  const bool good =
      line.number(2, end.next_offset) && line.number(3, end.max_time_ms) && line.number(4, has_active) &&
      line.number(5, end.active_base) && line.number(6, end.active_bytes) && line.number(7, end.active_crc) &&
      line.number(8, end.first_time_ms) && line.number(9, end.first_epoch) && line.number(10, mark_last) &&
      line.number(11, entry.sealed_bytes) && line.number(12, entry.index_crc);
  end.has_active = has_active != 0;
  end.mark_last = mark_last != 0;
  return good;
}

bool read_source(const SidecarLine& line, CleanMarker& marker) {
  ASSERT(line.name == "source");
  int32_t number = 0;
  if (!line.number(1, number)) return false;
  SourceMark& mark = marker[{read_name(line.field(0)), number}].sources[std::string(line.field(2))];
  mark.cursor = line.field(3);
  return line.number(4, mark.first_offset) && line.number(5, mark.append_time_ms);
}

}  // namespace

std::string clean_text(const CleanMarker& marker) {
  SidecarWriter writer("clean", kVersion);
  for (const auto& [place, entry] : marker) {
    const PartitionEnd& end = entry.end;
    ASSERT(end.next_offset >= 0);
    const std::string name = written_name(place.first);
    const std::string number = std::to_string(place.second);
    writer.line(
        "partition",
        {name, number, std::to_string(end.next_offset), std::to_string(end.max_time_ms),
         end.has_active ? "1" : "0", std::to_string(end.active_base), std::to_string(end.active_bytes),
         std::to_string(end.active_crc), std::to_string(end.first_time_ms), std::to_string(end.first_epoch),
         end.mark_last ? "1" : "0", std::to_string(entry.sealed_bytes), std::to_string(entry.index_crc)});
    for (const auto& [source, mark] : entry.sources) {
      writer.line("source", {name, number, source, mark.cursor, std::to_string(mark.first_offset),
                             std::to_string(mark.append_time_ms)});
    }
  }
  return writer.finish();
}

Result<std::optional<CleanMarker>> read_clean(const io::FileSystem& fs, const std::string& path) {
  const auto sidecar = read_sidecar(fs, path, "clean", kVersion);
  if (!sidecar) {
    // Without a believable CLEAN the segments are read: that is slower, and always right.
    const ErrorCode code = sidecar.error().code;
    if (code == ErrorCode::kNotFound || code == ErrorCode::kCorrupt) return std::optional<CleanMarker>();
    return fail(sidecar.error());
  }
  CleanMarker marker;
  for (const SidecarLine& line : sidecar->lines) {
    const bool good = line.name == "partition" ? read_partition(line, marker)
                      : line.name == "source"  ? read_source(line, marker)
                                               : true;
    if (!good) return std::optional<CleanMarker>();
  }
  return std::optional<CleanMarker>(std::move(marker));
}

uint32_t index_files_crc(const io::FileSystem& fs, const std::string& directory, int64_t base_offset) {
  ASSERT(base_offset >= 0);
  const auto index = io::read_file(fs, segment_path(directory, base_offset, "index"), kMaxIndexBytes);
  const auto times = io::read_file(fs, segment_path(directory, base_offset, "timeindex"), kMaxIndexBytes);
  if (!index || !times) return 0;
  return io::crc32c(*times, io::crc32c(*index));
}

}  // namespace colloquium::log
