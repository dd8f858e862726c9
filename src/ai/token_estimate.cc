#include "ai/token_estimate.h"

#include <algorithm>
#include <cmath>

#include "ai/tokenizer.h"
#include "base/assert.h"

namespace colloquium::ai {
namespace {

// Before anything was learned: other encodings of the big providers make up to half as many tokens more.
constexpr double kFirstFactor = 1.5;
constexpr double kFall = 0.02;
constexpr double kFactorMax = 20;
constexpr double kFactorMin = 0.1;

// So many bytes of a request are counted, all of them; longer ones are counted in a few places.
constexpr size_t kExact = 256 * 1024;
constexpr size_t kSample = 32 * 1024;
constexpr size_t kSamples = 12;

// openai-cookbook, "How to count tokens with tiktoken".
constexpr int64_t kPerMessage = 3;
constexpr int64_t kPerAnswer = 3;
constexpr int64_t kPerTools = 9;
constexpr int64_t kPerTool = 7;
// 85 and 170 for each of the tiles of 512 pixels; an image is at most 768 by 2000 of them.
constexpr int64_t kPerImage = 85 + 170 * 8;

bool is_exact(const ModelName& name) {
  return name.kind == "openai" || name.kind == "azure";
}

const Tokenizer& tokenizer_of(const ModelName& name) {
  const bool older =
      is_exact(name) && ((name.model.starts_with("gpt-4") && !name.model.starts_with("gpt-4o") &&
                          !name.model.starts_with("gpt-4.")) ||
                         name.model.starts_with("gpt-3.5") || name.model.starts_with("text-embedding"));
  const auto found = tokenizer(older ? "cl100k_base" : "o200k_base");
  ASSERT(found.has_value());
  return **found;
}

// Of one request: exact as far as that goes quickly, then by samples, then at the worst rate that those had.
class TokenCount {
 public:
  explicit TokenCount(const Tokenizer& tokens) : tokens_(tokens) {}

  int64_t of(const AiRequest& request) {
    int64_t sum = 0;
    for (const std::string& input : request.inputs) sum += of(input);
    if (request.task == AiTask::kEmbed) return sum;
    for (const AiMessage& message : request.messages) {
      sum += kPerMessage;
      for (const AiPart& part : message.parts) sum += of(part);
    }
    if (!request.tools.empty()) sum += kPerTools;
    for (const AiTool& tool : request.tools) {
      sum += kPerTool + of(tool.name) + of(tool.description) + of(tool.parameters);
    }
    if (request.output_schema) sum += of(*request.output_schema);
    return sum + kPerAnswer;
  }

  int64_t of(std::string_view text) {
    if (text.size() <= exact_left_) {
      exact_left_ -= text.size();
      return static_cast<int64_t>(tokens_.count(text));
    }
    const size_t part = std::min(text.size(), kSample);
    for (const size_t at : {size_t{0}, (text.size() - part) / 2, text.size() - part}) {
      if (samples_left_ == 0) break;
      --samples_left_;
      const auto counted = static_cast<double>(tokens_.count(text.substr(at, part)));
      rate_ = std::max(rate_, counted / static_cast<double>(part));
    }
    return static_cast<int64_t>(std::ceil(rate_ * static_cast<double>(text.size())));
  }

 private:
  int64_t of(const AiPart& part) {
    if (const auto* text = std::get_if<AiText>(&part)) return of(text->text);
    if (std::holds_alternative<AiImage>(part)) return kPerImage;
    if (const auto* call = std::get_if<AiToolCall>(&part)) return of(call->name) + of(call->arguments) + kPerTool;
    return of(std::get<AiToolResult>(part).content) + kPerTool;
  }

  const Tokenizer& tokens_;
  size_t exact_left_ = kExact;
  size_t samples_left_ = kSamples;
  double rate_ = 0;  // tokens in a byte, the most so far
};

}  // namespace

double TokenEstimates::factor(const ModelName& name) const {
  const auto found = factors_.find({std::string(name.provider), std::string(name.model)});
  if (found != factors_.end()) return found->second;
  return is_exact(name) ? 1 : kFirstFactor;
}

TokenEstimates::Input TokenEstimates::input(const ModelName& name, const AiRequest& request) const {
  const double now = factor(name);
  const auto counted = static_cast<double>(TokenCount(tokenizer_of(name)).of(request));
  return {static_cast<int64_t>(std::ceil(counted * now)), now};
}

int64_t TokenEstimates::output(const ModelName& name, std::string_view text) const {
  const auto counted = static_cast<double>(TokenCount(tokenizer_of(name)).of(text));
  return static_cast<int64_t>(std::ceil(counted * factor(name)));
}

void TokenEstimates::learn(const ModelName& name, const Input& estimated, int64_t took) {
  if (estimated.tokens <= 0 || took <= 0) return;
  const double before = factor(name);
  // By the factor of then: calls that were estimated at the same time all say the same.
  const double seen = estimated.factor * static_cast<double>(took) / static_cast<double>(estimated.tokens);
  const double now = seen > before ? seen : before + (seen - before) * kFall;
  factors_[{std::string(name.provider), std::string(name.model)}] = std::clamp(now, kFactorMin, kFactorMax);
}

}  // namespace colloquium::ai
