// OfflineCalls: AiCalls of which none is sent. Whoever makes it answers, at once: a test with what it says that
// models say, a comparison with what is recorded.
//
// What a model can't be asked is told as it would be, and what is redacted is redacted before anybody sees it.
// Limits, budgets, retries and caches have no part in it, and nothing is recorded.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/ai_calls.h"

#include "ai/call_settings.h"

namespace colloquium::ai {

class OfflineCalls final : public AiCalls {
 public:
  // The answer to a question, whose texts are redacted, about `event`: the JSON that begin() was given. Nothing:
  // there is none; what the stage makes of that is not what the pipeline would.
  using Answer = std::function<std::optional<AiOutcome>(const AiQuestion& question, std::string_view event)>;

  // Of the settings it needs the providers, without access, the prices, and what is redacted.
  OfflineCalls(CallSettings settings, Answer answer);

  // Everything that is asked from here on is about this event.
  void begin(std::string_view event);
  // Whether a question had no answer since then.
  bool lacked_answer() const { return lacked_answer_; }

  const CallSettings& settings() const { return settings_; }

  Status check(const AiQuestion& question) const override;
  Number ask(AiQuestion question, AiAnswered answered, AiListen listen = nullptr) override;
  void reject(const std::string&) override {}
  void cancel(Number) override {}
  // Nobody is asked, and nothing is said.
  Number count(AiQuestion question, AiCounted counted) override;
  void settled(const std::string&, const std::string&, int64_t) override {}

 private:
  const CallSettings settings_;
  const Answer answer_;
  std::string event_;
  bool lacked_answer_ = false;
  Number last_ = 0;
};

}  // namespace colloquium::ai
