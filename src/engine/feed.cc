#include "engine/feed.h"

#include <algorithm>

#include "base/assert.h"
#include "log/log.h"

namespace colloquium::engine {

namespace {
constexpr int kOvertakenMax = 1000;  // times in a row; nothing but a fault does that
}

LogFeed::LogFeed(std::unique_ptr<log::Reader> reader, int64_t first_offset)
    : reader_(std::move(reader)), first_offset_(first_offset) {}
LogFeed::~LogFeed() = default;

Result<std::optional<FeedItem>> LogFeed::read(int64_t sequence) {
  // Legs that stand apart take turns with one reader; going back costs it a look into the index.
  if (reader_->offset() != sequence) reader_->seek(sequence);
  auto next = reader_->next();
  // Retention, told to drop what is unread, has overtaken the reader; the log has warned of it. It removes segment by
  // segment, so it may be ahead again.
  for (int i = 0; i < kOvertakenMax && !next && next.error().code == ErrorCode::kNotFound; ++i) {
    reader_->seek(reader_->offset());
    next = reader_->next();
  }
  TRY_ASSIGN(auto batch, std::move(next));
  if (batch == nullptr) return std::optional<FeedItem>();
  ASSERT(!batch->empty());
  FeedItem item;
  // Behind what compaction has taken out, too: going there again would cost a look into the index.
  item.next_sequence = item.next_position = reader_->offset();
  ASSERT(item.next_position > batch->offset(batch->size() - 1));
  item.batch = std::move(batch);
  return std::optional<FeedItem>(std::move(item));
}

namespace {
// What an item keeps alive, near enough. Tapes are left out: they shrink and grow with the payload.
size_t cost(const FeedItem& item) {
  constexpr size_t kItemBytes = 256;  // an item without events is bounded too
  return kItemBytes + item.batch->payload_bytes() + item.batch->size() * sizeof(BatchEntry) +
         (item.refused ? item.refused->payload_bytes() : 0);
}
}  // namespace

void QueueFeed::push(FeedItem item) {
  ASSERT(item.batch != nullptr);
  {
    std::lock_guard lock(mutex_);
    item.next_sequence = first_ + static_cast<int64_t>(items_.size()) + 1;
    bytes_ += cost(item);
    items_.push_back(std::move(item));
  }
  wake_();
}

bool QueueFeed::full() const {
  std::lock_guard lock(mutex_);
  return bytes_ >= capacity_bytes_;
}

size_t QueueFeed::depth_bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

uint64_t QueueFeed::waiting_events() const {
  std::lock_guard lock(mutex_);
  uint64_t events = 0;
  for (const FeedItem& item : items_) events += item.batch->size();
  return events;
}

Result<std::optional<FeedItem>> QueueFeed::read(int64_t sequence) {
  std::lock_guard lock(mutex_);
  ASSERT(sequence >= first_);
  const auto index = static_cast<size_t>(sequence - first_);
  if (index >= items_.size()) return std::optional<FeedItem>();
  return std::optional<FeedItem>(items_[index]);
}

void QueueFeed::release_below(int64_t sequence) {
  bool drained = false;
  {
    std::lock_guard lock(mutex_);
    // The door is told once, when the queue stops being full, not at every item.
    const bool was_full = bytes_ >= capacity_bytes_;
    while (first_ < sequence && !items_.empty()) {
      bytes_ -= cost(items_.front());
      items_.pop_front();
      ++first_;
    }
    drained = was_full && bytes_ < capacity_bytes_;
  }
  if (drained) drained_();
}

}  // namespace colloquium::engine
