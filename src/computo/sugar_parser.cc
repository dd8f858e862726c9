#include "computo/sugar_parser.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "json/utf8.h"

namespace colloquium::computo {

namespace {

bool is_reserved(SugarToken token) {
  return token >= SugarToken::kLet && token <= SugarToken::kNull;
}

// What more can be said of a token that stands where it cannot.
std::string_view advice(SugarToken found, bool name_wanted) {
  if (found == SugarToken::kSegment) {
    return "; only a variable has a path, and to divide '/' needs white space on both sides";
  }
  if (found == SugarToken::kDot || found == SugarToken::kLeftBracket) {
    return "; a path is written with '/' and no white space: $input/a/0";
  }
  if (found == SugarToken::kArrow) return "; the parameters of a function stand in parentheses: (x) => x";
  if (name_wanted && is_reserved(found)) return ", which is a reserved word";
  return {};
}

}  // namespace

SugarParser::SugarParser(std::string_view text, uint32_t depth, std::vector<SugarComment>* comments)
    : text_(text), lexer_(text, comments), most_levels_(depth) {
  ASSERT(depth > 0);
}

bool SugarParser::run(SugarTree& out) {
  if (!advance()) return false;
  const Node root = expression();
  if (root == kNoSugarNode) return false;
  ASSERT(level_ == 0);
  if (!is(SugarToken::kEnd)) {
    expected("an operator or the end of the script");
    return false;
  }
  out = {text_, std::move(nodes_), root};
  return true;
}

bool SugarParser::advance() {
  last_end_ = token_.end;
  return lexer_.next(token_, error_);
}

SugarParser::Node SugarParser::fail(std::string problem, std::string hint) {
  ASSERT(!problem.empty());
  error_ = {Category::kSyntax, token_.begin, std::move(problem), std::move(hint)};
  return kNoSugarNode;
}

SugarParser::Node SugarParser::expected(std::string_view what) {
  const bool name_wanted = what.find("name") != std::string_view::npos;
  std::string problem = "expected " + std::string(what) + ", found " + describe(token_, text_);
  problem += advice(token_.kind, name_wanted);
  return fail(std::move(problem), is(SugarToken::kAssign) ? "==" : "");
}

bool SugarParser::take(SugarToken kind, std::string_view what) {
  if (is(kind)) return advance();
  expected(what);
  return false;
}

bool SugarParser::take_of(const SugarLexeme& open, SugarToken kind, std::string_view what) {
  if (is(kind)) return advance();
  expected(what);
  error_.opened = open.begin;
  return false;
}

bool SugarParser::enter() {
  if (level_ == most_levels_) {
    too_deep();
    return false;
  }
  ++level_;
  return true;
}

SugarParser::Node SugarParser::too_deep() {
  fail("the script nests deeper than " + std::to_string(most_levels_) + " levels");
  error_.category = Category::kLimit;
  return kNoSugarNode;
}

SugarParser::Node SugarParser::leaf(SugarKind kind, SugarToken op) {
  SugarNode node;
  node.kind = kind;
  node.op = op;
  node.constant = kind == SugarKind::kNumber || kind == SugarKind::kString || kind == SugarKind::kWord;
  node.begin = token_.begin;
  node.end = token_.end;
  if (!advance()) return kNoSugarNode;
  nodes_.push_back(node);
  return static_cast<Node>(nodes_.size() - 1);
}

bool SugarParser::append(Children& children, Node child) {
  if (child == kNoSugarNode) return false;
  ASSERT(child < nodes_.size() && nodes_[child].next == kNoSugarNode);
  if (children.first == kNoSugarNode) {
    children.first = child;
  } else {
    nodes_[children.last].next = child;
  }
  children.last = child;
  children.depth = std::max(children.depth, nodes_[child].depth);
  children.constant = children.constant && nodes_[child].constant;
  return true;
}

SugarParser::Node SugarParser::add(SugarKind kind, uint32_t begin, const Children& children, SugarToken op) {
  // The others only hold together what is one level of the script.
  const bool level = kind == SugarKind::kCall || kind == SugarKind::kList || kind == SugarKind::kObject ||
                     kind == SugarKind::kLambda || kind == SugarKind::kLet || kind == SugarKind::kIf ||
                     kind == SugarKind::kMinus || kind == SugarKind::kNot || kind == SugarKind::kChain;
  SugarNode node;
  node.kind = kind;
  node.op = op;
  node.begin = begin;
  node.end = last_end_;
  node.first = children.first;
  node.depth = children.depth + (level ? 1 : 0);
  ASSERT(node.begin <= node.end);
  if (node.depth > most_levels_) return too_deep();
  nodes_.push_back(node);
  return static_cast<Node>(nodes_.size() - 1);
}

SugarParser::Node SugarParser::expression() {
  return binary(kSugarOrLevel);
}

// Operators of level `least` and higher. A run of one operator is one node, and parentheses end a run.
SugarParser::Node SugarParser::binary(int least) {
  ASSERT(least >= kSugarOrLevel);
  Node left = prefix();
  Children run;
  SugarToken run_op = SugarToken::kEnd;
  while (left != kNoSugarNode) {
    const SugarToken op = token_.kind;
    const int level = sugar_level(op);
    if (level < least) break;
    if (!advance()) return kNoSugarNode;
    const Node right = binary(level + 1);
    if (right == kNoSugarNode) return kNoSugarNode;
    if (op != run_op) {
      run = {};
      append(run, left);
      left = add(SugarKind::kChain, nodes_[left].begin, run, op);
      run_op = op;
      if (left == kNoSugarNode) return kNoSugarNode;
    }
    if (!extend(left, run, right)) return kNoSugarNode;
  }
  return left;
}

bool SugarParser::extend(Node chain, Children& operands, Node operand) {
  append(operands, operand);
  SugarNode& node = nodes_[chain];
  ASSERT(node.kind == SugarKind::kChain);
  node.end = last_end_;
  node.depth = operands.depth + 1;
  if (node.depth <= most_levels_) return true;
  too_deep();
  return false;
}

// What may stand as an operand: `not`, and what extends as far as it can, need no parentheses there.
SugarParser::Node SugarParser::prefix() {
  using Form = Node (SugarParser::*)();
  Form form = nullptr;
  if (is(SugarToken::kNot)) form = &SugarParser::negation;
  if (is(SugarToken::kMinus)) form = &SugarParser::minus;
  if (is(SugarToken::kLet)) form = &SugarParser::let;
  if (is(SugarToken::kIf)) form = &SugarParser::if_else;
  if (is(SugarToken::kLeftParenthesis)) form = lambda_follows() ? &SugarParser::lambda : &SugarParser::group;
  if (is(SugarToken::kLeftBracket)) form = &SugarParser::list;
  if (is(SugarToken::kLeftBrace)) form = &SugarParser::object;
  if (form == nullptr) return primary();
  if (!enter()) return kNoSugarNode;
  const Node node = (this->*form)();
  --level_;
  return node;
}

SugarParser::Node SugarParser::negation() {
  const uint32_t begin = token_.begin;
  Children children;
  if (!advance() || !append(children, binary(kSugarCompareLevel))) return kNoSugarNode;
  return add(SugarKind::kNot, begin, children);
}

SugarParser::Node SugarParser::minus() {
  const uint32_t begin = token_.begin;
  if (!advance()) return kNoSugarNode;
  const bool number = is(SugarToken::kNumber);
  Children children;
  if (!append(children, prefix())) return kNoSugarNode;
  const Node node = add(SugarKind::kMinus, begin, children);
  if (node == kNoSugarNode || !number) return node;
  // A negative number is data like any other, and no level.
  nodes_[node].constant = true;
  nodes_[node].depth = 0;
  return node;
}

SugarParser::Node SugarParser::let() {
  const SugarLexeme open = token_;
  ASSERT(is(SugarToken::kLet));
  if (!advance()) return kNoSugarNode;
  Children children;
  while (is(SugarToken::kName)) {
    if (!binding(children)) return kNoSugarNode;
    if (is(SugarToken::kComma) && !advance()) return kNoSugarNode;
  }
  if (!take_of(open, SugarToken::kIn, "a name to bind or 'in'") || !append(children, expression())) {
    return kNoSugarNode;
  }
  return add(SugarKind::kLet, open.begin, children);
}

bool SugarParser::binding(Children& children) {
  const uint32_t begin = token_.begin;
  Children parts;
  if (!append(parts, leaf(SugarKind::kName))) return false;
  if (!take(SugarToken::kAssign, "'=' behind the name to bind") || !append(parts, expression())) return false;
  return append(children, add(SugarKind::kBinding, begin, parts));
}

SugarParser::Node SugarParser::if_else() {
  const SugarLexeme open = token_;
  Children children;
  const bool read = advance() && append(children, expression()) &&
                    take_of(open, SugarToken::kThen, "an operator or 'then'") && append(children, expression()) &&
                    take_of(open, SugarToken::kElse, "an operator or 'else'") && append(children, expression());
  if (!read) return kNoSugarNode;
  ASSERT(open.kind == SugarToken::kIf);
  return add(SugarKind::kIf, open.begin, children);
}

bool SugarParser::lambda_follows() const {
  SugarLexer ahead = lexer_;
  ahead.forget_comments();
  SugarLexeme token;
  SugarError ignored;
  if (!ahead.next(token, ignored)) return false;
  if (token.kind != SugarToken::kRightParenthesis) {
    while (true) {
      if (token.kind != SugarToken::kName || !ahead.next(token, ignored)) return false;
      if (token.kind == SugarToken::kRightParenthesis) break;
      if (token.kind != SugarToken::kComma || !ahead.next(token, ignored)) return false;
    }
  }
  return ahead.next(token, ignored) && token.kind == SugarToken::kArrow;
}

// REQUIRES: lambda_follows, so the parameters are as they should be.
SugarParser::Node SugarParser::lambda() {
  const uint32_t begin = token_.begin;
  Children children;
  if (!advance()) return kNoSugarNode;
  while (is(SugarToken::kName)) {
    if (!append(children, leaf(SugarKind::kName))) return kNoSugarNode;
    if (is(SugarToken::kComma) && !advance()) return kNoSugarNode;
  }
  ASSERT(is(SugarToken::kRightParenthesis));
  if (!advance() || !take(SugarToken::kArrow, "'=>'") || !append(children, expression())) return kNoSugarNode;
  return add(SugarKind::kLambda, begin, children);
}

SugarParser::Node SugarParser::primary() {
  switch (token_.kind) {
    case SugarToken::kNumber:
      return leaf(SugarKind::kNumber);
    case SugarToken::kTrue:
    case SugarToken::kFalse:
    case SugarToken::kNull:
      return leaf(SugarKind::kWord, token_.kind);
    case SugarToken::kString:
      return string_or_call();
    case SugarToken::kName:
      return name_or_call();
    case SugarToken::kVariable:
    case SugarToken::kInput:
    case SugarToken::kInputs:
      return access();
    default:
      return expected("an expression");
  }
}

// Segments of a path, already known to touch each other: white space would not let them be segments.
bool SugarParser::segments() {
  while (is(SugarToken::kSegment)) {
    if (!advance()) return false;
  }
  ASSERT(last_end_ <= text_.size());
  return true;
}

SugarParser::Node SugarParser::name_or_call() {
  const uint32_t begin = token_.begin;
  Children names;
  if (!append(names, leaf(SugarKind::kName))) return kNoSugarNode;
  Node callee = names.first;
  if (is(SugarToken::kDot)) {
    while (is(SugarToken::kDot)) {
      if (!advance()) return kNoSugarNode;
      if (!is(SugarToken::kName)) return expected("a name behind '.'");
      if (!append(names, leaf(SugarKind::kName))) return kNoSugarNode;
    }
    callee = add(SugarKind::kDotted, begin, names);
    if (!is(SugarToken::kLeftParenthesis)) return expected("'(' behind the name of an operator");
  }
  if (is(SugarToken::kLeftParenthesis)) return call(callee);
  if (!segments()) return kNoSugarNode;
  SugarNode& node = nodes_[callee];
  ASSERT(node.kind == SugarKind::kName);
  node.kind = SugarKind::kAccess;
  node.op = SugarToken::kName;
  node.end = last_end_;
  return callee;
}

SugarParser::Node SugarParser::string_or_call() {
  const Node string = leaf(SugarKind::kString);
  if (string == kNoSugarNode || !is(SugarToken::kLeftParenthesis)) return string;
  return call(string);
}

SugarParser::Node SugarParser::call(Node callee) {
  ASSERT(is(SugarToken::kLeftParenthesis));
  const uint32_t begin = nodes_[callee].begin;
  if (token_.spaced) {
    const std::string name(text_.substr(begin, last_end_ - begin));
    return fail("no white space may stand between " + name + " and the '(' of its arguments", name + "(");
  }
  const SugarLexeme open = token_;
  Children children;
  append(children, callee);
  if (!enter() || !advance() || !items(SugarToken::kRightParenthesis, open, children)) return kNoSugarNode;
  --level_;
  return add(SugarKind::kCall, begin, children);
}

SugarParser::Node SugarParser::access() {
  const SugarLexeme word = token_;
  if (!advance()) return kNoSugarNode;
  if (is(SugarToken::kLeftParenthesis) && !token_.spaced) return pointer(word);
  if (word.kind == SugarToken::kVariable) return expected("'(' and a pointer behind '$'");
  if (!segments()) return kNoSugarNode;
  ASSERT(word.end <= last_end_);
  return add(SugarKind::kAccess, word.begin, {}, word.kind);
}

SugarParser::Node SugarParser::pointer(const SugarLexeme& word) {
  const SugarLexeme open = token_;
  Children children;
  if (!advance()) return kNoSugarNode;
  if (is(SugarToken::kString) && !append(children, leaf(SugarKind::kString))) return kNoSugarNode;
  if (!take_of(open, SugarToken::kRightParenthesis,
               children.first == kNoSugarNode ? "a pointer in quotes or ')'" : "')'")) {
    return kNoSugarNode;
  }
  ASSERT(word.begin < open.begin);
  return add(SugarKind::kPointer, word.begin, children, word.kind);
}

bool SugarParser::items(SugarToken close, const SugarLexeme& open, Children& children) {
  const std::string_view what =
      close == SugarToken::kRightBracket ? "an operator, ',' or ']'" : "an operator, ',' or ')'";
  while (!is(close)) {
    if (!append(children, expression())) return false;
    if (!is(SugarToken::kComma)) break;
    if (!advance()) return false;
  }
  return take_of(open, close, what);
}

SugarParser::Node SugarParser::list() {
  const SugarLexeme open = token_;
  Children children;
  if (!advance() || !items(SugarToken::kRightBracket, open, children)) return kNoSugarNode;
  const Node node = add(SugarKind::kList, open.begin, children);
  if (node != kNoSugarNode) nodes_[node].constant = children.constant;
  return node;
}

SugarParser::Node SugarParser::object() {
  const SugarLexeme open = token_;
  ASSERT(is(SugarToken::kLeftBrace));
  Children children;
  if (!advance()) return kNoSugarNode;
  while (!is(SugarToken::kRightBrace)) {
    if (!entry(children)) return kNoSugarNode;
    if (!is(SugarToken::kComma)) break;
    if (!advance()) return kNoSugarNode;
  }
  if (!take_of(open, SugarToken::kRightBrace, "an operator, ',' or '}'")) return kNoSugarNode;
  const Node node = add(SugarKind::kObject, open.begin, children);
  if (node != kNoSugarNode) nodes_[node].constant = children.constant;
  return node;
}

bool SugarParser::entry(Children& children) {
  const uint32_t begin = token_.begin;
  const bool name = is(SugarToken::kName) || is_reserved(token_.kind);
  if (!name && !is(SugarToken::kString)) {
    expected("a key");
    return false;
  }
  Children parts;
  if (!append(parts, leaf(name ? SugarKind::kName : SugarKind::kString))) return false;
  if (!take(SugarToken::kColon, "':' behind the key") || !append(parts, expression())) return false;
  const Node node = add(SugarKind::kEntry, begin, parts);
  if (node == kNoSugarNode) return false;
  nodes_[node].constant = nodes_[parts.last].constant;
  return append(children, node);
}

// What stands in parentheses may be reached into if it is a variable or a part of one.
bool SugarParser::may_have_path(Node node) const {
  while (nodes_[node].kind == SugarKind::kGroup) node = nodes_[node].first;
  const SugarNode& inner = nodes_[node];
  if (inner.kind == SugarKind::kPointer) {
    return inner.op != SugarToken::kVariable || inner.first != kNoSugarNode;
  }
  return inner.kind == SugarKind::kAccess || inner.kind == SugarKind::kPath;
}

SugarParser::Node SugarParser::group() {
  const SugarLexeme open = token_;
  Children inner;
  if (!advance() || !append(inner, expression())) return kNoSugarNode;
  if (!take_of(open, SugarToken::kRightParenthesis, "an operator or ')'")) return kNoSugarNode;
  const Node node = add(SugarKind::kGroup, open.begin, inner);
  if (node == kNoSugarNode) return node;
  nodes_[node].constant = inner.constant;
  if (!is(SugarToken::kSegment) || !may_have_path(node)) return node;
  Children path;
  append(path, node);
  if (!segments()) return kNoSugarNode;
  return add(SugarKind::kPath, open.begin, path);
}

std::optional<SugarTree> parse_sugar(std::string_view text, SugarError& error, uint32_t depth,
                                     std::vector<SugarComment>* comments) {
  ASSERT(text.size() < UINT32_MAX);
  const size_t valid = json::valid_utf8_prefix(text);
  if (valid < text.size()) {
    error = {Category::kSyntax, static_cast<uint32_t>(valid), "the text is not UTF-8", {}};
    return std::nullopt;
  }
  SugarParser parser(text, depth, comments);
  SugarTree tree;
  if (parser.run(tree)) return tree;
  error = parser.error();
  ASSERT(!error.problem.empty());
  return std::nullopt;
}

}  // namespace colloquium::computo
