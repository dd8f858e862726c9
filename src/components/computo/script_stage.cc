#include "components/computo/script_stage.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::components {

namespace {

// The offsets of a batch are 32 bits; what a few thousand small events can be blown up to is stopped well below.
constexpr size_t kMaxOutputBytes = size_t{1} << 30;

// What the fallback reads about the failure.
constexpr std::string_view kErrorVariable = "error";

// Once for each accepted event: an earlier stage of the leg may have made several events of it, and ordinals run
// on through all of them, so that ids stay distinct.
bool begins_event(const Batch& input, size_t i) {
  return i == 0 || input.entry(i).offset_delta != input.entry(i - 1).offset_delta;
}

}  // namespace

ComputoStage::ComputoStage(ScriptSetup script, Emit emit, std::optional<ScriptSetup> fallback)
    : script_(std::move(script.program), std::move(script.context), script.limits),
      metrics_(std::move(script.metrics)),
      emit_(emit) {
  if (!fallback) return;
  fallback_ = std::make_unique<computo::EventEvaluator>(std::move(fallback->program), std::move(fallback->context),
                                                        fallback->limits);
}

template <class Write>
ComputoStage::Outcome ComputoStage::write_value(computo::EventEvaluator& script, const Batch& input, size_t i,
                                                BatchBuilder& output, Write write) {
  output.begin_value();
  if (!write(output.bytes(), tape_wanted_ ? &output.tokens() : nullptr)) {
    output.abandon();
    return script.failure();
  }
  if (output.byte_size() > kMaxOutputBytes) {
    output.abandon();
    return Error{ErrorCode::kLimit, "the results of one batch of events are more than 1 GiB", false, {}};
  }
  output.finish_from(input, i, ordinal_++);
  return std::nullopt;
}

ComputoStage::Outcome ComputoStage::write_elements(computo::EventEvaluator& script, const Batch& input, size_t i,
                                                   BatchBuilder& output) {
  computo::Evaluator& evaluator = script.evaluator();
  const size_t count = evaluator.array_size();
  for (size_t element = 0; element < count; ++element) {
    if (evaluator.is_element_null(element)) continue;
    Outcome outcome =
        write_value(script, input, i, output, [&](std::vector<char>& bytes, std::vector<TapeToken>* tape) {
          return evaluator.write_element(element, bytes, tape);
        });
    if (outcome) return outcome;
  }
  return std::nullopt;
}

ComputoStage::Outcome ComputoStage::write_result(computo::EventEvaluator& script, const Batch& input, size_t i,
                                                 BatchBuilder& output) {
  computo::Evaluator& evaluator = script.evaluator();
  if (evaluator.is_null()) return std::nullopt;
  if (emit_ == Emit::kEach && evaluator.is_array()) return write_elements(script, input, i, output);
  return write_value(script, input, i, output, [&](std::vector<char>& bytes, std::vector<TapeToken>* tape) {
    return evaluator.write(bytes, tape);
  });
}

// All of an event's results or, if one of them cannot be written, none; and only then what it wants counted.
ComputoStage::Outcome ComputoStage::run_script(computo::EventEvaluator& script, const Batch& input, size_t i,
                                               BatchBuilder& output) {
  if (!script.evaluate(input, i)) return script.failure();
  const size_t before = output.size();
  Outcome outcome = write_result(script, input, i, output);
  if (!outcome) {
    if (Status counted = computo::apply_effects(script.evaluator(), metrics_.get()); !counted) {
      outcome = counted.error();
    }
  }
  if (outcome) output.truncate(before);
  return outcome;
}

ComputoStage::Outcome ComputoStage::run_fallback(Error first, const Batch& input, size_t i, BatchBuilder& output) {
  ASSERT(fallback_ != nullptr);
  fallback_->bind(kErrorVariable, computo::error_json(script_.evaluator().error()));
  Outcome second = run_script(*fallback_, input, i, output);
  if (second) second->message = first.message + " Then its fallback failed: " + second->message;
  return second;
}

ComputoStage::Outcome ComputoStage::run_event(const Batch& input, size_t i, BatchBuilder& output) {
  Outcome outcome = run_script(script_, input, i, output);
  // Only what the script itself did wrong is made good; a batch that grew too large would only grow more.
  const bool by_script = outcome && script_.failed();
  if (by_script && fallback_ != nullptr) return run_fallback(std::move(*outcome), input, i, output);
  return outcome;
}

void ComputoStage::run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) {
  for (size_t i = 0; i < input.size(); ++i) {
    if (begins_event(input, i)) ordinal_ = 0;
    if (Outcome outcome = run_event(input, i, output)) failed.push_back({i, std::move(*outcome)});
  }
}

FilterStage::FilterStage(ScriptSetup script)
    : evaluator_(std::move(script.program), std::move(script.context), script.limits),
      metrics_(std::move(script.metrics)) {}

void FilterStage::run(const Batch& input, BatchBuilder& output, std::vector<FailedEvent>& failed) {
  for (size_t i = 0; i < input.size(); ++i) {
    if (!evaluator_.evaluate(input, i)) {
      failed.push_back({i, evaluator_.failure()});
    } else if (Status counted = computo::apply_effects(evaluator_.evaluator(), metrics_.get()); !counted) {
      failed.push_back({i, std::move(counted).error()});
    } else if (evaluator_.evaluator().is_truthy()) {
      output.keep(input, i);
    }
  }
}

}  // namespace colloquium::components
