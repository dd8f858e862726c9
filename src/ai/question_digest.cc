#include "ai/question_digest.h"

#include <bit>
#include <cstring>
#include <string_view>

namespace colloquium::ai {
namespace {

// Every part with its length, so that no two lists of parts read alike.
class Parts {
 public:
  Parts& text(std::string_view text) {
    number(static_cast<int64_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  Parts& number(int64_t number) {
    char raw[sizeof(number)];
    std::memcpy(raw, &number, sizeof(number));
    bytes_.append(raw, sizeof(raw));
    return *this;
  }
  Parts& real(const std::optional<double>& value) {
    number(value.has_value());
    return number(std::bit_cast<int64_t>(value.value_or(0)));
  }
  Parts& integer(const std::optional<int64_t>& value) {
    number(value.has_value());
    return number(value.value_or(0));
  }
  io::Digest128 digest() const { return io::Digester().digest(bytes_); }

 private:
  std::string bytes_;
};

void add(Parts& parts, const AiPart& part) {
  parts.number(static_cast<int64_t>(part.index()));
  if (const auto* text = std::get_if<AiText>(&part)) parts.text(text->text);
  if (const auto* image = std::get_if<AiImage>(&part)) {
    parts.text(image->url).text(image->media_type).text(image->base64);
  }
  if (const auto* call = std::get_if<AiToolCall>(&part))
    parts.text(call->id).text(call->name).text(call->arguments);
  if (const auto* result = std::get_if<AiToolResult>(&part)) {
    parts.text(result->id).text(result->content).number(result->is_error);
  }
}

void add(Parts& parts, const AiParameters& parameters) {
  parts.integer(parameters.max_output_tokens).real(parameters.temperature).real(parameters.top_p);
  parts.integer(parameters.seed).number(static_cast<int64_t>(parameters.stop.size()));
  for (const std::string& stop : parameters.stop) parts.text(stop);
  parts.text(parameters.extra);
}

void add(Parts& parts, const AiRequest& request) {
  parts.number(static_cast<int64_t>(request.task)).number(static_cast<int64_t>(request.messages.size()));
  for (const AiMessage& message : request.messages) {
    parts.number(static_cast<int64_t>(message.role)).number(static_cast<int64_t>(message.parts.size()));
    for (const AiPart& part : message.parts) add(parts, part);
  }
  parts.number(static_cast<int64_t>(request.tools.size()));
  for (const AiTool& tool : request.tools) parts.text(tool.name).text(tool.description).text(tool.parameters);
  parts.number(static_cast<int64_t>(request.tool_choice.kind)).text(request.tool_choice.name);
  // What is recorded was asked with the usual terms, and is found by the same digest.
  const bool usual = request.schema_terms == AiSchemaTerms();
  parts.number(!request.output_schema ? 0 : usual ? 1 : 2).text(request.output_schema.value_or(""));
  if (request.output_schema && !usual) {
    const AiSchemaTerms& terms = request.schema_terms;
    parts.number(terms.strict).text(terms.name).text(terms.description);
  }
  parts.number(static_cast<int64_t>(request.inputs.size()));
  for (const std::string& input : request.inputs) parts.text(input);
  add(parts, request.parameters);
}

}  // namespace

io::Digest128 question_digest(const AiQuestion& question) {
  Parts parts;
  add(parts, question.request);
  parts.number(static_cast<int64_t>(question.models.size()));
  for (const AiModelChoice& choice : question.models) {
    parts.text(choice.provider).text(choice.model);
  }
  parts.text(question.prompt).text(question.arm);
  parts.text(question.tenant);
  return parts.digest();
}

io::Digest128 cache_digest(const AiQuestion& question, const io::Digest128& digest) {
  if (question.cache_key.empty()) return digest;
  return Parts().text(question.cache_key).text(question.tenant).digest();
}

}  // namespace colloquium::ai
