// PluginDecoder: what the answer of a plugin says, as its lines come.
//
// A line is a JSON object with one or more of `text`, `reasoning`, `tool_call`, `embedding`, `usage`, `finish` and
// `failure`, taken in that order; an empty one (but for its `id`) says that the plugin is still at it. A line that
// says nothing known, or something of a wrong type, fails the call: what was meant would be lost in silence.
//
// Thread safety: one thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_provider.h"

#include "ai/answer_decoder.h"

namespace colloquium::components {

class PluginDecoder final : public ai::LineAnswerDecoder {
 public:
  // Of how many inputs vectors are to come; 0: of a chat. `call_stem` begins the ids of calls of tools that have
  // none.
  explicit PluginDecoder(size_t inputs, std::string call_stem = "call")
      : has_vector_(inputs), call_stem_(std::move(call_stem)) {}

 private:
  void line(std::string_view line, const AiTake& take) override;
  void whole(std::string_view body, const AiTake& take) override;
  AiFailure refusal(const AiHead& head, std::string_view body) override;

  // Each is false where the value can't be understood.
  bool text(const json::ValueView& value, const AiTake& take);
  bool reasoning(const json::ValueView& value, const AiTake& take);
  bool tool_call(const json::ValueView& value, const AiTake& take);
  bool embedding(const json::ValueView& value, const AiTake& take);
  bool usage(const json::ValueView& value, const AiTake& take);
  bool finish_said(const json::ValueView& value, const AiTake& take);
  bool failure(const json::ValueView& value, const AiTake& take);

  // Of a call of a tool that was begun, whether it has got any arguments.
  std::vector<bool> has_arguments_;
  std::vector<bool> has_vector_;  // of each input, whether it has come
  const std::string call_stem_;
  std::string scratch_[3];
};

}  // namespace colloquium::components
