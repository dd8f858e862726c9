#include "log/compactor.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/layout.h"
#include "log/segment_index.h"

namespace colloquium::log {
namespace {

// Kafka's min.cleanable.dirty.ratio: a pass reads everything, so it should have something to compare.
constexpr uint64_t kDirtyShare = 2;  // one half
// As Kafka's max.compaction.lag.ms, which has no bound by default.
constexpr int64_t kLongestDirtyMs = int64_t{7} * 24 * 3600 * 1000;
// The segment that is written, and the newest finished one.
constexpr size_t kLeftAlone = 2;

// What a pass may meet and go on without: nothing of it is about the directory as a whole.
bool ends_quietly(const Error& error) {
  return io::waits_for_room(error) || error.code == ErrorCode::kCancelled;
}

}  // namespace

Compactor::Compactor(io::FileSystem& fs, Clock& clock, const Journal& journal, const CompactorOptions& options,
                     CompactCounters& counters, Tell tell)
    : fs_(fs), clock_(clock), journal_(journal), options_(options), counters_(counters), tell_(std::move(tell)) {
  ASSERT(options.reserve_fraction >= 0 && options.reserve_fraction < 1);
}

void Compactor::tell_once(const std::string& key, const std::string& warning) {
  ASSERT(!warning.empty());
  if (told_.insert(key).second && tell_) tell_(warning);
}

// --- what is to be done --------------------------------------------------------------------------------------

// Finished segments that every leg is through with and that are old enough: they are the first ones, as both rise.
std::vector<Compactor::Candidate> Compactor::candidates(const CompactedStream& stream, Partition& partition) {
  const int64_t needed = journal_.needed_of(stream.name, partition.number(), stream.retention.legs).offset;
  const int64_t left_alone_ms = std::max(stream.compaction.lag_ms, stream.retention.keep_ms);
  std::map<int64_t, Seal> known;
  known.swap(seals_[partition.directory()]);
  std::map<int64_t, Seal>& kept = seals_[partition.directory()];
  std::vector<std::shared_ptr<Segment>> segments = partition.segments();
  segments.resize(segments.size() - std::min(segments.size(), kLeftAlone));
  std::vector<Candidate> found;
  for (std::shared_ptr<Segment>& segment : segments) {
    const int64_t base = segment->base_offset();
    auto at = known.find(base);
    if (at == known.end()) {
      auto seal = read_seal(fs_, segment_path(partition.directory(), base, "seal"));
      if (!seal && io::waits_for_room(seal.error())) break;
      if (!seal || seal->base_offset != base) {
        tell_once(segment_path(partition.directory(), base, "seal"),
                  "compaction of '" + partition.name() + "' can't go on behind offset " + std::to_string(base) +
                      ": " + (seal ? "the seal is of another segment" : seal.error().message));
        break;
      }
      seal->sources.clear();
      at = known.emplace(base, std::move(*seal)).first;
    }
    const Seal& seal = kept.emplace(base, std::move(at->second)).first->second;
    if (seal.events_end > needed || seal.max_time_ms + left_alone_ms > now_ms_) break;
    found.push_back({std::move(segment), seal});
  }
  ASSERT(found.size() <= segments.size());
  return found;
}

bool Compactor::tombstones_are_over(const Work& work, const Candidate& candidate) const {
  const Compacted& compacted = candidate.seal.compacted;
  ASSERT(work.stream->compaction.tombstone_ms >= 0);
  return compacted.time_ms > 0 && compacted.time_ms + work.stream->compaction.tombstone_ms <= now_ms_;
}

bool Compactor::is_due(const Work& work, bool now) const {
  uint64_t dirty_bytes = 0;
  uint64_t all_bytes = 0;
  for (const Candidate& candidate : work.segments) {
    ASSERT(candidate.seal.size_bytes > 0);
    all_bytes += candidate.seal.size_bytes;
    if (candidate.dirty()) dirty_bytes += candidate.seal.size_bytes;
    if (candidate.dirty() && candidate.seal.max_time_ms + kLongestDirtyMs <= now_ms_) return true;
    if (candidate.seal.compacted.tombstones > 0 && tombstones_are_over(work, candidate)) return true;
  }
  return dirty_bytes > 0 && (now || dirty_bytes * kDirtyShare >= all_bytes);
}

// --- the keys ------------------------------------------------------------------------------------------------

// False if the table got full: it reaches to the first record it has no room for.
Result<bool> Compactor::gather_segment(Work& work, const Candidate& candidate) {
  TRY_ASSIGN(SegmentWalk walk, SegmentWalk::begin(*work.partition, *candidate.segment));
  const int64_t from = candidate.dirty_from();
  for (;;) {
    if (stop_) return fail(ErrorCode::kCancelled, "the log is closing");
    TRY_ASSIGN(const auto item, walk.next());
    if (!item) return true;
    const BatchHeader& header = item->header;
    ASSERT(header.base_offset >= candidate.seal.base_offset);
    if (header.is_control() || header.record_count == 0 || header.last_offset() < from) continue;
    TRY_ASSIGN(const std::string_view unpacked, walk.unpacked(*item));
    CheckedRecords records(header, unpacked);
    Record record;
    for (;;) {
      TRY_ASSIGN(const bool more, records.next(record));
      if (!more) break;
      const int64_t offset = header.base_offset + record.offset_delta;
      if (!is_version(record) || offset < from) continue;
      if (work.newest->put(*record.key, offset)) continue;
      work.end = offset;
      return false;
    }
  }
}

Status Compactor::gather(Work& work) {
  work.newest.emplace(options_.memory_bytes);
  work.end = work.segments.front().seal.base_offset;
  for (const Candidate& candidate : work.segments) {
    if (candidate.dirty()) {
      TRY_ASSIGN(const bool there, still_there(work, candidate));
      TRY_ASSIGN(const bool whole, there ? gather_segment(work, candidate) : Result<bool>(true));
      if (!whole) return {};
    }
    work.end = candidate.seal.next_offset;
  }
  ASSERT(work.end == work.segments.back().seal.next_offset);
  return {};
}

// --- one segment ---------------------------------------------------------------------------------------------

Compacted Compactor::after_pass(const Work& work, const Candidate& candidate, int64_t tombstones) const {
  Compacted after = candidate.seal.compacted;
  after.below_offset = std::max(after.below_offset, std::min(work.end, candidate.seal.next_offset));
  ASSERT(after.below_offset > candidate.seal.base_offset);
  const bool whole = after.below_offset == candidate.seal.next_offset;
  // Everything before it lost what is older in this pass or in one before.
  if (whole && after.time_ms == 0) after.time_ms = std::max<int64_t>(1, now_ms_);
  after.tombstones = tombstones;
  return after;
}

bool Compactor::has_space_for(const Work& work, const Candidate& candidate) const {
  const auto free = fs_.free_bytes(work.partition->directory());
  const auto total = fs_.total_bytes(work.partition->directory());
  if (!free || !total) return true;
  const auto share = static_cast<uint64_t>(static_cast<double>(*total) * options_.reserve_fraction);
  ASSERT(candidate.seal.size_bytes > 0);
  return *free >= candidate.seal.size_bytes + options_.reserve_bytes + share;
}

Status Compactor::store_seal(Work& work, Candidate& candidate, const Seal& seal) {
  const std::string path = segment_path(work.partition->directory(), seal.base_offset, "seal");
  ASSERT(seal.next_offset == candidate.seal.next_offset);
  const Status stored = io::write_file_atomically(fs_, path, seal_text(seal));
  if (!stored) {
    if (stored.error().code == ErrorCode::kUnavailable) return stored;  // the old one is there
    // For want of space it is the old one that is there, or nobody can say which.
    const auto there = read_seal(fs_, path);
    const bool old = there && there->compacted.generation == candidate.seal.compacted.generation &&
                     there->compacted.below_offset == candidate.seal.compacted.below_offset &&
                     there->compacted.time_ms == candidate.seal.compacted.time_ms;
    if (stored.error().code == ErrorCode::kNoSpace && !old) return fail(ErrorCode::kIo, stored.error().message);
    return stored;
  }
  candidate.seal = seal;
  candidate.seal.sources.clear();
  seals_[work.partition->directory()][seal.base_offset] = candidate.seal;
  return {};
}

Status Compactor::replace(Work& work, Candidate& candidate, RewrittenSegment rewritten) {
  Partition& partition = *work.partition;
  const std::string& folder = partition.directory();
  const int64_t base = candidate.seal.base_offset;
  const uint64_t before_bytes = candidate.seal.size_bytes;
  TRY_ASSIGN(const auto old_file, candidate.segment->file(fs_));
  TRY_ASSIGN(const std::unique_ptr<io::Folder> opened, fs_.open_folder(folder));
  TRY(opened->sync());
  rewritten.seal.compacted = after_pass(work, candidate, rewritten.tombstones);
  ++rewritten.seal.compacted.generation;
  if (Status stored = store_seal(work, candidate, rewritten.seal); !stored) {
    if (io::waits_for_room(stored.error())) (void)fs_.remove(rewritten.path);
    return stored;
  }
  // Who has the old segment keeps the old file; whoever comes finds the new one, by the one name or the other.
  candidate.segment->keep_file(old_file);
  auto fresh = std::make_shared<Segment>(folder, base, true);
  partition.replace_segment(fresh, before_bytes, candidate.seal.size_bytes);
  candidate.segment = std::move(fresh);
  work.replaced = true;
  ++counters_.segments;
  counters_.records += rewritten.removed_records;
  if (before_bytes > candidate.seal.size_bytes) counters_.bytes += before_bytes - candidate.seal.size_bytes;
  ASSERT(rewritten.path == compacted_path(folder, base, candidate.seal.compacted.generation));
  renames_[rewritten.path] = {folder, base, std::move(rewritten.index)};
  return finish_renames();
}

// Of what is committed. What retention has removed meanwhile needs no name any more.
Status Compactor::finish_renames() {
  while (!renames_.empty()) {
    const auto& [from, rename] = *renames_.begin();
    ASSERT(rename.base_offset >= 0);
    if (fs_.info(from)) {
      TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs_.open_folder(rename.folder));
      TRY(store_index(fs_, rename.folder, rename.base_offset, rename.index));
      TRY(fs_.rename(from, segment_path(rename.folder, rename.base_offset, "log")));
      TRY(folder->sync());
    }
    renames_.erase(renames_.begin());
  }
  return {};
}

Status Compactor::rewrite(Work& work, Candidate& candidate, SegmentRewriter& rewriter) {
  if (!has_space_for(work, candidate)) {
    return fail(ErrorCode::kNoSpace, "there is no space for the compacted segment");
  }
  auto rewritten = rewriter.write();
  if (rewritten) return replace(work, candidate, std::move(*rewritten));
  ASSERT(!work.partition->directory().empty());
  // Nobody's; what can't be removed is removed at the next start.
  (void)fs_.remove(compacted_path(work.partition->directory(), candidate.seal.base_offset,
                                  candidate.seal.compacted.generation + 1));
  return fail(rewritten.error());
}

Status Compactor::compact_segment(Work& work, Candidate& candidate) {
  const std::string path = segment_path(work.partition->directory(), candidate.seal.base_offset, "seal");
  TRY_ASSIGN(Seal seal, read_seal(fs_, path));
  RecordFilter filter(*work.newest, work.end);
  filter.set_drop_tombstones(tombstones_are_over(work, candidate));
  SegmentRewriter rewriter(*work.partition, *candidate.segment, seal, filter, stop_);
  TRY_ASSIGN(const SegmentRewriter::Finding finding, rewriter.look());
  if (finding.any) return rewrite(work, candidate, rewriter);
  seal.compacted = after_pass(work, candidate, finding.tombstones);
  const Compacted& before = candidate.seal.compacted;
  const bool same =
      before.below_offset == seal.compacted.below_offset && before.tombstones == seal.compacted.tombstones;
  ASSERT(seal.compacted.generation == before.generation);
  return same ? Status() : store_seal(work, candidate, seal);
}

// --- passes --------------------------------------------------------------------------------------------------

// What of a failure is the whole directory's: damage is not, and is told.
Status Compactor::end_of_pass(const Work& work, const Error& error) {
  ASSERT(work.partition != nullptr);
  if (ends_quietly(error)) return {};
  const bool damage = error.code == ErrorCode::kCorrupt || error.code == ErrorCode::kNotFound ||
                      error.code == ErrorCode::kInvalidConfig;
  if (!damage) return fail(error);
  const bool verified = error.code == ErrorCode::kCorrupt;  // a key that is not given is no damage
  tell_once("stuck " + work.partition->name(),
            "compaction of '" + work.partition->name() + "' can't go on: " + error.message +
                (verified ? "; 'colloquium log verify' lists every damaged place" : ""));
  return {};
}

// Retention removes the oldest ones, so that nothing older than what is gone has to be compared with it.
Result<bool> Compactor::still_there(const Work& work, const Candidate& candidate) {
  ASSERT(between_ != nullptr);
  if (*between_) {
    if (const Status done = (*between_)(); !done) {
      between_failure_ = done.error();
      return fail(ErrorCode::kCancelled, "something else failed meanwhile");
    }
  }
  return work.partition->segment_of(candidate.seal.base_offset) == candidate.segment;
}

Status Compactor::compact(Work& work, bool now) {
  work.segments = candidates(*work.stream, *work.partition);
  if (work.segments.empty() || !is_due(work, now)) return {};
  TRY(gather(work));
  ASSERT(work.end >= work.segments.front().seal.base_offset);
  for (Candidate& candidate : work.segments) {
    if (candidate.seal.base_offset >= work.end) return {};
    const bool untouched = !candidate.dirty() && work.newest->empty() &&
                           (candidate.seal.compacted.tombstones == 0 || !tombstones_are_over(work, candidate));
    if (untouched) continue;
    TRY_ASSIGN(const bool there, still_there(work, candidate));
    if (there) TRY(compact_segment(work, candidate));
  }
  return {};
}

Result<bool> Compactor::run(const std::vector<CompactedStream>& streams, bool now, const Between& between) {
  now_ms_ = clock_.wall_ms();
  between_ = &between;
  between_failure_.reset();
  bool replaced = false;
  if (const Status renamed = finish_renames(); !renamed) {
    if (io::waits_for_room(renamed.error())) return false;
    return fail(renamed.error());
  }
  for (const CompactedStream& stream : streams) {
    ASSERT(stream.compaction.on);
    for (const auto& partition : stream.partitions) {
      if (stop_) return replaced;
      Work work;
      work.stream = &stream;
      work.partition = partition.get();
      const Status done = compact(work, now);
      replaced = replaced || work.replaced;
      if (between_failure_) return fail(*between_failure_);
      if (!done) TRY(end_of_pass(work, done.error()));
    }
  }
  return replaced;
}

}  // namespace colloquium::log
