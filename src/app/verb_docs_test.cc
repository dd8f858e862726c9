#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "app/testing/verb_runner.h"
#include "components/registry.h"
#include "computo/program.h"
#include "config/pipeline_config.h"

namespace colloquium::app {
namespace {

TEST_CASE("docs writes a page for everything there is, and names them [REQ-110] [REQ-254]") {
  const VerbRunner verbs;
  const VerbResult result = verbs.run({"docs", "--out", verbs.path("reference")});
  CHECK(result.exit == Exit::kDone);
  CHECK(result.err.empty());
  for (const Descriptor* descriptor : components::component_table()) {
    const std::string page = std::string(config::to_string(descriptor->kind)) + "-" + descriptor->name + ".md";
    CHECK(contains(result.out, page));
    CHECK(contains(verbs.read("reference/" + page), descriptor->summary));
  }
  const std::string operators = verbs.read("reference/computo-operators.md");
  for (const computo::OperatorInfo& info : computo::operators()) {
    CHECK(contains(operators, "### `" + std::string(info.name) + "`"));
  }
  CHECK(contains(verbs.read("reference/command-line.md"), "## `colloquium log verify`"));
  CHECK(contains(verbs.read("reference/settings.md"), "COLLOQUIUM_DATA_DIR"));
  CHECK(contains(verbs.read("reference/pipeline.md"), "source-http.md"));
}

TEST_CASE("pages that cannot be written are told") {
  const VerbRunner verbs;
  const VerbResult result = verbs.run({"docs", "--out", verbs.write("file", "x")});
  CHECK(result.exit == Exit::kRefused);
  CHECK(contains(result.err, "file"));
}

TEST_CASE("the schemas are JSON Schema") {
  const VerbRunner verbs;
  for (const auto& arguments : {std::vector<std::string>{"schema"}, {"schema", "--of", "settings"}}) {
    const VerbResult result = verbs.run(arguments);
    CHECK(result.exit == Exit::kDone);
    CHECK(nlohmann::json::parse(result.out).contains("$schema"));
  }
  CHECK(verbs.run({"schema", "--of", "everything"}).exit == Exit::kRefused);
}

TEST_CASE("the version has three numbers") {
  const VerbResult result = VerbRunner().run({"version"});
  CHECK(result.exit == Exit::kDone);
  int major = -1, minor = -1, patch = -1;
  CHECK(std::sscanf(result.out.c_str(), "colloquium %d.%d.%d\n", &major, &minor, &patch) == 3);
}

TEST_CASE("every verb has a summary, an example of its own, and help for every option") {
  const std::function<void(const Verb&, const std::string&)> check = [&](const Verb& verb,
                                                                         const std::string& path) {
    INFO(path);
    CHECK_FALSE(verb.summary.empty());
    CHECK(verb.example.rfind("colloquium", 0) == 0);
    CHECK(contains(verb.example, path == "colloquium" ? "colloquium run" : path));
    CHECK((verb.verbs.empty() ? verb.run != nullptr : verb.run == nullptr));
    for (const VerbOption& option : verb.options) CHECK_FALSE(option.help.empty());
    for (const Verb& child : verb.verbs) check(child, path + " " + child.name);
  };
  check(root_verb(), "colloquium");
}

}  // namespace
}  // namespace colloquium::app
