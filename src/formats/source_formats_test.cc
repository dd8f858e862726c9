// The formats of sources: what records become, and what of them is bad.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/problems.h"
#include "config/yaml.h"
#include "formats/format.h"
#include "formats/json_text.h"
#include "json/walk.h"

namespace colloquium::formats {
namespace {

SourceFormatSetting setting(const std::string& yaml) {
  ConfigProblems problems;
  const ConfigNode node = config::load_yaml(yaml, "test.yaml", problems).value();
  SourceFormatSetting setting;
  ConfigType<SourceFormatSetting>::describe("format", {}).read(node, "format", &setting, problems);
  INFO(config::describe(problems));
  REQUIRE(problems.empty());
  return setting;
}

struct Event {
  size_t at = 0;      // of the record in the body
  std::string json;   // or
  std::string error;  // "7: what is wrong"
};

// Everything a body gives, as the door takes it.
std::vector<Event> events(const std::string& yaml, std::string_view body) {
  const SourceFormatSetting chosen = setting(yaml);
  const auto opened = chosen.format->open(body);
  REQUIRE(opened);
  REQUIRE(opened->decoder != nullptr);
  std::vector<Event> out;
  std::string_view rest = body.substr(opened->begin);
  std::string_view record;
  while (opened->decoder->next(rest, record)) {
    Event event{static_cast<size_t>(record.data() - body.data()), {}, {}};
    std::vector<char> json;
    if (const auto failure = opened->decoder->decode(record, json)) {
      event.error = std::to_string(failure->byte) + ": " + failure->what;
    } else {
      event.json.assign(json.begin(), json.end());
    }
    out.push_back(std::move(event));
  }
  return out;
}

std::string all(const std::string& yaml, std::string_view body) {
  std::string out;
  for (const Event& event : events(yaml, body)) {
    if (!event.json.empty()) {
      REQUIRE(json::parse(event.json, "event"));
    }
    out += (event.error.empty() ? event.json : "! " + event.error) + "\n";
  }
  return out;
}

}  // namespace

TEST_CASE("CSV: each record is an object with the header's names") {
  CHECK(all("csv", "id,name\n1,Anna\r\n2,\"Bea, \"\"B\"\"\"\n") ==
        "{\"id\":\"1\",\"name\":\"Anna\"}\n{\"id\":\"2\",\"name\":\"Bea, \\\"B\\\"\"}\n");
  CHECK(all("csv: {delimiter: \";\"}", "a;b\n1;2") == "{\"a\":\"1\",\"b\":\"2\"}\n");
  CHECK(all("csv: {delimiter: \"\\t\", header: false, columns: [x, y]}", "1\t2\n") ==
        "{\"x\":\"1\",\"y\":\"2\"}\n");
  CHECK(all("csv: {columns: [x, y]}", "a,b\n1,2\n") == "{\"x\":\"1\",\"y\":\"2\"}\n");
  CHECK(all("csv",
            "\xef\xbb\xbf"
            "a\n1\n") == "{\"a\":\"1\"}\n");
}

TEST_CASE("CSV: a quoted field may hold line breaks, and control characters become escapes") {
  CHECK(all("csv", "a,b\n\"1\n2\",3\n4,5\n") == "{\"a\":\"1\\n2\",\"b\":\"3\"}\n{\"a\":\"4\",\"b\":\"5\"}\n");
  CHECK(all("csv", "a\n\"x\ny\"") == "{\"a\":\"x\\ny\"}\n");
  CHECK(all("csv", std::string_view("a\n\0\\\n", 5)) == "{\"a\":\"\\u0000\\\\\"}\n");
}

TEST_CASE("CSV: a quote inside of an unquoted field is a character") {
  CHECK(all("csv", "a,b\n5\" pipe,1\n6\" pipe,2\n") ==
        "{\"a\":\"5\\\" pipe\",\"b\":\"1\"}\n{\"a\":\"6\\\" pipe\",\"b\":\"2\"}\n");
}

TEST_CASE("CSV: types are as declared, and what does not fit is a bad event that names the column") {
  const std::string yaml = "csv: {types: {n: number, i: integer, b: boolean, j: json, g: auto}}";
  CHECK(all(yaml, "n,i,b,j,g,s\n1.5,2,TRUE,[1],7,8\n,,0,null,x,\n") ==
        "{\"n\":1.5,\"i\":2,\"b\":true,\"j\":[1],\"g\":7,\"s\":\"8\"}\n"
        "{\"n\":null,\"i\":null,\"b\":false,\"j\":null,\"g\":\"x\",\"s\":\"\"}\n");
  CHECK(all("csv: {types: {b: integer}}", "a,b\n1,1.5\n") == "! 2: column 'b' is an integer, got '1.5'\n");
  CHECK(all("csv: {types: {j: json}}", "j,s\n\"{\"\"a\"\": [\"\"\\\"\"\"\"]}\",x\n") ==
        "{\"j\":{\"a\": [\"\\\"\"]},\"s\":\"x\"}\n");
  CHECK(all("csv: {delimiter: \";\", types: {j: json}}", "j;s\n1,\"t\":2;x\n1}{;y\n") ==
        "! 0: column 'j' is a JSON value, got '1,\"t\":2'\n! 0: column 'j' is a JSON value, got '1}{'\n");
  CHECK(all("csv: {types: {b: number}}", "a,b\n1,0x2\n") == "! 2: column 'b' is a number, got '0x2'\n");
  CHECK(all("csv: {types: {b: boolean}}", "a,b\n1,yes\n") == "! 2: column 'b' is a boolean, got 'yes'\n");
  CHECK(all("csv: {default_type: auto, empty: \"null\"}", "a,b\n007,\"1\"\ntrue,\n") ==
        "{\"a\":\"007\",\"b\":\"1\"}\n{\"a\":true,\"b\":null}\n");
}

TEST_CASE("CSV: a record with another number of fields, or a quote that goes wrong, is bad, and the next is not") {
  CHECK(all("csv", "a,b\n1\n2,3\n4,5,6\n7,8\n") ==
        "! 1: 1 fields, but there are 2 columns\n{\"a\":\"2\",\"b\":\"3\"}\n"
        "! 4: more fields than the 2 columns\n{\"a\":\"7\",\"b\":\"8\"}\n");
  CHECK(all("csv", "a,b\n\"1\"2,3\n4,5\n") ==
        "! 0: a delimiter has to follow the closing quote of a field\n{\"a\":\"4\",\"b\":\"5\"}\n");
  CHECK(all("csv", "a,b\n\"1,3\n4,5\n") ==
        "! 0: a quoted field has no closing quote\n{\"a\":\"4\",\"b\":\"5\"}\n");
}

TEST_CASE("CSV: records say where they stand, whatever comes before them") {
  const auto found = events("csv", "a\r\n\r\n1\r\n\n22\n");
  REQUIRE(found.size() == 2);
  CHECK(found[0].at == 5);
  CHECK(found[1].at == 9);
}

TEST_CASE("CSV: a header without names, or with one twice, is refused") {
  const SourceFormatSetting chosen = setting("csv");
  CHECK_FALSE(chosen.format->open("a,,b\n"));
  const auto twice = chosen.format->open("a,b,a\n");
  REQUIRE_FALSE(twice);
  CHECK_THAT(twice.error().message, Catch::Contains("column 'a' is named twice"));
}

TEST_CASE("text: each line is a string, and bytes that are no UTF-8 are kept in base64") {
  CHECK(all("text", "a \"b\"\n\n \xff\n") == "\"a \\\"b\\\"\"\n{\"raw_base64\":\"IP8=\"}\n");
  CHECK(all("text: {field: message}", "x\n\xff\n") ==
        "{\"message\":\"x\"}\n{\"message\":{\"raw_base64\":\"/w==\"}}\n");
  CHECK(all("raw", "a\nb\n") == "\"a\\nb\\n\"\n");
}

TEST_CASE("logfmt: pairs, flags, quoted values and numbers") {
  CHECK(all("logfmt", "at=info n=3 f=-1.5e3 ok t=true s=\"a \\\"b\\\"\\n\" e= z=007 u=/a?b=c\n") ==
        "{\"at\":\"info\",\"n\":3,\"f\":-1.5e3,\"ok\":true,\"t\":true,\"s\":\"a "
        "\\\"b\\\"\\n\",\"e\":\"\",\"z\":\"007\","
        "\"u\":\"/a?b=c\"}\n");
  CHECK(all("logfmt: {numbers: false}", "n=3 t=true\n") == "{\"n\":\"3\",\"t\":\"true\"}\n");
  CHECK(all("logfmt", "a=\"x\nb=\"y\"z\n=1\n\"q\"\nok=1\n") ==
        "! 2: a quoted value has no closing quote\n! 5: a space has to follow the closing quote of a value\n"
        "! 0: a key has to stand here\n! 0: a key has to stand here\n{\"ok\":1}\n");
  CHECK(all("logfmt", "a=\"\\\\\" b\n") == "{\"a\":\"\\\\\",\"b\":true}\n");
}

TEST_CASE("logfmt: quoted values have the escapes of JSON and of Go, and other backslashes are characters") {
  CHECK(all("logfmt", R"(m="a\"b\\c\n\u00e9\t")"
                      "\n") == R"({"m":"a\"b\\c\n\u00e9\t"})"
                               "\n");
  CHECK(all("logfmt", R"(m="\x1b[0m\a\v\xff")"
                      "\n") == R"({"m":"\u001b[0m\u0007\u000b)"
                               "\xef\xbf\xbd\"}\n");
  CHECK(all("logfmt", R"(m="C:\dir \=\xg1\u12")"
                      "\n") == R"({"m":"C:\\dir \\=\\xg1\\u12"})"
                               "\n");
  CHECK(all("logfmt", R"(m="\ud83d\ude00 \ud83d \ude00")"
                      "\n") == R"({"m":"\ud83d\ude00 )"
                               "\xef\xbf\xbd \xef\xbf\xbd\"}\n");
}

TEST_CASE("syslog: RFC 5424, with structured data") {
  CHECK(
      all("syslog",
          "<165>1 2003-10-11T22:14:15.003Z host.example evntslog - ID47 [exampleSDID@32473 iut=\"3\" "
          "eventID=\"10\\\"1\\]\"][x] \xef\xbb\xbf"
          "An application\n") ==
      "{\"facility\":\"local4\",\"severity\":\"notice\",\"version\":1,\"timestamp\":\"2003-10-11T22:14:15.003Z\","
      "\"hostname\":\"host.example\",\"appname\":\"evntslog\",\"msgid\":\"ID47\",\"structured_data\":"
      "{\"exampleSDID@32473\":{\"iut\":\"3\",\"eventID\":\"10\\\"1]\"},\"x\":{}},\"message\":\"An "
      "application\"}\n");
  CHECK(all("syslog", "<0>1 - - - - - -\n") == "{\"facility\":\"kern\",\"severity\":\"emerg\",\"version\":1}\n");
  CHECK(all("syslog", "<13>1 - h a\n") == "! 11: procid is missing (RFC 5424)\n");
  CHECK(all("syslog", "<13>1 - - - - - [a b=\"c\n") == "! 23: a value of structured data has no closing quote\n");
}

TEST_CASE("syslog: RFC 3164, and what only looks like it") {
  CHECK(
      all("syslog", "<34>Oct 11 22:14:15 mymachine su[42]: 'su root' failed\n") ==
      "{\"facility\":\"auth\",\"severity\":\"crit\",\"timestamp\":\"Oct 11 22:14:15\",\"hostname\":\"mymachine\","
      "\"appname\":\"su\",\"procid\":\"42\",\"message\":\"'su root' failed\"}\n");
  CHECK(all("syslog", "<13>no header here\n") ==
        "{\"facility\":\"user\",\"severity\":\"notice\",\"message\":\"no header here\"}\n");
  CHECK(all("syslog: {standard: rfc5424}", "<13>Oct 11 22:14:15 h t: m\n") ==
        "! 4: a version and a space have to follow the priority (RFC 5424)\n");
  CHECK(all("syslog", "<192>x\nplain\n<1234>x\n<>\n<\n") ==
        "! 0: a syslog line begins with its priority, as in <13>\n! 0: a syslog line begins with its priority, as "
        "in "
        "<13>\n! 0: a syslog line begins with its priority, as in <13>\n! 0: a syslog line begins with its "
        "priority, as "
        "in <13>\n! 0: a syslog line begins with its priority, as in <13>\n");
}

TEST_CASE("JSON needs no decoder: the door cuts it") {
  CHECK(setting("ndjson").format->open("x")->decoder == nullptr);
  CHECK(setting("ndjson").format->body_format() == BodyFormat::kNdjson);
  CHECK(setting("json").format->body_format() == BodyFormat::kJson);
  CHECK(setting("json").format->is_whole());
}

TEST_CASE("what a JSON number is") {
  for (const char* good : {"0", "-0", "10", "1.5", "-1e9", "1E+2", "18446744073709551616"})
    CHECK(is_json_number(good));
  for (const char* bad :
       {"", "-", "01", "1.", ".5", "1e", "+1", "1e+", "0x1", "NaN", "1 ", "1234567890123456789012345"}) {
    INFO(bad);
    CHECK_FALSE(is_json_number(bad));
  }
}

}  // namespace colloquium::formats
