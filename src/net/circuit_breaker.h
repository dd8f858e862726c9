// CircuitBreaker: when to leave a peer alone that fails every time, and when to look after it again.
//
// Closed it lets everything pass. After `failures` in a row it is open, and nothing passes for `open_ms`; then it
// is half open: one call passes, and whether that succeeds decides. (Nygard, "Release It!".)
//
// Thread safety: value; one thread at a time. Times are those of Clock::monotonic_ns.
#pragma once

#include <cstdint>

namespace colloquium::net {

class CircuitBreaker {
 public:
  // `failures` 0: failures never open it.
  CircuitBreaker(int64_t failures, int64_t open_ms) : most_failures_(failures), open_ns_(open_ms * 1'000'000) {}

  // Whether a call may begin now; it has to be followed by succeeded(), failed() or abandoned().
  bool try_begin(int64_t now_ns) {
    if (!is_open()) return true;
    if (probing_ || now_ns < next_probe_ns()) return false;
    probing_ = true;
    return true;
  }
  void succeeded() {
    failures_ = 0;
    next_probe_ns_ = kClosed;
    probing_ = false;
  }
  void failed(int64_t now_ns) {
    probing_ = false;
    if (most_failures_ == 0) return;
    // Calls that began while it was closed do not keep it open longer.
    if (is_open() && now_ns < next_probe_ns()) return;
    if (!is_open() && ++failures_ < most_failures_) return;
    next_probe_ns_ = now_ns + open_ns_;
  }
  // Open at once, whatever came before, as the peer itself said until when; an earlier time than it is open for
  // changes nothing.
  void open_until(int64_t until_ns) {
    probing_ = false;
    if (until_ns > next_probe_ns_) next_probe_ns_ = until_ns;
  }
  // The call ended and says nothing of the peer.
  void abandoned() { probing_ = false; }

  bool is_open() const { return next_probe_ns_ != kClosed; }
  // When try_begin() is worth asking again. REQUIRES: is_open().
  int64_t next_probe_ns() const { return next_probe_ns_; }
  bool is_probing() const { return probing_; }

 private:
  static constexpr int64_t kClosed = -1;
  const int64_t most_failures_;
  const int64_t open_ns_;
  int64_t failures_ = 0;  // in a row
  int64_t next_probe_ns_ = kClosed;
  bool probing_ = false;
};

}  // namespace colloquium::net
