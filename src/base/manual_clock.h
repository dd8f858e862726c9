// ManualClock and SeededRandom: time and chance for tests and the simulator.
//
// Thread safety: every method on any thread.
#pragma once

#include <atomic>

#include "colloquium/clock.h"

namespace colloquium {

// Stands still until it is moved.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms = 1'700'000'000'000) : wall_ns_(wall_ms * kNsPerMs) {}

  int64_t wall_ms() const override { return wall_ns_.load() / kNsPerMs; }
  int64_t monotonic_ns() const override { return monotonic_ns_.load(); }

  // Both clocks go on.
  void advance_ns(int64_t by_ns) {
    wall_ns_ += by_ns;
    monotonic_ns_ += by_ns;
  }
  void advance_ms(int64_t by_ms) { advance_ns(by_ms * kNsPerMs); }

  // Someone sets the wall clock, either way.
  void set_wall_ms(int64_t wall_ms) { wall_ns_ = wall_ms * kNsPerMs; }

 private:
  static constexpr int64_t kNsPerMs = 1'000'000;
  std::atomic<int64_t> wall_ns_;
  std::atomic<int64_t> monotonic_ns_{0};
};

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, in order of the calls.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(uint64_t seed) : state_(seed) {}

  uint64_t next() override {
    uint64_t z = state_.fetch_add(kGamma) + kGamma;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // 0 … bound - 1. REQUIRES: bound > 0. The bias of the remainder does not matter to a simulator.
  uint64_t below(uint64_t bound) { return next() % bound; }

 private:
  static constexpr uint64_t kGamma = 0x9e3779b97f4a7c15;
  std::atomic<uint64_t> state_;
};

}  // namespace colloquium
