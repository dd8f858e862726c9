#include "base/bounded_queue.h"

#include <catch2/catch.hpp>
#include <memory>

#include "base/thread_executor.h"

namespace colloquium {
namespace {

TEST_CASE("a bounded queue says when to wake the consumer and when it is full") {
  BoundedQueue<int> queue(2);
  CHECK(queue.push(1) == Pushed::kFirst);
  CHECK(queue.push(2) == Pushed::kAdded);
  CHECK(queue.push(3) == Pushed::kFull);
  CHECK(queue.depth() == 2);
  CHECK(queue.capacity() == 2);
  std::vector<int> values = {9};
  queue.drain(values);
  CHECK(values == std::vector<int>{1, 2});
  CHECK(queue.push(4) == Pushed::kFirst);
  queue.drain(values);
  queue.drain(values);
  CHECK(values.empty());
}

TEST_CASE("a refused value stays with its owner") {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  CHECK(queue.push(std::make_unique<int>(1)) == Pushed::kFirst);
  auto second = std::make_unique<int>(2);
  CHECK(queue.push(std::move(second)) == Pushed::kFull);
  CHECK(second != nullptr);
}

TEST_CASE("a closed queue takes nothing and still gives what it holds") {
  BoundedQueue<int> queue(4);
  CHECK(queue.push(1) == Pushed::kFirst);
  queue.close();
  CHECK(queue.push(2) == Pushed::kClosed);
  std::vector<int> values;
  queue.drain(values);
  CHECK(values == std::vector<int>{1});
}

TEST_CASE("values of several threads arrive completely and in order per thread") {
  constexpr int kPerThread = 2000;
  BoundedQueue<std::pair<int, int>> queue(2 * kPerThread);
  {
    ThreadExecutor executor;
    auto first = executor.make_queue("push-0", 1, 1);
    auto second = executor.make_queue("push-1", 1, 1);
    const auto push_all = [&queue](int thread) {
      for (int i = 0; i < kPerThread; ++i) {
        if (queue.push({thread, i}) == Pushed::kFull) return;
      }
    };
    REQUIRE(first->post([&] { push_all(0); }));
    REQUIRE(second->post([&] { push_all(1); }));
  }
  std::vector<std::pair<int, int>> values;
  queue.drain(values);
  REQUIRE(values.size() == 2 * kPerThread);
  int next[2] = {0, 0};
  for (const auto& [thread, i] : values) REQUIRE(i == next[thread]++);
}

}  // namespace
}  // namespace colloquium
