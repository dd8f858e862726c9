// TokenBucket: how often something may be done: `amount` times in `per_ms`, which may be at once.
//
// Thread safety: value; one thread at a time. Times are those of Clock::monotonic_ns.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace colloquium::net {

class TokenBucket {
 public:
  // REQUIRES: both positive. It is full at first.
  TokenBucket(int64_t amount, int64_t per_ms)
      : capacity_(static_cast<double>(amount)),
        per_ns_(static_cast<double>(amount) / (static_cast<double>(per_ms) * 1e6)),
        tokens_(capacity_) {}

  // Takes one. False if there is none: wait_ns() says when there will be.
  bool take(int64_t now_ns) {
    refill(now_ns);
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  int64_t wait_ns(int64_t now_ns) {
    refill(now_ns);
    return tokens_ >= 1 ? 0 : static_cast<int64_t>(std::ceil((1 - tokens_) / per_ns_));
  }

 private:
  void refill(int64_t now_ns) {
    if (!begun_) at_ns_ = now_ns;
    begun_ = true;
    // Rounding must not keep a token back whose time has come.
    constexpr double kRounding = 1e-9;
    tokens_ = std::min(capacity_, tokens_ + static_cast<double>(now_ns - at_ns_) * per_ns_ + kRounding);
    at_ns_ = now_ns;
  }

  const double capacity_;
  const double per_ns_;  // tokens
  double tokens_;
  int64_t at_ns_ = 0;
  bool begun_ = false;
};

}  // namespace colloquium::net
