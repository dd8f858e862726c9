// run_in_memory: the stages and `when`s of a plan over events given as texts.
#include "base/assert.h"
#include "engine/dead_letter.h"
#include "engine/pipeline.h"
#include "engine/plan_data.h"
#include "engine/script_metrics.h"
#include "engine/stage_chain.h"
#include "engine/when_stage.h"
#include "json/walk.h"

namespace colloquium::engine {

namespace {

// The events as a batch with tapes, as the door would have made it.
Result<std::shared_ptr<const Batch>> batch_of(const Plan& plan, const std::vector<std::string>& events,
                                              const Clock& clock) {
  BatchBuilder builder;
  for (size_t i = 0; i < events.size(); ++i) {
    TRY_ASSIGN(const json::Document document, json::parse(events[i], "event " + std::to_string(i + 1)));
    // Offsets in the tape count from the text's first byte, white space included.
    builder.add(
        {document.text.data(), document.tape[0].offset + document.tape[0].length}, document.tape,
        {.key = {}, .headers = {}, .timestamp_ms = clock.wall_ms(), .offset_delta = static_cast<uint32_t>(i)});
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = plan.name();
  origin->tag = "testtest";
  origin->source = "test";
  return builder.seal(std::move(origin), 0);
}

Result<StageChain> chain_of(const Plan& plan, const std::shared_ptr<ScriptMetrics>& metrics,
                            const Environment& env) {
  const config::PipelineConfig& config = plan.data().config;
  const auto variables =
      std::make_shared<const std::map<std::string, std::string>>(plan.data().script_variables());
  std::vector<StageChain::Link> links;
  for (const config::ComponentConfig& stage : config.stages) {
    ComponentContext context{.loop = env.loop,
                             .clock = env.clock,
                             .random = env.random,
                             .services = env.services,
                             .pipeline = config.name,
                             .name = stage.name,
                             .base_dir = config.base_dir,
                             .script_variables = variables,
                             .script_metrics = metrics};
    TRY_ASSIGN(auto made, stage.descriptor->create_pure_stage(stage.parsed, std::move(context)));
    links.push_back({stage.name, std::move(made)});
  }
  // With tapes in any case: the sinks' `when`s read them.
  return StageChain(std::move(links), true, env.clock);
}

void append_values(const Batch& batch, std::vector<std::string>& out) {
  for (size_t i = 0; i < batch.size(); ++i) out.emplace_back(batch.is_tombstone(i) ? "null" : batch.value(i));
}

}  // namespace

Result<InMemoryResult> run_in_memory(const Plan& plan, const std::vector<std::string>& events,
                                     Environment environment) {
  TRY_ASSIGN(auto input, batch_of(plan, events, environment.clock));
  // Counted for nobody, yet a script that counts wrongly fails here too.
  TRY_ASSIGN(const auto metrics, PipelineMetrics::create(plan.data().config, nullptr));
  TRY_ASSIGN(StageChain chain, chain_of(plan, metrics, environment));
  BatchBuilder dead;
  const auto result = chain.run(input, &dead);
  TRY_ASSIGN(const auto context, computo::HostContext::create(plan.data().script_variables()));
  InMemoryResult out;
  for (size_t i = 0; i < plan.data().sinks.size(); ++i) {
    SinkOutput sink{.sink = plan.data().config.sinks[i].name, .values = {}};
    auto chosen = result;
    if (plan.data().sinks[i].when != nullptr) {
      WhenStage when(plan.data().sinks[i].when, context, metrics);
      BatchBuilder kept;
      std::vector<FailedEvent> failed;
      when.run(*result, kept, failed);
      for (const FailedEvent& failure : failed)
        add_dead_letter(*result, failure.index, failure.error, "when", 1, dead);
      chosen = kept.seal(result->shared_origin(), result->base_offset());
    }
    append_values(*chosen, sink.values);
    out.sinks.push_back(std::move(sink));
  }
  // All together, in the order of the stages and then of the sinks, as no leg commits here.
  append_values(*dead.seal(input->shared_origin(), 0), out.dead_letters);
  return out;
}

}  // namespace colloquium::engine
