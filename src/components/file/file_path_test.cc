#include "components/file/file_path.h"

#include <catch2/catch.hpp>
#include <string>

#include "components/file/file_sink.h"
#include "components/file/file_source.h"
#include "config/paths.h"
#include "config/yaml.h"
#include "io/file_system.h"
#include "loop/test_loop.h"
#include "tests/temporary_directory.h"

namespace colloquium::components {
namespace {

// What a descriptor says to `yaml`, one problem a line.
std::string problems_of(const Descriptor& descriptor, const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  descriptor.parse(*node->find("file"), problems);
  std::string text;
  for (const ConfigProblem& problem : problems) text += problem.describe() + "\n";
  return text;
}

TEST_CASE("relative paths begin at the pipeline's folder") {
  CHECK(config::resolved_path("/etc/p", "in/a") == "/etc/p/in/a");
  CHECK(config::resolved_path("/etc/p", "/var/a") == "/var/a");
  CHECK(config::resolved_path(".", "a") == "a");
  CHECK(config::resolved_path("", "a") == "a");
}

TEST_CASE("time fields in the name of a file to read are refused where they stand") {
  CHECK_THAT(problems_of(file_source(), "file: {path: out-%Y%m%d.ndjson}"),
             Catch::StartsWith("p.yaml:1:14: error:") && Catch::Contains("not supported by this version"));
  CHECK_THAT(problems_of(file_source(), "file: out-%Y.ndjson"), Catch::StartsWith("p.yaml:1:7: error:"));
  CHECK(problems_of(file_source(), "file: {path: out.ndjson}").empty());
  CHECK(problems_of(file_sink(), "file: out.ndjson").empty());
}

TEST_CASE("a sink with many files has to know when one is finished") {
  CHECK_THAT(problems_of(file_sink(), "file: {path: out-%Y%m%d.ndjson}"),
             Catch::StartsWith("p.yaml:1:14: error:") && Catch::Contains("rotate: {time: 1h}"));
  CHECK(problems_of(file_sink(), "file: {path: \"{$input/c}/%Y\", rotate: {time: 1h, size: 1MiB, count: 5}}")
            .empty());
  CHECK(problems_of(file_sink(), "file: {path: a, rotate: {}}").empty());
  CHECK_THAT(problems_of(file_sink(), "file: {path: a.gz, compression: gzip}"),
             Catch::Contains("finished one day"));
  CHECK_THAT(problems_of(file_sink(), "file: {path: a.part}"), Catch::Contains("not finished"));
  CHECK_THAT(problems_of(file_sink(), "file: {path: a/}"), Catch::Contains("name a file"));
  CHECK_THAT(problems_of(file_sink(), "file: {path: \"a%Q\", rotate: {}}"), Catch::Contains("'%Q'"));
  CHECK_THAT(problems_of(file_sink(), "file: {path: a, rotate: {sise: 1}}"),
             Catch::Contains("did you mean 'size'"));
}

TEST_CASE("a file needs a path, and unknown keys are errors") {
  const Descriptor& descriptor = GENERATE(std::cref(file_source()), std::cref(file_sink()));
  CHECK_THAT(problems_of(descriptor, "file: {}"), Catch::Contains("missing key 'path'"));
  CHECK_THAT(problems_of(descriptor, "file: {path: ''}"), Catch::Contains("path is empty"));
  CHECK_THAT(problems_of(descriptor, "file: {pth: a}"), Catch::Contains("did you mean 'path'?"));
}

TEST_CASE("what cannot go together is refused where it stands") {
  CHECK(
      problems_of(file_source(), "file: {path: \"a/*\", follow: true, format: text, multiline: \"^#\"}").empty());
  CHECK_THAT(problems_of(file_source(), "file: {path: a, follow: true, format: raw}"),
             Catch::StartsWith("p.yaml:1:25: error:") && Catch::Contains("one event"));
  CHECK_THAT(problems_of(file_source(), "file: {path: a, multiline: \"^#\"}"),
             Catch::Contains("a line per event"));
  CHECK_THAT(problems_of(file_source(), "file: {path: a, format: csv, multiline: \"^#\"}"),
             Catch::Contains("a line per event"));
  CHECK_THAT(problems_of(file_source(), "file: {path: a, format: text, multiline: {start: \"(\"}}"),
             Catch::Contains("no regular expression"));
}

TEST_CASE("validation finds a file that is missing or no file of bytes") {
  TemporaryDirectory folder;
  REQUIRE(io::posix_file_system().open(folder.path() + "/there", io::OpenMode::kCreate));
  const auto problems_at = [&](const std::string& path) {
    ConfigProblems problems;
    const auto node = config::load_yaml("file: " + path, "p.yaml", problems);
    file_source().check(file_source().parse(*node->find("file"), problems), folder.path(), problems);
    return problems;
  };
  CHECK(problems_at("there").empty());
  REQUIRE(problems_at("missing").size() == 1);
  CHECK_THAT(problems_at("missing")[0].describe(),
             Catch::StartsWith("p.yaml:1:7: error:") && Catch::Contains("missing"));
  CHECK(problems_at(".").empty());  // all of its files
  REQUIRE(problems_at("/dev/null").size() == 1);
  CHECK_THAT(problems_at("/dev/null")[0].message, Catch::Contains("not a file of bytes"));
}

TEST_CASE("the descriptors say what engine and user may rely on") {
  CHECK(file_sink().delivery == Guarantee::kExactlyOnce);
  FileSourceConfig config;
  config.max_event = {5 << 20};
  const SourceTraits traits = file_source().source_traits(std::make_shared<const FileSourceConfig>(config));
  CHECK(traits.rereadable);
  CHECK(traits.finite);
  // The door may refuse nothing that the source itself would take.
  CHECK(traits.max_event_bytes == 5 << 20);
}

TEST_CASE("a component without a file system is an error, not a crash") {
  ManualClock clock;
  SeededRandom random(1);
  loop::TestLoop loop(clock);
  Services services;
  const ParsedConfig parsed = std::make_shared<const FileSinkConfig>(FileSinkConfig{"out", {}});
  const auto sink = file_sink().create_sink(parsed, {loop, clock, random, services, "p", "s", "."});
  REQUIRE_FALSE(sink);
  CHECK(sink.error().context == "p/s");
}

}  // namespace
}  // namespace colloquium::components
