#include <catch2/catch.hpp>

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

class Scene : public CallsScene {
 public:
  explicit Scene(CallScript script) : CallsScene([script](const AiHttpRequest&) { return script; }) {
    settings.providers[0].provider = std::make_shared<CountingProvider>();
  }
  AiCount count(AiQuestion question) {
    std::optional<AiCount> told;
    calls->count(std::move(question), [&told](AiCount count) { told = std::move(count); });
    CHECK_FALSE(told);
    for (int i = 0; i < 1000 && !told; ++i) pass(10);
    REQUIRE(told);
    return *told;
  }
  CallSettings settings = line_settings();
};

AiQuestion of_two(const std::string& text) {
  AiQuestion question = ai::question(text);
  question.models = {{"two", "m", 1}, {"one", "m", 1}};
  return question;
}

}  // namespace

TEST_CASE("the first model's provider counts, and nothing of it is recorded", "[REQ-062]") {
  Scene scene(answering({"N 70"}));
  scene.open(scene.settings);
  const AiCount count = scene.count(question("hello"));
  CHECK(count.tokens == 70);
  CHECK_FALSE(count.estimated);
  CHECK_FALSE(count.failure);
  CHECK(scene.transport.urls == std::vector<std::string>{"http://one/m/count"});
  CHECK(scene.kinds().empty());
  scene.close();
}

TEST_CASE("where it can't be asked, the estimate is told as one", "[REQ-062]") {
  Scene scene(answering({"N 70"}));
  scene.open(scene.settings);
  const AiCount count = scene.count(of_two("hello there, all of you"));
  CHECK(count.estimated);
  CHECK(count.tokens > 4);
  CHECK(scene.transport.sent() == 0);
  scene.close();
}

TEST_CASE("what is reserved for a call is learned from a count of its model", "[REQ-062]") {
  Scene scene(answering({"N 28"}));
  scene.open(scene.settings);
  scene.count(question("hello"));
  scene.ask(question("hello"));
  scene.pass(100);
  const auto records = scene.records();
  REQUIRE_FALSE(records.empty());
  // Half of that is what nobody has counted yet, and the factor is rounded.
  CHECK(records[0].tags.reserved.value > (26 + 20) * kToken);
  CHECK(records[0].tags.reserved.value <= (28 + 20) * kToken);
  scene.close();
}

TEST_CASE("a count that is refused, or of what can't be asked, says why", "[REQ-062]") {
  Scene scene(refusing(429, {{"Retry-After", "2"}}));
  scene.open(scene.settings);
  const AiCount refused = scene.count(question("hello"));
  REQUIRE(refused.failure);
  CHECK(refused.failure->kind == AiFailureKind::kThrottled);
  CHECK(refused.failure->retry_after_ms == 2000);
  AiQuestion wrong = question("hello");
  wrong.models[0].model = "impossible";
  const AiCount impossible = scene.count(std::move(wrong));
  REQUIRE(impossible.failure);
  CHECK(impossible.failure->kind == AiFailureKind::kCaller);
  CHECK(scene.transport.sent() == 1);
  scene.close();
}

TEST_CASE("a count that nobody wants any more is stopped, and so are all at the end", "[REQ-062]") {
  Scene scene({{ScriptStep::kSent, 1}});
  scene.open(scene.settings);
  int told = 0;
  const auto number = scene.calls->count(question("a"), [&told](const AiCount&) { ++told; });
  scene.calls->count(question("b"), [&told](const AiCount&) { ++told; });
  scene.pass(100);
  CHECK(scene.transport.under_way() == 2);
  scene.calls->cancel(number);
  CHECK(scene.transport.under_way() == 1);
  bool closed = false;
  scene.calls->close([&closed] { closed = true; });
  CHECK(scene.transport.under_way() == 0);
  for (int i = 0; i < 1000 && !closed; ++i) scene.pass(10);
  CHECK(closed);
  CHECK(told == 0);
}

TEST_CASE("what must not leave is not sent to be counted, either", "[REQ-062][REQ-083]") {
  Scene scene(answering({"N 7"}));
  scene.settings.redact = [](std::string text) { return text == "my card" ? std::string("[card]") : text; };
  scene.open(scene.settings);
  scene.count(question("my card"));
  CHECK(scene.transport.bodies == std::vector<std::string>{"[card]"});
  scene.close();
}

}  // namespace colloquium::ai
