// CallAttempt: one sending of a request to a provider, and what came of it.
//
// Ownership: loop, clock and transport outlive it. Destroyed while it is under way, it is stopped and tells
// nobody. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "colloquium/ai_provider.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"

#include "ai/answer_parts.h"
#include "ai/call_settings.h"
#include "ai/transport.h"
#include "base/liveness.h"

namespace colloquium::ai {

// Who has to pay for what, as far as can be known.
enum class AttemptEnds : uint8_t {
  kAnswered,
  kUnsent,   // the provider cannot have got it
  kRefused,  // it said no, by a status that is no success or as the first thing it said: nothing is paid
  kBroken,   // an answer had begun, and then it failed, or was stopped: what came is paid
  kLost,     // it was sent, and nothing came, or a part of an answer that is sent in whole: nobody knows
};

struct AttemptEnd {
  AttemptEnds how = AttemptEnds::kUnsent;
  CallContent content;
  AiUsage usage;
  size_t reasoning_bytes = 0;
  AiFailure failure;  // unless it was answered
  int64_t took_ms = 0;
  std::optional<int64_t> first_ms;  // until the first output
};

// Neither what it took nor any of what it gave is known.
bool says_nothing(const AttemptEnd& end);

// Whether nothing is paid: the provider said no, by its status, or before it did anything.
bool is_refused(int status, const AttemptEnd& end);

class CallAttempt {
 public:
  using Hear = std::function<void(const AiOutput&)>;  // text, reasoning, calls of tools, as they come
  using Done = UniqueFunction<void(AttemptEnd)>;

  // `vectors`: as AnswerParts has it.
  CallAttempt(Loop& loop, const Clock& clock, AiTransport& transport, const CallTimeouts& timeouts,
              size_t bytes_max, std::unique_ptr<AiDecoder> decoder, size_t vectors = 0);
  ~CallAttempt();
  CallAttempt(const CallAttempt&) = delete;
  CallAttempt& operator=(const CallAttempt&) = delete;

  // Once. `done` runs once, in a turn of its own.
  void send(AiHttpRequest request, Hear hear, Done done);

  // Stops it; `done` never runs.
  AttemptEnd stop(const std::string& why);

  const CallContent& so_far() const { return parts_.content(); }

 private:
  void take(const AiOutput& output);
  void take_head(const AiHead& head);
  void take_bytes(std::string_view bytes);
  void settle_down();
  void take_end(const Status& status);
  void watch(int64_t limit_ms);
  void look();
  void end(std::optional<AiFailure> failure);
  AttemptEnd ended(std::optional<AiFailure> failure);
  void disconnect();

  Loop& loop_;
  const Clock& clock_;
  AiTransport& transport_;
  const CallTimeouts timeouts_;
  const std::unique_ptr<AiDecoder> decoder_;
  AnswerParts parts_;
  Hear hear_;
  Done done_;

  std::optional<AiTransport::Number> number_;  // while the transport is at work
  std::shared_ptr<bool> sent_;
  std::optional<int> status_;
  bool is_whole_ = false;  // the answer is one JSON text, which says nothing before its end
  int64_t began_ns_ = 0;
  int64_t last_ns_ = 0;   // when something came
  int64_t limit_ms_ = 0;  // of silence, now; 0: none
  std::optional<int64_t> first_ms_;
  bool is_over_ = false;
  std::unique_ptr<Timer> silence_, total_;
  Liveness alive_;
};

}  // namespace colloquium::ai
