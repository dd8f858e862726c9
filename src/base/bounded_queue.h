// BoundedQueue: hands values from many threads to one, with a capacity and a depth.
//
// A full queue says so at once and keeps nothing; whoever pushes decides what that means (pause the source,
// answer 429). The consumer takes everything at a time, so a lock is taken once per burst, not per value.
//
// Thread safety: push(), depth() and close() on any thread; drain() on one thread at a time.
#pragma once

#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "base/assert.h"

namespace colloquium {

enum class Pushed {
  kFirst,   // the queue was empty: wake the consumer
  kAdded,   // the consumer has been woken already
  kFull,    // not taken
  kClosed,  // not taken, and nothing will be any more
};

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) { ASSERT(capacity > 0); }
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // Moves from `value` only if it is taken.
  [[nodiscard]] Pushed push(T&& value) {
    std::lock_guard lock(mutex_);
    if (closed_) return Pushed::kClosed;
    if (values_.size() >= capacity_) return Pushed::kFull;
    // The size is looked at under the lock, so that exactly one push of a burst is the first.
    values_.push_back(std::move(value));
    return values_.size() == 1 ? Pushed::kFirst : Pushed::kAdded;
  }

  // Everything pushed so far, in order; empty if nothing. `into` gives its memory back to the queue.
  void drain(std::vector<T>& into) {
    // Cleared before the swap: destroying values may take long or push again, and must not hold the lock.
    into.clear();
    std::lock_guard lock(mutex_);
    values_.swap(into);
  }

  // Refuses every later push; what is inside can still be drained.
  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }

  size_t depth() const {
    std::lock_guard lock(mutex_);
    return values_.size();
  }
  size_t capacity() const { return capacity_; }

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::vector<T> values_;  // guarded by mutex_
  bool closed_ = false;    // guarded by mutex_
};

}  // namespace colloquium
