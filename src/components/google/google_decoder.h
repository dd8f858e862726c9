// GoogleDecoder: what an answer of Gemini's says, as it comes.
//
// A stream is of events of one shape, that of a whole answer; nothing ends it but its end, and of the usage the last
// counts. When to ask again stands in the body of a refusal (google.rpc.RetryInfo), and what is used up, too
// (google.rpc.QuotaFailure).
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <utility>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"

namespace colloquium::components {

class GoogleDecoder final : public ai::EventAnswerDecoder {
 public:
  // `call_stem`: what begins the ids of calls that come without one.
  GoogleDecoder(AiTask task, std::string call_stem) : task_(task), call_stem_(std::move(call_stem)) {}

 private:
  void event(const net::StreamedEvent& event, const AiTake& take) override;
  void stream_end(const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  // False: it was an error, which has ended the call.
  bool answer(const json::ValueView& root, std::string_view text, const AiTake& take);
  void part(const json::ValueView& part, const AiTake& take);
  void embeddings(const json::ValueView& root, const AiTake& take);
  static void usage(const json::ValueView& root, const AiTake& take);
  void done(const AiTake& take);

  const AiTask task_;
  const std::string call_stem_;
  size_t calls_ = 0;
  std::string finish_reason_;
  std::string scratch_[2];
};

}  // namespace colloquium::components
