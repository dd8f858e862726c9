// What the tests of src/config share: reading text into nodes, and a registry of made-up components.
//
// Tests only. Thread safety: none needed.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/config_types.h"

#include "config/pipeline_config.h"
#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium {
namespace config::testing {

struct RotateConfig {
  std::optional<ByteSize> size;
  Duration time{3'600'000};
};

struct FileConfig {
  std::string path;
  bool follow = false;
  RotateConfig rotate;
};

struct HttpConfig {
  std::string path = "/";
  std::string method = "POST";
  std::vector<std::string> headers;
  Secret token;
};

struct FilterConfig {
  Expression keep;
  std::string note;
};

}  // namespace config::testing

template <>
struct ConfigObject<config::testing::RotateConfig> {
  static ConfigSpec<config::testing::RotateConfig> spec() {
    using config::testing::RotateConfig;
    return ConfigSpec<RotateConfig>()
        .field("size", &RotateConfig::size, {.description = "Start a new file at this size."})
        .field("time", &RotateConfig::time, {.description = "Start a new file after this time.", .minimum = 1000});
  }
};

namespace config::testing {

inline ConfigNode node_of(std::string_view text, const std::string& file = "f.yaml") {
  ConfigProblems problems;
  std::optional<ConfigNode> node = load_yaml(text, file, problems);
  INFO(text);
  INFO(describe(problems));
  REQUIRE(problems.empty());
  return *std::move(node);
}

// What reading `text` by `spec` gives, and what it says.
template <class Config>
std::pair<Config, std::string> read_text(const ConfigSpec<Config>& spec, std::string_view text,
                                         std::string_view what = "thing") {
  ConfigProblems problems;
  Config config = spec.read(node_of(text), what, problems);
  return {std::move(config), describe(problems)};
}

template <class Config>
Descriptor component(ComponentKind kind, std::string name, ConfigSpec<Config> spec) {
  Descriptor descriptor;
  descriptor.kind = kind;
  descriptor.name = std::move(name);
  descriptor.summary = "A " + descriptor.name + " for tests.";
  bind_spec(descriptor, std::move(spec));
  return descriptor;
}

inline ConfigSpec<FileConfig> file_spec() {
  return ConfigSpec<FileConfig>()
      .field("path", &FileConfig::path, {.description = "The file.", .required = true})
      .field("follow", &FileConfig::follow, {.description = "Wait for more at the end.", .aliases = {"tail"}})
      .field("rotate", &FileConfig::rotate, {.description = "When to begin a new file."});
}

inline ConfigSpec<HttpConfig> http_spec() {
  return ConfigSpec<HttpConfig>()
      .field("path", &HttpConfig::path, {.description = "Path of the endpoint."})
      .field("method", &HttpConfig::method, {.description = "Method.", .choices = {"POST", "PUT"}})
      .field("headers", &HttpConfig::headers, {.description = "Headers to keep."})
      .field("token", &HttpConfig::token, {.description = "Bearer token | or nothing."});
}

inline ConfigSpec<FilterConfig> filter_spec() {
  return ConfigSpec<FilterConfig>()
      .field("keep", &FilterConfig::keep, {.description = "What to keep.", .required = true})
      .field("note", &FilterConfig::note, {.description = "A remark."})
      .shorthand("keep");
}

struct ModelConfig {
  Secret api_key;
};

inline ConfigSpec<ModelConfig> model_spec() {
  return ConfigSpec<ModelConfig>().field("api_key", &ModelConfig::api_key, {.description = "The key."});
}

// Sources file and http, stage filter, sinks file and http, providers openai and ollama. The file sink's own check wants a directory.
inline const std::vector<Descriptor>& components() {
  static const std::vector<Descriptor> all = [] {
    std::vector<Descriptor> list;
    list.push_back(component(ComponentKind::kSource, "file", file_spec()));
    list.push_back(component(ComponentKind::kSource, "http", http_spec()));
    list.push_back(component(ComponentKind::kStage, "filter", filter_spec()));
    list.push_back(component(ComponentKind::kSink, "file", file_spec()));
    list.push_back(component(ComponentKind::kSink, "http", http_spec()));
    list.push_back(component(ComponentKind::kProvider, "openai", model_spec()));
    list.push_back(component(ComponentKind::kProvider, "ollama", model_spec()));
    list[3].check = [](const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
      if (config_of<FileConfig>(parsed).path.find('/') == std::string::npos) {
        add_error(problems, {}, "no directory, seen from " + base_dir);
      }
    };
    list[0].guarantee = "Exactly once.";
    list[0].input_trust = "Any bytes.";
    list[0].description = "Reads **lines**.";
    list[0].examples = {{"Read once", "file: {path: in.ndjson}"},
                        {"Follow", "name: tail\nfile:\n  path: a\n  follow: true"}};
    return list;
  }();
  return all;
}

inline ComponentRegistry registry() {
  return {[](ComponentKind kind, std::string_view name) -> const Descriptor* {
            for (const Descriptor& descriptor : components()) {
              if (descriptor.kind == kind && descriptor.name == name) return &descriptor;
            }
            return nullptr;
          },
          [](ComponentKind kind) {
            std::vector<std::string> names;
            for (const Descriptor& descriptor : components()) {
              if (descriptor.kind == kind) names.push_back(descriptor.name);
            }
            return names;
          }};
}

}  // namespace config::testing
}  // namespace colloquium
