#include "computo/error_text.h"

#include <algorithm>
#include <vector>

#include "base/assert.h"

namespace colloquium::computo {

namespace {

constexpr std::string_view kIndent = "    ";
constexpr size_t kMostCharacters = 100;
constexpr size_t kBefore = 60;  // of them before the place, in a line that is longer

// Characters of a line, each as it is printed: nothing may move the cursor, so that the mark stands right.
std::vector<std::string> characters(std::string_view line) {
  std::vector<std::string> out;
  for (const char c : line) {
    if ((c & 0xC0) == 0x80 && !out.empty()) {
      out.back() += c;
    } else {
      const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
      out.emplace_back(1, control ? ' ' : c);
    }
  }
  return out;
}

std::string detail(std::string_view name, std::string_view text) {
  return std::string(kIndent) + std::string(name) + ": " + std::string(text) + "\n";
}

}  // namespace

std::string source_excerpt(std::string_view line, uint32_t column) {
  const std::vector<std::string> all = characters(line);
  if (column == 0 || column > all.size() + 1) return {};
  const size_t at = column - 1;
  size_t begin = 0;
  size_t end = all.size();
  if (all.size() > kMostCharacters) {
    begin = at > kBefore ? at - kBefore : 0;
    end = std::min(all.size(), begin + kMostCharacters);
  }
  // White space at the line's beginning says nothing once the line stands alone.
  while (begin < at && all[begin] == " ") ++begin;
  ASSERT(begin <= at && at <= end);
  const bool cut = begin > 0 && all[begin - 1] != " ";
  std::string text(kIndent);
  if (cut) text += "…";
  for (size_t i = begin; i < end; ++i) text += all[i];
  if (end < all.size()) text += "…";
  text += "\n" + std::string(kIndent.size() + (cut ? 1 : 0) + (at - begin), ' ');
  return text + "^\n";
}

std::string error_text(const ScriptError& error, std::string_view script, const SourceLine& source,
                       std::string_view note) {
  ASSERT(!error.problem.empty());
  const std::string_view file = error.origin.empty() ? script : std::string_view(error.origin);
  std::string text(file);
  if (error.line > 0) text += ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
  text += ": error[" + std::string(to_string(error.category)) + "]: ";
  if (!error.path.empty()) text += "at " + error.path + ": ";
  text += error.problem + std::string(note) + "\n";
  if (source != nullptr && error.line > 0) {
    if (const auto line = source(file, error.line)) text += source_excerpt(*line, error.column);
  }
  if (!error.arguments.empty()) {
    text +=
        detail(error.first_argument == 0 ? "arguments" : "argument " + std::to_string(error.first_argument + 1),
               error.argument_list());
  }
  if (!error.hint.empty()) text += detail("help", "did you mean '" + error.hint + "'?");
  if (!error.advice.empty()) text += detail("help", error.advice);
  return text;
}

}  // namespace colloquium::computo
