// OpenAiDecoder: what an answer of OpenAI's chat completions or embeddings says, as it comes.
//
// A stream is a text/event-stream of chunks that ends with `[DONE]`; where a server leaves that out, a finish_reason
// before its end will do. An error may come in the place of a chunk, after a 200.
//
// Thread safety: one thread.
#pragma once

#include <map>
#include <string>

#include "colloquium/ai_provider.h"

#include "ai/json_text.h"
#include "net/event_stream.h"

namespace colloquium::components {

class OpenAiDecoder final : public AiDecoder {
 public:
  explicit OpenAiDecoder(AiTask task);

  void head(const AiHead& head, const AiTake& take) override;
  void bytes(std::string_view bytes, const AiTake& take) override;
  void end(const AiTake& take) override;

 private:
  void chunk(std::string_view data, const AiTake& take);
  void whole(const AiTake& take);
  void answer(const json::ValueView& root, const char* part, const AiTake& take);
  void tool_calls(const json::ValueView& calls, const AiTake& take);
  void embeddings(const json::ValueView& root, const AiTake& take);
  bool embedding(size_t index, const json::ValueView& value, const AiTake& take);
  void usage(const json::ValueView& root, const AiTake& take);
  void finish(const AiTake& take);
  void broken(std::string message, const AiTake& take);
  void failed(AiFailure failure, const AiTake& take);

  const AiTask task_;
  AiHead head_;
  net::EventStreamParser events_;
  ai::JsonReader reader_;
  std::string body_;  // of an answer that is no stream
  std::string finish_reason_;
  std::string scratch_[3];
  bool streams_ = false;
  bool ended_ = false;
};

}  // namespace colloquium::components
