// What providers of batches, and what stands in front of them, can say wrong: nothing that may be paid is asked
// again as if it were free, and nothing waits for ever.
#include <set>

#include "ai/answer_decoder.h"
#include "ai/batch_lives_test.h"
#include "base/logging.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kHourMs = 3'600'000;

void pass_hours(CallsScene& scene, int hours) {
  for (int i = 0; i < 12 * hours; ++i) {
    scene.loop.advance(kHourMs / 12);
    scene.pass(20);
  }
}

void ask_three(CallsScene& scene) {
  for (int64_t i = 0; i < 3; ++i) scene.ask(batched("q" + std::to_string(i), i));
}

bool is_create(const AiHttpRequest& request) {
  return request.method == "POST" && request.url.ends_with("/batches");
}

CallScript saying(int status, const std::string& text) {
  return {{ScriptStep::kSent, 1},
          {ScriptStep::kHead, 1, status},
          {ScriptStep::kBytes, 1, 200, text},
          {ScriptStep::kEnd, 1}};
}

TEST_CASE("a result that says nothing of an answer is unknown, one that says a part is paid for that",
          "[REQ-070][batch]") {
  const int64_t most = most_of_one();
  Lives lives;
  lives.server.says = {{"q0", "X"}, {"q1", "U 1 3"}};
  CallsScene& scene = lives.begin();
  ask_three(scene);
  CHECK(scene.refusal(0).error().retryable);
  CHECK(scene.refusal(1).error().retryable);
  scene.answer(2);
  const LedgerSums total = scene.calls->ledger().total();
  CHECK(total.lost == 1);
  CHECK(total.unknown == NanoUsd{most});
  CHECK(total.settled == NanoUsd{kEach + (1 + 3) * kToken / 2});
  scene.close();
}

TEST_CASE("who wants no second payment is told that a result said nothing", "[REQ-070][batch]") {
  Lives lives;
  lives.server.says = {{"q0", "X"}};
  CallsScene& scene = lives.begin();
  AiQuestion asked = batched("q0", 0, 1);
  asked.on_unknown = AiOnUnknown::kFail;
  scene.ask(asked);
  CHECK(scene.refusal(0).unknown);
  scene.close();
}

TEST_CASE("results are fetched again for a day, whatever stands in their place", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  const bool comes = GENERATE(true, false);
  lives.server.parts = GENERATE("", " a b");
  int fetches = 0;
  lives.script = [&](const AiHttpRequest& request) {
    CallScript script = served(lives.server, request);
    if (request.url.find("/results") == std::string::npos || ++fetches > (comes ? 40 : INT32_MAX)) return script;
    // A line of ours, one of somebody else's, and then it breaks off: none of them is a line of the next fetch.
    const auto whole = script[2].late_text;
    if (fetches == 1) {
      script[2].late_text = [whole] { return whole().substr(0, whole().find('\n') + 1); };
      script.back() = {ScriptStep::kBreak, 1, 0, "connection reset"};
    } else {
      script[2].late_text = [] { return std::string("<html>\n00ffee U 1 5|T no|E\n"); };
    }
    return script;
  };
  ask_three(scene);
  scene.answer(0);
  pass_hours(scene, 20);
  if (comes) {
    for (size_t i = 1; i < 3; ++i) CHECK(scene.answer(i).text == "to q" + std::to_string(i));
    CHECK(scene.calls->ledger().total().lost == 0);
  } else {
    CHECK_FALSE(scene.outcomes[1].has_value());
    CHECK(fetches < 2000);
    pass_hours(scene, 6);
    CHECK(scene.refusal(1).error().retryable);
    CHECK(scene.calls->ledger().total().lost == 2);
  }
  scene.close();
}

TEST_CASE("where one file of results holds none, the others are read, and it is fetched again",
          "[REQ-070][batch]") {
  Lives lives;
  lives.server.parts = " a b";
  CallsScene& scene = lives.begin();
  const bool is_needed = GENERATE(true, false);
  lives.script = [&](const AiHttpRequest& request) {
    CallScript script = served(lives.server, request);
    const auto whole = script[2].late_text;
    const bool is_first = lives.count("GET/batches/b1/results?a") <= 2;
    if (request.url.ends_with("?a") && is_first) script[2].late_text = [] { return std::string(); };
    if (request.url.ends_with("?b") && is_needed) {
      script[2].late_text = [whole] { return whole().substr(0, whole().find('\n') + 1); };
    }
    return script;
  };
  ask_three(scene);
  for (size_t i = 0; i < 3; ++i) CHECK(scene.answer(i).text == "to q" + std::to_string(i));
  scene.pass(10'000);
  CHECK(lives.count("GET/batches/b1/results?a") == (is_needed ? 3 : 1));
  CHECK(lives.count("GET/batches/b1/results?b") == 1);
  scene.close();
}

TEST_CASE("a batch whose results came in part to an earlier process is read to its end", "[REQ-070][batch]") {
  Lives lives;
  lives.server.lost = {"q2"};
  lives.server.parts = " a b";
  CallsScene* scene = &lives.begin();
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    CallScript script = served(lives.server, request);
    const auto whole = script[2].late_text;
    if (request.url.ends_with("?a")) {
      script[2].late_text = [whole] { return whole().substr(0, whole().find('\n') + 1); };
    }
    if (request.url.ends_with("?b")) {
      if (lives.seed == 1) return {{ScriptStep::kSent, 1}};
      script[2].late_text = [whole] { return whole().substr(whole().find('\n') + 1); };
    }
    return script;
  };
  ask_three(*scene);
  scene->answer(0);
  scene->pass(1000);
  scene = &lives.die_and_begin();
  ask_three(*scene);
  CHECK(scene->answer(1).text == "to q1");
  scene->pass(1000);
  REQUIRE(scene->outcomes[2].has_value());
  CHECK(scene->refusal(2).error().retryable);
  CHECK(scene->calls->ledger().total().lost == 1);
  CHECK(lives.count("GET/batches/b1/results?a") == 2);
  scene->close();
}

TEST_CASE("a batch that can't be looked up is unknown after a day", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  const int status = GENERATE(404, 405, 501, 500, 401, 0);
  INFO("status " << status);
  bool refuses = true;
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    CallScript script = served(lives.server, request);
    if (is_create(request)) script = {script.front(), {ScriptStep::kBreak, 1, 0, "connection reset"}};
    if (request.url.ends_with("/batches") && !is_create(request) && refuses) {
      return status == 0 ? CallScript{{ScriptStep::kBreak, 1, 0, "connection refused"}} : refusing(status);
    }
    return script;
  };
  ask_three(scene);
  pass_hours(scene, 20);
  CHECK_FALSE(scene.outcomes[0].has_value());
  pass_hours(scene, 20);
  // A key that is refused, or a provider that can't be reached, says nothing of the batch.
  const bool is_found = status == 401 || status == 0;
  refuses = false;
  if (is_found) {
    for (size_t i = 0; i < 3; ++i) scene.answer(i);
  } else {
    CHECK(scene.refusal(0).error().retryable);
  }
  CHECK(scene.calls->ledger().total().lost == (is_found ? 0 : 3));
  CHECK(lives.server.creates == 1);
  scene.close();
}

TEST_CASE("a list of batches that has no end is not read for ever", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    CallScript script = served(lives.server, request);
    if (is_create(request)) script = {script.front(), {ScriptStep::kBreak, 1, 0, "connection reset"}};
    const bool is_list = request.url.ends_with("/batches") && request.method == "GET";
    return is_list ? saying(200, "more\n") : script;
  };
  ask_three(scene);
  pass_hours(scene, 30);
  CHECK(scene.refusal(0).error().retryable);
  CHECK(scene.calls->ledger().total().lost == 3);
  CHECK(lives.count("GET/batches") < 20'000);
  CHECK(lives.server.creates == 1);
  scene.close();
}

TEST_CASE("what stands in front of a provider does not say that no batch was made", "[REQ-070][batch]") {
  const bool finds = GENERATE(true, false);
  const bool is_own = GENERATE(true, false);
  INFO("finds " << finds << ", own " << is_own);
  Lives lives(finds);
  CallsScene& scene = lives.begin();
  bool first = true;
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    if (!is_create(request) || !std::exchange(first, false)) return served(lives.server, request);
    if (is_own) return saying(503, "F throttled come again");
    CallScript script = served(lives.server, request);
    script[1].status = 503;
    script[2].late_text = [] { return std::string("upstream connect error or disconnect/reset before headers"); };
    return script;
  };
  ask_three(scene);
  const bool is_unknown = !finds && !is_own;
  for (size_t i = 0; i < 3; ++i) CHECK(scene.outcome(i).answer.has_value() != is_unknown);
  CHECK(scene.calls->ledger().total().lost == (is_unknown ? 3 : 0));
  CHECK(lives.server.creates == 1);
  scene.close();
}

TEST_CASE("who asks alone does not wait for a batch with the same question", "[REQ-089][batch]") {
  Lives lives;
  lives.settings.prices = batch_settings().prices;
  CallsScene& scene = lives.begin();
  lives.script = [&](const AiHttpRequest& request) {
    if (request.url.ends_with("/m")) return answering({"T alone", "U 1 5", "E"}, 20);
    return served(lives.server, request);
  };
  const auto ask = [&](int64_t offset, bool batches, const std::string& who) {
    AiQuestion asked = batched("q", offset, 2);
    asked.who = who;
    if (!batches) asked.batching.reset();
    return scene.ask(std::move(asked));
  };
  ask(0, true, "nightly");
  scene.ask(batched("other", 9, 2));
  scene.pass(10);
  ask(1, false, "live");
  // One that joins it, and not the batch.
  ask(2, false, "live");
  scene.pass(200);
  REQUIRE(scene.outcomes[2].has_value());
  CHECK(scene.answer(2).text == "alone");
  CHECK(scene.answer(2).from == AiAnswerFrom::kProvider);
  CHECK(scene.answer(3).from == AiAnswerFrom::kShared);
  CHECK_FALSE(scene.outcomes[0].has_value());
  // The batch is joined as before.
  ask(3, true, "nightly");
  CHECK(scene.answer(0).text == "to q");
  CHECK(scene.answer(4).from == AiAnswerFrom::kShared);
  CHECK(lives.server.answered["q"] == 1);
  CHECK(lives.count("POST/m") == 1);
  // While one is on its way alone, a batch is not needed.
  ask(4, false, "live");
  ask(5, true, "nightly");
  CHECK(scene.answer(6).text == "alone");
  scene.close();
}

TEST_CASE("who asks alone is led by nobody who goes in a batch", "[REQ-089][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  bool fails = true;
  lives.script = [&](const AiHttpRequest& request) {
    if (!request.url.ends_with("/m")) return served(lives.server, request);
    return std::exchange(fails, false) ? refusing(401) : answering({"T alone", "U 1 5", "E"});
  };
  AiQuestion alone = batched("q", 0);
  alone.batching.reset();
  scene.ask(alone);
  scene.ask(batched("q", 1));
  alone.event = AiEvent{"in-2", "in-0", 2};
  scene.ask(alone);
  CHECK_FALSE(scene.outcome(0).answer.has_value());
  scene.pass(20);
  REQUIRE(scene.outcomes[2].has_value());
  CHECK(scene.answer(2).text == "alone");
  CHECK(scene.answer(1).from == AiAnswerFrom::kShared);
  scene.close();
}

TEST_CASE("what breaks off in between does not make a batch that is gone come back", "[REQ-070][batch]") {
  Lives lives;
  CallsScene& scene = lives.begin();
  int looks = 0;
  lives.script = [&](const AiHttpRequest& request) -> CallScript {
    if (request.method != "GET") return served(lives.server, request);
    switch (++looks % 4) {
      case 0:
        return refusing(401);
      case 1:
        return {{ScriptStep::kBreak, 1, 0, "connection refused"}};
      case 2:
        return refusing(500);
      default:
        return refusing(404);
    }
  };
  ask_three(scene);
  pass_hours(scene, 20);
  CHECK_FALSE(scene.outcomes[0].has_value());
  pass_hours(scene, 8);
  CHECK(scene.refusal(0).error().retryable);
  CHECK(scene.calls->ledger().total().lost == 3);
  scene.close();
}

TEST_CASE("a result may be as long as an answer, and one that is longer is not asked for again",
          "[REQ-070][batch]") {
  const int64_t most = most_of_one();
  Lives lives;
  const auto filler = [](size_t bytes) { return "X" + std::string(bytes, 'x') + "|T late|U 1 5|E"; };
  const size_t most_bytes = AnswerDecoder::kBodyBytesMax;
  lives.server.says = {{"q0", filler(most_bytes / 3)},
                       {"q1", filler(most_bytes + (size_t{1} << 20))},
                       {"q2", "X" + std::string(AnswerDecoder::kValuesMax + 1, ',') + "|E"}};
  CallsScene& scene = lives.begin();
  ask_three(scene);
  CHECK(scene.answer(0).text == "late");
  for (const size_t at : {size_t{1}, size_t{2}}) {
    CHECK(scene.refusal(at).failure.kind == AiFailureKind::kCaller);
    CHECK_FALSE(scene.refusal(at).error().retryable);
  }
  // They are paid, and nobody knows how much.
  CHECK(scene.calls->ledger().total().unknown == NanoUsd{2 * most});
  CHECK(lives.count("GET/batches/b1/results") == 1);
  scene.close();
}

TEST_CASE("after a restart, another model takes what one can't", "[REQ-068][batch][crash]") {
  Lives lives;
  CallsScene* scene = &lives.begin();
  const auto ask_all = [&] {
    for (int64_t i = 0; i < 3; ++i) {
      AiQuestion asked = batched("q" + std::to_string(i), i);
      asked.models = {{"one", "m", 1}, {"two", "m", 1}};
      scene->ask(std::move(asked));
    }
  };
  ask_all();
  scene->pass(50);
  REQUIRE(lives.server.creates == 1);
  lives.server.batches.begin()->second.looks = 5;
  // One refuses all that it has, and is out from then on.
  lives.server.fails = {"q0", "q1", "q2"};
  lives.script = [&](const AiHttpRequest& request) {
    if (request.url.starts_with("http://one/") && request.method == "POST") return refusing(401);
    if (request.url.starts_with("http://two/")) lives.server.fails.clear();
    return served(lives.server, request);
  };
  scene = &lives.die_and_begin();
  ask_all();
  for (size_t i = 0; i < 3; ++i) CHECK(scene->answer(i).model.provider == "two");
  CHECK(lives.server.creates == 2);
  CHECK(scene->calls->ledger().total().settled == NanoUsd{3 * kEach});
  scene->close();
}

// --- stops

// One turn of the loop, or one task of the log; where there is nothing to be done now, time passes until there is.
void step(CallsScene& scene) {
  if (scene.random.below(3) == 0 && scene.executor.step()) return;
  if (scene.loop.run_turn() || scene.executor.step()) return;
  const auto next_ns = scene.loop.next_timer_ns();
  scene.clock.advance_ns(next_ns ? std::max<int64_t>(*next_ns - scene.clock.monotonic_ns(), 0) : 10'000'000);
}

TEST_CASE("a stop ends whenever it comes, and leaves nothing unknown", "[REQ-070][batch]") {
  set_log_level(LogLevel::kError);
  const bool finds = GENERATE(true, false);
  size_t stops = 0, early = 0;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    INFO("seed " << seed << ", finds " << finds);
    Lives& lives = *new Lives(finds);
    lives.seed = seed * 1000;
    lives.settings.providers[0].retry = {.attempts = 3, .first_ms = 1, .max_ms = 2, .hint_max_ms = 2};
    SeededRandom& chance = *new SeededRandom(seed);
    lives.script = [&](const AiHttpRequest& request) -> CallScript {
      const auto after_ms = static_cast<int64_t>(chance.below(2));
      if (request.body == "kept") return answering({"U 1 5", "E"});
      if (request.url.ends_with("/m")) return {{ScriptStep::kBreak, after_ms, 0, "connection refused"}};
      if (chance.below(3) > 0) return served(lives.server, request, after_ms);
      return chance.below(2) == 0 ? refusing(401) : refusing(429);
    };
    CallsScene& scene = lives.begin();
    AiQuestion kept = question("kept", 100);
    kept.cache_ttl_ms = 60'000;
    scene.ask(kept);
    scene.answer(0);
    // Batches of many stages at once: what they record goes together.
    for (int64_t i = 0; i < 12; ++i) {
      AiQuestion asked = batched("q" + std::to_string(i), i, 2);
      asked.who += std::to_string(i % 4);
      asked.on_unknown = AiOnUnknown::kFail;
      if (i % 4 == 3) asked.batching.reset();
      scene.ask(std::move(asked));
    }
    for (uint64_t steps = chance.below(80); steps > 0; --steps) step(scene);
    // In a turn, behind whatever that does; and an end is recorded before all of it, so that other ends might go
    // along.
    kept.event = AiEvent{"in-101", "in-0", 101};
    bool closed = false;
    const auto timer = scene.loop.start_timer(static_cast<int64_t>(chance.below(2)), [&] {
      scene.ask(kept);
      (void)scene.loop.post([&] { scene.calls->close([&closed] { closed = true; }); });
    });
    for (int i = 0; i < 20'000 && !closed; ++i) step(scene);
    REQUIRE(closed);
    ++stops;
    early += lives.server.creates == 0;
    scene.calls.reset();
    const int before = lives.server.creates;
    lives.script = nullptr;
    CallsScene& next = lives.die_and_begin();
    next.pass(10'000);
    CHECK(next.calls->ledger().total().lost == 0);
    CHECK(lives.server.creates == before);
    next.close();
    kill(std::move(lives.now));
  }
  set_log_level(LogLevel::kInfo);
  CHECK(early > stops / 20);
  CHECK(early < stops);
}

}  // namespace
}  // namespace colloquium::ai
