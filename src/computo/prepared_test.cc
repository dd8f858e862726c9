#include "computo/prepared.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::computo {

namespace {

int alive = 0;

class Number : public Prepared {
 public:
  static constexpr std::string_view kKind = "number";
  explicit Number(int value, size_t bytes = 100) : value_(value), bytes_(bytes) { ++alive; }
  ~Number() override { --alive; }
  size_t bytes() const override { return bytes_; }
  int value() const { return value_; }

 private:
  int value_;
  size_t bytes_;
};

class Other : public Prepared {
 public:
  static constexpr std::string_view kKind = "other";
  size_t bytes() const override { return 1; }
};

class Counter : public Tool {
 public:
  static constexpr std::string_view kKind = "counter";
  int calls = 0;
};

}  // namespace

TEST_CASE("a prepared object is found by its kind and text") {
  PreparedCache cache;
  CHECK(cache.find<Number>("a") == nullptr);
  const Number* made = cache.add<Number>("a", std::make_unique<Number>(1));
  CHECK(made->value() == 1);
  CHECK(cache.find<Number>("a") == made);
  CHECK(cache.find<Number>("b") == nullptr);
  CHECK(cache.find<Other>("a") == nullptr);
  cache.add<Other>("a", std::make_unique<Other>());
  CHECK(cache.find<Number>("a") == made);
  CHECK(cache.size() == 2);
}

TEST_CASE("the least recently used prepared object makes room") {
  {
    PreparedCache cache;
    for (int i = 0; i < 1000; ++i) {
      cache.add<Number>(std::to_string(i), std::make_unique<Number>(i));
      REQUIRE(cache.find<Number>("0") != nullptr);  // used all the time, so it stays
    }
    CHECK(cache.size() == kMostPrepared);
    CHECK(alive == static_cast<int>(kMostPrepared));
    CHECK(cache.find<Number>("500") == nullptr);
    for (int i = 999; i > 999 - static_cast<int>(kMostPrepared) + 1; --i) {
      const Number* found = cache.find<Number>(std::to_string(i));
      REQUIRE(found != nullptr);
      CHECK(found->value() == i);
    }
  }
  CHECK(alive == 0);
}

TEST_CASE("large prepared objects are bounded by their bytes, and the last used stays") {
  PreparedCache cache;
  const size_t half = kMostPreparedBytes / 2 + 1;
  for (int i = 0; i < 10; ++i) cache.add<Number>(std::to_string(i), std::make_unique<Number>(i, half));
  CHECK(cache.size() == 2);
  CHECK(cache.find<Number>("8") != nullptr);
  cache.add<Number>("large", std::make_unique<Number>(7, 3 * kMostPreparedBytes));
  CHECK(cache.find<Number>("8") != nullptr);
  CHECK(cache.find<Number>("large") != nullptr);
  for (int i = 0; i < 10; ++i) cache.add<Number>("small" + std::to_string(i), std::make_unique<Number>(i));
  CHECK(cache.bytes() < kMostPreparedBytes);
}

TEST_CASE("a tool is made once") {
  Tools tools;
  tools.get<Counter>().calls = 3;
  CHECK(tools.get<Counter>().calls == 3);
}

}  // namespace colloquium::computo
