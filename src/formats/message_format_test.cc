#include "formats/message_format.h"

#include <catch2/catch.hpp>

#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::formats {
namespace {

template <class Setting>
Setting setting_of(const std::string& yaml) {
  ConfigProblems problems;
  const ConfigNode node = config::load_yaml(yaml, "t.yaml", problems).value();
  Setting setting;
  ConfigType<Setting>::describe("format", {}).read(node, "format", &setting, problems);
  REQUIRE(config::describe(problems).empty());
  return setting;
}

MessageText text_of(const std::string& format) {
  return MessageText::create(*setting_of<SinkFormatSetting>(format).format, nullptr).value();
}

std::shared_ptr<const Batch> batch_of(std::string_view value) {
  BatchBuilder builder;
  builder.add(value, {}, {});
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

std::string refusal_of(const std::optional<SourceFormatSetting>& format) {
  ConfigProblems problems;
  const ConfigNode component = config::load_yaml("format: x", "p.yaml", problems).value();
  check_message_format(format, component, problems);
  return config::describe(problems);
}

}  // namespace

TEST_CASE("a message is what the format makes of the event, without what ends a line", "[REQ-003]") {
  const auto [format, value, message] = GENERATE(table<std::string, std::string, std::string>({
      {"ndjson", R"({"a": 1})", R"({"a": 1})"},
      {"{csv: {columns: [a, b], header: false}}", R"({"a":1,"b":"x"})", "1,x"},
      {"raw", R"("a\r\n")", "a\r\n"},
      {"raw", R"({"raw_base64":"AA0K"})", std::string("\0\r\n", 3)},
      {"raw", R"("a\r")", "a\r"},
      {"text", R"("a\r")", "a\r"},
      {"text", R"("a\n")", "a\n"},
      {"{template: {text: \"= $input\"}}", R"("a\r")", "a\r"},
      {"{template: {text: \"= $input\", line_break: false}}", R"("a\n")", "a\n"},
  }));
  MessageText text = text_of(format);
  std::string out = "before:";
  REQUIRE(text.append(*batch_of(value), 0, out));
  CHECK(out == "before:" + message);
}

TEST_CASE("what a format refuses leaves no text behind") {
  MessageText text = text_of("{csv: {columns: [a], header: false}}");
  std::string out = "before:";
  const Status refused = text.append(*batch_of("[1]"), 0, out);
  REQUIRE(!refused);
  CHECK(refused.error().code == ErrorCode::kInvalidInput);
  CHECK(out == "before:");
}

TEST_CASE("a tombstone has no text in any format") {
  BatchBuilder builder;
  builder.add_tombstone({.key = "k"});
  const auto batch = builder.seal(std::make_shared<BatchOrigin>(), 0);
  for (const char* format : {"ndjson", "raw"}) {
    MessageText text = text_of(format);
    std::string out;
    CHECK(text.append(*batch, 0, out));
    CHECK(out.empty());
  }
}

TEST_CASE("events of messages are decoded without a header, JSON without a decoder") {
  CHECK(message_decoder(std::nullopt) == nullptr);
  const auto decoder = message_decoder(setting_of<SourceFormatSetting>("{csv: {columns: [a], header: false}}"));
  REQUIRE(decoder != nullptr);
  std::string_view rest = "x";
  std::string_view record;
  REQUIRE(decoder->next(rest, record));
  std::vector<char> event;
  CHECK(!decoder->decode(record, event));
  CHECK(std::string(event.begin(), event.end()) == R"({"a":"x"})");
}

TEST_CASE("a header is refused, as no message has one") {
  CHECK(refusal_of(std::nullopt).empty());
  CHECK(refusal_of(setting_of<SourceFormatSetting>("logfmt")).empty());
  CHECK_THAT(refusal_of(setting_of<SourceFormatSetting>("csv")), Catch::Contains("has no header"));
}

}  // namespace colloquium::formats
