// SugarParser: the grammar of section 10.3 by recursive descent, binary operators by precedence.
//
// The recursion is bounded: brackets, prefix operators and nested forms count towards the depth limit, and so
// does the depth of the tree, since `1 + 2 - 3 + …` nests to the left. Passing it is error `limit`.
//
// Thread safety: belongs to one parse.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "computo/sugar_lexer.h"
#include "computo/sugar_tree.h"

namespace colloquium::computo {

class SugarParser {
 public:
  SugarParser(std::string_view text, uint32_t depth, std::vector<SugarComment>* comments);

  // False: error() says why.
  bool run(SugarTree& out);
  const SugarError& error() const { return error_; }

 private:
  using Node = uint32_t;  // kNoSugarNode: failed, error_ is set

  // The children of a node while it grows.
  struct Children {
    Node first = kNoSugarNode;
    Node last = kNoSugarNode;
    uint32_t depth = 0;
    bool constant = true;
  };

  // Each reads what it is named after and leaves the token behind it as the current one.
  Node expression();
  Node binary(int least);
  Node prefix();
  Node loose_or_primary();
  Node negation();
  Node minus();
  Node let();
  bool binding(Children& children);
  Node if_else();
  Node lambda();
  Node primary();
  Node scalar(SugarKind kind);
  Node name_or_call();
  Node string_or_call();
  Node call(Node callee);
  Node access();
  Node pointer(const SugarLexeme& word);
  Node list();
  Node object();
  bool entry(Children& children);
  Node group();
  // Expressions between brackets up to `close`, a comma behind the last one allowed.
  bool items(SugarToken close, const SugarLexeme& open, Children& children);
  bool segments();
  bool may_have_path(Node node) const;

  // Whether a lambda begins with the '(' that is the current token.
  bool lambda_follows() const;

  Node add(SugarKind kind, uint32_t begin, const Children& children, SugarToken op = SugarToken::kEnd);
  Node leaf(SugarKind kind, SugarToken op = SugarToken::kEnd);
  bool append(Children& children, Node child);
  // One more operand of the run that `chain` is.
  bool extend(Node chain, Children& operands, Node operand);
  Node too_deep();

  bool is(SugarToken kind) const { return token_.kind == kind; }
  // Goes to the next token; false if there is none that could be one.
  bool advance();
  bool take(SugarToken kind, std::string_view what);
  // The same for what closes or continues what began with `open`.
  bool take_of(const SugarLexeme& open, SugarToken kind, std::string_view what);
  // Both give what a Node or a bool needs to say "failed".
  Node fail(std::string problem, std::string hint = {});
  Node expected(std::string_view what);
  bool enter();  // one level deeper

  std::string_view text_;
  SugarLexer lexer_;
  SugarLexeme token_;
  uint32_t last_end_ = 0;  // of the token before it
  const uint32_t most_levels_;
  uint32_t level_ = 0;
  std::vector<SugarNode> nodes_;
  SugarError error_;
};

}  // namespace colloquium::computo
