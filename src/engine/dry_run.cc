#include "engine/dry_run.h"

#include <algorithm>
#include <utility>

#include "engine/dead_letter.h"
#include "engine/plan_data.h"
#include "engine/script_metrics.h"

namespace colloquium::engine {

namespace {

// Whose leg the events are in: part of the ids of what stages have made.
std::shared_ptr<const Batch> named(const std::shared_ptr<const Batch>& batch, const std::string& leg) {
  auto origin = std::make_shared<BatchOrigin>(batch->origin());
  origin->leg = leg;
  return batch->placed(std::move(origin), batch->base_offset());
}

}  // namespace

Result<std::unique_ptr<DryRun>> DryRun::create(const Plan& plan, const Environment& environment,
                                               ai::OfflineCalls* calls) {
  std::unique_ptr<DryRun> made(new DryRun(plan));
  TRY(made->build(environment, calls));
  return made;
}

Status DryRun::build(const Environment& environment, ai::OfflineCalls* calls) {
  const config::PipelineConfig& config = plan_.data().config;
  // Counted for nobody, yet a script that counts wrongly fails here too.
  TRY_ASSIGN(const auto metrics, PipelineMetrics::create(config, nullptr));
  const auto variables =
      std::make_shared<const std::map<std::string, std::string>>(plan_.data().script_variables());
  const auto context = [&](const config::ComponentConfig& stage) {
    return ComponentContext{.loop = environment.loop,
                            .clock = environment.clock,
                            .random = environment.random,
                            .services = environment.services,
                            .pipeline = config.name,
                            .name = stage.name,
                            .base_dir = config.base_dir,
                            .script_variables = variables,
                            .script_metrics = metrics,
                            .ai = calls};
  };
  for (const SectionPlan& section : plan_.data().sections) {
    std::vector<StageChain::Link> links;
    for (size_t i = section.first_stage; i < section.end_stage; ++i) {
      const config::ComponentConfig& stage = config.stages[i];
      TRY_ASSIGN(auto made, stage.descriptor->create_pure_stage(stage.parsed, context(stage)));
      links.push_back({stage.name, std::move(made)});
    }
    Section& to = sections_.emplace_back();
    to.plan = &section;
    // With tapes in any case: the sinks' `when`s read them.
    to.chain = std::make_unique<StageChain>(std::move(links), true, environment.clock);
    if (!section.async_stage) continue;
    const config::ComponentConfig& stage = config.stages[*section.async_stage];
    TRY_ASSIGN(to.stage, build_stage(stage, context(stage), calls));
  }
  TRY_ASSIGN(const auto host, computo::HostContext::create(*variables));
  for (const SinkPlan& sink : plan_.data().sinks) {
    whens_.push_back(sink.selects() ? std::make_unique<SelectStage>(sink, host, metrics) : nullptr);
  }
  return {};
}

Result<std::unique_ptr<DryStage>> DryRun::build_stage(const config::ComponentConfig& stage,
                                                      ComponentContext context, ai::OfflineCalls* calls) const {
  if (!stage.descriptor->asks_models_only || calls == nullptr) {
    return fail(ErrorCode::kInvalidConfig, "stage " + stage.name + " asks somebody else, and is not run here");
  }
  TRY_ASSIGN(auto made, stage.descriptor->create_async_stage(stage.parsed, std::move(context)));
  return std::make_unique<DryStage>(stage.name, std::move(made), *calls, plan_.data().retry(stage));
}

DryRun::Outcome DryRun::run(const std::shared_ptr<const Batch>& input) {
  Outcome out;
  std::shared_ptr<const Batch> result = input;
  for (const Section& section : sections_) {
    result = section.chain->run(result, &dead_);
    if (section.stage == nullptr) break;
    const std::string& leg = plan_.data().config.stages[*section.plan->async_stage].name;
    if (section.plan->makes_events) result = named(result, leg);
    result = section.stage->run(result, dead_, out.open);
  }
  std::sort(out.open.begin(), out.open.end());
  out.open.erase(std::unique(out.open.begin(), out.open.end()), out.open.end());
  result = without(result, out.open);
  for (size_t sink = 0; sink < whens_.size(); ++sink) out.sinks.push_back(select(sink, result));
  out.dead = dead_.seal(input->shared_origin(), 0);
  return out;
}

std::shared_ptr<const Batch> DryRun::without(const std::shared_ptr<const Batch>& batch,
                                             const std::vector<int64_t>& offsets) {
  if (offsets.empty()) return batch;
  BatchBuilder kept;
  for (size_t i = 0; i < batch->size(); ++i) {
    if (!std::binary_search(offsets.begin(), offsets.end(), batch->offset(i))) kept.keep(*batch, i);
  }
  return kept.seal(batch->shared_origin(), batch->base_offset());
}

std::shared_ptr<const Batch> DryRun::select(size_t sink, const std::shared_ptr<const Batch>& result) {
  std::shared_ptr<const Batch> chosen = result;
  if (whens_[sink] != nullptr && !chosen->empty()) {
    failed_.clear();
    whens_[sink]->run(*chosen, kept_, failed_);
    for (const FailedEvent& failure : failed_)
      add_dead_letter(*chosen, failure.index, failure.error, "when", plan_.data().config.sinks[sink].name, 1,
                      dead_);
    chosen = kept_.seal(result->shared_origin(), result->base_offset());
  }
  if (!plan_.data().sections.back().makes_events) return chosen;
  return named(chosen, plan_.data().config.sinks[sink].name);
}

}  // namespace colloquium::engine
