// OllamaDecoder: what an answer of Ollama's says, as it comes.
//
// A stream is lines of one shape, that of a whole answer; the last says `done`, why, and what it took. An error
// may come in the place of a line, after a 200.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <utility>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"

namespace colloquium::components {

class OllamaDecoder final : public ai::LineAnswerDecoder {
 public:
  // `call_stem`: what begins the ids of calls that come without one.
  OllamaDecoder(AiTask task, std::string call_stem) : task_(task), call_stem_(std::move(call_stem)) {}

 private:
  void line(std::string_view line, const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  void answer(const json::ValueView& root, const AiTake& take);
  void tool_call(const json::ValueView& call, const AiTake& take);
  void embeddings(const json::ValueView& root, const AiTake& take);
  void done(const json::ValueView& root, const AiTake& take);

  const AiTask task_;
  const std::string call_stem_;
  size_t calls_ = 0;
  std::string scratch_[2];
};

}  // namespace colloquium::components
