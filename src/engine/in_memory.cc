// run_in_memory: the stages and `when`s of a plan over events given as texts.
#include "base/assert.h"
#include "engine/dry_run.h"
#include "engine/pipeline.h"
#include "engine/plan_data.h"
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

void append_values(const Batch& batch, std::vector<std::string>& out) {
  for (size_t i = 0; i < batch.size(); ++i) out.emplace_back(batch.is_tombstone(i) ? "null" : batch.value(i));
}

}  // namespace

Result<InMemoryResult> run_in_memory(const Plan& plan, const std::vector<std::string>& events,
                                     Environment environment, ai::OfflineCalls* calls) {
  TRY_ASSIGN(auto input, batch_of(plan, events, environment.clock));
  TRY_ASSIGN(const auto run, DryRun::create(plan, environment, calls));
  const DryRun::Outcome result = run->run(input);
  InMemoryResult out;
  for (size_t i = 0; i < result.sinks.size(); ++i) {
    SinkOutput sink{.sink = plan.data().config.sinks[i].name, .values = {}};
    append_values(*result.sinks[i], sink.values);
    out.sinks.push_back(std::move(sink));
  }
  // All together, in the order of the stages and then of the sinks, as no leg commits here.
  append_values(*result.dead, out.dead_letters);
  return out;
}

}  // namespace colloquium::engine
