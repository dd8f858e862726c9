#include <algorithm>
#include <limits>
#include <optional>

#include "base/assert.h"
#include "io/path.h"
#include "log/backup_damage.h"
#include "log/backup_run.h"
#include "log/data_directory.h"
#include "log/journal_state.h"
#include "log/layout.h"
#include "log/seal.h"
#include "log/segment_copy.h"
#include "log/segment_file.h"
#include "log/segment_key.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

constexpr size_t kMaxSmallBytes = size_t{64} << 20;

}  // namespace

// --- copying -------------------------------------------------------------------------------------------------

Status Backup::copy_if_there(const std::string& path) {
  const auto content = io::read_file(fs_, path, kMaxSmallBytes);
  if (!content && content.error().code == ErrorCode::kNotFound) return {};
  if (!content) return fail(content.error());
  ASSERT(content->size() <= kMaxSmallBytes);
  return snapshot_->put_text(within(path), *content);
}

// Ids of the keys that open the segment; none if it is in the clear. Once its file is open: compaction replaces
// the key's file before the segment's, and keeps the key of the one before.
Result<std::vector<std::string>> Backup::copy_key(const PartitionInstant& place, int64_t base) {
  ASSERT(base >= 0);
  const std::string path = segment_path(place.folder, base, "key");
  std::optional<StoredKey> stored;
  if (place.is_journal()) {
    const HeldSegment& held = held_segment(place, base);
    stored = held.key;
    if (stored) TRY(snapshot_->put_text(within(path), held.key_text));
  } else {
    TRY_ASSIGN(stored,
               find_stored_key(fs_, {place.folder, key_place(place.stream, place.tag, place.number), base}));
    if (stored) TRY(copy_if_there(path));
  }
  if (!stored) return std::vector<std::string>();
  std::vector<std::string> ids = {stored->kek_id};
  if (stored->older && stored->older->kek_id != stored->kek_id) ids.push_back(stored->older->kek_id);
  for (const std::string& id : ids) ++report_.manifest.keys[id];
  return ids;
}

const HeldSegment& Backup::held_segment(const PartitionInstant& journal, int64_t base) const {
  const auto found = std::find(journal.bases.begin(), journal.bases.end(), base);
  ASSERT(journal.held.size() == journal.bases.size() && found != journal.bases.end());
  return journal.held[static_cast<size_t>(found - journal.bases.begin())];
}

Result<SegmentScan> Backup::copy_batches(const PartitionInstant& place, int64_t base,
                                         const std::shared_ptr<const io::File>& file, uint64_t size,
                                         const Evidence& evidence, bool has_key) {
  ASSERT(file != nullptr);
  TRY_ASSIGN(const std::string to, snapshot_->place_for(within(segment_path(place.folder, base, "log"))));
  bool encrypted = false;
  const auto visit = [&](const BatchCursor::Item& item) -> Status {
    encrypted = encrypted || item.header.is_encrypted();
    advance(item.bytes.size());
    return {};
  };
  TRY_ASSIGN(SegmentScan scan, copy_segment(fs_, file, base, size, place.epochs, evidence, to, visit));
  if (encrypted && !has_key) {
    return fail(ErrorCode::kCorrupt, "cannot back up what is damaged: '" +
                                         segment_path(place.folder, base, "key") +
                                         "' is missing, and its segment is encrypted; restore that file from an "
                                         "earlier snapshot");
  }
  return scan;
}

// Of a finished segment that the snapshot does not have yet.
Status Backup::copy_new_sealed(const PartitionInstant& place, const SealedFile& from, bool has_key) {
  const Seal& seal = from.seal;
  Evidence evidence;
  evidence.committed_end = std::numeric_limits<int64_t>::max();  // what is finished is committed
  TRY_ASSIGN(const SegmentScan scan,
             copy_batches(place, seal.base_offset, from.file, from.size, evidence, has_key));
  const PartitionEnd& end = scan.end;
  const bool whole = end.active_bytes == from.size && end.next_offset == seal.next_offset;
  if (!whole || end.active_crc != seal.crc || scan.compacted != (seal.compacted.generation > 0)) {
    return refuse_broken_seal(place, seal, *from.file, from.size, scan);
  }
  ASSERT(!scan.damage && !scan.uncommitted);
  snapshot_->put(within(segment_path(place.folder, seal.base_offset, "log")), {end.active_bytes, end.active_crc});
  return {};
}

// What was copied before the instant and is still wanted.
void Backup::keep_sealed(const PartitionInstant& place, int64_t base, const Finished& finished) {
  ASSERT(base >= 0);
  for (const std::string& id : finished.key_ids) ++report_.manifest.keys[id];
  for (const char* suffix : {"log", "seal", "key", "index", "timeindex"}) {
    const std::string path = within(segment_path(place.folder, base, suffix));
    if (snapshot_->has(path)) snapshot_->keep(path);
  }
}

Status Backup::link_or_copy(const PartitionInstant& place, const SealedFile& from, const std::string& seal,
                            bool has_key) {
  const auto path = [&](const char* suffix) {
    return within(segment_path(place.folder, from.seal.base_offset, suffix));
  };
  ASSERT(!seal.empty());
  TRY_ASSIGN(const bool linked, snapshot_->link_segment(path("log"), from.size, path("seal"), seal, path("key")));
  if (!linked) return copy_new_sealed(place, from, has_key);
  advance(from.size);
  return {};
}

// False if the segment has no seal: it was lost, and a start makes it again. Once the instant is taken a segment
// that was compacted since is of no use: what it lacks may be newer only behind the instant.
Result<bool> Backup::copy_sealed(const PartitionInstant& place, int64_t base, bool before_instant, int64_t& next) {
  const std::string seal_path = segment_path(place.folder, base, "seal");
  const std::string segment = within(segment_path(place.folder, base, "log"));
  const auto known = finished_.find(segment);
  if (known != finished_.end()) {
    keep_sealed(place, base, known->second);
    next = known->second.next_offset;
    return true;
  }
  if (!fs_.info(seal_path)) return false;
  TRY_ASSIGN(const SealedFile from, open_sealed_file(fs_, place.folder, base));
  if (!before_instant && from.seal.compacted.any()) {
    return fail(ErrorCode::kNotFound, "'" + seal_path + "' was replaced: its segment was compacted meanwhile");
  }
  const std::string seal = seal_text(from.seal);
  TRY_ASSIGN(const std::vector<std::string> key_ids, copy_key(place, base));
  if (snapshot_->has(segment) && snapshot_->holds(within(seal_path), seal)) {
    snapshot_->keep(segment);  // of an attempt before
  } else {
    TRY(link_or_copy(place, from, seal, !key_ids.empty()));
  }
  TRY(snapshot_->put_text(within(seal_path), seal));
  TRY(copy_if_there(segment_path(place.folder, base, "index")));
  TRY(copy_if_there(segment_path(place.folder, base, "timeindex")));
  next = from.seal.next_offset;
  ASSERT(next > base);
  finished_[segment] = {from.seal.next_offset, key_ids};
  return true;
}

// A segment that may still be written: its whole batches. Its offsets below `limit` must be there.
Result<PartitionEnd> Backup::copy_open(const PartitionInstant& place, int64_t base, int64_t limit,
                                       const Evidence& evidence) {
  ASSERT(!place.bases.empty());
  const std::string path = segment_path(place.folder, base, "log");
  std::shared_ptr<const io::File> file;
  if (place.is_journal()) {
    file = held_segment(place, base).file;
  } else {
    TRY_ASSIGN(file, fs_.open(path, io::OpenMode::kRead));
  }
  TRY_ASSIGN(const std::vector<std::string> key_ids, copy_key(place, base));
  TRY_ASSIGN(const uint64_t size, length_of(place, base, *file));
  TRY_ASSIGN(const SegmentScan scan, copy_batches(place, base, file, size, evidence, !key_ids.empty()));
  if (scan.end.active_bytes < size) {
    TRY_ASSIGN(const auto mark, last_mark_behind(*file, scan.end.active_bytes, size, place.epochs));
    if (mark) limit = std::max(limit, mark->offset);
  }
  if (scan.end.next_offset < limit) TRY(refuse_cut_short(place, *file, size, scan, limit));
  snapshot_->put(within(path), {scan.end.active_bytes, scan.end.active_crc});
  return scan.end;
}

// At the instant.
Result<uint64_t> Backup::length_of(const PartitionInstant& place, int64_t base, const io::File& file) const {
  ASSERT(!place.bases.empty());
  if (base == place.bases.back()) return place.last_bytes;
  TRY_ASSIGN(const io::FileInfo info, file.info());
  return info.size;
}

Status Backup::copy_side_texts(const PartitionInstant& place) {
  if (!place.epochs.empty()) TRY(snapshot_->put_text(within(epochs_path(place.folder)), place.epochs.text()));
  if (!place.gaps.empty()) TRY(snapshot_->put_text(within(gaps_path(place.folder)), place.gaps.text()));
  if (place.oldest.offset == 0) return {};
  ASSERT(!place.is_journal());
  return snapshot_->put_text(within(oldest_path(place.folder)), oldest_text(place.oldest));
}

// The i-th of a partition; `next` is the offset behind it then.
Status Backup::copy_segment_of(const PartitionInstant& place, size_t i, const Evidence& evidence, int64_t& next) {
  ASSERT(i < place.bases.size());
  const int64_t base = place.bases[i];
  const bool last = i + 1 == place.bases.size();
  if (!last || place.last_sealed) {
    TRY_ASSIGN(const bool sealed, copy_sealed(place, base, false, next));
    if (sealed) return {};
  }
  int64_t limit = last ? std::max(evidence.synced_below, place.epochs.current_start()) : place.bases[i + 1];
  // What is given up need not be there.
  const GapTable::Gap* gap = place.gaps.behind(base);
  if (gap != nullptr && (last || gap->below == limit)) limit = gap->from;
  TRY_ASSIGN(const PartitionEnd end, copy_open(place, base, limit, evidence));
  next = end.next_offset;
  return {};
}

Status Backup::copy_partition(const PartitionInstant& place, const Evidence& evidence) {
  TRY(copy_side_texts(place));
  const int64_t first = place.gaps.skip(place.oldest.offset);
  int64_t next = first;
  const auto missing = [&](int64_t below, const std::string& what) {
    LostRange range;
    range.first_offset = next;
    range.last_offset = std::max(next, below - 1);
    range.file = place.folder;
    range.what = what;
    return refuse_damaged(place, std::move(range));
  };
  for (size_t i = 0; i < place.bases.size(); ++i) {
    if (place.bases[i] != next) return missing(place.bases[i], "a segment is missing");
    TRY(copy_segment_of(place, i, evidence, next));
    next = place.gaps.skip(next);
  }
  const int64_t promised = std::max(evidence.synced_below, place.epochs.current_start());
  if (promised > next) return missing(promised, "they are missing, and were synced");
  ASSERT(next >= first);
  report_.manifest.partitions.push_back({place.stream, place.number, first, next});
  return {};
}

// --- the journal ---------------------------------------------------------------------------------------------

// Its first batch is there, so that it holds all that those before it said; of the newest segment that is not
// sure.
Result<bool> Backup::begins_whole(const PartitionInstant& journal, int64_t base) const {
  ASSERT(journal.is_journal());
  const std::shared_ptr<const io::File> file = held_segment(journal, base).file;
  TRY_ASSIGN(const uint64_t size, length_of(journal, base, *file));
  BatchCursor cursor(file, 0, size);
  const auto first = cursor.next();
  if (!first && first.error().code != ErrorCode::kCorrupt) return fail(first.error());
  return first && *first && (*first)->header.base_offset == base;
}

Status Backup::copy_journal(const PartitionInstant& journal) {
  TRY(copy_side_texts(journal));
  journal_ = JournalState();
  Evidence evidence;
  evidence.committed_end = std::numeric_limits<int64_t>::max();
  int64_t limit = journal.epochs.current_start();
  for (size_t i = journal.bases.size(); i-- > 0;) {
    const int64_t base = journal.bases[i];
    TRY_ASSIGN(const bool whole, begins_whole(journal, base));
    if (!whole && i > 0) {  // being begun: the one before still says everything
      limit = std::max(limit, base);
      continue;
    }
    if (base > 0) limit = std::max(limit, base + 1);
    TRY_ASSIGN(const PartitionEnd end, copy_open(journal, base, limit, evidence));
    ASSERT(end.active_base == base);
    report_.manifest.partitions.push_back({"", 0, base, end.next_offset});
    return read_journal(journal, end);
  }
  return {};
}

// From the copy. One that is encrypted with a key that is not given stays closed.
Status Backup::read_journal(const PartitionInstant& journal, const PartitionEnd& copied) {
  ASSERT(journal.is_journal() && copied.has_active);
  const SegmentName segment{journal.folder, key_place("", "", 0), copied.active_base};
  const std::optional<StoredKey>& stored = held_segment(journal, copied.active_base).key;
  if (stored && (options_.keys == nullptr || !options_.keys->has(stored->kek_id))) {
    journal_.reset();
    return {};
  }
  std::shared_ptr<const SegmentKey> key;
  if (stored) {
    TRY_ASSIGN(key, open_stored_key(options_.keys, segment, *stored));
  }
  TRY_ASSIGN(const std::string path,
             snapshot_->place_for(within(segment_path(journal.folder, copied.active_base, "log"))));
  TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kRead));
  return journal_->replay(std::move(file), copied.active_bytes, copied.active_base, journal.folder,
                          std::move(key));
}

Evidence Backup::evidence_for(const PartitionInstant& place) const {
  ASSERT(!place.is_journal());
  if (journal_) return journal_->evidence_for(place.stream, place.number);
  Evidence evidence;
  evidence.committed_end = std::numeric_limits<int64_t>::max();  // nobody can say what is not; a restore can
  return evidence;
}

}  // namespace colloquium::log
