#include "log/upkeep.h"

#include <algorithm>
#include <cstdint>

#include "base/assert.h"

namespace colloquium::log {
namespace {

// Whole segments are removed, so only a small share of what is kept may be in one of them.
constexpr int64_t kSegmentsKept = 8;
constexpr uint64_t kSmallestSegment = uint64_t{1} << 20;
constexpr size_t kTaskCapacity = 256;
// A segment's keys are compared once it is finished, and all at once if they can be.
constexpr uint64_t kCompactedSegmentBytes = uint64_t{64} << 20;
// Only finished segments are compacted, so that those of a slow stream have to be finished too.
constexpr int64_t kCompactedSegmentMs = int64_t{24} * 3600 * 1000;

int64_t oldest_unfinished_ms(const Retention& retention, const Compaction& compaction) {
  const int64_t expiry_ms = retention.time_ms > 0 ? retention.time_ms : INT64_MAX;
  return std::min(expiry_ms, compaction.on ? kCompactedSegmentMs : INT64_MAX);
}

}  // namespace

void set_upkeep(OpenStream& stream, const StreamSpec& spec, uint64_t segment_bytes) {
  if (spec.retention) stream.retention = *spec.retention;
  if (spec.compaction) stream.compaction = *spec.compaction;
  if (!spec.retention && !spec.compaction) return;
  const Retention& retention = stream.retention;
  ASSERT(retention.time_ms >= 0 && retention.keep_ms >= 0 && !stream.writers.empty());
  if (stream.compaction.on) segment_bytes = std::min(segment_bytes, kCompactedSegmentBytes);
  int64_t roll_ms = retention.time_ms > 0 ? std::max<int64_t>(1, retention.time_ms / kSegmentsKept) : 0;
  if (stream.compaction.on && (roll_ms == 0 || roll_ms > kCompactedSegmentMs)) roll_ms = kCompactedSegmentMs;
  if (retention.size_bytes > 0) {
    const uint64_t share = retention.size_bytes / (kSegmentsKept * stream.writers.size());
    segment_bytes = std::min(segment_bytes, std::max(share, kSmallestSegment));
  }
  for (const auto& writer : stream.writers) writer->set_roll(segment_bytes, roll_ms);
}

Upkeep::Upkeep(Executor& executor, io::FileSystem& fs, Clock& clock, const Journal& journal, int64_t interval_ms,
               const CompactorOptions& compaction, Pruner::Tell tell, std::function<void(const Error&)> failed)
    : executor_(executor),
      clock_(clock),
      interval_ms_(interval_ms),
      pruner_(fs, clock, journal, counters_, tell),
      compactor_(fs, clock, journal, compaction, compacted_, tell),
      failed_(std::move(failed)),
      queue_(executor.make_queue("log-upkeep", 1, kTaskCapacity)) {
  ASSERT(interval_ms >= 0 && failed_);
}

void Upkeep::stop() {
  stopped_ = true;
  compactor_.stop();
}

Status Upkeep::refusal() const {
  ASSERT(queue_->is_current());
  if (!stopped_) return {};
  return fail(ErrorCode::kCancelled, "the log has failed");
}

Upkeep::~Upkeep() {
  compactor_.stop();
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
  auto pass = std::make_shared<Pass>();
  pass->now = static_cast<bool>(done);
  Status rolled;
  for (const KeptStream& stream : streams) {
    ASSERT(stream.retention.removes() || stream.compaction.on);
    std::vector<std::shared_ptr<Partition>> partitions;
    for (PartitionWriter* writer : stream.writers) {
      // What nobody has written to for long has all its events in the segment that is being written.
      const int64_t age_ms = oldest_unfinished_ms(stream.retention, stream.compaction);
      if (rolled && age_ms < INT64_MAX) rolled = writer->roll_if_older(age_ms, clock_.wall_ms());
      partitions.push_back(writer->shared());
    }
    if (stream.compaction.on) {
      pass->compacted.push_back({stream.name, stream.compaction, stream.retention, partitions});
    }
    if (stream.retention.removes()) pass->pruned.push_back({stream.name, stream.retention, std::move(partitions)});
  }
  auto shared = std::make_shared<Done>(std::move(done));
  const bool posted = queue_->post([this, pass, shared] {
    Status result = refusal();
    if (result) {
      result = run(*pass);
      if (!result) failed_(result.error());
    }
    if (*shared) (*shared)(result);
  });
  if (!posted && *shared)
    (*shared)(fail(Error{ErrorCode::kUnavailable, "the log has too much to tidy up already", true}));
  return rolled;
}

// What is to be removed is not to be compacted before.
Status Upkeep::run(const Pass& pass) {
  ASSERT(queue_->is_current());
  last_pruned_ns_ = clock_.monotonic_ns();
  TRY(pruner_.run(pass.pruned));
  TRY_ASSIGN(const bool replaced,
             compactor_.run(pass.compacted, pass.now, [this, &pass] { return prune_again(pass); }));
  if (replaced) pruner_.forget_seals();
  return {};
}

// Comparing a large stream takes long, and the disk fills meanwhile.
Status Upkeep::prune_again(const Pass& pass) {
  ASSERT(queue_->is_current());
  if (clock_.monotonic_ns() - last_pruned_ns_ < interval_ms_ * 1'000'000) return {};
  last_pruned_ns_ = clock_.monotonic_ns();
  pruner_.forget_seals();
  return pruner_.run(pass.pruned);
}

void Upkeep::drain() {
  compactor_.stop();
  const auto drained = executor_.make_signal();
  const bool posted = queue_->post([drained] { drained->set(); });
  ASSERT_WHY(posted, "few passes wait at a time");
  drained->wait();
}

}  // namespace colloquium::log
