#include "components/computo/script.h"

#include <catch2/catch.hpp>
#include <string>

#include "components/computo/script_stage.h"
#include "config/testing/components.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

// What checking a stage's settings has to say.
std::string checked(const Descriptor& descriptor, std::string_view yaml, const std::string& base_dir = ".") {
  ConfigProblems problems;
  const ParsedConfig parsed = descriptor.parse(config::testing::node_of(yaml, "p.yaml"), problems);
  ScriptNames names{base_dir, {"region"}, {{"orders", ScriptMetricKind::kCounter}}};
  if (problems.empty()) descriptor.check_scripts(parsed, names, problems);
  return config::describe(problems);
}

}  // namespace

TEST_CASE("a correct inline expression has no problem") {
  CHECK(checked(computo_stage(), R"(["obj", "a", ["$input", "/a"]])").empty());
  CHECK(checked(computo_stage(), "script: [obj, a, [$input, /a]]\nemit: each").empty());
  CHECK(checked(filter_stage(), R"([">", ["$input", "/total"], 0])").empty());
  CHECK(checked(filter_stage(), "true").empty());
}

TEST_CASE("every unknown name and wrong argument count is reported at its own line and column") {
  const std::string problems = checked(computo_stage(),
                                       "- obj\n"
                                       "- a\n"
                                       "- [inptu, /a]\n"
                                       "- b\n"
                                       "- [\"+\", 1, [not, 1, 2],\n"
                                       "   [$, /event_metdata/id]]\n");
  CHECK_THAT(problems, Catch::Contains("p.yaml:3:3: error: unknown_operator: "));
  CHECK_THAT(problems, Catch::Contains("p.yaml:5:12: error: arity: "));
  CHECK_THAT(problems, Catch::Contains("p.yaml:6:4: error: unknown_variable: "));
  CHECK_THAT(problems, Catch::Contains("Did you mean 'event_metadata'?"));
}

TEST_CASE("an expression may be sugar, and its problems stand where they are in the file") {
  CHECK(checked(filter_stage(), "'= $input/total > 10'").empty());
  CHECK(checked(computo_stage(), "'= {id: $input/id, key: event_metadata/key}'").empty());
  CHECK(checked(filter_stage(), "expression: |\n  = $input/total > 10 -- euros\n    and $input/paid\n").empty());
  CHECK_THAT(checked(filter_stage(), "'= $input/total > '"),
             Catch::Contains("p.yaml:1:19: error: syntax: ") && Catch::Contains("expected an expression"));
  CHECK_THAT(checked(computo_stage(), "script: |\n  =\n  let x = nosuch(1)\n  in x + y\n"),
             Catch::Contains("p.yaml:3:11: error: unknown_operator: ") &&
                 Catch::Contains("p.yaml:4:10: error: unknown_variable: "));
  CHECK_THAT(checked(computo_stage(), "script: |-\n    = nosuch(1)\n"), Catch::Contains("p.yaml:2:7: error: "));
}

TEST_CASE("a script file is found from the pipeline's folder, and its problems name the file") {
  const TemporaryDirectory directory;
  io::FileSystem& files = io::posix_file_system();
  REQUIRE(io::write_file_atomically(files, directory.path() + "/good.json", "[\"$input\", \"/a\"]\n"));
  REQUIRE(io::write_file_atomically(files, directory.path() + "/bad.json", "[\"car\",\n  [\"nope\"]]\n"));
  REQUIRE(io::write_file_atomically(files, directory.path() + "/torn.json", "[\"car\",\n"));
  REQUIRE(io::write_file_atomically(files, directory.path() + "/good.computo", "{a: $input/a}\n"));
  REQUIRE(io::write_file_atomically(files, directory.path() + "/bad.computo", "-- two errors\ncar(nope(x))\n"));
  CHECK(checked(computo_stage(), "good.json", directory.path()).empty());
  CHECK(checked(computo_stage(), "good.computo", directory.path()).empty());
  CHECK_THAT(checked(computo_stage(), "bad.computo", directory.path()),
             Catch::Contains("bad.computo:2:5: error: unknown_operator: "));
  CHECK(checked(filter_stage(), directory.path() + "/good.json", "/elsewhere").empty());
  CHECK_THAT(checked(computo_stage(), "bad.json", directory.path()),
             Catch::Contains("bad.json:2:3: error: unknown_operator: "));
  CHECK_THAT(checked(computo_stage(), "torn.json", directory.path()),
             Catch::Contains("torn.json:2:1: error: parse: "));
  CHECK_THAT(checked(computo_stage(), "none.json", directory.path()),
             Catch::Contains("p.yaml:1:1: error: can't read the script") && Catch::Contains("none.json"));
}

TEST_CASE("only strings with the ending of a script are paths") {
  const auto is_path = [](std::string_view yaml) { return is_script_path(config::testing::node_of(yaml)); };
  CHECK(is_path("a.json"));
  CHECK(is_path("'dir/b.computo'"));
  CHECK_FALSE(is_path("plain text"));
  CHECK_FALSE(is_path("'= f(\"x.json'"));
  CHECK_FALSE(is_path("[a.json]"));
}

TEST_CASE("the settings name what is wrong with them") {
  CHECK_THAT(checked(computo_stage(), "script: [$input]\nemitt: each"),
             Catch::Contains("p.yaml:2:1") && Catch::Contains("did you mean 'emit'"));
  CHECK_THAT(checked(computo_stage(), "script: [$input]\nemit: some"), Catch::Contains("p.yaml:2:7"));
  CHECK_THAT(checked(computo_stage(), "{emit: each}"), Catch::Contains("script"));
}

TEST_CASE("the examples of the reference pages are right") {
  for (const Descriptor* descriptor : {&computo_stage(), &filter_stage()}) {
    REQUIRE(descriptor->examples.size() >= 2);
    for (const ComponentExample& example : descriptor->examples) {
      INFO(example.yaml);
      const ConfigNode node = config::testing::node_of(example.yaml);
      REQUIRE(node.members.size() == 1);
      CHECK(node.members[0].key == descriptor->name);
      ConfigProblems problems;
      const ParsedConfig parsed = descriptor->parse(node.members[0].value, problems);
      descriptor->check_scripts(parsed, {".", {}, {}}, problems);
      CHECK(config::describe(problems).empty());
    }
  }
}

}  // namespace colloquium::components
