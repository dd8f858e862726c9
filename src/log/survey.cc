#include "log/survey.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "base/assert.h"
#include "io/path.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/recovery.h"
#include "log/seal.h"
#include "log/segment_file.h"

namespace colloquium::log {
namespace {

constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();

class Surveyor {
 public:
  Surveyor(io::FileSystem& fs, const SurveyPlace& place, const Evidence& evidence, const BatchVisitor& visit)
      : fs_(fs), place_(place), evidence_(evidence), visit_(visit) {
    found_.stream = place.stream;
    found_.partition = place.partition;
    found_.folder = place.folder;
    committed_end_ = evidence.committed_end;
    // Which outputs are committed is judged here: the journal itself may be what has lost something.
    evidence_.committed_end = kNoLimit;
  }

  Result<PartitionSurvey> run();

 private:
  struct Current {
    std::string path;
    std::shared_ptr<const io::File> file;
    uint64_t size = 0;
    bool last = false;
    int64_t limit = kNoLimit;  // offsets of this segment are below
    std::optional<Seal> seal;
    bool compaction_failed = false;
  };

  Status read_epochs(const std::vector<int64_t>& bases);
  Status survey_segment(int64_t base, int64_t next_base);
  Status open(int64_t base, int64_t next_base, Current& now);
  Result<SegmentFile> open_file(int64_t base, Current& now);
  Status follow(const Current& now, SegmentSurvey& segment);
  Result<std::optional<SegmentPlace>> go_behind(const Current& now, const SegmentScan& scan,
                                                SegmentSurvey& segment);
  Status check_side_files(const Current& now, const SegmentScan& scan, SegmentSurvey& segment);
  void lose(int64_t from, int64_t below, std::string file, std::string what);
  void take(const BatchCursor::Item& item);
  void finish_lost(int64_t time_ms);
  bool is_journal() const { return found_.stream.empty(); }

  io::FileSystem& fs_;
  const SurveyPlace& place_;
  Evidence evidence_;
  const BatchVisitor& visit_;
  int64_t committed_end_ = 0;
  PartitionSurvey found_;
  EpochTable epochs_;
  GapTable gaps_;
  int64_t next_ = -1;     // the offset that has to follow; −1: any, at the journal's front
  int64_t time_ms_ = -1;  // of the last intact batch
};

void Surveyor::lose(int64_t from, int64_t below, std::string file, std::string what) {
  ASSERT(from >= 0 && from < below && !what.empty());
  LostRange range;
  range.stream = found_.stream;
  range.partition = found_.partition;
  range.first_offset = from;
  range.last_offset = below - 1;
  range.file = std::move(file);
  range.after_ms = time_ms_;
  range.what = std::move(what);
  found_.lost.push_back(std::move(range));
}

// The first batch behind what was lost says until when it was.
void Surveyor::finish_lost(int64_t time_ms) {
  for (auto range = found_.lost.rbegin(); range != found_.lost.rend() && range->before_ms < 0; ++range) {
    ASSERT(range->last_offset >= range->first_offset);
    range->before_ms = time_ms;
  }
}

void Surveyor::take(const BatchCursor::Item& item) {
  ASSERT(item.header.last_offset() >= item.header.base_offset);
  finish_lost(item.header.max_timestamp_ms);
  time_ms_ = item.header.max_timestamp_ms;
  if (item.header.is_transactional() && item.header.base_offset >= committed_end_ && found_.uncommitted_from < 0) {
    found_.uncommitted_from = item.header.base_offset;
  }
  if (!item.header.is_control()) return;
  const std::optional<SyncMark> mark = get_sync_mark(item.bytes);
  if (!mark || mark->offset != item.header.base_offset || mark->position != item.position) return;
  found_.committed_below = std::max(found_.committed_below, mark->offset);
}

// The epochs file, or what the batches say of themselves if every one of them is intact.
Status Surveyor::read_epochs(const std::vector<int64_t>& bases) {
  ASSERT(epochs_.empty());
  auto read = EpochTable::read(fs_, epochs_path(found_.folder));
  if (read) {
    epochs_ = std::move(*read);
    return {};
  }
  if (read.error().code != ErrorCode::kNotFound && read.error().code != ErrorCode::kCorrupt)
    return fail(read.error());
  EpochTable made;
  int64_t next = bases.empty() ? 0 : bases.front();
  bool whole = true;
  for (const int64_t base : bases) {
    const std::string path = segment_path(found_.folder, base, "log");
    TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kRead));
    TRY_ASSIGN(const io::FileInfo info, file->info());
    BatchCursor cursor(std::move(file), 0, info.size);
    for (;;) {
      const auto item = cursor.next();
      if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
      const bool fits =
          item && (!*item || ((*item)->header.base_offset >= next && (*item)->header.epoch >= made.current()));
      whole = whole && fits;
      if (!whole || !*item) break;
      if ((*item)->header.epoch > made.current())
        made.add({(*item)->header.epoch, made.empty() ? 0 : (*item)->header.base_offset});
      next = (*item)->header.last_offset() + 1;
    }
  }
  if (!whole) {
    found_.hopeless.push_back("'" + epochs_path(found_.folder) + "' can't be read (" + read.error().message +
                              "), and the segments are damaged, so that it can't be made again");
    return {};
  }
  made.begin(next);
  epochs_ = made;
  found_.new_epochs = std::move(made);
  return {};
}

// The one that counts. If what a compaction has committed is damaged, and the file of before still there, it is
// that one: it has everything that the other should have.
Result<SegmentFile> Surveyor::open_file(int64_t base, Current& now) {
  const Seal* const seal = now.seal ? &*now.seal : nullptr;
  TRY_ASSIGN(SegmentFile opened, open_segment_file(fs_, found_.folder, base, seal));
  const std::string path = segment_path(found_.folder, base, "log");
  if (opened.path == path || !fs_.info(path)) return opened;
  ASSERT(seal != nullptr);
  TRY_ASSIGN(const bool good, has_sealed_bytes(opened, *seal));
  if (good) {
    found_.start_mends.push_back("the compaction of '" + path + "', which was interrupted, is finished");
    return opened;
  }
  now.compaction_failed = true;
  return open_segment_file(fs_, found_.folder, base, nullptr);
}

Status Surveyor::open(int64_t base, int64_t next_base, Current& now) {
  if (!is_journal()) {
    const auto seal = read_seal(fs_, segment_path(found_.folder, base, "seal"));
    if (seal && seal->base_offset == base) now.seal = *seal;
  }
  TRY_ASSIGN(SegmentFile opened, open_file(base, now));
  now.path = std::move(opened.path);
  now.file = std::move(opened.file);
  now.size = opened.size;
  now.last = next_base < 0;
  ASSERT(now.last || next_base > base);
  if (!now.last) {
    now.limit = next_base;
    if (const GapTable::Gap* gap = gaps_.behind(base); gap != nullptr && gap->below == next_base)
      now.limit = gap->from;
    return {};
  }
  // Of the newest segment only what is known to have been synced can be lost.
  TRY_ASSIGN(const auto mark, last_mark_behind(*now.file, 0, now.size, epochs_));
  now.limit = std::max({int64_t{0}, evidence_.synced_below, epochs_.current_start(), mark ? mark->offset : 0,
                        now.seal ? now.seal->next_offset : 0});
  if (const GapTable::Gap* gap = gaps_.behind(base)) now.limit = gap->from;
  return {};
}

// Where to go on behind the end of an intact stretch; nothing at the segment's end.
Result<std::optional<SegmentPlace>> Surveyor::go_behind(const Current& now, const SegmentScan& scan,
                                                        SegmentSurvey& segment) {
  const PartitionEnd& end = scan.end;
  ASSERT(end.active_bytes <= now.size);
  if (end.next_offset >= now.limit) {
    if (scan.damage && now.last) {
      found_.start_mends.push_back(std::to_string(now.size - end.active_bytes) + " bytes from byte " +
                                   std::to_string(end.active_bytes) + " of '" + now.path +
                                   "' on, which a crash left torn, are cut off and saved beside it");
    }
    // Behind a segment's last offset nothing can stand: what is there is somebody's mistake.
    segment.damaged = segment.damaged || (scan.damage && !now.last);
    return std::optional<SegmentPlace>();
  }
  segment.damaged = true;
  std::optional<SegmentPlace> more;
  if (scan.damage) {
    TRY_ASSIGN(more, next_batch_behind(*now.file, {end.active_bytes, end.next_offset}, now.size, epochs_));
    if (more && more->offset >= now.limit && !now.last) more.reset();
  }
  lose(end.next_offset, more ? more->offset : now.limit, now.path,
       scan.damage ? scan.damage->what : "the file ends before them");
  found_.lost.back().position = end.active_bytes;
  found_.lost.back().size = (more ? more->position : now.size) - end.active_bytes;
  return more;
}

Status Surveyor::follow(const Current& now, SegmentSurvey& segment) {
  std::optional<SegmentPlace> at = SegmentPlace{0, segment.base_offset};
  const auto visit = [this](const BatchCursor::Item& item) -> Status {
    take(item);
    return visit_ ? visit_(item) : Status();
  };
  while (at) {
    TRY_ASSIGN(const SegmentScan scan, scan_segment(now.file, *at, now.size, epochs_, evidence_, visit));
    ASSERT(scan.end.active_bytes >= at->position);
    if (scan.end.active_bytes > at->position) {
      segment.stretches.push_back({at->position, scan.end.active_bytes - at->position, at->offset});
    }
    next_ = scan.end.next_offset;
    TRY_ASSIGN(at, go_behind(now, scan, segment));
    if (!at && segment.damaged) next_ = std::max(next_, now.limit);
    if (!at && !segment.damaged) TRY(check_side_files(now, scan, segment));
  }
  return {};
}

// Of a segment that is whole.
Status Surveyor::check_side_files(const Current& now, const SegmentScan& scan, SegmentSurvey& segment) {
  ASSERT(!segment.damaged);
  if (is_journal()) return {};
  const std::string seal_path = segment_path(found_.folder, segment.base_offset, "seal");
  const bool has_seal = fs_.info(seal_path).has_value();
  const bool fits = now.seal && now.seal->size_bytes == now.size &&
                    now.seal->next_offset == scan.end.next_offset && now.seal->crc == scan.end.active_crc &&
                    (now.seal->compacted.generation > 0) == scan.compacted;
  segment.bad_seal = (has_seal || !now.last) && !fits;
  if (segment.bad_seal && !has_seal) {
    found_.start_mends.push_back("the seal of the finished segment '" + now.path + "' is made again");
    segment.bad_seal = false;
  }
  if (!has_seal && now.last) return {};  // its index files are written when it is finished
  if (!index_files_fit(fs_, found_.folder, segment.base_offset, scan.index)) segment.index = scan.index;
  return {};
}

Status Surveyor::survey_segment(int64_t base, int64_t next_base) {
  ASSERT(base >= 0);
  const int64_t expected = next_ < 0 ? base : gaps_.skip(next_);
  if (expected > base) {
    found_.hopeless.push_back("'" + segment_path(found_.folder, base, "log") + "' begins at offset " +
                              std::to_string(base) + ", and the segment before it ends only before " +
                              std::to_string(expected));
    return {};
  }
  if (expected < base) lose(expected, base, found_.folder, "a segment is missing");
  Current now;
  TRY(open(base, next_base, now));
  SegmentSurvey segment;
  segment.base_offset = base;
  segment.compaction_failed = now.compaction_failed;
  TRY(follow(now, segment));
  found_.segments.push_back(std::move(segment));
  return {};
}

Result<PartitionSurvey> Surveyor::run() {
  auto listed = list_segments(fs_, found_.folder);
  if (!listed && listed.error().code != ErrorCode::kNotFound) return fail(listed.error());
  std::vector<int64_t> bases = listed ? *listed : std::vector<int64_t>();
  const auto superfluous = [&](int64_t base) {
    return std::find(place_.passed_over.begin(), place_.passed_over.end(), base) != place_.passed_over.end();
  };
  bases.erase(std::remove_if(bases.begin(), bases.end(), superfluous), bases.end());
  // What retention has removed is nobody's, also if its files are still there.
  const auto oldest = read_oldest(fs_, found_.folder);
  if (!oldest) {
    found_.hopeless.push_back(oldest.error().message + "; restore it from a backup");
    return std::move(found_);
  }
  bases.erase(bases.begin(), std::lower_bound(bases.begin(), bases.end(), oldest->offset));
  TRY(read_epochs(bases));
  if (epochs_.empty()) return std::move(found_);
  // Without a readable table the offsets in it count as lost, and it is made again.
  if (auto gaps = GapTable::read(fs_, gaps_path(found_.folder)); gaps) gaps_ = std::move(*gaps);
  found_.committed_below = std::max(epochs_.current_start(), bases.empty() ? 0 : bases.back());
  found_.epoch = epochs_.current();
  if (!is_journal()) next_ = oldest->offset;
  for (size_t i = 0; i < bases.size(); ++i)
    TRY(survey_segment(bases[i], i + 1 < bases.size() ? bases[i + 1] : -1));
  found_.end = gaps_.skip(std::max<int64_t>(next_, 0));
  const int64_t promised = std::max(evidence_.synced_below, epochs_.current_start());
  if (promised > found_.end) {
    lose(found_.end, promised, found_.folder, "nothing is there");
    found_.end = promised;
  }
  if (found_.uncommitted_from >= 0 && !found_.journal_lost_entries()) {
    found_.start_mends.push_back("outputs from offset " + std::to_string(found_.uncommitted_from) +
                                 " on, of a commit that a crash interrupted, are taken back");
  }
  ASSERT(found_.end >= 0);
  return std::move(found_);
}

}  // namespace

std::string LostRange::describe() const {
  ASSERT(first_offset <= last_offset);
  std::string text = partition_name(stream, partition) + ": offset";
  text += first_offset == last_offset ? " " + std::to_string(first_offset)
                                      : "s " + std::to_string(first_offset) + " to " + std::to_string(last_offset);
  text += " in '" + file + "'";
  if (size > 0) {
    text += ", bytes " + std::to_string(position) + " to " + std::to_string(position + size - 1);
  }
  return text + ": " + what;
}

Result<PartitionSurvey> survey_partition(io::FileSystem& fs, const SurveyPlace& place, const Evidence& evidence,
                                         const BatchVisitor& visit) {
  ASSERT(!place.folder.empty());
  return Surveyor(fs, place, evidence, visit).run();
}

}  // namespace colloquium::log
