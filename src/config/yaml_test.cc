#include "config/yaml.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "config/problems.h"
#include "config/redact.h"

namespace colloquium::config {
namespace {

using Kind = ConfigNode::Kind;

ConfigNode load(std::string_view text) {
  ConfigProblems problems;
  std::optional<ConfigNode> node = load_yaml(text, "f.yaml", problems);
  INFO(describe(problems));
  REQUIRE(problems.empty());
  REQUIRE(node);
  return *std::move(node);
}

// What load_yaml has to say about `text`.
std::string messages(std::string_view text) {
  ConfigProblems problems;
  load_yaml(text, "f.yaml", problems);
  return describe(problems);
}

std::string repeat(std::string_view text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) out += text;
  return out;
}

constexpr char kSample[] = R"(# a pipeline
name: orders
log: &log {partitions: 4, ack: "durable", list: [1, 2.5e3, null, true]}
sources:
  - name: 'hook'
    http: {path: /orders}
    text: |
      two
      lines
  - again: *log
? explicit
: - !!str 12
  - >-
    folded
    text
"quoted key": "a\tb\u00e9"
)";

}  // namespace

TEST_CASE("plain scalars are typed by YAML 1.2's JSON schema and everything else is a string", "[REQ-091]") {
  struct Case {
    const char* text;
    Kind kind;
  };
  const Case cases[] = {
      {"null", Kind::kNull},         {"true", Kind::kBool},   {"false", Kind::kBool},
      {"0", Kind::kInteger},         {"-17", Kind::kInteger}, {"1.5", Kind::kDouble},
      {"1e3", Kind::kDouble},        {"no", Kind::kString},   {"on", Kind::kString},
      {"Yes", Kind::kString},        {"010", Kind::kString},  {"0x1f", Kind::kString},
      {"~", Kind::kString},          {"Null", Kind::kString}, {"NULL", Kind::kString},
      {"True", Kind::kString},       {".inf", Kind::kString}, {"1_000", Kind::kString},
      {"12:30:45", Kind::kString},   {"+1", Kind::kString},   {"1.", Kind::kString},
      {"2001-01-01", Kind::kString}, {"'12'", Kind::kString}, {"\"null\"", Kind::kString},
      {"!!str 12", Kind::kString},   {"! 12", Kind::kString},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const ConfigNode node = load(std::string("a: ") + c.text);
    CHECK(node.find("a")->kind == c.kind);
  }
}

TEST_CASE("a plain scalar that yaml-cpp takes for null keeps its text") {
  const ConfigNode node = load("a: ~\nb: [Null, null, ~]\nc: &x NULL\nd: *x\n~: tilde\nnull: n\n");
  CHECK(node.to_json() == R"({"a":"~","b":["Null",null,"~"],"c":"NULL","d":"NULL","~":"tilde","null":"n"})");
  CHECK(load("a:\n~: 1").to_json() == R"({"a":null,"~":1})");
  CHECK(load("{a: , Null: 1}").to_json() == R"({"a":null,"Null":1})");
}

TEST_CASE("numbers keep every digit they were written with") {
  const ConfigNode node = load("a: 12345678901234567890\nb: 9223372036854775807\nc: 0.10\nd: 1e999");
  CHECK(node.find("a")->kind == Kind::kDouble);
  CHECK(node.find("b")->integer == INT64_MAX);
  CHECK(node.to_json() == R"({"a":12345678901234567890,"b":9223372036854775807,"c":0.10,"d":1e999})");
}

TEST_CASE("block and flow text gives one tree with the place of every piece") {
  const ConfigNode node = load(kSample);
  CHECK(node.find("log")->to_json() == R"({"partitions":4,"ack":"durable","list":[1,2.5e3,null,true]})");
  CHECK(node.find("sources")->items[0].find("text")->text == "two\nlines\n");
  CHECK(node.find("sources")->items[1].find("again")->to_json() == node.find("log")->to_json());
  CHECK(node.find("explicit")->to_json() == R"(["12","folded text"])");
  CHECK(node.find("quoted key")->text == "a\tb\u00e9");
  CHECK(node.find("sources")->items[0].find("http")->find("path")->mark.describe() == "f.yaml:6:18");
  CHECK(node.members[1].mark.describe() == "f.yaml:3:1");
  CHECK(node.find("nothing") == nullptr);
}

TEST_CASE("columns count characters, not bytes") {
  const ConfigNode node = load("\"\u00e9\u00e8\": {\u4e2d: x}");
  CHECK(node.members[0].value.mark.describe() == "f.yaml:1:7");
  CHECK(node.members[0].value.members[0].value.mark.describe() == "f.yaml:1:11");
}

TEST_CASE("a byte order mark and Windows line ends change nothing") {
  const ConfigNode node = load(
      "\xef\xbb\xbf"
      "a: 1\r\nb: 2\r\n");
  CHECK(node.to_json() == R"({"a":1,"b":2})");
  CHECK(node.members[1].mark.describe() == "f.yaml:2:1");
}

TEST_CASE("empty text and comments alone are nothing") {
  CHECK(load("").kind == Kind::kNull);
  CHECK(load("# only this\n\n").kind == Kind::kNull);
  CHECK(load("---\n...\n").kind == Kind::kNull);
  CHECK(load("").mark.describe() == "f.yaml:1:1");
}

TEST_CASE("an empty value stands where its key stands") {
  const ConfigNode node = load("a:\n\n\nb: 1\nc:");
  CHECK(node.find("a")->mark.describe() == "f.yaml:1:1");
  CHECK(node.find("c")->mark.describe() == "f.yaml:5:1");
}

TEST_CASE("a key given twice is an error that names both places", "[REQ-094][REQ-106]") {
  CHECK(messages("a: 1\nb:\n  x: 1\n  y: 2\n  x: 3\na: 2\n") ==
        "f.yaml:5:3: error: key 'x' is given twice; first at f.yaml:3:3\n"
        "f.yaml:6:1: error: key 'a' is given twice; first at f.yaml:1:1\n");
  CHECK(messages("{1: a, '1': b}") == "f.yaml:1:8: error: key '1' is given twice; first at f.yaml:1:2\n");
}

TEST_CASE("of a key given twice the first value stays, so that checks can go on") {
  ConfigProblems problems;
  const auto node = load_yaml("a: 1\na: {b: [2]}\nc: 3\n", "f.yaml", problems);
  REQUIRE(node);
  CHECK(node->to_json() == R"({"a":1,"c":3})");
}

TEST_CASE("a file that is wrong all over does not give a message for every line") {
  const std::string text = messages(repeat("a: 1\n", 5'000));
  CHECK(std::count(text.begin(), text.end(), '\n') < 110);
  CHECK(text.find("error: too many problems; the rest was not looked at") != std::string::npos);
}

TEST_CASE("a key that is no name is an error") {
  CHECK(messages("? [a]\n: 1\n? {b: c}\n: 2\n") ==
        "f.yaml:1:3: error: a key must be a name, found a list\n"
        "f.yaml:3:3: error: a key must be a name, found a map\n");
  CHECK(messages(": x") == "f.yaml:1:1: error: a key must be a name, found nothing\n");
}

TEST_CASE("an alias inside its own value is an error, not a loop", "[REQ-094]") {
  CHECK(messages("a: &a [1, *a]") == "f.yaml:1:11: error: this alias stands inside the value it names\n");
  CHECK(messages("&top\nx:\n  y: &y\n    z: *top\n") ==
        "f.yaml:4:8: error: this alias stands inside the value it names\n");
}

TEST_CASE("what aliases expand to is bounded") {
  // Nine levels of nine aliases each would be 387 million values.
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text +=
        "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before + repeat(", " + before, 8) + "]\n";
  }
  CHECK(messages(text) == "f.yaml:5:10: error: the aliases up to here expand to more than 10000 values\n");
}

TEST_CASE("long texts count for what they are when aliases repeat them") {
  const std::string text = "a: &a " + std::string(100'000, 'x') + "\nb: [" + repeat("*a, ", 100) + "]\n";
  CHECK(messages(text) == "f.yaml:2:29: error: the aliases up to here expand to more than 10000 values\n");
}

TEST_CASE("exactly as much expansion as is allowed goes through") {
  const std::string items = "a: &a [" + repeat("1, ", 99) + "]\n";  // 100 values with the list itself
  CHECK(messages(items + "b: [" + repeat("*a, ", 100) + "]").empty());
  CHECK(messages(items + "b: [" + repeat("*a, ", 101) + "]") ==
        "f.yaml:2:405: error: the aliases up to here expand to more than 10000 values\n");
}

TEST_CASE("anchors inside anchors are bounded") {
  std::string text;
  for (int i = 0; i < 90; ++i) text += "&a" + std::to_string(i) + " [";
  text += repeat("1, ", 9'000) + repeat("]", 90);
  CHECK(messages(text).find("error: too much is named by anchors") != std::string::npos);
}

TEST_CASE("depth is bounded, also where aliases make it") {
  CHECK(messages(repeat("[", 100) + repeat("]", 100)).empty());
  CHECK(messages(repeat("[", 101) + repeat("]", 101)) == "f.yaml:1:101: error: nested deeper than 100 levels\n");
  CHECK(messages(repeat("[", 500'000)).find("error: nested deeper than 100 levels") != std::string::npos);
  const std::string deep = "a: &a " + repeat("[", 60) + repeat("]", 60) + "\nb: ";
  CHECK(messages(deep + repeat("[", 39) + "*a" + repeat("]", 39)).empty());
  CHECK(messages(deep + repeat("[", 41) + "*a" + repeat("]", 41)) ==
        "f.yaml:2:45: error: nested deeper than 100 levels\n");
}

TEST_CASE("a name may be anchored again and means what stands above") {
  CHECK(load("a: &x 1\nb: *x\nc: &x 2\nd: *x").to_json() == R"({"a":1,"b":1,"c":2,"d":2})");
}

TEST_CASE("a file holds one document") {
  CHECK(messages("a: 1\n---\nb: 2\n") == "f.yaml:2:1: error: a second document starts here; a file holds one\n");
  CHECK(messages("- a\nb: 1\n") ==
        "f.yaml:2:1: error: this does not belong to what stands above; check indentation and quotes\n");
}

TEST_CASE("tags are refused but for !!str") {
  CHECK(messages("a: !python/object x") ==
        "f.yaml:1:4: error: tags other than !!str are not supported; remove the tag\n");
  CHECK(messages("a: !!map {}") == "f.yaml:1:4: error: tags other than !!str are not supported; remove the tag\n");
}

TEST_CASE("syntax errors are told in our words with their place", "[REQ-094][REQ-106]") {
  struct Case {
    const char* text;
    const char* message;
  };
  const Case cases[] = {
      {"a:\n\t- x", "f.yaml:2:2: error: a tab cannot indent; use spaces\n"},
      {"a: b: c",
       "f.yaml:1:5: error: a ':' cannot stand here; check the indentation, or put the text in quotes\n"},
      {"a: 1\n b: 2",
       "f.yaml:2:3: error: a ':' cannot stand here; check the indentation, or put the text in quotes\n"},
      {"a: [1, 2", "f.yaml:1:9: error: expected ',' or ']' here: a '[' further up is not closed\n"},
      {"a: {b: 1\nc: 2", nullptr},
      {"a: 'abc", "f.yaml:1:8: error: the file ends inside a quoted string; is a quote missing?\n"},
      {"a: \"x\" y",
       "f.yaml:1:8: error: this does not fit into the map around it; check indentation and quotes\n"},
      {"a: @x", "f.yaml:1:4: error: a value cannot begin with this character; put it in quotes\n"},
      {"a: \"\\d\"", "f.yaml:1:7: error: unknown escape in double quotes; write \\\\ for a backslash\n"},
      {"a: *x", "f.yaml:1:4: error: nothing above is named so; put '*' in quotes if it is text\n"},
      {"a: {}}", "f.yaml:1:6: error: there is no '[' or '{' that this closes\n"},
      {"a: [1}", nullptr},
      {"a: &b &c d", "f.yaml:1:7: error: a value can have one anchor only\n"},
      {"a: !!str !!str b", "f.yaml:1:10: error: a value can have one tag only\n"},
      {"a: \"\\x4g\"", "f.yaml:1:9: error: a character escape has a digit that is not hexadecimal\n"},
      {"a: \"\\ud800\"", "f.yaml:1:11: error: a character escape names no Unicode character\n"},
      {"a: |x\n  b", "f.yaml:1:5: error: unexpected character after '|' or '>'\n"},
      {"a: * b", nullptr},
      {"a: & b", nullptr},
      {"%YAML 3.0\n---\na: 1", "f.yaml:1:1: error: unknown YAML version\n"},
      {"- a\n -b: c", nullptr},
      {"a: 1\n- b", nullptr},
      {"a: {url: ${URL}}", "f.yaml:1:10: error: inside [ ] and { } a ${…} must stand in quotes\n"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    if (c.message != nullptr) CHECK(messages(c.text) == c.message);
    CHECK_FALSE(messages(c.text).empty());
    CHECK(messages(c.text).find("yaml-cpp") == std::string::npos);
  }
}

TEST_CASE("bytes that are no text are refused with their place") {
  CHECK(messages("a: \xff") == "f.yaml:1:4: error: this is not UTF-8\n");
  CHECK(messages("a: \xc3\xa9\nb: \xed\xa0\x80") == "f.yaml:2:4: error: this is not UTF-8\n");
  CHECK(messages("a: \xf4\x90\x80\x80") == "f.yaml:1:4: error: this is not UTF-8\n");
  CHECK(messages("a: \xe4\xb8") == "f.yaml:1:4: error: this is not UTF-8\n");
  for (const char c : {'\0', '\x04', '\x1b', '\x7f'}) {
    CHECK(messages(std::string("a: b") + c + "c") ==
          "f.yaml:1:5: error: control characters may not stand in a YAML file; write them escaped in double "
          "quotes\n");
  }
  CHECK(messages("\xfe\xff\0a") == "f.yaml:1:1: error: this is not UTF-8\n");
}

TEST_CASE("a file may have 1 MiB and no more") {
  const std::string fitting = "a: " + std::string(kMaxYamlBytes - 3, 'x');
  CHECK(messages(fitting).empty());
  CHECK(messages(fitting + "x") == "f.yaml: error: the file is larger than 1 MiB\n");
}

namespace {

nlohmann::json random_json(std::mt19937& random, int depth) {
  static const char* const texts[] = {
      "",   "a",  "null",       "true",     "12", "a: b", "- x", "#",  "\u00e9\u4e2d",
      "\"", "\\", "\n\t\r\b\f", "\x01\x1f", "{}", "[",    "*a",  "&b", "!c",
      "%",  "@",  "`",          "~"};
  const unsigned kind = random() % (depth > 0 ? 7 : 5);
  if (kind == 0) return nullptr;
  if (kind == 1) return random() % 2 == 0;
  if (kind == 2) return static_cast<int64_t>(random()) - 2'000'000'000;
  if (kind == 3) return static_cast<double>(random()) / 1024.0;
  if (kind == 4) return texts[random() % std::size(texts)];
  nlohmann::json value = kind == 5 ? nlohmann::json::array() : nlohmann::json::object();
  const size_t count = random() % 4;
  for (size_t i = 0; i < count; ++i) {
    if (kind == 5) value.push_back(random_json(random, depth - 1));
    if (kind == 6) value[texts[random() % std::size(texts)] + std::to_string(i)] = random_json(random, depth - 1);
  }
  return value;
}

}  // namespace

TEST_CASE("JSON is YAML: whatever a JSON library writes is read as the same value", "[REQ-091]") {
  std::mt19937 random(5);
  for (int round = 0; round < 2'000; ++round) {
    const nlohmann::json value = random_json(random, 4);
    const std::string text = value.dump(round % 3 == 0 ? 2 : -1);
    INFO(text);
    CHECK(nlohmann::json::parse(load(text).to_json()) == value);
  }
}

TEST_CASE("blocks of text keep or fold their lines as YAML says") {
  CHECK(load("a: |\n  one\n   two\n\n  three\nb: 1").find("a")->text == "one\n two\n\nthree\n");
  CHECK(load("a: |-\n  one\n").find("a")->text == "one");
  CHECK(load("a: |+\n  one\n\n").find("a")->text == "one\n\n");
  CHECK(load("a: >\n  one\n  two\n\n  three\n").find("a")->text == "one two\nthree\n");
  CHECK(load("a: one\n  two\n").find("a")->text == "one two");
  CHECK(load("a: |\n  12\n").find("a")->kind == Kind::kString);
}

TEST_CASE("a block says at which column its lines begin, other text says nothing") {
  const auto column = [](std::string_view text) { return load(text).find("a")->block_column; };
  CHECK(column("a: |\n  one\n   two\nb: 1") == 3);
  CHECK(column("a: >-\n\n   \n    one\n") == 5);
  CHECK(column("a: |\n\nb: 1") == 1);
  CHECK(column("a: |") == 1);
  CHECK(column("a: '|'\n") == 0);
  CHECK(column("a: x\n  y\n") == 0);
  CHECK(column("a: \"x\"\n") == 0);
  CHECK(load("a: &x |\n  one\nb: *x\n").find("b")->block_column == 3);
}

TEST_CASE("comments stand where YAML lets them, and are no part of a value") {
  const ConfigNode node = load("# top\na: x # after\nb: x#y\nc: 'x # y'\nd: [1, # one\n  2]\n# end\n");
  CHECK(node.to_json() == R"({"a":"x","b":"x#y","c":"x # y","d":[1,2]})");
}

TEST_CASE("an alias gives the value with the places of its first writing") {
  const ConfigNode node = load("a: &x {k: 1}\nb: *x\n");
  CHECK(node.find("b")->find("k")->mark.describe() == "f.yaml:1:11");
}

TEST_CASE("whatever is wrong with a text, each problem has its place in it") {
  std::mt19937 random(99);
  const std::string sample = kSample;
  for (int round = 0; round < 2'000; ++round) {
    std::string text = sample.substr(random() % sample.size());
    text[random() % text.size()] = "[]{}:\"'\t&*-\n"[random() % 12];
    ConfigProblems problems;
    load_yaml(text, "f.yaml", problems);
    const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n')) + 1;
    INFO(text);
    for (const ConfigProblem& problem : problems) {
      INFO(problem.describe());
      CHECK(problem.mark.line >= 1);
      CHECK(problem.mark.line <= lines);
      CHECK(problem.mark.column >= 1);
    }
  }
}

TEST_CASE("every prefix of a sample is read or refused with a message", "[REQ-106]") {
  const std::string sample = kSample;
  int refused = 0;
  for (size_t length = 0; length <= sample.size(); ++length) {
    ConfigProblems problems;
    const auto node = load_yaml(std::string_view(sample).substr(0, length), "f.yaml", problems);
    INFO(length);
    CHECK((node.has_value() || has_errors(problems)));
    refused += has_errors(problems) ? 1 : 0;
  }
  CHECK(refused > 0);
}

TEST_CASE("mutated text is read or refused, and what is read can be written and read again", "[REQ-106]") {
  std::mt19937 random(20'260'731);
  const std::string pieces[] = {"&a ",  "*a",   "[",     "]",     "{",      "}",    ": ", "- ", "\n",
                                "\"",   "'",    "!",     "|",     ">",      "#",    "? ", "%",  "\t",
                                "\xff", "\xc3", "---\n", "...\n", "!!str ", "null", "~",  "1e", "${"};
  for (int round = 0; round < 3'000; ++round) {
    std::string text = kSample;
    const int changes = 1 + static_cast<int>(random() % 6);
    for (int i = 0; i < changes; ++i) {
      const size_t at = random() % text.size();
      if (random() % 3 == 0) {
        text.erase(at, random() % 4);
      } else {
        text.insert(at, pieces[random() % std::size(pieces)]);
      }
    }
    ConfigProblems problems;
    const auto node = load_yaml(text, "f.yaml", problems);
    INFO(text);
    CHECK((node.has_value() || has_errors(problems)));
    if (!node || has_errors(problems)) continue;
    const std::string written = to_yaml(*node);
    INFO(written);
    ConfigProblems again_problems;
    const auto again = load_yaml(written, "f.yaml", again_problems);
    INFO(describe(again_problems));
    REQUIRE(again);
    CHECK(again->to_json() == node->to_json());
  }
}

TEST_CASE("random bytes are read or refused") {
  std::mt19937 random(7);
  const std::string alphabet = "ab:-[]{}&*!|>'\"%@`#,?\n\t \\0~.";
  for (int round = 0; round < 3'000; ++round) {
    std::string text;
    const size_t length = random() % 40;
    for (size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
    ConfigProblems problems;
    const auto node = load_yaml(text, "f.yaml", problems);
    INFO(text);
    CHECK((node.has_value() || has_errors(problems)));
    for (const ConfigProblem& problem : problems) CHECK(problem.mark.line >= 1);
  }
}

}  // namespace colloquium::config
