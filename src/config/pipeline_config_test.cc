#include "config/pipeline_config.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <string>

#include "config/redact.h"
#include "config/testing/components.h"

namespace colloquium::config {
namespace {

using testing::FileConfig;
using testing::FilterConfig;
using testing::HttpConfig;

struct Outcome {
  PipelineConfig config;
  std::string messages;
};

PipelineSurroundings surroundings() {
  Substitutions substitutions;
  substitutions.variable = [](std::string_view name) -> std::optional<std::string> {
    if (name == "OUT") return "out/all.ndjson";
    if (name == "PARTITIONS") return "6";
    return std::nullopt;
  };
  substitutions.secret = [](std::string_view) -> Result<std::string> { return "s3cret"; };
  return {testing::registry(), substitutions, "/base"};
}

Outcome read(std::string_view text, const std::string& file = "orders.yaml") {
  ConfigProblems problems;
  Outcome outcome;
  outcome.config = read_pipeline(text, file, surroundings(), problems);
  outcome.messages = describe(problems);
  return outcome;
}

constexpr char kEnds[] = R"(
sources: [{file: {path: in.ndjson}}]
sinks: [{file: {path: out/x}}]
)";

// Messages of a pipeline that is right but for `text`.
std::string with(std::string_view text) {
  return read(std::string(text) + kEnds).messages;
}

LogConfig log_of(std::string_view text) {
  const Outcome outcome = read("log: " + std::string(text) + kEnds);
  CHECK(outcome.messages == "");
  return outcome.config.log;
}

}  // namespace

TEST_CASE("a pipeline file with everything in it is read into its model", "[REQ-091]") {
  const Outcome outcome = read(R"(
name: shop.orders
log:
  partitions: 2
  partition_by: ["$input", "/customer/id"]
  compression: zstd
  ack: written
sources:
  - name: hook
    http: {path: /orders, method: PUT}
    dedupe: {key: ["$input", "/id"], window: 2h, max_ids: 1000}
stages:
  - filter: [">", ["$input", "/total"], 0]
  - name: second
    filter: {keep: "= $input/ok", note: really}
sinks:
  - name: big
    when: [">", ["$input", "/total"], 1000]
    http:
  - file: {path: "${OUT}", rotate: {size: 256MiB, time: 1h}}
errors:
  retry: {policy: fixed, initial: 1s, max: 1s, attempts: 3}
  dead_letter: graveyard
commit: {interval: 50ms, size: 1MiB}
context: {rate: 1.2, names: [a, b]}
)");
  CHECK(outcome.messages == "");
  const PipelineConfig& config = outcome.config;
  CHECK(config.name == "shop.orders");
  CHECK(config.base_dir == "/base");
  CHECK(config.log.partitions == 2);
  CHECK(config.log.partition_by.node.to_json() == R"(["$input","/customer/id"])");
  CHECK(config.log.compression == Compression::kZstd);
  CHECK(config.log.ack == Ack::kWritten);

  REQUIRE(config.sources.size() == 1);
  CHECK(config.sources[0].name == "hook");
  CHECK(config.sources[0].named);
  CHECK(config.sources[0].descriptor->name == "http");
  CHECK(config_of<HttpConfig>(config.sources[0].parsed).method == "PUT");
  REQUIRE(config.sources[0].dedupe);
  CHECK(config.sources[0].dedupe->key.node.to_json() == R"(["$input","/id"])");
  CHECK(config.sources[0].dedupe->window.ms == 7'200'000);
  CHECK(config.sources[0].dedupe->max_ids == 1000);

  REQUIRE(config.stages.size() == 2);
  CHECK(config.stages[0].name == "filter");
  CHECK_FALSE(config.stages[0].named);
  CHECK(config_of<FilterConfig>(config.stages[0].parsed).keep.node.to_json() == R"([">",["$input","/total"],0])");
  CHECK(config_of<FilterConfig>(config.stages[1].parsed).note == "really");

  REQUIRE(config.sinks.size() == 2);
  CHECK(config.sinks[0].when.node.to_json() == R"([">",["$input","/total"],1000])");
  CHECK_FALSE(config.sinks[1].when);
  CHECK(config_of<FileConfig>(config.sinks[1].parsed).path == "out/all.ndjson");
  CHECK(config_of<FileConfig>(config.sinks[1].parsed).rotate.size == ByteSize{256 << 20});

  CHECK(config.errors.retry.policy == RetryKind::kFixed);
  CHECK(config.errors.retry.initial.ms == 1000);
  CHECK(config.errors.retry.attempts == 3);
  CHECK(config.errors.dead_letter == "graveyard");
  CHECK(config.commit.interval.ms == 50);
  CHECK(config.commit.size.bytes == 1 << 20);
  CHECK(config.context.at("names").to_json() == R"(["a","b"])");
}

TEST_CASE("the retention of dead letters is for a stream of nothing else") {
  const std::string own = std::string(kEnds) + "errors: {retention: {time: 30d}}\n";
  CHECK(read(own, "dir/orders.yaml").messages == "");
  CHECK(read(own, "dir/orders.yaml").config.errors.retention.time.ms == 30LL * 24 * 3'600'000);
  const std::string other = std::string(kEnds) + "errors: {dead_letter: review, retention: {time: 30d}}\n";
  CHECK_THAT(read(other, "dir/orders.yaml").messages, Catch::Contains("whose name ends in .dead"));
}

TEST_CASE("a pipeline needs little more than sources and sinks") {
  const Outcome outcome = read(kEnds, "dir/orders.yaml");
  CHECK(outcome.messages == "");
  CHECK(outcome.config.name == "orders");
  CHECK(outcome.config.log.enabled);
  CHECK(outcome.config.log.partitions == 1);
  CHECK(outcome.config.log.compression == Compression::kLz4);
  CHECK(outcome.config.log.ack == Ack::kDurable);
  CHECK(outcome.config.errors.retry.policy == RetryKind::kExponential);
  CHECK(outcome.config.errors.retry.attempts == 8);
  CHECK(outcome.config.errors.dead_letter == "orders.dead");
  CHECK(outcome.config.commit.interval.ms == 100);
  CHECK(outcome.config.commit.size.bytes == 8 << 20);
  CHECK_FALSE(outcome.config.sources[0].dedupe);
}

TEST_CASE("a file with five mistakes gives exactly five messages with their places", "[REQ-094][REQ-106]") {
  const Outcome outcome = read(R"(name: orders
log:
  partitions: four
  compresion: lz4
sources:
  - http: {path: /orders, methd: PUT}
stages:
  - fliter: [">", 1, 2]
sinks:
  - file: {path: out/x, rotate: {time: 10}}
)");
  CHECK(
      outcome.messages ==
      "orders.yaml:3:15: error: log.partitions must be an integer, found the string 'four'\n"
      "orders.yaml:4:3: error: unknown key 'compresion' in log; did you mean 'compression'?\n"
      "orders.yaml:6:27: error: unknown key 'methd' in http; did you mean 'method'?\n"
      "orders.yaml:8:5: error: unknown stage 'fliter'; did you mean 'filter'?\n"
      "orders.yaml:10:40: error: file.rotate.time must be a duration such as 500ms, 10s, 5m, 1h or 7d, found the "
      "number 10\n");
}

TEST_CASE("partitions are one, four where a key is given, or what the file says") {
  CHECK(log_of("{}").partitions == 1);
  CHECK(log_of("{partition_by: '= $input/id'}").partitions == 4);
  CHECK(log_of("{partition_by: '= $input/id', partitions: 1}").partitions == 1);
}

TEST_CASE("a substituted number is a number where one is wanted", "[REQ-095]") {
  CHECK(read("log:\n  partitions: ${PARTITIONS}\n" + std::string(kEnds)).config.log.partitions == 6);
  CHECK(with("log: {partitions: '${PARTITIONS}'}") ==
        "orders.yaml:1:19: error: log.partitions must be an integer, found the string '6'\n");
}

TEST_CASE("who calls no provider needs no keys of theirs, and everything else all the same", "[REQ-095]") {
  const std::string text = "ai: {providers: [{openai: {api_key: '${KEY}'}}]}\n" + std::string(kEnds);
  CHECK(read(text).messages.find("KEY") != std::string::npos);
  PipelineSurroundings offline = surroundings();
  offline.offline = true;
  ConfigProblems problems;
  read_pipeline(text, "orders.yaml", offline, problems);
  CHECK(describe(problems).find("KEY") == std::string::npos);
  read_pipeline("name: ${OTHER}\n" + text, "orders.yaml", offline, problems);
  CHECK(describe(problems).find("orders.yaml:1:7: error") != std::string::npos);
}

TEST_CASE("the log can be off, and then nothing durable can be promised") {
  CHECK_FALSE(log_of("off").enabled);
  CHECK_FALSE(log_of("'off'").enabled);
  CHECK(log_of("").enabled);
  CHECK(
      with("log: off\nack: durable") ==
      "orders.yaml:2:1: error: ack: durable cannot be kept with log: off, which stores nothing; remove one of the "
      "two\n");
  CHECK(with("ack: written") == "orders.yaml:1:1: error: ack belongs in log: write 'log: {ack: written}'\n");
  CHECK(with("log: false") == "orders.yaml:1:6: error: log must be 'off' or a map, found false\n");
  CHECK(with("log: on") == "orders.yaml:1:6: error: log must be 'off' or a map, found the string 'on'\n");
}

TEST_CASE("compaction is off unless it is asked for, and needs what gives the keys") {
  CHECK_FALSE(log_of("{}").compaction);
  const LogConfig given = log_of("{partition_by: [\"$input\", \"/id\"], compaction: {after: 1h, tombstones: 2d}}");
  REQUIRE(given.compaction);
  CHECK(given.compaction->after.ms == 3'600'000);
  CHECK(given.compaction->tombstones.ms == 2 * 24 * 3'600'000);
  const LogConfig plain = log_of("{partition_by: [\"$input\", \"/id\"], compaction: {}}");
  REQUIRE(plain.compaction);
  CHECK(plain.compaction->after.ms == 0);
  CHECK(plain.compaction->tombstones.ms == 24 * 3'600'000);
  CHECK(with("log: {compaction: {}}") ==
        "orders.yaml:1:19: error: log.compaction needs log.partition_by, which gives events their keys\n");
  CHECK(with("log: {partition_by: [\"$input\", \"/id\"], compaction: {befor: 1h}}").find("befor") !=
        std::string::npos);
}

TEST_CASE("retention is time, size or both, and nonsense is told") {
  const LogConfig none = log_of("");
  CHECK(none.retention.time.ms == 0);
  CHECK(none.retention.size.bytes == 0);
  CHECK_FALSE(none.retention.drop_unread);
  const LogConfig both = log_of("{retention: {time: 7d, size: 10GiB, drop_unread: true}}");
  CHECK(both.retention.time.ms == 7 * 24 * 3'600'000LL);
  CHECK(both.retention.size.bytes == int64_t{10} << 30);
  CHECK(both.retention.drop_unread);
  CHECK(log_of("{retention: {time: 1h}}").retention.size.bytes == 0);

  CHECK(with("log: {retention: {}}").find("log.retention needs time, size, or both") != std::string::npos);
  CHECK(with("log: {retention: {drop_unread: true}}").find("needs time, size, or both") != std::string::npos);
  CHECK(with("log: {retention: {time: 0s}}").find("retention.time") != std::string::npos);
  CHECK(with("log: {retention: {size: 1MiB}}").find("retention.size") != std::string::npos);
  CHECK(with("log: {retention: 7d}") != "");
  CHECK(with("log: {partitions: 4, retention: {size: 7MiB}}") ==
        "orders.yaml:1:40: error: log.retention.size must be at least 8MiB for 4 partitions: each needs room for "
        "two segments\n");
  CHECK(with("log: {partitions: 4, retention: {size: 8MiB}}") == "");
  const std::string rest =
      "sources: [{file: {path: a}, dedupe: {key: k, window: 2h}}]\nsinks: [{file: {path: o/x}}]";
  CHECK(read("log: {retention: {time: 1h}}\n" + rest).messages.find("events are kept as long as the window") !=
        std::string::npos);
  CHECK(read("log: {retention: {time: 2h}}\n" + rest).messages == "");
}

TEST_CASE("what this version does not do is refused by name") {
  CHECK(with("log: {kafka: {brokers: b}}") ==
        "orders.yaml:1:7: error: log.kafka is not supported by this version: the log is in the data directory; "
        "remove it\n");
}

TEST_CASE("how far a sink may fall behind has a size, a time or both, and says what happens beyond") {
  const auto sink = [](const std::string& max_lag) {
    return read("sources: [{file: {path: a}}]\nsinks: [{file: {path: o/x}, max_lag: " + max_lag + "}]");
  };
  const auto both = sink("{size: 1GiB, time: 2h, then: drop}");
  CHECK(both.messages == "");
  REQUIRE(both.config.sinks[0].max_lag);
  CHECK(both.config.sinks[0].max_lag->size->bytes == 1 << 30);
  CHECK(both.config.sinks[0].max_lag->time->ms == 7'200'000);
  CHECK(both.config.sinks[0].max_lag->then == LagAction::kDrop);
  CHECK(sink("{time: 1h}").config.sinks[0].max_lag->then == LagAction::kPause);
  CHECK(sink("{}").messages ==
        "orders.yaml:2:38: error: sinks[0].max_lag needs a size or a time, such as {time: 1h}\n");
  CHECK(sink("{size: 1KiB}").messages.find("sinks[0].max_lag.size") != std::string::npos);
  CHECK(read("sources: [{file: {path: a}, max_lag: {time: 1h}}]\nsinks: [{file: {path: o/x}}]")
            .messages.find("unknown key 'max_lag'") != std::string::npos);
}

TEST_CASE("what failed may go to another pipeline, and nowhere else then", "[REQ-021]") {
  const auto messages = [](const std::string& errors, const std::string& of_sink) {
    return read("name: p\nsources: [{file: {path: a}}]\nsinks: [{file: {path: o/x}, errors: " + of_sink +
                "}]\nerrors: " + errors)
        .messages;
  };
  CHECK(messages("{to: rescue}", "{to: other}") == "");
  CHECK(messages("{to: rescue}", "{then: drop}") == "");
  CHECK(messages("{to: rescue, then: drop}", "{}").find("an event goes one way") != std::string::npos);
  CHECK(messages("{}", "{to: rescue, then: drop}").find("an event goes one way") != std::string::npos);
  CHECK(messages("{to: p}", "{}").find("which is this pipeline's own") != std::string::npos);
  CHECK(messages("{}", "{to: p.dead}").find("which is this pipeline's own") != std::string::npos);
  CHECK(messages("{to: 'a b'}", "{}").find("is no name for a pipeline") != std::string::npos);
}

TEST_CASE("a pipeline without sources or sinks is refused") {
  CHECK(read("").messages == "orders.yaml:1:1: error: the file is empty; a pipeline needs sources and sinks\n");
  CHECK(read("[a]").messages ==
        "orders.yaml:1:1: error: a pipeline must be a map of name, sources, stages and sinks, found a list\n");
  CHECK(read("name: x").messages ==
        "orders.yaml:1:1: error: missing key 'sources'\n"
        "orders.yaml:1:1: error: missing key 'sinks'\n");
  CHECK(read("sources: []\nsinks:\n").messages ==
        "orders.yaml:1:10: error: a pipeline needs at least one source\n"
        "orders.yaml:2:1: error: a pipeline needs at least one sink\n");
  CHECK(read("sources: {file: {path: a}}\nsinks: [{file: {path: o/x}}]").messages ==
        "orders.yaml:1:10: error: sources must be a list, found a map; begin each entry with '- '\n");
}

TEST_CASE("an entry has exactly one kind", "[REQ-094]") {
  CHECK(with("stages: [{name: x}]") ==
        "orders.yaml:1:10: error: stages[0] does not say what it is; known stages: filter\n");
  CHECK(with("stages: [{quux: 1}]") == "orders.yaml:1:11: error: unknown stage 'quux'; known: filter\n");
  CHECK(with("stages: [{http: {}}]") ==
        "orders.yaml:1:11: error: 'http' is a source, not a stage; put it under 'sources'\n");
  CHECK(with("stages: [filter]") ==
        "orders.yaml:1:10: error: stages[0] must be a map, found the string 'filter'; write 'filter: {}'\n");
  CHECK(with("stages: [[1]]") ==
        "orders.yaml:1:10: error: stages[0] must be a map, found a list, such as 'name: …' and its kind\n");
  CHECK(read("sources: [{file: {path: a}, http: {}}]\nsinks: [{file: {path: o/x}}]").messages ==
        "orders.yaml:1:29: error: sources[0] is already a 'file' source; give 'http' an entry of its own\n");
}

TEST_CASE("an entry may have a few keys beside its kind, by section") {
  CHECK(read("sources: [{file: {path: a}, when: 1}]\nsinks: [{file: {path: o/x}, wen: 1}]").messages ==
        "orders.yaml:1:29: error: unknown key 'when' in sources[0]; beside its kind it may have name or dedupe\n"
        "orders.yaml:2:29: error: unknown key 'wen' in sinks[0]; did you mean 'when'?\n");
  CHECK(read("sources: [{file: {path: a}, dedupe: {windw: 1h}}]\nsinks: [{file: {path: o/x}}]").messages ==
        "orders.yaml:1:37: error: missing key 'key' in sources[0].dedupe\n"
        "orders.yaml:1:38: error: unknown key 'windw' in sources[0].dedupe; did you mean 'window'?\n");
}

TEST_CASE("an expression that is written empty is refused") {
  CHECK(read("sources: [{file: {path: a}}]\nsinks: [{file: {path: o/x}, when: }]").messages ==
        "orders.yaml:2:29: error: sinks[0].when must be an expression, found nothing\n");
  CHECK(with("log: {partition_by: }") ==
        "orders.yaml:1:7: error: log.partition_by must be an expression, found nothing\n");
  CHECK(with("stages: [{filter: }]") == "orders.yaml:1:11: error: missing key 'keep' in filter\n");
}

TEST_CASE("dedupe may be its key alone") {
  const Outcome outcome =
      read("sources: [{file: {path: a}, dedupe: [\"$input\", /id]}]\nsinks: [{file: {path: o/x}}]");
  CHECK(outcome.messages == "");
  CHECK(outcome.config.sources[0].dedupe->key.node.to_json() == R"(["$input","/id"])");
  CHECK(outcome.config.sources[0].dedupe->window.ms == 86'400'000);
}

TEST_CASE("names are given by kind where the file gives none, past those it gives") {
  const Outcome outcome = read(R"(
sources:
  - file: {path: a}
  - name: file-2
    file: {path: b}
  - file: {path: c}
  - http: {}
sinks:
  - name: file
    http: {}
  - file: {path: out/x}
)");
  CHECK(outcome.messages == "");
  std::string names;
  for (const ComponentConfig& source : outcome.config.sources) names += source.name + " ";
  for (const ComponentConfig& sink : outcome.config.sinks) names += sink.name + " ";
  CHECK(names == "file file-2 file-3 http file file-2 ");
}

TEST_CASE("names are unique and made of few characters", "[REQ-094]") {
  CHECK(
      read("sources: [{name: a, file: {path: x}}, {name: a, http: {}}]\nsinks: [{file: {path: o/x}}]").messages ==
      "orders.yaml:1:46: error: two sources are called 'a'; the first is at orders.yaml:1:18\n");
  const std::string rule = "use letters, digits, '.', '_' and '-', not beginning with '.', at most 200\n";
  CHECK(with("stages: [{name: a b, filter: true}]") ==
        "orders.yaml:1:17: error: 'a b' is no name for a stage: " + rule);
  CHECK(with("name: ../x") == "orders.yaml:1:7: error: '../x' is no name for a pipeline: " + rule);
  CHECK(with("name: 7") ==
        "orders.yaml:1:7: error: name must be a string, found the number 7; put it in quotes\n");
  CHECK(with("errors: {dead_letter: a/b}") == "orders.yaml:1:23: error: 'a/b' is no name for a stream: " + rule);
  CHECK(read(kEnds, "my orders.yaml").messages.find("missing key 'name'") != std::string::npos);
  CHECK(is_valid_name(std::string(200, 'a')));
  CHECK_FALSE(is_valid_name(std::string(201, 'a')));
  CHECK_FALSE(is_valid_name(""));
  CHECK_FALSE(is_valid_name(".."));
}

TEST_CASE("the file's name serves as the pipeline's, whatever its ending") {
  for (const char* file : {"orders.yaml", "a/b/orders.yml", "./orders.json", "orders"}) {
    CHECK(read(kEnds, file).config.name == "orders");
  }
}

TEST_CASE("the dead letters have a stream of their own") {
  CHECK(with("name: o\nerrors: {dead_letter: o}") ==
        "orders.yaml:2:23: error: the dead letters cannot go to the pipeline's own stream\n");
  CHECK(with("name: o\nstages: [{name: dead, filter: true}]") ==
        "orders.yaml:2:10: error: the stream of stage 'dead' would be that of the dead letters, 'o.dead'; rename "
        "one "
        "of them\n");
}

TEST_CASE("retries are checked together") {
  CHECK(with("errors: {retry: {initial: 1m, max: 1s}}") ==
        "orders.yaml:1:17: error: errors.retry.initial must not be longer than errors.retry.max\n");
  CHECK(with("errors: {retry: {policy: linear}}") ==
        "orders.yaml:1:26: error: errors.retry.policy must be exponential, fixed or none, found the string "
        "'linear'\n");
  CHECK(read("errors: {retry: none}" + std::string(kEnds)).config.errors.retry.policy == RetryKind::kNone);
}

TEST_CASE("context gives variables, but none that scripts have already") {
  CHECK(with("context: {input: 1}") ==
        "orders.yaml:1:18: error: context.input hides $input, which every script has; rename it\n");
  CHECK(with("context: {a-b: 1}") ==
        "orders.yaml:1:16: error: 'a-b' in context is no name for a variable: use letters, digits and '_'\n");
  CHECK(with("context: [1]") == "orders.yaml:1:10: error: context must be a map, found a list\n");
}

TEST_CASE("metrics are declared with what they count and how", "[REQ-112]") {
  const auto outcome = read(
      "metrics:\n"
      "  - {name: orders, help: Seen., labels: [region, tier]}\n"
      "  - {name: total, type: histogram, buckets: [1, 2.5, 10]}\n"
      "  - {name: size, type: histogram, max_series: 5}\n"
      "  - {name: stock, type: gauge}\n" +
      std::string(kEnds));
  CHECK(outcome.messages.empty());
  const std::vector<MetricConfig>& metrics = outcome.config.metrics;
  REQUIRE(metrics.size() == 4);
  CHECK(metrics[0].type == MetricType::kCounter);
  CHECK(metrics[0].labels == std::vector<std::string>{"region", "tier"});
  CHECK(metrics[0].max_series == 1000);
  CHECK(metrics[1].buckets == std::vector<double>{1, 2.5, 10});
  CHECK(metrics[2].buckets.size() == 11);
  CHECK(metrics[2].max_series == 5);
  CHECK(metrics[3].buckets.empty());
}

TEST_CASE("a metric that cannot be kept is told where it stands") {
  CHECK(with("metrics: [{type: gauge}]") == "orders.yaml:1:11: error: missing key 'name' in metrics[0]\n");
  CHECK(with("metrics: [{name: a-b}]") ==
        "orders.yaml:1:18: error: 'a-b' is no name for a metric: use letters, digits and '_'\n");
  CHECK(with("metrics: [{name: a}, {name: b}, {name: a}]") ==
        "orders.yaml:1:40: error: a metric named 'a' is declared already\n");
  CHECK(with("metrics: [{name: a, labels: [le]}]") ==
        "orders.yaml:1:29: error: the label 'le' is there already\n");
  CHECK(with("metrics: [{name: a, labels: [x, x]}]") ==
        "orders.yaml:1:29: error: the label 'x' is there already\n");
  CHECK(with("metrics: [{name: a, labels: [__x]}]") ==
        "orders.yaml:1:29: error: '__x' is no name for a label: use letters, digits and '_'\n");
  CHECK(with("metrics: [{name: a, type: gauge, buckets: [1]}]") ==
        "orders.yaml:1:43: error: only a histogram has buckets\n");
  CHECK(with("metrics: [{name: a, type: histogram, buckets: [1, 1]}]") ==
        "orders.yaml:1:47: error: the buckets must ascend\n");
}

TEST_CASE("a component's own checks run once its settings are right") {
  CHECK(read("sources: [{file: {path: a}}]\nsinks: [{file: {path: x}}]").messages ==
        "error: no directory, seen from /base\n");
  CHECK(read("sources: [{file: {path: a}}]\nsinks: [{file: {path: x, folow: 1}}]").messages ==
        "orders.yaml:2:26: error: unknown key 'folow' in file; did you mean 'follow'?\n");
}

TEST_CASE("every component of a faulty file that could be found is parsed") {
  const Outcome outcome =
      read("sources: [{file: {pth: a}}, {nothing: 1}]\nsinks: [{name: '!', file: {path: o/x}}]");
  CHECK_FALSE(outcome.messages.empty());
  REQUIRE(outcome.config.sources.size() == 1);
  for (const ComponentConfig& component : outcome.config.sources) {
    CHECK(component.descriptor != nullptr);
    CHECK(component.parsed != nullptr);
  }
  REQUIRE(outcome.config.sinks.size() == 1);
  CHECK(outcome.config.sinks[0].name == "file");
}

TEST_CASE("every piece knows its place") {
  const Outcome outcome = read(R"(log: {partition_by: "= $input/id"}
sources:
  - dedupe: {key: [a]}
    file: {path: a}
stages:
  - filter:
      keep: [1]
sinks:
  - when: true
    file: {path: o/x}
)");
  CHECK(outcome.messages == "");
  const PipelineConfig& config = outcome.config;
  CHECK(config.log.partition_by.node.mark.describe() == "orders.yaml:1:21");
  CHECK(config.sources[0].mark.describe() == "orders.yaml:3:5");
  CHECK(config.sources[0].kind_mark.describe() == "orders.yaml:4:5");
  CHECK(config.sources[0].dedupe->mark.describe() == "orders.yaml:3:13");
  CHECK(config_of<FilterConfig>(config.stages[0].parsed).keep.node.mark.describe() == "orders.yaml:7:13");
  CHECK(config.sinks[0].when.node.mark.describe() == "orders.yaml:9:11");
}

TEST_CASE("what scripts see of the file has no secret in it") {
  const Outcome outcome = read(R"(
sources: [{http: {token: abc, headers: ["${secret:h}"]}}]
sinks: [{file: {path: o/x}}]
context: {key: "${secret:k}", open: 1}
)");
  CHECK(outcome.messages == "");
  CHECK(config_of<HttpConfig>(outcome.config.sources[0].parsed).token.value == "abc");
  CHECK(outcome.config.context.at("key").text == "s3cret");
  CHECK(outcome.config.shown.to_json() ==
        R"({"sources":[{"http":{"token":"***","headers":["***"]}}],"sinks":[{"file":{"path":"o/x"}}],)"
        R"("context":{"key":"***","open":1}})");
}

TEST_CASE("many components are read in the order they stand in", "[REQ-091]") {
  std::string text = "sources: [{file: {path: a}}]\nstages:\n";
  for (int i = 0; i < 200; ++i) text += "  - filter: {keep: true, note: n" + std::to_string(i) + "}\n";
  const Outcome outcome = read(text + "sinks: [{file: {path: o/x}}]\n");
  CHECK(outcome.messages == "");
  REQUIRE(outcome.config.stages.size() == 200);
  CHECK(outcome.config.stages[0].name == "filter");
  CHECK(outcome.config.stages[199].name == "filter-200");
  CHECK(config_of<FilterConfig>(outcome.config.stages[150].parsed).note == "n150");
}

TEST_CASE("aliases share settings between components", "[REQ-095]") {
  const Outcome outcome = read(R"(
sources:
  - file: {path: a, rotate: &rotate {size: 1MiB, time: 10m}}
sinks:
  - file: {path: o/x, rotate: *rotate}
  - file: {path: o/y, rotate: *rotate}
)");
  CHECK(outcome.messages == "");
  for (const ComponentConfig& sink : outcome.config.sinks) {
    CHECK(config_of<FileConfig>(sink.parsed).rotate.time.ms == 600'000);
  }
}

TEST_CASE("a mistake in an aliased value is told once for each use, at the place it was written") {
  const Outcome outcome = read(R"(sources:
  - file: {path: a, rotate: &r {tme: 10m}}
sinks:
  - file: {path: o/x, rotate: *r}
)");
  const std::string once = "orders.yaml:2:33: error: unknown key 'tme' in file.rotate; did you mean 'time'?\n";
  CHECK(outcome.messages == once + once);
}

TEST_CASE("a missing variable is told once, and nothing is said about the value it would have had",
          "[REQ-094][REQ-095]") {
  CHECK(read("log:\n  partitions: ${NONE}\n" + std::string(kEnds)).messages ==
        "orders.yaml:2:15: error: the variable NONE is not set; set it, or write ${NONE:-default}\n");
  CHECK(read("sources: [{file: {path: a}}]\nsinks: \n  - file: ${NONE}\n").messages ==
        "orders.yaml:3:11: error: the variable NONE is not set; set it, or write ${NONE:-default}\n");
  CHECK(read("sources: ${NONE}\nsinks: [{file: {path: o/x}}]").messages ==
        "orders.yaml:1:10: error: the variable NONE is not set; set it, or write ${NONE:-default}\n");
  CHECK(read("name: ${NONE}\n" + std::string(kEnds)).messages ==
        "orders.yaml:1:7: error: the variable NONE is not set; set it, or write ${NONE:-default}\n");
}

TEST_CASE("warnings leave a pipeline as it is") {
  const Outcome outcome = read("sources: [{file: {path: a, tail: true}}]\nsinks: [{file: {path: o/x}}]");
  CHECK(outcome.messages ==
        "orders.yaml:1:28: warning: key 'tail' in file is another spelling of 'follow'; use that\n");
  CHECK(config_of<FileConfig>(outcome.config.sources[0].parsed).follow);
}

TEST_CASE("every prefix and many mutations of a pipeline file are read or refused", "[REQ-106]") {
  const std::string sample = R"(name: orders
log: {partitions: 4, partition_by: ["$input", "/id"]}
sources:
  - name: hook
    http: {path: "${OUT}"}
    dedupe: {key: [a], window: 24h}
sinks:
  - file: {path: out/x, rotate: {size: 1MiB}}
errors: {retry: none}
)";
  CHECK(read(sample).messages == "");
  for (size_t length = 0; length < sample.size(); ++length) {
    const Outcome outcome = read(sample.substr(0, length));
    INFO(length);
    CHECK((!outcome.messages.empty() || !outcome.config.sinks.empty()));
  }
  std::mt19937 random(11);
  for (int round = 0; round < 1'000; ++round) {
    std::string text = sample;
    for (int i = 0; i < 3; ++i) text[random() % text.size()] = static_cast<char>(random() % 128);
    const Outcome outcome = read(text);
    INFO(text);
    CHECK((!outcome.messages.empty() || !outcome.config.sinks.empty()));
  }
}

TEST_CASE("the log's encryption has its keys from one place, and scripts do not see them") {
  const LogConfig file = log_of("{encryption: {key_file: log.key}}");
  REQUIRE(file.encryption);
  CHECK(file.encryption->key_file == "log.key");
  CHECK_FALSE(file.encryption->decrypt_only);
  CHECK(file.encryption->mark.describe() == "orders.yaml:1:30");
  CHECK_FALSE(log_of("{partitions: 2}").encryption);

  const Outcome outcome = read(std::string("log: {encryption: {key: 0badcafe, decrypt_only: true}}") + kEnds);
  CHECK(outcome.messages == "");
  CHECK(outcome.config.log.encryption->key.value == "0badcafe");
  CHECK(outcome.config.shown.to_json().find("0badcafe") == std::string::npos);
  CHECK(outcome.config.shown.to_json().find("***") != std::string::npos);

  CHECK(with("log: {encryption: {}}") == "orders.yaml:1:19: error: log.encryption needs either key_file or key\n");
  CHECK(with("log: {encryption: {key_file: a, key: b}}") ==
        "orders.yaml:1:19: error: log.encryption needs either key_file or key\n");
}

TEST_CASE("sinks take the cases of a route, and what names none is told", "[REQ-015]") {
  const auto messages = [](const std::string& route, const std::string& sink) {
    return read("route: " + route + "\nsources: [{file: {path: in.ndjson}}]\nsinks: [{route: " + sink +
                ", file: {path: out/x}}]\n")
        .messages;
  };
  const std::string cases = "{cases: [{name: large, when: [\"$input\", \"/l\"]}], default: rest}";
  const Outcome good =
      read("route: " + cases + "\nsources: [{file: {path: in.ndjson}}]\nsinks: [{route: [large, rest]" +
           ", file: {path: out/x}}]\n");
  CHECK(good.messages == "");
  REQUIRE(good.config.route.cases.size() == 1);
  CHECK(good.config.route.match == RouteMatch::kFirst);
  CHECK(good.config.route.rest == "rest");
  CHECK(good.config.sinks[0].route == std::vector<std::string>{"large", "rest"});
  CHECK(messages(cases, "[lrge, rest]").find("route has no case 'lrge'; did you mean 'large'?") !=
        std::string::npos);
  CHECK(messages(cases, "[rest]").find("no sink takes the case 'large'") != std::string::npos);
  CHECK(messages(cases, "large").find("must be a list of cases") != std::string::npos);
  CHECK(messages("{cases: []}", "[x]").find("route.cases") != std::string::npos);
  CHECK(messages("{cases: [{name: a, when: true}, {name: a, when: true}]}", "[a]").find("two cases called 'a'") !=
        std::string::npos);
  CHECK(read("sources: [{file: {path: in.ndjson}}]\nsinks: [{route: [x], file: {path: out/x}}]\n")
            .messages.find("there is no route in this pipeline") != std::string::npos);
}

}  // namespace colloquium::config
