// PipelineConfig: a pipeline file, read and checked.
//
// read_pipeline turns a file's text into this model: substitution, names, components looked up in the
// registry and their settings parsed and checked. Every problem of the file is reported at once. What needs
// the language (compiling expressions) is left to src/engine, which finds the place of every piece here.
//
// Thread safety: values; a ComponentRegistry is called on the caller's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/config_spec.h"

#include "config/ai_config.h"
#include "config/substitution.h"

namespace colloquium::config {

enum class Compression { kNone, kGzip, kLz4, kZstd };
enum class Ack { kDurable, kWritten, kQueued };
enum class RetryKind { kNone, kFixed, kExponential };
// What becomes of an event that failed for good.
enum class FailureAction { kDeadLetter, kDrop, kStop };

// How much of the stream is kept; nothing is removed unless it is there.
struct RetentionConfig {
  Duration time{0};          // 0: not given
  ByteSize size{0};          // 0: not given; of all partitions together
  bool drop_unread = false;  // also what a sink has not finished
};

// Of the events of one key only the newest has to stay.
struct CompactionConfig {
  Duration after{0};
  Duration tombstones{24 * 3'600'000};
};

// One of the two gives the keys.
struct EncryptionConfig {
  std::string key_file;
  Secret key;
  bool decrypt_only = false;
  ConfigMark mark;  // of what gives them
};

struct LogConfig {
  bool enabled = true;      // false: `log: off`, and nothing else here means anything
  int32_t partitions = 1;   // 4 where partition_by is given
  Expression partition_by;  // unset: round robin by batch
  Compression compression = Compression::kLz4;
  Ack ack = Ack::kDurable;
  RetentionConfig retention;
  std::optional<CompactionConfig> compaction;  // unset: off
  std::optional<EncryptionConfig> encryption;
  ConfigMark mark;
};

struct DedupeConfig {
  Expression key;
  Expression sequence;  // unset: key is an event's id, else its producer's
  Duration window{24 * 3'600'000};
  int64_t max_ids = 10'000'000;
  ConfigMark mark;
};

struct RetryConfig {
  RetryKind policy = RetryKind::kExponential;
  Duration initial{200};
  Duration max{30'000};
  int32_t attempts = 8;  // in all, the first included
  Duration age{0};       // since the first attempt, whatever the reason was; 0: without end
};

struct BreakerConfig {
  int32_t failures = 5;
  Duration open{30'000};
};

// Tells when too much fails.
struct AlertConfig {
  int32_t percent = 5;      // of a component's events, beyond which it is raised
  Duration window{60'000};  // of that long
  int32_t events = 20;      // fewer of them in the window raise nothing
  std::string to;           // the pipeline that gets the alert as an event; empty: it is only logged and measured
};

struct ErrorsConfig {
  RetryConfig retry;
  std::optional<AlertConfig> alert;
  FailureAction then = FailureAction::kDeadLetter;
  std::optional<BreakerConfig> breaker;
  std::string dead_letter;    // stream name; "<pipeline>.dead" if not given
  RetentionConfig retention;  // of that stream
  std::string to;             // another pipeline that gets the events instead; empty: none
};

// Of one stage or sink; what is not given is the pipeline's. What failed in a stage would fail there again.
struct StageErrorsConfig {
  std::optional<FailureAction> then;
  std::string to;
};
struct SinkErrorsConfig {
  std::optional<RetryConfig> retry;
  std::optional<FailureAction> then;
  std::string to;
  std::optional<BreakerConfig> breaker;
};

enum class LagAction { kPause, kDeadLetter, kDrop };

// How far a sink may be behind. One of the two is set, or both.
struct MaxLagConfig {
  std::optional<ByteSize> size;  // of the stream, all partitions together
  std::optional<Duration> time;
  LagAction then = LagAction::kPause;
  ConfigMark mark;
};

struct CommitConfig {
  Duration interval{100};
  ByteSize size{8 << 20};
};

enum class MetricType { kCounter, kGauge, kHistogram };

enum class RouteMatch { kFirst, kAll };

struct RouteCaseConfig {
  std::string name;
  Expression when;
};

// Which of some named cases an event is; sinks take it by these names.
struct RouteConfig {
  RouteMatch match = RouteMatch::kFirst;
  std::vector<RouteCaseConfig> cases;  // empty: there is no `route`
  std::string rest;                    // the name of what is none of them; empty: it has none
};

// A metric that the pipeline's scripts may change.
struct MetricConfig {
  std::string name;
  MetricType type = MetricType::kCounter;
  std::string help;
  std::vector<std::string> labels;
  std::vector<double> buckets;  // of a histogram, ascending
  int32_t max_series = 1000;
};

// One entry of sources, stages, sinks or ai.providers.
struct ComponentConfig {
  std::string name;                        // unique in its list
  bool named = false;                      // false: the name is its kind, or kind-2 …
  const Descriptor* descriptor = nullptr;  // never null in a PipelineConfig
  ConfigNode settings;                     // what stands behind the kind
  ParsedConfig parsed;                     // what the descriptor made of it
  ConfigMark mark;                         // of the entry
  ConfigMark kind_mark;                    // of the key that names the kind
  std::optional<DedupeConfig> dedupe;      // sources
  Expression when;                         // sinks
  SinkErrorsConfig errors;                 // sinks; of stages `then`
  std::optional<MaxLagConfig> max_lag;     // sinks
  std::vector<std::string> route;          // sinks: the cases it takes; empty: every event
  ConfigMark route_mark;
  ProviderSettings provider;  // providers
};

struct PipelineConfig {
  std::string name;      // the file's name without its ending, if not given
  std::string base_dir;  // relative paths in the file start here
  ConfigMark mark;       // of the whole file
  LogConfig log;
  std::vector<ComponentConfig> sources;
  std::vector<ComponentConfig> stages;
  RouteConfig route;
  std::vector<ComponentConfig> sinks;
  std::vector<ComponentConfig> providers;  // of `ai`
  std::optional<AiConfig> ai;              // unset: there is no such section
  ErrorsConfig errors;
  CommitConfig commit;
  std::map<std::string, ConfigNode> context;  // variables for every script
  std::vector<MetricConfig> metrics;
  ConfigNode shown;  // the whole file after substitution, secrets masked: $pipeline_config
};

// The components there are. Names are asked for messages only.
struct ComponentRegistry {
  std::function<const Descriptor*(ComponentKind kind, std::string_view name)> find;
  std::function<std::vector<std::string>(ComponentKind kind)> names;
};

struct PipelineSurroundings {
  ComponentRegistry registry;
  Substitutions substitutions;
  std::string base_dir;
  // No AI provider is called: what their entries name and the environment has not, a key mostly, is no problem.
  bool offline = false;
};

// Reads a pipeline file. With errors among `problems` the result is incomplete, but every component in it has
// been parsed, so that further checks can add theirs to the same list.
PipelineConfig read_pipeline(std::string_view text, const std::string& file_name,
                             const PipelineSurroundings& surroundings, ConfigProblems& problems);

// "source", "stage", "sink", "provider".
std::string_view to_string(ComponentKind kind);

// What names of pipelines, streams and components may be: [A-Za-z0-9._-], not beginning with '.', at most
// kMaxNameLength bytes.
inline constexpr size_t kMaxNameLength = 200;
inline constexpr char kNameRule[] = "use letters, digits, '.', '_' and '-', not beginning with '.', at most 200";
bool is_valid_name(std::string_view name);

}  // namespace colloquium::config
