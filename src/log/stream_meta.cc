#include "log/stream_meta.h"

#include "base/assert.h"
#include "io/path.h"
#include "log/epochs.h"
#include "log/layout.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {
constexpr int kVersion = 1;
constexpr int32_t kMaxPartitions = 4096;
}  // namespace

std::string random_tag(Random& random) {
  constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
  std::string tag;
  uint64_t bits = random.next();
  for (int i = 0; i < 8; ++i, bits >>= 5) tag += kAlphabet[bits & 31];
  ASSERT(tag.size() == 8);
  return tag;
}

Result<StreamMeta> read_meta(const io::FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const Sidecar sidecar, read_sidecar(fs, path, "stream", kVersion));
  StreamMeta meta;
  meta.partitioner.clear();
  for (const SidecarLine& line : sidecar.lines) {
    if (line.name == "partitions" && !line.number(0, meta.partitions))
      return sidecar_damaged(path, "bad partitions");
    if (line.name == "tag") meta.tag = line.field(0);
    if (line.name == "partitioner") meta.partitioner = line.field(0);
  }
  if (meta.partitions < 1 || meta.partitions > kMaxPartitions || meta.tag.empty()) {
    return sidecar_damaged(path, "partitions or tag are missing");
  }
  if (meta.partitioner != "murmur2") {
    return fail(ErrorCode::kInvalidConfig, "'" + path + "' names the partitioner '" + meta.partitioner +
                                               "', which this program does not know; use a newer Colloquium");
  }
  return meta;
}

Status create_stream(io::FileSystem& fs, const std::string& directory, const std::string& stream,
                     const StreamMeta& meta) {
  ASSERT(check_stream_name(stream).has_value());
  ASSERT(meta.partitions >= 1 && meta.tag.size() == 8);
  if (meta.partitions > kMaxPartitions) {
    return fail(ErrorCode::kInvalidConfig, "stream '" + stream + "' can't have " +
                                               std::to_string(meta.partitions) + " partitions; use " +
                                               std::to_string(kMaxPartitions) + " at most");
  }
  EpochTable epochs;
  epochs.begin(0);
  for (int32_t number = 0; number < meta.partitions; ++number) {
    const std::string folder = partition_directory(directory, stream, number);
    TRY(fs.make_directories(folder));
    TRY(io::write_file_atomically(fs, epochs_path(folder), epochs.text()));
  }
  // What a process made that died meanwhile is there, and perhaps not durable: synced again before the meta file
  // makes a stream of it.
  for (const std::string& made : {streams_directory(directory), stream_directory(directory, stream)}) {
    // Opened by itself: that no descriptor is free is no sync that failed.
    TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs.open_folder(made));
    TRY(folder->sync());
  }
  SidecarWriter writer("stream", kVersion);
  writer.line("partitions", {std::to_string(meta.partitions)});
  writer.line("tag", {meta.tag});
  writer.line("partitioner", {meta.partitioner});
  return io::write_file_atomically(fs, meta_path(directory, stream), writer.finish());
}

}  // namespace colloquium::log
