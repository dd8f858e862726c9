// AiStageConfig: what the `ai` stage may be told.
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/config_types.h"

namespace colloquium::components {

enum class AiStageTask { kChat, kClassify, kExtract, kEmbed };

struct AiModelSetting {
  std::string model;  // "provider/model"
  double weight = 1;
};

struct AiParameterSettings {
  std::optional<int64_t> max_output_tokens;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::optional<int64_t> seed;
  std::vector<std::string> stop;
  ConfigNode extra;  // a map
};

struct AiToolSetting {
  std::string name;
  std::string description;
  ConfigNode parameters;  // JSON Schema: a map, or the path of a file
};

struct AiOutputSettings {
  ConfigNode schema;  // likewise
  int32_t repairs = 1;
};

struct AiCacheSetting {
  Duration ttl{3'600'000};
  Expression key;
};

struct AiArmSetting {
  std::string name;
  double weight = 1;
  std::string prompt;                  // empty: the stage's
  std::vector<AiModelSetting> models;  // none: the stage's
};

struct AiExperimentSettings {
  std::vector<AiArmSetting> arms;
  Expression by;  // unset: the event's key, or its id where it has none
};

// Questions that go to the provider together, are answered within a day, and cost less.
struct AiBatchSetting {
  int32_t size = 1000;
  Duration every{300'000};
  Duration poll{60'000};
};

struct AiStageConfig {
  AiStageTask task = AiStageTask::kChat;
  std::vector<AiModelSetting> models;
  AiRouting route = AiRouting::kOrder;
  // What is asked: one of these, or `input` to embed.
  std::string prompt;
  std::string system;
  std::string user;
  Expression messages;
  Expression input;
  std::vector<std::string> labels;  // to classify
  std::vector<AiToolSetting> tools;
  std::optional<AiOutputSettings> output;
  AiParameterSettings parameters;
  std::string into;  // empty: "/<stage>"
  std::string details;
  std::optional<AiCacheSetting> cache;
  bool share = true;
  std::optional<AiBatchSetting> batch;
  int32_t concurrency = 8;
  AiOnUnknown on_unknown = AiOnUnknown::kRetry;
  Expression on_error;
  std::optional<AiExperimentSettings> experiment;
  ConfigMark mark;
};

ConfigSpec<AiStageConfig> ai_stage_spec();

// What the types cannot check. `node`: the stage's.
void check_ai_stage(AiStageConfig& config, const ConfigNode& node, ConfigProblems& problems);

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::AiStageTask> {
  static constexpr std::pair<std::string_view, components::AiStageTask> values[] = {
      {"chat", components::AiStageTask::kChat},
      {"classify", components::AiStageTask::kClassify},
      {"extract", components::AiStageTask::kExtract},
      {"embed", components::AiStageTask::kEmbed}};
};
template <>
struct ConfigEnum<AiRouting> {
  static constexpr std::pair<std::string_view, AiRouting> values[] = {
      {"order", AiRouting::kOrder}, {"weighted", AiRouting::kWeighted}, {"cheapest", AiRouting::kCheapest}};
};
template <>
struct ConfigEnum<AiOnUnknown> {
  static constexpr std::pair<std::string_view, AiOnUnknown> values[] = {{"retry", AiOnUnknown::kRetry},
                                                                        {"dead_letter", AiOnUnknown::kFail}};
};
template <>
struct ConfigObject<components::AiModelSetting> {
  static ConfigSpec<components::AiModelSetting> spec();
};
template <>
struct ConfigObject<components::AiParameterSettings> {
  static ConfigSpec<components::AiParameterSettings> spec();
};
template <>
struct ConfigObject<components::AiBatchSetting> {
  static ConfigSpec<components::AiBatchSetting> spec();
};
template <>
struct ConfigObject<components::AiToolSetting> {
  static ConfigSpec<components::AiToolSetting> spec();
};
template <>
struct ConfigObject<components::AiOutputSettings> {
  static ConfigSpec<components::AiOutputSettings> spec();
};
template <>
struct ConfigObject<components::AiCacheSetting> {
  static ConfigSpec<components::AiCacheSetting> spec();
};
template <>
struct ConfigObject<components::AiArmSetting> {
  static ConfigSpec<components::AiArmSetting> spec();
};
template <>
struct ConfigObject<components::AiExperimentSettings> {
  static ConfigSpec<components::AiExperimentSettings> spec();
};

}  // namespace colloquium
