#include "config/substitution.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::config {
namespace {

const std::map<std::string, std::string, std::less<>> kVariables = {
    {"HOST", "example.org"},           {"PORT", "9092"},   {"EMPTY", ""},
    {"TRICK", "x\nother: 1"},          {"REF", "${HOST}"}, {"FLAG", "true"},
    {"BIG", std::string(100'000, 'x')}};

Substitutions substitutions() {
  return {[](std::string_view name) -> std::optional<std::string> {
            const auto it = kVariables.find(name);
            return it == kVariables.end() ? std::nullopt : std::optional(it->second);
          },
          [](std::string_view name) -> Result<std::string> {
            if (name == "token") return "1234";
            return fail(ErrorCode::kNotFound, "no secret has this name");
          }};
}

struct Outcome {
  ConfigNode node;
  std::string messages;
};

Outcome run(std::string_view text, const Substitutions& with = substitutions()) {
  ConfigProblems problems;
  auto node = load_yaml(text, "f.yaml", problems);
  REQUIRE(node);
  substitute(*node, with, problems);
  return {*std::move(node), describe(problems)};
}

std::string value(std::string_view text) {
  const Outcome outcome = run("a: " + std::string(text));
  CHECK(outcome.messages == "");
  return outcome.node.find("a")->to_json();
}

std::string message(std::string_view text) {
  return run("a: " + std::string(text)).messages;
}

}  // namespace

TEST_CASE("a variable is replaced anywhere in a text", "[REQ-095]") {
  CHECK(value("https://${HOST}:${PORT}/x") == R"("https://example.org:9092/x")");
  CHECK(value("'${HOST}'") == R"("example.org")");
  CHECK(value("['${HOST}', {b: \"${PORT}\"}]") == R"(["example.org",{"b":"9092"}])");
}

TEST_CASE("a plain scalar that is one reference is typed afterwards, a quoted one stays text", "[REQ-095]") {
  CHECK(value("${PORT}") == "9092");
  CHECK(value("${FLAG}") == "true");
  CHECK(value("${HOST}") == R"("example.org")");
  CHECK(value("${NONE:-null}") == "null");
  CHECK(value("\"${PORT}\"") == R"("9092")");
  CHECK(value("${PORT}${PORT}") == R"("90929092")");
  CHECK(value("${PORT} ") == "9092");
  CHECK(run("a: ${PORT}").node.find("a")->substituted);
  CHECK_FALSE(run("a: '${PORT}'").node.find("a")->substituted);
}

TEST_CASE("a default serves where the variable is unset or empty", "[REQ-095]") {
  CHECK(value("${NONE:-8080}") == "8080");
  CHECK(value("${EMPTY:-x}") == R"("x")");
  CHECK(value("${PORT:-1}") == "9092");
  CHECK(value("${NONE:-}/b") == R"("/b")");
  CHECK(value("${NONE:-a:-b}") == R"("a:-b")");
  CHECK(value("${NONE:-${ALSO_NONE:-${HOST}}}/x") == R"("example.org/x")");
}

TEST_CASE("two dollars are one, and a dollar alone stands for itself") {
  CHECK(value("$$") == R"("$")");
  CHECK(value("a$${HOST}") == R"("a${HOST}")");
  CHECK(value("\"$input\"") == R"("$input")");
  CHECK(value("\"= $input/total > 1000\"") == R"("= $input/total > 1000")");
  CHECK(value("cost$") == R"("cost$")");
  CHECK(value("$$$HOST") == R"("$$HOST")");
  CHECK(value("${NONE:-a$$b}") == R"("a$b")");
  CHECK(value("${NONE:-$${x}}") == R"("${x}")");
}

TEST_CASE("placeholders of templates are left alone") {
  CHECK(value("'${/user/id} of ${}'") == R"("${/user/id} of ${}")");
  CHECK(value("'${/user} on ${HOST}'") == R"("${/user} on example.org")");
}

TEST_CASE("a value is never read as YAML or replaced again") {
  CHECK(value("${TRICK}") == R"("x\nother: 1")");
  CHECK(value("${REF}") == R"("${HOST}")");
}

TEST_CASE("keys are not replaced") {
  CHECK(run("'${HOST}': 1").node.members[0].key == "${HOST}");
}

TEST_CASE("what cannot be replaced is a problem with its place", "[REQ-094][REQ-095]") {
  CHECK(message("${NONE}") ==
        "f.yaml:1:4: error: the variable NONE is not set; set it, or write ${NONE:-default}\n");
  CHECK(message("x${EMPTY}") ==
        "f.yaml:1:4: error: the variable EMPTY is empty; set it, or write ${EMPTY:-default}\n");
  CHECK(message("${HOST") ==
        "f.yaml:1:4: error: '${' without '}'; write '$${' for the two characters themselves\n");
  CHECK(message("${not a name}") ==
        "f.yaml:1:4: error: 'not a name' is not the name of a variable; write '$${' for "
        "the two characters themselves\n");
  CHECK(message("${1A}") ==
        "f.yaml:1:4: error: '1A' is not the name of a variable; write '$${' for the two "
        "characters themselves\n");
  CHECK(run("a: [x, '${NONE}']\nb: ${NONE}\n").messages ==
        "f.yaml:1:8: error: the variable NONE is not set; set it, or write ${NONE:-default}\n"
        "f.yaml:2:4: error: the variable NONE is not set; set it, or write ${NONE:-default}\n");
}

TEST_CASE("one text gives one problem and is marked, so that readers say no more about it") {
  const Outcome outcome = run("a: ${NONE}-${ALSO_NONE}");
  CHECK(std::count(outcome.messages.begin(), outcome.messages.end(), '\n') == 1);
  CHECK(outcome.node.find("a")->unresolved);
}

TEST_CASE("a secret is a string, marked, and never typed", "[REQ-095]") {
  const Outcome outcome = run("a: ${secret:token}\nb: Bearer ${secret:token}\nc: x\n");
  CHECK(outcome.messages == "");
  CHECK(outcome.node.find("a")->to_json() == R"("1234")");
  CHECK(outcome.node.find("a")->secret);
  CHECK(outcome.node.find("b")->text == "Bearer 1234");
  CHECK(outcome.node.find("b")->secret);
  CHECK_FALSE(outcome.node.find("c")->secret);
}

TEST_CASE("a secret that cannot be read is a problem that says why") {
  CHECK(message("${secret:other}") ==
        "f.yaml:1:4: error: secret 'other' cannot be read: no secret has this name\n");
  CHECK(run("a: ${secret:token}", {}).messages ==
        "f.yaml:1:4: error: secret 'token' cannot be read: there is no secret store\n");
  CHECK(run("a: ${HOST}", {}).messages ==
        "f.yaml:1:4: error: the variable HOST is not set; set it, or write ${HOST:-default}\n");
}

TEST_CASE("substitution is bounded in depth and size") {
  std::string nested = "x";
  for (int i = 0; i < 12; ++i) nested = "${NONE:-" + nested + "}";
  CHECK(message(nested) == "f.yaml:1:4: error: too many ${…} inside each other\n");
  std::string large;
  for (int i = 0; i < 1'000; ++i) large += "${BIG}";
  CHECK(message(large) == "f.yaml:1:4: error: the text is larger than 1 MiB after substitution\n");
}

}  // namespace colloquium::config
