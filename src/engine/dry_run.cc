#include "engine/dry_run.h"

#include "engine/dead_letter.h"
#include "engine/plan_data.h"
#include "engine/script_metrics.h"

namespace colloquium::engine {

Result<std::unique_ptr<DryRun>> DryRun::create(const Plan& plan, const Environment& environment) {
  std::unique_ptr<DryRun> made(new DryRun(plan));
  TRY(made->build(environment));
  return made;
}

Status DryRun::build(const Environment& environment) {
  const config::PipelineConfig& config = plan_.data().config;
  // Counted for nobody, yet a script that counts wrongly fails here too.
  TRY_ASSIGN(const auto metrics, PipelineMetrics::create(config, nullptr));
  const auto variables =
      std::make_shared<const std::map<std::string, std::string>>(plan_.data().script_variables());
  std::vector<StageChain::Link> links;
  for (const config::ComponentConfig& stage : config.stages) {
    if (!stage.descriptor->create_pure_stage) {
      return fail(ErrorCode::kInvalidConfig, "stage " + stage.name + " asks somebody else, and is not run here");
    }
    ComponentContext context{.loop = environment.loop,
                             .clock = environment.clock,
                             .random = environment.random,
                             .services = environment.services,
                             .pipeline = config.name,
                             .name = stage.name,
                             .base_dir = config.base_dir,
                             .script_variables = variables,
                             .script_metrics = metrics};
    TRY_ASSIGN(auto made, stage.descriptor->create_pure_stage(stage.parsed, std::move(context)));
    links.push_back({stage.name, std::move(made)});
  }
  // With tapes in any case: the sinks' `when`s read them.
  chain_ = std::make_unique<StageChain>(std::move(links), true, environment.clock);
  TRY_ASSIGN(const auto host, computo::HostContext::create(*variables));
  for (const SinkPlan& sink : plan_.data().sinks) {
    whens_.push_back(sink.selects() ? std::make_unique<SelectStage>(sink, host, metrics) : nullptr);
  }
  return {};
}

DryRun::Outcome DryRun::run(const std::shared_ptr<const Batch>& input) {
  const auto result = chain_->run(input, &dead_);
  Outcome out;
  for (size_t sink = 0; sink < whens_.size(); ++sink) out.sinks.push_back(select(sink, result));
  out.dead = dead_.seal(input->shared_origin(), 0);
  return out;
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
  auto origin = std::make_shared<BatchOrigin>(chosen->origin());
  origin->leg = plan_.data().config.sinks[sink].name;
  return chosen->placed(std::move(origin), chosen->base_offset());
}

}  // namespace colloquium::engine
