// Answers as Anthropic's API gives them.
//
// Thread safety: an AnthropicAnswerWriter belongs to one thread. Source: the types of Anthropic's own clients.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "components/gateway/gateway_api.h"

namespace colloquium::components {

// Follows the text of a JSON object, in pieces, to its end.
class WholeObject {
 public:
  void add(std::string_view piece);
  bool complete() const { return begun_ && depth_ == 0; }

 private:
  int64_t depth_ = 0;
  bool begun_ = false;
  bool in_string_ = false;
  bool escaped_ = false;
};

// A stream's blocks come one behind the other, while a provider may give its calls of tools piece by piece in
// turns. So a block ends when its content is whole and another one has begun; until then those behind it wait.
class AnthropicAnswerWriter final : public AnswerWriter {
 public:
  AnthropicAnswerWriter(const ApiRequest& request, const ApiAnswerHead& head);

  void output(const AiOutput& output, std::string& out) override;
  void finish(const AiAnswer& answer, std::string& out) override;
  void fail(const ApiFailure& failure, std::string& out) override;
  std::string whole(const AiAnswer& answer) override;

 private:
  enum class Kind : uint8_t { kText, kThinking, kTool };
  // A block of the answer that is open, or waits until those before it have ended.
  struct Block {
    Kind kind = Kind::kText;
    size_t call = 0;  // kTool: which of the answer's calls
    std::string id, name;
    std::string waiting;  // of its content
    WholeObject arguments;
  };

  void begin(std::string& out);
  Block* block_of(Kind kind, const AiToolCallDelta* call);
  void add(Kind kind, const AiToolCallDelta* call, std::string_view content, std::string& out);
  void advance(bool ended, std::string& out);
  void start(const Block& block, std::string& out);
  void send_waiting(Block& block, std::string& out);

  const std::string model_;
  const std::string id_;
  bool begun_ = false;
  std::deque<Block> blocks_;  // the first is the one that clients see
  bool open_ = false;         // they do already
  int64_t index_ = 0;         // its place in the answer
  std::set<size_t> ended_calls_;
};

std::string anthropic_failure_json(const ApiFailure& failure);

// All of them on one page.
std::string anthropic_models_json(const std::vector<std::string>& names, int64_t wall_ms);

}  // namespace colloquium::components
