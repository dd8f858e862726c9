#include "computo/imports.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "computo/testing.h"

namespace colloquium::computo {

namespace {

// A folder of scripts in memory; a path is its own name.
CompileOptions folder(std::map<std::string, std::string> files, int* reads = nullptr) {
  CompileOptions options;
  options.origin = "main.json";
  options.import = [files = std::move(files), reads](const std::string& path, const std::string&,
                                                     std::string& origin,
                                                     std::string& problem) -> std::optional<std::string> {
    if (reads != nullptr) ++*reads;
    const auto found = files.find(path);
    origin = path;
    if (found != files.end()) return found->second;
    problem = "no such file";
    return std::nullopt;
  };
  return options;
}

std::string run(std::string_view script, const CompileOptions& options) {
  Evaluator evaluator(testing::compiled(script, options));
  return testing::outcome(evaluator);
}

ScriptError error_of(std::string_view script, const CompileOptions& options) {
  Evaluator evaluator(testing::compiled(script, options));
  REQUIRE_FALSE(evaluator.evaluate({}));
  return evaluator.error();
}

}  // namespace

TEST_CASE("an import gives what the other script's expression does, in either notation") {
  const auto options = folder({{"tax.computo", "{rate: 0.25, add: (x) => x * 1.25}"}, {"n.json", "[\"+\",1,2]"}});
  CHECK(run(R"(["+",["import","n.json"],["let",[["t",["import","tax.computo"]]],["call",["$","/t/add"],100]]])",
            options) == "128");
  CHECK(run(R"(["get",["import","tax.computo"],"/rate"])", options) == "0.25");
}

TEST_CASE("an imported script sees nothing of the importing one, and may import itself") {
  const auto options = folder({{"a", "b"}, {"lib.json", R"(["*",["import","two.json"],2])"}, {"two.json", "2"}});
  CHECK(run(R"(["let",[["b",1]],["try",["import","a"],["lambda",["e"],["$","/e/category"]]]])", options) ==
        R"("unknown_variable")");
  CHECK(run(R"(["import","lib.json"])", options) == "4");
}

TEST_CASE("a file is read and compiled once, however often it is imported") {
  int reads = 0;
  const auto options = folder({{"l.json", R"(["import","m.json"])"}, {"m.json", "7"}}, &reads);
  CHECK(run(R"([["import","l.json"],["import","l.json"],["import","m.json"]])", options) == "[7,7,7]");
  CHECK(reads == 4);
}

TEST_CASE("an import that goes in a circle is an error, not an endless one") {
  const auto two = folder({{"a.json", R"(["import","b.json"])"}, {"b.json", R"(["import","a.json"])"}});
  CHECK(error_of(R"(["import","a.json"])", two).category == Category::kValue);
  CHECK(error_of(R"(["import","a.json"])", two).problem.find("circle") != std::string::npos);
  const auto own = folder({{"main.json", R"(["import","main.json"])"}});
  CHECK(error_of(R"(["import","main.json"])", own).problem.find("circle") != std::string::npos);
}

TEST_CASE("what cannot be imported is told where it is evaluated, and strictly at once") {
  auto options = folder({{"bad.json", "[1,"}, {"bad.computo", "1 +"}});
  CHECK(run(R"(["if",true,1,["import","none.json"]])", options) == "1");
  CHECK(run(R"({"data":["import","none.json"]})", options) == R"({"data":["import","none.json"]})");
  CHECK(error_of(R"(["import","none.json"])", options).problem == "can't import \"none.json\": no such file");
  CHECK(error_of(R"(["import","bad.json"])", options).problem.find("bad.json") != std::string::npos);
  CHECK(error_of(R"(["import","bad.computo"])", options).problem.find("bad.computo:1:") != std::string::npos);
  options.strict = true;
  CompileFailure failure;
  CHECK(compile_json(R"(["if",true,1,["import","none.json"]])", options, failure) == nullptr);
  CHECK(failure.errors.size() == 1);
}

TEST_CASE("an error inside an imported script names its file, line and column") {
  const auto options = folder({{"lib.computo", "{f: (x) =>\n  x / 0}"}, {"l.json", "[\n \"/\", 1, 0]"}});
  const ScriptError sugar = error_of(R"(["call",["get",["import","lib.computo"],"/f"],1])", options);
  CHECK(sugar.describe("main.json").starts_with("lib.computo:2:"));
  CHECK(sugar.category == Category::kDivisionByZero);
  const ScriptError json = error_of(R"(["+",1,["import","l.json"]])", options);
  CHECK(json.describe("main.json").starts_with("l.json:2:10: error[division_by_zero]: Error at /~1/1"));
}

TEST_CASE("without a folder nothing can be imported") {
  CHECK(error_of(R"(["import","a.json"])", {}).category == Category::kValue);
}

TEST_CASE("a library that imports without end stops at the bound") {
  CompileOptions options;
  int count = 0;
  options.import = [&count](const std::string&, const std::string&, std::string& origin, std::string&) {
    origin = std::to_string(++count);
    return std::optional<std::string>(R"(["import","next"])");
  };
  CHECK(error_of(R"(["import","next"])", options).problem.find("too many") != std::string::npos);
  CHECK(count < 1000);
}

}  // namespace colloquium::computo
