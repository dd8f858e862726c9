#include "admin/health.h"

#include <catch2/catch.hpp>

namespace colloquium::admin {
namespace {

Health::Provider says(std::vector<HealthEntry> entries) {
  return [entries] { return entries; };
}

TEST_CASE("with nothing to run, the process is ready") {
  const Health health;
  CHECK(health.entries().empty());
  CHECK(Health::is_ready(health.entries()));
  CHECK(Health::overall(health.entries()) == HealthStatus::kOk);
}

TEST_CASE("what is starting or failed is not ready; what is degraded is [REQ-117]") {
  CHECK(Health::is_ready({{"a", HealthStatus::kOk, ""}, {"b", HealthStatus::kDegraded, "retries"}}));
  CHECK_FALSE(Health::is_ready({{"a", HealthStatus::kOk, ""}, {"b", HealthStatus::kStarting, ""}}));
  CHECK_FALSE(Health::is_ready({{"a", HealthStatus::kFailed, ""}, {"b", HealthStatus::kOk, ""}}));
}

TEST_CASE("the overall status is the worst one") {
  const HealthEntry ok{"a", HealthStatus::kOk, ""};
  const HealthEntry starting{"b", HealthStatus::kStarting, ""};
  const HealthEntry degraded{"c", HealthStatus::kDegraded, ""};
  const HealthEntry failed{"d", HealthStatus::kFailed, ""};
  CHECK(Health::overall({ok, starting}) == HealthStatus::kStarting);
  CHECK(Health::overall({degraded, starting, ok}) == HealthStatus::kDegraded);
  CHECK(Health::overall({failed, degraded}) == HealthStatus::kFailed);
}

TEST_CASE("a provider is asked each time, and is gone with its holder [REQ-118]") {
  Health health;
  int asked = 0;
  const Health::Holder kept = health.add([&asked] {
    ++asked;
    return std::vector<HealthEntry>{{"kept", HealthStatus::kOk, ""}};
  });
  {
    Health::Holder passing =
        health.add(says({{"one", HealthStatus::kOk, ""}, {"two", HealthStatus::kFailed, "x"}}));
    const Health::Holder moved = std::move(passing);
    const auto entries = health.entries();
    REQUIRE(entries.size() == 3);
    CHECK(entries[0].name == "kept");
    CHECK(entries[2].detail == "x");
  }
  CHECK(health.entries().size() == 1);
  CHECK(asked == 2);
}

TEST_CASE("every status has a name of its own") {
  CHECK(to_string(HealthStatus::kOk) == "ok");
  CHECK(to_string(HealthStatus::kStarting) == "starting");
  CHECK(to_string(HealthStatus::kDegraded) == "degraded");
  CHECK(to_string(HealthStatus::kFailed) == "failed");
}

}  // namespace
}  // namespace colloquium::admin
