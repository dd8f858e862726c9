#include "tests/sim/table.h"

#include <algorithm>

namespace colloquium::sim {
namespace {

constexpr int64_t kFirstTimeMs = 1'500'000'000'000;
constexpr int kKeys = 5;

// −1: none.
int key_of(int number) {
  return number % 17 == 3 ? -1 : static_cast<int>(static_cast<int64_t>(number) * number * 31 % 101) % kKeys;
}

bool is_tombstone(int number) {
  return number % 13 == 7 && key_of(number) >= 0;
}

std::string value_of(int number) {
  std::string value = "[" + std::to_string(number) + ",\"";
  value.append(static_cast<size_t>(number) * 7919 % 61, static_cast<char>('a' + number % 26));
  return value + "\"]";
}

}  // namespace

Table::Put Table::put(int count, log::AckLevel level) {
  const Put put{static_cast<int>(events_.size()), count, level};
  events_.resize(events_.size() + static_cast<size_t>(count), Event{.queued = level == log::AckLevel::kQueued});
  return put;
}

std::shared_ptr<const Batch> Table::make_batch(const Put& put) const {
  BatchBuilder builder;
  for (int i = 0; i < put.count; ++i) {
    const int number = put.first + i;
    const std::string key = "k" + std::to_string(key_of(number));
    EventMeta meta;
    if (key_of(number) >= 0) meta.key = key;
    meta.timestamp_ms = kFirstTimeMs + number;
    meta.offset_delta = static_cast<uint32_t>(i);
    if (is_tombstone(number)) {
      builder.add_tombstone(meta);
    } else {
      builder.add(value_of(number), {}, meta);
    }
  }
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

std::string Table::told(const Put& put, const Result<log::AppendResult>& result) {
  for (int i = 0; i < put.count; ++i) {
    events_[static_cast<size_t>(put.first + i)].refused = !result;
  }
  if (!result || put.level == log::AckLevel::kQueued) return {};
  if (result->last_offset - result->first_offset + 1 != put.count) return "an acknowledgement of another size";
  for (int i = 0; i < put.count; ++i) {
    Event& event = events_[static_cast<size_t>(put.first + i)];
    if (event.fate == Fate::kGone) return "acknowledged although it was lost";
    event.fate = put.level == log::AckLevel::kDurable ? Fate::kPromised : std::max(event.fate, Fate::kWritten);
    event.offset = result->first_offset + i;
  }
  if (put.level == log::AckLevel::kDurable) acknowledged_ += static_cast<uint64_t>(put.count);
  return {};
}

void Table::power_lost() {
  for (Event& event : events_) {
    if (event.fate != Fate::kWritten) continue;
    event.fate = Fate::kOpen;
    event.offset = -1;
  }
}

std::string Table::take(const Batch& batch, size_t i, Found& found) const {
  const int64_t number_found = batch.entry(i).timestamp_ms - kFirstTimeMs;
  const std::string at = "table offset " + std::to_string(batch.offset(i));
  if (number_found < 0 || number_found >= static_cast<int64_t>(events_.size())) return at + ": nobody put this";
  const int number = static_cast<int>(number_found);
  if (!found.empty() && found.rbegin()->first >= number) return at + ": out of order, or twice";
  const auto key = batch.key(i);
  const std::string right_key = key_of(number) < 0 ? "" : "k" + std::to_string(key_of(number));
  if (key.value_or("") != right_key || key.has_value() != !right_key.empty()) return at + ": another key";
  if (batch.is_tombstone(i) != is_tombstone(number)) return at + ": a value became a tombstone, or one a value";
  if (!is_tombstone(number) && batch.value(i) != value_of(number)) return at + ": another value";
  if (batch.origin().source != "table source") return at + ": another source";
  const Event& event = events_[static_cast<size_t>(number)];
  if (event.fate == Fate::kGone) return at + ": it was lost or replaced, and is back";
  if (event.offset >= 0 && event.offset != batch.offset(i)) return at + ": it stood elsewhere";
  found[number] = batch.offset(i);
  return {};
}

// By a newer one that is there, or by a tombstone that was there long enough.
bool Table::replaced(int number, const Found& found) const {
  if (key_of(number) < 0) return false;
  for (int newer = number + 1; newer < static_cast<int>(events_.size()); ++newer) {
    if (key_of(newer) != key_of(number)) continue;
    const Event& event = events_[static_cast<size_t>(newer)];
    if (found.count(newer) != 0 || (is_tombstone(newer) && (event.was_there || event.may_have_been))) return true;
  }
  return false;
}

std::string Table::check_event(int number, const Found& found, const Allowance& allowance) {
  Event& event = events_[static_cast<size_t>(number)];
  const auto there = found.find(number);
  const bool promised = event.fate == Fate::kPromised || event.fate == Fate::kWritten;
  if (promised) ++promises_checked_;
  const bool excused = allowance.table_hit && event.offset >= allowance.table_from && there == found.end();
  if (there == found.end() && promised && !replaced(number, found)) {
    const bool deleted_itself = is_tombstone(number) && event.fate == Fate::kPromised;
    if (!deleted_itself && !excused) return "table: event " + std::to_string(number) + " is lost";
    if (excused) ++excused_;
  }
  // It was promised to nobody, but what was put behind it is there: so it was, and went when its time was over;
  // unless it was only queued, for then a full disk may have taken it, and nobody was told.
  event.may_have_been = !promised && there == found.end() && is_tombstone(number) && event.fate == Fate::kOpen &&
                        !event.refused && !found.empty() && found.rbegin()->first > number;
  if (promised && is_tombstone(number)) event.was_there = !excused;
  if (event.may_have_been && !event.queued && !allowance.table_hit) event.was_there = true;
  // A tombstone that is gone has left nothing of what it deleted.
  if (there == found.end() && event.was_there) {
    for (const auto& [older, offset] : found) {
      const bool back = older < number && key_of(older) == key_of(number);
      if (back) return "table: event " + std::to_string(older) + " is back, its tombstone gone";
    }
  }
  event.fate = there != found.end() ? Fate::kPromised : Fate::kGone;
  if (there != found.end()) event.offset = there->second;
  return {};
}

std::string Table::check(log::SegmentLog& log, log::StreamId id, const Allowance& allowance) {
  auto reader = log.read(id, 0, 0, false);
  if (!reader) return reader.error().describe();
  Found found;
  for (;;) {
    const auto batch = (*reader)->next();
    if (!batch && allowance.table_hit && batch.error().code == ErrorCode::kCorrupt) {
      unreadable_ = true;
      return {};
    }
    if (!batch) return batch.error().describe();
    if (*batch == nullptr) break;
    for (size_t i = 0; i < (*batch)->size(); ++i) {
      if (std::string wrong = take(**batch, i, found); !wrong.empty()) return wrong;
    }
  }
  for (int number = static_cast<int>(events_.size()) - 1; number >= 0; --number) {
    if (std::string wrong = check_event(number, found, allowance); !wrong.empty()) return wrong;
  }
  return {};
}

}  // namespace colloquium::sim
