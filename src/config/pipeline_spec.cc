#include "config/pipeline_spec.h"

#include "config/ai_spec.h"

namespace colloquium {

using config::AlertConfig;
using config::BreakerConfig;
using config::CommitConfig;
using config::CompactionConfig;
using config::EncryptionConfig;
using config::ErrorsConfig;
using config::MaxLagConfig;
using config::MetricConfig;
using config::RetentionConfig;
using config::RetryConfig;
using config::RouteCaseConfig;
using config::RouteConfig;
using config::SinkErrorsConfig;
using config::StageErrorsConfig;

ConfigSpec<RetryConfig> ConfigObject<RetryConfig>::spec() {
  return ConfigSpec<RetryConfig>()
      .field(
          "policy", &RetryConfig::policy,
          {.description = "How the wait grows: `exponential` doubles it (with full jitter), `fixed` keeps it, `none` "
                          "never tries again, whatever the reason."})
      .field("initial", &RetryConfig::initial, {.description = "Wait before the second attempt.", .minimum = 1})
      .field("max", &RetryConfig::max, {.description = "Longest wait.", .minimum = 1})
      .field(
          "attempts", &RetryConfig::attempts,
          {.description = "Attempts in all, the first included; then the event is a dead letter. 0: without end. "
                          "Only answers about the event count: a sink that can take nothing (disk full, no "
                          "connection, overloaded) is waited for without end.",
           .minimum = 0})
      .field(
          "age", &RetryConfig::age,
          {.description = "How long an event is tried in all, whatever the reason: then it is given up, also if "
                          "the sink could take nothing all the time. 0: without end.",
           .example = "10m"})
      .shorthand("policy");
}

ConfigSpec<RouteCaseConfig> ConfigObject<RouteCaseConfig>::spec() {
  return ConfigSpec<RouteCaseConfig>()
      .field("name", &RouteCaseConfig::name,
             {.description = "What sinks call it.", .example = "large", .required = true, .minimum = 1})
      .field("when", &RouteCaseConfig::when,
             {.description = "Expression that is true for the events of this case.",
              .example = "[\">\", [\"$input\", \"/total\"], 1000]",
              .required = true});
}

ConfigSpec<RouteConfig> ConfigObject<RouteConfig>::spec() {
  return ConfigSpec<RouteConfig>()
      .field(
          "match", &RouteConfig::match,
          {.description = "`first`: an event is the first of the cases that is true for it, and no other. `all`: "
                          "it is every one that is true."})
      .field("cases", &RouteConfig::cases,
             {.description = "The cases, in this order.", .required = true, .minimum = 1, .maximum = 1000})
      .field("default", &RouteConfig::rest,
             {.description = "The name of what is none of the cases. Without it no sink with `route` gets that.",
              .example = "rest"});
}

ConfigSpec<BreakerConfig> ConfigObject<BreakerConfig>::spec() {
  return ConfigSpec<BreakerConfig>()
      .field("failures", &BreakerConfig::failures,
             {.description = "So many failed writes in a row, of all partitions, open the breaker.", .minimum = 1})
      .field("open", &BreakerConfig::open,
             {.description = "How long nothing is written then. After it one write is tried: if it succeeds the "
                             "breaker closes, else it is open as long again.",
              .minimum = 1});
}

namespace {

constexpr std::string_view kThenText =
    "What becomes of an event that failed for good: `dead_letter` keeps it with the reason, `drop` only counts "
    "it, "
    "`stop` ends the pipeline with exit code 1, and the event is tried again by the next run.";
constexpr std::string_view kToText =
    "Instead of `then`: the pipeline, in this data directory, that gets an event that failed for good, as the "
    "event was, with headers that say why (`colloquium-error`, `-stage`, `-sink`, `-attempts`, `-event`).";
constexpr std::string_view kBreakerText =
    "Spares a sink that fails every time: after some failures nothing is written for a while.";

}  // namespace

ConfigSpec<MaxLagConfig> ConfigObject<MaxLagConfig>::spec() {
  return ConfigSpec<MaxLagConfig>()
      .field("size", &MaxLagConfig::size,
             {.description = "So much of the pipeline's stream, as the log keeps it, may wait for this sink.",
              .example = "10GiB",
              .minimum = 64 << 10})
      .field("time", &MaxLagConfig::time,
             {.description = "So long may an event wait for this sink, whatever the reason is, time in which "
                             "nothing ran included.",
              .example = "1h",
              .minimum = 1000})
      .field("then", &MaxLagConfig::then,
             {.description = "What happens beyond: `pause` stops the sources until the sink has caught up, "
                             "`dead_letter` gives up the oldest events for this sink and keeps them, `drop` only "
                             "counts them."});
}

ConfigSpec<StageErrorsConfig> ConfigObject<StageErrorsConfig>::spec() {
  return ConfigSpec<StageErrorsConfig>()
      .field("then", &StageErrorsConfig::then, {.description = std::string(kThenText)})
      .field("to", &StageErrorsConfig::to, {.description = std::string(kToText), .example = "rescue"})
      .shorthand("then");
}

ConfigSpec<SinkErrorsConfig> ConfigObject<SinkErrorsConfig>::spec() {
  return ConfigSpec<SinkErrorsConfig>()
      .field("retry", &SinkErrorsConfig::retry,
             {.description = "Instead of the pipeline's `errors.retry`.", .example = "{attempts: 3, age: 10m}"})
      .field("then", &SinkErrorsConfig::then, {.description = std::string(kThenText)})
      .field("to", &SinkErrorsConfig::to, {.description = std::string(kToText), .example = "rescue"})
      .field("breaker", &SinkErrorsConfig::breaker,
             {.description = std::string(kBreakerText), .example = "{failures: 5, open: 30s}"});
}

ConfigSpec<AlertConfig> ConfigObject<AlertConfig>::spec() {
  return ConfigSpec<AlertConfig>()
      .field(
          "percent", &AlertConfig::percent,
          {.description = "An alert is raised when more than this share of what came to a source, stage or sink "
                          "failed, tries included, and is cleared when it is less again.",
           .minimum = 0,
           .maximum = 99})
      .field("window", &AlertConfig::window, {.description = "Within this time.", .minimum = 1000})
      .field("events", &AlertConfig::events,
             {.description = "Fewer events than this within the window raise nothing.", .minimum = 1})
      .field("to", &AlertConfig::to,
             {.description = "The pipeline, in this data directory, that gets an event when an alert is raised or "
                             "cleared. Without it that is only logged, and shown by the metric "
                             "`colloquium_error_alert`.",
              .example = "alerts"});
}

ConfigSpec<ErrorsConfig> ConfigObject<ErrorsConfig>::spec() {
  return ConfigSpec<ErrorsConfig>()
      .field("retry", &ErrorsConfig::retry,
             {.description = "What happens to an event that a sink could not handle this time."})
      .field("then", &ErrorsConfig::then, {.description = std::string(kThenText)})
      .field("to", &ErrorsConfig::to, {.description = std::string(kToText), .example = "rescue"})
      .field("alert", &ErrorsConfig::alert,
             {.description = "Tells when too much fails.", .example = "{percent: 5, window: 1m, to: alerts}"})
      .field("breaker", &ErrorsConfig::breaker,
             {.description = std::string(kBreakerText), .example = "{failures: 5, open: 30s}"})
      .field("dead_letter", &ErrorsConfig::dead_letter,
             {.description = "The stream that keeps events that failed for good.",
              .default_text = "<pipeline>.dead",
              .minimum = 1})
      .field("retention", &ErrorsConfig::retention,
             {.description = "How much of that stream is kept, of letters that are done and of those that are not. "
                             "Without it, everything is.",
              .example = "{time: 30d, size: 1GiB}"});
}

ConfigSpec<EncryptionConfig> ConfigObject<EncryptionConfig>::spec() {
  return ConfigSpec<EncryptionConfig>()
      .field("key_file", &EncryptionConfig::key_file,
             {.description =
                  "File with the key: 32 bytes as 64 hex digits or in base64 (`openssl rand -hex 32`). It "
                  "may hold several, one a line: the first encrypts, the others open what is older. Nobody "
                  "else may read it.",
              .example = "/etc/colloquium/log.key",
              .minimum = 1})
      .field("key", &EncryptionConfig::key,
             {.description = "The key itself, or several separated by spaces, instead of a file: `${LOG_KEY}`."})
      .field(
          "decrypt_only", &EncryptionConfig::decrypt_only,
          {.description = "Write what is new in the clear; the keys only open what is there.", .advanced = true});
}

ConfigSpec<MetricConfig> ConfigObject<MetricConfig>::spec() {
  return ConfigSpec<MetricConfig>()
      .field("name", &MetricConfig::name,
             {.description = "What scripts call it; on `/metrics` it is `colloquium_script_NAME`, a counter with "
                             "`_total` behind it.",
              .example = "large_orders",
              .required = true,
              .minimum = 1,
              .maximum = 100})
      .field("type", &MetricConfig::type,
             {.description = "`counter` adds up (`metricAdd`), `gauge` keeps the last number (`metricSet`), "
                             "`histogram` counts by size (`metricObserve`)."})
      .field("help", &MetricConfig::help, {.description = "One sentence for whoever reads it."})
      .field(
          "labels", &MetricConfig::labels,
          {.description = "Names of the labels that scripts give values to; a label that is not given is empty.",
           .example = "[region]",
           .maximum = 10})
      .field("buckets", &MetricConfig::buckets,
             {.description = "Upper bounds of a histogram's buckets, ascending.",
              .default_text = "[0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]",
              .maximum = 100})
      .field(
          "max_series", &MetricConfig::max_series,
          {.description = "Combinations of label values that are kept apart; what comes beyond them counts under "
                          "the value `other`.",
           .advanced = true,
           .minimum = 1,
           .maximum = 100'000});
}

ConfigSpec<RetentionConfig> ConfigObject<RetentionConfig>::spec() {
  return ConfigSpec<RetentionConfig>()
      .field("time", &RetentionConfig::time,
             {.description = "Events that were accepted longer ago may be removed.",
              .default_text = "for ever",
              .example = "7d",
              .minimum = 1000})
      .field("size", &RetentionConfig::size,
             {.description = "While the stream, all its partitions together, is larger, its oldest events may be "
                             "removed. At least 2 MiB for each partition.",
              .default_text = "any size",
              .example = "10GiB",
              .minimum = config::kSmallestRetentionBytes})
      .field("drop_unread", &RetentionConfig::drop_unread,
             {.description = "Remove also what a sink has not finished: a sink that is too slow, or stands still, "
                             "then loses events instead of filling the disk."});
}

ConfigSpec<CompactionConfig> ConfigObject<CompactionConfig>::spec() {
  return ConfigSpec<CompactionConfig>()
      .field("after", &CompactionConfig::after,
             {.description = "Events that were accepted more recently are left alone, and replace nothing yet.",
              .example = "1h"})
      .field(
          "tombstones", &CompactionConfig::tombstones,
          {.description = "How long an event without a value, which deletes its key, stays once every older event "
                          "of the key is gone: time for readers to see it."});
}

ConfigSpec<CommitConfig> ConfigObject<CommitConfig>::spec() {
  return ConfigSpec<CommitConfig>()
      .field("interval", &CommitConfig::interval,
             {.description = "Commit at the latest this long after the last commit.",
              .minimum = 1,
              .maximum = 60'000})
      .field("size", &CommitConfig::size,
             {.description = "Commit once this many bytes were processed since the last commit.",
              .minimum = 1,
              .maximum = int64_t{1} << 30});
}

namespace config {
namespace {

// Only its names and descriptions are used: an entry is read key by key, beside its kind.
struct EntryFields {
  std::string name;
  DedupeConfig dedupe;
  Expression when;
  std::vector<std::string> route;
  StageErrorsConfig stage_errors;
  SinkErrorsConfig sink_errors;
  std::optional<MaxLagConfig> max_lag;
};

}  // namespace

}  // namespace config

template <>
struct ConfigObject<config::DedupeConfig> {
  static ConfigSpec<config::DedupeConfig> spec() { return config::dedupe_spec(); }
};

namespace config {

ConfigSpec<PipelineFile> pipeline_file_spec() {
  return ConfigSpec<PipelineFile>()
      .field(
          "name", &PipelineFile::name,
          {.description = "Name of the pipeline and of its stream in the log: letters, digits, '.', '_' and '-'.",
           .default_text = "the file's name",
           .minimum = 1})
      .field("log", &PipelineFile::log,
             {.description = "How the event log keeps the pipeline's stream; `off` runs without the log."})
      .field("sources", &PipelineFile::sources, {.description = "Where events come from.", .required = true})
      .field("stages", &PipelineFile::stages, {.description = "What changes events, in this order."})
      .field("route", &PipelineFile::route,
             {.description = "Sorts what leaves the stages into named cases, which sinks take by their `route`.",
              .example = "{cases: [{name: large, when: \"= $input/total > 1000\"}], default: small}"})
      .field("sinks", &PipelineFile::sinks,
             {.description = "Where events go; each gets all of them.", .required = true})
      .field("errors", &PipelineFile::errors, {.description = "Retries and dead letters."})
      .field("ai", &PipelineFile::ai,
             {.description = "Language models that stages and sources may ask: whose, how much, and what of it is "
                             "kept."})
      .field("commit", &PipelineFile::commit,
             {.description = "How often progress is committed.", .advanced = true})
      .field(
          "context", &PipelineFile::context,
          {.description = "Constants that every script of a stage, and every `when`, may read as variables: "
                          "`context: {region: eu}` is `region` in sugar and `[\"$\", \"/region\"]` in JSON form.",
           .example = "{region: eu, limits: {total: 1000}}"})
      .field(
          "metrics", &PipelineFile::metrics,
          {.description = "Metrics that scripts may change. A change counts whenever an evaluation succeeds, so "
                          "events that are read again after a failure count again."});
}

ConfigSpec<LogConfig> log_spec() {
  return ConfigSpec<LogConfig>()
      .field(
          "partitions", &LogConfig::partitions,
          {.description = "Partitions of the stream, fixed when it is created. 4 where `partition_by` is given.",
           .minimum = 1,
           .maximum = 1024})
      .field(
          "partition_by", &LogConfig::partition_by,
          {.description = "Expression whose text decides the partition, and becomes the event's key; without it "
                          "batches go round.",
           .example = "[\"$input\", \"/customer/id\"]"})
      .field("compression", &LogConfig::compression, {.description = "Codec of the stored batches."})
      .field(
          "ack", &LogConfig::ack,
          {.description = "What an acknowledgement to a source means: `durable` synced to disk, `written` handed "
                          "to the operating system, `queued` in memory."})
      .field("retention", &LogConfig::retention,
             {.description = "How much of the stream is kept. Without it, everything is. What a sink has not "
                             "finished and what a source's `dedupe` still needs is kept in any case.",
              .example = "{time: 7d, size: 10GiB}"})
      .field(
          "compaction", &LogConfig::compaction,
          {.description = "For a stream that holds state: of the events of one key, which `partition_by` gives, "
                          "only the newest has to stay; older ones are taken out in time, once every sink has "
                          "finished them. Events without a key stay. As Kafka's `cleanup.policy=compact`.",
           .example = "{after: 1h}"})
      .field("encryption", &LogConfig::encryption,
             {.description = "Encryption at rest, of the whole data directory: what is written from now on is "
                             "encrypted. See the guide to encryption."});
}

ConfigSpec<DedupeConfig> dedupe_spec() {
  return ConfigSpec<DedupeConfig>()
      .field(
          "key", &DedupeConfig::key,
          {.description = "Expression that gives an event's id, any JSON value; `1` and `\"1\"` are two ids. An "
                          "event without one, or with null, is refused.",
           .example = "[\"$input\", \"/id\"]",
           .required = true})
      .field("sequence", &DedupeConfig::sequence,
             {.description =
                  "With it `key` gives the event's producer, and this its number: each producer counts its "
                  "events one by one. The next number is taken, an earlier one is a duplicate, and one that "
                  "leaves out others is refused. One entry a producer is remembered, not one an event.",
              .example = "[\"$input\", \"/n\"]"})
      .field("window", &DedupeConfig::window,
             {.description = "How long an id is remembered; with `sequence`, a producer that sends nothing.",
              .minimum = 1})
      .field(
          "max_ids", &DedupeConfig::max_ids,
          {.description =
               "How many ids or producers are remembered; the oldest leave first, which may cut the window short: "
               "the metric `colloquium_dedupe_horizon_seconds` says how far.",
           .minimum = 1,
           .maximum = 1'000'000'000})
      .shorthand("key");
}

SectionSpec section_spec(ComponentKind kind) {
  ConfigSpec<EntryFields> entry;
  entry.field("name", &EntryFields::name,
              {.description = "Name in messages, metrics and streams.",
               .default_text = "its kind, then kind-2, …",
               .minimum = 1});
  if (kind == ComponentKind::kProvider) {
    ObjectSpec object = entry.object();
    for (FieldSpec& field : provider_settings_spec().object().fields) object.fields.push_back(std::move(field));
    return {kind, "ai.providers", std::move(object)};
  }
  std::string_view key = "stages";
  if (kind == ComponentKind::kSource) {
    key = "sources";
    entry.field("dedupe", &EntryFields::dedupe,
                {.description = "Leaves out events whose id this source has delivered before."});
  } else if (kind == ComponentKind::kStage) {
    entry.field("errors", &EntryFields::stage_errors,
                {.description = "What becomes of events that fail here, instead of what the pipeline's `errors` "
                                "says.",
                 .example = "drop"});
  } else {
    key = "sinks";
    entry.field("errors", &EntryFields::sink_errors,
                {.description = "What becomes of events that fail here, instead of what the pipeline's `errors` "
                                "says.",
                 .example = "{retry: {attempts: 3}, then: drop}"});
    entry.field(
        "max_lag", &EntryFields::max_lag,
        {.description = "How far this sink may fall behind, and what happens then. Without it a sink that is "
                        "slow or away holds nothing up: events wait in the log.",
         .example = "{time: 1h, then: dead_letter}"});
    entry.field("route", &EntryFields::route,
                {.description = "Only events of these cases of `route` come here.",
                 .default_text = "all events",
                 .example = "[large]"});
    entry.field("when", &EntryFields::when,
                {.description = "Only events for which this expression is true come here.",
                 .example = "[\">\", [\"$input\", \"/total\"], 1000]"});
  }
  return {kind, key, entry.object()};
}

}  // namespace config
}  // namespace colloquium
