// Feed: what a leg reads, one item after the other: a partition of the log, or with `log: off` the bounded
// queue between a source and the legs. The worker that owns the partition is the only reader.
//
// Items are numbered by a rising sequence (the log: offsets, with gaps; the queue: a count), so that several
// legs can stand at different places and those that stand at the same place are served by one read.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium::log {
class Log;
class Reader;
}  // namespace colloquium::log

namespace colloquium::engine {

// One batch and what may be committed once all of it is done.
struct FeedItem {
  std::shared_ptr<const Batch> batch;    // may be empty, never null
  std::shared_ptr<const Batch> refused;  // `log: off`: envelopes of events the door refused; may be null
  int64_t next_sequence = 0;
  int64_t next_position = 0;  // the log: the next offset; the queue: the source's position
  std::string cursor;         // the queue: the source's cursor
  std::string part;           // the queue: of the source; position and cursor are its. Empty: the source itself
};

class Feed {
 public:
  virtual ~Feed() = default;

  // The first item at or after `sequence`; nothing if there is none yet. Owning worker only.
  // Several legs ask for the same item when they stand apart, so an item stays until release_below. An error ends
  // the pipeline, as it is the log's and will not go away, but for a retryable one, after which it is asked again.
  virtual Result<std::optional<FeedItem>> read(int64_t sequence) = 0;

  // No leg will read below `sequence` any more. Owning worker only.
  virtual void release_below(int64_t sequence) = 0;

  // Whether the nothing that read() gave last is the end once nobody adds any more, and not a matter of time.
  virtual bool ended() const { return true; }

  // Where a leg without a committed position starts.
  // Constant: what the feed held when the pipeline was built.
  virtual int64_t first_sequence() const = 0;
};

class LogFeed final : public Feed {
 public:
  LogFeed(std::unique_ptr<log::Reader> reader, int64_t first_offset);
  ~LogFeed() override;
  Result<std::optional<FeedItem>> read(int64_t sequence) override;
  void release_below(int64_t) override {}
  int64_t first_sequence() const override { return first_offset_; }

 private:
  // Reads from memory what is new and from disk what is old; the runner cannot tell.
  std::unique_ptr<log::Reader> reader_;
  int64_t first_offset_;
};

// Filled by the door on any thread, read by the worker.
class QueueFeed final : public Feed {
 public:
  explicit QueueFeed(size_t capacity_bytes) : capacity_bytes_(capacity_bytes) {}

  // Runs on the pushing thread after each push. Set before the first push.
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  // Runs on the worker whenever the queue stops being full. Set before the first push.
  void set_drained(std::function<void()> drained) { drained_ = std::move(drained); }

  // Always accepts: whoever pushes asks full() before it takes more from its peer.
  void push(FeedItem item);
  bool full() const;
  size_t depth_bytes() const;
  // Events that some leg has not been given yet.
  uint64_t waiting_events() const;

  Result<std::optional<FeedItem>> read(int64_t sequence) override;
  void release_below(int64_t sequence) override;
  int64_t first_sequence() const override { return 0; }

 private:
  // Soft: from here on the door stops its source, and what it has taken already still comes in.
  const size_t capacity_bytes_;
  std::function<void()> wake_;
  std::function<void()> drained_;
  // Guards what follows. Held for a few pointers' worth of work; neither callback runs under it.
  mutable std::mutex mutex_;
  std::deque<FeedItem> items_;  // items_[i] has the sequence first_ + i
  int64_t first_ = 0;
  size_t bytes_ = 0;
};

}  // namespace colloquium::engine
