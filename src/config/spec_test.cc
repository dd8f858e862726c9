#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/problems.h"
#include "config/testing/components.h"

namespace colloquium {

enum class Color { kRed, kGreen };
template <>
struct ConfigEnum<Color> {
  static constexpr std::pair<std::string_view, Color> values[] = {{"red", Color::kRed}, {"green", Color::kGreen}};
};

struct Inner {
  int32_t depth = 3;
  std::string label;
};
template <>
struct ConfigObject<Inner> {
  static ConfigSpec<Inner> spec() {
    return ConfigSpec<Inner>()
        .field("depth", &Inner::depth, {.minimum = 1, .maximum = 9})
        .field("label", &Inner::label, {.required = true});
  }
};

namespace config {
namespace {

using testing::read_text;

struct Everything {
  bool flag = true;
  int32_t small = 7;
  int64_t large = -1;
  uint16_t port = 80;
  double ratio = 0.5;
  std::string text = "x y";
  Duration wait{1500};
  ByteSize size{64 << 10};
  Secret password;
  Expression expression;
  ConfigNode anything;
  Color color = Color::kGreen;
  std::vector<std::string> list = {"a"};
  std::vector<Color> colors;
  std::map<std::string, int64_t> map;
  std::optional<int32_t> maybe;
  Inner inner;
  std::vector<Inner> inners;
};

ConfigSpec<Everything> everything() {
  return ConfigSpec<Everything>()
      .field("flag", &Everything::flag, {})
      .field("small", &Everything::small, {.minimum = 1})
      .field("large", &Everything::large, {})
      .field("port", &Everything::port, {})
      .field("ratio", &Everything::ratio, {.minimum = 0, .maximum = 1})
      .field("text", &Everything::text, {.minimum = 1, .maximum = 8})
      .field("wait", &Everything::wait, {.minimum = 100, .maximum = 3'600'000})
      .field("size", &Everything::size, {.maximum = 1 << 20})
      .field("password", &Everything::password, {.minimum = 8})
      .field("expression", &Everything::expression, {})
      .field("anything", &Everything::anything, {})
      .field("color", &Everything::color, {})
      .field("list", &Everything::list, {.minimum = 1, .maximum = 3})
      .field("colors", &Everything::colors, {})
      .field("map", &Everything::map, {})
      .field("maybe", &Everything::maybe, {})
      .field("inner", &Everything::inner, {})
      .field("inners", &Everything::inners, {});
}

std::string message(std::string_view text) {
  return read_text(everything(), text).second;
}

std::string_view default_of(std::string_view name) {
  static const ObjectSpec spec = everything().object();
  for (const FieldSpec& field : spec.fields) {
    if (field.name == name) return field.options.default_text;
  }
  return "no such field";
}

}  // namespace

TEST_CASE("every type of field is read", "[REQ-091]") {
  const auto [config, problems] = read_text(everything(), R"(
flag: false
small: 12
large: -9223372036854775808
port: 65535
ratio: 1
text: "12"
wait: 5m
size: 10KiB
password: "secret12"
expression: [">", 1, 2]
anything: {a: [1]}
color: red
list: [p, q]
colors: [green, red]
map: {one: 1, two: 2}
maybe: 4
inner: {label: in}
inners: [{label: a}, {label: b, depth: 9}]
)");
  CHECK(problems == "");
  CHECK_FALSE(config.flag);
  CHECK(config.small == 12);
  CHECK(config.large == INT64_MIN);
  CHECK(config.port == 65535);
  CHECK(config.ratio == 1.0);
  CHECK(config.text == "12");
  CHECK(config.wait == Duration{300'000});
  CHECK(config.size == ByteSize{10'240});
  CHECK(config.password.value == "secret12");
  CHECK(config.expression.node.to_json() == R"([">",1,2])");
  CHECK(config.anything.to_json() == R"({"a":[1]})");
  CHECK(config.color == Color::kRed);
  CHECK(config.list == std::vector<std::string>{"p", "q"});
  CHECK(config.colors == std::vector<Color>{Color::kGreen, Color::kRed});
  CHECK(config.map == std::map<std::string, int64_t>{{"one", 1}, {"two", 2}});
  CHECK(config.maybe == 4);
  CHECK(config.inner.label == "in");
  CHECK(config.inner.depth == 3);
  REQUIRE(config.inners.size() == 2);
  CHECK(config.inners[1].depth == 9);
}

TEST_CASE("what is not given keeps its initial value") {
  const auto [config, problems] = read_text(everything(), "{}");
  CHECK(problems == "");
  CHECK(config.flag);
  CHECK(config.text == "x y");
  CHECK(config.list == std::vector<std::string>{"a"});
  CHECK_FALSE(config.maybe);
  CHECK_FALSE(config.expression);
  CHECK(read_text(everything(), "").second == "");
}

TEST_CASE("the documented default is the initial value, as YAML") {
  CHECK(default_of("flag") == "true");
  CHECK(default_of("small") == "7");
  CHECK(default_of("ratio") == "0.5");
  CHECK(default_of("text") == "\"x y\"");
  CHECK(default_of("wait") == "1500ms");
  CHECK(default_of("size") == "64KiB");
  CHECK(default_of("color") == "green");
  CHECK(default_of("list") == "[a]");
  CHECK(default_of("maybe") == "");
  CHECK(default_of("password") == "");
}

TEST_CASE("a wrong type says what was expected, what was found, and where", "[REQ-094]") {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"flag: yes",
       "f.yaml:1:7: error: thing.flag must be true or false, found the string 'yes' (YAML 1.2 has only true and "
       "false)\n"},
      {"flag: 'true'", "f.yaml:1:7: error: thing.flag must be true or false, found the string 'true'\n"},
      {"small: four", "f.yaml:1:8: error: thing.small must be an integer, found the string 'four'\n"},
      {"small: 1.5", "f.yaml:1:8: error: thing.small must be an integer, found the number 1.5\n"},
      {"large: 9223372036854775808",
       "f.yaml:1:8: error: thing.large must be an integer, found the number 9223372036854775808\n"},
      {"ratio: [1]", "f.yaml:1:8: error: thing.ratio must be a number, found a list\n"},
      {"ratio: 1e999", "f.yaml:1:8: error: thing.ratio must be a number, found the number 1e999\n"},
      {"text: 12", "f.yaml:1:7: error: thing.text must be a string, found the number 12; put it in quotes\n"},
      {"text: true", "f.yaml:1:7: error: thing.text must be a string, found true; put it in quotes\n"},
      {"text:", "f.yaml:1:1: error: thing.text must be a string, found nothing\n"},
      {"wait: 10",
       "f.yaml:1:7: error: thing.wait must be a duration such as 500ms, 10s, 5m, 1h or 7d, found the "
       "number 10\n"},
      {"wait: soon",
       "f.yaml:1:7: error: thing.wait must be a duration such as 500ms, 10s, 5m, 1h or 7d, found the "
       "string 'soon'\n"},
      {"size: 10MB/s",
       "f.yaml:1:7: error: thing.size must be a size such as 64KiB, 10MiB or 1GB, found the string "
       "'10MB/s'\n"},
      {"color: gren",
       "f.yaml:1:8: error: thing.color must be red or green, found the string 'gren'; did you mean 'green'?\n"},
      {"color: 5", "f.yaml:1:8: error: thing.color must be red or green, found the number 5\n"},
      {"list: a", "f.yaml:1:7: error: thing.list must be a list, found the string 'a'\n"},
      {"list: [a, 2]",
       "f.yaml:1:11: error: thing.list[1] must be a string, found the number 2; put it in quotes\n"},
      {"colors: [blue]", "f.yaml:1:10: error: thing.colors[0] must be red or green, found the string 'blue'\n"},
      {"map: [1]", "f.yaml:1:6: error: thing.map must be a map, found a list\n"},
      {"map: {a: b}", "f.yaml:1:10: error: thing.map.a must be an integer, found the string 'b'\n"},
      {"inner: 5", "f.yaml:1:8: error: thing.inner must be a map, found the number 5\n"},
      {"inners: [{label: 1}]",
       "f.yaml:1:18: error: thing.inners[0].label must be a string, found the number 1; put it in quotes\n"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(message(c.text) == c.message);
  }
}

TEST_CASE("ranges are checked in the units they are written in", "[REQ-094]") {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"small: 0", "f.yaml:1:8: error: thing.small must be between 1 and 2147483647, found the number 0\n"},
      {"small: 2147483648",
       "f.yaml:1:8: error: thing.small must be between 1 and 2147483647, found the number 2147483648\n"},
      {"port: 65536", "f.yaml:1:7: error: thing.port must be between 0 and 65535, found the number 65536\n"},
      {"port: -1", "f.yaml:1:7: error: thing.port must be between 0 and 65535, found the number -1\n"},
      {"ratio: 1.5", "f.yaml:1:8: error: thing.ratio must be between 0 and 1, found the number 1.5\n"},
      {"wait: 10ms", "f.yaml:1:7: error: thing.wait must be between 100ms and 1h, found the string '10ms'\n"},
      {"size: 2MiB", "f.yaml:1:7: error: thing.size must be at most 1MiB, found the string '2MiB'\n"},
      {"text: ''", "f.yaml:1:7: error: thing.text must not be empty\n"},
      {"text: 123456789x", "f.yaml:1:7: error: thing.text must have between 1 and 8 characters, found 10\n"},
      {"list: []", "f.yaml:1:7: error: thing.list must not be empty\n"},
      {"list: [a, b, c, d]", "f.yaml:1:7: error: thing.list must have between 1 and 3 items, found 4\n"},
      {"inner: {label: a, depth: 10}",
       "f.yaml:1:26: error: thing.inner.depth must be between 1 and 9, found the number 10\n"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    CHECK(message(c.text) == c.message);
  }
}

TEST_CASE("zero needs no unit, and a size without one counts bytes") {
  const auto [config, problems] = read_text(everything(), "wait: 100ms\nsize: 4096");
  CHECK(problems == "");
  CHECK(config.size.bytes == 4096);
  struct Wait {
    Duration wait{5};
  };
  const auto spec = ConfigSpec<Wait>().field("wait", &Wait::wait, {});
  CHECK(read_text(spec, "wait: 0").first.wait.ms == 0);
}

TEST_CASE("an unknown key is an error with the name that was probably meant", "[REQ-094]") {
  CHECK(message("colr: red") == "f.yaml:1:1: error: unknown key 'colr' in thing; did you mean 'color'?\n");
  CHECK(message("inner: {label: a, dept: 2}") ==
        "f.yaml:1:19: error: unknown key 'dept' in thing.inner; did you mean 'depth'?\n");
  CHECK(message("inner: {label: a, quux: 2}") ==
        "f.yaml:1:19: error: unknown key 'quux' in thing.inner; known: depth or label\n");
  CHECK(message("quux: 1") == "f.yaml:1:1: error: unknown key 'quux' in thing\n");
  CHECK(read_text(ConfigSpec<Inner>(), "a: 1").second ==
        "f.yaml:1:1: error: unknown key 'a' in thing; it has no keys\n");
  CHECK(read_text(everything(), "colr: red", "").second ==
        "f.yaml:1:1: error: unknown key 'colr'; did you mean 'color'?\n");
}

TEST_CASE("a merge key of YAML 1.1 is refused by name") {
  CHECK(message("inner: &i {label: a}\nanything: {<<: *i}\n") == "");
  CHECK(message("anything: &i {label: a}\ninner:\n  <<: *i\n  label: b\n") ==
        "f.yaml:3:3: error: unknown key '<<' in thing.inner; merge keys are not part of YAML 1.2, write the keys "
        "out\n");
}

TEST_CASE("an expression that is written empty is an error, as it would mean everything") {
  CHECK(message("expression:\n") == "f.yaml:1:1: error: thing.expression must be an expression, found nothing\n");
  CHECK(message("expression: null") ==
        "f.yaml:1:13: error: thing.expression must be an expression, found nothing\n");
  CHECK(read_text(everything(), "expression: false").first.expression.node.kind == ConfigNode::Kind::kBool);
}

TEST_CASE("a missing key is reported where its map stands") {
  CHECK(message("a: 1\ninner: {}") ==
        "f.yaml:1:1: error: unknown key 'a' in thing\n"
        "f.yaml:2:8: error: missing key 'label' in thing.inner\n");
  CHECK(message("inner:") == "f.yaml:1:1: error: missing key 'label' in thing.inner\n");
}

TEST_CASE("all problems of a map are reported at once", "[REQ-094]") {
  CHECK(message("small: x\ncolr: red\nport: 70000\nlist: [1, 2]\n") ==
        "f.yaml:1:8: error: thing.small must be an integer, found the string 'x'\n"
        "f.yaml:2:1: error: unknown key 'colr' in thing; did you mean 'color'?\n"
        "f.yaml:3:7: error: thing.port must be between 0 and 65535, found the number 70000\n"
        "f.yaml:4:8: error: thing.list[0] must be a string, found the number 1; put it in quotes\n"
        "f.yaml:4:11: error: thing.list[1] must be a string, found the number 2; put it in quotes\n");
}

TEST_CASE("the value of a secret is in no message") {
  CHECK(message("password: hunter2") ==
        "f.yaml:1:11: error: thing.password must have at least 8 characters, found 7\n");
  CHECK(message("password: 12345678") ==
        "f.yaml:1:11: error: thing.password must be a string, found a number; put it in quotes\n");
  ConfigNode node = testing::node_of("small: abc");
  node.members[0].value.secret = true;
  ConfigProblems problems;
  everything().read(node, "thing", problems);
  CHECK(describe(problems) == "f.yaml:1:8: error: thing.small must be an integer, found a string\n");
}

TEST_CASE("an optional field may be written empty") {
  const auto [config, problems] = read_text(everything(), "maybe:\n");
  CHECK(problems == "");
  CHECK_FALSE(config.maybe);
  CHECK(message("maybe: x") == "f.yaml:1:8: error: thing.maybe must be an integer, found the string 'x'\n");
}

TEST_CASE("a scalar that came from a variable serves as a string too") {
  ConfigNode node = testing::node_of("{text: 12, color: true, wait: 500ms, small: 5}");
  for (ConfigNode::Member& member : node.members) member.value.substituted = true;
  ConfigProblems problems;
  const Everything config = everything().read(node, "thing", problems);
  CHECK(config.text == "12");
  CHECK(config.small == 5);
  CHECK(config.wait.ms == 500);
  CHECK(describe(problems) == "f.yaml:1:19: error: thing.color must be red or green, found true\n");
}

TEST_CASE("nothing more is said about what could not be replaced") {
  ConfigNode node = testing::node_of("{small: x, text: 5, list: 1, inner: 2, wait: z, flag: q, map: 1}");
  for (ConfigNode::Member& member : node.members) member.value.unresolved = true;
  ConfigProblems problems;
  everything().read(node, "thing", problems);
  CHECK(describe(problems) == "");
}

TEST_CASE("other spellings are read with a warning, deprecated keys too") {
  struct Old {
    std::string path;
    int32_t speed = 1;
  };
  const auto spec = ConfigSpec<Old>()
                        .field("path", &Old::path, {.required = true, .aliases = {"file", "dir"}})
                        .field("speed", &Old::speed, {.deprecated = "rate"});
  const auto [config, problems] = read_text(spec, "dir: x\nspeed: 2\n");
  CHECK(config.path == "x");
  CHECK(config.speed == 2);
  CHECK(problems ==
        "f.yaml:1:1: warning: key 'dir' in thing is another spelling of 'path'; use that\n"
        "f.yaml:2:1: warning: key 'speed' in thing is deprecated; use rate\n");
  CHECK(read_text(spec, "dir: x\nfile: y").second ==
        "f.yaml:1:1: warning: key 'dir' in thing is another spelling of 'path'; use that\n"
        "f.yaml:2:1: error: key 'file' in thing says again what 'path' says\n");
}

TEST_CASE("a shorthand reads anything but a map as one of the fields") {
  const auto spec = testing::filter_spec();
  CHECK(read_text(spec, "[1, 2]").first.keep.node.to_json() == "[1,2]");
  CHECK(read_text(spec, "'= $input'").first.keep.node.text == "= $input");
  CHECK(read_text(spec, "{keep: true, note: n}").first.note == "n");
  CHECK(read_text(spec, "{note: n}").second == "f.yaml:1:1: error: missing key 'keep' in thing\n");
  CHECK(read_text(spec, "").second == "f.yaml:1:1: error: missing key 'keep' in thing\n");
  struct Two {
    int32_t a = 0;
    int32_t b = 0;
  };
  const auto two =
      ConfigSpec<Two>().field("a", &Two::a, {}).field("b", &Two::b, {.required = true}).shorthand("a");
  CHECK(read_text(two, "x").second ==
        "f.yaml:1:1: error: thing must be an integer, found the string 'x'\n"
        "f.yaml:1:1: error: missing key 'b' in thing\n");
}

TEST_CASE("values are shown as YAML that reads back as the same value") {
  CHECK(ConfigType<bool>::show(false) == "false");
  CHECK(ConfigType<double>::show(0.1) == "0.1");
  CHECK(ConfigType<std::string>::show("no quotes") == "\"no quotes\"");
  CHECK(ConfigType<Duration>::show({90'000}) == "90s");
  CHECK(ConfigType<ByteSize>::show({1 << 20}) == "1MiB");
  CHECK(ConfigType<Color>::show(Color::kRed) == "red");
  CHECK(ConfigType<std::vector<Duration>>::show({{1000}, {60'000}}) == "[1s, 1m]");
  CHECK(ConfigType<std::map<std::string, std::string>>::show({{"a", "b"}, {"c d", "1"}}) ==
        "{a: b, \"c d\": \"1\"}");
  CHECK(ConfigType<std::optional<int>>::show(7) == "7");
  CHECK(ConfigType<std::optional<int>>::show(std::nullopt) == "");
  CHECK(ConfigType<Secret>::show({"hunter2"}) == "");
}

TEST_CASE("every type tells what it is, for schema and pages") {
  const ObjectSpec spec = everything().object();
  const auto field = [&spec](std::string_view name) {
    for (const FieldSpec& candidate : spec.fields) {
      if (candidate.name == name) return candidate;
    }
    return FieldSpec{};
  };
  CHECK(field("flag").type == FieldType::kBool);
  CHECK(field("port").type == FieldType::kInteger);
  CHECK(field("port").options.maximum == 65'535);
  CHECK_FALSE(field("large").options.maximum);
  CHECK(field("password").options.secret);
  CHECK(field("color").options.choices == std::vector<std::string>{"red", "green"});
  CHECK(field("colors").type == FieldType::kList);
  CHECK(field("colors").item_type == FieldType::kEnum);
  CHECK(field("colors").options.choices.size() == 2);
  CHECK(field("map").item_type == FieldType::kInteger);
  CHECK(field("maybe").nullable);
  CHECK(field("inner").fields.size() == 2);
  CHECK(field("inners").item_type == FieldType::kObject);
  CHECK(field("inners").fields.size() == 2);
}

}  // namespace config
}  // namespace colloquium
