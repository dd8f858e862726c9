#include "admin/admin_routes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/counters.h"
#include "base/manual_clock.h"

namespace colloquium::admin {
namespace {

// Takes the answers of one exchange.
class Answers final : public net::Exchanges {
 public:
  void answer(uint64_t, const net::Response& response) override {
    ++count;
    status = response.status;
    type = response.content_type;
    body = response.body;
    no_store = std::any_of(response.headers.begin(), response.headers.end(), [](const net::HeaderField& field) {
      return field.name == "Cache-Control" && field.value == "no-store";
    });
  }
  bool alive() const override { return true; }

  int count = 0;
  int status = 0;
  std::string type;
  std::string body;
  bool no_store = false;
};

struct Port {
  metrics::Registry registry;
  Health health;
  ManualClock clock;

  Answers get(const std::string& path) {
    const std::vector<net::Route> routes = admin_routes({registry, health, clock, "1.2.3", 0});
    const auto route =
        std::find_if(routes.begin(), routes.end(), [&](const net::Route& each) { return each.path == path; });
    REQUIRE(route != routes.end());
    CHECK(route->methods.contains(net::Method::kGet));
    CHECK_FALSE(route->methods.contains(net::Method::kPost));
    auto answers = std::make_shared<Answers>();
    net::RequestHead head;
    route->handle(net::Request{head, std::make_shared<const std::string>()}, net::Responder(answers, 1));
    CHECK(answers->count == 1);
    return *answers;
  }
};

TEST_CASE("/metrics gives the registry's text with Prometheus' content type [REQ-111]") {
  Port port;
  Counter counter;
  const metrics::Registration registration = port.registry.counter({"colloquium_x_total", "X."}, {}, counter);
  counter.add(4);
  const Answers answer = port.get("/metrics");
  CHECK(answer.status == 200);
  CHECK(answer.type == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(answer.body == port.registry.text());
  CHECK(answer.body.find("colloquium_x_total 4") != std::string::npos);
}

TEST_CASE("/livez answers whatever has failed [REQ-117]") {
  Port port;
  const Health::Holder holder = port.health.add([] {
    return std::vector<HealthEntry>{{"log", HealthStatus::kFailed, "disk"}};
  });
  CHECK(port.get("/livez").status == 200);
}

TEST_CASE("/readyz is 200 only when nothing starts or has failed, and says what does [REQ-117]") {
  Port port;
  CHECK(port.get("/readyz").status == 200);
  const Health::Holder holder = port.health.add([] {
    return std::vector<HealthEntry>{{"pipeline orders", HealthStatus::kStarting, ""},
                                    {"log", HealthStatus::kFailed, "disk is full"}};
  });
  const Answers answer = port.get("/readyz");
  CHECK(answer.status == 503);
  const auto problem = nlohmann::json::parse(answer.body);
  CHECK(problem["status"] == 503);
  CHECK(problem["detail"] == "pipeline orders: starting; log: failed: disk is full");
}

TEST_CASE("/healthz lists every component [REQ-116] [REQ-118]") {
  Port port;
  port.clock.advance_ms(61'000);
  const Health::Holder holder = port.health.add([] {
    return std::vector<HealthEntry>{{"orders: sink \"all\"", HealthStatus::kDegraded, "retries\n"},
                                    {"log", HealthStatus::kOk, ""}};
  });
  const Answers answer = port.get("/healthz");
  CHECK(answer.status == 200);
  CHECK(answer.type == "application/json");
  CHECK(answer.no_store);
  const auto health = nlohmann::json::parse(answer.body);
  CHECK(health["status"] == "degraded");
  CHECK(health["version"] == "1.2.3");
  CHECK(health["uptime_seconds"].get<int64_t>() >= 61);
  REQUIRE(health["components"].size() == 2);
  CHECK(health["components"][0]["name"] == "orders: sink \"all\"");
  CHECK(health["components"][0]["detail"] == "retries\n");
  CHECK(health["components"][1]["status"] == "ok");
  CHECK_FALSE(health["components"][1].contains("detail"));
}

TEST_CASE("/healthz is 503 once something has failed") {
  Port port;
  const Health::Holder holder = port.health.add([] {
    return std::vector<HealthEntry>{{"log", HealthStatus::kFailed, "disk"}};
  });
  const Answers answer = port.get("/healthz");
  CHECK(answer.status == 503);
  CHECK(nlohmann::json::parse(answer.body)["status"] == "failed");
}

}  // namespace
}  // namespace colloquium::admin
