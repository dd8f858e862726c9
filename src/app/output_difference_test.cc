#include "app/output_difference.h"

#include <catch2/catch.hpp>

namespace colloquium::app {
namespace {

struct Given {
  uint32_t place;
  std::string value;
  uint32_t ordinal = 0;
};

std::shared_ptr<const Batch> batch(const std::vector<Given>& events) {
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "s";
  origin->tag = "tagtagta";
  BatchBuilder builder;
  for (const Given& event : events) {
    builder.add(
        event.value, {},
        {.key = {}, .headers = {}, .timestamp_ms = 1, .offset_delta = event.place, .ordinal = event.ordinal});
  }
  return builder.seal(std::move(origin), 100);
}

engine::DryRun::Outcome outcome(std::vector<std::shared_ptr<const Batch>> sinks,
                                const std::vector<Given>& dead = {}) {
  return {std::move(sinks), batch(dead)};
}

std::string letter(const std::string& id, const std::string& error) {
  return R"({"attempts":1,"error":")" + error + R"(","position":")" + id + "\"}";
}

TEST_CASE("events are told apart by their place, and compared as values", "[REQ-007]") {
  OutputDifference difference({"all"}, {"all"}, 10);
  difference.add(*batch({}), outcome({batch({{0, "1"}, {1, R"({"a":1,"b":2})"}, {2, "3"}, {4, "5"}})}),
                 outcome({batch({{0, "1"}, {1, R"({"b":2, "a":1.0})"}, {3, "4"}, {4, "6"}})}));
  const auto& counts = difference.sinks().at(0);
  CHECK(counts.equal == 2);
  CHECK(counts.changed == 1);
  CHECK(counts.only_old == 1);
  CHECK(counts.only_new == 1);
  CHECK_FALSE(difference.equal());
  CHECK(difference.total() == 3);
  REQUIRE(difference.shown().size() == 3);
  CHECK(difference.shown()[0].id == "s.tagtagta-0-102");
  CHECK(difference.shown()[0].old_value == "3");
  CHECK(difference.shown()[0].new_value.empty());
  CHECK(difference.shown()[1].new_value == "4");
  CHECK(difference.shown()[2].old_value == "5");
  CHECK(difference.shown()[2].new_value == "6");
}

TEST_CASE("what models would be asked about is not compared, nor what came of it", "[REQ-007]") {
  OutputDifference difference({"all"}, {"all"}, 10);
  auto old_outcome = outcome({batch({{0, "1"}, {1, "2"}, {2, "3"}})},
                             {{1, letter("s.tagtagta-0-101-ask-0", "x")}, {3, letter("s.tagtagta-0-10", "x")}});
  auto new_outcome = outcome({batch({{0, "7"}, {2, "3"}})});
  old_outcome.open = {100};
  new_outcome.open = {100, 101};
  difference.add(*batch({{0, "1"}, {1, "2"}, {2, "3"}, {3, "4"}}), old_outcome, new_outcome);
  CHECK(difference.open() == 2);
  CHECK(difference.sinks().at(0).equal == 1);
  CHECK(difference.sinks().at(0).differences() == 0);
  // An id that only begins like that of such an event is another event's.
  CHECK(difference.dead_letters().only_old == 1);
  CHECK_FALSE(difference.equal());
}

TEST_CASE("events that are not compared leave no two versions equal", "[REQ-007]") {
  OutputDifference difference({"all"}, {"all"}, 10);
  auto open = outcome({batch({})});
  open.open = {100};
  difference.add(*batch({{0, "1"}}), open, open);
  CHECK(difference.total() == 0);
  CHECK_FALSE(difference.equal());
}

TEST_CASE("several events made of one are told apart by their ordinals", "[REQ-007]") {
  OutputDifference difference({"all"}, {"all"}, 10);
  difference.add(*batch({}), outcome({batch({{0, "1", 0}, {0, "2", 1}, {1, "3", 0}})}),
                 outcome({batch({{0, "1", 0}, {1, "3", 0}, {1, "4", 1}})}));
  CHECK(difference.sinks().at(0).equal == 2);
  CHECK(difference.sinks().at(0).only_old == 1);
  CHECK(difference.sinks().at(0).only_new == 1);
}

TEST_CASE("no difference is none, over any number of batches", "[REQ-007]") {
  OutputDifference difference({"a", "b"}, {"b", "a"}, 10);
  for (int i = 0; i < 3; ++i) {
    difference.add(*batch({}), outcome({batch({{0, "1"}}), batch({{0, "2"}, {1, "3"}})}),
                   outcome({batch({{0, "2"}, {1, "3"}}), batch({{0, "1"}})}));
  }
  CHECK(difference.equal());
  CHECK(difference.sinks().at(0).equal == 3);
  CHECK(difference.sinks().at(1).equal == 6);
}

TEST_CASE("a sink that only one version has is a difference, even without events", "[REQ-007]") {
  OutputDifference difference({"all"}, {"all", "more"}, 1);
  CHECK_FALSE(difference.equal());
  difference.add(*batch({}), outcome({batch({{0, "1"}})}),
                 outcome({batch({{0, "1"}}), batch({{0, "1"}, {1, "2"}})}));
  CHECK(difference.sinks().at(1).only_new == 2);
  CHECK_FALSE(difference.sinks().at(1).in_old);
  CHECK(difference.shown().size() == 1);
}

TEST_CASE("dead letters are compared by the event they are of", "[REQ-007]") {
  OutputDifference difference({}, {}, 10);
  difference.add(*batch({}),
                 outcome({}, {{0, letter("s-1", "x")}, {1, letter("s-2", "x")}, {2, letter("s-2", "y")}}),
                 outcome({}, {{0, letter("s-2", "x")}, {1, letter("s-2", "z")}, {2, letter("s-3", "x")}}));
  const auto& counts = difference.dead_letters();
  CHECK(counts.equal == 1);
  CHECK(counts.changed == 1);
  CHECK(counts.only_old == 1);
  CHECK(counts.only_new == 1);
  CHECK(difference.shown().at(0).id == "s-1");
  // Where an error stands in the pipeline's file is no difference.
  difference.add(*batch({}), outcome({}, {{0, letter("s-9", "old.yaml:4:25: error[type]: x")}}),
                 outcome({}, {{0, letter("s-9", "new.yaml:7:2: error[type]: x")}}));
  CHECK(difference.dead_letters().equal == 2);
  CHECK_FALSE(difference.equal());
}

}  // namespace
}  // namespace colloquium::app
