// AnthropicDecoder: what an answer of Anthropic's messages says, as it comes.
//
// A stream is message_start, blocks of content (each started, in deltas, stopped), message_delta with the reason, and
// message_stop; a ping or an error may stand anywhere. Tokens of output are told cumulatively.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"

namespace colloquium::components {

class AnthropicDecoder final : public ai::EventAnswerDecoder {
 private:
  void event(const net::StreamedEvent& event, const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  void block(const json::ValueView& root, const AiTake& take);
  void whole_block(size_t index, const json::ValueView& block, const AiTake& take);
  void delta(const json::ValueView& root, const AiTake& take);
  void stop_reason(const std::optional<json::ValueView>& holder);
  void usage(const std::optional<json::ValueView>& holder, const AiTake& take);
  void done(const AiTake& take);

  std::map<int64_t, size_t> calls_;  // of tools: the place among all blocks, and among themselves
  std::string stop_reason_;
  std::string scratch_[2];
};

}  // namespace colloquium::components
