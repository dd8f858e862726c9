// Questions that are asked in batches: they cost what batches cost, are paid once, and outlive the process that
// sent them.
#include <algorithm>
#include <iostream>
#include <set>

#include "ai/batch_lives_test.h"
#include "base/logging.h"

namespace colloquium::ai {
namespace {

TEST_CASE("questions go together, for the price of a batch", "[REQ-089][batch]") {
  Lives lives(GENERATE(true, false));
  lives.server.unsorted = true;
  CallsScene& scene = lives.begin();
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
  for (int64_t i = 0; i < 3; ++i) {
    const AiAnswer& answer = scene.answer(static_cast<size_t>(i));
    CHECK(answer.text == "to q" + std::to_string(i));
    CHECK(answer.cost_nano_usd == kEach);
    CHECK_FALSE(answer.estimated);
  }
  CHECK(lives.server.creates == 1);
  CHECK(scene.calls->ledger().total().settled == NanoUsd{3 * kEach});
  const auto records = scene.records();
  const auto is_batch = [](const CallRecord& record) { return record.kind == RecordKind::kBatch; };
  const auto batch = std::find_if(records.begin(), records.end(), is_batch);
  REQUIRE(batch != records.end());
  CHECK(batch->place.step == AiBatchStep::kCreate);
  for (const CallRecord& record : records) {
    if (!is_batch(record)) CHECK(record.tags.batch == batch->tags.call);
  }
  scene.close();
}

TEST_CASE("a batch goes out once its first has waited long enough", "[REQ-089][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  scene.ask(batched("a", 1));
  scene.pass(400);
  scene.ask(batched("b", 2));
  scene.pass(550);
  CHECK(lives.server.creates == 0);
  scene.pass(200);
  CHECK(lives.server.creates == 1);
  CHECK(scene.answer(0).text == "to a");
  CHECK(scene.answer(1).text == "to b");
  CHECK(lives.server.creates == 1);
  scene.close();
}

TEST_CASE("stages, models and kinds of question have batches of their own, and none is too large",
          "[REQ-089][batch]") {
  Lives lives;
  lives.settings.providers[0].provider =
      std::make_shared<BatchLineProvider>(true, AiBatches::Limits{2, 1'000'000});
  CallsScene& scene = lives.begin();
  for (int64_t i = 0; i < 5; ++i) scene.ask(batched("q" + std::to_string(i), i, 5));
  AiQuestion other = batched("other", 5, 1);
  other.models = {{"two", "n", 1}};
  scene.ask(std::move(other));
  AiQuestion embeds = batched("", 6, 1);
  embeds.request.task = AiTask::kEmbed;
  embeds.request.messages.clear();
  embeds.request.inputs = {"vector"};
  scene.ask(std::move(embeds));
  for (size_t i = 0; i < 7; ++i) scene.answer(i);
  CHECK(lives.server.creates == 5);
  scene.close();
}

TEST_CASE("who asks for what is in a batch already waits for that", "[REQ-089][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  AiQuestion kept = batched("a", 1, 2);
  kept.cache_ttl_ms = 60'000;
  scene.ask(kept);
  scene.ask(batched("b", 2, 2));
  scene.pass(10);
  kept.event->id = "in-3";
  kept.event->offset = 3;
  scene.ask(kept);
  CHECK(scene.answer(2).from == AiAnswerFrom::kShared);
  CHECK(scene.answer(0).from == AiAnswerFrom::kProvider);
  kept.event->id = "in-4";
  kept.event->offset = 4;
  scene.ask(kept);
  CHECK(scene.answer(3).from == AiAnswerFrom::kCache);
  CHECK(lives.server.answered["a"] == 1);
  scene.close();
}

TEST_CASE("a batch outlives the process that sent it, and is paid once", "[REQ-089][REQ-070][batch][crash]") {
  Lives lives(GENERATE(true, false));
  CallsScene* scene = &lives.begin();
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  scene->pass(50);
  REQUIRE(lives.server.creates == 1);
  const bool orderly = GENERATE(false, true);
  if (orderly) scene->close();
  lives.server.batches.begin()->second.looks = 5;
  scene = &lives.die_and_begin();
  const bool asks = GENERATE(true, false);
  if (asks) {
    for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  } else {
    // Its answers come before the events do.
    scene->pass(300'000);
    for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  }
  for (size_t i = 0; i < 3; ++i) {
    CHECK(scene->answer(i).text == "to q" + std::to_string(i));
    CHECK(scene->answer(i).cost_nano_usd == kEach);
    CHECK(scene->answer(i).from == (asks ? AiAnswerFrom::kProvider : AiAnswerFrom::kRecord));
  }
  CHECK(lives.server.creates == 1);
  CHECK(scene->calls->ledger().total().settled == NanoUsd{3 * kEach});
  CHECK(scene->calls->ledger().total().lost == 0);
  scene->calls->settled("stage", "in-0", 3);
  scene->close();
  scene = &lives.die_and_begin();
  scene->pass(300'000);
  CHECK(lives.server.creates == 1);
  CHECK(lives.count("GET/batches/b1/results") == 1);
  scene->close();
}

TEST_CASE("what was not sent yet at a kill is asked anew, and costs nothing twice", "[REQ-070][batch][crash]") {
  Lives lives;
  CallsScene* scene = &lives.begin();
  // The upload has no answer yet.
  lives.script = [](const AiHttpRequest&) -> CallScript { return {{ScriptStep::kSent, 1}}; };
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  scene->pass(50);
  REQUIRE(lives.count("POST/files") == 1);
  lives.script = nullptr;
  scene = &lives.die_and_begin();
  CHECK(scene->calls->ledger().total().lost == 0);
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) scene->answer(i);
  CHECK(lives.server.creates == 1);
  CHECK(scene->calls->ledger().total().settled == NanoUsd{3 * kEach});
  CHECK(scene->calls->budgets().empty());
  scene->close();
}

TEST_CASE("a batch that nobody knows the fate of is looked up, or unknown", "[REQ-070][batch][crash]") {
  const bool finds = GENERATE(true, false);
  const bool made = GENERATE(true, false);
  const bool dies = GENERATE(true, false);
  INFO("finds " << finds << ", made " << made << ", dies " << dies);
  Lives lives(finds);
  CallsScene* scene = &lives.begin();
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    CallScript script = served(lives.server, request);
    if (request.method != "POST" || !request.url.ends_with("/batches")) return script;
    CallScript lost = {{ScriptStep::kSent, 1}};
    if (made) lost.front().then = script.front().then;
    if (!dies) lost.push_back({ScriptStep::kBreak, 1, 0, "connection reset"});
    return lost;
  };
  AiQuestion fails = batched("q2", 2);
  fails.on_unknown = AiOnUnknown::kFail;
  const auto ask_all = [&] {
    for (int64_t i = 0; i < 2; ++i) scene->ask(batched("q" + std::to_string(i), i));
    scene->ask(fails);
  };
  ask_all();
  scene->pass(50);
  lives.script = nullptr;
  if (dies) {
    scene = &lives.die_and_begin();
    ask_all();
  }
  if (finds) {
    for (size_t i = 0; i < 3; ++i) scene->answer(scene->outcomes.size() - 3 + i);
    CHECK(lives.server.creates == 1);
    CHECK(scene->calls->ledger().total().lost == 0);
    CHECK(scene->calls->ledger().total().settled == NanoUsd{3 * kEach});
  } else {
    CHECK(scene->refusal(scene->outcomes.size() - 1).unknown);
    CHECK(scene->calls->ledger().total().lost == 3);
    CHECK(scene->calls->ledger().total().unknown.value > 0);
  }
  scene->close();
}

TEST_CASE("each result says for itself what became of its question", "[REQ-089][batch]") {
  Lives lives;
  lives.server.fails = {"bad"};
  lives.server.lost = {"gone"};
  CallsScene& scene = lives.begin();
  scene.ask(batched("good", 1));
  scene.ask(batched("bad", 2));
  scene.ask(batched("gone", 3));
  CHECK(scene.answer(0).text == "to good");
  CHECK(scene.refusal(1).failure.kind == AiFailureKind::kThrottled);
  CHECK(scene.refusal(2).error().retryable);
  const LedgerSums total = scene.calls->ledger().total();
  CHECK(total.settled == NanoUsd{kEach});
  CHECK(total.lost == 1);
  // What is in no line may have been paid, and counts as that.
  CHECK(NanoUsd{lives.server.billed_tokens() * kToken / 2} <= total.settled + total.unknown);
  // Asked again, it goes into another batch.
  lives.server.lost.clear();
  scene.ask(batched("gone", 3, 1));
  CHECK(scene.answer(3).text == "to gone");
  scene.close();
}

TEST_CASE("another model takes what one can't", "[REQ-068][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  lives.script = [&](const AiHttpRequest& request) {
    return request.url.starts_with("http://one/") ? refusing(401) : served(lives.server, request);
  };
  for (int64_t i = 0; i < 3; ++i) {
    AiQuestion asked = batched("q" + std::to_string(i), i);
    asked.models = {{"one", "m", 1}, {"two", "m", 1}};
    scene.ask(std::move(asked));
  }
  for (size_t i = 0; i < 3; ++i) CHECK(scene.answer(i).model.provider == "two");
  scene.ask(batched("q4", 4, 1));
  CHECK(scene.refusal(3).failure.kind == AiFailureKind::kKey);
  CHECK(scene.calls->ledger().total().settled == NanoUsd{3 * kEach});
  scene.close();
}

TEST_CASE("a batch that is refused as a whole costs nothing", "[REQ-089][batch]") {
  Lives lives;
  lives.server.refuses = "line 1 is no JSON";
  CallsScene& scene = lives.begin();
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) CHECK(scene.refusal(i).failure.message == "refused line 1 is no JSON");
  const LedgerSums total = scene.calls->ledger().total();
  CHECK(total.settled.value == 0);
  CHECK(total.unknown.value == 0);
  scene.close();
}

TEST_CASE("what waits for its provider is waited for, whatever stands in the way", "[REQ-089][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  int failures = 0;
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    if (request.method == "POST" || failures++ > 12) return served(lives.server, request);
    switch (failures % 5) {
      case 0:
        return refusing(401);
      case 1:
        return refusing(500);
      case 2:
        return {{ScriptStep::kBreak, 1, 0, "connection refused"}};
      case 3:
        return {{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1}, {ScriptStep::kBreak, 1, 0, "connection reset"}};
      default:
        return refusing(429, {{"retry-after-ms", "5000"}});
    }
  };
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) CHECK(scene.answer(i).cost_nano_usd == kEach);
  CHECK(failures > 12);
  CHECK(lives.server.creates == 1);
  scene.close();
}

TEST_CASE("results that break off are fetched again, and each counts once", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  int fetches = 0;
  lives.script = [&](const AiHttpRequest& request) {
    CallScript script = served(lives.server, request);
    if (!request.url.ends_with("/results") || ++fetches > 2) return script;
    // Two of three lines, the second of them cut, and something that is no result.
    const auto whole = script[2].late_text;
    script[2].late_text = [whole] { return "rubbish\n" + whole().substr(0, 60); };
    script.back() = {ScriptStep::kBreak, 1, 0, "connection reset"};
    return script;
  };
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) CHECK(scene.answer(i).text == "to q" + std::to_string(i));
  CHECK(fetches == 3);
  CHECK(scene.calls->ledger().total().answered == 3);
  scene.close();
}

TEST_CASE("budgets hold what batches may cost, and refuse what they can't", "[REQ-062][batch]") {
  const int64_t most = most_of_one();
  Lives lives;
  lives.settings.budgets = {{{.name = "day", .scope = {}, .limit = {2 * most + kEach}, .alert_percents = {}}}};
  lives.settings.budgets.front().on_exceeded = OnExceeded::kStop;
  CallsScene* scene = &lives.begin();
  for (int64_t i = 0; i < 2; ++i) scene->ask(batched("q" + std::to_string(i), i, 2));
  scene->pass(50);
  CHECK(scene->calls->budgets().front().reserved == NanoUsd{2 * most});
  // The next process holds as much for them.
  lives.server.batches.begin()->second.looks = 5;
  scene = &lives.die_and_begin();
  CHECK(scene->calls->budgets().front().reserved == NanoUsd{2 * most});
  for (int64_t i = 0; i < 2; ++i) scene->ask(batched("q" + std::to_string(i), i, 2));
  for (size_t i = 0; i < 2; ++i) scene->answer(i);
  CHECK(scene->calls->budgets().front().settled == NanoUsd{2 * kEach});
  CHECK(scene->calls->budgets().front().reserved.value == 0);
  // As many fit as the limit leaves, by what they may cost; then none does.
  size_t at = 2;
  for (;; ++at) {
    const NanoUsd before = scene->calls->budgets().front().settled;
    scene->ask(batched("q" + std::to_string(at), static_cast<int64_t>(at), 1));
    if (!scene->outcome(at).answer) break;
    CHECK(before + NanoUsd{most} <= NanoUsd{2 * most + kEach});
  }
  CHECK(scene->refusal(at).budget);
  CHECK(scene->refusal(at).failure.kind == AiFailureKind::kQuota);
  CHECK(lives.server.creates == static_cast<int>(at) - 1);
  scene->close();
}

TEST_CASE("what is with a provider that is gone is unknown, and charged", "[REQ-070][batch]") {
  const int64_t most = most_of_one();
  Lives lives;
  CallsScene* scene = &lives.begin();
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  scene->pass(50);
  REQUIRE(lives.server.creates == 1);
  lives.settings.providers.erase(lives.settings.providers.begin());
  scene = &lives.die_and_begin();
  scene->pass(10);
  CHECK(scene->calls->ledger().total().lost == 3);
  CHECK(scene->calls->ledger().total().unknown == NanoUsd{3 * most});
  scene->close();
}

TEST_CASE("a stop waits for whether a batch was made, and for nothing else", "[REQ-070][batch]") {
  Lives lives(false);
  CallsScene* scene = &lives.begin();
  lives.script = [&](const AiHttpRequest& request) { return served(lives.server, request, 300); };
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  scene->ask(batched("never sent", 4));
  scene->pass(20);
  scene->close();
  REQUIRE(lives.server.creates == 1);
  lives.script = nullptr;
  scene = &lives.die_and_begin();
  CHECK(scene->calls->ledger().total().lost == 0);
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) scene->answer(i);
  CHECK(lives.server.creates == 1);
  CHECK(lives.server.answered.count("never sent") == 0);
  scene->close();
}

TEST_CASE("a batch that was not made yet is not unknown after a stop", "[REQ-070][batch]") {
  Lives lives(false);
  lives.settings.providers[0].retry = {.attempts = 5, .first_ms = 60'000, .max_ms = 60'000, .hint_max_ms = 60'000};
  CallsScene* scene = &lives.begin();
  const bool waits = GENERATE(true, false);
  // It is told to come again later; or the answer to that comes while it stops.
  lives.script = [&](const AiHttpRequest&) { return refusing(429, {{"retry-after-ms", "30000"}}); };
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  while (lives.count("POST/batches") == 0) scene->pass(10);
  if (waits) scene->pass(100);
  scene->close();
  lives.script = nullptr;
  scene = &lives.die_and_begin();
  scene->pass(10);
  CHECK(scene->calls->ledger().total().lost == 0);
  for (int64_t i = 0; i < 3; ++i) scene->ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) scene->answer(i);
  CHECK(lives.server.creates == 1);
  CHECK(scene->calls->ledger().total().settled == NanoUsd{3 * kEach});
  scene->close();
}

TEST_CASE("a provider that says for a while that there is no such batch is asked on", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  const bool comes_back = GENERATE(true, false);
  int denied = 0;
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    const bool denies = request.method == "GET" && (!comes_back || denied < 5);
    denied += denies;
    return denies ? refusing(404) : served(lives.server, request);
  };
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
  for (int i = 0; i < 20; ++i) {
    scene.loop.advance(300'000);
    scene.pass(100);
  }
  if (comes_back) {
    for (size_t i = 0; i < 3; ++i) CHECK(scene.answer(i).text == "to q" + std::to_string(i));
    CHECK(scene.calls->ledger().total().lost == 0);
  } else {
    CHECK_FALSE(scene.outcomes[0].has_value());
    CHECK(denied > 20);
    for (int i = 0; i < 300; ++i) {
      scene.loop.advance(300'000);
      scene.pass(100);
    }
    CHECK(scene.refusal(0).error().retryable);
    CHECK(scene.calls->ledger().total().lost == 3);
  }
  CHECK(lives.server.creates == 1);
  scene.close();
}

TEST_CASE("what stands where results are to be is no end of them", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  int fetches = 0;
  lives.script = [&](const AiHttpRequest& request) {
    CallScript script = served(lives.server, request);
    if (!request.url.ends_with("/results") || ++fetches > 3) return script;
    script[2].late_text = [fetches] { return std::string(fetches == 1 ? "" : "<html>\nlog-in\n"); };
    return script;
  };
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
  for (size_t i = 0; i < 3; ++i) CHECK(scene.answer(i).text == "to q" + std::to_string(i));
  CHECK(fetches == 4);
  CHECK(scene.calls->ledger().total().lost == 0);
  scene.close();
}

TEST_CASE("what is held back by a budget goes in whole batches once there is money", "[REQ-062][batch]") {
  const int64_t most = most_of_one();
  Lives lives;
  lives.settings.budgets = {{{.name = "day", .scope = {}, .limit = {4 * most}, .alert_percents = {}}}};
  CallsScene& scene = lives.begin();
  for (int64_t i = 0; i < 12; ++i) scene.ask(batched("q" + std::to_string(i), i, 4));
  for (size_t i = 0; i < 9; ++i) CHECK(scene.answer(i).text == "to q" + std::to_string(i));
  CHECK(lives.server.creates <= 5);
  scene.close();
}

TEST_CASE("who does not want an answer any more takes its question back while that goes", "[batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  const AiCalls::Number first = scene.ask(batched("a", 1, 2));
  scene.pass(10);
  scene.calls->cancel(first);
  scene.pass(10);
  CHECK(scene.calls->under_way() == 0);
  scene.ask(batched("b", 2, 2));
  const AiCalls::Number third = scene.ask(batched("c", 3, 2));
  scene.pass(20);
  scene.calls->cancel(third);
  CHECK(scene.answer(1).text == "to b");
  CHECK(lives.server.answered.count("a") == 0);
  // What has gone out is paid, and its answer is there for whoever asks again.
  CHECK(lives.server.answered["c"] == 1);
  scene.pass(100);
  scene.ask(batched("c", 3, 2));
  CHECK(scene.answer(3).from == AiAnswerFrom::kRecord);
  scene.close();
}

TEST_CASE("providers without batches can't be asked in one", "[batch]") {
  CallsScene scene([](const AiHttpRequest&) { return CallScript(); });
  scene.open();
  const Status checked = scene.calls->check(batched("a", 1));
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message == "AI provider 'one' (line) takes no batches");
  scene.close();
}

// --- whatever fails, and whenever the process dies

struct BatchTally {
  int kills = 0, lost = 0, faults = 0, answered = 0;
};

// A stage in small: asks for what is not committed, and again what was refused.
void live(CallsScene& scene, uint64_t seed, std::set<int64_t>& told, uint64_t steps, BatchTally& tally) {
  constexpr int64_t kEvents = 12;
  std::vector<std::unique_ptr<Timer>> timers;
  std::function<void(int64_t)> ask = [&](int64_t event) {
    scene.calls->ask(batched("q" + std::to_string(event), event, 2 + seed % 4), [&, event](AiOutcome outcome) {
      if (outcome.answer) {
        CHECK(outcome.answer->text == "to q" + std::to_string(event));
        ++tally.answered;
        told.insert(event);
        return;
      }
      CHECK(outcome.refusal.error().retryable);
      timers.push_back(scene.loop.start_timer(50, [&ask, event] { ask(event); }));
    });
  };
  for (int64_t event = 0; event < kEvents; ++event) {
    if (!told.contains(event)) ask(event);
  }
  for (uint64_t i = 0; i < steps && told.size() < kEvents; ++i) {
    if (i > 200'000) FAIL("it never ends");
    if (scene.random.below(3) == 0 && scene.executor.step()) continue;
    if (scene.loop.run_turn() || scene.executor.step()) continue;
    const auto next_ns = scene.loop.next_timer_ns();
    scene.loop.advance(next_ns ? std::max<int64_t>((*next_ns - scene.clock.monotonic_ns()) / 1'000'000 + 1, 1)
                               : 10);
  }
}

TEST_CASE("batches are paid once, whatever fails and whenever the process dies",
          "[REQ-089][REQ-070][batch][crash]") {
  set_log_level(LogLevel::kError);
  BatchTally tally;
  const bool finds = GENERATE(true, false);
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed << ", finds " << finds);
    // Objects of a process that was killed may speak of them.
    Lives& lives = *new Lives(finds);
    lives.seed = seed * 1000;
    SeededRandom& chance = *new SeededRandom(seed);
    lives.server.unsorted = true;
    lives.script = [&](const AiHttpRequest& request) -> CallScript {
      const auto after_ms = static_cast<int64_t>(chance.below(20));
      CallScript script = served(lives.server, request, after_ms);
      const uint64_t fault = chance.below(13);
      tally.faults += fault < 6;
      // Taken, and something in front of it says that it was not.
      if (fault == 5) {
        script[1].status = 502;
        script[2].late_text = [] { return std::string("<html>bad gateway"); };
      }
      if (fault == 0) return {{ScriptStep::kBreak, after_ms, 0, "connection refused"}};
      if (fault == 1) return refusing(500);
      if (fault == 2) script.resize(1);  // it is taken, and nothing is said
      if (fault == 3) script.pop_back();
      if (fault == 2 || fault == 3) script.push_back({ScriptStep::kBreak, after_ms, 0, "connection reset"});
      if (fault == 4 && request.url.ends_with("/results")) {
        const auto whole = script[2].late_text;
        script[2].late_text = [whole] { return whole().substr(0, whole().size() / 2); };
        script.back() = {ScriptStep::kBreak, after_ms, 0, "connection reset"};
      }
      return script;
    };
    std::set<int64_t> told;
    lives.begin();
    for (uint64_t kills = chance.below(5);; --kills) {
      live(*lives.now, seed, told, kills == 0 ? UINT64_MAX : 20 + chance.below(300), tally);
      if (kills == 0) break;
      ++tally.kills;
      // Each second one is told before.
      kills % 2 == 0 ? lives.stop_and_begin() : lives.die_and_begin();
    }
    const LedgerSums total = lives.now->calls->ledger().total();
    const NanoUsd billed{lives.server.billed_tokens() * kToken / 2};
    CHECK(total.settled <= billed);
    CHECK(billed <= total.settled + total.unknown);
    tally.lost += static_cast<int>(total.lost);
    if (finds) CHECK(total.lost == 0);
    if (finds) CHECK(total.settled == billed);
    for (const auto& [body, times] : lives.server.answered) {
      if (finds) CHECK(times == 1);
    }
    lives.now->close();
    kill(std::move(lives.now));
  }
  set_log_level(LogLevel::kInfo);
  std::cout << "batches, " << (finds ? "looked up" : "unknown where nobody knows") << ": answers "
            << tally.answered << ", kills " << tally.kills << ", faults " << tally.faults << ", calls unknown "
            << tally.lost << "\n";
  CHECK(tally.kills > 100);
  CHECK(tally.faults > 500);
  CHECK((tally.lost > 0) != finds);
}

}  // namespace
}  // namespace colloquium::ai
