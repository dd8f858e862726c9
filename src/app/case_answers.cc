#include "app/case_answers.h"

#include <algorithm>

#include "app/json_difference.h"
#include "config/problems.h"
#include "json/put.h"
#include "json/utf8.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {

namespace {

constexpr size_t kShownBytes = 4000;  // of a question

// Numbers alone: a vector.
std::optional<std::vector<float>> vector_of(const ConfigNode& node) {
  std::vector<float> vector;
  for (const ConfigNode& item : node.items) {
    const bool whole = item.kind == ConfigNode::Kind::kInteger;
    if (!whole && item.kind != ConfigNode::Kind::kDouble) return std::nullopt;
    vector.push_back(static_cast<float>(whole ? static_cast<double>(item.integer) : item.number));
  }
  if (node.kind != ConfigNode::Kind::kList || vector.empty()) return std::nullopt;
  return vector;
}

// A vector, or a list of them.
std::optional<std::vector<std::vector<float>>> vectors_of(const ConfigNode& node) {
  if (auto one = vector_of(node)) return std::vector<std::vector<float>>{std::move(*one)};
  if (node.kind != ConfigNode::Kind::kList) return std::nullopt;
  std::vector<std::vector<float>> vectors;
  for (const ConfigNode& item : node.items) {
    auto vector = vector_of(item);
    if (!vector) return std::nullopt;
    vectors.push_back(std::move(*vector));
  }
  return vectors;
}

AiToolCall tool_call(const WrittenToolCall& written, size_t index) {
  AiToolCall call;
  call.id = written.id.empty() ? "call_" + std::to_string(index + 1) : written.id;
  call.name = written.name;
  const ConfigNode& arguments = written.arguments;
  if (arguments.kind == ConfigNode::Kind::kString) {
    call.arguments = arguments.text;
  } else {
    call.arguments = arguments.kind == ConfigNode::Kind::kNull ? "{}" : arguments.to_json();
  }
  return call;
}

AiRefusal refusal_of(const WrittenAnswer& written) {
  AiRefusal refusal;
  refusal.failure.kind = *written.error;
  refusal.failure.message = written.message.empty() ? "the case has it so" : written.message;
  refusal.failure.status = written.status;
  return refusal;
}

AiAnswer answer_of(const WrittenAnswer& written, const ConfigNode& node, ConfigProblems& problems) {
  AiAnswer answer;
  answer.text = node.find("json") != nullptr ? written.json.to_json() : written.text;
  for (const WrittenToolCall& call : written.tool_calls) {
    answer.tool_calls.push_back(tool_call(call, answer.tool_calls.size()));
  }
  if (!answer.tool_calls.empty()) answer.finished.reason = AiFinish::kToolCalls;
  if (const ConfigNode* embedding = node.find("embedding")) {
    auto vectors = vectors_of(*embedding);
    if (!vectors)
      config::add_error(problems, embedding->mark, "an embedding is a list of numbers, or a list of those");
    if (vectors) answer.embeddings = std::move(*vectors);
  }
  return answer;
}

// What goes together: a text beside calls of tools, and else one of them.
void check_kinds(const ConfigNode& node, ConfigProblems& problems) {
  const auto has = [&](const char* key) { return node.find(key) != nullptr; };
  const bool bare = node.kind != ConfigNode::Kind::kMap && node.kind != ConfigNode::Kind::kNull;
  const bool text = bare || has("text");
  const int said = (text || has("tool_calls") ? 1 : 0) + (has("json") ? 1 : 0) + (has("embedding") ? 1 : 0) +
                   (has("error") ? 1 : 0);
  if (said != 1) {
    config::add_error(problems, node.mark,
                      "an answer is a text, or has one of: text, json, tool_calls (and a text), embedding, error");
  }
  if (!has("error") && (has("message") || has("status"))) {
    config::add_error(problems, node.mark, "'message' and 'status' are of an 'error'");
  }
}

void read_event(const ConfigNode& node, CaseAnswer& answer, ConfigProblems& problems) {
  if (node.kind != ConfigNode::Kind::kMap) {
    config::add_error(problems, node.mark, "'for' maps JSON pointers into the event to their values");
    return;
  }
  for (const ConfigNode::Member& member : node.members) {
    auto pointer = json::parse_pointer(member.key);
    if (pointer) {
      answer.event.emplace_back(std::move(*pointer), member.value.to_json());
    } else {
      config::add_error(problems, member.mark, "'" + member.key + "' is no JSON pointer; one begins with '/'");
    }
  }
}

std::optional<json::ValueView> value_at(json::ValueView at, const std::vector<std::string>& pointer) {
  for (const std::string& token : pointer) {
    std::optional<json::ValueView> next;
    if (at.type() == TokenType::kObject) next = at.member(token);
    if (at.type() == TokenType::kArray && !token.empty() && token.size() < 10 &&
        token.find_first_not_of("0123456789") == token.npos) {
      next = at.element(std::stoul(token));
    }
    if (!next) return std::nullopt;
    at = *next;
  }
  return at;
}

bool is_for(const CaseAnswer& answer, std::string_view event) {
  if (answer.event.empty()) return true;
  const auto document = json::parse(event, "event");
  if (!document) return false;
  const json::ValueView root(document->text.data(), document->tape.data(), 0);
  return std::all_of(answer.event.begin(), answer.event.end(), [&](const auto& wanted) {
    const auto value = value_at(root, wanted.first);
    return value && json_difference(wanted.second, value->raw()).empty();
  });
}

std::string_view role_name(AiRole role) {
  switch (role) {
    case AiRole::kSystem:
      return "system";
    case AiRole::kUser:
      return "user";
    case AiRole::kAssistant:
      return "assistant";
  }
  return "user";
}

std::string part_text(const AiPart& part) {
  if (const auto* text = std::get_if<AiText>(&part)) return text->text;
  if (const auto* image = std::get_if<AiImage>(&part)) {
    return "(an image: " + (image->url.empty() ? image->media_type : image->url) + ")";
  }
  if (const auto* call = std::get_if<AiToolCall>(&part)) {
    return "(calls " + call->name + " with " + call->arguments + ")";
  }
  const auto& result = std::get<AiToolResult>(part);
  return "(result of " + result.id + ": " + result.content + ")";
}

}  // namespace

CaseAnswer read_answer(const WrittenAnswer& written, const ConfigNode& node, ConfigProblems& problems) {
  CaseAnswer answer;
  answer.mark = node.mark;
  answer.asked = written.asked;
  check_kinds(node, problems);
  if (const ConfigNode* event = node.find("for")) read_event(*event, answer, problems);
  if (written.error) {
    answer.outcome.refusal = refusal_of(written);
  } else {
    answer.outcome.answer = answer_of(written, node, problems);
  }
  return answer;
}

CaseAnswers::CaseAnswers(const CaseAnswersByStage& answers) {
  for (const auto& [stage, list] : answers) lanes_[stage] = {&list, std::vector<bool>(list.size(), false)};
}

std::optional<AiOutcome> CaseAnswers::answer(const AiQuestion& question, std::string_view event) {
  const auto lane = lanes_.find(question.who);
  const size_t count = lane == lanes_.end() ? 0 : lane->second.answers->size();
  for (size_t i = 0; i < count; ++i) {
    const CaseAnswer& each = (*lane->second.answers)[i];
    if (lane->second.given[i] || !is_for(each, event)) continue;
    lane->second.given[i] = true;
    const std::string text = question_text(question.request);
    for (const std::string& part : each.asked) {
      if (text.find(part) == text.npos) note(question, "what it asked has no \"" + part + "\"");
    }
    AiOutcome outcome = each.outcome;
    if (outcome.answer) outcome.answer->model = question.models.front();
    return outcome;
  }
  note(question, "no answer is left for what it asked");
  return std::nullopt;
}

void CaseAnswers::note(const AiQuestion& question, const std::string& what) {
  if (!problem_.empty()) return;
  problem_ = "stage " + question.who;
  if (question.event) problem_ += ", event " + std::to_string(question.event->offset + 1);
  problem_ += ": " + what + ":";
  std::string text = question_text(question.request);
  if (text.size() > kShownBytes) {
    text.resize(json::valid_utf8_prefix(std::string_view(text).substr(0, kShownBytes)));
    text += "…";
  }
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    problem_ += "\n    " + text.substr(at, end - at);
    at = end + 1;
  }
}

std::string CaseAnswers::left_over() const {
  for (const auto& [stage, lane] : lanes_) {
    for (size_t i = 0; i < lane.given.size(); ++i) {
      if (lane.given[i]) continue;
      return "nothing asked for the answer at " + (*lane.answers)[i].mark.describe() + " of stage " + stage;
    }
  }
  return {};
}

std::string question_text(const AiRequest& request) {
  std::string text;
  const auto line = [&text](std::string_view more) {
    if (!text.empty()) text += '\n';
    text += more;
  };
  for (const AiMessage& message : request.messages) {
    line("--- " + std::string(role_name(message.role)));
    for (const AiPart& part : message.parts) line(part_text(part));
  }
  for (const std::string& input : request.inputs) line(input);
  return text;
}

}  // namespace colloquium::app

namespace colloquium {

ConfigSpec<app::WrittenToolCall> ConfigObject<app::WrittenToolCall>::spec() {
  using app::WrittenToolCall;
  return ConfigSpec<WrittenToolCall>()
      .field("name", &WrittenToolCall::name, {.description = "The tool.", .required = true})
      .field("arguments", &WrittenToolCall::arguments,
             {.description = "What it is called with; a string stands for itself, even if it is no JSON."})
      .field("id", &WrittenToolCall::id, {.description = "The call's id; else call_1, call_2 and so on."});
}

ConfigSpec<app::WrittenAnswer> ConfigObject<app::WrittenAnswer>::spec() {
  using app::WrittenAnswer;
  return ConfigSpec<WrittenAnswer>()
      .field("text", &WrittenAnswer::text, {.description = "What the model says."})
      .field("json", &WrittenAnswer::json, {.description = "A value whose JSON the model says."})
      .field("tool_calls", &WrittenAnswer::tool_calls, {.description = "The tools that the model calls."})
      .field("embedding", &WrittenAnswer::embedding,
             {.description = "The vector of the text; of a list of texts a list of vectors."})
      .field("error", &WrittenAnswer::error, {.description = "Why there is no answer."})
      .field("message", &WrittenAnswer::message, {.description = "What the provider says of the error."})
      .field("status", &WrittenAnswer::status,
             {.description = "HTTP status of the error.", .minimum = 0, .maximum = 599})
      .field("asked", &WrittenAnswer::asked,
             {.description = "What the question has to contain, as it is sent: redacted."})
      .field("for", &WrittenAnswer::event,
             {.description = "JSON pointers into the event, and the values that it has to have there."})
      .shorthand("text");
}

}  // namespace colloquium
