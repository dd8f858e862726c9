// Laying out JSON scripts, and finding out which notation a text is in.

#include <vector>

#include "base/assert.h"
#include "computo/code.h"
#include "computo/format.h"
#include "computo/format_layout.h"
#include "computo/notation.h"
#include "json/walk.h"

namespace colloquium::computo {

namespace {

// The recursion is as deep as the text, which the walk has bounded.
class JsonFormat {
 public:
  std::string run(const json::ValueView& root) { return layout_.print(value(root), kFormatColumns); }

 private:
  using Piece = Layout::Piece;

  Piece value(const json::ValueView& view);
  Piece array(const json::ValueView& view);
  Piece object(const json::ValueView& view);
  Piece brackets(std::string_view open, std::vector<Piece> inner, std::string_view close);

  Layout layout_;
};

Layout::Piece JsonFormat::value(const json::ValueView& view) {
  const TokenType type = view.type();
  if (type != TokenType::kArray && type != TokenType::kObject) return layout_.text(view.raw());
  if (view.first_child().at_end_of(view)) return layout_.text(type == TokenType::kArray ? "[]" : "{}");
  return type == TokenType::kArray ? array(view) : object(view);
}

Layout::Piece JsonFormat::brackets(std::string_view open, std::vector<Piece> inner, std::string_view close) {
  ASSERT(!inner.empty());
  const Piece body = layout_.indent(layout_.join(inner));
  return layout_.group(layout_.join({layout_.text(open), body, layout_.gap(), layout_.text(close)}));
}

// The name of an operator stays with its bracket.
Layout::Piece JsonFormat::array(const json::ValueView& view) {
  std::vector<Piece> inner;
  json::ValueView item = view.first_child();
  const bool call = item.type() == TokenType::kString;
  if (call) {
    inner.push_back(value(item));
    item = item.next();
  }
  for (bool first = !call; !item.at_end_of(view); item = item.next(), first = false) {
    if (!first) inner.push_back(layout_.text(","));
    inner.push_back(first ? layout_.gap() : layout_.space());
    inner.push_back(value(item));
  }
  if (inner.size() == 1) return layout_.join({layout_.text("["), inner[0], layout_.text("]")});
  return brackets("[", std::move(inner), "]");
}

Layout::Piece JsonFormat::object(const json::ValueView& view) {
  std::vector<Piece> inner;
  bool first = true;
  for (json::ValueView key = view.first_child(); !key.at_end_of(view); key = key.next().next()) {
    ASSERT(key.type() == TokenType::kKey);
    if (!first) inner.push_back(layout_.text(","));
    inner.push_back(first ? layout_.gap() : layout_.space());
    inner.push_back(layout_.text(key.raw()));
    inner.push_back(layout_.text(": "));
    inner.push_back(value(key.next()));
    first = false;
  }
  return brackets("{", std::move(inner), "}");
}

}  // namespace

std::optional<std::string> format_json(std::string_view text, const CompileOptions& options, ScriptError& error) {
  Program program;
  CompileFailure failure;
  if (!read_text(text, options, json::WalkLimits().depth, program, failure)) {
    ASSERT(failure.errors.size() == 1);
    error = std::move(failure.errors.front());
    return std::nullopt;
  }
  return JsonFormat().run(program.expression(0));
}

std::optional<std::string> format_source(std::string_view text, const CompileOptions& options,
                                         ScriptError& error) {
  const ScriptText script = script_text(options.origin, text);
  if (script.notation == Notation::kJson) return format_json(script.text, options, error);
  auto formatted = format_sugar(script.text, options, error);
  // A mark that the author needed to have it read as sugar stays.
  if (formatted && script.marked) formatted->insert(0, "= ");
  return formatted;
}

}  // namespace colloquium::computo
