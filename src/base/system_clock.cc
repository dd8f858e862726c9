#include "base/system_clock.h"

#include <cerrno>
#include <chrono>
#include <sys/random.h>

#include "base/assert.h"

namespace colloquium {
namespace {

// getrandom gives up to 256 bytes uninterrupted; more may come in pieces.
void fill_random(char* into, size_t size) {
  while (size > 0) {
    const ssize_t got = getrandom(into, size, 0);
    ASSERT_WHY(got >= 0 || errno == EINTR, "this kernel has no getrandom");
    if (got < 0) continue;
    into += got;
    size -= static_cast<size_t>(got);
  }
}

}  // namespace

int64_t SystemClock::wall_ms() const {
  using std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

int64_t SystemClock::monotonic_ns() const {
  using std::chrono::nanoseconds;
  return std::chrono::duration_cast<nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

uint64_t SystemRandom::next() {
  std::lock_guard lock(mutex_);
  if (left_ == 0) {
    fill_random(reinterpret_cast<char*>(numbers_.data()), sizeof numbers_);
    left_ = numbers_.size();
  }
  // Taken from the end, so that what is left is a prefix.
  const uint64_t number = numbers_[--left_];
  numbers_[left_] = 0;
  return number;
}

}  // namespace colloquium
