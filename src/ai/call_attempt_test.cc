#include "ai/call_attempt.h"

#include <catch2/catch.hpp>

#include "ai/scripted_provider_test.h"
#include "loop/test_loop.h"

namespace colloquium::ai {
namespace {

struct Scene {
  explicit Scene(CallScript script, size_t bytes_max = 1000)
      : transport(loop, [script = std::move(script)](const AiHttpRequest&) { return script; }),
        attempt(std::make_unique<CallAttempt>(
            loop, clock, transport,
            CallTimeouts{.connect_ms = 50, .first_byte_ms = 100, .silence_ms = 200, .total_ms = 1000}, bytes_max,
            std::make_unique<LineDecoder>())) {
    attempt->send(
        {}, [this](const AiOutput& output) { heard += std::get<AiTextDelta>(output).text; },
        [this](AttemptEnd result) {
          CHECK_FALSE(end.has_value());
          end = std::move(result);
          attempt = nullptr;
        });
  }
  const AttemptEnd& run(int64_t ms = 5000) {
    for (int64_t i = 0; i < ms && !end; ++i) loop.advance(1);
    REQUIRE(end.has_value());
    CHECK(transport.under_way() == 0);
    return *end;
  }
  ManualClock clock;
  loop::TestLoop loop{clock};
  ScriptedTransport transport;
  std::unique_ptr<CallAttempt> attempt;
  std::string heard;
  std::optional<AttemptEnd> end;
};

TEST_CASE("an answer comes in pieces, and is whole") {
  Scene scene(answering({"U 3 0", "T hel", "T lo", "U 3 2", "E"}, 10));
  const AttemptEnd& end = scene.run();
  CHECK(end.how == AttemptEnds::kAnswered);
  CHECK(end.content.text == "hello");
  CHECK(scene.heard == "hello");
  CHECK(end.usage.output == 2);
  CHECK(end.first_ms == 30);
  CHECK(end.took_ms >= 70);
}

TEST_CASE("who pays depends on how far it came") {
  const auto how = [](CallScript script) { return Scene(std::move(script)).run().how; };
  CHECK(how({{ScriptStep::kBreak, 5, 0, "refused"}}) == AttemptEnds::kUnsent);
  CHECK(how({}) == AttemptEnds::kUnsent);
  CHECK(how({{ScriptStep::kSent, 1}, {ScriptStep::kBreak, 5, 0, "reset"}}) == AttemptEnds::kLost);
  CHECK(how({{ScriptStep::kSent, 1}}) == AttemptEnds::kLost);
  CHECK(how(refusing(503)) == AttemptEnds::kRefused);
  CHECK(how({{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1, 429}, {ScriptStep::kBreak, 1, 0, "reset"}}) ==
        AttemptEnds::kRefused);
  CHECK(how({{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1}, {ScriptStep::kBreak, 1, 0, "reset"}}) ==
        AttemptEnds::kBroken);
  CHECK(how({{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1}}) == AttemptEnds::kBroken);
  // What is one JSON text says nothing before its end, and may be paid in whole.
  const auto whole = [&](const std::string& line, ScriptStep::What ends) {
    const std::vector<std::pair<std::string, std::string>> json = {
        {"content-type", "application/json; charset=utf-8"}};
    return how({{ScriptStep::kSent, 1},
                {ScriptStep::kHead, 1, 200, {}, json},
                {ScriptStep::kBytes, 1, 200, line},
                {ends, 1, 0, "reset"}});
  };
  CHECK(whole("T", ScriptStep::kBreak) == AttemptEnds::kLost);
  CHECK(whole("T", ScriptStep::kEnd) == AttemptEnds::kLost);
  CHECK(whole("U 1 1\nF caller no\n", ScriptStep::kEnd) == AttemptEnds::kBroken);
  CHECK(whole("E\n", ScriptStep::kEnd) == AttemptEnds::kAnswered);
  CHECK(how(answering({"T hi"})) == AttemptEnds::kBroken);
  CHECK(how(answering({"T hi", "F throttled later"})) == AttemptEnds::kBroken);
}

TEST_CASE("what was refused before anything was done is not paid, whatever the status and the type") {
  for (const char* type : {"application/x-ndjson", "application/json", ""}) {
    Scene scene({{ScriptStep::kSent, 1},
                 {ScriptStep::kHead, 1, 200, {}, {{"content-type", type}}},
                 {ScriptStep::kBytes, 1, 200, "R throttled later\n"},
                 {ScriptStep::kEnd}});
    const AttemptEnd& end = scene.run();
    CHECK(end.how == AttemptEnds::kRefused);
    CHECK(end.failure.kind == AiFailureKind::kThrottled);
  }
}

TEST_CASE("a refusal says what it is, with its hint") {
  Scene scene(refusing(429, {{"retry-after-ms", "70"}}));
  const AttemptEnd& end = scene.run();
  CHECK(end.failure.kind == AiFailureKind::kThrottled);
  CHECK(end.failure.retry_after_ms == 70);
  CHECK(end.failure.status == 429);
}

TEST_CASE("what failed in the midst of an answer keeps what came", "[REQ-075]") {
  Scene scene(answering({"U 3 1", "T hel", "F throttled later"}));
  const AttemptEnd& end = scene.run();
  CHECK(end.failure.kind == AiFailureKind::kThrottled);
  CHECK(end.content.text == "hel");
  CHECK(end.usage.input == 3);
}

TEST_CASE("every phase has its time", "[REQ-069]") {
  const auto took = [](CallScript script) { return Scene(std::move(script)).run().took_ms; };
  CHECK(took({{ScriptStep::kSent, 1}}) == 150);
  CHECK(took({{ScriptStep::kSent, 1}, {ScriptStep::kHead, 99}}) == 300);
  CallScript slow = {{ScriptStep::kSent, 1}, {ScriptStep::kHead, 9}};
  for (int i = 0; i < 20; ++i) slow.push_back({ScriptStep::kBytes, 150, 200, "T la\n"});
  Scene scene(slow);
  const AttemptEnd& end = scene.run();
  CHECK(end.took_ms == 1000);
  CHECK(end.content.text == "lalalalalala");
  CHECK_THAT(end.failure.message, Catch::Contains("not complete after 1000 ms"));
}

TEST_CASE("an answer that is complete does not wait for the connection's end") {
  CallScript open = {{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1}, {ScriptStep::kBytes, 1, 200, "T x\nE\n"}};
  Scene scene(open);
  const AttemptEnd& end = scene.run();
  CHECK(end.how == AttemptEnds::kAnswered);
  CHECK(scene.transport.cancelled == 1);
}

TEST_CASE("an answer that is too long is not read on") {
  Scene scene(answering({"T 0123456789", "T 0123456789", "E"}, 5), 15);
  const AttemptEnd& end = scene.run();
  CHECK(end.how == AttemptEnds::kBroken);
  CHECK(end.failure.kind == AiFailureKind::kCaller);
  CHECK(scene.transport.cancelled == 1);
}

TEST_CASE("what is stopped tells what is known, and calls nobody") {
  Scene scene(answering({"U 3 1", "T hel", "T lo", "E"}, 10));
  scene.loop.advance(45);
  const AttemptEnd end = scene.attempt->stop("enough");
  CHECK(end.how == AttemptEnds::kBroken);
  CHECK(end.content.text == "hel");
  CHECK(end.failure.message == "enough");
  scene.attempt = nullptr;
  scene.loop.advance(3000);
  CHECK_FALSE(scene.end.has_value());
  CHECK(scene.transport.under_way() == 0);
}

TEST_CASE("an answer that is whole when it is stopped stays answered") {
  CallScript open = {{ScriptStep::kSent, 1}, {ScriptStep::kHead, 1}, {ScriptStep::kBytes, 1, 200, "T x\nE\n"}};
  Scene scene(open);
  scene.loop.advance(100);
  CHECK(scene.attempt->stop("enough").how == AttemptEnds::kAnswered);
  scene.attempt = nullptr;
}

}  // namespace
}  // namespace colloquium::ai
