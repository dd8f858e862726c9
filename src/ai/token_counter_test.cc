#include "ai/token_counter.h"

#include <catch2/catch.hpp>
#include <vector>

#include "ai/scripted_provider_test.h"
#include "loop/test_loop.h"

namespace colloquium::ai {
namespace {

struct Scene {
  explicit Scene(CallScript script) : transport(loop, [script](const AiHttpRequest&) { return script; }) {
    provider.name = "p";
    provider.provider = std::make_shared<CountingProvider>();
    provider.access = [] { return AiAccess{"http://here", "k", {}}; };
  }
  bool count() {
    AiRequest request;
    request.model = "m";
    request.messages.push_back({AiRole::kUser, {AiText{"hi"}}});
    return counter.count(provider, request,
                         [this](TokenCounter::Counted said) { told.push_back(std::move(said)); });
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  ScriptedTransport transport;
  ProviderSettings provider;
  TokenCounter counter{loop, clock, transport};
  std::vector<TokenCounter::Counted> told;
};

}  // namespace

TEST_CASE("a provider that counts is asked at its own place", "[REQ-062]") {
  Scene scene(answering({"N 7"}));
  REQUIRE(scene.count());
  CHECK(scene.told.empty());
  scene.loop.advance(1000);
  REQUIRE(scene.told.size() == 1);
  CHECK(std::get<int64_t>(scene.told[0]) == 7);
  CHECK(scene.transport.urls == std::vector<std::string>{"http://here/m/count"});
}

TEST_CASE("what a provider refuses, or answers instead, is no count", "[REQ-062]") {
  const auto failure = [](CallScript script) {
    Scene scene(std::move(script));
    REQUIRE(scene.count());
    scene.loop.advance(1'000'000);
    REQUIRE(scene.told.size() == 1);
    return std::get<AiFailure>(scene.told[0]);
  };
  CHECK(failure(refusing(429)).kind == AiFailureKind::kThrottled);
  CHECK(failure(refusing(401)).kind == AiFailureKind::kKey);
  CHECK(failure(answering({"hello"})).message == "no count");
  CHECK(failure({{ScriptStep::kSent, 1}, {ScriptStep::kBreak, 1, 0, "gone"}}).kind == AiFailureKind::kTransient);
  CHECK(failure({{ScriptStep::kSent, 1}}).message.find("nothing came") != std::string::npos);
}

TEST_CASE("who has no way to count is not asked, and too many counts are refused", "[REQ-062]") {
  Scene scene({{ScriptStep::kSent, 1}});
  for (size_t i = 0; i < TokenCounter::kUnderWayMax; ++i) REQUIRE(scene.count());
  REQUIRE(scene.count());
  scene.loop.advance(10);
  REQUIRE(scene.told.size() == 1);
  CHECK(std::get<AiFailure>(scene.told[0]).kind == AiFailureKind::kThrottled);
  CHECK(scene.transport.sent() == TokenCounter::kUnderWayMax);
  scene.counter.stop();
  CHECK(scene.transport.under_way() == 0);
  scene.provider.provider = std::make_shared<LineProvider>();
  CHECK_FALSE(scene.count());
}

}  // namespace colloquium::ai
