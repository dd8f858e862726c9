// What tests of providers' settings share: a provider's settings as text, to its connection or to what is wrong.
#pragma once

#include <catch2/catch.hpp>
#include <string>

#include "colloquium/component.h"

#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::ai {

// As behind the provider's name: "{api_key: x}".
inline AiConnection connection_of(const Descriptor& descriptor, const std::string& settings) {
  ConfigProblems problems;
  const auto node = config::load_yaml(settings, "p.yaml", problems);
  REQUIRE(node);
  const ParsedConfig parsed = descriptor.parse(*node, problems);
  INFO(config::describe(problems));
  REQUIRE(problems.empty());
  auto made = descriptor.create_provider(parsed, "/base");
  REQUIRE(made);
  return *std::move(made);
}

inline std::string problem_of(const Descriptor& descriptor, const std::string& settings) {
  ConfigProblems problems;
  const auto node = config::load_yaml(settings, "p.yaml", problems);
  REQUIRE(node);
  (void)descriptor.parse(*node, problems);
  return config::describe(problems);
}

// What a plain chat with `model` becomes.
inline AiHttpRequest asked(const AiConnection& connection, const std::string& model = "m") {
  AiRequest request;
  request.model = model;
  request.messages.push_back({AiRole::kUser, {AiText{"hi"}}});
  request.parameters.max_output_tokens = 5;
  const Status checked = connection.provider->check(request);
  if (!checked) FAIL(checked.error().describe());
  return connection.provider->encode(request, connection.access);
}

inline std::string header_of(const AiHttpRequest& http, std::string_view name) {
  return std::string(AiHead{0, http.headers}.find(name).value_or("none"));
}

}  // namespace colloquium::ai
