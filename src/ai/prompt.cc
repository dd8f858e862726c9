#include "ai/prompt.h"

#include <algorithm>
#include <utility>

#include "base/trimmed.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::ai {

namespace {

constexpr std::string_view kRoleLine = "--- ";
std::optional<AiRole> role_of(std::string_view name) {
  if (name == "system") return AiRole::kSystem;
  if (name == "user") return AiRole::kUser;
  if (name == "assistant") return AiRole::kAssistant;
  return std::nullopt;
}

// Reads a prompt's text from its beginning to its end.
class PromptReader {
 public:
  PromptReader(std::string_view text, ConfigMark mark, const computo::ExpressionScope& scope,
               ConfigProblems& problems)
      : text_(text), mark_(std::move(mark)), scope_(scope), problems_(problems) {}

  PromptText read() {
    while (at_ < text_.size()) {
      if (at_line_begin_ && text_.substr(at_, kRoleLine.size()) == kRoleLine) {
        read_role();
      } else if (text_.substr(at_, 2) == "{{") {
        read_expression();
      } else {
        plain_ += take();
      }
    }
    end_message();
    if (prompt_.messages.empty() && problems_.empty()) error("the prompt has no message");
    return std::move(prompt_);
  }

 private:
  void error(std::string message) { problems_.push_back({mark_, std::move(message), false}); }

  char take() {
    const char c = text_[at_++];
    at_line_begin_ = c == '\n';
    mark_.line += at_line_begin_ ? 1 : 0;
    mark_.column = at_line_begin_ ? 1 : mark_.column + 1;
    return c;
  }
  void take(size_t count) {
    while (count-- > 0) take();
  }

  void read_role() {
    const size_t end = std::min(text_.find('\n', at_), text_.size());
    const std::string_view name = trimmed(text_.substr(at_ + kRoleLine.size(), end - at_ - kRoleLine.size()));
    const auto role = role_of(name);
    if (!role) {
      error("'--- " + std::string(name) + "' begins no message; known: --- system, --- user, --- assistant");
    }
    end_message();
    message_.role = role.value_or(AiRole::kUser);
    take(std::min(end + 1, text_.size()) - at_);
    at_line_begin_ = true;
  }

  void read_expression() {
    const size_t end = expression_end();
    if (end == text_.npos) {
      error("'{{' has no '}}'");
      return take(text_.size() - at_);
    }
    ConfigNode node;
    node.kind = ConfigNode::Kind::kString;
    node.mark = mark_;
    // Places in the sugar count from the '='.
    node.mark.column += 1;
    node.text = "=" + std::string(text_.substr(at_ + 2, end - at_ - 2));
    end_piece();
    message_.pieces.push_back({{}, computo::compile_expression_in(node, scope_, problems_)});
    take(end + 2 - at_);
  }

  // Of the braces that belong to the expression itself, and those in its strings, none is the end.
  size_t expression_end() const {
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = at_ + 2; i < text_.size(); ++i) {
      const char c = text_[i];
      if (in_string) {
        if (c == '\\') ++i;
        if (c == '"') in_string = false;
      } else if (c == '"') {
        in_string = true;
      } else if (c == '{') {
        ++depth;
      } else if (c == '}' && depth > 0) {
        --depth;
      } else if (text_.substr(i, 2) == "}}") {
        return i;
      }
    }
    return text_.npos;
  }

  void end_piece() {
    if (!plain_.empty()) message_.pieces.push_back({std::exchange(plain_, {}), nullptr});
  }

  void end_message() {
    end_piece();
    auto& pieces = message_.pieces;
    if (!pieces.empty() && pieces.front().program == nullptr) {
      std::string& text = pieces.front().text;
      text.erase(0, std::min(text.find_first_not_of(kWhiteSpace), text.size()));
    }
    if (!pieces.empty() && pieces.back().program == nullptr) {
      std::string& text = pieces.back().text;
      text.resize(text.find_last_not_of(kWhiteSpace) + 1);
    }
    std::erase_if(pieces, [](const auto& piece) { return piece.program == nullptr && piece.text.empty(); });
    if (!pieces.empty()) prompt_.messages.push_back(std::move(message_));
    message_ = {};
  }

  const std::string_view text_;
  ConfigMark mark_;  // of at_
  const computo::ExpressionScope& scope_;
  ConfigProblems& problems_;
  size_t at_ = 0;
  bool at_line_begin_ = true;
  std::string plain_;
  PromptText::Message message_;
  PromptText prompt_;
};

tl::unexpected<Error> bad_message(size_t i, const std::string& what) {
  return fail(ErrorCode::kInvalidInput, "message " + std::to_string(i + 1) + " " + what);
}

std::optional<std::string> text_member(const json::ValueView& object, std::string_view key) {
  const auto member = object.member(key);
  if (!member || member->type() != TokenType::kString) return std::nullopt;
  std::string scratch;
  return std::string(member->string(scratch));
}

std::optional<AiPart> part_of(const json::ValueView& part) {
  if (part.type() != TokenType::kObject) return std::nullopt;
  if (auto text = text_member(part, "text")) return AiText{std::move(*text)};
  if (auto url = text_member(part, "image"))
    return AiImage{.url = std::move(*url), .media_type = {}, .base64 = {}};
  const auto image = part.member("image");
  if (!image || image->type() != TokenType::kObject) return std::nullopt;
  auto media_type = text_member(*image, "media_type");
  auto base64 = text_member(*image, "base64");
  if (!media_type || !base64) return std::nullopt;
  return AiImage{.url = {}, .media_type = std::move(*media_type), .base64 = std::move(*base64)};
}

Result<AiMessage> message_of(const json::ValueView& value, size_t i) {
  if (value.type() != TokenType::kObject) return bad_message(i, "is no object");
  const auto role = role_of(text_member(value, "role").value_or(""));
  if (!role) return bad_message(i, "has no role of 'system', 'user' and 'assistant'");
  AiMessage message{*role, {}};
  const auto content = value.member("content");
  if (auto text = text_member(value, "content")) {
    message.parts.push_back(AiText{std::move(*text)});
    return message;
  }
  if (!content || content->type() != TokenType::kArray || content->count() == 0) {
    return bad_message(i, "has a content that is neither a text nor a list of parts");
  }
  for (uint64_t k = 0; k < content->count(); ++k) {
    auto part = part_of(*content->element(k));
    if (!part) return bad_message(i, "has a part that is neither {text} nor {image}");
    message.parts.push_back(std::move(*part));
  }
  return message;
}

}  // namespace

PromptText parse_prompt(std::string_view text, const ConfigMark& mark, const computo::ExpressionScope& scope,
                        ConfigProblems& problems) {
  return PromptReader(text, mark, scope, problems).read();
}

std::string prompt_label(const std::string& name) {
  const size_t slash = name.rfind('/');
  const std::string last = slash == name.npos ? name : name.substr(slash + 1);
  return last.ends_with(".md") ? last.substr(0, last.size() - 3) : last;
}

std::string prompt_file(const std::string& name) {
  return name.ends_with(".md") ? name : name + ".md";
}

Prompt::Prompt(const PromptText& text, const std::shared_ptr<const computo::HostContext>& context) {
  for (const PromptText::Message& from : text.messages) {
    Message& message = messages_.emplace_back();
    message.role = from.role;
    for (const PromptText::Piece& piece : from.pieces) {
      message.pieces.push_back({piece.text, piece.program == nullptr ? nullptr
                                                                     : std::make_unique<computo::EventEvaluator>(
                                                                           piece.program, context)});
    }
  }
}

Result<std::vector<AiMessage>> Prompt::render(const Batch& batch, size_t event) {
  std::vector<AiMessage> messages;
  for (const Message& message : messages_) {
    std::string text;
    for (const Piece& piece : message.pieces) {
      text += piece.text;
      if (piece.value == nullptr) continue;
      TRY_ASSIGN(const std::string value, text_value(*piece.value, batch, event));
      text += value;
    }
    if (!trimmed(text).empty()) messages.push_back({message.role, {AiText{std::move(text)}}});
  }
  if (messages.empty()) return fail(ErrorCode::kInvalidInput, "the prompt comes out empty for this event");
  return messages;
}

Result<std::string> json_value(computo::EventEvaluator& evaluator, const Batch& batch, size_t event) {
  std::vector<char> bytes;
  if (!evaluator.evaluate(batch, event) || !evaluator.evaluator().write(bytes, nullptr)) {
    return fail(evaluator.failure());
  }
  return std::string(bytes.begin(), bytes.end());
}

Result<std::string> text_value(computo::EventEvaluator& evaluator, const Batch& batch, size_t event) {
  std::vector<char> bytes;
  std::vector<TapeToken> tape;
  if (!evaluator.evaluate(batch, event) || !evaluator.evaluator().write(bytes, &tape)) {
    return fail(evaluator.failure());
  }
  const json::ValueView value(bytes.data(), tape.data(), 0);
  if (value.type() != TokenType::kString) return std::string(value.raw());
  std::string scratch;
  return std::string(value.string(scratch));
}

Result<std::vector<AiMessage>> messages_of(std::string_view json) {
  const auto document = json::parse(json, "messages");
  if (!document) return fail(ErrorCode::kInvalidInput, document.error().message);
  const json::ValueView list(document->text.data(), document->tape.data(), 0);
  if (list.type() != TokenType::kArray || list.count() == 0) {
    return fail(ErrorCode::kInvalidInput, "'messages' gives no list of messages");
  }
  std::vector<AiMessage> messages;
  for (uint64_t i = 0; i < list.count(); ++i) {
    TRY_ASSIGN(AiMessage message, message_of(*list.element(i), i));
    messages.push_back(std::move(message));
  }
  return messages;
}

}  // namespace colloquium::ai
