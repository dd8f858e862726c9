#include "computo/notation.h"

#include <catch2/catch.hpp>

#include "computo/program.h"

namespace colloquium::computo {

namespace {

bool is_sugar(std::string_view text, std::string_view path = "-e") {
  return script_text(path, text).notation == Notation::kSugar;
}

// What is told about a text that is no script in either notation.
std::string told(std::string_view text) {
  CompileFailure failure;
  CHECK(compile_source(text, {}, failure) == nullptr);
  REQUIRE(failure.errors.size() == 1);
  const ScriptError& error = failure.errors.front();
  return std::string(to_string(error.category)) + " " + std::to_string(error.column);
}

}  // namespace

TEST_CASE("a file's name tells its notation") {
  CHECK(is_sugar("[1]", "a.computo"));
  CHECK_FALSE(is_sugar("a + b", "a.json"));
  CHECK(notation_by_name("a.computo") == Notation::kSugar);
  CHECK_FALSE(notation_by_name("-e").has_value());
}

TEST_CASE("without a name, JSON is JSON and anything else is sugar, however it begins") {
  for (const char* json : {"[1, 2]", " {\"a\": 1}", "\"a\"", "true", "1"}) CHECK_FALSE(is_sugar(json));
  for (const char* sugar : {"{a: $input/x}", "[1, $input]", "\"a\" + 1", "true and a", "[1, 2,]", "-- no\n[1]"}) {
    CHECK(is_sugar(sugar));
  }
}

TEST_CASE("a text that is neither is told as what it nearly is") {
  CHECK(told("[\"+\", 1,") == "parse 9");
  CHECK(told("[\"+\", 1 2]") == "parse 9");
  CHECK(told("{\"a\" 1}") == "parse 6");
  CHECK(told("{a: uper(}") == "syntax 10");
  CHECK(told("[$input, 1") == "syntax 11");
  CHECK(told("\"a\" +") == "syntax 6");
  CHECK(told("1 +") == "syntax 4");
  CHECK(told("= [1,") == "syntax 6");
}

TEST_CASE("a mark before sugar leaves every place as it is") {
  CHECK(marked_sugar(" \n= 1").value_or("none") == " \n  1");
  CHECK(marked_sugar("== 1").value_or("none") == " = 1");
  CHECK_FALSE(marked_sugar("1 = 2"));
  CHECK_FALSE(marked_sugar(""));
}

TEST_CASE("a byte-order mark is no part of a script") {
  CHECK(script_text("-e",
                    "\xEF\xBB\xBF"
                    "1")
            .text == "1");
  CHECK(script_text("a.json", "\xEF\xBB\xBF[1]").text == "[1]");
  CHECK(script_text("-e", "\xEF\xBB\xBF= 1").marked);
  CHECK(without_byte_order_mark("\xEF\xBB") == "\xEF\xBB");
}

}  // namespace colloquium::computo
