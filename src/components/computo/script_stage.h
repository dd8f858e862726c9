// The stages `computo` and `filter`.
//
// Both run one script per event. An event whose script fails is reported and has no result; whatever the
// script had written by then is dropped.
//
// Thread safety: a stage belongs to one worker; the compiled script is shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/stage.h"

#include "computo/event_evaluator.h"

namespace colloquium::components {

const Descriptor& computo_stage();
const Descriptor& filter_stage();

enum class Emit { kOne, kEach };

// What the script gives takes the event's place.
class ComputoStage final : public PureStage {
 public:
  ComputoStage(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context, Emit emit);

  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override;
  bool needs_tape() const override { return true; }
  void set_output_tape(bool wanted) override { tape_wanted_ = wanted; }

 private:
  // Each gives what the event came to: nothing wrong, or why it failed.
  using Outcome = std::optional<Error>;
  Outcome run_event(const Batch& input, size_t i, BatchBuilder& output);
  Outcome write_elements(const Batch& input, size_t i, BatchBuilder& output);
  template <class Write>
  Outcome write_value(const Batch& input, size_t i, BatchBuilder& output, Write write);

  computo::EventEvaluator evaluator_;
  const Emit emit_;
  bool tape_wanted_ = false;
  uint32_t ordinal_ = 0;  // of the next output of the accepted event at hand
};

// The event stays, unchanged, if what the expression gives is truthy.
class FilterStage final : public PureStage {
 public:
  FilterStage(computo::ProgramPtr program, std::shared_ptr<const computo::HostContext> context);

  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override;
  bool needs_tape() const override { return true; }
  void set_output_tape(bool) override {}  // kept events keep their tape

 private:
  computo::EventEvaluator evaluator_;
};

}  // namespace colloquium::components
