// The file of a finished segment: `<base>.log`, unless a compaction has committed another one and not renamed it
// yet (docs/internals/log-format.md, "Compaction").
//
// Thread safety: functions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/layout.h"
#include "log/seal.h"
#include "log/segment_index.h"

namespace colloquium::log {

struct SegmentFile {
  std::string path;
  std::shared_ptr<const io::File> file;
  uint64_t size = 0;
};

// `seal` is the segment's; null: it has none that can be read.
Result<SegmentFile> open_segment_file(io::FileSystem& fs, const std::string& partition_directory,
                                      int64_t base_offset, const Seal* seal);

// Whether size and CRC-32C of the whole file are the seal's: reads all of it.
Result<bool> has_sealed_bytes(const SegmentFile& opened, const Seal& seal);

// With the seal that belongs to it, also while another process compacts. kCorrupt if the seal can't be read, or is
// of a file of another size.
struct SealedFile : SegmentFile {
  Seal seal;
};
Result<SealedFile> open_sealed_file(io::FileSystem& fs, const std::string& partition_directory,
                                    int64_t base_offset);

// What compactions that were interrupted have left in a partition's folder.
struct UnfinishedCompactions {
  std::vector<Seal> committed;           // their files are to be renamed
  std::vector<CompactedFile> abandoned;  // nobody's
  std::vector<SegmentIndex> indexes;     // of those committed, once they are checked

  const Seal* find(int64_t base_offset) const;
};
Result<UnfinishedCompactions> find_unfinished_compactions(const io::FileSystem& fs,
                                                          const std::string& partition_directory);
// Reads the committed files whole, before anything is changed. kCorrupt if a file's bytes are not the seal's: then
// it and the file it should replace are to stay. What retention has removed since is left out.
Status check_compactions(io::FileSystem& fs, const std::string& partition_directory,
                         UnfinishedCompactions& unfinished);
// Renames the ones, with new indexes, and removes the others. May be interrupted and repeated, from the finding
// on. REQUIRES: checked.
Status finish_compactions(io::FileSystem& fs, const std::string& partition_directory,
                          const UnfinishedCompactions& unfinished);

}  // namespace colloquium::log
