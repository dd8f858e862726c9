#include "formats/text_template.h"

#include <algorithm>
#include <utility>

namespace colloquium::formats {

size_t end_of_field(std::string_view text) {
  int depth = 0;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == '\\') ++i;
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && depth-- == 0) {
      return i + 1;
    }
  }
  return 0;
}

namespace {

ConfigNode expression_of(std::string_view sugar, const ConfigMark& mark) {
  ConfigNode node;
  node.kind = ConfigNode::Kind::kString;
  node.text = "= " + std::string(sugar);
  node.quoted = true;
  node.mark = mark;
  return node;
}

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text, std::string_view what, const ConfigMark& mark) {
  TextTemplate parsed;
  const auto add_literal = [&](std::string_view literal) {
    if (parsed.pieces_.empty() || parsed.pieces_.back().is_field()) parsed.pieces_.emplace_back();
    parsed.pieces_.back().literal += literal;
  };
  while (!text.empty()) {
    const size_t plain = std::min(text.find_first_of("{}"), text.size());
    if (plain > 0) add_literal(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    if (text.starts_with("{{") || text.starts_with("}}")) {
      add_literal(text.substr(0, 1));
      text.remove_prefix(2);
      continue;
    }
    const size_t end = text[0] == '{' ? end_of_field(text.substr(1)) : 0;
    if (end < 2) {
      return fail(ErrorCode::kInvalidInput, std::string(what) + " has a '" + text[0] +
                                                "' that belongs to no field such as {$input/id}; write {{ and }} "
                                                "for the characters themselves");
    }
    parsed.pieces_.push_back({{}, expression_of(text.substr(1, end - 1), mark)});
    text.remove_prefix(end + 1);
  }
  return parsed;
}

bool TextTemplate::is_constant() const {
  return std::none_of(pieces_.begin(), pieces_.end(), [](const Piece& piece) { return piece.is_field(); });
}

void TextTemplate::check(const ScriptNames& names, ConfigProblems& problems) const {
  for (const Piece& piece : pieces_) EventText::check(piece.expression, names, problems);
}

Result<std::unique_ptr<TextTemplate::Renderer>> TextTemplate::Renderer::create(
    const TextTemplate& text, const EventText::Variables& variables, Escape escape) {
  auto renderer = std::make_unique<Renderer>();
  renderer->escape_ = std::move(escape);
  renderer->is_constant_ = text.is_constant();
  for (const Piece& piece : text.pieces_) {
    Part part;
    part.literal = piece.literal;
    if (piece.is_field()) {
      TRY_ASSIGN(part.field, EventText::create(piece.expression, variables));
    } else if (renderer->is_constant_) {
      renderer->text_ += piece.literal;
    }
    renderer->parts_.push_back(std::move(part));
  }
  return renderer;
}

Result<std::string_view> TextTemplate::Renderer::render(const Batch& batch, size_t i) {
  if (is_constant_) return text_;
  text_.clear();
  size_t field = 0;
  for (const Part& part : parts_) {
    if (part.field == nullptr) {
      text_ += part.literal;
      continue;
    }
    TRY_ASSIGN(const std::string_view value, part.field->evaluate(batch, i));
    if (!escape_) {
      text_ += value;
    } else {
      TRY(escape_(value, field, text_));
    }
    ++field;
  }
  return text_;
}

}  // namespace colloquium::formats
