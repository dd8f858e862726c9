#include "app/event_lines.h"

#include <catch2/catch.hpp>

namespace colloquium::app {
namespace {

struct Event {
  std::string value;
  std::optional<std::string> key;
  std::vector<std::pair<std::string, std::string>> headers;
  int64_t time_ms = 1'700'000'000'000;
  bool tombstone = false;
};

std::string exported(const Event& event) {
  const std::vector<std::pair<std::string_view, std::string_view>> headers(event.headers.begin(),
                                                                           event.headers.end());
  EventMeta meta;
  if (event.key) meta.key = *event.key;
  meta.headers = headers;
  meta.timestamp_ms = event.time_ms;
  BatchBuilder builder;
  if (event.tombstone) builder.add_tombstone(meta);
  if (!event.tombstone) builder.add(event.value, {}, meta);
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->partition = 3;
  std::string line;
  append_export_line(*builder.seal(std::move(origin), 7), 0, line);
  return line;
}

// The line with the padding that a reader of lines has behind it.
Result<EventLine> parsed(EventLineParser& parser, std::string& line, bool plain = false) {
  const size_t size = line.size();
  line.append(kBatchPadding, '\0');
  return plain ? parser.parse_plain(std::string_view(line).substr(0, size))
               : parser.parse(std::string_view(line).substr(0, size));
}

void check_round_trip(const Event& event) {
  std::string line = exported(event);
  INFO(line);
  REQUIRE(line.find('\n') == line.size() - 1);
  EventLineParser parser;
  const auto back = parsed(parser, line);
  REQUIRE(back);
  CHECK(back->partition == 3);
  CHECK(back->time_ms == event.time_ms);
  CHECK(back->key == event.key);
  CHECK(back->headers == event.headers);
  CHECK(back->value.has_value() != event.tombstone);
  if (!event.tombstone) CHECK(*back->value == event.value);
}

std::string refusal(std::string line, bool plain = false) {
  EventLineParser parser;
  const auto back = parsed(parser, line, plain);
  if (back) return "";
  return back.error().context + ": " + back.error().message;
}

}  // namespace

TEST_CASE("an exported event is one line of these fields") {
  CHECK(exported({R"({"id":7})", "k", {{"a", "b"}}}) ==
        R"({"partition":3,"offset":7,"time":1700000000000,"key":"k","headers":{"a":"b"},"value":{"id":7}})"
        "\n");
  CHECK(exported({"7", {}, {}, -5}) == "{\"partition\":3,\"offset\":7,\"time\":-5,\"value\":7}\n");
  CHECK(exported({"", "k", {}, 0, true}) ==
        "{\"partition\":3,\"offset\":7,\"time\":0,\"key\":\"k\",\"tombstone\":true}\n");
}

TEST_CASE("what is exported is read back byte by byte") {
  check_round_trip({R"({ "b" : 1.50e3, "a":"\u00e9é\/", "a" : [ ] })"});
  check_round_trip({"{\n  \"id\": 7,\r\n  \"text\": \"a\\nb\"\n}"});
  check_round_trip({" 7"});
  check_round_trip({"7\t"});
  check_round_trip({"\"\\u0000\\ud83d\\ude00\""});
  check_round_trip({"123456789012345678901234567890.000"});
  check_round_trip({"null"});
  check_round_trip({std::string(1000, '[') + std::string(1000, ']')});
  check_round_trip({std::string(1024, '[') + std::string(1024, ']')});
  check_round_trip({"", "k", {}, 0, true});
  check_round_trip({"1", ""});
  check_round_trip({"1", std::string("\0 \" \\ \n \x7f", 11)});
  check_round_trip({"1", "no UTF-8: \xff\xfe"});
  check_round_trip({"1", "{\"hex\":\"00\"}"});
  check_round_trip({"1", {}, {{"z", "1"}, {"a", ""}, {"", "no name"}}});
  check_round_trip({"1", {}, {{"a", "1"}, {"b", "2"}, {"a", "3"}}});
  check_round_trip({"1", {}, {{"a", "\xc3\x28"}, {"b", "é"}}});
  check_round_trip({"1", {}, {{"\xff", "1"}, {"cq.mark", "the engine's"}}});
}

TEST_CASE("lines that people write are read, too") {
  EventLineParser parser;
  std::string line = R"({"value":1})";
  const auto least = parsed(parser, line);
  REQUIRE(least);
  CHECK_FALSE(least->partition);
  CHECK_FALSE(least->time_ms);
  CHECK_FALSE(least->key);
  CHECK(least->value == "1");
  line = R"( {"time":"2026-03-01T12:00:00Z","key":null,"tombstone":false,"value":"x","headers":[]} )";
  const auto text = parsed(parser, line);
  REQUIRE(text);
  CHECK(text->time_ms == 1'772'366'400'000);
  CHECK_FALSE(text->key);
  // As `log cat --format full` prints it.
  line = R"({"stream":"s","partition":0,"offset":1,"id":"s.t-0-1","timestamp":5,"source":"hook","value":2})";
  const auto full = parsed(parser, line);
  REQUIRE(full);
  CHECK(full->time_ms == 5);
  line = " {\"a\": 1}\r";
  const auto plain = parsed(parser, line, true);
  REQUIRE(plain);
  CHECK(plain->value == "{\"a\": 1}");
}

TEST_CASE("a bad line is told with its column") {
  CHECK(refusal(R"({"value":1)").substr(0, 4) == "11: ");
  CHECK(refusal(R"({"value":tru})").substr(0, 4) == "13: ");
  CHECK(refusal("{\"value\":\"\xff\"}").substr(0, 4) == "11: ");
  CHECK(refusal("[1]") ==
        "1: a line is an object with a value; one that is the event itself is imported with --plain");
  CHECK(refusal("{}").find("1: the line has no value") == 0);
  CHECK(refusal(R"({"value":1,"raw":"1"})").substr(0, 4) == "12: ");
  CHECK(refusal(R"({"id":7,"total":1})") ==
        "9: unknown member 'total'; a line that is the event itself is imported with --plain");
  CHECK(refusal(R"({"valu":1})") == "2: unknown member 'valu'; did you mean 'value'?");
  CHECK(refusal(R"({"partition":-1,"value":1})").substr(0, 4) == "14: ");
  CHECK(refusal(R"({"partition":99999999999999999999,"value":1})").substr(0, 4) == "14: ");
  CHECK(refusal(R"({"time":1.5,"value":1})").substr(0, 3) == "9: ");
  CHECK(refusal(R"({"time":"noon","value":1})").substr(0, 3) == "9: ");
  CHECK(refusal(R"({"key":7,"value":1})").substr(0, 3) == "8: ");
  CHECK(refusal(R"({"key":{"hex":"0"},"value":1})").substr(0, 3) == "8: ");
  CHECK(refusal(R"({"headers":7,"value":1})").substr(0, 4) == "12: ");
  CHECK(refusal(R"({"headers":[["a"]],"value":1})").substr(0, 4) == "13: ");
  CHECK(refusal(R"({"headers":{"a":1},"value":1})").substr(0, 4) == "17: ");
  CHECK(refusal(R"({"headers":{"cq.accept":"x"},"value":1})").find("13: the header 'cq.accept'") == 0);
  CHECK(refusal(R"({"raw":"{\"a\""})").substr(0, 3) == "8: ");
  CHECK(refusal(R"({"a":1)", true).substr(0, 3) == "7: ");
  CHECK(refusal(std::string(1025, '[') + std::string(1025, ']'), true) != "");
}

}  // namespace colloquium::app
