// BedrockDecoder: what an answer of Bedrock's says, as it comes.
//
// A stream is messages of AWS's own (net/aws_event_stream.h): deltas of blocks, the reason why it stopped, and
// behind that what it took. A block of text begins without being told. An exception may come in the place of an
// event.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"
#include "net/aws_event_stream.h"

namespace colloquium::components {

class BedrockDecoder final : public ai::AnswerDecoder {
 public:
  explicit BedrockDecoder(AiTask task);

 private:
  void stream(std::string_view bytes, const AiTake& take) override;
  void stream_end(const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  void message(const net::AwsMessage& message, const AiTake& take);
  void event(std::string_view type, const json::ValueView& root, const AiTake& take);
  void delta(const json::ValueView& root, const AiTake& take);
  void block(int64_t index, const json::ValueView& block, const AiTake& take);
  void call_begins(int64_t index, const json::ValueView& tool_use, const AiTake& take);
  void embeddings(const json::ValueView& root, const AiTake& take);
  void done(const AiTake& take);

  const AiTask task_;
  net::AwsEventStreamDecoder messages_;
  std::map<int64_t, size_t> calls_;  // of tools: the place among all blocks, and among themselves
  std::string stop_reason_;
  std::string scratch_[2];
};

}  // namespace colloquium::components
