#include "colloquium/function.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

namespace colloquium {
namespace {

TEST_CASE("a function may own what can only be moved") {
  auto number = std::make_unique<int>(20);
  UniqueFunction<int(int)> add = [number = std::move(number)](int more) { return *number + more; };
  CHECK(add(1) == 21);
  UniqueFunction<int(int)> moved = std::move(add);
  CHECK(moved(2) == 22);
}

TEST_CASE("a function is empty until it is given a callable, and again when that is taken back") {
  Task task;
  CHECK_FALSE(task);
  auto held = std::make_shared<int>(1);
  task = [held] {};
  CHECK(task);
  CHECK(held.use_count() == 2);
  task = nullptr;
  CHECK_FALSE(task);
  CHECK(held.use_count() == 1);
}

TEST_CASE("a callable that is passed by name is copied, not emptied") {
  const std::string text = "still here";
  auto callable = [text] { return text; };
  UniqueFunction<std::string()> function = callable;
  CHECK(function() == text);
  CHECK(callable() == text);
}

TEST_CASE("arguments that can only be moved arrive") {
  UniqueFunction<int(std::unique_ptr<int>)> take = [](std::unique_ptr<int> number) { return *number; };
  CHECK(take(std::make_unique<int>(7)) == 7);
}

TEST_CASE("a function may keep state between calls") {
  UniqueFunction<int()> count = [n = 0]() mutable { return ++n; };
  CHECK(count() == 1);
  CHECK(count() == 2);
}

}  // namespace
}  // namespace colloquium
