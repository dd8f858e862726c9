#include "engine/plan_group.h"

#include <catch2/catch.hpp>

#include "engine/test_world.h"

using namespace colloquium;
using namespace colloquium::engine;

namespace {

using Names = std::vector<std::string>;

struct Group {
  Group() : world(1, log::make_fake_storage(), disk, 1) {}
  ~Group() { CHECK(world.log->close()); }
  void add(const std::string& name, const std::string& more) {
    ConfigProblems problems;
    plans.push_back(world.plan("name: " + name + "\nsources: [{numbers: {}}]\nsinks: [{disk: {}}]\n" + more, problems));
    for (const auto& problem : problems) UNSCOPED_INFO(problem.describe());
    REQUIRE(plans.back() != nullptr);
  }
  Disk disk;
  World world;
  Plans plans;
};

}  // namespace

TEST_CASE("pipelines that forward to each other in a circle are found") {
  Group group;
  group.add("a", "errors: {to: b}\n");
  group.add("b", "errors: {to: c}\n");
  group.add("other", "errors: {to: b}\n");
  CHECK(forward_circle(group.plans).empty());
  group.add("c", "stages: [{picky: {}, errors: {to: nobody}}]\nerrors: {alert: {to: a}}\n");
  CHECK(forward_circle(group.plans).empty());  // an alert is no event that failed
  group.plans.pop_back();
  group.add("c", "stages: [{picky: {}, errors: {to: b}}]\n");
  CHECK(forward_circle(group.plans) == Names{"b", "c", "b"});
}

TEST_CASE("whoever forwards finds the other's stream as that one wants it, in whatever order they are given") {
  Group group;
  group.add("orders", "errors: {to: rescue, alert: {to: nowhere}}\n");
  group.add("rescue", "log: {partitions: 3}\n");
  REQUIRE(open_streams(group.plans, *group.world.log));
  CHECK(missing_targets(group.plans, *group.world.log) == Names{"nowhere"});
  for (const auto& plan : group.plans) {
    auto created = Pipeline::create(plan, group.world.environment());
    INFO((created ? std::string() : created.error().describe()));
    CHECK(created);
  }
  const auto stream = group.world.log->open_stream({.name = "rescue", .partitions = 0});
  REQUIRE(stream);
  CHECK(group.world.log->stream_info(*stream)->partitions.size() == 3);
  // Now it is there, and was warned of.
  CHECK(missing_targets(group.plans, *group.world.log).empty());
}
