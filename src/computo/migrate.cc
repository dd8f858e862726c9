#include "computo/migrate.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "computo/migrate_script.h"
#include "computo/sugar.h"
#include "computo/sugar_tree.h"
#include "json/walk.h"

namespace colloquium::computo {

namespace {

// Puts blanks in the place of comments, so that every place stays; gives where the first of them begins.
std::optional<size_t> blank_comments(std::string& text) {
  std::optional<size_t> first;
  bool quoted = false;
  for (size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '"') quoted = !quoted;
    if (quoted && text[i] == '\\') ++i;
    if (quoted || text[i] != '/') continue;
    const bool line = text[i + 1] == '/';
    if (!line && text[i + 1] != '*') continue;
    const size_t end = line ? text.find('\n', i) : text.find("*/", i + 2);
    if (end == std::string::npos && !line) return first;  // no end: the walk tells
    const size_t until = end == std::string::npos ? text.size() : end + (line ? 0 : 2);
    if (!first) first = i;
    for (size_t k = i; k < until; ++k) {
      if (text[k] != '\n') text[k] = ' ';
    }
    i = until - 1;
  }
  return first;
}

// What sugar itself means otherwise.
class SugarReview {
 public:
  SugarReview(const SugarTree& tree, const CompileOptions& options, std::vector<MigrationNote>& notes)
      : tree_(tree), options_(options), notes_(notes) {}

  void look(uint32_t i, bool in_data) {
    const SugarNode& node = tree_.at(i);
    const bool literal = node.kind == SugarKind::kList || node.kind == SugarKind::kObject;
    if (literal && !node.constant && !in_data) {
      note(i, "D-SUGAR-LIVE", "what stands in it is evaluated here; there it was data");
    }
    if (node.kind == SugarKind::kMinus && in_data) {
      note(i, "D-SUGAR-NEGLIT", "this is a negative number here; there it was the list [\"-\", …]");
    }
    if (node.kind == SugarKind::kChain) chain(i);
    if (node.kind == SugarKind::kNot || node.kind == SugarKind::kMinus) group(node.first, kSugarPrimaryLevel);
    for (uint32_t child = node.first; child != kNoSugarNode; child = tree_.at(child).next) {
      look(child, in_data || (literal && node.constant));
    }
  }

 private:
  void note(uint32_t i, std::string code, std::string text) {
    const TextPosition at = SugarPlaces(tree_.text, options_).at(tree_.at(i).begin);
    notes_.push_back({at.line, at.column, false, std::move(code), std::move(text)});
  }

  void chain(uint32_t i) {
    const SugarNode& node = tree_.at(i);
    const SugarNode& first = tree_.at(node.first);
    if (node.op == SugarToken::kMinus && first.kind == SugarKind::kMinus) {
      note(i, "D-SUGAR-PREC", "the minus belongs to the first operand alone; there it was lost: -5 - 3 was 2");
    }
    for (uint32_t child = node.first; child != kNoSugarNode; child = tree_.at(child).next) {
      const SugarNode& operand = tree_.at(child);
      if (operand.kind != SugarKind::kGroup) continue;
      const SugarNode& inner = tree_.at(operand.first);
      const bool associative = node.op == SugarToken::kPlus || node.op == SugarToken::kTimes ||
                               node.op == SugarToken::kAnd || node.op == SugarToken::kOr;
      if (inner.kind == SugarKind::kChain && inner.op == node.op && !associative) {
        note(child, "D-SUGAR-FLATTEN", "the parentheses count here; there the operators became one chain");
      }
      if (child != node.first) group(child, sugar_level(node.op));
    }
  }

  // There, what follows a closing parenthesis was taken into the operand, however loosely it binds.
  void group(uint32_t i, int level) {
    const SugarNode& node = tree_.at(i);
    if (node.kind != SugarKind::kGroup) return;
    SugarLexer lexer(tree_.text.substr(node.end));
    SugarLexeme next;
    SugarError error;
    if (!lexer.next(next, error)) return;
    const int following = sugar_level(next.kind);
    if (following == 0 || following > level) return;
    note(i, "D-SUGAR-PREC",
         "what follows the parentheses is no part of this operand; there it was: 2 * (3) + 4 was 14");
  }

  const SugarTree& tree_;
  const CompileOptions& options_;
  std::vector<MigrationNote>& notes_;
};

void sort_notes(std::vector<MigrationNote>& notes) {
  std::stable_sort(notes.begin(), notes.end(), [](const MigrationNote& a, const MigrationNote& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
}

}  // namespace

std::optional<Migration> migrate_json(std::string_view text, const CompileOptions& options, ScriptError& error) {
  std::string plain(text);
  const std::optional<size_t> comment = blank_comments(plain);
  Program program;
  CompileFailure failure;
  if (!read_text(plain, options, json::WalkLimits().depth, program, failure)) {
    ASSERT(failure.errors.size() == 1);
    error = std::move(failure.errors.front());
    return std::nullopt;
  }
  MigrateScript script(program, true);
  script.run();
  Migration out{script.edited(), script.take_notes()};
  if (!comment) return out;
  const TextPosition at = SugarPlaces(text, options).at(static_cast<uint32_t>(*comment));
  out.notes.push_back({at.line, at.column, true, "D-JSON-STRICT", "JSON has no comments: they are left out"});
  sort_notes(out.notes);
  return out;
}

std::optional<Migration> migrate_sugar(std::string_view text, const CompileOptions& options, ScriptError& error) {
  auto script = read_sugar(text, options, error);
  if (!script) return std::nullopt;
  CompileOptions translated = options;
  translated.positions = std::move(script->positions);
  Program program;
  CompileFailure failure;
  if (!read_text(script->json, translated, 4 * kSugarDepth, program, failure)) {
    ASSERT(failure.errors.size() == 1);
    error = std::move(failure.errors.front());
    return std::nullopt;
  }
  MigrateScript review(program, false);
  review.run();
  Migration out{std::string(text), review.take_notes()};
  SugarError wrong;
  const auto tree = parse_sugar(text, wrong);
  ASSERT(tree.has_value());
  SugarReview(*tree, options, out.notes).look(tree->root, false);
  sort_notes(out.notes);
  return out;
}

}  // namespace colloquium::computo
