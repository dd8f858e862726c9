#include "log/upkeep.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::log {
namespace {

// Whole segments are removed, so only a small share of what is kept may be in one of them.
constexpr int64_t kSegmentsKept = 8;
constexpr uint64_t kSmallestSegment = uint64_t{1} << 20;
constexpr size_t kTaskCapacity = 256;

}  // namespace

void set_retention(OpenStream& stream, const Retention& retention, uint64_t segment_bytes) {
  ASSERT(retention.time_ms >= 0 && retention.keep_ms >= 0 && !stream.writers.empty());
  stream.retention = retention;
  const int64_t roll_ms = retention.time_ms > 0 ? std::max<int64_t>(1, retention.time_ms / kSegmentsKept) : 0;
  if (retention.size_bytes > 0) {
    const uint64_t share = retention.size_bytes / (kSegmentsKept * stream.writers.size());
    segment_bytes = std::min(segment_bytes, std::max(share, kSmallestSegment));
  }
  for (const auto& writer : stream.writers) writer->set_roll(segment_bytes, roll_ms);
}

Upkeep::Upkeep(Executor& executor, io::FileSystem& fs, Clock& clock, const Journal& journal, int64_t interval_ms,
               Pruner::Tell tell)
    : executor_(executor),
      clock_(clock),
      interval_ms_(interval_ms),
      pruner_(fs, clock, journal, counters_, std::move(tell)),
      queue_(executor.make_queue("log-upkeep", 1, kTaskCapacity)) {
  ASSERT(interval_ms >= 0);
}

bool Upkeep::due() const {
  ASSERT(queue_ != nullptr);
  if (queue_->depth() > 0) return false;  // one that waits for a long one is enough
  return !begun_ || clock_.monotonic_ns() - last_begun_ns_ >= interval_ms_ * 1'000'000;
}

Status Upkeep::begin(const std::vector<KeptStream>& streams, Done done) {
  if (streams.empty() && !done) return {};
  begun_ = true;
  last_begun_ns_ = clock_.monotonic_ns();
  auto pruned = std::make_shared<std::vector<PrunedStream>>();
  Status rolled;
  for (const KeptStream& stream : streams) {
    ASSERT(stream.retention.removes());
    pruned->push_back({stream.name, stream.retention, {}});
    for (PartitionWriter* writer : stream.writers) {
      // What nobody has written to for long has all its events in the segment that is being written.
      const int64_t before_ms = clock_.wall_ms() - stream.retention.time_ms;
      if (rolled && stream.retention.time_ms > 0) rolled = writer->roll_if_before(before_ms);
      pruned->back().partitions.push_back(writer->shared());
    }
  }
  auto shared = std::make_shared<Done>(std::move(done));
  const bool posted = queue_->post([this, pruned, shared] {
    const Status result = failure() ? Status(fail(*failure())) : pruner_.run(*pruned);
    if (!result) {
      const std::lock_guard lock(mutex_);
      failure_ = result.error();
      has_failed_ = true;
    }
    if (*shared) (*shared)(result);
  });
  if (!posted && *shared)
    (*shared)(fail(Error{ErrorCode::kUnavailable, "the log has too much to tidy up already", true}));
  return rolled;
}

void Upkeep::drain() {
  const auto drained = executor_.make_signal();
  const bool posted = queue_->post([drained] { drained->set(); });
  ASSERT_WHY(posted, "few passes wait at a time");
  drained->wait();
}

std::optional<Error> Upkeep::failure() const {
  if (!has_failed_) return std::nullopt;
  const std::lock_guard lock(mutex_);
  ASSERT(failure_.has_value());
  return failure_;
}

}  // namespace colloquium::log
