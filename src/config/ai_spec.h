// The specs of a pipeline file's `ai` section: read by ai_section.cc, shown by schema.cc and reference.cc.
//
// Thread safety: pure functions.
#pragma once

#include "colloquium/config_types.h"

#include "config/ai_config.h"
#include "config/amount.h"

namespace colloquium {

template <>
struct ConfigEnum<config::AiWindow> {
  static constexpr std::pair<std::string_view, config::AiWindow> values[] = {{"hour", config::AiWindow::kHour},
                                                                             {"day", config::AiWindow::kDay},
                                                                             {"month", config::AiWindow::kMonth},
                                                                             {"total", config::AiWindow::kTotal}};
};

template <>
struct ConfigEnum<config::AiBudgetAction> {
  static constexpr std::pair<std::string_view, config::AiBudgetAction> values[] = {
      {"stop", config::AiBudgetAction::kStop},
      {"dead_letter", config::AiBudgetAction::kDeadLetter},
      {"wait", config::AiBudgetAction::kWait}};
};

template <>
struct ConfigObject<config::AiLimitsConfig> {
  static ConfigSpec<config::AiLimitsConfig> spec();
};
template <>
struct ConfigObject<config::AiModelConfig> {
  static ConfigSpec<config::AiModelConfig> spec();
};
template <>
struct ConfigObject<config::AiTimeoutsConfig> {
  static ConfigSpec<config::AiTimeoutsConfig> spec();
};
template <>
struct ConfigObject<config::AiRetryConfig> {
  static ConfigSpec<config::AiRetryConfig> spec();
};
template <>
struct ConfigObject<config::AiBreakerConfig> {
  static ConfigSpec<config::AiBreakerConfig> spec();
};
template <>
struct ConfigObject<config::AiBudgetThen> {
  static ConfigSpec<config::AiBudgetThen> spec();
};
template <>
struct ConfigObject<config::AiBudgetConfig> {
  static ConfigSpec<config::AiBudgetConfig> spec();
};
template <>
struct ConfigObject<config::AiCacheConfig> {
  static ConfigSpec<config::AiCacheConfig> spec();
};
template <>
struct ConfigObject<config::AiRetentionConfig> {
  static ConfigSpec<config::AiRetentionConfig> spec();
};
template <>
struct ConfigObject<config::AiCallsConfig> {
  static ConfigSpec<config::AiCallsConfig> spec();
};
template <>
struct ConfigObject<config::AiRedactConfig> {
  static ConfigSpec<config::AiRedactConfig> spec();
};
template <>
struct ConfigObject<config::AiAuditConfig> {
  static ConfigSpec<config::AiAuditConfig> spec();
};

// `refuse`, or an amount.
template <>
struct ConfigType<config::AiUnpriced> {
  static FieldSpec describe(std::string name, FieldOptions options);
  static std::string show(const config::AiUnpriced& value);
};

namespace config {

// What an entry of `ai.providers` may say beside its name and its kind.
ConfigSpec<ProviderSettings> provider_settings_spec();

// An AiConfig, and `providers`, which are read as components are.
ObjectSpec ai_object();

}  // namespace config
}  // namespace colloquium
