#include "net/request_intake.h"

#include <catch2/catch.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "net/request_rules.h"
#include "net/server_core.h"
#include "net/testing/loop_thread.h"
#include "net/testing/server_fixture.h"

namespace colloquium::net {
namespace {

// A protocol that only writes down what it is told.
class Recorder final : public RequestIntake::Host, public std::enable_shared_from_this<Recorder> {
 public:
  explicit Recorder(ServerCore& its_core) : core(its_core), intake(its_core, *this) { request.chunked = true; }
  ~Recorder() override {
    intake.abandon();
    core.release(kept_memory);
  }

  const RequestHead& head() const override { return request; }
  RequestMemory& memory() override { return kept_memory; }
  std::shared_ptr<RequestIntake::Host> kept() override { return shared_from_this(); }
  void on_wait() override { ++waits; }
  void on_let_in() override { ++let_in; }
  void give_leave() override { ++leaves; }
  void refuse(Problem problem, bool complete) override {
    status = problem.status;
    was_complete = complete;
    core.release(kept_memory);
  }
  void handle(std::shared_ptr<LiveRoute>, std::shared_ptr<const std::string> its_body) override {
    CHECK(intake.is_idle());
    body = *its_body;
  }
  void settle() override { ++settled; }

  ServerCore& core;
  RequestIntake intake;
  RequestHead request;
  RequestMemory kept_memory;
  int waits = 0;
  int let_in = 0;
  int leaves = 0;
  int settled = 0;
  int status = 0;
  bool was_complete = false;
  std::optional<std::string> body;
};

std::shared_ptr<LiveRoute> route_with(size_t max_body_bytes, std::function<Admission(const RequestHead&)> admit) {
  auto live = std::make_shared<LiveRoute>();
  live->route = {.path = "/in",
                 .methods = {Method::kPost},
                 .max_body_bytes = max_body_bytes,
                 .admit = std::move(admit),
                 .handle = [](const Request&, Responder) {}};
  return live;
}

// Runs `test` on a loop with a core of these limits.
template <class Test>
void with_core(HttpLimits limits, Test test) {
  LoopThread thread;
  thread.on_loop([&] {
    auto core = std::make_shared<ServerCore>(thread.loop(), thread.clock(), limits, StreamWrapper{});
    test(*core);
  });
}

TEST_CASE("a request that is let in reads its body in pieces and is handled once, whole") {
  with_core({}, [](ServerCore& core) {
    const auto host = std::make_shared<Recorder>(core);
    host->intake.begin(route_with(100, nullptr), io::Compression::kNone, false);
    CHECK(host->intake.takes_body());
    CHECK(host->let_in == 1);
    host->intake.on_body("ab");
    host->intake.on_body("c");
    CHECK(host->kept_memory.body_bytes == 3);
    CHECK_FALSE(host->body);
    host->intake.on_end();
    CHECK(*host->body == "abc");
    CHECK(host->kept_memory.hold.bytes == 3);
    CHECK(host->status == 0);
    core.release(host->kept_memory);
    CHECK(core.budget().taken_bytes() == 0);
  });
}

TEST_CASE("a request without body is complete from the beginning") {
  with_core({}, [](ServerCore& core) {
    const auto host = std::make_shared<Recorder>(core);
    host->request.chunked = false;
    host->intake.begin(route_with(100, nullptr), io::Compression::kNone, true);
    CHECK(host->body->empty());
    CHECK(host->let_in == 0);
  });
}

TEST_CASE("while its route says wait nothing is let in, and then all that came meanwhile") {
  with_core({}, [](ServerCore& core) {
    bool open = false;
    const auto route = route_with(100, [&](const RequestHead&) { return open ? Admission{} : Admission::wait(); });
    const auto host = std::make_shared<Recorder>(core);
    host->intake.begin(route, io::Compression::kNone, false);
    host->intake.on_body("ab");
    host->intake.on_end();
    CHECK_FALSE(host->intake.takes_body());
    CHECK_FALSE(host->body);
    REQUIRE(route->waiting.size() == 1);
    host->intake.admit_again();
    CHECK(host->settled == 0);  // it is still held
    open = true;
    host->intake.admit_again();
    CHECK(host->settled == 1);
    CHECK(*host->body == "ab");
  });
}

TEST_CASE("the second of two large bodies waits for the first one's memory, with its head kept") {
  with_core({.body_budget_bytes = kPieceBytes}, [](ServerCore& core) {
    const auto first = std::make_shared<Recorder>(core);
    const auto second = std::make_shared<Recorder>(core);
    const auto route = route_with(1 << 20, nullptr);
    first->intake.begin(route, io::Compression::kNone, false);
    second->intake.begin(route, io::Compression::kNone, false);
    CHECK(second->waits == 1);
    CHECK_FALSE(second->intake.takes_body());
    first->intake.on_end();
    core.release(first->kept_memory);
    core.budget().grant();
    CHECK(second->intake.takes_body());
    CHECK(second->settled == 1);
  });
}

TEST_CASE("whoever waits is refused when the server stops, and whoever is in is not") {
  with_core({.body_budget_bytes = kPieceBytes}, [](ServerCore& core) {
    const auto in = std::make_shared<Recorder>(core);
    const auto queued = std::make_shared<Recorder>(core);
    const auto held = std::make_shared<Recorder>(core);
    in->intake.begin(route_with(1 << 20, nullptr), io::Compression::kNone, false);
    queued->intake.begin(route_with(1 << 20, nullptr), io::Compression::kNone, false);
    held->intake.begin(route_with(10, [](const RequestHead&) { return Admission::wait(); }),
                       io::Compression::kNone, false);
    CHECK_FALSE(in->intake.shut_down());
    CHECK(queued->intake.shut_down());
    CHECK(held->intake.shut_down());
    CHECK(queued->status == 503);
    CHECK(held->status == 503);
    CHECK(in->intake.takes_body());
  });
}

TEST_CASE("a body beyond its route's limit is refused with 413 before it is complete") {
  with_core({}, [](ServerCore& core) {
    const auto host = std::make_shared<Recorder>(core);
    host->intake.begin(route_with(2, nullptr), io::Compression::kNone, false);
    host->intake.on_body("ab");
    CHECK(host->status == 0);
    host->intake.on_body("c");
    CHECK(host->status == 413);
    CHECK_FALSE(host->was_complete);
    CHECK(host->intake.is_idle());
  });
}

TEST_CASE("what cannot be decompressed is refused when nothing more is to come") {
  with_core({}, [](ServerCore& core) {
    const auto host = std::make_shared<Recorder>(core);
    host->intake.begin(route_with(100, nullptr), io::Compression::kGzip, false);
    host->intake.on_body("no gzip at all");
    host->intake.on_end();
    CHECK(host->status == 400);
    CHECK(host->was_complete);
    const auto next = std::make_shared<Recorder>(core);
    next->intake.begin(route_with(100, nullptr), io::Compression::kGzip, false);
    next->intake.on_body(compressed(io::Compression::kGzip, "text"));
    next->intake.on_end();
    CHECK(*next->body == "text");
  });
}

TEST_CASE("waits and slow bodies end when their time is over") {
  const HttpLimits limits{.body_budget_bytes = kPieceBytes,
                          .body_timeout_ms = 100,
                          .body_bytes_min = 4,
                          .hold_timeout_ms = 20,
                          .budget_timeout_ms = 50};
  with_core(limits, [](ServerCore& core) {
    const int64_t now = core.now_ms();
    const auto slow = std::make_shared<Recorder>(core);
    const auto queued = std::make_shared<Recorder>(core);
    const auto held = std::make_shared<Recorder>(core);
    slow->intake.begin(route_with(1 << 20, nullptr), io::Compression::kNone, false);
    queued->intake.begin(route_with(1 << 20, nullptr), io::Compression::kNone, false);
    held->intake.begin(route_with(10, [](const RequestHead&) { return Admission::wait(); }),
                       io::Compression::kNone, false);
    CHECK_FALSE(held->intake.check_time(now + 19));
    CHECK(held->intake.check_time(now + 20));
    CHECK(held->status == 503);
    CHECK_FALSE(queued->intake.check_time(now + 49));
    CHECK(queued->intake.check_time(now + 50));
    CHECK(queued->status == 503);
    slow->intake.on_body("abcd");
    CHECK_FALSE(slow->intake.check_time(now + 100));  // it went on by as much as it has to
    CHECK_FALSE(slow->intake.check_time(now + 199));
    CHECK(slow->intake.check_time(now + 200));
    CHECK(slow->status == 408);
    CHECK_FALSE(slow->was_complete);
  });
}

}  // namespace
}  // namespace colloquium::net
