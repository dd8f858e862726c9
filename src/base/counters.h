// Counters, gauges and histograms: plain atomics without names or labels.
//
// Whoever does the work owns them and adds to them; src/metrics reads them at scrape time and gives them
// their names. Every component has one ComponentCounters, so all components report the same set.
//
// Thread safety: every method on any thread. Reads are not a snapshot: two counters read one after the other
// may differ by what happened in between.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "colloquium/result.h"

namespace colloquium {

// Only rises.
class Counter {
 public:
  void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// Durations in fixed buckets, wide enough for a sync and for an AI call.
class Histogram {
 public:
  // Upper bounds (inclusive), in seconds; one more bucket holds what is longer.
  static constexpr std::array<double, 18> kBounds = {
      0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
  static constexpr size_t kBuckets = kBounds.size() + 1;

  // A negative duration (a clock that was set back) counts as 0.
  void observe_ns(int64_t duration_ns);

  // Durations in bucket `i` alone, not cumulated.
  uint64_t bucket(size_t i) const { return buckets_[i].load(std::memory_order_relaxed); }
  uint64_t count() const;
  double sum_seconds() const { return static_cast<double>(sum_ns_.load(std::memory_order_relaxed)) / 1e9; }

 private:
  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> sum_ns_{0};
};

// Errors by reason: ErrorCode is the closed list of reasons.
class ErrorCounters {
 public:
  static constexpr size_t kReasons = static_cast<size_t>(ErrorCode::kInternal) + 1;

  void add(ErrorCode reason, uint64_t n = 1) { counts_[static_cast<size_t>(reason)].add(n); }
  uint64_t value(ErrorCode reason) const { return counts_[static_cast<size_t>(reason)].value(); }
  uint64_t total() const;

 private:
  std::array<Counter, kReasons> counts_;
};

// What every source, stage and sink reports.
struct ComponentCounters {
  Counter events_in;
  Counter events_out;
  Counter bytes_in;
  Counter bytes_out;
  ErrorCounters errors;
  Histogram duration;  // of one unit of work: an emit until its acknowledgement, a run, a write
  Gauge queue_depth;   // units of work under way or waiting
};

}  // namespace colloquium
