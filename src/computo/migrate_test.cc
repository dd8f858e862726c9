#include "computo/migrate.h"

#include <catch2/catch.hpp>
#include <string>

#include "computo/testing.h"

namespace colloquium::computo {
namespace {

Migration migrated(const std::string& text, bool sugar = false) {
  ScriptError error;
  const auto migration = sugar ? migrate_sugar(text, {}, error) : migrate_json(text, {}, error);
  INFO(text);
  INFO(error.problem);
  REQUIRE(migration);
  return *migration;
}

// "1:2 D-LET!" for each note, with '!' if it was rewritten.
std::string notes(const Migration& migration) {
  std::string text;
  for (const MigrationNote& note : migration.notes) {
    CHECK(!note.text.empty());
    text += (text.empty() ? "" : ", ") + std::to_string(note.line) + ":" + std::to_string(note.column) + " " +
            note.code + (note.rewritten ? "!" : "");
  }
  return text;
}

std::string notes_of(const std::string& text) {
  return notes(migrated(text));
}

std::string value_of(const std::string& script, const std::string& input = "null") {
  return testing::outcome(script, input);
}

}  // namespace

TEST_CASE("a script that means the same is left as it is, to the byte [REQ-055]") {
  for (const char* script :
       {"[\"+\",  1,\n 2 ]", R"(["let", [["a", 1], ["b", ["+", ["$", "/a"], 1]]], ["$", "/b"]])",
        R"(["map", ["$input"], ["lambda", ["x"], ["obj", "a", ["$", "/x"]]]])", R"(["sort", ["$input"], "desc"])",
        R"(["sort", ["$input"], ["/a", "desc"], "/b"])", R"({"a": [["x"], 2]})", "5", "[]"}) {
    const Migration migration = migrated(script);
    INFO(script);
    CHECK(migration.text == script);
    CHECK(notes(migration).empty());
  }
}

TEST_CASE("names and forms of earlier versions are rewritten") {
  const Migration logic = migrated(R"(["&&", ["||", false, true], 1])");
  CHECK(logic.text == R"(["and", ["or", false, true], 1])");
  CHECK(notes(logic) == "1:2 V-LOGIC!, 1:9 V-LOGIC!");
  const Migration bare = migrated(R"(["map", ["$input"], [["x"], ["+", ["$", "/x"], 1]]])");
  CHECK(bare.text == R"(["map", ["$input"], ["lambda", ["x"], ["+", ["$", "/x"], 1]]])");
  CHECK(value_of(bare.text, "[1,2]") == "[2,3]");
  const Migration bound = migrated(R"(["let", [["f", [["x"], 7]]], ["map", ["$input"], ["$", "/f"]]])");
  CHECK(value_of(bound.text, "[1,2]") == "[7,7]");
  const Migration pairs = migrated(R"(["obj", ["a", 1], ["b", ["+", 1, 2]]])");
  CHECK(pairs.text == R"(["obj", "a", 1, "b", ["+", 1, 2]])");
  CHECK(notes(pairs) == "1:1 D-OBJ-FORM!");
  CHECK(notes_of(R"(["obj", ["strConcat", "a"], ["strConcat", "b"]])") == "1:1 D-OBJ-FORM");
}

TEST_CASE("bindings that saw only what is outside their let become the object form, which still means that") {
  const std::string script = R"(["let", [["a", 1]], ["let", [["a", 2], ["b", ["$", "/a"]]], ["$", "/b"]]])";
  CHECK(value_of(script) == "2");
  const Migration migration = migrated(script);
  CHECK(notes(migration) == "1:29 D-LET!");
  CHECK(migration.text == R"(["let", [["a", 1]], ["let", {"a": 2, "b": ["$", "/a"]}, ["$", "/b"]]])");
  CHECK(value_of(migration.text) == "1");
  CHECK(notes_of(R"(["let", [["a", 1]], ["let", [["a", 2], ["a", ["$", "/a"]]], ["$", "/a"]]])") == "1:29 D-LET");
}

TEST_CASE("paths lose the wrapper of computed arrays") {
  const Migration path =
      migrated(R"(["let", [["m", ["map", ["$input"], ["lambda", ["x"], 1]]]], ["$", "/m/array/0"]])");
  CHECK(path.text.ends_with(R"(["$", "/m/0"]])"));
  CHECK(notes(path) == "1:67 D-ARRAY!");
  CHECK(value_of(path.text, "[5]") == "1");
  CHECK(notes_of(R"(["let", [["m", ["$input"]]], ["$", "/m/array/0"]])") == "1:36 D-ARRAY");
  CHECK(notes_of(R"(["let", [["m", ["$input"]]], ["$", "/m/arrays"]])").empty());
}

TEST_CASE("where the shape of computed arrays shows, it is told") {
  CHECK(notes_of(R"(["if", ["filter", ["$input"], ["lambda", ["x"], 1]], 1, 2])") == "1:8 D-ARRAY");
  CHECK(notes_of(R"(["==", ["cdr", ["$input"]], {"array": [2]}])") == "1:8 D-ARRAY");
  CHECK(notes_of(R"(["keys", ["reverse", ["$input"]]])") == "1:10 D-ARRAY");
  CHECK(notes_of(R"(["obj", "xs", ["sort", ["$input"]]])") == "1:15 D-ARRAY");
  CHECK(notes_of(R"(["count", ["sort", ["$input"]]])").empty());
}

TEST_CASE("functions that would read other names are told") {
  CHECK(notes_of(R"(["let", [["n", 1], ["f", ["lambda", ["x"], ["+", ["$", "/x"], ["$", "/n"]]]]],
                     ["let", [["n", 2]], ["map", ["$input"], ["$", "/f"]]]])") == "2:62 D-SCOPE");
  CHECK(notes_of(R"(["let", [["n", 1], ["f", ["lambda", ["x"], ["$", "/n"]]]], ["map", ["$input"], ["$", "/f"]]])")
            .empty());
  CHECK(notes_of(R"(["lambda", ["x"], ["lambda", ["y"], ["+", ["$", "/x"], ["$", "/y"]]]])") == "1:19 D-SCOPE");
  CHECK(notes_of(R"(["map", ["$input", "/xs"], ["$input", "/f"]])") == "1:28 D-CALLABLE");
}

TEST_CASE("numbers, texts, orders and names that come out otherwise are told") {
  CHECK(notes_of("[\"+\", 9007199254740993, 1]") == "1:7 D-INT");
  CHECK(notes_of("[\"+\", 123456789012345, 1]").empty());
  CHECK(notes_of("\"\\u00e9\"") == "1:1 D-UNICODE-ESC");
  CHECK(notes_of(R"([1, ["if", true, 1, 2]])") == "1:5 D-LITTAIL");
  CHECK(notes_of(R"(["strConcat", ["/", 1, 3], 1.50])") == "1:15 D-NUMTEXT, 1:28 D-NUMTEXT");
  CHECK(notes_of(R"(["sort", ["$input"], "/a", "desc"])") == "1:28 D-SORT-ARGS");
  CHECK(notes_of(R"(["split", "ab", ""])") == "1:17 D-SPLIT-UTF8");
  CHECK(notes_of(R"({"array": [["+", 1, 2]]})") == "1:12 V-ARRAY");
  const Migration name = migrated(R"(["let", [["a~1b", 1]], ["$", "/a~1b"]])");
  CHECK(name.text == R"(["let", [["a~1b", 1]], ["$", "/a~01b"]])");
  CHECK(value_of(name.text) == "1");
}

TEST_CASE("comments of JSON are left out and told, all places stay") {
  const Migration migration = migrated("// head\n[\"&&\", /* one */ 1,\n \"http://x\"] // end");
  CHECK(notes(migration) == "1:1 D-JSON-STRICT!, 2:2 V-LOGIC!");
  CHECK(migration.text.find("http://x") != std::string::npos);
  CHECK(migration.text.find("one") == std::string::npos);
  ScriptError error;
  CHECK_FALSE(migrate_json("[1, /* open", {}, error));
  CHECK(error.category == Category::kParse);
}

TEST_CASE("sugar is told about where the reference reads it otherwise") {
  const auto sugar = [](const std::string& text) { return notes(migrated(text, true)); };
  CHECK(sugar("2 * (3) + 4") == "1:5 D-SUGAR-PREC");
  CHECK(sugar("10 - (2) - 3") == "1:6 D-SUGAR-PREC");
  CHECK(sugar("1 + (2) * 3").empty());
  CHECK(sugar("(2) * 3 + 4").empty());
  CHECK(sugar("not (a) and b") == "1:5 D-SUGAR-PREC");
  CHECK(sugar("-x - y") == "1:1 D-SUGAR-PREC");
  CHECK(sugar("(a == b) == c") == "1:1 D-SUGAR-FLATTEN");
  CHECK(sugar("(a + b) + c").empty());
  CHECK(sugar("[1, -5]") == "1:5 D-SUGAR-NEGLIT");
  CHECK(sugar("\n {id: $input/id}") == "2:2 D-SUGAR-LIVE");
  CHECK(sugar("let a = 1 in let a = 2 b = a in b") == "1:14 D-LET");
}

}  // namespace colloquium::computo
