#include "engine/leg_join.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace colloquium::engine {

namespace {

bool same_origin(const BatchOrigin& a, const BatchOrigin& b) {
  return &a == &b || (a.stream == b.stream && a.tag == b.tag && a.source == b.source && a.leg == b.leg &&
                      a.partition == b.partition);
}

// Whether the events of `batch` can stand behind those of `first` in one batch.
bool follows(const Batch& first, const Batch& batch) {
  if (!same_origin(first.origin(), batch.origin())) return false;
  const int64_t distance = batch.offset(batch.size() - 1) - first.base_offset();
  return batch.offset(0) >= first.base_offset() && distance <= std::numeric_limits<uint32_t>::max();
}

// How many of the first ones may be joined.
size_t joinable(const std::deque<LegItem>& waiting, const JoinLimits& limits) {
  const Batch* first = nullptr;  // with events
  size_t bytes = 0;
  size_t events = 0;
  size_t count = 0;
  for (; count < waiting.size(); ++count) {
    const LegItem& item = waiting[count];
    if (item.end || item.batch->payload_bytes() > limits.item_bytes) break;
    // Positions and cursors are a part's.
    if (item.part != waiting.front().part) break;
    bytes += item.batch->payload_bytes() + (item.dead == nullptr ? 0 : item.dead->payload_bytes());
    events += item.batch->size();
    if (bytes > limits.bytes || events > limits.events) break;
    if (item.batch->empty()) continue;
    if (first == nullptr) first = item.batch.get();
    if (!follows(*first, *item.batch)) break;
  }
  return count;
}

void keep_all(const Batch& batch, BatchBuilder& to) {
  for (size_t i = 0; i < batch.size(); ++i) to.keep(batch, i);
}

// The events of the first `count` items, each where it stands.
std::shared_ptr<const Batch> join_events(const std::deque<LegItem>& waiting, size_t count) {
  const auto has_events = [](const LegItem& item) { return !item.batch->empty(); };
  const auto end = waiting.begin() + static_cast<std::ptrdiff_t>(count);
  const auto first = std::find_if(waiting.begin(), end, has_events);
  if (first == end) return waiting.front().batch;
  const int64_t base = first->batch->base_offset();
  BatchBuilder builder;
  std::vector<uint32_t> deltas;
  for (auto item = first; item != end; ++item) {
    keep_all(*item->batch, builder);
    for (size_t i = 0; i < item->batch->size(); ++i) {
      deltas.push_back(static_cast<uint32_t>(item->batch->offset(i) - base));
    }
  }
  const auto kept = builder.seal(first->batch->shared_origin(), base);
  std::vector<BatchEntry> entries(kept->entries().begin(), kept->entries().end());
  for (size_t i = 0; i < entries.size(); ++i) entries[i].offset_delta = deltas[i];
  return std::make_shared<const Batch>(kept->body(), std::move(entries), kept->shared_origin(), base);
}

std::shared_ptr<const Batch> join_letters(const std::deque<LegItem>& waiting, size_t count) {
  BatchBuilder builder;
  std::shared_ptr<const BatchOrigin> origin;
  for (size_t i = 0; i < count; ++i) {
    if (waiting[i].dead == nullptr) continue;
    keep_all(*waiting[i].dead, builder);
    origin = waiting[i].dead->shared_origin();
  }
  return origin == nullptr ? nullptr : builder.seal(std::move(origin), 0);
}

}  // namespace

size_t join_front(std::deque<LegItem>& waiting, const JoinLimits& limits) {
  const size_t count = joinable(waiting, limits);
  if (count < 2) return 0;
  LegItem joined;
  joined.partition = waiting.front().partition;
  joined.batch = join_events(waiting, count);
  joined.dead = join_letters(waiting, count);
  joined.next_position = waiting[count - 1].next_position;
  joined.cursor = std::move(waiting[count - 1].cursor);
  joined.part = std::move(waiting[count - 1].part);
  for (size_t i = 0; i < count; ++i) joined.credit_bytes += waiting[i].credit_bytes;
  waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(count - 1));
  waiting.front() = std::move(joined);
  return count - 1;
}

}  // namespace colloquium::engine
