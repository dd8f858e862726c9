#include "computo/format.h"

#include <catch2/catch.hpp>
#include <string>

#include "computo/convert.h"
#include "computo/format_layout.h"

namespace colloquium::computo {
namespace {

// Formatted; that it is stable and means the same is checked on the way.
std::string formatted(std::string_view text, const std::string& origin = "a.computo") {
  CompileOptions options;
  options.origin = origin;
  ScriptError error;
  const auto once = format_source(text, options, error);
  INFO(text);
  INFO(error.problem);
  REQUIRE(once);
  const auto twice = format_source(*once, options, error);
  INFO(*once);
  REQUIRE(twice);
  CHECK(*twice == *once);
  if (origin == "a.computo") CHECK(to_json(*once, {}, error) == to_json(text, {}, error));
  return *once;
}

const std::string kLong(60, 'x');

}  // namespace

TEST_CASE("what fits stands on one line, spaced evenly") {
  CHECK(formatted("  a+b *  c-1") == "a + b * c - 1\n");
  CHECK(formatted("f( x,y , )") == "f(x, y)\n");
  CHECK(formatted("[ 1,2 ,]") == "[1, 2]\n");
  CHECK(formatted("{a:1,\"b c\":$input/x}") == "{a: 1, \"b c\": $input/x}\n");
  CHECK(formatted("( x ,y )=>x") == "(x, y) => x\n");
  CHECK(formatted("if(true)then(1)else(2)") == "if (true) then (1) else (2)\n");
  CHECK(formatted("- 5 - -5 - - - x") == "-5 - -5 - - -x\n");
  CHECK(formatted("not   not a") == "not not a\n");
  CHECK(formatted("a . b( $( \"/c d\" ) )") == "a.b($(\"/c d\"))\n");
  CHECK(formatted("(x)/a/b") == "(x)/a/b\n");
  CHECK(formatted("1.50 + 1e3 + \"\\u00e9\"") == "1.50 + 1e3 + \"\\u00e9\"\n");
  CHECK(formatted("[]") == "[]\n");
  CHECK(formatted("f()") == "f()\n");
}

TEST_CASE("let stands on lines, unless it is short and within brackets") {
  CHECK(formatted("let x = 1, y = 2 in x + y") == "let\n  x = 1\n  y = 2\nin\n  x + y\n");
  CHECK(formatted("let x = 1 in x") == "let\n  x = 1\nin\n  x\n");
  CHECK(formatted("f(let x = 1 in x)") == "f(let x = 1 in x)\n");
  CHECK(formatted("(u) => let x = u in x") == "(u) => let x = u in x\n");
  CHECK(formatted("let x = let y = 1 in y in x") ==
        "let\n  x =\n    let\n      y = 1\n    in\n      y\nin\n  x\n");
  CHECK(formatted("let\n  x = 1\n\n\n  y = 2\nin x") == "let\n  x = 1\n\n  y = 2\nin\n  x\n");
}

TEST_CASE("what does not fit is broken from the outside in") {
  CHECK(formatted(kLong + " + " + kLong + " * 2 - 3") == kLong + "\n  + " + kLong + " * 2\n  - 3\n");
  CHECK(formatted("f(" + kLong + ", [1, 2], " + kLong + ")") ==
        "f(\n  " + kLong + ",\n  [1, 2],\n  " + kLong + "\n)\n");
  CHECK(formatted("{a: " + kLong + ", b: " + kLong + "}") == "{\n  a: " + kLong + ",\n  b: " + kLong + "\n}\n");
  CHECK(formatted("if a then " + kLong + " else if b then " + kLong + " else c") ==
        "if a then\n  " + kLong + "\nelse if b then\n  " + kLong + "\nelse\n  c\n");
  CHECK(formatted("(a) => " + kLong + " + " + kLong) == "(a) =>\n  " + kLong + "\n    + " + kLong + "\n");
  CHECK(formatted("let x = if a then " + kLong + " else " + kLong + " in x") ==
        "let\n  x =\n    if a then\n      " + kLong + "\n    else\n      " + kLong + "\nin\n  x\n");
}

TEST_CASE("a last operand with brackets of its own begins on the line of its call") {
  CHECK(formatted("map(xs, (x) => " + kLong + " + " + kLong + ")") ==
        "map(xs, (x) =>\n  " + kLong + "\n    + " + kLong + "\n)\n");
  CHECK(formatted("map(xs, (x) => {a: " + kLong + ", b: " + kLong + "})") ==
        "map(xs, (x) => {\n  a: " + kLong + ",\n  b: " + kLong + "\n})\n");
  CHECK(formatted("count(filter(xs, (x) => " + kLong + " == " + kLong + "))") ==
        "count(filter(xs, (x) =>\n  " + kLong + "\n    == " + kLong + "\n))\n");
  CHECK(formatted("reduce(xs, (a, x) => " + kLong + " + " + kLong + ", 0)") ==
        "reduce(\n  xs,\n  (a, x) =>\n    " + kLong + "\n      + " + kLong + ",\n  0\n)\n");
}

TEST_CASE("comments stay, at the end of their line or above what follows") {
  CHECK(formatted("#!/usr/bin/env computo\n-- what it is\n\n1 -- one\n-- end") ==
        "#!/usr/bin/env computo\n-- what it is\n\n1 -- one\n-- end\n");
  CHECK(formatted("[1, -- one\n 2 -- two\n]") == "[\n  1, -- one\n  2 -- two\n]\n");
  CHECK(formatted("[ -- first\n 1]") == "[\n  -- first\n  1\n]\n");
  CHECK(formatted("[1\n-- last  \n]") == "[\n  1\n  -- last\n]\n");
  CHECK(formatted("f( -- none\n)") == "f(\n  -- none\n)\n");
  CHECK(formatted("a -- first\n + b -- second") == "a -- first\n  + b -- second\n");
  CHECK(formatted("a +\n-- why\nb") == "a\n  -- why\n  + b\n");
  CHECK(formatted("not -- really\n a") == "-- really\nnot a\n");
  CHECK(formatted("if a -- c\n then -- d\n b -- e\n else -- f\n g") ==
        "if a then -- c\n  -- d\n  b -- e\nelse\n  -- f\n  g\n");
  CHECK(formatted("let -- l\n x = -- x\n 1 -- one\n in -- body\n x") ==
        "let\n  -- l\n  -- x\n  x = 1 -- one\nin\n  -- body\n  x\n");
  CHECK(formatted("(x, -- x\n y) => -- body\n x") == "-- x\n(x, y) =>\n  -- body\n  x\n");
  CHECK(formatted("{a: -- a\n 1,\n\n -- b\n b: 2}") == "{\n  -- a\n  a: 1,\n\n  -- b\n  b: 2\n}\n");
}

TEST_CASE("small JSON calls stay on one line, others open with their operator") {
  CHECK(formatted("[\"+\" , 1,2]", "a.json") == "[\"+\", 1, 2]\n");
  CHECK(formatted("{\"b\":[ ],\"a\":{ }}", "a.json") == "{\"b\": [], \"a\": {}}\n");
  CHECK(formatted("[\"if\",\"" + kLong + "\",[\"+\",1,2],\"" + kLong + "\"]", "a.json") ==
        "[\"if\",\n  \"" + kLong + "\",\n  [\"+\", 1, 2],\n  \"" + kLong + "\"\n]\n");
  CHECK(formatted("[[\"" + kLong + "\"],{\"k\":\"" + kLong + "\"}]", "a.json") ==
        "[\n  [\"" + kLong + "\"],\n  {\"k\": \"" + kLong + "\"}\n]\n");
  CHECK(formatted("{\"k\":1.50,\"k\":\"\\u00e9\"}", "a.json") == "{\"k\": 1.50, \"k\": \"\\u00e9\"}\n");
}

TEST_CASE("the notation is found, and what is no script is refused with its place") {
  CHECK(formatted("1+1", "") == "1 + 1\n");
  CHECK(formatted("[\"+\",1]", "") == "[\"+\", 1]\n");
  CHECK(formatted("{a:$input}", "") == "{a: $input}\n");
  CHECK(formatted(" =[\"+\",1]", "") == "= [\"+\", 1]\n");
  ScriptError error;
  CompileOptions options;
  options.origin = "a.json";
  CHECK_FALSE(format_source("1+1", options, error));
  CHECK(error.category == Category::kParse);
  CHECK_FALSE(format_sugar("1\n+", {}, error));
  CHECK(error.category == Category::kSyntax);
  CHECK(error.line == 2);
  CHECK_FALSE(format_sugar(std::string(2000, '('), {}, error));
  CHECK(error.category == Category::kLimit);
}

TEST_CASE("deep scripts are laid out in space that their size bounds") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "[";
  for (int i = 0; i < 20'000; ++i) text += "1,";
  for (int i = 0; i < 1000; ++i) text += "]";
  CHECK(formatted(text).size() < text.size() * 100);
}

TEST_CASE("a layout breaks groups that do not fit, and those alone") {
  Layout layout;
  const auto list = [&](std::initializer_list<Layout::Piece> items) {
    std::vector<Layout::Piece> inner;
    for (const Layout::Piece item : items) {
      inner.push_back(inner.empty() ? layout.gap() : layout.space());
      inner.push_back(item);
    }
    return layout.group(
        layout.join({layout.text("("), layout.indent(layout.join(inner)), layout.gap(), layout.text(")")}));
  };
  const Layout::Piece inner = list({layout.text("aa"), layout.text("b\xC3\xA9")});
  CHECK(layout.width(inner) == 7);
  const Layout::Piece outer = list({inner, layout.text("cc")});
  CHECK(layout.print(outer, 12) == "((aa b\xC3\xA9) cc)\n");
  CHECK(layout.print(outer, 11) == "(\n  (aa b\xC3\xA9)\n  cc\n)\n");
  CHECK(layout.print(outer, 8) == "(\n  (\n    aa\n    b\xC3\xA9\n  )\n  cc\n)\n");
  const Layout::Piece noted =
      list({layout.join({layout.text("a"), layout.comment("-- 1"), layout.comment("-- 2"), layout.text(",")}),
            layout.text("b")});
  CHECK(layout.is_broken(noted));
  CHECK(layout.print(noted, 80) == "(\n  a, -- 1\n  -- 2\n  b\n)\n");
}

}  // namespace colloquium::computo
