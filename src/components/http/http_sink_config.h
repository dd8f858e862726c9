// HttpSinkConfig: the settings of the http sink.
//
// Thread safety: values.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "colloquium/config_spec.h"

#include "components/http/answer_rules.h"
#include "components/http/client_settings.h"
#include "formats/format.h"

namespace colloquium::components {

enum class HttpSinkMethod { kPost, kPut, kPatch };
enum class HttpSinkOrder { kPartition, kNone };
enum class HttpBodyCompression { kNone, kGzip, kZstd };

struct HttpSinkBatch {
  int64_t events = 100;
  ByteSize bytes{1 << 20};
  bool join = false;
};

struct HttpSinkConfig : ClientSettings {
  std::string url;
  HttpSinkMethod method = HttpSinkMethod::kPost;
  std::map<std::string, std::string> headers;
  formats::SinkFormatSetting format{"json", formats::default_sink_format()};
  std::optional<HttpSinkBatch> batch;
  HttpBodyCompression compression = HttpBodyCompression::kNone;
  StatusSettings status;
  Duration timeout{30'000};
  HttpSinkOrder order = HttpSinkOrder::kPartition;
  int concurrency = 16;
  ConfigMark mark;  // of the component, for messages about its templates
};

// The value of a table by its name.
template <class E>
std::string name_of(E wanted) {
  for (const auto& [name, value] : ConfigEnum<E>::values) {
    if (value == wanted) return std::string(name);
  }
  return {};
}

}  // namespace colloquium::components

namespace colloquium {

template <>
struct ConfigEnum<components::HttpSinkMethod> {
  static constexpr std::pair<std::string_view, components::HttpSinkMethod> values[] = {
      {"POST", components::HttpSinkMethod::kPost},
      {"PUT", components::HttpSinkMethod::kPut},
      {"PATCH", components::HttpSinkMethod::kPatch}};
};

template <>
struct ConfigEnum<components::HttpSinkOrder> {
  static constexpr std::pair<std::string_view, components::HttpSinkOrder> values[] = {
      {"partition", components::HttpSinkOrder::kPartition}, {"none", components::HttpSinkOrder::kNone}};
};

template <>
struct ConfigEnum<components::HttpBodyCompression> {
  static constexpr std::pair<std::string_view, components::HttpBodyCompression> values[] = {
      {"none", components::HttpBodyCompression::kNone},
      {"gzip", components::HttpBodyCompression::kGzip},
      {"zstd", components::HttpBodyCompression::kZstd}};
};

template <>
struct ConfigObject<components::HttpSinkBatch> {
  static ConfigSpec<components::HttpSinkBatch> spec();
};

}  // namespace colloquium
