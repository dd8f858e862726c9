// ConfigSpec: one declaration per component that yields parsing, messages with file:line:col and
// did-you-mean, secret redaction, JSON Schema and the reference page.
//
// A component declares its settings as a plain struct and binds each member to a field:
//
//   ConfigSpec<FileSinkConfig> spec() {
//     return ConfigSpec<FileSinkConfig>()
//         .field("path", &FileSinkConfig::path, {.description = "File to append to.", .required = true})
//         .field("mode", &FileSinkConfig::mode, {.description = "Permission bits.", .default_text = "0644"});
//   }
//
// The YAML library is behind ConfigNode; src/config makes nodes from text and does everything else.
// Thread safety: specs are immutable once built; nodes are values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/result.h"

namespace colloquium {

// Where a node stands in its file; lines and columns count from 1.
struct ConfigMark {
  std::shared_ptr<const std::string> file;
  int line = 0;
  int column = 0;
  std::string describe() const;  // "orders.yaml:12:7"
};

// One YAML value, typed by YAML 1.2's rules (design.md, A pipeline file).
struct ConfigNode {
  enum class Kind { kNull, kBool, kInteger, kDouble, kString, kList, kMap };
  struct Member;  // key, where the key stands, value

  Kind kind = Kind::kNull;
  bool boolean = false;
  int64_t integer = 0;
  double number = 0;
  std::string text;               // a string, or any scalar as written (after substitution)
  bool quoted = false;            // a string that was written in quotes or as a block
  bool substituted = false;       // a plain scalar that was nothing but ${…}: typed, but also good as a string
  bool secret = false;            // holds what ${secret:…} gave: never shown
  bool unresolved = false;        // its ${…} failed: a problem has been reported, readers add no other
  int block_column = 0;           // of a block (`|`, `>`): its lines stand below the mark, from this column on
  std::vector<ConfigNode> items;  // list
  std::vector<Member> members;    // map, in the order written
  ConfigMark mark;

  const ConfigNode* find(std::string_view key) const;
  std::string to_json() const;         // compact JSON of the value
  std::string_view kind_name() const;  // "a string", "a list" …, for messages
};
struct ConfigNode::Member {
  std::string key;
  ConfigMark mark;
  ConfigNode value;
};

// One thing wrong with a configuration.
struct ConfigProblem {
  ConfigMark mark;
  std::string message;
  bool warning = false;
  std::string describe() const;  // "orders.yaml:12:7: error: unknown key 'compresion' in log; did you …?"
};
using ConfigProblems = std::vector<ConfigProblem>;

// Durations and sizes are types of their own, so that the spec knows how to read and document them.
struct Duration {
  int64_t ms = 0;
  friend bool operator==(Duration, Duration) = default;
};
struct ByteSize {
  int64_t bytes = 0;
  friend bool operator==(ByteSize, ByteSize) = default;
};
// A string that is never printed.
struct Secret {
  std::string value;
};
// A Computo expression or script: kept as its node; src/engine compiles it with the context it is used in.
struct Expression {
  ConfigNode node;
  explicit operator bool() const { return node.kind != ConfigNode::Kind::kNull; }
};

enum class FieldType {
  kBool,
  kInteger,
  kDouble,
  kString,
  kDuration,
  kSize,
  kAmount,  // of money
  kSecret,
  kExpression,
  kList,
  kMap,
  kObject,
  kEnum,
  kAny,  // whatever YAML can say, kept as its node
};

struct FieldOptions {
  std::string description;
  std::string default_text;  // as it would be written in YAML; empty: the member's initial value is documented
  std::string example;       // one YAML value
  bool required = false;
  bool advanced = false;
  bool secret = false;     // redacted wherever the configuration is shown
  std::string deprecated;  // what to use instead
  std::string since;       // version
  // Bounds, both included: of a number, of a duration in ms, of a size in bytes, of a string's length in
  // bytes, of the count of a list or map.
  std::optional<int64_t> minimum;
  std::optional<int64_t> maximum;
  std::vector<std::string> choices;  // kEnum: what may be written
  std::vector<std::string> aliases;  // other spellings still read
};

// A spec without its C++ type: what docs, schema and validation walk over.
struct FieldSpec {
  std::string name;
  FieldType type = FieldType::kString;
  FieldType item_type = FieldType::kString;  // kList, kMap
  FieldOptions options;
  std::vector<FieldSpec> fields;  // kObject, or items that are objects
  std::string shorthand;          // of the object, see ObjectSpec
  bool nullable = false;          // may be written empty, which is as if it were not given
  // Reads `node` into the struct at `target`; adds what is wrong to `problems`. `path` names the value in
  // messages: "log.partitions", "kafka.brokers[1]".
  std::function<void(const ConfigNode& node, std::string_view path, void* target, ConfigProblems& problems)> read;
};

struct ObjectSpec {
  std::vector<FieldSpec> fields;
  // If a scalar or a list stands where the object is expected, it is read as this field ("filter: EXPR").
  std::string shorthand;
};

// Reads a map (or, with a shorthand, anything) into `target` by `spec`: unknown keys with a suggestion,
// missing required keys, wrong types, ranges; all problems at once. An empty value counts as an empty map.
// `what` names it in messages ("log"); it may be empty. Keys that are not given leave their members as they
// are. Implemented in src/config/spec.cc.
void read_object(const ConfigNode& node, const ObjectSpec& spec, std::string_view what, void* target,
                 ConfigProblems& problems);

// How a C++ type is read and documented. Specialised for every type a field may have in config_types.h, which
// whoever writes a spec includes:
//   static FieldSpec describe(std::string name, FieldOptions options);
//   static std::string show(const T& value);  // as YAML for "default", empty if there is nothing to show
template <class T>
struct ConfigType;

template <class Config>
class ConfigSpec {
 public:
  template <class T>
  ConfigSpec&& field(std::string name, T Config::*member, FieldOptions options) && {
    add(std::move(name), member, std::move(options));
    return std::move(*this);
  }
  template <class T>
  ConfigSpec& field(std::string name, T Config::*member, FieldOptions options) & {
    add(std::move(name), member, std::move(options));
    return *this;
  }
  ConfigSpec&& shorthand(std::string name) && {
    object_.shorthand = std::move(name);
    return std::move(*this);
  }

  const ObjectSpec& object() const& { return object_; }
  ObjectSpec object() && { return std::move(object_); }

  Config read(const ConfigNode& node, std::string_view what, ConfigProblems& problems) const {
    Config config;
    read_object(node, object_, what, &config, problems);
    return config;
  }

 private:
  template <class T>
  void add(std::string name, T Config::*member, FieldOptions options) {
    if (!options.required && options.default_text.empty()) {
      options.default_text = ConfigType<T>::show(Config{}.*member);
    }
    FieldSpec spec = ConfigType<T>::describe(std::move(name), std::move(options));
    auto read = std::move(spec.read);
    spec.read = [member, read = std::move(read)](const ConfigNode& node, std::string_view path, void* target,
                                                 ConfigProblems& problems) {
      read(node, path, &(static_cast<Config*>(target)->*member), problems);
    };
    object_.fields.push_back(std::move(spec));
  }
  ObjectSpec object_;
};

}  // namespace colloquium
