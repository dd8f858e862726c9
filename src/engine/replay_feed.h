// ReplayFeed: a part of a partition, from its first event to a fixed end, at a pace.
//
// Thread safety: as Feed; stop() and the counts on any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>

#include "colloquium/clock.h"

#include "engine/feed.h"
#include "engine/replay.h"

namespace colloquium::engine {

class ReplayFeed final : public Feed {
 public:
  // `pace` may be null.
  ReplayFeed(std::unique_ptr<log::Reader> reader, ReplaySpan span, std::shared_ptr<ReplayPace> pace,
             const Clock& clock);
  ~ReplayFeed() override;

  // Runs on the worker when read() gave nothing because it is too early: read again after so long. Set before the
  // first read.
  void set_wake_in(std::function<void(int64_t wait_ms)> wake_in) { wake_in_ = std::move(wake_in); }

  // Nothing more is read, as if the part ended here. Wake the runner afterwards.
  void stop() { stopped_ = true; }

  // Events read so far, each once, and the offset behind the last.
  uint64_t events() const { return events_; }
  int64_t position() const { return position_; }

  Result<std::optional<FeedItem>> read(int64_t sequence) override;
  void release_below(int64_t) override {}
  int64_t first_sequence() const override { return span_.from; }
  bool ended() const override { return !too_early_; }

 private:
  Result<std::shared_ptr<const Batch>> batch_at(int64_t sequence);
  void hold(int64_t from, std::shared_ptr<const Batch> batch);
  // How many of the events may be given: those that were given before, and what the pace grants.
  size_t due(const Batch& batch);

  // Constant.
  const ReplaySpan span_;
  const std::shared_ptr<ReplayPace> pace_;
  const Clock& clock_;
  std::function<void(int64_t)> wake_in_;

  // Any thread.
  std::atomic<bool> stopped_{false};
  std::atomic<uint64_t> events_{0};
  std::atomic<int64_t> position_;

  // Worker only.
  std::unique_ptr<log::Reader> reader_;
  std::shared_ptr<const Batch> held_;  // read, and not due yet; the first one from held_from_ on
  int64_t held_from_ = 0;
  int64_t after_last_ = INT64_MAX;  // behind the last event that was read
  bool too_early_ = false;          // why the last read() gave nothing
};

}  // namespace colloquium::engine
