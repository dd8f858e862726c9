#include "ai/rate_limit.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace colloquium::ai {
namespace {
// Rounding must not keep a token back whose time has come.
constexpr double kRounding = 1e-6;
}  // namespace

RateLimit::Bucket::Bucket(int64_t amount, int64_t per_ms, int64_t burst)
    : burst_(static_cast<double>(burst)),
      per_ns_(static_cast<double>(amount) / (static_cast<double>(per_ms) * 1e6)),
      level_(burst_) {
  ASSERT(amount > 0 && per_ms > 0 && burst > 0);
}

void RateLimit::Bucket::refill(int64_t now_ns) {
  const int64_t since_ns = at_ns_ ? std::max<int64_t>(now_ns - *at_ns_, 0) : 0;
  level_ = std::min(burst_, level_ + static_cast<double>(since_ns) * per_ns_);
  at_ns_ = now_ns;
}

// More than it ever holds is there once it is full.
bool RateLimit::Bucket::has(int64_t amount) const {
  return level_ + kRounding >= std::min(static_cast<double>(amount), burst_);
}

int64_t RateLimit::Bucket::wait_ns(int64_t amount) const {
  if (has(amount)) return 0;
  return static_cast<int64_t>(std::ceil((std::min(static_cast<double>(amount), burst_) - level_) / per_ns_));
}

void RateLimit::Bucket::add(double amount) {
  level_ = std::min(burst_, level_ + amount);
}

RateLimit::RateLimit(const RateLimitSpec& spec) {
  if (spec.requests) requests_.emplace(*spec.requests, spec.per_ms, spec.request_burst.value_or(*spec.requests));
  if (spec.tokens) tokens_.emplace(*spec.tokens, spec.per_ms, spec.token_burst.value_or(*spec.tokens));
}

bool RateLimit::try_begin(int64_t tokens, int64_t now_ns) {
  if (wait_ns(tokens, now_ns) > 0) return false;
  if (requests_) requests_->add(-1);
  if (tokens_) tokens_->add(-static_cast<double>(tokens));
  return true;
}

int64_t RateLimit::wait_ns(int64_t tokens, int64_t now_ns) {
  ASSERT(tokens >= 0);
  int64_t wait = std::max<int64_t>(held_until_ns_ - now_ns, 0);
  if (requests_) {
    requests_->refill(now_ns);
    wait = std::max(wait, requests_->wait_ns(1));
  }
  if (tokens_) {
    tokens_->refill(now_ns);
    wait = std::max(wait, tokens_->wait_ns(tokens));
  }
  return wait;
}

void RateLimit::settle(int64_t estimated, int64_t took) {
  ASSERT(estimated >= 0 && took >= 0);
  if (tokens_) tokens_->add(static_cast<double>(estimated) - static_cast<double>(took));
}

void RateLimit::hold_until(int64_t until_ns) {
  held_until_ns_ = std::max(held_until_ns_, until_ns);
}

}  // namespace colloquium::ai
