#include "computo/event_evaluator.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "computo/code.h"
#include "computo/expression.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using Headers = std::vector<std::pair<std::string_view, std::string_view>>;

// A batch of one event, without a tape unless wanted.
std::shared_ptr<const Batch> batch_of(std::string_view value, std::optional<std::string_view> key = std::nullopt,
                                      const Headers& headers = {}) {
  BatchBuilder builder;
  EventMeta meta;
  meta.key = key;
  meta.headers = headers;
  meta.timestamp_ms = 951868800001;
  meta.offset_delta = 2;
  if (value.empty()) {
    builder.add_tombstone(meta);
  } else {
    builder.add(value, {}, meta);
  }
  BatchOrigin origin;
  origin.stream = "s\"1";
  origin.tag = "abcdefgh";
  origin.source = "in";
  origin.partition = 1;
  return builder.seal(std::make_shared<const BatchOrigin>(origin), 40);
}

ProgramPtr script(std::string_view text) {
  CompileOptions options;
  options.variables = host_variables();
  options.origin = "s.json";
  return testing::compiled(text, options);
}

std::string outcome(EventEvaluator& evaluator, const Batch& batch) {
  std::vector<char> bytes;
  if (!evaluator.evaluate(batch, 0) || !evaluator.evaluator().write(bytes, nullptr))
    return evaluator.failure().message;
  return std::string(bytes.begin(), bytes.end());
}

std::string outcome(std::string_view text, const Batch& batch) {
  EventEvaluator evaluator(script(text), nullptr);
  return outcome(evaluator, batch);
}

}  // namespace

TEST_CASE("meta data of an event", "[REQ-036]") {
  CHECK(outcome(R"(["$", "/event_metadata"])", *batch_of("1", "k\n", {{"b", "2"}, {"a", "1"}, {"b", "3"}})) ==
        R"({"headers":{"a":"1","b":"3"},"id":"s\"1.abcdefgh-1-42","key":"k\n","offset":42,"partition":1,)"
        R"("source":"in","stream":"s\"1","timestamp":"2000-03-01T00:00:00.001Z","tombstone":false})");
  CHECK(outcome(R"([["$", "/event_metadata/key"], ["$", "/event_metadata/headers"]])", *batch_of("1")) ==
        "[null,{}]");
}

TEST_CASE("keys and headers that are no text appear in base64") {
  const Headers headers = {{"h", "\xff"}, {"\xfe\xff", "v"}};
  CHECK(outcome(R"([["$", "/event_metadata/key"], ["$", "/event_metadata/headers"]])",
                *batch_of("1", std::string_view("\x80\x00\x01", 3), headers)) ==
        R"(["gAAB",{"/v8=":"v","h":"/w=="}])");
}

TEST_CASE("a tombstone is null and says so") {
  CHECK(outcome(R"([["$input"], ["$", "/event_metadata/tombstone"]])", *batch_of("")) == "[null,true]");
}

TEST_CASE("a batch without tape is walked") {
  CHECK(outcome(R"(["$input", "/a/1"])", *batch_of(R"( {"a": [1, 2.0]} )")) == "2.0");
}

TEST_CASE("the events of a batch may be evaluated together, walked or not") {
  const testing::Text list("[1, {}]");
  const json::ValueView view = list.view();
  BatchBuilder builder;
  builder.add("{\"a\": [1]}", {}, {});
  builder.add("[1, {}]", json::tape_of(view), {});
  builder.add_tombstone({});
  builder.add(" 7", {}, {});
  const auto batch = builder.seal(std::make_shared<const BatchOrigin>(), 5);
  const auto together = [](std::string_view text, const Batch& events) {
    EventEvaluator evaluator(script(text), nullptr);
    std::vector<char> bytes;
    REQUIRE(evaluator.evaluate_together(events));
    REQUIRE(evaluator.evaluator().write(bytes, nullptr));
    return std::string(bytes.begin(), bytes.end());
  };
  CHECK(together(R"(["$inputs"])", *batch) == R"([{"a": [1]},[1, {}],null,7])");
  CHECK(together(R"([["$input", "/a/0"], ["$", "/event_metadata/offset"]])", *batch) == "[1,5]");
  const auto none = builder.seal(std::make_shared<const BatchOrigin>(), 0);
  CHECK(together(R"([["$inputs"], ["$input"], ["$", "/event_metadata"]])", *none) == "[[],null,null]");
}

TEST_CASE("variables of the pipeline are parsed once and may be missing", "[REQ-038]") {
  const auto context = HostContext::create({{"pipeline_config", R"({"name": "p"})"}, {"other", "1"}});
  REQUIRE(context);
  EventEvaluator evaluator(script(R"([["$", "/pipeline_config/name"], ["$", "/stream_metadata"]])"), *context);
  CHECK(outcome(evaluator, *batch_of("1")) == R"(["p",null])");
  CHECK((*context)->find("other") != nullptr);
  CHECK((*context)->find("nosuch") == nullptr);
  const auto torn = HostContext::create({{"pipeline_config", "{"}});
  REQUIRE_FALSE(torn);
  CHECK_THAT(torn.error().describe(), Catch::Contains("pipeline_config"));
}

TEST_CASE("a failure says file, line, column and category") {
  EventEvaluator evaluator(script("[\"+\", 1,\n [\"$input\"]]"), nullptr);
  CHECK(outcome(evaluator, *batch_of("null")) ==
        "s.json:2:2: error[type]: Error at /+/1: expected number, got null. Use coalesce to put something in the "
        "place of null. Arguments: 1, null.");
  CHECK(outcome(evaluator, *batch_of("2")) == "3");
  CHECK(origin(evaluator.program()) == "s.json");
}

}  // namespace colloquium::computo
