#include "app/repl.h"

#include <algorithm>
#include <ostream>
#include <utility>

#include "app/line_input.h"
#include "base/names.h"
#include "computo/error_text.h"
#include "computo/program.h"
#include "computo/sugar_lexer.h"
#include "io/byte_stream.h"

namespace colloquium::app {
namespace {

constexpr int kMostFiles = 16;  // that load each other

bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name_part(char c) {
  return is_name_start(c) || (c >= '0' && c <= '9');
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// The name in `name = expression`, with the expression left in `text`; empty if it is an expression alone.
std::string_view take_name(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && is_name_part(text[end])) ++end;
  const size_t equals = text.find_first_not_of(" \t", end);
  if (end == 0 || !is_name_start(text[0]) || equals == std::string_view::npos || text[equals] != '=') return {};
  if (equals + 1 < text.size() && (text[equals + 1] == '=' || text[equals + 1] == '>')) return {};
  const std::string_view name = text.substr(0, end);
  text = trimmed(text.substr(equals + 1));
  return name;
}

// Behind a string that begins at `at`.
size_t behind_string(std::string_view text, size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at;
}

}  // namespace

int open_brackets(std::string_view text) {
  int open = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      i = behind_string(text, i);
    } else if (c == '-' && text.substr(i).starts_with("--")) {
      i = std::min(text.find('\n', i), text.size());
    } else if (c == '(' || c == '[' || c == '{') {
      ++open;
    } else if (c == ')' || c == ']' || c == '}') {
      --open;
    }
  }
  return open;
}

const Repl::Command Repl::kCommands[] = {
    {":doc", "OPERATOR", "what an operator does", &Repl::doc},
    {":help", "", "print this", &Repl::help},
    {":input", "FILE|JSON", "make a value $input", &Repl::input},
    {":load", "FILE", "take the lines of a file as if they were typed", &Repl::load},
    {":quit", "", "leave", &Repl::quit},
    {":type", "EXPRESSION", "the type of its value", &Repl::type},
    {":vars", "", "list the names that have a value", &Repl::vars},
};

Repl::State Repl::take(const std::string& line) {
  pending_ += (pending_.empty() ? "" : "\n") + line;
  if (open_brackets(pending_) > 0 && !trimmed(pending_).starts_with(':')) return State::kMore;
  run(std::exchange(pending_, {}));
  return over_ ? State::kOver : State::kReady;
}

void Repl::finish() {
  if (!pending_.empty()) run(std::exchange(pending_, {}));
}

void Repl::run(const std::string& text) {
  std::string_view expression = trimmed(text);
  if (expression.empty()) return;
  if (expression.front() == ':') return command(expression);
  const std::string_view name = take_name(expression);
  if (!name.empty() && !computo::is_free_name(name)) {
    return complain("'" + std::string(name) + "' is a word of the language and cannot be a name");
  }
  const BoundResult result = evaluate(text, expression);
  if (result.json.empty()) return;
  if (name.empty()) {
    out_ << result.json << "\n";
    return;
  }
  std::erase_if(names_, [&](const BoundName& known) { return known.name == name; });
  names_.push_back({std::string(name), result.json, result.is_function});
}

// The error has been told if there is no result.
BoundResult Repl::evaluate(std::string_view typed, std::string_view expression) {
  const std::string text = only_part(typed, expression);
  BoundResult result = evaluate_bound(text, names_, inputs_.views(), script_options(kTyped, "array"));
  if (!result.json.empty()) return result;
  failed_ = true;
  SourceLines lines;
  lines.add({std::string(typed), kTyped});
  err_ << computo::error_text(result.error, kTyped, lines.reader());
  return result;
}

void Repl::complain(const std::string& message) {
  err_ << message << "\n";
  failed_ = true;
}

void Repl::command(std::string_view text) {
  const std::string_view word = text.substr(0, text.find_first_of(" \t"));
  const std::string rest(trimmed(text.substr(word.size())));
  std::vector<std::string_view> known;
  for (const Command& each : kCommands) {
    if (word == each.name) return (this->*each.act)(rest);
    known.emplace_back(each.name);
  }
  const std::string nearest = closest_name(word, known);
  complain("there is no command '" + std::string(word) + "'" +
           (nearest.empty() ? "; ':help' lists them" : "; did you mean '" + nearest + "'?"));
}

void Repl::help(const std::string& /*rest*/) {
  out_ << "An expression, in sugar or JSON, is evaluated; `name = expression` keeps its value for later lines.\n"
          "While brackets are open, the next line goes on.\n\n";
  for (const Command& each : kCommands) {
    std::string usage = std::string(each.name) + " " + each.operand;
    usage.resize(std::max<size_t>(usage.size(), 18), ' ');
    out_ << usage << each.help << "\n";
  }
}

void Repl::load(const std::string& rest) {
  const auto text = io::read_stream(rest, kScriptLimitBytes);
  if (!text) return complain(text.error().describe());
  if (loading_ == kMostFiles) return complain("files load each other without end");
  ++loading_;
  LineInput lines([at = size_t{0}, &text](std::span<char> into) mutable -> Result<size_t> {
    const size_t size = text->copy(into.data(), into.size(), at);
    at += size;
    return size;
  });
  while (const auto line = lines.next()) {
    if (take(*line) == State::kOver) break;
  }
  finish();
  --loading_;
}

void Repl::input(const std::string& rest) {
  auto document = read_input(rest);
  if (!document) return complain(document.error().describe());
  inputs_.clear();
  inputs_.add(std::move(*document));
}

void Repl::type(const std::string& rest) {
  const std::string typed = ":type " + rest;
  const BoundResult result = evaluate(typed, std::string_view(typed).substr(typed.size() - rest.size()));
  if (!result.json.empty()) out_ << result.type << "\n";
}

void Repl::doc(const std::string& rest) {
  std::vector<std::string_view> known;
  for (const computo::OperatorInfo& info : computo::operators()) {
    known.push_back(info.name);
    if (info.name != rest) continue;
    out_ << info.name << ", " << info.min_arguments;
    if (info.max_arguments < 0) out_ << " or more";
    if (info.max_arguments > info.min_arguments) out_ << " to " << info.max_arguments;
    out_ << (info.min_arguments == 1 && info.max_arguments == 1 ? " argument\n" : " arguments\n") << info.summary
         << "\n  " << info.example << "\n  " << info.result << "\n";
    return;
  }
  const std::string nearest = closest_name(rest, known);
  complain("there is no operator '" + rest + "'" + (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

void Repl::vars(const std::string& /*rest*/) {
  for (const BoundName& name : names_) out_ << name.name << " = " << name.json << "\n";
}

void Repl::quit(const std::string& /*rest*/) {
  over_ = true;
}

std::vector<std::string> Repl::completions(std::string_view text) const {
  size_t begin = text.size();
  while (begin > 0 && (is_name_part(text[begin - 1]) || text[begin - 1] == '$')) --begin;
  if (begin == 1 && text[0] == ':') begin = 0;
  const std::string_view word = text.substr(begin);
  std::vector<std::string> found;
  const auto offer = [&](std::string_view name) {
    if (name.starts_with(word) && name != word) found.emplace_back(name);
  };
  for (const Command& each : kCommands) offer(each.name);
  if (!word.starts_with(':')) {
    for (const computo::OperatorInfo& info : computo::operators()) offer(info.name);
    for (const BoundName& name : names_) offer(name.name);
  }
  if (!word.starts_with(':')) std::erase_if(found, [](const std::string& name) { return name.front() == ':'; });
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

}  // namespace colloquium::app
