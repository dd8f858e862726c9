#include "log/lost_keys.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "log/layout.h"

namespace colloquium::log {

void LostKeys::see(const BatchCursor::Item& item) {
  const BatchHeader& header = item.header;
  // A segment begins at its file's first byte, so a stretch never runs over from one into the next.
  const bool begins =
      seen_.empty() || item.position == 0 || seen_.rbegin()->second.next_offset != header.base_offset;
  if (begins) seen_[header.base_offset].first_ms = header.max_timestamp_ms;
  Batches& batches = seen_.rbegin()->second;
  batches.next_offset = header.last_offset() + 1;
  batches.last_ms = header.max_timestamp_ms;
  batches.encrypted = batches.encrypted || header.is_encrypted();
  ASSERT(batches.next_offset > header.base_offset);
}

// Why the batches of a segment can't be read; empty if they can, or could with a key that was not given.
Result<std::string> LostKeys::defect_of(int64_t base, bool encrypted) const {
  const SegmentName name{folder_, partition_, base};
  const auto stored = find_stored_key(fs_, name);
  if (!stored && stored.error().code != ErrorCode::kCorrupt) return fail(stored.error());
  if (!stored) return stored.error().message;
  if (!*stored) return std::string(encrypted ? "it is encrypted, and its key file is not there" : "");
  ASSERT((*stored)->base_offset == base);
  if (keys_ == nullptr || !keys_->has((*stored)->kek_id)) return std::string();
  const auto key = open_stored_key(keys_, name, **stored);
  return key ? std::string() : key.error().message;
}

LostKeys::Batches LostKeys::in_segment(int64_t base, int64_t next_base) const {
  ASSERT(base < next_base);
  Batches all;
  for (auto at = seen_.lower_bound(base); at != seen_.end() && at->first < next_base; ++at) {
    if (all.first_ms < 0) all.first_ms = at->second.first_ms;
    all.last_ms = at->second.last_ms;
    all.next_offset = at->second.next_offset;
    all.encrypted = all.encrypted || at->second.encrypted;
  }
  return all;
}

void LostKeys::give_up(PartitionSurvey& survey, SegmentSurvey& segment, const Batches& batches,
                       std::string what) const {
  const int64_t base = segment.base_offset;
  segment.damaged = true;
  segment.stretches.clear();
  segment.bad_seal = false;
  segment.index.reset();
  LostRange range;
  range.stream = survey.stream;
  range.partition = survey.partition;
  range.first_offset = base;
  range.last_offset = batches.next_offset - 1;
  range.file = segment_path(folder_, base, "log");
  if (const auto info = fs_.info(range.file)) range.size = info->size;
  range.what = std::move(what);
  // What else is damaged of it goes with it.
  std::erase_if(survey.lost, [&](const LostRange& other) {
    if (other.file != range.file) return false;
    range.last_offset = std::max(range.last_offset, other.last_offset);
    return true;
  });
  if (range.last_offset < base) return;  // it is empty
  const auto behind = seen_.upper_bound(range.last_offset);
  const auto here = seen_.lower_bound(base);
  if (here != seen_.begin()) range.after_ms = std::prev(here)->second.last_ms;
  if (behind != seen_.end()) range.before_ms = behind->second.first_ms;
  ASSERT(range.first_offset <= range.last_offset);
  survey.lost.push_back(std::move(range));
}

Status LostKeys::judge(PartitionSurvey& survey) const {
  ASSERT(!survey.stream.empty());
  for (size_t i = 0; i < survey.segments.size(); ++i) {
    SegmentSurvey& segment = survey.segments[i];
    const int64_t next_base =
        i + 1 < survey.segments.size() ? survey.segments[i + 1].base_offset : std::numeric_limits<int64_t>::max();
    const Batches batches = in_segment(segment.base_offset, next_base);
    TRY_ASSIGN(std::string what, defect_of(segment.base_offset, batches.encrypted));
    if (!what.empty()) give_up(survey, segment, batches, std::move(what));
  }
  std::sort(survey.lost.begin(), survey.lost.end(),
            [](const LostRange& a, const LostRange& b) { return a.first_offset < b.first_offset; });
  return {};
}

}  // namespace colloquium::log
