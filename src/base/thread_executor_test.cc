#include "base/thread_executor.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <pthread.h>
#include <vector>

namespace colloquium {
namespace {

TEST_CASE("a queue of width 1 runs its tasks in posting order on one named thread") {
  ThreadExecutor executor;
  std::vector<int> seen;
  std::string name;
  bool current = false;
  {
    auto queue = executor.make_queue("a-name-longer-than-15-bytes", 1, 101);
    for (int i = 0; i < 100; ++i) REQUIRE(queue->post([&seen, i] { seen.push_back(i); }));
    CHECK_FALSE(queue->is_current());
    REQUIRE(queue->post([&, q = queue.get()] {
      char text[16] = {};
      pthread_getname_np(pthread_self(), text, sizeof text);
      name = text;
      current = q->is_current();
    }));
  }
  REQUIRE(seen.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(seen[static_cast<size_t>(i)] == i);
  CHECK(name == "a-name-longer-t");
  CHECK(current);
}

TEST_CASE("a full queue refuses, and destruction runs what was posted") {
  ThreadExecutor executor;
  std::atomic<int> ran{0};
  {
    auto started = executor.make_signal();
    auto release = executor.make_signal();
    auto queue = executor.make_queue("full", 1, 2);
    REQUIRE(queue->post([&] {
      started->set();
      release->wait();
      ++ran;
    }));
    REQUIRE(started->wait());
    CHECK(queue->post([&] { ++ran; }));
    CHECK(queue->post([&] { ++ran; }));
    CHECK(queue->depth() == 2);
    CHECK_FALSE(queue->post([&] { ++ran; }));
    release->set();
  }
  CHECK(ran == 3);
}

TEST_CASE("a wider queue runs as many tasks at a time as it is wide") {
  ThreadExecutor executor;
  auto all_there = executor.make_signal();
  std::atomic<int> there{0};
  auto queue = executor.make_queue("wide", 3, 10);
  for (int i = 0; i < 3; ++i) {
    REQUIRE(queue->post([&] {
      if (++there == 3) all_there->set();
      all_there->wait();
    }));
  }
  CHECK(all_there->wait());
}

TEST_CASE("a signal stays set, and an unset one times out") {
  ThreadExecutor executor;
  auto signal = executor.make_signal();
  CHECK_FALSE(signal->wait(0));
  CHECK_FALSE(signal->wait(1000));
  signal->set();
  CHECK(signal->wait(0));
  CHECK(signal->wait());
}

TEST_CASE("what a task holds is let go before the queue is destroyed") {
  ThreadExecutor executor;
  auto held = std::make_shared<int>(1);
  {
    auto queue = executor.make_queue("held", 1, 1);
    REQUIRE(queue->post([held] {}));
  }
  CHECK(held.use_count() == 1);
}

}  // namespace
}  // namespace colloquium
