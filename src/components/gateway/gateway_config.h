// The settings of the sources through which applications ask models.
//
// Thread safety: values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/config_types.h"

namespace colloquium::components {

enum class GatewayRoute { kOrder, kWeighted, kCheapest };

struct GatewayModel {
  std::string model;  // "provider/model"
  double weight = 1;
};

struct GatewayKey {
  std::string name;  // empty: "key-1" and so on, by its place
  Secret key;
};

struct GatewayCache {
  Duration ttl{3'600'000};
};

struct GatewayConfig {
  std::string path;
  std::map<std::string, std::vector<GatewayModel>> models;
  std::vector<GatewayKey> keys;
  GatewayRoute route = GatewayRoute::kOrder;
  std::optional<GatewayCache> cache;
  std::vector<std::string> pass_on;
  int64_t max_output_tokens = 4096;
  ByteSize max_body{32 << 20};
  int max_requests = 1000;
  bool bodies = false;
};

// "provider/model" of a setting or a request; nothing if it is not of that form.
std::optional<AiModelChoice> model_choice(const std::string& text, double weight = 1);

ConfigSpec<GatewayConfig> gateway_spec(const std::string& path);
void check_gateway(GatewayConfig& config, const ConfigNode& node, ConfigProblems& problems);

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::GatewayRoute> {
  static constexpr std::pair<std::string_view, components::GatewayRoute> values[] = {
      {"order", components::GatewayRoute::kOrder},
      {"weighted", components::GatewayRoute::kWeighted},
      {"cheapest", components::GatewayRoute::kCheapest}};
};
template <>
struct ConfigObject<components::GatewayModel> {
  static ConfigSpec<components::GatewayModel> spec();
};
template <>
struct ConfigObject<components::GatewayKey> {
  static ConfigSpec<components::GatewayKey> spec();
};
template <>
struct ConfigObject<components::GatewayCache> {
  static ConfigSpec<components::GatewayCache> spec();
};

}  // namespace colloquium
