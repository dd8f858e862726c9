#include "formats/format.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::formats {
namespace {

template <class Setting>
std::string problems_of(const std::string& yaml) {
  ConfigProblems problems;
  const ConfigNode node = config::load_yaml(yaml, "t.yaml", problems).value();
  Setting setting;
  ConfigType<Setting>::describe("format", {}).read(node, "file.format", &setting, problems);
  return config::describe(problems);
}

}  // namespace

TEST_CASE("each format has a name of its own, a summary, and reads or writes") {
  std::set<std::string> names;
  for (const FormatDescriptor* format : formats()) {
    CHECK(names.insert(format->name).second);
    CHECK(format->summary.ends_with('.'));
    CHECK((format->source || format->sink));
  }
  CHECK(names.count("csv") == 1);
}

TEST_CASE("a format is a name, or a name with options") {
  CHECK(problems_of<SourceFormatSetting>("csv").empty());
  CHECK(problems_of<SourceFormatSetting>("{csv: {delimiter: \";\"}}").empty());
  CHECK(problems_of<SourceFormatSetting>("{csv: }").empty());
  CHECK(problems_of<SourceFormatSetting>("{name: csv}").empty());
  CHECK(problems_of<SinkFormatSetting>("{csv: {columns: [a]}}").empty());
}

TEST_CASE("what is wrong with a format is told with its place") {
  CHECK_THAT(problems_of<SourceFormatSetting>("cvs"),
             Catch::Contains("unknown format 'cvs'") && Catch::Contains("did you mean 'csv'"));
  CHECK_THAT(problems_of<SourceFormatSetting>("{csv: {delimitre: x}}"),
             Catch::Contains("unknown key 'delimitre' in file.format.csv"));
  CHECK_THAT(problems_of<SourceFormatSetting>("{csv: {delimiter: \"ab\"}}"), Catch::Contains("one character"));
  CHECK_THAT(problems_of<SourceFormatSetting>("{csv: {columns: [a, b, a]}}"), Catch::Contains("'a' is named twice"));
  CHECK_THAT(problems_of<SourceFormatSetting>("{csv: {columns: [a], types: {b: number}}}"),
             Catch::Contains("there is no column 'b'"));
  CHECK_THAT(problems_of<SourceFormatSetting>("{csv: {header: false}}"), Catch::Contains("have to be named"));
  CHECK_THAT(problems_of<SourceFormatSetting>("template"), Catch::Contains("unknown format 'template'"));
  CHECK_THAT(problems_of<SinkFormatSetting>("csv"), Catch::Contains("missing key 'columns'"));
  CHECK_THAT(problems_of<SinkFormatSetting>("[csv]"), Catch::Contains("must be the name of a format"));
  CHECK_THAT(problems_of<SinkFormatSetting>("{csv: {columns: [a]}, text: {}}"),
             Catch::Contains("map of one name"));
}

}  // namespace colloquium::formats
