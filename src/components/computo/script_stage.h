// The stages `computo` and `filter`.
//
// Both run one script per event. An event whose script fails is reported and has no result, unless the stage has
// something to put in its place; whatever the script had written by then is dropped.
//
// Thread safety: a stage belongs to one worker; compiled scripts, context and metrics are shared.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/stage.h"

#include "computo/event_evaluator.h"

namespace colloquium::components {

const Descriptor& computo_stage();
const Descriptor& filter_stage();

enum class Emit { kOne, kEach };

// A script and what it runs with.
struct ScriptSetup {
  computo::ProgramPtr program;
  std::shared_ptr<const computo::HostContext> context;  // may be null
  std::shared_ptr<ScriptMetrics> metrics;               // may be null
  computo::Limits limits;
};

// What the script gives takes the event's place.
class ComputoStage final : public PureStage {
 public:
  // `fallback` runs on events that the script fails on, if it is given: what it gives is then the result. It may
  // read the variable `error`.
  ComputoStage(ScriptSetup script, Emit emit, std::optional<ScriptSetup> fallback = std::nullopt);

  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override;
  bool needs_tape() const override { return true; }
  void set_output_tape(bool wanted) override { tape_wanted_ = wanted; }

 private:
  // Each gives what the event came to: nothing wrong, or why it failed; then nothing is left in the output.
  using Outcome = std::optional<Error>;
  Outcome run_event(const Batch& input, size_t i, BatchBuilder& output);
  Outcome run_script(computo::EventEvaluator& script, const Batch& input, size_t i, BatchBuilder& output);
  Outcome run_fallback(Error first, const Batch& input, size_t i, BatchBuilder& output);
  Outcome write_result(computo::EventEvaluator& script, const Batch& input, size_t i, BatchBuilder& output);
  Outcome write_elements(computo::EventEvaluator& script, const Batch& input, size_t i, BatchBuilder& output);
  template <class Write>
  Outcome write_value(computo::EventEvaluator& script, const Batch& input, size_t i, BatchBuilder& output,
                      Write write);

  computo::EventEvaluator script_;
  std::unique_ptr<computo::EventEvaluator> fallback_;
  std::string error_text_;  // what the fallback sees
  const std::shared_ptr<ScriptMetrics> metrics_;
  const Emit emit_;
  bool tape_wanted_ = false;
  uint32_t ordinal_ = 0;  // of the next output of the accepted event at hand
};

// The event stays, unchanged, if what the expression gives is truthy.
class FilterStage final : public PureStage {
 public:
  explicit FilterStage(ScriptSetup script);

  void run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) override;
  bool needs_tape() const override { return true; }
  void set_output_tape(bool) override {}  // kept events keep their tape

 private:
  computo::EventEvaluator evaluator_;
  const std::shared_ptr<ScriptMetrics> metrics_;
};

}  // namespace colloquium::components
