// TokenUsage: what a call took, in buckets of which no two count the same token. Providers count differently: OpenAI
// and Gemini say how many tokens the prompt had and how many of those came from a cache, Anthropic leaves those out.
//
// Thread safety: a value.
#pragma once

#include <cstdint>

namespace colloquium::ai {

// More than any call takes: what is said to be more is a mistake, or meant to do harm, and sums of it would not fit.
inline constexpr int64_t kTokensMost = int64_t{1} << 40;

struct TokenUsage {
  int64_t input = 0;           // neither read from a cache nor written to one
  int64_t cache_read = 0;      // of the provider's prompt cache
  int64_t cache_write_5m = 0;  // … written to it, to be kept for five minutes
  int64_t cache_write_1h = 0;  // … or for an hour
  int64_t output = 0;          // without the next
  int64_t reasoning = 0;       // output that is not shown

  bool operator==(const TokenUsage&) const = default;
  int64_t total_input() const { return input + cache_read + cache_write_5m + cache_write_1h; }
  int64_t total_output() const { return output + reasoning; }
  int64_t total() const { return total_input() + total_output(); }
  TokenUsage& operator+=(const TokenUsage& other) {
    input += other.input;
    cache_read += other.cache_read;
    cache_write_5m += other.cache_write_5m;
    cache_write_1h += other.cache_write_1h;
    output += other.output;
    reasoning += other.reasoning;
    return *this;
  }
};

}  // namespace colloquium::ai
