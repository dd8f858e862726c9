// TokenCounter: how many tokens the input of a chat is, as its provider itself counts them (AiProvider::counting).
//
// Nothing is generated, so nothing is paid, recorded or reserved, and nothing is asked twice. It takes no turn at
// the model's gate: providers count such requests apart.
//
// Ownership: loop, clock and transport outlive it; what is under way when it goes is stopped, and tells nobody.
// Thread safety: loop only. Memory: kUnderWayMax requests and the beginnings of their answers.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <variant>

#include "colloquium/ai_provider.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "ai/call_attempt.h"
#include "ai/call_settings.h"
#include "ai/transport.h"

namespace colloquium::ai {

class TokenCounter {
 public:
  static constexpr size_t kUnderWayMax = 256;  // more are refused, as throttled

  using Counted = std::variant<int64_t, AiFailure>;
  using Done = UniqueFunction<void(Counted)>;

  TokenCounter(Loop& loop, const Clock& clock, AiTransport& transport);

  // 0, and `done` never runs, where the provider has no API for it. Else it runs once, in a later turn, unless it
  // is cancelled. REQUIRES: the provider's check() holds of the request.
  using Number = uint64_t;
  Number count(const ProviderSettings& provider, const AiRequest& request, Done done);
  void cancel(Number number) { under_way_.erase(number); }
  void stop() { under_way_.clear(); }

 private:
  Loop& loop_;
  const Clock& clock_;
  AiTransport& transport_;
  std::map<Number, std::unique_ptr<CallAttempt>> under_way_;
  Number last_ = 0;
  Liveness alive_;
};

}  // namespace colloquium::ai
