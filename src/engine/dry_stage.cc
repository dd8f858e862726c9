#include "engine/dry_stage.h"

#include <optional>
#include <utility>

#include "base/assert.h"
#include "engine/dead_letter.h"

namespace colloquium::engine {

DryStage::DryStage(std::string name, std::unique_ptr<AsyncStage> stage, ai::OfflineCalls& calls,
                   const RetryPolicy& retry)
    : name_(std::move(name)), stage_(std::move(stage)), calls_(calls), retry_(retry) {}

DryStage::~DryStage() {
  stage_->close([] {});
}

AsyncOutput DryStage::process(const std::shared_ptr<const Batch>& input, size_t event) {
  std::optional<AsyncOutput> output;
  stage_->process(input, event, [&output](AsyncOutput made) { output = std::move(made); });
  ASSERT_WHY(output.has_value(), "what asks models only is done as soon as they have answered");
  return std::move(*output);
}

std::shared_ptr<const Batch> DryStage::run(const std::shared_ptr<const Batch>& input, BatchBuilder& dead,
                                           std::vector<int64_t>& open) {
  for (size_t i = 0; i < input->size(); ++i) {
    calls_.begin(input->is_tombstone(i) ? std::string_view("null") : input->value(i));
    for (int64_t failures = 0, attempts = 0;;) {
      AsyncOutput output = process(input, i);
      if (calls_.lacked_answer()) {
        open.push_back(input->offset(i));
        break;
      }
      if (!output.error) {
        const auto made = made_.make(*input, i, name_, output);
        for (size_t each = 0; made != nullptr && each < made->size(); ++each) out_.keep(*made, each);
      }
      if (!output.error) break;
      ++failures;
      const bool exhausted =
          retry_.kind == RetryPolicy::Kind::kNone || (output.is_attempt && retry_.exhausted(++attempts));
      if (output.error->retryable && !exhausted) continue;
      add_dead_letter(*input, i, *output.error, name_, name_, failures, dead);
      break;
    }
  }
  // Its events have their ids by now.
  auto origin = std::make_shared<BatchOrigin>(input->origin());
  origin->leg.clear();
  return out_.seal(std::move(origin), input->base_offset())->renumbered();
}

}  // namespace colloquium::engine
