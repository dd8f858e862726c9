#include "config/schema.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <regex.h>
#include <string>

#include "config/amount.h"
#include "config/problems.h"
#include "config/redact.h"
#include "config/settings.h"
#include "config/testing/components.h"

namespace colloquium::config {
namespace {

using Json = nlohmann::json;

// A validator of just the words our schemas use; any other word fails the test that meets it.
class Validator {
 public:
  explicit Validator(Json root) : root_(std::move(root)) {}

  bool accepts(const Json& value) const { return valid(root_, value); }

 private:
  static bool is_type(const std::string& type, const Json& value) {
    if (type == "integer") return value.is_number_integer();
    if (type == "number") return value.is_number();
    return type == value.type_name();
  }

  bool valid(const Json& schema, const Json& value) const {
    for (const auto& [word, argument] : schema.items()) {
      INFO(word);
      if (!holds(word, argument, schema, value)) return false;
    }
    return true;
  }

  bool holds(const std::string& word, const Json& argument, const Json& schema, const Json& value) const {
    static const char* const kNotes[] = {"$schema", "title",     "$defs",      "description",
                                         "default", "writeOnly", "deprecated", "properties"};
    for (const char* note : kNotes) {
      if (word == note) return word != "properties" || properties(argument, value);
    }
    if (word == "type") return argument.is_array() ? any_type(argument, value) : is_type(argument, value);
    if (word == "const") return value == argument;
    if (word == "enum") return std::find(argument.begin(), argument.end(), value) != argument.end();
    if (word == "anyOf") return count(argument, value) >= 1;
    if (word == "allOf") return count(argument, value) == static_cast<std::ptrdiff_t>(argument.size());
    if (word == "oneOf") return count(argument, value) == 1;
    if (word == "not") return !valid(argument, value);
    if (word == "$ref") return valid(root_.at(Json::json_pointer(argument.get<std::string>().substr(1))), value);
    if (word == "required") return required(argument, value);
    if (word == "additionalProperties") return additional(argument, schema, value);
    return bounds(word, argument, value);
  }

  static bool matches(const std::string& pattern, const std::string& text) {
    regex_t compiled;
    REQUIRE(regcomp(&compiled, pattern.c_str(), REG_EXTENDED | REG_NOSUB) == 0);
    const bool found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
    regfree(&compiled);
    return found;
  }

  bool bounds(const std::string& word, const Json& argument, const Json& value) const {
    if (word == "items") return items(argument, value);
    if (word == "minItems") return !value.is_array() || value.size() >= argument;
    if (word == "maxItems") return !value.is_array() || value.size() <= argument;
    if (word == "minProperties") return !value.is_object() || value.size() >= argument;
    if (word == "maxProperties") return !value.is_object() || value.size() <= argument;
    if (word == "minimum") return !value.is_number() || value >= argument;
    if (word == "maximum") return !value.is_number() || value <= argument;
    if (word == "minLength") return !value.is_string() || value.get<std::string>().size() >= argument;
    if (word == "maxLength") return !value.is_string() || value.get<std::string>().size() <= argument;
    if (word == "pattern") return !value.is_string() || matches(argument, value);
    FAIL("unknown word " + word);
    return false;
  }

  static bool any_type(const Json& types, const Json& value) {
    return std::any_of(types.begin(), types.end(), [&](const Json& type) { return is_type(type, value); });
  }
  std::ptrdiff_t count(const Json& schemas, const Json& value) const {
    return std::count_if(schemas.begin(), schemas.end(), [&](const Json& schema) { return valid(schema, value); });
  }
  bool items(const Json& schema, const Json& value) const {
    return !value.is_array() ||
           std::all_of(value.begin(), value.end(), [&](const Json& item) { return valid(schema, item); });
  }
  static bool required(const Json& keys, const Json& value) {
    return !value.is_object() ||
           std::all_of(keys.begin(), keys.end(), [&](const Json& key) { return value.contains(key); });
  }
  bool properties(const Json& known, const Json& value) const {
    if (!value.is_object()) return true;
    for (const auto& [key, schema] : known.items()) {
      if (value.contains(key) && !valid(schema, value.at(key))) return false;
    }
    return true;
  }
  bool additional(const Json& argument, const Json& schema, const Json& value) const {
    if (!value.is_object()) return true;
    for (const auto& [key, item] : value.items()) {
      const bool known = schema.contains("properties") && schema.at("properties").contains(key);
      const bool allowed = argument.is_boolean() ? argument.get<bool>() : valid(argument, item);
      if (!known && !allowed) return false;
    }
    return true;
  }

  Json root_;
};

Json value_of(std::string_view yaml) {
  return Json::parse(testing::node_of(yaml).to_json());
}

bool reads(std::string_view yaml) {
  Substitutions substitutions;
  substitutions.variable = [](std::string_view) { return std::optional<std::string>("4"); };
  ConfigProblems problems;
  read_pipeline(yaml, "orders.yaml", {testing::registry(), substitutions, ""}, problems);
  return !has_errors(problems);
}

}  // namespace

TEST_CASE("the schema of a pipeline accepts what is read and refuses what is not", "[REQ-091]") {
  const Validator schema(Json::parse(pipeline_schema_json(testing::registry())));
  const std::string ends = "sources: [{file: {path: a}}]\nsinks: [{file: {path: o/x}}]\n";
  const std::string good[] = {
      "",
      "name: x\n",
      "log: off\n",
      "log:\n",
      "log: {partitions: 4, partition_by: [a], compression: none, ack: queued}\n",
      "log:\n  partitions: ${N}\n",
      "stages: [{filter: [1, 2]}, {name: b, filter: {keep: true}}]\n",
      "stages:\n",
      "errors: {retry: none, dead_letter: x}\n",
      "errors: {retry: {policy: fixed, initial: 1s, max: 2s, attempts: 0}}\n",
      "commit: {interval: 1s, size: 1000}\n",
      "context: {a: 1, b: [2]}\n",
  };
  for (const std::string& text : good) {
    INFO(text);
    CHECK(reads(text + ends));
    CHECK(schema.accepts(value_of(text + ends)));
  }
  const std::string bad[] = {
      "nme: x\n",
      "log: on\n",
      "log: {partitions: 0}\n",
      "log: {partitions: four}\n",
      "log: {compression: lz5}\n",
      "log: {retention: {time: soon}}\n",
      "log: {retention: {tme: 7d}}\n",
      "stages: [{}]\n",
      "stages: [{fliter: 1}]\n",
      "stages: [{filter: {note: n}}]\n",
      "errors: {retry: {attempts: -1}}\n",
      "errors: {retry: linear}\n",
      "commit: {interval: 1}\n",
      "commit: {size: big}\n",
      "context: [1]\n",
  };
  for (const std::string& text : bad) {
    INFO(text);
    CHECK_FALSE(reads(text + ends));
    CHECK_FALSE(schema.accepts(value_of(text + ends)));
  }
}

TEST_CASE("the schema of a pipeline knows every component with its settings") {
  const Validator schema(Json::parse(pipeline_schema_json(testing::registry())));
  const auto accepts = [&](const std::string& source) {
    const std::string text = "sources: [" + source + "]\nsinks: [{file: {path: o/x}}]\n";
    INFO(source);
    CHECK(schema.accepts(value_of(text)) == reads(text));
    return reads(text);
  };
  CHECK(accepts("{http: {path: /x, method: PUT, headers: [a], token: t}}"));
  CHECK(accepts("{http: }"));
  CHECK(accepts("{name: a, dedupe: {key: [b], window: 1h}, http: {}}"));
  CHECK(accepts("{file: {path: a, tail: true, rotate: {size: 1MiB, time: 1h}}}"));
  CHECK_FALSE(accepts("{http: {}, file: {path: a}}"));
  CHECK_FALSE(accepts("{name: a}"));
  CHECK_FALSE(accepts("{http: {method: GET}}"));
  CHECK_FALSE(accepts("{file: {}}"));
  CHECK_FALSE(accepts("{file: {path: 5}}"));
  CHECK_FALSE(accepts("{file: {path: a, rotate: {time: soon}}}"));
  CHECK_FALSE(accepts("{http: {headers: [1]}}"));
}

namespace {

// Values that stand anywhere in a mutated pipeline; some right for one field and wrong for the next.
const char* const kValues[] = {
    "null", "true", "0",  "1",  "-1",  "4", "2.5", "70000", "off", "lz4",      "fixed",  "none",      "10s",
    "30s",  "1MiB", "1s", "''", "PUT", "x", "[]",  "{}",    "[x]", "[[x], 1]", "{a: 1}", "{path: a}", "{keep: 1}"};
const char* const kKeys[] = {"partitions", "compression", "ack",         "policy", "attempts", "interval",
                             "size",       "path",        "rotate",      "time",   "follow",   "tail",
                             "method",     "headers",     "token",       "window", "keep",     "note",
                             "retry",      "quux",        "partition_by"};

void mutate(ConfigNode& node, std::mt19937& random) {
  const size_t children = node.items.size() + node.members.size();
  const bool here = children == 0 || random() % 6 == 0;
  if (!here && !node.items.empty()) return mutate(node.items[random() % node.items.size()], random);
  if (!here) return mutate(node.members[random() % node.members.size()].value, random);
  const std::string value = kValues[random() % std::size(kValues)];
  if (node.kind != ConfigNode::Kind::kMap || random() % 3 == 0) {
    node = testing::node_of("a: " + value).members[0].value;
  } else if (!node.members.empty() && random() % 2 == 0) {
    node.members.erase(node.members.begin() + static_cast<std::ptrdiff_t>(random() % node.members.size()));
  } else {
    const std::string key = kKeys[random() % std::size(kKeys)];
    if (node.find(key) == nullptr)
      node.members.push_back({key, {}, testing::node_of("a: " + value).members[0].value});
  }
}

// The file sink's own check sees more than a schema can.
bool is_made_by_check(const ConfigProblem& problem) {
  return problem.message.find("no directory") == 0;
}

}  // namespace

TEST_CASE("schema and reader agree on thousands of mutated pipelines", "[REQ-091]") {
  const Validator schema(Json::parse(pipeline_schema_json(testing::registry())));
  // Without what only the reader checks: names, streams, and rules that span two keys.
  const std::string sample = R"(
log: {partitions: 4, partition_by: [a], compression: zstd, ack: written}
sources:
  - http: {path: /a, method: PUT, headers: [a, b], token: t}
    dedupe: {key: [a], window: 1h}
  - file: {path: a, follow: true, rotate: {size: 1MiB, time: 1h}}
stages:
  - filter: [1]
  - filter: {keep: true, note: n}
sinks:
  - file: {path: o/x, rotate: {}}
    when: [b]
errors: {retry: {policy: fixed, attempts: 3}}
commit: {interval: 50ms, size: 1MiB}
ai:
  providers:
    - openai: {api_key: k}
      timeouts: {connect: 1s}
      models: {m: {max_output_tokens: 9}}
      connections: 3
  prices: p.json
  budgets: [{name: a, limit: 0.5 USD, window: month}]
  cache: {ttl: 1h}
  audit: {bodies: true}
)";
  std::mt19937 random(4);
  int accepted = 0;
  for (int round = 0; round < 4'000; ++round) {
    ConfigNode node = testing::node_of(sample);
    const unsigned changes = 1 + random() % 3;
    for (unsigned i = 0; i < changes; ++i) mutate(node, random);
    const std::string text = to_yaml(node);
    INFO(text);
    ConfigProblems problems;
    read_pipeline(text, "orders.yaml", {testing::registry(), {}, ""}, problems);
    INFO(describe(problems));
    const bool reads_well = std::all_of(problems.begin(), problems.end(), is_made_by_check);
    CHECK(schema.accepts(Json::parse(node.to_json())) == reads_well);
    accepted += reads_well ? 1 : 0;
  }
  CHECK(accepted > 300);
  CHECK(accepted < 3'700);
}

TEST_CASE("a schema tells descriptions, defaults, secrets and old spellings") {
  const Json schema = Json::parse(object_schema_json(testing::file_spec().object(), "file"));
  CHECK(schema.at("$schema") == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema.at("title") == "file");
  CHECK(schema.at("required") == Json({"path"}));
  CHECK(schema.at("properties").at("path").at("description") == "The file.");
  CHECK(schema.at("properties").at("follow").at("default") == false);
  CHECK(schema.at("properties").at("tail").at("deprecated") == true);
  CHECK(schema.at("properties").at("rotate").at("properties").at("time").at("default") == "1h");
  const Json http = Json::parse(object_schema_json(testing::http_spec().object(), "http"));
  CHECK(http.at("properties").at("token").at("writeOnly") == true);
}

namespace {

struct AllTypes {
  bool flag = false;
  int32_t count = 1;
  double ratio = 0.5;
  std::string text;
  std::string choice = "a";
  Duration wait{1000};
  Duration pause{0};
  ByteSize size{1};
  NanoUsd cost{kNanoPerUsd};
  Secret secret;
  Expression expression;
  ConfigNode any;
  std::vector<int64_t> numbers;
  std::map<std::string, Duration> times;
  std::vector<testing::RotateConfig> rotations;
};

ConfigSpec<AllTypes> all_types() {
  return ConfigSpec<AllTypes>()
      .field("flag", &AllTypes::flag, {})
      .field("count", &AllTypes::count, {.minimum = 1, .maximum = 5})
      .field("ratio", &AllTypes::ratio, {.minimum = 0, .maximum = 1})
      .field("text", &AllTypes::text, {.minimum = 2, .maximum = 4})
      .field("choice", &AllTypes::choice, {.choices = {"a", "b"}})
      .field("wait", &AllTypes::wait, {.minimum = 1})
      .field("pause", &AllTypes::pause, {})
      .field("size", &AllTypes::size, {.minimum = 1})
      .field("cost", &AllTypes::cost, {.minimum = 0})
      .field("secret", &AllTypes::secret, {})
      .field("expression", &AllTypes::expression, {})
      .field("any", &AllTypes::any, {})
      .field("numbers", &AllTypes::numbers, {.minimum = 1, .maximum = 2})
      .field("times", &AllTypes::times, {.maximum = 1})
      .field("rotations", &AllTypes::rotations, {});
}

}  // namespace

TEST_CASE("for every type of field, schema and reader agree on what may be written", "[REQ-091]") {
  const Validator schema(Json::parse(object_schema_json(all_types().object(), "all")));
  const std::vector<std::pair<std::string, bool>> cases = {
      {"flag: true", true},
      {"flag: yes", false},
      {"flag: 1", false},
      {"count: 5", true},
      {"count: 6", false},
      {"count: 1.5", false},
      {"count: '1'", false},
      {"ratio: 1", true},
      {"ratio: 0.25", true},
      {"ratio: 1.5", false},
      {"ratio: x", false},
      {"text: ab", true},
      {"text: a", false},
      {"text: abcde", false},
      {"text: 12", false},
      {"text:", false},
      {"choice: b", true},
      {"choice: c", false},
      {"wait: 5s", true},
      {"wait: 5", false},
      {"wait: 0", false},
      {"wait: 5 s", false},
      {"wait: -5s", false},
      {"pause: 0", true},
      {"pause: '0'", true},
      {"pause: 1", false},
      {"pause: 7d", true},
      {"size: 64KiB", true},
      {"size: 4096", true},
      {"size: 0", false},
      {"size: 1KIB", false},
      {"size: -1", false},
      {"size: 1.5MiB", false},
      {"cost: 10 USD", true},
      {"cost: 0.005 USD", true},
      {"cost: 10", false},
      {"cost: 10 EUR", false},
      {"cost: -1 USD", false},
      {"cost: .5 USD", false},
      {"secret: x", true},
      {"secret: 1", false},
      {"expression: [a]", true},
      {"expression: false", true},
      {"expression:", false},
      {"any:", true},
      {"any: {a: [1]}", true},
      {"numbers: [1, 2]", true},
      {"numbers: []", false},
      {"numbers: [1, 2, 3]", false},
      {"numbers: [a]", false},
      {"numbers: 1", false},
      {"times: {a: 1s}", true},
      {"times: {a: 1}", false},
      {"times: {a: 1s, b: 1s}", false},
      {"times: [1s]", false},
      {"rotations: [{time: 1h}, {}]", true},
      {"rotations: [{tme: 1h}]", false},
      {"rotations: [1h]", false},
      {"other: 1", false},
  };
  for (const auto& [text, right] : cases) {
    INFO(text);
    CHECK(schema.accepts(value_of(text)) == right);
    CHECK(testing::read_text(all_types(), text).second.empty() == right);
  }
}

TEST_CASE("a required key may be given in any of its spellings, and in one only") {
  struct Old {
    std::string path;
  };
  const auto spec = ConfigSpec<Old>().field("path", &Old::path, {.required = true, .aliases = {"file", "dir"}});
  const Validator schema(Json::parse(object_schema_json(spec.object(), "old")));
  for (const char* text : {"path: a", "file: a", "dir: a", "{path: a, file: b}", "{}", "", "dir: 5"}) {
    INFO(text);
    CHECK(schema.accepts(value_of(text)) ==
          (testing::read_text(spec, text).second.find("error") == std::string::npos));
  }
}

TEST_CASE("the schema of the settings accepts settings") {
  const Validator schema(Json::parse(settings_schema_json()));
  CHECK(schema.accepts(value_of("{data_dir: d, workers: 3, log_level: debug, pipelines: [a.yaml]}")));
  CHECK(schema.accepts(value_of("workers: ${N:-4}")));
  CHECK(schema.accepts(value_of("drain_timeout: 30s")));
  CHECK_FALSE(schema.accepts(value_of("workers: 257")));
  CHECK_FALSE(schema.accepts(value_of("wrkers: 2")));
}

TEST_CASE("a schema is the same text every time") {
  CHECK(pipeline_schema_json(testing::registry()) == pipeline_schema_json(testing::registry()));
  CHECK(settings_schema_json().back() == '\n');
}

}  // namespace colloquium::config
