#include "components/ai/ai_answers.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "ai/json_text.h"
#include "base/money.h"
#include "base/trimmed.h"
#include "json/escape.h"
#include "json/view.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::components {

namespace {

Result<std::string> label_of(const AiStageProgram& program, std::string_view text) {
  const std::string_view json = json_in(text);
  const auto problem = program.schema->problem(json);
  if (!problem) {
    ai::JsonReader reader;
    std::string scratch;
    const auto label = ai::JsonReader::text(ai::JsonReader::member(reader.read(json), "label"), scratch);
    return json::quoted(label.value_or(""));
  }
  // A model that can't be held to a schema says just that.
  const std::string_view bare = trimmed(text);
  if (std::find(program.labels.begin(), program.labels.end(), bare) != program.labels.end()) return json::quoted(bare);
  return fail(ErrorCode::kInvalidInput, *problem);
}

std::string vector_text(const std::vector<float>& vector) {
  std::string out = "[";
  char digits[32];
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) out += ',';
    out.append(digits, std::to_chars(digits, digits + sizeof digits, vector[i]).ptr);
  }
  return out + "]";
}

Result<std::string> vectors_text(const AiAnswer& answer, size_t inputs, bool list) {
  if (answer.embeddings.size() != inputs) {
    return fail(ErrorCode::kInvalidInput, "it has " + std::to_string(answer.embeddings.size()) + " vectors for " +
                                              std::to_string(inputs) + " texts");
  }
  for (const std::vector<float>& vector : answer.embeddings) {
    const auto good = [](float number) { return std::isfinite(number); };
    if (vector.empty() || !std::all_of(vector.begin(), vector.end(), good)) {
      return fail(ErrorCode::kInvalidInput, "it has a vector that is empty, or of what is no number");
    }
  }
  if (!list) return vector_text(answer.embeddings.front());
  std::string out = "[";
  for (size_t i = 0; i < answer.embeddings.size(); ++i) {
    out += (i == 0 ? "" : ",") + vector_text(answer.embeddings[i]);
  }
  return out + "]";
}

// What a model calls a tool with is whatever it wrote; nothing at all where the tool takes nothing.
Result<std::string> arguments_of(const AiToolCall& call) {
  const std::string_view text = trimmed(call.arguments);
  if (text.empty()) return std::string("{}");
  if (const auto arguments = json::parse(text, "arguments"); !arguments) {
    return fail(ErrorCode::kInvalidInput, "it calls the tool '" + call.name +
                                              "' with arguments that are no JSON: " + arguments.error().message);
  }
  return std::string(text);
}

Result<std::string> with_tool_calls(const AiAnswer& answer) {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  out.begin_object();
  out.key("text");
  out.string(answer.text);
  out.key("tool_calls");
  out.begin_array();
  for (const AiToolCall& call : answer.tool_calls) {
    TRY_ASSIGN(const std::string arguments, arguments_of(call));
    out.begin_object();
    out.key("arguments");
    ai::write_json(out, arguments);
    out.key("id");
    out.string(call.id);
    out.key("name");
    out.string(call.name);
    out.end_object();
  }
  out.end_array();
  out.end_object();
  return std::string(bytes.begin(), bytes.end());
}

std::string_view finish_text(AiFinish finish) {
  switch (finish) {
    case AiFinish::kStop:
      return "stop";
    case AiFinish::kLength:
      return "length";
    case AiFinish::kToolCalls:
      return "tool_calls";
    case AiFinish::kContentFilter:
      return "content_filter";
    case AiFinish::kOther:
      return "other";
  }
  return "other";
}

}  // namespace

std::string_view json_in(std::string_view text) {
  text = trimmed(text);
  if (!text.starts_with("```") || !text.ends_with("```") || text.size() < 6) return text;
  const size_t line = text.find('\n');
  if (line == text.npos) return text;
  return trimmed(text.substr(line, text.size() - 3 - line));
}

Result<std::string> value_of(const AiStageProgram& program, const AiAnswer& answer, size_t inputs, bool list) {
  if (program.task == AiStageTask::kEmbed) return vectors_text(answer, inputs, list);
  if (!program.request.tools.empty() && !answer.tool_calls.empty()) return with_tool_calls(answer);
  if (program.task == AiStageTask::kClassify) return label_of(program, answer.text);
  if (program.schema) {
    const std::string_view json = json_in(answer.text);
    if (auto problem = program.schema->problem(json)) return fail(ErrorCode::kInvalidInput, std::move(*problem));
    if (program.request.tools.empty()) return std::string(json);
  }
  if (program.request.tools.empty()) return json::quoted(answer.text);
  return with_tool_calls(answer);
}

std::string details_of(const AiAnswer& answer, const AiStageProgram::Arm& arm, int repairs) {
  std::vector<char> bytes;
  json::Writer out(bytes, nullptr);
  const auto text = [&](std::string_view key, std::string_view value) {
    if (value.empty()) return;
    out.key(key);
    out.string(value);
  };
  const auto count = [&](std::string_view key, const std::optional<int64_t>& value) {
    if (value.value_or(0) == 0) return;
    out.key(key);
    out.integer(*value);
  };
  out.begin_object();
  text("arm", arm.name);
  text("call", answer.call);
  out.key("cost_usd");
  out.number(static_cast<double>(answer.cost_nano_usd) / static_cast<double>(kNanoPerUsd));
  text("finish", finish_text(answer.finished.reason));
  text("model", answer.model.provider + "/" + answer.model.model);
  text("prompt", arm.prompt_label);
  if (repairs > 0) count("repairs", repairs);
  out.key("tokens");
  out.begin_object();
  count("cache_read", answer.usage.cache_read);
  count("cache_write_1h", answer.usage.cache_write_1h);
  count("cache_write_5m", answer.usage.cache_write_5m);
  count("input", answer.usage.input);
  count("output", answer.usage.output);
  count("reasoning", answer.usage.reasoning);
  out.end_object();
  out.end_object();
  return {bytes.begin(), bytes.end()};
}

}  // namespace colloquium::components
