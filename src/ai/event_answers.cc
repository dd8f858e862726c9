#include "ai/event_answers.h"

#include <algorithm>
#include <tuple>

#include "base/assert.h"

namespace colloquium::ai {

bool EventAnswers::is_settled(const std::string& who, const AiEvent& event) const {
  const auto lane = lanes_.find({who, event.partition});
  return lane != lanes_.end() && event.offset < lane->second.settled;
}

void EventAnswers::add(const io::Digest128& key, const std::string& who, const AiEvent& event,
                       const Found& found) {
  Lane& lane = lanes_[{who, event.partition}];
  if (event.offset < lane.settled) return;
  const auto [at, is_new] = found_.try_emplace(key, found);
  // The end of a lost attempt may be written behind the answer of the next one.
  if (!is_new && found.unknown && !at->second.unknown) return;
  if (is_new) {
    lane.keys.emplace(event.offset, key);
  } else {
    offsets_.erase(at->second.offset);
    at->second = found;
  }
  const bool added = offsets_.insert(found.offset).second;
  ASSERT_WHY(added, "a record belongs to one event");
}

std::optional<EventAnswers::Found> EventAnswers::find(const io::Digest128& key) const {
  const auto at = found_.find(key);
  return at == found_.end() ? std::nullopt : std::optional(at->second);
}

void EventAnswers::settle(const std::string& who, const std::string& partition, int64_t offset) {
  Lane& lane = lanes_[{who, partition}];
  if (offset <= lane.settled) return;
  lane.settled = offset;
  const auto end = lane.keys.lower_bound(offset);
  for (auto at = lane.keys.begin(); at != end; ++at) {
    const auto found = found_.find(at->second);
    ASSERT(found != found_.end());
    offsets_.erase(found->second.offset);
    found_.erase(found);
  }
  lane.keys.erase(lane.keys.begin(), end);
}

std::optional<int64_t> EventAnswers::lowest() const {
  return offsets_.empty() ? std::nullopt : std::optional(*offsets_.begin());
}

void AnswerIndex::sort() {
  const auto order = [](const Row& row) { return std::tie(row.key, row.offset); };
  std::sort(rows_.begin(), rows_.end(), [&](const Row& a, const Row& b) { return order(a) < order(b); });
  size_t kept = 0;
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (i + 1 < rows_.size() && rows_[i + 1].key == rows_[i].key) continue;
    rows_[kept++] = rows_[i];
  }
  rows_.resize(kept);
  rows_.shrink_to_fit();
}

std::optional<int64_t> AnswerIndex::find(const io::Digest128& key) const {
  const auto at = std::lower_bound(rows_.begin(), rows_.end(), key,
                                   [](const Row& row, const io::Digest128& wanted) { return row.key < wanted; });
  return at == rows_.end() || at->key != key ? std::nullopt : std::optional(at->offset);
}

}  // namespace colloquium::ai
