#include "loop/test_loop.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "base/sim_executor.h"
#include "base/thread_executor.h"

namespace colloquium::loop {
namespace {

struct Witness final : Destroyable {
  explicit Witness(std::string& log) : order(log) {}
  ~Witness() override { order += "dead "; }
  std::string& order;
};

struct Fixture {
  ManualClock clock;
  TestLoop loop{clock};
  std::string order;
};

TEST_CASE("nothing happens on a test loop until it is turned") {
  Fixture f;
  REQUIRE(f.loop.post([&] { f.order += "posted "; }));
  REQUIRE(f.loop.offload([&] { f.order += "work "; }, [&] { f.order += "done "; }));
  f.loop.at_turn_end([&] { f.order += "end "; });
  f.loop.destroy_later(std::make_unique<Witness>(f.order));
  CHECK(f.order.empty());
  CHECK(f.loop.can_move());
  CHECK(f.loop.run_turn());
  CHECK(f.order == "posted work end ");
  CHECK(f.loop.run_until_idle() > 0);
  CHECK(f.order == "posted work end done dead ");
  CHECK_FALSE(f.loop.can_move());
  CHECK_FALSE(f.loop.run_turn());
}

TEST_CASE("advance stops at every timer on the way") {
  Fixture f;
  std::vector<int64_t> fired_ms;
  std::unique_ptr<Timer> again;
  std::function<void()> tick = [&] {
    fired_ms.push_back(f.clock.monotonic_ns() / 1'000'000);
    again = f.loop.start_timer(10, [&] { tick(); });
  };
  auto first = f.loop.start_timer(5, [&] { tick(); });
  CHECK(f.loop.next_timer_ns() == 5'000'000);
  f.loop.advance(27);
  CHECK(fired_ms == std::vector<int64_t>{5, 15, 25});
  CHECK(f.clock.monotonic_ns() == 27'000'000);
  CHECK(f.loop.open_timers() == 2);
}

TEST_CASE("timers due together fire in the order started, and one without delay in the next turn") {
  Fixture f;
  std::unique_ptr<Timer> nested;
  auto b = f.loop.start_timer(3, [&] { f.order += "a"; });
  auto c = f.loop.start_timer(3, [&] {
    f.order += "b";
    nested = f.loop.start_timer(0, [&] { f.order += "d"; });
  });
  auto d = f.loop.start_timer(3, [&] { f.order += "c"; });
  f.clock.advance_ms(3);
  CHECK(f.loop.run_turn());
  CHECK(f.order == "abc");
  CHECK(f.loop.run_turn());
  CHECK(f.order == "abcd");
}

TEST_CASE("a destroyed test timer never fires, even destroyed by another that is due") {
  Fixture f;
  std::unique_ptr<Timer> second;
  std::unique_ptr<Timer> first = f.loop.start_timer(1, [&] {
    f.order += "first";
    first.reset();
    second.reset();
  });
  second = f.loop.start_timer(1, [&] { f.order += "second"; });
  f.loop.advance(5);
  CHECK(f.order == "first");
  CHECK(f.loop.open_timers() == 0);
}

TEST_CASE("a full offload pool and a loop that is shut down refuse") {
  Fixture f;
  f.loop.set_offload_capacity(1);
  CHECK(f.loop.offload([] {}, [&] { f.order += "done"; }));
  CHECK(f.loop.offload_depth() == 1);
  CHECK_FALSE(f.loop.offload([] {}, [] {}));
  f.loop.shut_down();
  CHECK_FALSE(f.loop.post([] {}));
  CHECK_FALSE(f.loop.offload([] {}, [] {}));
  f.loop.run_until_idle();
  CHECK(f.order == "done");
}

TEST_CASE("run_until waits for the posts of other threads") {
  Fixture f;
  ThreadExecutor executor;
  auto queue = executor.make_queue("poster", 1, 1);
  int arrived = 0;
  REQUIRE(queue->post([&] {
    for (int i = 0; i < 100; ++i) (void)f.loop.post([&] { ++arrived; });
  }));
  f.loop.run_until([&] { return arrived == 100; });
  CHECK(arrived == 100);
}

TEST_CASE("a test loop takes part in a simulated schedule") {
  Fixture f;
  SimExecutor executor(5, f.clock);
  executor.add_mover([&] { return f.loop.can_move(); }, [&] { f.loop.run_turn(); });
  auto worker = executor.make_queue("worker", 1, 10);
  auto answered = executor.make_signal();
  REQUIRE(worker->post([&] {
    CHECK(f.loop.post([&] {
      f.order += "loop ";
      answered->set();
    }));
    CHECK(answered->wait());
    f.order += "worker";
  }));
  executor.run_until_idle();
  CHECK(f.order == "loop worker");
}

}  // namespace
}  // namespace colloquium::loop
