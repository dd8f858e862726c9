// Answers as Anthropic's API gives them.
//
// Thread safety: an AnthropicAnswerWriter belongs to one thread. Source: the types of Anthropic's own clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "components/gateway/gateway_api.h"

namespace colloquium::components {

class AnthropicAnswerWriter final : public AnswerWriter {
 public:
  AnthropicAnswerWriter(const ApiRequest& request, const ApiAnswerHead& head);

  void output(const AiOutput& output, std::string& out) override;
  void finish(const AiAnswer& answer, std::string& out) override;
  void fail(const ApiFailure& failure, std::string& out) override;
  std::string whole(const AiAnswer& answer) override;

 private:
  enum class Block : uint8_t { kNone, kText, kThinking, kTool };

  void begin(std::string& out);
  void open(Block block, const AiToolCallDelta* call, std::string& out);
  void close(std::string& out);

  const std::string model_;
  const std::string id_;
  bool begun_ = false;
  Block block_ = Block::kNone;
  size_t tool_ = 0;    // kTool: which of the answer's calls
  int64_t index_ = 0;  // of the block that is open, or the next
};

std::string anthropic_failure_json(const ApiFailure& failure);

}  // namespace colloquium::components
