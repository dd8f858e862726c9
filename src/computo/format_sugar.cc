// Laying out sugar: the tree becomes a Layout, and the comments find their places in it.
//
// Comments stay near what they were written at, but only where a second formatting finds them again. So those that
// stand before an item (an element, an operand, a binding, a body) or in its head, where no line can end, go above
// it; those that follow one on its line go to the end of its line; those before a closing bracket stay there.

#include <algorithm>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "computo/format.h"
#include "computo/format_layout.h"
#include "computo/sugar.h"
#include "computo/sugar_tree.h"

namespace colloquium::computo {

namespace {

// Operands before the last of a call that begins it on its own line take no more.
constexpr size_t kMostBeforeHug = 60;

class SugarFormat {
 public:
  SugarFormat(const SugarTree& tree, const std::vector<SugarComment>& comments)
      : tree_(tree), comments_(comments) {}
  std::string run();

 private:
  using Piece = Layout::Piece;
  using Pieces = std::vector<Piece>;

  const SugarNode& at(uint32_t i) const { return tree_.at(i); }
  Piece text(std::string_view text) { return layout_.text(text); }
  Piece source(uint32_t i) { return layout_.text(tree_.text_of(i)); }

  // Comments, in their order.
  bool comment_before(uint32_t byte) const;
  bool comment_between(uint32_t begin, uint32_t end) const;
  std::string_view comment_text(size_t i) const;
  bool blank_before(uint32_t byte) const;
  uint32_t head_end(uint32_t i) const;
  void above(uint32_t item, Pieces& out, bool keep_blanks = true);
  void behind(uint32_t item, uint32_t until, Pieces& out);
  void rest_before(uint32_t end, Pieces& out);

  Piece expression(uint32_t i);
  Piece pointer(const SugarNode& node);
  Piece minus(const SugarNode& node);
  Piece chain(const SugarNode& node);
  Piece if_else(uint32_t i);
  void branches(const SugarNode& node, Pieces& out);
  Piece branch(uint32_t i, bool last);
  Piece let(const SugarNode& node);
  Piece lambda(const SugarNode& node, bool hugged);
  Piece named(uint32_t name, std::string_view mark);
  Piece callee(uint32_t i);
  Piece call(const SugarNode& node);
  bool may_hug(const SugarNode& node) const;
  Piece item(uint32_t i);
  Piece brackets(std::string_view open, uint32_t first, std::string_view close, uint32_t end);

  const SugarTree& tree_;
  const std::vector<SugarComment>& comments_;
  size_t next_comment_ = 0;
  uint32_t brackets_ = 0;  // how many are open around what is laid out, functions included
  Layout layout_;
};

bool SugarFormat::comment_before(uint32_t byte) const {
  return next_comment_ < comments_.size() && comments_[next_comment_].begin < byte;
}

bool SugarFormat::comment_between(uint32_t begin, uint32_t end) const {
  const auto found = std::lower_bound(comments_.begin(), comments_.end(), begin,
                                      [](const SugarComment& c, uint32_t byte) { return c.begin < byte; });
  return found != comments_.end() && found->begin < end;
}

std::string_view SugarFormat::comment_text(size_t i) const {
  const std::string_view text = tree_.text.substr(comments_[i].begin, comments_[i].end - comments_[i].begin);
  return text.substr(0, text.find_last_not_of(" \t\r") + 1);
}

// Whether an empty line stands there.
bool SugarFormat::blank_before(uint32_t byte) const {
  int lines = 0;
  while (byte > 0 && std::string_view(" \t\r\n").find(tree_.text[byte - 1]) != std::string_view::npos) {
    if (tree_.text[--byte] == '\n') ++lines;
  }
  return lines > 1;
}

// Behind what stands of the expression before the first of its parts that looks after its own comments.
uint32_t SugarFormat::head_end(uint32_t i) const {
  while (true) {
    const SugarNode& node = at(i);
    switch (node.kind) {
      case SugarKind::kNot:
      case SugarKind::kMinus:
      case SugarKind::kChain:
      case SugarKind::kIf:
      case SugarKind::kPath:
        i = node.first;
        continue;
      case SugarKind::kEntry:
      case SugarKind::kBinding:
        i = at(node.first).next;
        continue;
      case SugarKind::kCall:
        return at(node.first).end;
      case SugarKind::kPointer:
        return node.end;
      case SugarKind::kLambda: {
        uint32_t end = node.begin + 1;
        for (uint32_t p = node.first; at(p).next != kNoSugarNode; p = at(p).next) end = at(p).end;
        return end;
      }
      default:
        return node.begin + 1;
    }
  }
}

// The comments above an item, each with its line's end.
void SugarFormat::above(uint32_t item, Pieces& out, bool keep_blanks) {
  const uint32_t end = head_end(item);
  while (comment_before(end)) {
    out.push_back(text(comment_text(next_comment_++)));
    const uint32_t next = comment_before(end) ? comments_[next_comment_].begin : at(item).begin;
    out.push_back(layout_.new_line(keep_blanks && blank_before(next)));
  }
}

// The comment that ends the item's line, before byte `until`.
void SugarFormat::behind(uint32_t item, uint32_t until, Pieces& out) {
  const uint32_t end = at(item).end;
  while (comment_before(until)) {
    const uint32_t begin = comments_[next_comment_].begin;
    if (begin > end && tree_.text.substr(end, begin - end).find('\n') != std::string_view::npos) return;
    out.push_back(layout_.comment(comment_text(next_comment_++)));
  }
}

// The comments before a closing bracket or the end, on lines of their own.
void SugarFormat::rest_before(uint32_t end, Pieces& out) {
  while (comment_before(end)) {
    const bool blank = !out.empty() && blank_before(comments_[next_comment_].begin);
    out.push_back(layout_.new_line(blank));
    out.push_back(text(comment_text(next_comment_++)));
  }
}

std::string SugarFormat::run() {
  Pieces out;
  above(tree_.root, out);
  out.push_back(expression(tree_.root));
  const auto end = static_cast<uint32_t>(tree_.text.size());
  behind(tree_.root, end, out);
  rest_before(end, out);
  ASSERT(next_comment_ == comments_.size());
  return layout_.print(layout_.join(out), kFormatColumns);
}

Layout::Piece SugarFormat::expression(uint32_t i) {
  const SugarNode& node = at(i);
  switch (node.kind) {
    case SugarKind::kPointer:
      return pointer(node);
    case SugarKind::kPath: {
      const uint32_t end = at(node.first).end;
      return layout_.join({expression(node.first), text(tree_.text.substr(end, node.end - end))});
    }
    case SugarKind::kCall:
      return call(node);
    case SugarKind::kList:
      return brackets("[", node.first, "]", node.end);
    case SugarKind::kObject:
      return brackets("{", node.first, "}", node.end);
    case SugarKind::kGroup:
      return brackets("(", node.first, ")", node.end);
    case SugarKind::kLambda:
      return lambda(node, false);
    case SugarKind::kLet:
      return let(node);
    case SugarKind::kIf:
      return if_else(i);
    case SugarKind::kMinus:
      return minus(node);
    case SugarKind::kNot:
      return layout_.join({text("not "), expression(node.first)});
    case SugarKind::kChain:
      return chain(node);
    default:
      return source(i);
  }
}

Layout::Piece SugarFormat::pointer(const SugarNode& node) {
  Pieces out = {text(spelling(node.op)), text("(")};
  if (node.first != kNoSugarNode) out.push_back(source(node.first));
  out.push_back(text(")"));
  return layout_.join(out);
}

// Two of them without a space would be a comment.
Layout::Piece SugarFormat::minus(const SugarNode& node) {
  uint32_t left = node.first;
  while (at(left).kind == SugarKind::kChain) left = at(left).first;
  return layout_.join({text(at(left).kind == SugarKind::kMinus ? "- " : "-"), expression(node.first)});
}

Layout::Piece SugarFormat::chain(const SugarNode& node) {
  Pieces out = {expression(node.first)};
  Pieces rest;
  uint32_t before = node.first;
  for (uint32_t i = at(before).next; i != kNoSugarNode; before = i, i = at(i).next) {
    behind(before, at(i).begin, rest);
    rest.push_back(layout_.space());
    // The operator will stand between comment and operand, where no empty line can.
    above(i, rest, false);
    rest.push_back(text(spelling(node.op)));
    rest.push_back(text(" "));
    rest.push_back(expression(i));
  }
  ASSERT(!rest.empty());
  out.push_back(layout_.indent(layout_.join(rest)));
  return layout_.group(layout_.join(out));
}

Layout::Piece SugarFormat::branch(uint32_t i, bool last) {
  Pieces out = {layout_.space()};
  above(i, out);
  out.push_back(expression(i));
  if (!last) behind(i, at(at(i).next).begin, out);
  return layout_.indent(layout_.join(out));
}

// One group for a whole `else if` ladder: its rungs break together.
void SugarFormat::branches(const SugarNode& node, Pieces& out) {
  const uint32_t condition = node.first;
  const uint32_t then = at(condition).next;
  const uint32_t otherwise = at(then).next;
  ASSERT(node.kind == SugarKind::kIf);
  out.push_back(text("if "));
  out.push_back(layout_.indent(expression(condition)));
  out.push_back(text(" then"));
  behind(condition, at(then).begin, out);
  out.push_back(branch(then, false));
  out.push_back(layout_.space());
  out.push_back(text("else"));
  if (at(otherwise).kind == SugarKind::kIf && !comment_before(head_end(otherwise))) {
    out.push_back(text(" "));
    return branches(at(otherwise), out);
  }
  out.push_back(branch(otherwise, true));
}

Layout::Piece SugarFormat::if_else(uint32_t i) {
  Pieces out;
  branches(at(i), out);
  return layout_.group(layout_.join(out));
}

// A binding or an entry: what is broken anyway begins on a line of its own.
Layout::Piece SugarFormat::named(uint32_t name, std::string_view mark) {
  const uint32_t value = at(name).next;
  const SugarKind kind = at(value).kind;
  const bool apart = kind == SugarKind::kLet || kind == SugarKind::kIf;
  Pieces out = {source(name), text(mark)};
  if (!apart) {
    out.push_back(text(" "));
    out.push_back(expression(value));
    return layout_.join(out);
  }
  out.push_back(layout_.indent(layout_.join({layout_.space(), expression(value)})));
  return layout_.group(layout_.join(out));
}

Layout::Piece SugarFormat::let(const SugarNode& node) {
  Pieces inner;
  uint32_t i = node.first;
  for (; at(i).kind == SugarKind::kBinding; i = at(i).next) {
    const uint32_t begin = comment_before(at(i).begin) ? comments_[next_comment_].begin : at(i).begin;
    inner.push_back(i != node.first && blank_before(begin) ? layout_.blank_space() : layout_.space());
    above(i, inner);
    inner.push_back(named(at(i).first, " ="));
    behind(i, at(at(i).next).begin, inner);
  }
  const bool short_form = brackets_ > 0 && (i == node.first || at(node.first).next == i);
  Pieces out = {text("let"), layout_.indent(layout_.join(inner)), layout_.space(), text("in"), branch(i, true)};
  const Piece all = layout_.join(out);
  return short_form ? layout_.group(all) : layout_.broken_group(all);
}

// `hugged`: the last operand of a call whose bracket closes below a body that stands on its own lines.
Layout::Piece SugarFormat::lambda(const SugarNode& node, bool hugged) {
  Pieces out = {text("(")};
  uint32_t i = node.first;
  for (; at(i).next != kNoSugarNode; i = at(i).next) {
    if (i != node.first) out.push_back(text(", "));
    out.push_back(source(i));
  }
  out.push_back(text(") =>"));
  ++brackets_;
  const SugarKind kind = at(i).kind;
  const bool beside = kind == SugarKind::kList || kind == SugarKind::kObject || kind == SugarKind::kCall ||
                      kind == SugarKind::kGroup || kind == SugarKind::kLambda;
  if (beside && !comment_before(head_end(i))) {
    out.push_back(text(" "));
    out.push_back(kind == SugarKind::kLambda ? lambda(at(i), hugged) : expression(i));
  } else {
    out.push_back(branch(i, true));
    if (hugged) out.push_back(layout_.gap());
  }
  --brackets_;
  return layout_.group(layout_.join(out));
}

Layout::Piece SugarFormat::callee(uint32_t i) {
  if (at(i).kind != SugarKind::kDotted) return source(i);
  Pieces out;
  for (uint32_t part = at(i).first; part != kNoSugarNode; part = at(part).next) {
    if (!out.empty()) out.push_back(text("."));
    out.push_back(source(part));
  }
  ASSERT(out.size() > 2);
  return layout_.join(out);
}

// Whether the last operand may begin on the line of its call: it has brackets of its own, and what stands before
// it is short and simple.
bool SugarFormat::may_hug(const SugarNode& node) const {
  size_t width = 0;
  uint32_t last = at(node.first).next;
  if (last == kNoSugarNode) return false;
  const bool alone = at(last).next == kNoSugarNode;
  for (; at(last).next != kNoSugarNode; last = at(last).next) {
    const SugarKind kind = at(last).kind;
    const bool simple = kind == SugarKind::kNumber || kind == SugarKind::kString || kind == SugarKind::kWord ||
                        kind == SugarKind::kAccess;
    width += character_count(tree_.text_of(last)) + 2;
    if (!simple || width > kMostBeforeHug) return false;
  }
  const SugarKind kind = at(last).kind;
  const bool bracketed = kind == SugarKind::kLambda || kind == SugarKind::kList || kind == SugarKind::kObject ||
                         (alone && kind == SugarKind::kCall);
  return bracketed && !comment_between(at(node.first).end, head_end(last)) &&
         !comment_between(at(last).end, node.end);
}

Layout::Piece SugarFormat::call(const SugarNode& node) {
  const Piece name = callee(node.first);
  const uint32_t first = at(node.first).next;
  if (!may_hug(node)) return layout_.join({name, brackets("(", first, ")", node.end)});
  Pieces out = {name, text("(")};
  ++brackets_;
  for (uint32_t i = first; i != kNoSugarNode; i = at(i).next) {
    if (i != first) out.push_back(text(", "));
    const bool hugged = at(i).kind == SugarKind::kLambda;
    out.push_back(hugged ? lambda(at(i), true) : expression(i));
  }
  --brackets_;
  out.push_back(text(")"));
  return layout_.join(out);
}

Layout::Piece SugarFormat::item(uint32_t i) {
  return at(i).kind == SugarKind::kEntry ? named(at(i).first, ":") : expression(i);
}

// What stands between brackets that end at byte `end`.
Layout::Piece SugarFormat::brackets(std::string_view open, uint32_t first, std::string_view close, uint32_t end) {
  Pieces inner;
  ++brackets_;
  for (uint32_t i = first; i != kNoSugarNode; i = at(i).next) {
    if (i == first) {
      inner.push_back(layout_.gap());
    } else {
      const uint32_t begin = comment_before(at(i).begin) ? comments_[next_comment_].begin : at(i).begin;
      inner.push_back(blank_before(begin) ? layout_.blank_space() : layout_.space());
    }
    above(i, inner);
    inner.push_back(item(i));
    const uint32_t next = at(i).next;
    if (next != kNoSugarNode) inner.push_back(text(","));
    behind(i, next == kNoSugarNode ? end : at(next).begin, inner);
  }
  rest_before(end, inner);
  --brackets_;
  if (inner.empty()) return layout_.join({text(open), text(close)});
  return layout_.group(
      layout_.join({text(open), layout_.indent(layout_.join(inner)), layout_.gap(), text(close)}));
}

}  // namespace

std::optional<std::string> format_sugar(std::string_view text, const CompileOptions& options, ScriptError& error) {
  if (text.size() >= UINT32_MAX / 8) {
    error = {};
    error.category = Category::kLimit;
    error.problem = "the script is too long";
    return std::nullopt;
  }
  SugarError wrong;
  std::vector<SugarComment> comments;
  const auto tree = parse_sugar(text, wrong, kSugarDepth, &comments);
  if (tree) return SugarFormat(*tree, comments).run();
  ASSERT(!wrong.problem.empty());
  error = script_error(wrong, text, options);
  return std::nullopt;
}

}  // namespace colloquium::computo
