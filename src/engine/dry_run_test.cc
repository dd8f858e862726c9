#include "engine/dry_run.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>

#include "base/manual_clock.h"
#include "base/sim_executor.h"
#include "config/problems.h"
#include "engine/plan_data.h"
#include "loop/test_loop.h"

namespace colloquium::engine {
namespace {

struct NoConfig {};

// What it is answered takes the event's place; "drop" drops it.
class EchoStage final : public AsyncStage {
 public:
  EchoStage(std::string name, AiCalls& calls) : name_(std::move(name)), calls_(calls) {}
  size_t concurrency() const override { return 1; }
  void process(std::shared_ptr<const Batch> batch, size_t event, UniqueFunction<void(AsyncOutput)> done) override {
    AiQuestion question;
    question.who = name_;
    question.event = AiEvent{batch->id(event), partition_id(batch->origin()), batch->offset(event)};
    question.models = {{"one", "m", 1}};
    calls_.ask(std::move(question), [&done](AiOutcome outcome) {
      AsyncOutput output;
      if (!outcome.answer) {
        output.error = outcome.refusal.error();
        output.is_attempt = outcome.refusal.failure.kind == AiFailureKind::kTransient;
      } else if (outcome.answer->text != "drop") {
        output.values = {outcome.answer->text};
      }
      done(std::move(output));
    });
  }
  void close(Task closed) override { closed(); }

 private:
  const std::string name_;
  AiCalls& calls_;
};

class AnyProvider final : public AiProvider {
 public:
  Status check(const AiRequest&) const override { return {}; }
  AiHttpRequest encode(const AiRequest&, const AiAccess&) const override { return {}; }
  std::unique_ptr<AiDecoder> decoder(const AiRequest&) const override { return nullptr; }
};

AiOutcome said(std::string text) {
  AiOutcome outcome;
  outcome.answer.emplace();
  outcome.answer->text = std::move(text);
  return outcome;
}

AiOutcome refused(AiFailureKind kind) {
  AiOutcome outcome;
  outcome.refusal.failure.kind = kind;
  return outcome;
}

// A pipeline of echo stages, and what is answered to each of them.
struct Scene {
  explicit Scene(const std::string& stages) {
    source.kind = ComponentKind::kSource;
    source.name = "in";
    bind_spec(source, ConfigSpec<NoConfig>());
    source.source_traits = [](const ParsedConfig&) { return SourceTraits{}; };
    sink.kind = ComponentKind::kSink;
    sink.name = "out";
    bind_spec(sink, ConfigSpec<NoConfig>());
    echo.kind = ComponentKind::kStage;
    echo.name = "echo";
    bind_spec(echo, ConfigSpec<NoConfig>());
    echo.asks_models_only = true;
    echo.create_async_stage = [](const ParsedConfig&,
                                 ComponentContext context) -> Result<std::unique_ptr<AsyncStage>> {
      return std::make_unique<EchoStage>(context.name, *context.ai);
    };
    effect = echo;
    effect.name = "effect";
    effect.asks_models_only = false;
    config::PipelineSurroundings surroundings;
    surroundings.registry.find = [this](ComponentKind kind, std::string_view name) -> const Descriptor* {
      for (const Descriptor* d : {&source, &echo, &effect, &sink}) {
        if (d->kind == kind && d->name == name) return d;
      }
      return nullptr;
    };
    surroundings.registry.names = [](ComponentKind) { return std::vector<std::string>(); };
    ConfigProblems problems;
    const std::string text = "name: p\nsources: [{in: {}}]\nstages: [" + stages +
                             "]\nsinks: [{out: {}}]\nerrors: {retry: {attempts: 3}}\n";
    plan = Plan::compile(config::read_pipeline(text, "p.yaml", surroundings, problems), problems);
    INFO(config::describe(problems));
    REQUIRE(plan != nullptr);
    ai::CallSettings settings;
    ai::ProviderSettings provider;
    provider.name = "one";
    provider.provider = std::make_shared<AnyProvider>();
    settings.providers.push_back(provider);
    settings.unpriced = NanoUsd{};
    calls = std::make_unique<ai::OfflineCalls>(
        std::move(settings), [this](const AiQuestion& question, std::string_view) -> std::optional<AiOutcome> {
          asked.push_back(question.who + " " + question.event->id);
          auto& left = answers[question.who];
          if (left.empty()) return std::nullopt;
          AiOutcome next = std::move(left.front());
          left.pop_front();
          return next;
        });
  }

  Result<std::unique_ptr<DryRun>> create(bool with_calls = true) {
    return DryRun::create(*plan,
                          {.loop = loop,
                           .executor = executor,
                           .clock = clock,
                           .random = random,
                           .services = services,
                           .workers = workers},
                          with_calls ? calls.get() : nullptr);
  }

  DryRun::Outcome run(const std::vector<std::string>& values) {
    auto origin = std::make_shared<BatchOrigin>();
    origin->stream = "p";
    origin->tag = "tagtagta";
    BatchBuilder builder;
    for (size_t i = 0; i < values.size(); ++i) {
      EventMeta meta;
      meta.offset_delta = static_cast<uint32_t>(i);
      builder.add(values[i], {}, meta);
    }
    auto made = create();
    REQUIRE(made);
    return (*made)->run(builder.seal(std::move(origin), 5));
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  SeededRandom random{1};
  Services services;
  SimExecutor executor{1, clock};
  WorkerPool workers{executor, 1};
  Descriptor source, sink, echo, effect;
  std::shared_ptr<const Plan> plan;
  std::map<std::string, std::deque<AiOutcome>> answers;
  std::vector<std::string> asked;
  std::unique_ptr<ai::OfflineCalls> calls;
};

std::vector<std::string> values_of(const Batch& batch) {
  std::vector<std::string> values;
  for (size_t i = 0; i < batch.size(); ++i) values.emplace_back(batch.value(i));
  return values;
}

TEST_CASE("stages that ask models are run with the answers at hand, one behind the other") {
  Scene scene("{name: a, echo: {}}, {name: b, echo: {}}");
  scene.answers["a"].push_back(said("10"));
  scene.answers["a"].push_back(said("drop"));
  scene.answers["a"].push_back(said("30"));
  scene.answers["b"].push_back(said("11"));
  scene.answers["b"].push_back(said("31"));
  const auto outcome = scene.run({"1", "2", "3"});
  CHECK(values_of(*outcome.sinks.at(0)) == std::vector<std::string>{"11", "31"});
  CHECK(outcome.sinks[0]->offset(1) == 7);
  CHECK(outcome.dead->empty());
  CHECK(outcome.open.empty());
  // The ids that the pipeline's own legs would ask with.
  CHECK(scene.asked == std::vector<std::string>{"a p.tagtagta-0-5", "a p.tagtagta-0-6", "a p.tagtagta-0-7",
                                                "b p.tagtagta-0-5-a-0", "b p.tagtagta-0-7-a-0"});
}

TEST_CASE("what fails is tried as often as the pipeline would, and then a dead letter") {
  Scene scene("{name: a, echo: {}}");
  auto& answers = scene.answers["a"];
  for (int i = 0; i < 3; ++i) answers.push_back(refused(AiFailureKind::kTransient));
  answers.push_back(refused(AiFailureKind::kCaller));
  // No attempt of this event: it is waited for as long as that lasts.
  for (int i = 0; i < 9; ++i) answers.push_back(refused(AiFailureKind::kThrottled));
  answers.push_back(said("3"));
  const auto outcome = scene.run({"1", "2", "3"});
  CHECK(answers.empty());
  CHECK(values_of(*outcome.sinks.at(0)) == std::vector<std::string>{"3"});
  REQUIRE(outcome.dead->size() == 2);
  CHECK(outcome.dead->value(0).find("\"attempts\":3") != std::string_view::npos);
  CHECK(outcome.dead->value(1).find("\"attempts\":1") != std::string_view::npos);
}

TEST_CASE("an event without an answer is open: neither in a sink nor a dead letter") {
  Scene scene("{name: a, echo: {}}, {name: b, echo: {}}");
  scene.answers["a"].push_back(said("10"));
  scene.answers["a"].push_back(said("20"));
  scene.answers["b"].push_back(said("11"));
  const auto outcome = scene.run({"1", "2", "3"});
  CHECK(values_of(*outcome.sinks.at(0)) == std::vector<std::string>{"11"});
  CHECK(outcome.open == std::vector<int64_t>{6, 7});
  CHECK(outcome.dead->empty());
}

TEST_CASE("what a stage makes has to be JSON, as in the pipeline") {
  Scene scene("{name: a, echo: {}}");
  scene.answers["a"].push_back(said("{"));
  const auto outcome = scene.run({"1"});
  CHECK(outcome.sinks.at(0)->empty());
  REQUIRE(outcome.dead->size() == 1);
  CHECK(outcome.dead->value(0).find("made no JSON") != std::string_view::npos);
}

TEST_CASE("a stage with an effect of its own is not run, and none without calls") {
  CHECK(Scene("{name: a, effect: {}}").create().error().message.find("stage a asks somebody else") !=
        std::string::npos);
  CHECK_FALSE(Scene("{name: a, echo: {}}").create(false));
}

}  // namespace
}  // namespace colloquium::engine
