#include "components/http/answer_rules.h"

#include <catch2/catch.hpp>

#include "config/yaml.h"

namespace colloquium::components {
namespace {

Result<net::ClientResponse> answer(int status, std::string body = {}) {
  net::ClientResponse response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

struct Read {
  StatusSettings settings;
  std::string problems;
};

Read read(const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  Read result;
  result.settings = ConfigObject<StatusSettings>::spec().read(*node->find("status"), "status", problems);
  check_statuses(result.settings, *node, problems);
  for (const ConfigProblem& problem : problems) result.problems += problem.describe() + "\n";
  return result;
}

TEST_CASE("without settings a status means what HTTP says of it", "[REQ-016]") {
  const AnswerRules rules({}, false);
  for (const int status : {200, 201, 204, 299}) CHECK(rules.verdict(status) == Verdict::kDone);
  for (const int status : {408, 425, 429, 500, 502, 503, 599, 407})
    CHECK(rules.verdict(status) == Verdict::kRetry);
  for (const int status : {301, 304, 400, 401, 404, 409, 422})
    CHECK(rules.verdict(status) == Verdict::kDeadLetter);
  CHECK(rules.verdict(413) == Verdict::kSplit);
  CHECK(AnswerRules({}, true).verdict(401) == Verdict::kRetry);
}

TEST_CASE("status lists go over the defaults", "[REQ-016]") {
  const Read given = read(
      "status:\n  done: 409\n  drop: [410, \"420-429\"]\n  retry: [404, 304]\n  dead_letter: 5xx\n  split: "
      "[400]\n");
  REQUIRE(given.problems.empty());
  const AnswerRules rules(given.settings, false);
  CHECK(rules.verdict(409) == Verdict::kDone);
  CHECK(rules.verdict(410) == Verdict::kDrop);
  CHECK(rules.verdict(420) == Verdict::kDrop);
  CHECK(rules.verdict(429) == Verdict::kDrop);
  CHECK(rules.verdict(430) == Verdict::kDeadLetter);
  CHECK(rules.verdict(404) == Verdict::kRetry);
  CHECK(rules.verdict(304) == Verdict::kRetry);
  CHECK(rules.verdict(503) == Verdict::kDeadLetter);
  CHECK(rules.verdict(400) == Verdict::kSplit);
  CHECK(rules.verdict(413) == Verdict::kSplit);
  CHECK(rules.verdict(200) == Verdict::kDone);
}

TEST_CASE("a split of one event is a dead letter, and a drop tells nothing", "[REQ-016]") {
  const AnswerRules rules(read("status: {drop: 410}").settings, false);
  const EventOutcome large = rules.outcome("POST u", answer(413, "too much"));
  CHECK(large.outcome == Outcome::kDeadLetter);
  CHECK(large.error.message == "POST u answered 413: too much");
  CHECK(rules.outcome("POST u", answer(410)).outcome == Outcome::kDrop);
  CHECK(rules.outcome("POST u", answer(204)).outcome == Outcome::kOk);
}

TEST_CASE("an answer that waits for something of the event is one of its attempts", "[REQ-022]") {
  const AnswerRules rules(read("status: {retry: [404, 200]}").settings, true);
  for (const int status : {404, 200, 500, 501}) CHECK(rules.outcome("u", answer(status)).is_attempt);
  for (const int status : {401, 407, 408, 425, 429, 502, 503}) {
    INFO(status);
    CHECK(rules.outcome("u", answer(status)).outcome == Outcome::kRetry);
    CHECK_FALSE(rules.outcome("u", answer(status)).is_attempt);
  }
}

TEST_CASE("statuses that are none, or are named twice, are refused", "[REQ-016]") {
  for (const char* bad : {"99", "600", "150", "x", "6xx", "1xx", "429-420", "4-5", "\"400-\"", "\"-500\"", "true",
                          "{a: 1}", "4000", "40.5"}) {
    INFO(bad);
    CHECK_THAT(read("status: {done: [" + std::string(bad) + "]}").problems,
               Catch::StartsWith("p.yaml:1:17: error: status.done must be a status such as 409"));
  }
  CHECK_THAT(read("status: {done: 4xx, retry: 404}").problems, Catch::Contains("404 is named more than once"));
  CHECK_THAT(read("status: {dnoe: 409}").problems, Catch::Contains("did you mean 'done'"));
}

}  // namespace
}  // namespace colloquium::components
