#include "ai/offline_calls.h"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "ai/calls_scene_test.h"

namespace colloquium::ai {
namespace {

AiOutcome said(const std::string& text) {
  AiOutcome outcome;
  outcome.answer.emplace();
  outcome.answer->text = text;
  return outcome;
}

AiOutcome ask(OfflineCalls& calls, AiQuestion asked) {
  std::optional<AiOutcome> outcome;
  calls.ask(std::move(asked), [&](AiOutcome given) { outcome = std::move(given); });
  REQUIRE(outcome);
  return std::move(*outcome);
}

TEST_CASE("a question is answered at once, by whoever made the calls, and is redacted before") {
  CallSettings settings = line_settings();
  settings.redact = [](const std::string& text) { return text == "me@here" ? "[email]" : text; };
  std::vector<std::string> seen;
  OfflineCalls calls(std::move(settings), [&](const AiQuestion& asked, std::string_view event) {
    seen.push_back(std::get<AiText>(asked.request.messages.at(0).parts.at(0)).text + " " + std::string(event));
    return said("hi");
  });
  calls.begin("7");
  CHECK(ask(calls, question("me@here")).answer->text == "hi");
  CHECK(seen == std::vector<std::string>{"[email] 7"});
  CHECK_FALSE(calls.lacked_answer());
}

TEST_CASE("a question without an answer is refused for good, and that is told until the next event begins") {
  OfflineCalls calls(line_settings(), [](const AiQuestion&, std::string_view) { return std::nullopt; });
  calls.begin("1");
  const AiOutcome outcome = ask(calls, question("x"));
  REQUIRE_FALSE(outcome.answer);
  CHECK(outcome.refusal.model.model == "m");
  CHECK_FALSE(outcome.refusal.error().retryable);
  CHECK(calls.lacked_answer());
  calls.begin("2");
  CHECK_FALSE(calls.lacked_answer());
}

TEST_CASE("what can't be asked is refused as it would be, and nobody is asked for an answer") {
  int asked = 0;
  OfflineCalls calls(line_settings(), [&](const AiQuestion&, std::string_view) {
    ++asked;
    return said("hi");
  });
  AiQuestion unknown = question("x");
  unknown.models = {{"three", "m", 1}};
  CHECK(calls.check(unknown).error().message == "there is no AI provider 'three' in this pipeline");
  CHECK(ask(calls, unknown).refusal.failure.message.find("no AI provider 'three'") != std::string::npos);
  AiQuestion unpriced = question("x");
  unpriced.models = {{"one", "free", 1}};
  CHECK(calls.check(unpriced).error().message.find("has no price") != std::string::npos);
  CHECK_FALSE(calls.lacked_answer());
  CHECK(asked == 0);
}

}  // namespace
}  // namespace colloquium::ai
