// Clock and Random: time and chance, injected.
//
// Nothing outside the listed files of src/base reads a clock or a random device (a quality test checks it),
// so that a test or a simulator decides both. Thread safety: implementations may be called on any thread.
#pragma once

#include <cstdint>

namespace colloquium {

class Clock {
 public:
  virtual ~Clock() = default;

  // Milliseconds since 1970-01-01T00:00Z; may jump either way.
  virtual int64_t wall_ms() const = 0;

  // Nanoseconds since an arbitrary point; never goes back.
  virtual int64_t monotonic_ns() const = 0;
};

class Random {
 public:
  virtual ~Random() = default;

  // 64 uniformly distributed bits. Unpredictable in the process's own implementation.
  virtual uint64_t next() = 0;
};

}  // namespace colloquium
