#include "tests/computo/sugar_checks.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "colloquium/batch.h"

#include "computo/convert.h"
#include "computo/format.h"
#include "computo/sugar.h"
#include "computo/sugar_tree.h"
#include "json/canonical.h"
#include "json/walk.h"

namespace colloquium::computo::testing {
namespace {

// Nothing if it is no JSON.
std::optional<std::string> canonical(std::string text) {
  const size_t size = text.size();
  text.append(kBatchPadding, '\0');
  std::vector<TapeToken> tape;
  json::WalkError error;
  if (!json::Walker({4 * kSugarDepth}).walk({text.data(), size}, tape, error)) return std::nullopt;
  std::string out;
  json::write_canonical({text.data(), tape.data(), 0}, out);
  return out;
}

std::string check_error(const ScriptError& error, std::string_view text) {
  const auto lines = static_cast<uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  if (error.problem.empty()) return "an error that says nothing";
  if (error.line == 0 || error.line > lines || error.column == 0) return "an error without a place in the text";
  return {};
}

size_t comment_count(std::string_view text) {
  std::vector<SugarComment> comments;
  SugarError error;
  parse_sugar(text, error, kSugarDepth, &comments);
  return comments.size();
}

std::string check_layout(std::string_view text, const std::string& json) {
  ScriptError error;
  const auto once = format_sugar(text, {}, error);
  if (!once) return "a script that cannot be laid out";
  const auto again = to_json(*once, {}, error);
  if (!again || *again != json) return "laid out it means something else:\n" + *once;
  if (comment_count(*once) != comment_count(text)) return "laid out it has other comments:\n" + *once;
  const auto twice = format_sugar(*once, {}, error);
  if (!twice || *twice != *once) return "laid out again it differs:\n" + *once + "\n---\n" + twice.value_or("");
  return {};
}

// What sugar gives may be too deep for JSON, and quoted calls can make what no sugar stands for.
std::string check_writing(const std::string& json) {
  ScriptError error;
  const auto written = to_sugar(json, {}, error);
  if (!written) {
    const bool known = error.category == Category::kUnrepresentable || error.category == Category::kLimit;
    return known ? "" : "a script that is no JSON: " + json;
  }
  const auto back = to_json(*written, {}, error);
  if (!back) return error.category == Category::kLimit ? "" : "it cannot be read again:\n" + *written;
  const auto again = to_sugar(*back, {}, error);
  // Wrappers make the JSON deeper than it was.
  if (!again && error.category == Category::kLimit) return {};
  if (!again || *again != *written) return "written again it differs:\n" + *written;
  return {};
}

}  // namespace

std::string check_sugar(std::string_view text) {
  ScriptError error;
  const auto script = read_sugar(text, {}, error);
  if (!script) return check_error(error, text);
  if (!canonical(script->json)) return "what it stands for is no JSON: " + script->json;
  const auto earlier = [](const TextPosition& a, const TextPosition& b) { return a.byte < b.byte; };
  if (!std::is_sorted(script->positions.begin(), script->positions.end(), earlier)) {
    return "its places are out of order";
  }
  const std::string layout = check_layout(text, script->json);
  if (!layout.empty()) return layout;
  const std::string writing = check_writing(script->json);
  return writing;
}

std::string check_json_script(std::string_view text) {
  ScriptError error;
  const auto once = format_json(text, {}, error);
  if (!once) return check_error(error, text);
  const auto meant = canonical(std::string(text));
  if (!meant || meant != canonical(*once)) return "laid out it means something else:\n" + *once;
  const auto twice = format_json(*once, {}, error);
  if (!twice || *twice != *once) return "laid out again it differs:\n" + *once;
  return check_writing(std::string(text));
}

}  // namespace colloquium::computo::testing
