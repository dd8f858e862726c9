// OpenAiDecoder: what an answer of OpenAI's chat completions or embeddings says, as it comes.
//
// A stream is a text/event-stream of chunks that ends with `[DONE]`; where a server leaves that out, a finish_reason
// before its end will do. An error may come in the place of a chunk, after a 200.
//
// Thread safety: one thread.
#pragma once

#include <optional>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"

namespace colloquium::ai {

// An error as OpenAI tells it: `{"message", "type", "code"}`, or, as other servers do, words alone. Where it is no
// such thing, `text` is quoted. `kind` holds unless it says better; it may say when to ask again.
AiFailure openai_error(const std::optional<json::ValueView>& error, std::string_view text, AiFailureKind kind);

// What an answer that is no 2xx means. `body` may be anything.
AiFailure openai_failure(const AiHead& head, std::string_view body);

// OpenAI counts what was read from its cache, or written to it, among the tokens that came in, and reasoning among
// those that went out.
struct OpenAiCounts {
  const char* in;
  const char* in_details;
  const char* out;
  const char* out_details;
};
std::optional<AiUsage> openai_usage(const std::optional<json::ValueView>& usage, const OpenAiCounts& names);

class OpenAiDecoder final : public EventAnswerDecoder {
 public:
  explicit OpenAiDecoder(AiTask task) : task_(task) {}

 private:
  void event(const net::StreamedEvent& event, const AiTake& take) override;
  void stream_end(const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  bool is_error(const std::optional<json::ValueView>& root, std::string_view text, const AiTake& take);
  void answer(const json::ValueView& root, const char* part, const AiTake& take);
  void tool_calls(const json::ValueView& calls, const AiTake& take);
  void embeddings(const json::ValueView& root, const AiTake& take);
  bool embedding(size_t index, const json::ValueView& value, const AiTake& take);
  void done(const AiTake& take);

  const AiTask task_;
  std::string finish_reason_;
  std::string scratch_[3];
};

}  // namespace colloquium::ai
