#include "base/write_queue.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace colloquium {

void WriteGroup::answer() {
  ASSERT(writes.size() == done_.size());
  // What the engine gave may come back and write again.
  std::vector<SinkWrite> answered = std::exchange(writes, {});
  std::vector<WriteDone> done = std::exchange(done_, {});
  for (size_t i = 0; i < answered.size(); ++i) {
    std::vector<EventOutcome>& outcomes = answered[i].outcomes;
    ASSERT(outcomes.empty() || outcomes.size() == answered[i].batch->size());
    const bool all_ok = std::all_of(outcomes.begin(), outcomes.end(),
                                    [](const EventOutcome& one) { return one.outcome == Outcome::kOk; });
    if (all_ok) outcomes.clear();
    done[i](std::move(outcomes));
  }
}

void WriteGroup::refuse(const Error& error) {
  for (SinkWrite& write : writes) {
    write.outcomes.assign(write.batch->size(), {.outcome = Outcome::kRetry, .error = error});
  }
  answer();
}

void WriteQueue::push(std::shared_ptr<const Batch> batch, WriteDone done) {
  ASSERT(batch != nullptr && done);
  waiting_.push_back({std::move(batch), std::move(done)});
}

WriteGroup WriteQueue::take(size_t bytes_max) {
  WriteGroup group;
  size_t bytes = 0;
  while (!waiting_.empty() && (group.empty() || bytes + waiting_.front().batch->payload_bytes() <= bytes_max)) {
    bytes += waiting_.front().batch->payload_bytes();
    group.writes.push_back({std::move(waiting_.front().batch), {}});
    group.done_.push_back(std::move(waiting_.front().done));
    waiting_.pop_front();
  }
  return group;
}

void WriteQueue::put_back(WriteGroup group) {
  for (; !group.writes.empty(); group.writes.pop_back(), group.done_.pop_back()) {
    waiting_.push_front({std::move(group.writes.back().batch), std::move(group.done_.back())});
  }
}

void WriteQueue::refuse(const Error& error) {
  WriteGroup all;
  for (Waiting& one : std::exchange(waiting_, {})) {
    all.writes.push_back({std::move(one.batch), {}});
    all.done_.push_back(std::move(one.done));
  }
  all.refuse(error);
}

}  // namespace colloquium
