// ConfigType<T>: what a field of a ConfigSpec may be, and how each type is read and documented.
//
// bool, every integer, double, std::string, Duration, ByteSize, Secret, Expression, ConfigNode (anything),
// enums with a ConfigEnum table, structs with a ConfigObject, and std::vector, std::map<std::string, T> and
// std::optional of these. Include this header where a spec is written.
//
//   template <> struct ConfigEnum<Mode> {
//     static constexpr std::pair<std::string_view, Mode> values[] = {{"append", Mode::kAppend}, …};
//   };
//   template <> struct ConfigObject<RotateConfig> { static ConfigSpec<RotateConfig> spec(); };
//
// Both must be declared before the ConfigSpec that uses them. Thread safety: values, immutable once built.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "colloquium/config_spec.h"

namespace colloquium {

template <class E>
struct ConfigEnum;
template <class T>
struct ConfigObject;

template <class E>
concept ConfigChoice = std::is_enum_v<E> && requires {
  ConfigEnum<E>::values;
};
template <class T>
concept ConfigStruct = requires {
  ConfigObject<T>::spec();
};

// Implemented in src/config/read.cc. Each returns nothing, with a problem added, if the node does not fit.
namespace config {

std::optional<bool> read_bool(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&);
std::optional<int64_t> read_integer(const ConfigNode&, std::string_view path, const FieldOptions&,
                                    ConfigProblems&);
std::optional<double> read_double(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&);
std::optional<std::string> read_string(const ConfigNode&, std::string_view path, const FieldOptions&,
                                       ConfigProblems&);
std::optional<Duration> read_duration(const ConfigNode&, std::string_view path, const FieldOptions&,
                                      ConfigProblems&);
std::optional<ByteSize> read_size(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&);
std::optional<Secret> read_secret(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&);
std::optional<Expression> read_expression(const ConfigNode&, std::string_view path, const FieldOptions&,
                                          ConfigProblems&);
std::optional<ConfigNode> read_any(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&);

// Call `each` with every item or member and its path, if the node is a list or map of an allowed count.
using EachItem = std::function<void(const ConfigNode& node, const std::string& key, std::string_view path)>;
void read_list(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&, const EachItem&);
void read_map(const ConfigNode&, std::string_view path, const FieldOptions&, ConfigProblems&, const EachItem&);

// A scalar as it would be written in YAML.
std::string show_bool(bool value);
std::string show_double(double value);
std::string show_string(std::string_view value);  // quoted where needed; "" stays ""
std::string show_duration(Duration value);
std::string show_size(ByteSize value);

template <class T>
using ReadScalar = std::optional<T> (*)(const ConfigNode&, std::string_view, const FieldOptions&, ConfigProblems&);

template <class T, class Read>
FieldSpec scalar_field(std::string name, FieldType type, FieldOptions options, Read read) {
  FieldSpec spec{.name = std::move(name), .type = type, .options = std::move(options)};
  spec.read = [options = spec.options, read](const ConfigNode& node, std::string_view path, void* target,
                                             ConfigProblems& problems) {
    if (auto value = read(node, path, options, problems)) *static_cast<T*>(target) = std::move(*value);
  };
  return spec;
}

// The field of a list or map, from that of its items. Choices belong to the items, counts to the whole.
FieldSpec collection_field(std::string name, FieldType type, FieldOptions options, const FieldSpec& item);

// The options an item has from its collection.
FieldOptions item_options(const FieldOptions& collection);

}  // namespace config

template <>
struct ConfigType<bool> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<bool>(std::move(name), FieldType::kBool, std::move(options), config::read_bool);
  }
  static std::string show(bool value) { return config::show_bool(value); }
};

// The range of the C++ type is a bound of its own where none is declared.
template <std::integral T>
struct ConfigType<T> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    using Limits = std::numeric_limits<T>;
    if (!options.minimum && std::cmp_greater(Limits::min(), kSmallest)) options.minimum = Limits::min();
    if (!options.maximum && std::cmp_less(Limits::max(), kLargest)) options.maximum = Limits::max();
    auto read = [](const ConfigNode& node, std::string_view path, const FieldOptions& bounds,
                   ConfigProblems& problems) -> std::optional<T> {
      auto value = config::read_integer(node, path, bounds, problems);
      if (!value) return std::nullopt;
      return static_cast<T>(*value);
    };
    return config::scalar_field<T>(std::move(name), FieldType::kInteger, std::move(options), read);
  }
  static std::string show(T value) { return std::to_string(value); }

 private:
  static constexpr int64_t kSmallest = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kLargest = std::numeric_limits<int64_t>::max();
};

template <>
struct ConfigType<double> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<double>(std::move(name), FieldType::kDouble, std::move(options),
                                        config::read_double);
  }
  static std::string show(double value) { return config::show_double(value); }
};

template <>
struct ConfigType<std::string> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<std::string>(std::move(name), FieldType::kString, std::move(options),
                                             config::read_string);
  }
  static std::string show(const std::string& value) { return config::show_string(value); }
};

template <>
struct ConfigType<Duration> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<Duration>(std::move(name), FieldType::kDuration, std::move(options),
                                          config::read_duration);
  }
  static std::string show(Duration value) { return config::show_duration(value); }
};

template <>
struct ConfigType<ByteSize> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<ByteSize>(std::move(name), FieldType::kSize, std::move(options),
                                          config::read_size);
  }
  static std::string show(ByteSize value) { return config::show_size(value); }
};

template <>
struct ConfigType<Secret> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    options.secret = true;
    return config::scalar_field<Secret>(std::move(name), FieldType::kSecret, std::move(options),
                                        config::read_secret);
  }
  static std::string show(const Secret&) { return {}; }
};

template <>
struct ConfigType<Expression> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<Expression>(std::move(name), FieldType::kExpression, std::move(options),
                                            config::read_expression);
  }
  static std::string show(const Expression&) { return {}; }
};

template <>
struct ConfigType<ConfigNode> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    return config::scalar_field<ConfigNode>(std::move(name), FieldType::kAny, std::move(options),
                                            config::read_any);
  }
  static std::string show(const ConfigNode&) { return {}; }
};

template <ConfigChoice E>
struct ConfigType<E> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    for (const auto& [text, value] : ConfigEnum<E>::values) options.choices.emplace_back(text);
    auto read = [](const ConfigNode& node, std::string_view path, const FieldOptions& allowed,
                   ConfigProblems& problems) -> std::optional<E> {
      auto text = config::read_string(node, path, allowed, problems);
      if (!text) return std::nullopt;
      for (const auto& [choice, value] : ConfigEnum<E>::values) {
        if (choice == *text) return value;
      }
      return std::nullopt;  // read_string has already refused what is no choice
    };
    return config::scalar_field<E>(std::move(name), FieldType::kEnum, std::move(options), read);
  }
  static std::string show(E wanted) {
    for (const auto& [text, value] : ConfigEnum<E>::values) {
      if (value == wanted) return std::string(text);
    }
    return {};
  }
};

template <ConfigStruct T>
struct ConfigType<T> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    ObjectSpec object = ConfigObject<T>::spec().object();
    FieldSpec spec{.name = std::move(name), .type = FieldType::kObject, .options = std::move(options)};
    spec.fields = object.fields;
    spec.shorthand = object.shorthand;
    spec.read = [object = std::move(object)](const ConfigNode& node, std::string_view path, void* target,
                                             ConfigProblems& problems) {
      read_object(node, object, path, target, problems);
    };
    return spec;
  }
  static std::string show(const T&) { return {}; }
};

template <class T>
struct ConfigType<std::vector<T>> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    FieldSpec item = ConfigType<T>::describe("", config::item_options(options));
    FieldSpec spec = config::collection_field(std::move(name), FieldType::kList, std::move(options), item);
    spec.read = [bounds = spec.options, read = item.read](const ConfigNode& node, std::string_view path,
                                                          void* target, ConfigProblems& problems) {
      std::vector<T> list;
      config::read_list(node, path, bounds, problems,
                        [&](const ConfigNode& value, const std::string&, std::string_view item_path) {
                          T& slot = list.emplace_back();
                          read(value, item_path, &slot, problems);
                        });
      *static_cast<std::vector<T>*>(target) = std::move(list);
    };
    return spec;
  }
  static std::string show(const std::vector<T>& list) {
    std::string text;
    for (const T& item : list) text += (text.empty() ? "[" : ", ") + ConfigType<T>::show(item);
    return text.empty() ? text : text + "]";
  }
};

template <class T>
struct ConfigType<std::map<std::string, T>> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    FieldSpec item = ConfigType<T>::describe("", config::item_options(options));
    FieldSpec spec = config::collection_field(std::move(name), FieldType::kMap, std::move(options), item);
    spec.read = [bounds = spec.options, read = item.read](const ConfigNode& node, std::string_view path,
                                                          void* target, ConfigProblems& problems) {
      std::map<std::string, T> map;
      config::read_map(node, path, bounds, problems,
                       [&](const ConfigNode& value, const std::string& key, std::string_view item_path) {
                         read(value, item_path, &map[key], problems);
                       });
      *static_cast<std::map<std::string, T>*>(target) = std::move(map);
    };
    return spec;
  }
  static std::string show(const std::map<std::string, T>& map) {
    std::string text;
    for (const auto& [key, item] : map) {
      text += (text.empty() ? "{" : ", ") + config::show_string(key) + ": " + ConfigType<T>::show(item);
    }
    return text.empty() ? text : text + "}";
  }
};

// An empty value counts as not given.
template <class T>
struct ConfigType<std::optional<T>> {
  static FieldSpec describe(std::string name, FieldOptions options) {
    FieldSpec spec = ConfigType<T>::describe(std::move(name), std::move(options));
    spec.nullable = true;
    spec.read = [read = std::move(spec.read)](const ConfigNode& node, std::string_view path, void* target,
                                              ConfigProblems& problems) {
      auto& slot = *static_cast<std::optional<T>*>(target);
      slot.reset();
      if (node.kind != ConfigNode::Kind::kNull) read(node, path, &slot.emplace(), problems);
    };
    return spec;
  }
  static std::string show(const std::optional<T>& value) { return value ? ConfigType<T>::show(*value) : ""; }
};

}  // namespace colloquium
