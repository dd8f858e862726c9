#include "engine/replay_feed.h"

#include <algorithm>

#include "base/assert.h"
#include "engine/replay_pace.h"
#include "log/log.h"

namespace colloquium::engine {

namespace {

// How many of the events stand below `offset`.
size_t count_below(const Batch& batch, int64_t offset) {
  const auto entries = batch.entries();
  const auto it = std::partition_point(entries.begin(), entries.end(), [&](const BatchEntry& entry) {
    return batch.base_offset() + entry.offset_delta < offset;
  });
  return static_cast<size_t>(it - entries.begin());
}

std::shared_ptr<const Batch> head(const std::shared_ptr<const Batch>& batch, size_t count) {
  if (count == batch->size()) return batch;
  BatchBuilder builder;
  for (size_t i = 0; i < count; ++i) builder.keep(*batch, i);
  return builder.seal(batch->shared_origin(), batch->base_offset());
}

}  // namespace

ReplayFeed::ReplayFeed(std::unique_ptr<log::Reader> reader, ReplaySpan span, std::shared_ptr<ReplayPace> pace,
                       const Clock& clock)
    : span_(span), pace_(std::move(pace)), clock_(clock), position_(span.from), reader_(std::move(reader)) {
  ASSERT(reader_ != nullptr);
}
ReplayFeed::~ReplayFeed() = default;

Result<std::optional<FeedItem>> ReplayFeed::read(int64_t sequence) {
  too_early_ = false;
  if (stopped_ || sequence >= span_.to) return std::optional<FeedItem>();
  TRY_ASSIGN(const auto batch, batch_at(sequence));
  if (batch == nullptr) return std::optional<FeedItem>();
  const size_t count = due(*batch);
  const int64_t next = count == 0 ? sequence : batch->offset(count - 1) + 1;
  // What is not due yet would else be read from the disk and unpacked at every look.
  if (count < batch->size()) hold(next, count == 0 ? batch : batch->tail(count));
  if (count == 0) return std::optional<FeedItem>();
  FeedItem item;
  item.batch = head(batch, count);
  item.next_sequence = item.next_position = next;
  if (item.next_position > position_) {
    events_ += count - count_below(*batch, position_);
    position_ = item.next_position;
  }
  return std::optional<FeedItem>(std::move(item));
}

// The batch that begins at the first event at or after `sequence`, cut at the part's end; null if there is none.
Result<std::shared_ptr<const Batch>> ReplayFeed::batch_at(int64_t sequence) {
  if (held_ != nullptr && held_from_ <= sequence && sequence <= held_->offset(0)) return held_;
  held_ = nullptr;
  // Between the last event and where the reader stands compaction may have taken some out.
  const int64_t stands_at = reader_->offset();
  const bool follows = stands_at == sequence || (after_last_ <= sequence && sequence <= stands_at);
  if (!follows) reader_->seek(sequence);
  TRY_ASSIGN(const auto batch, reader_->next());
  after_last_ = reader_->offset();
  if (batch == nullptr) return batch;
  ASSERT(!batch->empty());
  after_last_ = batch->offset(batch->size() - 1) + 1;
  const size_t count = count_below(*batch, span_.to);
  if (count == 0) return std::shared_ptr<const Batch>();
  return head(batch, count);
}

void ReplayFeed::hold(int64_t from, std::shared_ptr<const Batch> batch) {
  held_from_ = from;
  held_ = std::move(batch);
}

size_t ReplayFeed::due(const Batch& batch) {
  if (pace_ == nullptr) return batch.size();
  // A leg that lags reads again what the pace has granted to one before it.
  const size_t granted_before = count_below(batch, position_);
  if (granted_before > 0) return granted_before;
  int64_t wait_ms = 0;
  const size_t granted = pace_->grant(batch, clock_.monotonic_ns(), wait_ms);
  if (granted > 0) return granted;
  too_early_ = true;
  wake_in_(wait_ms);
  return 0;
}

}  // namespace colloquium::engine
