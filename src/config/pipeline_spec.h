// The specs of a pipeline file's own sections: read by pipeline_config.cc, shown by schema.cc and reference.cc.
//
// Thread safety: pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/config_types.h"

#include "config/pipeline_config.h"

namespace colloquium {

template <>
struct ConfigEnum<config::Compression> {
  static constexpr std::pair<std::string_view, config::Compression> values[] = {
      {"none", config::Compression::kNone},
      {"gzip", config::Compression::kGzip},
      {"lz4", config::Compression::kLz4},
      {"zstd", config::Compression::kZstd}};
};

template <>
struct ConfigEnum<config::Ack> {
  static constexpr std::pair<std::string_view, config::Ack> values[] = {
      {"durable", config::Ack::kDurable}, {"written", config::Ack::kWritten}, {"queued", config::Ack::kQueued}};
};

template <>
struct ConfigEnum<config::RetryKind> {
  static constexpr std::pair<std::string_view, config::RetryKind> values[] = {
      {"exponential", config::RetryKind::kExponential},
      {"fixed", config::RetryKind::kFixed},
      {"none", config::RetryKind::kNone}};
};

template <>
struct ConfigEnum<config::FailureAction> {
  static constexpr std::pair<std::string_view, config::FailureAction> values[] = {
      {"dead_letter", config::FailureAction::kDeadLetter},
      {"drop", config::FailureAction::kDrop},
      {"stop", config::FailureAction::kStop}};
};

template <>
struct ConfigEnum<config::LagAction> {
  static constexpr std::pair<std::string_view, config::LagAction> values[] = {
      {"pause", config::LagAction::kPause},
      {"dead_letter", config::LagAction::kDeadLetter},
      {"drop", config::LagAction::kDrop}};
};

template <>
struct ConfigEnum<config::RouteMatch> {
  static constexpr std::pair<std::string_view, config::RouteMatch> values[] = {
      {"first", config::RouteMatch::kFirst}, {"all", config::RouteMatch::kAll}};
};

template <>
struct ConfigEnum<config::MetricType> {
  static constexpr std::pair<std::string_view, config::MetricType> values[] = {
      {"counter", config::MetricType::kCounter},
      {"gauge", config::MetricType::kGauge},
      {"histogram", config::MetricType::kHistogram}};
};

template <>
struct ConfigObject<config::EncryptionConfig> {
  static ConfigSpec<config::EncryptionConfig> spec();
};
template <>
struct ConfigObject<config::MetricConfig> {
  static ConfigSpec<config::MetricConfig> spec();
};
template <>
struct ConfigObject<config::RetryConfig> {
  static ConfigSpec<config::RetryConfig> spec();
};
template <>
struct ConfigObject<config::MaxLagConfig> {
  static ConfigSpec<config::MaxLagConfig> spec();
};
template <>
struct ConfigObject<config::RouteCaseConfig> {
  static ConfigSpec<config::RouteCaseConfig> spec();
};
template <>
struct ConfigObject<config::RouteConfig> {
  static ConfigSpec<config::RouteConfig> spec();
};
template <>
struct ConfigObject<config::BreakerConfig> {
  static ConfigSpec<config::BreakerConfig> spec();
};
template <>
struct ConfigObject<config::AlertConfig> {
  static ConfigSpec<config::AlertConfig> spec();
};
template <>
struct ConfigObject<config::StageErrorsConfig> {
  static ConfigSpec<config::StageErrorsConfig> spec();
};
template <>
struct ConfigObject<config::SinkErrorsConfig> {
  static ConfigSpec<config::SinkErrorsConfig> spec();
};
template <>
struct ConfigObject<config::ErrorsConfig> {
  static ConfigSpec<config::ErrorsConfig> spec();
};
template <>
struct ConfigObject<config::CompactionConfig> {
  static ConfigSpec<config::CompactionConfig> spec();
};

template <>
struct ConfigObject<config::RetentionConfig> {
  static ConfigSpec<config::RetentionConfig> spec();
};
template <>
struct ConfigObject<config::CommitConfig> {
  static ConfigSpec<config::CommitConfig> spec();
};

namespace config {

// Room for two of the smallest segments, in each partition.
inline constexpr int64_t kSmallestRetentionBytes = int64_t{2} << 20;

// The file's top level, before its sections are read.
struct PipelineFile {
  std::string name;
  ConfigNode log;
  ConfigNode sources;
  ConfigNode stages;
  RouteConfig route;
  ConfigNode sinks;
  ErrorsConfig errors;
  ConfigNode ai;
  CommitConfig commit;
  std::map<std::string, ConfigNode> context;
  std::vector<MetricConfig> metrics;
};

ConfigSpec<PipelineFile> pipeline_file_spec();
ConfigSpec<LogConfig> log_spec();
ConfigSpec<DedupeConfig> dedupe_spec();

// sources, stages, sinks or ai.providers: what an entry may hold beside its kind.
struct SectionSpec {
  ComponentKind kind;
  std::string_view key;  // "sources"
  ObjectSpec entry;      // name, and dedupe, or errors and when
};
inline constexpr ComponentKind kSections[] = {ComponentKind::kSource, ComponentKind::kStage, ComponentKind::kSink,
                                              ComponentKind::kProvider};
SectionSpec section_spec(ComponentKind kind);

}  // namespace config
}  // namespace colloquium
