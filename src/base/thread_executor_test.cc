#include "base/thread_executor.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <pthread.h>
#include <thread>
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

TEST_CASE("a task is run here where nothing of the queue runs or waits, and nowhere else") {
  ThreadExecutor executor;
  auto started = executor.make_signal();
  auto release = executor.make_signal();
  bool inside = true;
  std::thread::id where;
  bool current = false;
  // After what its task uses, and so gone before it.
  auto queue = executor.make_queue("lent", 1, 10);
  const auto look = [&] {
    where = std::this_thread::get_id();
    current = queue->is_current();
  };
  Task task = look;
  REQUIRE(queue->try_run(task));
  CHECK(where == std::this_thread::get_id());
  CHECK(current);
  CHECK_FALSE(queue->is_current());
  CHECK_FALSE(task);

  REQUIRE(queue->post([&] {
    Task another = [] {};
    inside = queue->try_run(another);
    started->set();
    release->wait();
  }));
  REQUIRE(started->wait());
  task = look;
  CHECK_FALSE(queue->try_run(task));
  CHECK(task);
  CHECK_FALSE(inside);
  release->set();
}

TEST_CASE("what is posted while a task is run here runs behind it, on the queue's thread") {
  ThreadExecutor executor;
  auto posted_ran = executor.make_signal();
  bool early = false;
  {
    auto queue = executor.make_queue("lent", 1, 10);
    Task task = [&] {
      CHECK(queue->post([&] { posted_ran->set(); }));
      early = posted_ran->wait(20'000'000);
    };
    REQUIRE(queue->try_run(task));
    CHECK(posted_ran->wait());
  }
  CHECK_FALSE(early);
}

TEST_CASE("tasks run here and there are never at work at the same time") {
  ThreadExecutor executor;
  auto queue = executor.make_queue("lent", 1, 100'000);
  auto callers = executor.make_queue("callers", 3, 3);
  int at_work = 0;  // guarded by nothing but the queue
  int total = 0;
  std::atomic<int> lent{0};
  const auto work = [&] {
    if (++at_work != 1) std::abort();
    ++total;
    --at_work;
  };
  for (int caller = 0; caller < 3; ++caller) {
    REQUIRE(callers->post([&] {
      for (int i = 0; i < 5000; ++i) {
        Task task = work;
        if (queue->try_run(task)) {
          ++lent;
        } else if (!queue->post(std::move(task))) {
          std::abort();  // assertions are for one thread
        }
      }
    }));
  }
  callers.reset();
  queue.reset();
  CHECK(total == 15'000);
  CHECK(lent > 0);
}

}  // namespace
}  // namespace colloquium
