#include "ai/token_counter.h"

#include <catch2/catch.hpp>
#include <vector>

#include "ai/answer_decoder.h"
#include "ai/json_text.h"
#include "ai/scripted_provider_test.h"
#include "loop/test_loop.h"

namespace colloquium::ai {
namespace {

// Its refusals, and what it says of a body that is no count, quote that.
class EchoingProvider final : public AiProvider {
 public:
  Status check(const AiRequest&) const override { return {}; }
  AiHttpRequest encode(const AiRequest& request, const AiAccess& access) const override {
    return lines_.encode(request, access);
  }
  std::unique_ptr<AiDecoder> decoder(const AiRequest&) const override { return std::make_unique<Echo>(); }
  std::optional<AiCounting> counting(const AiRequest& request, const AiAccess& access) const override {
    return AiCounting{encode(request, access), [](std::string_view body) { return count_in(body, "tokens"); }};
  }

 private:
  class Echo final : public AnswerDecoder {
   public:
    Echo() : AnswerDecoder("none") {}

   protected:
    void stream(std::string_view, const AiTake&) override {}
    void whole(std::string_view body, const AiTake& take) override { broken(std::string(body), take); }
    AiFailure refusal(const AiHead& head, std::string_view body) override {
      return {failure_kind(head.status), std::string(body), std::nullopt, head.status};
    }
  };
  LineProvider lines_;
};

struct Scene {
  explicit Scene(CallScript script) : transport(loop, [script](const AiHttpRequest&) { return script; }) {
    provider.name = "p";
    provider.provider = std::make_shared<CountingProvider>();
    provider.access = [this] {
      ++accesses;
      return AiAccess{"http://here", "k-0123456789", {}};
    };
  }
  bool count() {
    AiRequest request;
    request.model = "m";
    request.messages.push_back({AiRole::kUser, {AiText{"hi"}}});
    return counter.count(provider, request,
                         [this](TokenCounter::Counted said) { told.push_back(std::move(said)); }) != 0;
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  ScriptedTransport transport;
  ProviderSettings provider;
  TokenCounter counter{loop, clock, transport};
  int accesses = 0;
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

TEST_CASE("what is told of a count that failed holds no key", "[REQ-083]") {
  for (const auto& script : {answering({"F caller bad header x-api-key: k-0123456789"}),
                             CallScript{{ScriptStep::kSent, 1},
                                        {ScriptStep::kHead, 1, 400},
                                        {ScriptStep::kBytes, 1, 400, "k-0123456789 is no key"},
                                        {ScriptStep::kEnd}}}) {
    Scene scene(script);
    scene.provider.provider = std::make_shared<EchoingProvider>();
    REQUIRE(scene.count());
    scene.loop.advance(1'000'000);
    REQUIRE(scene.told.size() == 1);
    const std::string message = std::get<AiFailure>(scene.told[0]).message;
    CHECK(message.find("[key]") != std::string::npos);
    CHECK(message.find("k-0123456789") == std::string::npos);
    CHECK(scene.accesses == 1);
  }
}

TEST_CASE("a body that is no count is quoted up to a whole character") {
  const std::string message = count_in(std::string(299, 'x') + "\u00e9\u00e9", "tokens").error().message;
  CHECK(message.ends_with("xx"));
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
