// The formats of sinks: what events become.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/problems.h"
#include "config/yaml.h"
#include "formats/format.h"
#include "formats/template.h"

namespace colloquium::formats {
namespace {

SinkFormatSetting setting(const std::string& yaml) {
  ConfigProblems problems;
  const ConfigNode node = config::load_yaml(yaml, "test.yaml", problems).value();
  SinkFormatSetting setting;
  ConfigType<SinkFormatSetting>::describe("format", {}).read(node, "format", &setting, problems);
  INFO(config::describe(problems));
  REQUIRE(problems.empty());
  return setting;
}

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  builder.add_tombstone({});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

// The preamble and every event; "! why" where one can't be written. A tombstone comes last.
std::string written(const std::string& yaml, const std::vector<std::string>& values) {
  const SinkFormatSetting chosen = setting(yaml);
  const auto encoder = chosen.format->encoder(nullptr).value();
  std::string out(encoder->preamble());
  const auto batch = batch_of(values);
  for (size_t i = 0; i < batch->size(); ++i) {
    const std::string before = out;
    if (const auto error = encoder->encode(*batch, i, out)) {
      CHECK(out == before);
      out += "! " + error->message.substr(0, 30) + "\n";
    }
  }
  return out;
}

}  // namespace

TEST_CASE("ndjson writes a line per event, a tombstone as null") {
  CHECK(written("ndjson", {"{\"a\": 1}", "[\n1\n]"}) == "{\"a\": 1}\n[1]\nnull\n");
  CHECK(setting("json").format->is_lines());
}

TEST_CASE("csv writes the columns in their order, quoted where needed", "[REQ-020]") {
  CHECK(written("csv: {columns: [id, /c/name, tags]}",
                {R"({"id":1,"c":{"name":"A, \"B\"\nC"},"tags":[1, 2]})", R"({"tags":null,"id":"x"})", "3"}) ==
        "id,/c/name,tags\n1,\"A, \"\"B\"\"\nC\",\"[1,2]\"\nx,,\n! only an object can be written \n"
        "! only an object can be written \n");
  CHECK(written("csv: {columns: [a], header: false, delimiter: \";\"}", {R"({"a":"1;2"})", R"({})"}) ==
        "\"1;2\"\n\"\"\n! only an object can be written \n");
}

TEST_CASE("text writes strings as they are, and bytes that were no UTF-8 as those bytes") {
  CHECK(written("text", {R"("a\tb")", "{\"x\": 1}", R"({"raw_base64":"/w=="})"}) == "a\tb\n{\"x\":1}\n\xff\n\n");
  CHECK(written("raw", {R"("a")", R"("b\n")"}) == "ab\n");
}

TEST_CASE("logfmt writes members, with quotes where a reader would see something else", "[REQ-020]") {
  CHECK(
      written("logfmt", {R"({"a":1,"b":"x y","c":"1","d":true,"e":"","f g":"z","h":{"i": 1},"j":null})"}) ==
      "a=1 b=\"x y\" c=\"1\" d=true e=\"\" f_g=z h=\"{\\\"i\\\":1}\" j=null\n! only an object can be written \n");
}

TEST_CASE("a template writes what its expression yields, and nothing else than text", "[REQ-020]") {
  CHECK(written("template: [strConcat, \"#\", [\"$input\", /id]]", {R"({"id":"a"})"}).starts_with("#a\n"));
  CHECK(written("{template: {text: [\"$input\", /id], line_break: false}}", {R"({"id":"a"})", R"({"id":7})"})
            .starts_with("a7"));
  CHECK_THAT(written("template: [\"$input\", /id]", {R"({"id":null})", "{}"}),
             Catch::StartsWith("! the expression has to yield a"));
}

TEST_CASE("a template that names what nobody knows is told when it is checked") {
  ConfigProblems problems;
  setting("template: [\"$nobody\"]").format->check({}, problems);
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0].message, Catch::Contains("nobody"));
}

}  // namespace colloquium::formats
