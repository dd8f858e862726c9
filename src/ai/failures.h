// What the answers of providers that refuse have in common: whose matter it is, and when to ask again.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "colloquium/ai_provider.h"

namespace colloquium::ai {

// 2xx.
bool is_success(int status);

// By the status alone, where the body says no more.
AiFailureKind failure_kind(int status);

// `x-should-retry`, which goes before that: the server knows best (openai-node, client.ts). What is used up, and whose
// key is refused, stays so.
void obey_should_retry(const AiHead& head, AiFailure& failure);

// Longer delays are a mistake, or no delay but the end of an account's month: they say nothing.
inline constexpr int64_t kRetryAfterMsMax = 1'000'000'000'000;

// From `retry-after-ms`, or `retry-after` in seconds or as a date, which counts from the answer's own Date. A value that
// is neither says nothing. (As the official SDKs of OpenAI and Anthropic read them.)
std::optional<int64_t> retry_after_ms(const AiHead& head);

// A length of time as OpenAI's `x-ratelimit-reset-…` and Google's `retryDelay` write it: "120ms", "1s", "6m0s",
// "1h2m3.5s"; nothing if it is none.
std::optional<int64_t> parse_duration_ms(std::string_view text);

}  // namespace colloquium::ai
