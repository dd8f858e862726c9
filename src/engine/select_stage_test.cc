#include "engine/select_stage.h"

#include <catch2/catch.hpp>

#include "computo/expression.h"
#include "engine/door_bench_test.h"
#include "engine/test_support.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

const char* const kLarge = R"([">",["$input"],10])";
const char* const kEven = R"(["==",["%",["$input"],2],0])";

// The cases large and even; `wanted` of them, and the rest.
SinkPlan plan_of(bool first_match, bool large, bool even, bool rest) {
  SinkPlan plan;
  plan.route = {{program(kLarge), large}, {program(kEven), even}};
  plan.first_match = first_match;
  plan.takes_rest = rest;
  return plan;
}

std::vector<std::string> selected(const SinkPlan& plan, const std::vector<std::string>& events,
                                  size_t* failures = nullptr) {
  SelectStage stage(plan, nullptr, nullptr);
  BatchBuilder builder;
  std::vector<FailedEvent> failed;
  stage.run(*batch_of(events), builder, failed);
  if (failures != nullptr) *failures = failed.size();
  const auto batch = builder.seal(test_origin(), 0);
  std::vector<std::string> out;
  for (size_t i = 0; i < batch->size(); ++i) out.emplace_back(batch->value(i));
  return out;
}

using Texts = std::vector<std::string>;
const Texts kEvents = {"1", "2", "11", "12"};

}  // namespace

TEST_CASE("by the first match an event is one case, and what is none is the rest") {
  CHECK(selected(plan_of(true, true, false, false), kEvents) == Texts{"11", "12"});
  CHECK(selected(plan_of(true, false, true, false), kEvents) == Texts{"2"});
  CHECK(selected(plan_of(true, false, false, true), kEvents) == Texts{"1"});
  CHECK(selected(plan_of(true, true, false, true), kEvents) == Texts{"1", "11", "12"});
}

TEST_CASE("by all matches an event is every case that is true") {
  CHECK(selected(plan_of(false, true, false, false), kEvents) == Texts{"11", "12"});
  CHECK(selected(plan_of(false, false, true, false), kEvents) == Texts{"2", "12"});
  CHECK(selected(plan_of(false, false, false, true), kEvents) == Texts{"1"});
  CHECK(selected(plan_of(false, false, true, true), kEvents) == Texts{"1", "2", "12"});
}

TEST_CASE("a sink's own `when` counts beside its cases") {
  SinkPlan plan = plan_of(false, true, true, false);
  plan.when = program(R"(["!=",["$input"],11])");
  CHECK(selected(plan, kEvents) == Texts{"2", "12"});
}

TEST_CASE("an event that a case fails at is neither taken nor passed over") {
  size_t failures = 0;
  CHECK(selected(plan_of(true, true, true, true), {"1", "{}", "12"}, &failures) == Texts{"1", "12"});
  CHECK(failures == 1);
  // With all matches a sink does not look at cases that are not its own.
  SinkPlan other = plan_of(false, false, false, false);
  other.route[0].wanted = true;
  other.route[0].program = program(R"(["==",["$input"],"x"])");
  CHECK(selected(other, {"\"x\"", "{}"}, &failures) == Texts{"\"x\""});
  CHECK(failures == 0);
}
