// StageChain: the pure stages of a leg, one after the other, over one batch.
//
// One chain per partition, on the worker that owns it. Stages whose output no later stage reads as a tape do
// not write one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/stage.h"

#include "config/pipeline_config.h"

namespace colloquium {
class Clock;
struct ComponentCounters;
}  // namespace colloquium

namespace colloquium::engine {

class DeadLetterTally;

class StageChain {
 public:
  struct Link {
    std::string name;
    std::unique_ptr<PureStage> stage;
    ComponentCounters* counters = nullptr;  // these outlive the chain and may be null
    DeadLetterTally* letters = nullptr;
    config::FailureAction then = config::FailureAction::kDeadLetter;
    std::string to;  // with kDeadLetter: the pipeline that gets the event instead; empty: none
  };

  // `tape_wanted_after`: whether whoever comes after the last stage reads its tape.
  StageChain(std::vector<Link> links, bool tape_wanted_after, const Clock& clock);

  // The result of `input`; dead letters of its failed events are appended to `dead`, with the event as it
  // entered the chain, so that a replay starts from the beginning. Null: another run of the same batch keeps and
  // counts them.
  std::shared_ptr<const Batch> run(std::shared_ptr<const Batch> input, BatchBuilder* dead);

  // Set once an event failed in a stage where that is to stop the pipeline: what run() gave then is not to be
  // used.
  const std::optional<Error>& stopped() const { return stopped_; }

  bool empty() const { return links_.empty(); }

 private:
  std::shared_ptr<const Batch> run_link(Link& link, const std::shared_ptr<const Batch>& input,
                                        const Batch& entered, BatchBuilder* dead);
  void give_up(const Link& link, const Batch& input, const Batch& entered, BatchBuilder* dead);

  std::vector<Link> links_;
  const Clock* clock_;                    // a pointer, for the same reason as the next
  std::unique_ptr<BatchBuilder> output_;  // behind a pointer, so that a chain can be moved
  std::vector<FailedEvent> failed_;
  std::optional<Error> stopped_;
};

}  // namespace colloquium::engine
