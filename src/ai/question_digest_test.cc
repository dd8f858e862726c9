#include "ai/question_digest.h"

#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "ai/call_record.h"

namespace colloquium::ai {
namespace {

AiQuestion base() {
  AiQuestion question;
  question.request.messages.push_back({AiRole::kUser, {AiText{"hi"}}});
  question.request.inputs = {"a"};
  question.models = {{"one", "m", 1}};
  return question;
}

TEST_CASE("whatever an answer depends on makes another question") {
  const std::vector<std::function<void(AiQuestion&)>> changes = {
      [](AiQuestion&) {},
      [](AiQuestion& q) { q.request.messages[0].role = AiRole::kSystem; },
      [](AiQuestion& q) { q.request.messages[0].parts = {AiText{"ho"}}; },
      [](AiQuestion& q) { q.request.messages[0].parts.push_back(AiText{""}); },
      [](AiQuestion& q) {
        q.request.messages[0].parts = {AiToolResult{"hi", "", false}};
      },
      [](AiQuestion& q) {
        q.request.messages[0].parts = {AiToolResult{"hi", "", true}};
      },
      [](AiQuestion& q) {
        q.request.messages[0].parts = {AiToolResult{"h", "i", false}};
      },
      [](AiQuestion& q) {
        q.request.messages[0].parts = {AiImage{"hi", "", ""}};
      },
      [](AiQuestion& q) {
        q.request.messages[0].parts = {AiToolCall{"hi", "", ""}};
      },
      [](AiQuestion& q) { q.request.messages.push_back({}); },
      [](AiQuestion& q) { q.request.task = AiTask::kEmbed; },
      [](AiQuestion& q) { q.request.inputs.push_back(""); },
      [](AiQuestion& q) {
        q.request.tools.push_back({"t", "", ""});
      },
      [](AiQuestion& q) { q.request.tool_choice.kind = AiToolChoice::Kind::kAny; },
      [](AiQuestion& q) { q.request.output_schema = ""; },
      [](AiQuestion& q) {
        q.request.output_schema = "";
        q.request.schema_terms.strict = false;
      },
      [](AiQuestion& q) {
        q.request.output_schema = "";
        q.request.schema_terms.name = "n";
      },
      [](AiQuestion& q) {
        q.request.output_schema = "";
        q.request.schema_terms.description = "n";
      },
      [](AiQuestion& q) { q.request.parameters.temperature = 0; },
      [](AiQuestion& q) { q.request.parameters.top_p = 0; },
      [](AiQuestion& q) { q.request.parameters.seed = 0; },
      [](AiQuestion& q) { q.request.parameters.max_output_tokens = 0; },
      [](AiQuestion& q) { q.request.parameters.stop = {"x"}; },
      [](AiQuestion& q) { q.request.parameters.extra = "{}"; },
      [](AiQuestion& q) { q.models[0].model = "n"; },
      [](AiQuestion& q) {
        q.models.push_back({"one", "m", 1});
      },
      [](AiQuestion& q) { q.prompt = "p@2"; },
      [](AiQuestion& q) { q.arm = "b"; },
      [](AiQuestion& q) { q.tenant = "t"; },
  };
  std::set<io::Digest128> digests;
  for (const auto& change : changes) {
    AiQuestion question = base();
    change(question);
    CHECK(digests.insert(question_digest(question)).second);
  }
}

TEST_CASE("what is recorded of a question with a schema is found by the digest it was recorded with",
          "[REQ-070]") {
  AiQuestion question = base();
  question.request.output_schema = R"({"type":"object"})";
  CHECK(digest_text(question_digest(question)) == "ebe0deec663de897ce5be89d93b5cb07");
}

TEST_CASE("how and for whom it is asked makes none") {
  AiQuestion question = base();
  const io::Digest128 digest = question_digest(question);
  question.request.stream = false;
  question.request.model = "set later";
  question.who = "another";
  question.event = AiEvent{"e", "p", 1};
  question.cache_ttl_ms = 5;
  question.models[0].weight = 7;
  question.routing = AiRouting::kWeighted;
  CHECK(question_digest(question) == digest);
}

TEST_CASE("a key of its own says what a cached answer is found by", "[REQ-072]") {
  AiQuestion question = base();
  CHECK(cache_digest(question, {1, 2}) == io::Digest128{1, 2});
  question.cache_key = "k";
  const io::Digest128 keyed = cache_digest(question, {1, 2});
  CHECK(cache_digest(question, {3, 4}) == keyed);
  question.tenant = "t";
  CHECK(cache_digest(question, {1, 2}) != keyed);
}

}  // namespace
}  // namespace colloquium::ai
