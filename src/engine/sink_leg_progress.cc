// SinkLeg with a sink that keeps its leg's progress in its peer: what is asked of it first, and told to it later.
#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/sink_leg.h"
#include "engine/sink_leg_lane.h"

namespace colloquium::engine {

void SinkLeg::begin_recovery() {
  ASSERT(!sink_->has_token());
  holding_ = true;
  std::vector<std::string> partitions;
  for (const CommitPartition& partition : options_.partitions) partitions.push_back(partition.id);
  sink_->progress()->recover(
      options_.commit_name, std::move(partitions),
      [this](Result<std::vector<SinkProgress>> progress) { recovered(std::move(progress)); });
}

void SinkLeg::recovered(Result<std::vector<SinkProgress>> progress) {
  LOOP_ASSERT(loop_);
  if (closing_) return;
  ASSERT(holding_);
  if (!progress) return fail(std::move(progress).error());
  for (SinkProgress& known : *progress) recovered_[known.partition] = std::move(known);
  holding_ = false;
  pump_all();
}

// What the peer has already is done; what was given up is again, as its envelope went with the commit that is not
// there.
std::shared_ptr<const Batch> SinkLeg::unwritten(Lane& lane, const std::shared_ptr<const Batch>& batch) {
  if (recovered_.empty() || batch->empty()) return batch;
  const auto recovered = recovered_.find(partition_id(batch->origin()));
  if (recovered == recovered_.end() || batch->offset(0) >= recovered->second.next) return batch;
  const SinkProgress& known = recovered->second;
  lane.rest = batch;
  BatchBuilder left;
  for (size_t i = 0; i < batch->size(); ++i) {
    const int64_t offset = batch->offset(i);
    if (offset >= known.next) {
      left.keep(*batch, i);
      continue;
    }
    // An event that is to stop the leg was not given up by it; the sink is asked again.
    const auto given_up = std::find_if(known.given_up.begin(), known.given_up.end(),
                                       [offset](const auto& event) { return event.offset == offset; });
    if (given_up != known.given_up.end() && options_.then == config::FailureAction::kStop) {
      left.keep(*batch, i);
    } else if (given_up != known.given_up.end()) {
      // If it is to stop the leg now, it is left, and the sink refuses it again.
      if (!give_up(lane, i, Error{ErrorCode::kInvalidInput, given_up->error, false, {}}, 1)) left.keep(*batch, i);
    }
  }
  return left.seal(batch->shared_origin(), batch->base_offset());
}

void SinkLeg::tell_keeper(const Lane& lane, size_t event, const Error& error) {
  ProgressKeeper* const keeper = sink_->progress();
  if (keeper == nullptr) return;
  keeper->gave_up(partition_id(lane.rest->origin()), lane.rest->offset(event), error.message);
}

void SinkLeg::tell_settled(const std::string& partition, int64_t position) {
  ProgressKeeper* const keeper = closing_ ? nullptr : sink_->progress();
  if (keeper != nullptr) keeper->settled(partition, position);
}

}  // namespace colloquium::engine
