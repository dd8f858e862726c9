// RateLimit: how many requests, and how many tokens, one key of a provider may send to a model in a minute. Tokens are
// taken by estimate before a call and set right by what it took.
//
// The bucket of tokens may go below nothing: a call of more tokens than the bucket holds goes once it is full, and what
// an estimate was short of is owed. So the rate holds in the long run, whatever was estimated, and nothing waits for
// ever. (A token bucket: RFC 2697's committed burst, with debt.)
//
// Thread safety: value; one thread at a time. Times are those of Clock::monotonic_ns.
#pragma once

#include <cstdint>
#include <optional>

namespace colloquium::ai {

struct RateLimitSpec {
  std::optional<int64_t> requests;  // in `per_ms`, each positive; nothing: no bound
  std::optional<int64_t> tokens;
  int64_t per_ms = 60'000;
  std::optional<int64_t> request_burst;  // at once; nothing: as many as in `per_ms`
  std::optional<int64_t> token_burst;
};

class RateLimit {
 public:
  explicit RateLimit(const RateLimitSpec& spec);

  // Takes a request and `tokens` of them, or neither. False: wait_ns() says when to ask again.
  bool try_begin(int64_t tokens, int64_t now_ns);
  int64_t wait_ns(int64_t tokens, int64_t now_ns);

  // What a call took that began with `estimated`; 0 where it was never sent.
  void settle(int64_t estimated, int64_t took);

  // The provider said so itself (Retry-After, x-ratelimit-reset): nothing begins before. An earlier time changes
  // nothing.
  void hold_until(int64_t until_ns);

 private:
  class Bucket {
   public:
    Bucket(int64_t amount, int64_t per_ms, int64_t burst);
    void refill(int64_t now_ns);
    bool has(int64_t amount) const;
    int64_t wait_ns(int64_t amount) const;
    void add(double amount);

   private:
    const double burst_;
    const double per_ns_;
    double level_;
    std::optional<int64_t> at_ns_;  // of the last refill
  };

  std::optional<Bucket> requests_;
  std::optional<Bucket> tokens_;
  int64_t held_until_ns_ = 0;
};

}  // namespace colloquium::ai
