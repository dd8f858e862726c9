// Calls: who asks is given an answer once it is safe, and pays for it once.
#include "ai/calls.h"

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

CallScript hello(const AiHttpRequest&) {
  return answering({"U 10 0", "T hello", "U 10 2", "E"});
}

TEST_CASE("a question is answered, recorded and paid", "[REQ-062]") {
  CallsScene scene(hello);
  scene.open();
  std::string heard;
  scene.ask(question("hi", 7), [&heard](const AiOutput& output) {
    if (const auto* text = std::get_if<AiTextDelta>(&output)) heard += text->text;
  });
  const AiAnswer& answer = scene.answer(0);
  CHECK(answer.text == "hello");
  CHECK(heard == "hello");
  CHECK(answer.from == AiAnswerFrom::kProvider);
  CHECK(answer.model.provider == "one");
  CHECK(answer.finished.said == "end");
  CHECK(answer.usage.input == 10);
  CHECK(answer.cost_nano_usd == 12 * kToken);
  CHECK_FALSE(answer.estimated);
  CHECK(scene.transport.urls == std::vector<std::string>{"http://one/m"});
  const auto records = scene.records();
  REQUIRE(records.size() == 2);
  CHECK(records[0].kind == RecordKind::kIntent);
  CHECK(records[0].tags.reserved.value >= 12 * kToken);
  CHECK(records[1].kind == RecordKind::kAnswer);
  CHECK(records[1].tags.call == records[0].tags.call);
  CHECK(records[1].tags.event->offset == 7);
  CHECK(records[1].content.text == "hello");
  CHECK(scene.calls->ledger().total().settled.value == 12 * kToken);
  CHECK(scene.calls->ledger().total().answered == 1);
  scene.close();
}

TEST_CASE("an answer waits for room on the disk; a call that can't be recorded is not sent") {
  CallsScene scene(hello);
  scene.open();
  scene.ask(question("hi", 1));
  scene.settle_down();
  scene.fake->set_full(true);
  scene.ask(question("ho", 2));
  scene.pass(3000);
  CHECK_FALSE(scene.outcomes[0].has_value());
  CHECK(scene.refusal(1).error().retryable);
  CHECK(scene.transport.sent() == 1);
  scene.fake->set_full(false);
  CHECK(scene.answer(0).text == "hello");
  scene.close();
}

TEST_CASE("a stop does not wait for room on the disk", "[REQ-070]") {
  const auto storage = log::make_fake_storage();
  CallsScene scene(hello, 1, storage);
  scene.open();
  scene.ask(question("hi", 1));
  scene.settle_down();
  scene.fake->set_full(true);
  scene.pass(3000);
  CHECK_FALSE(scene.outcomes[0].has_value());
  scene.fake->set_commits_full(true);
  scene.close();
  // What could not be recorded is unknown to the next run.
  CallsScene next(hello, 2, storage);
  next.open();
  next.settle_down();
  CHECK(next.calls->ledger().total().lost == 1);
  next.close();
}

TEST_CASE("whoever asks again for an event is given the recorded answer, also after a restart", "[REQ-070]") {
  const auto storage = log::make_fake_storage();
  CallsScene first(hello, 1, storage);
  first.open();
  first.ask(question("hi", 1));
  (void)first.answer(0);
  first.ask(question("hi", 1));
  CHECK(first.answer(1).from == AiAnswerFrom::kRecord);
  first.ask(question("hi, again", 1));  // another question
  CHECK(first.answer(2).from == AiAnswerFrom::kProvider);
  first.close();

  CallsScene second(hello, 2, storage);
  second.open();
  std::string heard;
  second.ask(question("hi", 1), [&heard](const AiOutput& output) {
    if (const auto* text = std::get_if<AiTextDelta>(&output)) heard += text->text;
  });
  CHECK(second.answer(0).from == AiAnswerFrom::kRecord);
  CHECK(second.answer(0).text == "hello");
  CHECK(heard == "hello");
  CHECK(second.transport.sent() == 0);
  CHECK(second.calls->ledger().total().calls == 2);
  second.calls->settled("stage", "in-0", 2);
  second.ask(question("hi", 1));
  CHECK(second.answer(1).from == AiAnswerFrom::kProvider);
  second.close();
}

TEST_CASE("the position stays below what is not settled, and moves with what is") {
  const auto storage = log::make_fake_storage();
  CallsScene scene(hello, 1, storage);
  scene.open();
  for (int64_t i = 0; i < 4; ++i) scene.ask(question("hi " + std::to_string(i), i));
  for (size_t i = 0; i < 4; ++i) (void)scene.answer(i);
  const int64_t before = scene.calls->position();
  scene.calls->settled("stage", "in-0", 2);
  CHECK(scene.calls->position() > before);
  scene.calls->settled("other", "in-0", 4);
  const int64_t between = scene.calls->position();
  scene.calls->settled("stage", "in-0", 4);
  CHECK(scene.calls->position() > between);
  const int64_t end = scene.calls->position();
  scene.pass(2000);
  REQUIRE(scene.log->leg_state("p/@ai"));
  CHECK(scene.log->leg_state("p/@ai")->positions.front().next_offset == end);
  scene.close();
}

TEST_CASE("what was under way when the process died is unknown, is told, and counts as paid", "[REQ-062]") {
  const auto storage = log::make_fake_storage();
  static std::vector<std::unique_ptr<CallsScene>>& dead = *new std::vector<std::unique_ptr<CallsScene>>();
  dead.push_back(std::make_unique<CallsScene>(
      [](const AiHttpRequest&) {
        return CallScript{{ScriptStep::kSent, 1}};
      },
      1, storage));
  CallsScene& first = *dead.back();
  first.open();
  first.ask(question("hi", 1));
  first.ask(question("ho", 2));
  first.pass(50);
  CHECK(first.transport.sent() == 2);

  CallsScene second(hello, 2, storage);
  CallSettings settings = line_settings();
  settings.budgets = {{{.name = "day", .scope = {}, .limit = {1000 * kToken}, .alert_percents = {}}}};
  second.open(settings);
  const NanoUsd unknown = second.calls->budgets().front().unknown;
  CHECK(unknown.value > 0);
  AiQuestion fails = question("ho", 2);
  fails.on_unknown = AiOnUnknown::kFail;
  second.ask(fails);
  CHECK(second.refusal(0).unknown);
  CHECK_FALSE(second.refusal(0).error().retryable);
  second.ask(question("hi", 1));
  CHECK(second.answer(1).from == AiAnswerFrom::kProvider);
  CHECK(second.calls->ledger().total().unknown == unknown);
  CHECK(second.calls->ledger().total().lost == 2);
  CHECK(second.kinds() == "intent intent unknown unknown intent answer ");
  second.close();

  CallsScene third(hello, 3, storage);
  third.open(settings);
  CHECK(third.calls->budgets().front().unknown == unknown);
  CHECK(third.calls->budgets().front().settled.value == 12 * kToken);
  third.ask(fails);
  CHECK(third.refusal(0).unknown);
  third.ask(question("hi", 1));
  CHECK(third.answer(1).from == AiAnswerFrom::kRecord);
  third.close();
}

TEST_CASE("the same question at the same time is paid once, and each event has its record", "[REQ-070]") {
  CallsScene scene(hello);
  scene.open();
  scene.ask(question("hi", 1));
  scene.pass(1);
  scene.ask(question("hi", 2));
  scene.ask(question("hi"));
  AiQuestion alone = question("hi", 3);
  alone.shares = false;
  scene.ask(alone);
  CHECK(scene.answer(0).from == AiAnswerFrom::kProvider);
  CHECK(scene.answer(1).from == AiAnswerFrom::kShared);
  CHECK(scene.answer(1).call == scene.answer(0).call);
  CHECK(scene.answer(2).from == AiAnswerFrom::kShared);
  CHECK(scene.answer(3).from == AiAnswerFrom::kProvider);
  CHECK(scene.transport.sent() == 2);
  const LedgerSums total = scene.calls->ledger().total();
  CHECK(total.settled.value == 24 * kToken);
  CHECK(total.shared_hits == 2);
  CHECK(total.saved.value == 24 * kToken);
  scene.ask(question("hi", 2));
  CHECK(scene.answer(4).from == AiAnswerFrom::kRecord);
  scene.close();
}

TEST_CASE("another tenant shares nothing") {
  CallsScene scene(hello);
  scene.open();
  AiQuestion other = question("hi");
  other.tenant = "b";
  scene.ask(question("hi"));
  scene.ask(other);
  (void)scene.answer(0);
  CHECK(scene.answer(1).from == AiAnswerFrom::kProvider);
  CHECK(scene.transport.sent() == 2);
  scene.close();
}

TEST_CASE("when the leader fails, one of those who waited leads") {
  int asked = 0;
  CallsScene scene(
      [&asked](const AiHttpRequest& request) { return ++asked <= 3 ? refusing(500) : hello(request); });
  scene.open();
  for (int64_t i = 0; i < 3; ++i) scene.ask(question("hi", i));
  CHECK(scene.refusal(0).error().retryable);
  CHECK(scene.answer(1).from == AiAnswerFrom::kProvider);
  CHECK(scene.answer(2).from == AiAnswerFrom::kShared);
  CHECK(asked == 4);
  scene.close();
}

TEST_CASE("who has heard of an answer that broke off hears no other") {
  CallsScene scene([asked = 0](const AiHttpRequest& request) mutable {
    if (++asked > 1) return hello(request);
    return answering({"U 5 1", "T one ", "T two ", "F transient boo"}, 50);
  });
  scene.open();
  std::string heard;
  const AiListen listen = [&heard](const AiOutput& output) {
    if (const auto* text = std::get_if<AiTextDelta>(&output)) heard += text->text;
  };
  scene.ask(question("hi", 1));
  scene.pass(220);
  scene.ask(question("hi", 2), listen);
  scene.ask(question("hi", 3));
  // Whoever leads has not heard of it, and has one try only.
  CHECK(scene.answer(0).text == "hello");
  CHECK(scene.answer(0).from == AiAnswerFrom::kProvider);
  CHECK(scene.refusal(1).partial == "one two ");
  CHECK(heard == "one two ");
  CHECK(scene.answer(2).from == AiAnswerFrom::kShared);
  CHECK(scene.transport.sent() == 2);
  scene.close();
}

TEST_CASE("an answer is given again for as long as the question allows, also after a restart", "[REQ-072]") {
  const auto storage = log::make_fake_storage();
  CallSettings settings = line_settings();
  settings.cache_ttl_max_ms = 60'000;
  AiQuestion cached = question("hi");
  cached.cache_ttl_ms = 60'000;
  CallsScene first(hello, 1, storage);
  first.open(settings);
  first.ask(cached);
  (void)first.answer(0);
  first.ask(cached);
  CHECK(first.answer(1).from == AiAnswerFrom::kCache);
  CHECK(first.calls->ledger().total().cache_hits == 1);
  first.ask(question("hi"));
  CHECK(first.answer(2).from == AiAnswerFrom::kProvider);
  first.close();

  CallsScene second(hello, 2, storage);
  second.open(settings);
  AiQuestion of_event = cached;
  of_event.event = AiEvent{"in-5", "in-0", 5};
  second.ask(of_event);
  CHECK(second.answer(0).from == AiAnswerFrom::kCache);
  CHECK(second.records().back().kind == RecordKind::kReuse);
  second.pass(61'000);
  second.ask(cached);
  CHECK(second.answer(1).from == AiAnswerFrom::kProvider);
  second.close();
}

TEST_CASE("an answer that is no good is given to nobody else, and what is asked in its place stays", "[REQ-072]") {
  const auto storage = log::make_fake_storage();
  CallSettings settings = line_settings();
  settings.cache_ttl_max_ms = 60'000;
  const auto keyed = [](const std::string& text) {
    AiQuestion asked = question(text);
    asked.cache_ttl_ms = 60'000;
    asked.cache_key = "k";
    return asked;
  };
  const auto echo = [](const AiHttpRequest& request) { return answering({"T " + request.body, "U 5 5", "E"}); };
  CallsScene first(echo, 1, storage);
  first.open(settings);
  first.ask(keyed("bad"));
  const std::string call = first.answer(0).call;
  SECTION("it is asked anew, and that goes before what is kept") {
    AiQuestion repair = keyed("good");
    repair.renews = true;
    first.ask(repair);
    CHECK(first.answer(1).text == "good");
    // It is kept no more: what stands in its place is another call's.
    first.calls->reject(call);
    first.ask(keyed("any"));
    CHECK(first.answer(2).text == "good");
    CHECK(first.answer(2).from == AiAnswerFrom::kCache);
    first.close();
    CallsScene second(echo, 2, storage);
    second.open(settings);
    second.ask(keyed("any"));
    CHECK(second.answer(0).text == "good");
    second.close();
  }
  SECTION("it is given up") {
    first.calls->reject(call);
    first.ask(keyed("next"));
    CHECK(first.answer(1).text == "next");
    first.close();
  }
}

TEST_CASE("vectors are as many as the texts, and none of them is empty", "[REQ-056]") {
  const std::string wrong = GENERATE(as<std::string>(), "V", "");
  CallsScene scene([&wrong](const AiHttpRequest&) { return answering({"U 5 0", wrong, "E"}); });
  scene.open();
  AiQuestion embed = question("", 3);
  embed.request.task = AiTask::kEmbed;
  embed.request.messages.clear();
  embed.request.inputs = {"a"};
  embed.cache_ttl_ms = 60'000;
  scene.ask(embed);
  CHECK(scene.refusal(0).failure.kind == AiFailureKind::kCaller);
  CHECK_FALSE(scene.refusal(0).unknown);
  CHECK(scene.kinds() == "intent failure ");
  // What it took is paid, as far as that is known.
  CHECK(scene.calls->ledger().total().settled.value >= 5 * kToken);
  scene.close();
}

TEST_CASE("a replay is given what was recorded, and has records of its own") {
  const auto storage = log::make_fake_storage();
  CallsScene live(hello, 1, storage);
  live.open();
  live.ask(question("hi", 1));
  (void)live.answer(0);
  live.calls->settled("stage", "in-0", 2);
  live.close();

  CallSettings settings = line_settings();
  settings.records = "p@replay";
  settings.replay_of = {"p"};
  CallsScene replay(hello, 2, storage);
  replay.open(settings);
  replay.ask(question("hi", 1));
  CHECK(replay.answer(0).from == AiAnswerFrom::kRecord);
  replay.ask(question("new", 1));
  CHECK(replay.answer(1).from == AiAnswerFrom::kProvider);
  CHECK(replay.records("p").size() == 2);
  CHECK(replay.records("p@replay").size() == 2);
  replay.close();

  settings.records = "p@fresh";
  settings.replay_of = {};
  CallsScene fresh(hello, 3, storage);
  fresh.open(settings);
  fresh.ask(question("hi", 1));
  CHECK(fresh.answer(0).from == AiAnswerFrom::kProvider);
  fresh.close();
}

TEST_CASE("what nobody wants any more is stopped, and what came is paid", "[REQ-075]") {
  CallsScene scene([](const AiHttpRequest&) {
    return CallScript{
        {ScriptStep::kSent, 1}, {ScriptStep::kHead, 1}, {ScriptStep::kBytes, 1, 200, "U 10 1\nT hel\n"}};
  });
  scene.open();
  const auto number = scene.ask(question("hi", 1));
  const auto other = scene.ask(question("hi", 2));
  scene.pass(100);
  scene.calls->cancel(number);
  scene.pass(100);
  CHECK(scene.transport.under_way() == 1);
  scene.calls->cancel(other);
  scene.pass(100);
  CHECK(scene.transport.under_way() == 0);
  CHECK_FALSE(scene.outcomes[0].has_value());
  CHECK_FALSE(scene.outcomes[1].has_value());
  const auto records = scene.records();
  REQUIRE(records.size() == 2);
  CHECK(records[1].kind == RecordKind::kFailure);
  CHECK(records[1].content.text == "hel");
  CHECK(records[1].cost.value >= 11 * kToken);
  CHECK(scene.calls->under_way() == 0);
  scene.close();
}

TEST_CASE("a call that failed is recorded without its key, also if nobody waits for it by then", "[REQ-083]") {
  std::function<void()> cancel;
  CallsScene scene([&](const AiHttpRequest&) {
    // What is unwanted is stopped in the next turn: before the end of the call is told in the one behind it.
    const auto soon = [&] { cancel(); };
    return CallScript{{ScriptStep::kSent, 1},
                      {ScriptStep::kHead, 1},
                      {ScriptStep::kBytes, 1, 200, "F caller k-0123456789 is no key\n", {}, soon}};
  });
  CallSettings settings = line_settings();
  settings.providers[0].access = [] { return AiAccess{"http://one", "k-0123456789", {}}; };
  scene.open(settings);
  const auto number = scene.ask(question("hi", 1));
  cancel = [&] { scene.calls->cancel(number); };
  scene.pass(100);
  CHECK_FALSE(scene.outcomes[0].has_value());
  const auto records = scene.records();
  REQUIRE(records.size() == 2);
  CHECK(records[1].failure.message == "caller [key] is no key");
  scene.close();
}

TEST_CASE("closing stops what is under way, and records it") {
  CallsScene scene([](const AiHttpRequest&) { return CallScript{{ScriptStep::kSent, 1}}; });
  CallSettings settings = line_settings();
  settings.budgets = {{{.name = "day", .scope = {}, .limit = {1000 * kToken}, .alert_percents = {}}}};
  scene.open(settings);
  scene.ask(question("hi", 1));
  scene.pass(20);
  scene.close();
  CHECK_FALSE(scene.outcomes[0].has_value());
  CHECK(scene.kinds() == "intent unknown ");
  CHECK(scene.transport.under_way() == 0);
}

TEST_CASE("without a log calls are answered, and nothing is recorded") {
  CallsScene scene(hello);
  scene.open(line_settings(), false);
  scene.ask(question("hi", 1));
  CHECK(scene.answer(0).text == "hello");
  scene.ask(question("hi", 1));
  CHECK(scene.answer(1).from == AiAnswerFrom::kProvider);
  CHECK(scene.calls->ledger().total().answered == 2);
  CHECK(scene.records().empty());
  scene.close();
}

TEST_CASE("what can't be is told before anything is asked") {
  CallsScene scene(hello);
  CallSettings settings = line_settings();
  settings.prices = PriceTable();
  scene.open(settings);
  CHECK_THAT(scene.calls->check(question("hi")).error().message, Catch::Contains("has no price"));
  AiQuestion unknown = question("hi");
  unknown.models = {{"nobody", "m", 1}};
  CHECK_THAT(scene.calls->check(unknown).error().message, Catch::Contains("no AI provider 'nobody'"));
  scene.ask(unknown);
  CHECK_FALSE(scene.refusal(0).error().retryable);
  CHECK(scene.transport.sent() == 0);
  scene.close();
}

TEST_CASE("settings that contradict themselves are refused") {
  CallsScene scene(hello);
  const auto refused = [&scene](const CallSettings& settings) {
    const auto created = Calls::create(settings, {.log = scene.log.get(),
                                                  .loop = scene.loop,
                                                  .clock = scene.clock,
                                                  .random = scene.random,
                                                  .transport = scene.transport,
                                                  .book = scene.book});
    return !created && created.error().code == ErrorCode::kInvalidConfig;
  };
  CallSettings settings = line_settings();
  settings.providers[1].name = "one";
  CHECK(refused(settings));
  settings = line_settings();
  settings.providers[0].connections = 0;
  CHECK(refused(settings));
  settings = line_settings();
  settings.providers[0].provider = nullptr;
  CHECK(refused(settings));
  settings = line_settings();
  settings.budgets.resize(2);
  CHECK(refused(settings));
  settings.budgets.resize(1);
  settings.budgets[0].spec.name = "day";
  settings.budgets[0].switch_to = AiModelChoice{"nobody", "m", 1};
  CHECK(refused(settings));
}

TEST_CASE("what must not leave is taken out before anything is made of it", "[REQ-083]") {
  CallsScene scene(hello);
  CallSettings settings = line_settings();
  settings.redact = [](const std::string& text) { return text == "secret" ? std::string("[x]") : text; };
  scene.open(settings);
  scene.ask(question("secret", 1));
  (void)scene.answer(0);
  CHECK(scene.transport.bodies == std::vector<std::string>{"[x]"});
  scene.close();
}

TEST_CASE("a listener that joins late is handed what came before", "[REQ-071]") {
  CallsScene scene([](const AiHttpRequest&) { return answering({"T one ", "T two", "U 5 5", "E"}, 50); });
  scene.open();
  scene.ask(question("hi"));
  scene.pass(160);
  std::string heard;
  scene.ask(question("hi"), [&heard](const AiOutput& output) {
    if (const auto* text = std::get_if<AiTextDelta>(&output)) heard += text->text;
  });
  CHECK(heard == "one ");
  CHECK(scene.answer(1).text == "one two");
  CHECK(heard == "one two");
  scene.close();
}

}  // namespace
}  // namespace colloquium::ai
