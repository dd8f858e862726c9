// What becomes of a question on its way: failures and hints, other models, budgets, breakers.
#include "ai/call_run.h"

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

CallScript hello() {
  return answering({"U 10 0", "T hello", "U 10 2", "E"});
}

// A script for each request, in their order; then hello.
ScriptedTransport::Script in_order(std::vector<CallScript> scripts) {
  return [scripts = std::move(scripts), at = size_t{0}](const AiHttpRequest&) mutable {
    return at < scripts.size() ? scripts[at++] : hello();
  };
}

AiQuestion of_two(const std::string& text) {
  AiQuestion asked = question(text, 1);
  asked.models = {{"one", "m", 1}, {"two", "n", 1}};
  return asked;
}

CallSettings with_budget(int64_t tokens, OnExceeded on_exceeded) {
  CallSettings settings = line_settings();
  settings.budgets = {
      {{.name = "day", .scope = {}, .limit = {tokens * kToken}, .alert_percents = {}}, on_exceeded}};
  return settings;
}

TEST_CASE("what may go better is tried again, and what was asked for is waited for", "[REQ-066][REQ-064]") {
  CallsScene scene(in_order({refusing(500), refusing(429, {{"retry-after", "7"}})}));
  scene.open();
  scene.ask(question("hi", 1));
  CHECK(scene.answer(0).text == "hello");
  CHECK(scene.clock.monotonic_ns() >= 7'000'000'000);
  CHECK(scene.kinds() == "intent failure intent failure intent answer ");
  CHECK(scene.calls->ledger().total().settled.value == 12 * kToken);
  CHECK(scene.records()[4].tags.attempt == 3);
  scene.close();
}

TEST_CASE("what the caller did wrong is asked nobody again") {
  CallsScene scene(in_order({refusing(400)}));
  scene.open();
  scene.ask(of_two("hi"));
  const AiRefusal& refusal = scene.refusal(0);
  CHECK(refusal.failure.kind == AiFailureKind::kCaller);
  CHECK(refusal.error().code == ErrorCode::kInvalidInput);
  CHECK_FALSE(refusal.error().retryable);
  CHECK(scene.transport.sent() == 1);
  scene.close();
}

TEST_CASE("another model takes over, at once where nothing is gained by waiting", "[REQ-068]") {
  SECTION("a key") {
    CallsScene scene(in_order({refusing(401)}));
    scene.open();
    scene.ask(of_two("hi"));
    CHECK(scene.answer(0).model.provider == "two");
    CHECK(scene.transport.urls == std::vector<std::string>{"http://one/m", "http://two/n"});
    scene.close();
  }
  SECTION("a hint that is too long") {
    CallsScene scene(in_order({refusing(429, {{"retry-after", "700"}})}));
    scene.open();
    scene.ask(of_two("hi"));
    CHECK(scene.answer(0).model.provider == "two");
    CHECK(scene.transport.sent() == 2);
    scene.close();
  }
  SECTION("all attempts") {
    CallsScene scene(in_order({refusing(500), refusing(500), refusing(500)}));
    scene.open();
    scene.ask(of_two("hi"));
    CHECK(scene.answer(0).model.provider == "two");
    scene.close();
  }
}

TEST_CASE("a quota that is used up keeps a model away until it says", "[REQ-067][REQ-068]") {
  CallsScene scene(in_order({refusing(402, {{"retry-after", "100"}})}));
  scene.open();
  scene.ask(of_two("hi"));
  CHECK(scene.answer(0).model.provider == "two");
  scene.ask(of_two("ho"));
  CHECK(scene.answer(1).model.provider == "two");
  scene.ask(question("he", 2));
  CHECK(scene.refusal(2).failure.retry_after_ms.value_or(0) > 90'000);
  const auto health = scene.calls->health();
  REQUIRE(health.size() == 2);
  CHECK(health[0].left_alone_ms.value_or(0) > 90'000);
  CHECK_FALSE(health[1].left_alone_ms.has_value());
  CHECK(health[1].counters->answered.value() == 2);
  scene.pass(101'000);
  scene.ask(of_two("hu"));
  CHECK(scene.answer(3).model.provider == "one");
  scene.close();
}

TEST_CASE("a model that fails again and again is left alone, then one call looks", "[REQ-067]") {
  CallSettings settings = line_settings();
  settings.providers[0].breaker = {.failures = 2, .open_ms = 10'000, .quota_ms = 0};
  settings.providers[0].retry.attempts = 1;
  CallsScene scene(in_order({refusing(500), answering({"T x", "F transient boo"})}));
  scene.open(settings);
  scene.ask(question("a", 1));
  (void)scene.refusal(0);
  scene.ask(question("b", 2));
  CHECK(scene.refusal(1).partial == "x");
  scene.ask(question("c", 3));
  CHECK_THAT(scene.refusal(2).failure.message, Catch::Contains("left alone"));
  CHECK(scene.transport.sent() == 2);
  scene.pass(10'000);
  scene.ask(question("d", 4));
  (void)scene.answer(3);
  scene.ask(question("e", 5));
  (void)scene.answer(4);
  scene.close();
}

TEST_CASE("who waits for a budget while a model is found to fail is told that it does", "[REQ-062][REQ-067]") {
  CallSettings settings = with_budget(40, OnExceeded::kStop);
  settings.providers[0].breaker = {.failures = 1, .open_ms = 600'000, .quota_ms = 0};
  settings.providers[0].retry.attempts = 1;
  CallsScene scene(in_order({refusing(500)}));
  scene.open(settings);
  scene.ask(question("a", 1));
  scene.ask(question("b", 2));
  (void)scene.refusal(0);
  CHECK_THAT(scene.refusal(1).failure.message, Catch::Contains("left alone"));
  CHECK(scene.refusal(1).error().retryable);
  CHECK(scene.refusal(1).model.model == "m");
  CHECK(scene.transport.sent() == 1);
  scene.close();
}

TEST_CASE("once somebody has heard of an answer, it is not begun anew", "[REQ-068][REQ-075]") {
  const auto broken = answering({"U 10 1", "T hel", "F transient boo"});
  SECTION("with a listener") {
    CallsScene scene(in_order({broken}));
    scene.open();
    std::string heard;
    scene.ask(of_two("hi"), [&heard](const AiOutput& output) {
      if (const auto* text = std::get_if<AiTextDelta>(&output)) heard += text->text;
    });
    CHECK(scene.refusal(0).partial == "hel");
    CHECK(heard == "hel");
    CHECK(scene.transport.sent() == 1);
    CHECK(scene.calls->ledger().total().settled.value >= 11 * kToken);
    scene.close();
  }
  SECTION("with one, before anything came") {
    CallsScene scene(in_order({refusing(500)}));
    scene.open();
    scene.ask(of_two("hi"), [](const AiOutput&) {});
    CHECK(scene.answer(0).text == "hello");
    scene.close();
  }
  SECTION("without") {
    CallsScene scene(in_order({broken}));
    scene.open();
    scene.ask(of_two("hi"));
    CHECK(scene.answer(0).text == "hello");
    CHECK(scene.records()[1].content.text == "hel");
    scene.close();
  }
}

TEST_CASE("what was sent and never answered counts whole, and is asked again only where that is wanted",
          "[REQ-062]") {
  const CallScript lost = {{ScriptStep::kSent, 1}, {ScriptStep::kBreak, 1, 0, "connection reset"}};
  CallSettings settings = with_budget(1000, OnExceeded::kStop);
  CallsScene scene(in_order({lost, lost}));
  scene.open(settings);
  AiQuestion once = question("hi", 1);
  once.on_unknown = AiOnUnknown::kFail;
  scene.ask(once);
  CHECK(scene.refusal(0).unknown);
  scene.ask(once);
  CHECK(scene.refusal(1).unknown);
  CHECK(scene.transport.sent() == 1);
  const NanoUsd unknown = scene.calls->budgets().front().unknown;
  CHECK(unknown.value > 20 * kToken);
  scene.ask(question("ho", 2));
  CHECK(scene.answer(2).text == "hello");
  CHECK(scene.calls->budgets().front().unknown.value >= 2 * unknown.value - 2 * kToken);
  CHECK(scene.calls->budgets().front().settled.value == 12 * kToken);
  CHECK(scene.calls->budgets().front().reserved.value == 0);
  scene.close();
}

TEST_CASE("a budget that is used up stops, fails, switches or waits", "[REQ-062]") {
  // A call reserves about thirty tokens and takes twelve.
  SECTION("stop") {
    CallsScene scene(in_order({}));
    scene.open(with_budget(40, OnExceeded::kStop));
    scene.ask(question("a", 1));
    (void)scene.answer(0);
    scene.ask(question("b", 2));
    const AiRefusal& refusal = scene.refusal(1);
    CHECK(refusal.budget);
    CHECK(refusal.error().retryable);
    CHECK(refusal.failure.retry_after_ms.value_or(0) > 0);
    CHECK(refusal.failure.retry_after_ms.value_or(0) <= 86'400'000);
    CHECK(scene.transport.sent() == 1);
    scene.close();
  }
  SECTION("fail") {
    CallsScene scene(in_order({}));
    scene.open(with_budget(40, OnExceeded::kFail));
    scene.ask(question("a", 1));
    (void)scene.answer(0);
    scene.ask(question("b", 2));
    CHECK(scene.refusal(1).budget);
    CHECK_FALSE(scene.refusal(1).error().retryable);
    scene.close();
  }
  SECTION("switch") {
    CallsScene scene(in_order({}));
    CallSettings settings = with_budget(40, OnExceeded::kSwitch);
    settings.budgets[0].spec.scope.provider = "one";
    scene.open(settings);
    scene.ask(of_two("a"));
    CHECK(scene.answer(0).model.provider == "one");
    scene.ask(of_two("b"));
    CHECK(scene.answer(1).model.provider == "two");
    scene.close();
  }
  SECTION("switch to a model of its own") {
    CallsScene scene(in_order({}));
    CallSettings settings = with_budget(40, OnExceeded::kSwitch);
    settings.budgets[0].spec.scope.model = "m";
    settings.budgets[0].switch_to = AiModelChoice{"two", "n", 1};
    scene.open(settings);
    scene.ask(question("a", 1));
    CHECK(scene.answer(0).model.provider == "one");
    scene.ask(question("b", 2));
    CHECK(scene.answer(1).model.provider == "two");
    CHECK(scene.answer(1).model.model == "n");
    scene.close();
  }
  SECTION("switch to what is over the budget, too") {
    CallsScene scene(in_order({}));
    CallSettings settings = with_budget(40, OnExceeded::kSwitch);
    settings.budgets[0].switch_to = AiModelChoice{"two", "n", 1};
    scene.open(settings);
    scene.ask(question("a", 1));
    (void)scene.answer(0);
    scene.ask(question("b", 2));
    CHECK(scene.refusal(1).budget);
    CHECK(scene.refusal(1).model.provider == "two");
    scene.close();
  }
  SECTION("wait") {
    CallsScene scene(in_order({}));
    CallSettings settings = with_budget(40, OnExceeded::kWait);
    settings.budgets[0].spec.window = BudgetWindow::kHour;
    scene.open(settings);
    scene.ask(question("a", 1));
    (void)scene.answer(0);
    scene.ask(question("b", 2));
    scene.pass(1000);
    CHECK_FALSE(scene.outcomes[1].has_value());
    scene.loop.advance(3'600'000);
    CHECK(scene.answer(1).text == "hello");
    scene.close();
  }
  SECTION("what never fits fails for good") {
    CallsScene scene(in_order({}));
    scene.open(with_budget(5, OnExceeded::kWait));
    scene.ask(question("a", 1));
    CHECK(scene.refusal(0).budget);
    CHECK_FALSE(scene.refusal(0).error().retryable);
    scene.close();
  }
}

TEST_CASE("calls wait for what others have reserved, and go once it is given back", "[REQ-062]") {
  CallsScene scene(in_order({}));
  scene.open(with_budget(60, OnExceeded::kStop));
  scene.ask(question("a", 1));
  scene.ask(question("b", 2));
  (void)scene.answer(0);
  (void)scene.answer(1);
  CHECK(scene.calls->budgets().front().settled.value == 24 * kToken);
  scene.close();
}

TEST_CASE("a model is drawn by weight, for an event always the same", "[REQ-086]") {
  CallsScene scene(in_order({}));
  scene.open();
  std::map<std::string, int> drawn;
  for (int64_t i = 0; i < 100; ++i) {
    AiQuestion asked = question("q" + std::to_string(i), i);
    asked.models = {{"one", "m", 1}, {"two", "n", 3}};
    asked.routing = AiRouting::kWeighted;
    scene.ask(asked);
  }
  for (size_t i = 0; i < 100; ++i) ++drawn[scene.answer(i).model.provider];
  CHECK(drawn["one"] > 10);
  CHECK(drawn["two"] > 55);
  CallsScene other(in_order({}), 99);
  other.open();
  for (int64_t i = 0; i < 100; ++i) {
    AiQuestion asked = question("q" + std::to_string(i), i);
    asked.models = {{"one", "m", 1}, {"two", "n", 3}};
    asked.routing = AiRouting::kWeighted;
    other.ask(asked);
  }
  for (size_t i = 0; i < 100; ++i) CHECK(other.answer(i).model.provider == scene.answer(i).model.provider);
  scene.close();
  other.close();
}

TEST_CASE("the cheapest goes first", "[REQ-063]") {
  CallSettings settings = line_settings();
  settings.prices = *PriceTable::parse(
      R"({"date": "2026-01-01", "models": {"line/m": {"input": 9, "output": 9}, "line/n": {"input": 1, "output": 1}}})",
      "test");
  CallsScene scene(in_order({}));
  scene.open(settings);
  AiQuestion asked = of_two("hi");
  asked.routing = AiRouting::kCheapest;
  scene.ask(asked);
  CHECK(scene.answer(0).model.model == "n");
  scene.close();
}

TEST_CASE("a model's most output is reserved, and sent along") {
  CallSettings settings = line_settings();
  settings.providers[0].models["m"].max_output_tokens = 50;
  CallsScene scene(in_order({}));
  scene.open(settings);
  AiQuestion asked = question("hi", 1);
  asked.request.parameters.max_output_tokens.reset();
  scene.ask(asked);
  (void)scene.answer(0);
  CHECK(scene.records()[0].tags.reserved.value >= 50 * kToken);
  CHECK(scene.records()[0].tags.reserved.value < 80 * kToken);
  scene.close();
}

TEST_CASE("a call to a model without a price counts for what the settings say") {
  CallSettings settings = with_budget(100, OnExceeded::kStop);
  settings.unpriced = NanoUsd{25 * kToken};
  CallsScene scene(in_order({}));
  scene.open(settings);
  AiQuestion asked = question("hi", 1);
  asked.models = {{"one", "free", 1}};
  scene.ask(asked);
  CHECK(scene.answer(0).cost_nano_usd == 25 * kToken);
  CHECK(scene.answer(0).estimated);
  CHECK(scene.calls->budgets().front().settled.value == 25 * kToken);
  scene.close();
}

TEST_CASE("what a provider does not say is estimated, and marked") {
  CallsScene scene(in_order({answering({"T hello there", "E"})}));
  scene.open();
  scene.ask(question("hi", 1));
  const AiAnswer& answer = scene.answer(0);
  CHECK(answer.estimated);
  CHECK(answer.usage.input.value_or(0) > 0);
  CHECK(answer.usage.output.value_or(0) >= 2);
  CHECK(scene.calls->ledger().total().estimated.value == answer.cost_nano_usd);
  scene.close();
}

TEST_CASE("numbers that no call has are bounded, whoever says them", "[REQ-062]") {
  const std::string many = std::to_string(INT64_MAX);
  CallsScene scene(in_order({answering({"T hello", "U " + many + " " + many, "E"}), answering({"T hi", "E"})}));
  scene.open(with_budget(1000, OnExceeded::kFail));
  scene.ask(question("hi", 1));
  const AiAnswer& answer = scene.answer(0);
  CHECK(answer.estimated);
  CHECK(answer.cost_nano_usd == kNanoUsdMost);
  CHECK(scene.calls->ledger().total().tokens.input == kTokensMost);
  AiQuestion asked = question("hi", 2);
  for (const int64_t most : {INT64_MAX, int64_t{30'744'573'456'182'587}}) {
    asked.request.parameters.max_output_tokens = most;
    scene.ask(asked);
    CHECK(scene.refusal(scene.outcomes.size() - 1).budget);
  }
  CHECK(scene.transport.sent() == 1);
  scene.close();
}

TEST_CASE("counters tell of each model", "[REQ-076]") {
  std::vector<std::string> found;
  const ModelCounters* counters = nullptr;
  CallsScene scene(in_order({refusing(500)}));
  auto created = Calls::create(
      line_settings(),
      {.log = scene.log.get(),
       .loop = scene.loop,
       .clock = scene.clock,
       .random = scene.random,
       .transport = scene.transport,
       .book = scene.book,
       .found_model = [&](const std::string& provider, const std::string& model, const ModelCounters& its) {
         found.push_back(provider + "/" + model);
         counters = &its;
       }});
  REQUIRE(created);
  scene.calls = std::move(*created);
  scene.ask(question("hi", 1));
  scene.ask(question("hi", 2));
  (void)scene.answer(1);
  REQUIRE(found == std::vector<std::string>{"one/m"});
  CHECK(counters->answered.value() == 1);
  CHECK(counters->retries.value() == 1);
  CHECK(counters->failed[static_cast<size_t>(AiFailureKind::kTransient)].value() == 1);
  CHECK(counters->shared_hits.value() == 1);
  CHECK(counters->tokens[0].value() == 10);
  CHECK(counters->tokens[4].value() == 2);
  CHECK(counters->settled_nano_usd.value() == 12 * kToken);
  CHECK(counters->total.count() == 1);
  CHECK(counters->under_way.value() == 0);
  CHECK(counters->waiting.value() == 0);
  scene.close();
}

}  // namespace
}  // namespace colloquium::ai
