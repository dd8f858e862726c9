#include "computo/sugar_parser.h"

#include <catch2/catch.hpp>
#include <string>

#include "computo/sugar_tree.h"
#include "computo/testing.h"

namespace colloquium::computo {
namespace {

using testing::nested;

// The tree in brackets: "(+ a (* b c))".
std::string shown(const SugarTree& tree, uint32_t i) {
  const SugarNode& node = tree.at(i);
  static constexpr std::string_view kNames[] = {"",     "",     "",     "",       "",      "pointer", "path",
                                                "name", "call", "list", "object", "entry", "group",   "lambda",
                                                "let",  "bind", "if",   "minus",  "not",   "chain"};
  if (node.first == kNoSugarNode && node.kind < SugarKind::kPointer) return std::string(tree.text_of(i));
  std::string out = "(";
  out += node.kind == SugarKind::kChain ? spelling(node.op) : kNames[static_cast<size_t>(node.kind)];
  for (uint32_t child = node.first; child != kNoSugarNode; child = tree.at(child).next) {
    out += " " + shown(tree, child);
  }
  return out + ")";
}

std::string parsed(std::string_view text) {
  SugarError error;
  const auto tree = parse_sugar(text, error);
  INFO(text);
  INFO(error.problem);
  REQUIRE(tree);
  CHECK(tree->at(tree->root).end <= text.size());
  return shown(*tree, tree->root);
}

// "byte: problem", and what was opened in front of it.
std::string refused(std::string_view text) {
  SugarError error;
  INFO(text);
  REQUIRE_FALSE(parse_sugar(text, error));
  CHECK(error.category == Category::kSyntax);
  const std::string opened = error.opened ? " @" + std::to_string(*error.opened) : "";
  return std::to_string(error.byte) + ": " + error.problem + opened;
}

bool limited(const std::string& text, uint32_t depth = kSugarDepth) {
  SugarError error;
  if (parse_sugar(text, error, depth)) return false;
  CHECK(error.category == Category::kLimit);
  return true;
}

}  // namespace

TEST_CASE("operators bind by their level and runs of one are one node") {
  CHECK(parsed("a + b * c - d") == "(- (+ a (* b c)) d)");
  CHECK(parsed("a - b - c") == "(- a b c)");
  CHECK(parsed("a or b and c or d") == "(or a (and b c) d)");
  CHECK(parsed("a + b < c * d and not e") == "(and (< (+ a b) (* c d)) (not e))");
  CHECK(parsed("a < b < c <= d") == "(<= (< a b c) d)");
  CHECK(parsed("a * b / c % d * e") == "(* (% (/ (* a b) c) d) e)");
  CHECK(parsed("2 * (3) + 4") == "(+ (* 2 (group 3)) 4)");
  CHECK(parsed("(a + b) + c") == "(+ (group (+ a b)) c)");
}

TEST_CASE("prefix operators take what the grammar gives them") {
  CHECK(parsed("-5 - 3") == "(- (minus 5) 3)");
  CHECK(parsed("- -x * -y") == "(* (minus (minus x)) (minus y))");
  CHECK(parsed("not a == b and c") == "(and (not (== a b)) c)");
  CHECK(parsed("not not a") == "(not (not a))");
  CHECK(parsed("a == not b == c") == "(== a (not (== b c)))");
  CHECK(parsed("1 + not a + 2") == "(+ 1 (not (+ a 2)))");
  CHECK(parsed("-not a") == "(minus (not a))");
}

TEST_CASE("let, if and functions extend as far to the right as they can, operands or not") {
  CHECK(parsed("1 + if a then 2 else 3 + 4") == "(+ 1 (if a 2 (+ 3 4)))");
  CHECK(parsed("a * let x = 1 in x + 1") == "(* a (let (bind x 1) (+ x 1)))");
  CHECK(parsed("a and (x) => x or y") == "(and a (lambda x (or x y)))");
  CHECK(parsed("if if a then b else c then d else e") == "(if (if a b c) d e)");
  CHECK(parsed("not if a then b else c") == "(not (if a b c))");
  CHECK(parsed("() => () => 1") == "(lambda (lambda 1))");
  CHECK(parsed("let x = 1 y = 2, z = 3, in x") == "(let (bind x 1) (bind y 2) (bind z 3) x)");
  CHECK(parsed("let in 1") == "(let 1)");
  CHECK(parsed("let f = g(x) h = (a) => a in h") == "(let (bind f (call g x)) (bind h (lambda a a)) h)");
}

TEST_CASE("variables have paths, also behind parentheses") {
  CHECK(parsed("x/a/0") == "x/a/0");
  CHECK(parsed("$inputs/0/if") == "$inputs/0/if");
  CHECK(parsed("(x)/a/b") == "(path (group x))");
  CHECK(parsed("((x)/a)/b") == "(path (group (path (group x))))");
  CHECK(parsed("($(\"/a b\"))/c") == "(path (group (pointer \"/a b\")))");
  CHECK(parsed("$input()") == "(pointer)");
  CHECK(parsed("$(\"/a-b\")") == "(pointer \"/a-b\")");
  CHECK(parsed("$input / a") == "(/ $input a)");
}

TEST_CASE("calls, lists and objects may end in a comma") {
  CHECK(parsed("f()") == "(call f)");
  CHECK(parsed("a.b.c(1,)") == "(call (name a b c) 1)");
  CHECK(parsed("\"odd name\"(x)") == "(call \"odd name\" x)");
  CHECK(parsed("[]") == "(list)");
  CHECK(parsed("[1, [2,],]") == "(list 1 (list 2))");
  CHECK(parsed("{}") == "(object)");
  CHECK(parsed("{a: 1, if: 2, \"b c\": 3,}") == "(object (entry a 1) (entry if 2) (entry \"b c\" 3))");
}

TEST_CASE("what is missing is expected, at its place, with what was opened", "[REQ-047]") {
  CHECK(refused("") == "0: expected an expression, found the end of the script");
  CHECK(refused("1 +") == "3: expected an expression, found the end of the script");
  CHECK(refused("(1") == "2: expected an operator or ')', found the end of the script @0");
  CHECK(refused("f(1 2)") == "4: expected an operator, ',' or ')', found number 2 @1");
  CHECK(refused("[1") == "2: expected an operator, ',' or ']', found the end of the script @0");
  CHECK(refused("{a: 1 b: 2}") == "6: expected an operator, ',' or '}', found name 'b' @0");
  CHECK(refused("{a 1}") == "3: expected ':' behind the key, found number 1");
  CHECK(refused("{1: 2}") == "1: expected a key, found number 1");
  CHECK(refused("if a b else c") == "5: expected an operator or 'then', found name 'b' @0");
  CHECK(refused("if a then b") == "11: expected an operator or 'else', found the end of the script @0");
  CHECK(refused("let x = 1 x") == "11: expected '=' behind the name to bind, found the end of the script");
  CHECK(refused("let x = 1") == "9: expected a name to bind or 'in', found the end of the script @0");
  CHECK(refused("let let = 1 in 2") ==
        "4: expected a name to bind or 'in', found 'let', which is a reserved word @0");
  CHECK(refused("a.1(2)") == "2: expected a name behind '.', found number 1");
  CHECK(refused("a.b") == "3: expected '(' behind the name of an operator, found the end of the script");
  CHECK(refused("$ 1") == "2: expected '(' and a pointer behind '$', found number 1");
  CHECK(refused("$input(5)") == "7: expected a pointer in quotes or ')', found number 5 @6");
  CHECK(refused("$input(\"/a\" 5)") == "12: expected ')', found number 5 @6");
  CHECK(refused("f(,)") == "2: expected an expression, found ','");
}

TEST_CASE("what cannot stand somewhere is explained") {
  CHECK(refused("f (1)") == "2: no white space may stand between f and the '(' of its arguments");
  CHECK(refused("1 2") == "2: expected an operator or the end of the script, found number 2");
  CHECK(refused("f(x)/y") ==
        "4: expected an operator or the end of the script, found '/y'; only a variable has a path, and to divide "
        "'/' needs white space on both sides");
  CHECK(refused("2/3").find("only a variable has a path") != std::string::npos);
  CHECK(refused("x => x") ==
        "2: expected an operator or the end of the script, found '=>'; the parameters of a function stand in "
        "parentheses: (x) => x");
  CHECK(refused("$input.a") ==
        "6: expected an operator or the end of the script, found '.'; a path is written with '/' and no white "
        "space: "
        "$input/a/0");
  CHECK(refused("a[0]").find("a path is written with '/'") != std::string::npos);
  CHECK(refused("(a)(b)") == "3: expected an operator or the end of the script, found '('");
  CHECK(refused("(x, 1) => x") == "2: expected an operator or ')', found ',' @0");
  CHECK(refused("(x,) => x") == "2: expected an operator or ')', found ',' @0");
  CHECK(refused("1 === 2") == "4: expected an expression, found '='");
  SugarError error;
  CHECK_FALSE(parse_sugar("x = 1", error));
  CHECK(error.hint == "==");
  CHECK_FALSE(parse_sugar("f (1)", error));
  CHECK(error.hint == "f(");
}

TEST_CASE("a text that is not UTF-8 is refused at its first bad byte") {
  CHECK(refused("\"a\xff\"") == "2: the text is not UTF-8");
}

TEST_CASE("a tree tells what is data") {
  const auto constant = [](std::string_view text) {
    SugarError error;
    const auto tree = parse_sugar(text, error);
    REQUIRE(tree);
    return tree->at(tree->root).constant;
  };
  CHECK(constant("-5"));
  CHECK(constant("[1, {a: [(null), -2, \"x\"]}, []]"));
  CHECK_FALSE(constant("-(5)"));
  CHECK_FALSE(constant("x"));
  CHECK_FALSE(constant("[1, {a: [x]}]"));
  CHECK_FALSE(constant("[f()]"));
  CHECK_FALSE(constant("{a: $input}"));
  CHECK_FALSE(constant("1 + 1"));
}

TEST_CASE("nesting is bounded by the limit and no less", "[REQ-035]") {
  for (const auto& [before, after] : {std::pair<std::string, std::string>{"(", ")"},
                                      {"[", "]"},
                                      {"f(", ")"},
                                      {"{a:", "}"},
                                      {"(1 + ", ")"},
                                      {"not ", ""},
                                      {"- ", ""},
                                      {"(x) => ", ""},
                                      {"let x = 1 in ", ""},
                                      {"let x = ", " in x"},
                                      {"if a then 1 else ", ""},
                                      {"if ", " then 1 else 2"}}) {
    INFO(before);
    CHECK_FALSE(limited(nested(1024, before, "x", after)));
    CHECK(limited(nested(1025, before, "x", after)));
    CHECK(limited(nested(1'000'000, before, "x", "")));
  }
  std::string chain = "1";
  for (int i = 0; i < 512; ++i) chain += " + 1 - 1";
  CHECK_FALSE(limited(chain));
  CHECK(limited(chain + " + 1"));
  CHECK(limited("((x))", 1));
  std::string run = "1";
  for (int i = 0; i < 100'000; ++i) run += " + 1";
  CHECK_FALSE(limited(run));
}

}  // namespace colloquium::computo
