#include "base/sim_executor.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

namespace colloquium {
namespace {

// What three queues of four tasks each do under one seed.
std::string schedule(uint64_t seed) {
  ManualClock clock;
  SimExecutor executor(seed, clock);
  std::string order;
  std::vector<std::unique_ptr<TaskQueue>> queues;
  for (char name : {'a', 'b', 'c'}) {
    queues.push_back(executor.make_queue(std::string(1, name), 1, 10));
    for (int i = 0; i < 4; ++i) {
      if (!queues.back()->post([&order, name, i] { order += std::string{name, static_cast<char>('0' + i)}; })) {
        return "refused";
      }
    }
  }
  executor.run_until_idle();
  return order;
}

TEST_CASE("one seed is one schedule and seeds differ") {
  CHECK(schedule(1) == schedule(1));
  std::set<std::string> schedules;
  for (uint64_t seed = 0; seed < 20; ++seed) schedules.insert(schedule(seed));
  CHECK(schedules.size() > 15);
}

TEST_CASE("every schedule keeps the order within a queue") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    const std::string order = schedule(seed);
    REQUIRE(order.size() == 24);
    for (const char name : {'a', 'b', 'c'}) {
      std::string own;
      for (size_t i = 0; i < order.size(); i += 2) {
        if (order[i] == name) own += order[i + 1];
      }
      CHECK(own == "0123");
    }
  }
}

TEST_CASE("a wait runs the other queues until its signal is set") {
  ManualClock clock;
  SimExecutor executor(7, clock);
  auto waiter = executor.make_queue("waiter", 1, 10);
  auto helper = executor.make_queue("helper", 1, 10);
  auto signal = executor.make_signal();
  std::string order;
  REQUIRE(waiter->post([&] {
    order += "w";
    CHECK(waiter->is_current());
    CHECK(helper->post([&] {
      CHECK(helper->is_current());
      CHECK_FALSE(waiter->is_current());
      order += "h";
      signal->set();
    }));
    CHECK(signal->wait());
    order += "W";
  }));
  // Its own second task has to wait for the first, however the seed falls.
  REQUIRE(waiter->post([&] { order += "2"; }));
  executor.run_until_idle();
  CHECK(order == "whW2");
}

TEST_CASE("a timed wait lets virtual time pass when nothing can move") {
  ManualClock clock;
  SimExecutor executor(1, clock, 0);
  auto signal = executor.make_signal();
  CHECK_FALSE(signal->wait(5'000'000));
  CHECK(clock.monotonic_ns() == 5'000'000);
  signal->set();
  CHECK(signal->wait(5));
  CHECK(clock.monotonic_ns() == 5'000'000);
}

TEST_CASE("a timed wait ends although other queues stay busy") {
  ManualClock clock;
  SimExecutor executor(1, clock, 1000);
  auto busy = executor.make_queue("busy", 1, 10);
  auto signal = executor.make_signal();
  size_t rounds = 0;
  std::function<void()> again = [&] {
    ++rounds;
    if (rounds < 1000) CHECK(busy->post([&] { again(); }));
  };
  REQUIRE(busy->post([&] { again(); }));
  CHECK_FALSE(signal->wait(100'000));
  CHECK(rounds == 100);
  executor.run_until_idle();
  CHECK(rounds == 1000);
}

TEST_CASE("a wide queue goes on while one of its tasks waits, and a narrow capacity refuses") {
  ManualClock clock;
  SimExecutor executor(3, clock);
  auto wide = executor.make_queue("wide", 2, 2);
  auto signal = executor.make_signal();
  int done = 0;
  REQUIRE(wide->post([&] { done += signal->wait() ? 1 : 0; }));
  REQUIRE(wide->post([&] {
    signal->set();
    ++done;
  }));
  CHECK_FALSE(wide->post([&] { ++done; }));
  executor.run_until_idle();
  CHECK(done == 2);
}

TEST_CASE("destroying a queue runs what was posted") {
  ManualClock clock;
  SimExecutor executor(3, clock);
  int ran = 0;
  auto queue = executor.make_queue("q", 1, 10);
  REQUIRE(queue->post([&] { ++ran; }));
  REQUIRE(queue->post([&] { ++ran; }));
  CHECK(queue->depth() == 2);
  queue.reset();
  CHECK(ran == 2);
}

TEST_CASE("a task is run at once where its queue has nothing else, and now and then not even then") {
  ManualClock clock;
  SimExecutor executor(3, clock);
  auto queue = executor.make_queue("q", 1, 10);
  int ran = 0;
  int refused = 0;
  for (int i = 0; i < 100; ++i) {
    Task task = [&] { ran += queue->is_current() ? 1 : 0; };
    const bool taken = queue->try_run(task);
    CHECK(taken != static_cast<bool>(task));
    if (!taken) ++refused;
  }
  CHECK(ran + refused == 100);
  CHECK(refused > 5);
  CHECK(ran > 50);
  REQUIRE(queue->post([&] { ++ran; }));
  for (int i = 0; i < 20; ++i) {
    Task task = [] { FAIL("before what was posted"); };
    CHECK_FALSE(queue->try_run(task));
  }
}

TEST_CASE("a mover takes part in the schedule and does not run inside itself") {
  ManualClock clock;
  SimExecutor executor(11, clock);
  int turns = 3;
  int depth = 0;
  auto never = executor.make_signal();
  executor.add_mover([&] { return turns > 0; },
                     [&] {
                       --turns;
                       CHECK(++depth == 1);
                       never->wait(10);
                       --depth;
                     });
  auto signal = executor.make_signal();
  CHECK_FALSE(signal->wait(1'000'000));
  CHECK(turns == 0);
}

}  // namespace
}  // namespace colloquium
