#include "components/generate/event_template.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "config/yaml.h"
#include "json/walk.h"

namespace colloquium::components {
namespace {

EventTemplate compiled(const std::string& yaml, ConfigProblems& problems) {
  const auto node = config::load_yaml(yaml, "t.yaml", problems);
  REQUIRE(node);
  return EventTemplate::compile(*node, problems);
}

std::string made(const std::string& yaml, uint64_t number = 0, uint64_t seed = 1) {
  ConfigProblems problems;
  const EventTemplate event = compiled(yaml, problems);
  for (const ConfigProblem& problem : problems) UNSCOPED_INFO(problem.describe());
  REQUIRE(problems.empty());
  std::string out;
  event.append(seed, {number, 1'767'225'600'000 + static_cast<int64_t>(number)}, out);
  REQUIRE(json::parse(out, "made"));
  return out;
}

std::string problem_of(const std::string& yaml) {
  ConfigProblems problems;
  compiled(yaml, problems);
  return problems.empty() ? "" : problems.front().describe();
}

TEST_CASE("what holds no placeholder stands as it is") {
  CHECK(made(R"({a: 1, b: [true, null, 1.50, "x\"y"], c: {}, "d\n": ""})") ==
        "{\"a\":1,\"b\":[true,null,1.50,\"x\\\"y\"],\"c\":{},\"d\\n\":\"\"}\n");
}

TEST_CASE("a placeholder alone has its own type, and in text it is text") {
  CHECK(made("{n: '{{n}}', text: 'event {{ n }} of {{n}}', at: '{{time}}', ms: '{{time_ms}}'}", 7) ==
        "{\"n\":7,\"text\":\"event 7 of 7\",\"at\":\"2026-01-01T00:00:00.007Z\",\"ms\":1767225600007}\n");
  CHECK(made("'{{bool 100}}'") == "true\n");
  CHECK(made("'{{bool 0}}'") == "false\n");
  CHECK(made("'{{pick a}}'") == "\"a\"\n");
  CHECK(made("['{{n}}{{n}}']", 3) == "[\"33\"]\n");
}

TEST_CASE("the same seed gives the same event, another seed or number another one") {
  const std::string all =
      "['{{int 1 1000000}}', '{{float 0 1 9}}', '{{uuid}}', '{{hex 7}}', '{{words 3}}', '{{name}}', '{{email}}', "
      "'{{city}}', '{{country}}', '{{ipv4}}', '{{first_name}}', '{{last_name}}']";
  CHECK(made(all, 5, 9) == made(all, 5, 9));
  CHECK(made(all, 5, 9) != made(all, 6, 9));
  CHECK(made(all, 5, 9) != made(all, 5, 10));
  // What a release made another one has to make again.
  CHECK(made("['{{int 1 100}}', '{{hex 8}}', '{{pick a|b|c|d}}']") == "[46,\"fa559537\",\"b\"]\n");
}

TEST_CASE("values keep to their bounds and reach them") {
  std::set<std::string> ints, picks;
  int trues = 0;
  for (uint64_t n = 0; n < 2000; ++n) {
    ints.insert(made("'{{int -2 2}}'", n));
    picks.insert(made("'{{pick red | dark green|\"}}'", n));
    trues += made("'{{bool 25}}'", n) == "true\n" ? 1 : 0;
    const std::string real = made("'{{float 2 3 1}}'", n);
    CHECK((real >= "2.0" && real <= "3.0\n"));
  }
  CHECK(ints == std::set<std::string>{"-2\n", "-1\n", "0\n", "1\n", "2\n"});
  CHECK(picks == std::set<std::string>{"\"red\"\n", "\"dark green\"\n", "\"\\\"\"\n"});
  CHECK(trues > 400);
  CHECK(trues < 600);
  CHECK_FALSE(made("'{{int -9223372036854775808 9223372036854775807}}'").empty());
}

TEST_CASE("a uuid is one of version 4") {
  const std::string uuid = made("'{{uuid}}'");
  REQUIRE(uuid.size() == 39);
  CHECK((uuid[9] == '-' && uuid[14] == '-' && uuid[19] == '-' && uuid[24] == '-'));
  CHECK(uuid[15] == '4');
  CHECK(std::string("89ab").find(uuid[20]) != std::string::npos);
}

TEST_CASE("a wrong placeholder is told with its place and what it takes") {
  CHECK_THAT(problem_of("{a: '{{nope}}'}"), Catch::StartsWith("t.yaml:1:5") && Catch::Contains("int, float"));
  CHECK_THAT(problem_of("'{{int 1}}'"), Catch::Contains("{{int MIN MAX}}"));
  CHECK_THAT(problem_of("'{{int 5 1}}'"), Catch::Contains("'int 5 1'"));
  CHECK_THAT(problem_of("'{{int 1 x}}'"), Catch::Contains("{{int MIN MAX}}"));
  CHECK_THAT(problem_of("'{{float 1 inf}}'"), Catch::Contains("{{float MIN MAX [DECIMALS]}}"));
  CHECK_THAT(problem_of("'{{float 1 2 99}}'"), Catch::Contains("{{float"));
  CHECK_THAT(problem_of("'{{hex 0}}'"), Catch::Contains("{{hex DIGITS}}"));
  CHECK_THAT(problem_of("'{{bool 101}}'"), Catch::Contains("{{bool [PERCENT]}}"));
  CHECK_THAT(problem_of("'{{uuid 4}}'"), Catch::Contains("{{uuid}}"));
  CHECK_THAT(problem_of("'{{pick}}'"), Catch::Contains("pick from"));
  CHECK_THAT(problem_of("'x {{n'"), Catch::Contains("without '}}'"));
  CHECK_THAT(problem_of("'{{}}'"), Catch::Contains("there is no placeholder"));
}

TEST_CASE("the sample is a template") {
  CHECK_FALSE(made(kSampleTemplate).empty());
}

}  // namespace
}  // namespace colloquium::components
