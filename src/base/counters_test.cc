#include "base/counters.h"

#include <catch2/catch.hpp>

namespace colloquium {
namespace {

TEST_CASE("a counter rises and a gauge moves both ways") {
  Counter counter;
  counter.add();
  counter.add(41);
  CHECK(counter.value() == 42);
  Gauge gauge;
  gauge.set(5);
  gauge.add(-7);
  CHECK(gauge.value() == -2);
}

TEST_CASE("a duration falls in the bucket whose upper bound it does not exceed") {
  Histogram histogram;
  histogram.observe_ns(100'000);  // exactly 0.1 ms, the first bound
  histogram.observe_ns(100'001);
  histogram.observe_ns(61'000'000'000);
  CHECK(histogram.bucket(0) == 1);
  CHECK(histogram.bucket(1) == 1);
  CHECK(histogram.bucket(Histogram::kBuckets - 1) == 1);
  CHECK(histogram.count() == 3);
  CHECK(histogram.sum_seconds() == Approx(61.000200001));
}

TEST_CASE("a negative duration counts as none") {
  Histogram histogram;
  histogram.observe_ns(-5);
  CHECK(histogram.bucket(0) == 1);
  CHECK(histogram.sum_seconds() == 0);
}

TEST_CASE("errors are counted by reason") {
  ComponentCounters counters;
  counters.errors.add(ErrorCode::kNoSpace, 3);
  counters.errors.add(ErrorCode::kInternal);
  CHECK(counters.errors.value(ErrorCode::kNoSpace) == 3);
  CHECK(counters.errors.value(ErrorCode::kIo) == 0);
  CHECK(counters.errors.total() == 4);
}

}  // namespace
}  // namespace colloquium
