#include "log/undecoded.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/layout.h"
#include "log/segment_key.h"

namespace colloquium::log {

Undecoded::Undecoded(const io::FileSystem& fs, std::string folder, std::string partition,
                     std::shared_ptr<const KeyRing> keys)
    : fs_(fs),
      folder_(std::move(folder)),
      partition_(std::move(partition)),
      keys_(std::move(keys)),
      decoder_(std::make_unique<BatchDecoder>(std::make_shared<const BatchOrigin>(), nullptr)) {}

Result<Undecoded> Undecoded::begin(const io::FileSystem& fs, std::string folder, std::string partition,
                                   std::shared_ptr<const KeyRing> keys) {
  auto bases = list_segments(fs, folder);
  if (!bases && bases.error().code != ErrorCode::kNotFound) return fail(bases.error());
  Undecoded made(fs, std::move(folder), std::move(partition), std::move(keys));
  if (bases) made.bases_ = std::move(*bases);
  return made;
}

Status Undecoded::enter(int64_t base) {
  ASSERT(base >= 0);
  entered_ = base;
  readable_ = false;
  const SegmentName name{folder_, partition_, base};
  const auto stored = find_stored_key(fs_, name);
  if (!stored) return stored.error().code == ErrorCode::kCorrupt ? Status() : fail(stored.error());
  std::shared_ptr<const SegmentKey> key;
  if (*stored) {
    if (keys_ == nullptr || !keys_->has((*stored)->kek_id)) return {};
    auto opened = open_stored_key(keys_, name, **stored);
    if (!opened) return {};
    key = std::move(*opened);
  }
  opener_.enter(std::move(key));
  readable_ = true;
  return {};
}

// Why a reader would fail at it; empty if it would not.
Result<std::string> Undecoded::defect_of(const BatchCursor::Item& item) {
  ASSERT(readable_ && !item.header.is_control());
  const auto records = opener_.open(item);
  if (!records) return std::string(records.error().message);
  // Compaction has left nothing of it.
  if (item.header.record_count == 0 && records->empty()) return std::string();
  const auto decoded = decoder_->decode(item.header, *records);
  if (decoded) return std::string();
  if (decoded.error().code != ErrorCode::kCorrupt) return fail(decoded.error());
  return std::string(decoded.error().message);
}

Status Undecoded::see(const BatchCursor::Item& item) {
  const int64_t offset = item.header.base_offset;
  const auto behind = std::upper_bound(bases_.begin(), bases_.end(), offset);
  if (behind == bases_.begin()) return {};
  if (*std::prev(behind) != entered_) TRY(enter(*std::prev(behind)));
  std::string defect;
  if (readable_ && !item.header.is_control()) {
    TRY_ASSIGN(defect, defect_of(item));
  }
  if (!defect.empty()) {
    note(item, std::move(defect));
    return {};
  }
  time_ms_ = item.header.max_timestamp_ms;
  for (auto range = ranges_.rbegin(); range != ranges_.rend() && range->before_ms < 0; ++range)
    range->before_ms = time_ms_;
  return {};
}

void Undecoded::note(const BatchCursor::Item& item, std::string what) {
  ASSERT(!what.empty());
  const std::string file = segment_path(folder_, entered_, "log");
  // With a wrong key all of a segment is bad: one loss, not as many as it has batches.
  if (!ranges_.empty()) {
    LostRange& last = ranges_.back();
    if (last.file == file && last.position + last.size == item.position && last.what == what) {
      last.last_offset = item.header.last_offset();
      last.size += item.bytes.size();
      return;
    }
  }
  LostRange range;
  range.first_offset = item.header.base_offset;
  range.last_offset = item.header.last_offset();
  range.file = file;
  range.position = item.position;
  range.size = item.bytes.size();
  range.after_ms = time_ms_;
  range.what = std::move(what);
  ranges_.push_back(std::move(range));
}

// Out of what is left of `segment`; false if it is not among that.
bool Undecoded::cut(SegmentSurvey& segment, const LostRange& range) {
  ASSERT(range.size > 0);
  const uint64_t end = range.position + range.size;
  const auto holds = [&](const Stretch& stretch) {
    return stretch.position <= range.position && end <= stretch.position + stretch.size;
  };
  const auto found = std::find_if(segment.stretches.begin(), segment.stretches.end(), holds);
  if (found == segment.stretches.end()) return false;
  const Stretch front{found->position, range.position - found->position, found->base_offset};
  const Stretch back{end, found->position + found->size - end, range.last_offset + 1};
  auto at = segment.stretches.erase(found);
  if (back.size > 0) at = segment.stretches.insert(at, back);
  if (front.size > 0) segment.stretches.insert(at, front);
  segment.damaged = true;
  segment.bad_seal = false;
  segment.index.reset();
  return true;
}

void Undecoded::judge(PartitionSurvey& survey) {
  ASSERT(!survey.stream.empty());
  for (LostRange& range : std::exchange(ranges_, {})) {
    range.stream = survey.stream;
    range.partition = survey.partition;
    for (SegmentSurvey& segment : survey.segments) {
      if (range.file != segment_path(folder_, segment.base_offset, "log") || !cut(segment, range)) continue;
      survey.lost.push_back(std::move(range));
      break;
    }
  }
  std::sort(survey.lost.begin(), survey.lost.end(),
            [](const LostRange& a, const LostRange& b) { return a.first_offset < b.first_offset; });
}

}  // namespace colloquium::log
