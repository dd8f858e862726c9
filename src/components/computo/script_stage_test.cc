#include "components/computo/script_stage.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/manual_clock.h"
#include "config/testing/components.h"
#include "json/walk.h"
#include "loop/test_loop.h"

namespace colloquium::components {
namespace {

using Values = std::vector<std::string>;

std::shared_ptr<const BatchOrigin> origin() {
  BatchOrigin made;
  made.stream = "orders";
  made.tag = "abcdefgh";
  made.source = "hook";
  made.partition = 3;
  return std::make_shared<const BatchOrigin>(made);
}

// A batch with a tape, as the door makes it. "-" is a tombstone.
std::shared_ptr<const Batch> batch_of(const Values& values) {
  BatchBuilder builder;
  for (uint32_t i = 0; i < values.size(); ++i) {
    EventMeta meta;
    const std::pair<std::string_view, std::string_view> header{"trace", "t1"};
    meta.key = "k";
    meta.headers = {&header, 1};
    meta.timestamp_ms = 1'700'000'000'123 + i;
    meta.offset_delta = i;
    if (values[i] == "-") {
      builder.add_tombstone(meta);
      continue;
    }
    std::string padded = values[i] + std::string(kBatchPadding, '\0');
    std::vector<TapeToken> tape;
    json::WalkError error;
    REQUIRE(json::Walker().walk({padded.data(), values[i].size()}, tape, error));
    builder.add(values[i], tape, meta);
  }
  return builder.seal(origin(), 100);
}

Values values_of(const Batch& batch) {
  Values out;
  for (size_t i = 0; i < batch.size(); ++i) out.emplace_back(batch.is_tombstone(i) ? "-" : batch.value(i));
  return out;
}

// Each look at it is `step_ns` later than the one before.
class TickingClock final : public Clock {
 public:
  int64_t wall_ms() const override { return 0; }
  int64_t monotonic_ns() const override { return now_ns_ += step_ns; }
  int64_t step_ns = 0;

 private:
  mutable int64_t now_ns_ = 0;
};

// One stage as the engine makes it.
class Fixture {
 public:
  explicit Fixture(const Descriptor& descriptor, std::string_view yaml,
                   std::map<std::string, std::string> variables = {}) {
    ConfigProblems problems;
    const ParsedConfig parsed = descriptor.parse(config::testing::node_of(yaml, "p.yaml"), problems);
    REQUIRE(config::describe(problems).empty());
    ComponentContext context{loop, clock, random, services, "p", "s", "."};
    context.script_variables = std::make_shared<const std::map<std::string, std::string>>(std::move(variables));
    auto made = descriptor.create_pure_stage(parsed, context);
    INFO((made ? std::string() : made.error().describe()));
    REQUIRE(made);
    stage = std::move(*made);
    stage->set_output_tape(true);
  }

  std::shared_ptr<const Batch> run(const std::shared_ptr<const Batch>& input) {
    BatchBuilder output;
    failed.clear();
    stage->run(*input, output, failed);
    return output.seal(input->shared_origin(), input->base_offset());
  }
  Values run(const Values& values) { return values_of(*run(batch_of(values))); }

  TickingClock clock;
  ManualClock loop_clock;
  SeededRandom random{1};
  Services services;
  loop::TestLoop loop{loop_clock};
  std::unique_ptr<PureStage> stage;
  std::vector<FailedEvent> failed;
};

// The tape of every event must be the one a walk over its bytes gives.
void check_tapes(const Batch& batch) {
  for (size_t i = 0; i < batch.size(); ++i) {
    if (batch.is_tombstone(i)) continue;
    const std::string_view value = batch.value(i);
    INFO(value);
    std::vector<TapeToken> walked;
    json::WalkError error;
    REQUIRE(json::Walker().walk(value, walked, error));
    const auto tape = batch.tape(i);
    REQUIRE(tape.size() >= walked.size());
    for (size_t t = 0; t < walked.size(); ++t) {
      CHECK(tape[t].offset == walked[t].offset);
      CHECK(tape[t].length == walked[t].length);
      CHECK(tape[t].next == walked[t].next);
      CHECK(tape[t].count == walked[t].count);
      CHECK(tape[t].flags == walked[t].flags);
      CHECK(tape[t].type() == walked[t].type());
    }
  }
}

}  // namespace

TEST_CASE("a computo stage puts the script's result in the event's place", "[REQ-011]") {
  Fixture f(computo_stage(), R"(["obj", "b", ["+", ["$input", "/n"], 1], "a", ["$input", "/x"]])");
  CHECK(f.run(Values{R"({"n":1,"x":{"z" : 1.50}})", R"({"x":null,"n":-1})"}) ==
        Values{R"({"a":{"z" : 1.50},"b":2})", R"({"a":null,"b":0})"});
  CHECK(f.failed.empty());
}

TEST_CASE("results keep their event's key, headers, time and place, and come with a right tape") {
  Fixture f(computo_stage(),
            R"(["obj", "v", ["$input"], "big", 1.0e20, "s", ["strConcat", "a\"", ["$input", "/q"]]])");
  const auto output = f.run(batch_of({R"({"q":"\u00e9\n"})", R"({"q":[1, {"w":2}]})"}));
  REQUIRE(output->size() == 2);
  CHECK(output->key(1) == "k");
  CHECK(output->headers(1).size() == 1);
  CHECK(output->entry(1).timestamp_ms == 1'700'000'000'124);
  CHECK(output->offset(1) == 101);
  CHECK(output->entry(1).ordinal == 0);
  check_tapes(*output);
}

TEST_CASE("null drops the event") {
  Fixture f(computo_stage(), R"(["if", ["$input", "/keep"], ["$input"], null])");
  CHECK(f.run(Values{R"({"keep":1})", R"({"keep":0})", R"({"keep":[2]})"}) ==
        Values{R"({"keep":1})", R"({"keep":[2]})"});
}

TEST_CASE("emit: each makes an event of every element but null, and counts ordinals up") {
  Fixture f(computo_stage(), "script: [\"$input\"]\nemit: each");
  const auto output = f.run(batch_of({R"([1, null, {"a":[2]} ])", R"({"no":"array"})", "[]", R"([["x"]])"}));
  CHECK(values_of(*output) == Values{"1", R"({"a":[2]})", R"({"no":"array"})", R"(["x"])"});
  CHECK(output->entry(0).ordinal == 0);
  CHECK(output->entry(1).ordinal == 1);
  CHECK(output->entry(2).ordinal == 0);
  CHECK(output->offset(3) == 103);
  check_tapes(*output);
}

TEST_CASE("ordinals stay distinct over two stages that each make several events") {
  Fixture each(computo_stage(), "script: [\"$input\"]\nemit: each");
  Fixture twice(computo_stage(), "script: [\"append\", [[\"$input\"]], [[\"$input\"]]]\nemit: each");
  const auto first = each.run(batch_of({"[1,2]", "[3]"}));
  const auto second = twice.run(first);
  CHECK(values_of(*second) == Values{"1", "1", "2", "2", "3", "3"});
  std::vector<uint32_t> ordinals;
  for (size_t i = 0; i < second->size(); ++i) ordinals.push_back(second->entry(i).ordinal);
  CHECK(ordinals == std::vector<uint32_t>{0, 1, 2, 3, 0, 1});
}

TEST_CASE("an event whose script fails is reported with place and category, the others go on", "[REQ-046]") {
  Fixture f(computo_stage(), "- \"+\"\n- 1\n- [$input, /n]\n");
  CHECK(f.run(Values{R"({"n":1})", R"({"n":"x"})", R"({})", R"({"n":2})"}) == Values{"2", "3"});
  REQUIRE(f.failed.size() == 2);
  CHECK(f.failed[0].index == 1);
  CHECK_THAT(f.failed[0].error.message,
             Catch::StartsWith(R"(p.yaml:3:3: error[type]: Error at /+/1: expected number, got string "x". )") &&
                 Catch::EndsWith(R"( Arguments: 1, "x".)"));
  CHECK(f.failed[1].index == 2);
  CHECK_THAT(f.failed[1].error.message, Catch::StartsWith("p.yaml:3:3: error[pointer]: Error at /+/1: "));
  CHECK_FALSE(f.failed[1].error.retryable);
}

TEST_CASE("an array with an element that cannot be written leaves nothing behind") {
  Fixture f(computo_stage(),
            "script: [let, [[deep, [reduce, [$input], [lambda, [a, x], [cons, [$, /a], []]], 0]]], "
            "[cons, 1, [cons, [$, /deep], []]]]\nemit: each");
  std::string many = "[0";
  for (int i = 0; i < 3000; ++i) many += ",0";
  CHECK(f.run(Values{"[0,0]", many + "]", "[]"}) == Values{"1", "[[0]]", "1", "0"});
  REQUIRE(f.failed.size() == 1);
  CHECK_THAT(f.failed[0].error.message, Catch::Contains("error[limit]"));
}

TEST_CASE("scripts read the event's meta data", "[REQ-036]") {
  Fixture f(computo_stage(), R"(["$", "/event_metadata"])");
  CHECK(f.run(Values{"{}"}) ==
        Values{R"({"headers":{"trace":"t1"},"id":"orders.abcdefgh-3-100","key":"k","offset":100,"partition":3,)"
               R"("source":"hook","stream":"orders","timestamp":"2023-11-14T22:13:20.123Z","tombstone":false})"});
  Fixture tombstone(computo_stage(), R"(["obj", "in", ["$input"], "t", ["$", "/event_metadata/tombstone"]])");
  CHECK(tombstone.run(Values{"-"}) == Values{R"({"in":null,"t":true})"});
}

TEST_CASE("scripts read the variables of the pipeline", "[REQ-038]") {
  Fixture f(computo_stage(), R"(["obj", "n", ["$", "/pipeline_config/name"], "s", ["$", "/stream_metadata"]])",
            {{"pipeline_config", R"({"name": "orders"})"}});
  CHECK(f.run(Values{"1"}) == Values{R"({"n":"orders","s":null})"});
}

TEST_CASE("a default takes the place of what the script fails on, and null drops the event", "[REQ-048]") {
  Fixture value(computo_stage(), "script: ['+', [$input, /n], 1]\non_error: {default: {ok: [1, no]}}");
  CHECK(value.run(Values{R"({"n":1})", R"({"n":"x"})"}) == Values{"2", R"({"ok":[1,"no"]})"});
  CHECK(value.failed.empty());
  Fixture none(computo_stage(), "script: ['+', [$input, /n], 1]\non_error: {default: null}");
  CHECK(none.run(Values{R"({"n":1})", R"({"n":"x"})", "{}"}) == Values{"2"});
  CHECK(none.failed.empty());
  Fixture each(computo_stage(),
               "script: [map, [$input], [lambda, [x], ['+', [$, /x], 1]]]\nemit: each\n"
               "on_error: {default: [7, 8]}");
  CHECK(each.run(Values{"[1,2]", "[1,true]"}) == Values{"2", "3", "7", "8"});
}

TEST_CASE("a fallback reads the event and the failure, and if it fails too the letter names both", "[REQ-048]") {
  Fixture f(computo_stage(),
            "script: ['+', [$input, /n], 1]\n"
            "on_error: {fallback: [obj, was, [$input, /n], why, [$, /error/category]]}");
  CHECK(f.run(Values{R"({"n":1})", R"({"n":"x"})", "{}", R"({"n":5})"}) ==
        Values{"2", R"({"was":"x","why":"type"})", "6"});
  REQUIRE(f.failed.size() == 1);
  CHECK(f.failed[0].index == 2);
  CHECK_THAT(f.failed[0].error.message, Catch::Contains("error[pointer]: Error at /+/0: ") &&
                                            Catch::Contains(" Then its fallback failed: p.yaml:2:"));
}

TEST_CASE("an evaluation that takes longer than its timeout fails alone, by the clock it is given", "[REQ-042]") {
  // Every look at the clock is a millisecond later than the one before.
  Fixture f(computo_stage(),
            "script: [if, [$input], [reduce, [range, 0, 200000], [lambda, [a, x], [$, /x]], 0], 1]\n"
            "timeout: 3ms");
  CHECK(f.run(Values{"false", "true", "false"}) == Values{"1", "199999", "1"});
  f.clock.step_ns = 1'000'000;
  CHECK(f.run(Values{"false", "true", "false"}) == Values{"1", "1"});
  REQUIRE(f.failed.size() == 1);
  CHECK_THAT(f.failed[0].error.message, Catch::Contains("error[limit]") && Catch::Contains("not done after 3 ms"));
}

TEST_CASE("what a script may use is a setting", "[REQ-035]") {
  Fixture steps(computo_stage(), "script: [map, [$input], [lambda, [x], ['+', [$, /x], 1]]]\nlimits: {steps: 40}");
  CHECK(steps.run(Values{"[1]", "[1,2,3,4,5,6,7,8,9,10,11,12]"}) == Values{"[2]"});
  REQUIRE(steps.failed.size() == 1);
  CHECK_THAT(steps.failed[0].error.message, Catch::Contains("more than 40 steps"));
  Fixture output(computo_stage(), "script: [$input]\nlimits: {output: 10B}");
  CHECK(output.run(Values{"[1]", R"(["more than ten bytes"])"}).size() == 1);
  Fixture filter(filter_stage(), "expression: [every, [$input], [lambda, [x], [$, /x]]]\nlimits: {steps: 10}");
  CHECK(filter.run(Values{"[1]", "[1,1,1,1,1,1,1,1,1,1]"}) == Values{"[1]"});
}

TEST_CASE("context is there for scripts as variables of their own", "[REQ-039]") {
  Fixture f(computo_stage(), R"(["strConcat", ["$", "/region"], "-", ["$input"]])", {{"region", R"("eu")"}});
  CHECK(f.run(Values{"1"}) == Values{R"("eu-1")"});
}

TEST_CASE("a filter keeps the events for which its expression is truthy, to the byte") {
  Fixture f(filter_stage(), R"([">", ["$input", "/n"], 1])");
  const auto input = batch_of({R"({"n": 2.0 })", R"({"n":1})", R"({"n":"x"})", R"({"n":3})"});
  const auto output = f.run(input);
  CHECK(values_of(*output) == Values{R"({"n": 2.0 })", R"({"n":3})"});
  CHECK(output->body() == input->body());
  REQUIRE(f.failed.size() == 1);
  CHECK(f.failed[0].index == 2);
  check_tapes(*output);
}

TEST_CASE("a filter sees a tombstone as null") {
  Fixture f(filter_stage(), R"(["not", ["$", "/event_metadata/tombstone"]])");
  CHECK(f.run(Values{"1", "-", "2"}) == Values{"1", "2"});
}

TEST_CASE("a stage whose script is wrong is not created") {
  ManualClock clock;
  SeededRandom random{1};
  const Services services;
  loop::TestLoop loop{clock};
  ConfigProblems problems;
  const ParsedConfig parsed = filter_stage().parse(config::testing::node_of("[nope]", "p.yaml"), problems);
  const auto made = filter_stage().create_pure_stage(parsed, {loop, clock, random, services, "p", "s", "."});
  REQUIRE_FALSE(made);
  CHECK(made.error().context == "p.yaml:1:1");
  CHECK_THAT(made.error().message, Catch::Contains("unknown operator"));
}

}  // namespace colloquium::components
