// SystemClock and SystemRandom: the process's own time and chance. The only file beside src/loop that reads a
// clock, and the only one that asks the kernel for random bytes.
//
// Thread safety: every method on any thread.
#pragma once

#include <array>
#include <mutex>

#include "colloquium/clock.h"

namespace colloquium {

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() const override;
  int64_t monotonic_ns() const override;
};

// getrandom(2), a few hundred numbers at a time. Numbers given out are wiped, so that a memory image does not
// tell past ones.
class SystemRandom final : public Random {
 public:
  uint64_t next() override;

 private:
  std::mutex mutex_;
  std::array<uint64_t, 256> numbers_{};  // guarded by mutex_
  size_t left_ = 0;                      // guarded by mutex_; those not given out yet stand in front
};

}  // namespace colloquium
