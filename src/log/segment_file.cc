#include "log/segment_file.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/segment_index.h"

namespace colloquium::log {
namespace {

// Another process may replace the seal between its being read and the file's being opened, and once more in the
// time of a try only if compaction passes follow each other as fast: a few tries are plenty.
constexpr int kTries = 4;
constexpr size_t kBufferBytes = size_t{1} << 20;

// Nothing if there is no seal, or none that can be believed.
Result<std::optional<Seal>> find_seal(const io::FileSystem& fs, const std::string& directory, int64_t base) {
  ASSERT(base >= 0);
  auto seal = read_seal(fs, segment_path(directory, base, "seal"));
  if (seal) return std::optional<Seal>(std::move(*seal));
  const ErrorCode code = seal.error().code;
  if (code == ErrorCode::kNotFound || code == ErrorCode::kCorrupt) return std::optional<Seal>();
  return fail(seal.error());
}

tl::unexpected<Error> not_as_sealed(const SegmentFile& compacted, const std::string& before) {
  ASSERT(!compacted.path.empty());
  return fail(ErrorCode::kCorrupt,
              "'" + compacted.path + "' does not have the size and sum it was sealed with, and '" + before +
                  "' is left as it is: both are kept; 'colloquium log repair' goes " +
                  "back to the segment as it was before its compaction, or says what is lost");
}

}  // namespace

Result<SegmentFile> open_segment_file(io::FileSystem& fs, const std::string& directory, int64_t base,
                                      const Seal* seal) {
  ASSERT(seal == nullptr || seal->base_offset == base);
  SegmentFile found;
  if (seal != nullptr && seal->compacted.generation > 0) {
    found.path = compacted_path(directory, base, seal->compacted.generation);
    auto file = fs.open(found.path, io::OpenMode::kRead);
    if (!file && file.error().code != ErrorCode::kNotFound) return fail(file.error());
    if (file) found.file = std::move(*file);
  }
  if (found.file == nullptr) {
    found.path = segment_path(directory, base, "log");
    TRY_ASSIGN(found.file, fs.open(found.path, io::OpenMode::kRead));
  }
  TRY_ASSIGN(const io::FileInfo info, found.file->info());
  found.size = info.size;
  return found;
}

Result<bool> has_sealed_bytes(const SegmentFile& opened, const Seal& seal) {
  ASSERT(opened.file != nullptr);
  if (opened.size != seal.size_bytes) return false;
  std::string buffer(kBufferBytes, '\0');
  uint32_t crc = 0;
  for (uint64_t done = 0; done < opened.size;) {
    buffer.resize(std::min<uint64_t>(kBufferBytes, opened.size - done));
    TRY_ASSIGN(const size_t count, opened.file->read_at(done, buffer));
    if (count == 0) return false;
    crc = io::crc32c(std::string_view(buffer).substr(0, count), crc);
    done += count;
  }
  return crc == seal.crc;
}

Result<SealedFile> open_sealed_file(io::FileSystem& fs, const std::string& directory, int64_t base) {
  ASSERT(base >= 0);
  const std::string path = segment_path(directory, base, "log");
  for (int left = kTries;; --left) {
    auto seal = read_seal(fs, segment_path(directory, base, "seal"));
    // The segment goes before its seal does: who removed it says so by the file that is not there.
    if (!seal && seal.error().code == ErrorCode::kNotFound && !fs.info(path)) {
      return fail(ErrorCode::kNotFound, "there is no '" + path + "'");
    }
    if (!seal) return fail(seal.error());
    const bool placed = seal->base_offset == base;
    TRY_ASSIGN(SegmentFile found, open_segment_file(fs, directory, base, placed ? &*seal : nullptr));
    if (placed && found.size == seal->size_bytes) {
      return SealedFile{{std::move(found)}, std::move(*seal)};
    }
    if (left > 0) continue;
    return fail(ErrorCode::kCorrupt, "'" + found.path + "' has " + std::to_string(found.size) +
                                         " bytes and was sealed with " + std::to_string(seal->size_bytes) +
                                         "; restore it from a backup");
  }
}

const Seal* UnfinishedCompactions::find(int64_t base) const {
  ASSERT(base >= 0);
  const auto found =
      std::find_if(committed.begin(), committed.end(), [&](const Seal& seal) { return seal.base_offset == base; });
  return found == committed.end() ? nullptr : &*found;
}

Result<UnfinishedCompactions> find_unfinished_compactions(const io::FileSystem& fs, const std::string& directory) {
  UnfinishedCompactions unfinished;
  const auto files = list_compacted_files(fs, directory);
  if (!files && files.error().code == ErrorCode::kNotFound) return unfinished;
  if (!files) return fail(files.error());
  for (const CompactedFile& file : *files) {
    ASSERT(file.generation > 0);
    TRY_ASSIGN(std::optional<Seal> seal, find_seal(fs, directory, file.base_offset));
    const bool committed =
        seal && seal->base_offset == file.base_offset && seal->compacted.generation == file.generation;
    if (committed) unfinished.committed.push_back(std::move(*seal));
    if (!committed) unfinished.abandoned.push_back(file);
  }
  return unfinished;
}

Status check_compactions(io::FileSystem& fs, const std::string& directory, UnfinishedCompactions& unfinished) {
  ASSERT(!directory.empty() && unfinished.indexes.empty());
  std::vector<Seal> there;
  for (Seal& seal : unfinished.committed) {
    auto opened = open_segment_file(fs, directory, seal.base_offset, &seal);
    if (!opened && opened.error().code == ErrorCode::kNotFound) continue;  // retention has removed it since
    if (!opened) return fail(opened.error());
    SegmentFile& found = *opened;
    // The old file may be the only good one.
    TRY_ASSIGN(const bool good, has_sealed_bytes(found, seal));
    if (!good) return not_as_sealed(found, segment_path(directory, seal.base_offset, "log"));
    TRY_ASSIGN(SegmentIndex index, SegmentIndex::rebuild(std::move(found.file), found.size));
    there.push_back(std::move(seal));
    unfinished.indexes.push_back(std::move(index));
  }
  unfinished.committed = std::move(there);
  return {};
}

Status finish_compactions(io::FileSystem& fs, const std::string& directory,
                          const UnfinishedCompactions& unfinished) {
  ASSERT_WHY(unfinished.indexes.size() == unfinished.committed.size(), "check first");
  for (const CompactedFile& file : unfinished.abandoned) {
    TRY(io::remove_if_there(fs, compacted_path(directory, file.base_offset, file.generation)));
  }
  // The seal that commits may be a name in memory only, left by a process that was killed: a crash must not keep
  // the renames below without it.
  if (!unfinished.committed.empty()) TRY(fs.sync_directory(directory));
  for (size_t i = 0; i < unfinished.committed.size(); ++i) {
    const Seal& seal = unfinished.committed[i];
    const std::string from = compacted_path(directory, seal.base_offset, seal.compacted.generation);
    TRY(store_index(fs, directory, seal.base_offset, unfinished.indexes[i]));
    if (fs.info(from)) TRY(fs.rename(from, segment_path(directory, seal.base_offset, "log")));
  }
  if (unfinished.abandoned.empty() && unfinished.committed.empty()) return {};
  return fs.sync_directory(directory);
}

}  // namespace colloquium::log
