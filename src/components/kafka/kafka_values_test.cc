#include "components/kafka/kafka_values.h"

#include <catch2/catch.hpp>

#include "config/yaml.h"

namespace colloquium::components {

namespace {

formats::MessageText text_of(const std::string& yaml) {
  ConfigProblems problems;
  const auto node = config::load_yaml(yaml, "p.yaml", problems);
  REQUIRE(node);
  formats::SinkFormatSetting setting;
  ConfigType<formats::SinkFormatSetting>::describe("format", {}).read(*node, "format", &setting, problems);
  REQUIRE(problems.empty());
  auto format = formats::MessageText::create(*setting.format, nullptr);
  REQUIRE(format);
  return *std::move(format);
}

}  // namespace

TEST_CASE("a value is the same wherever its event stands among others") {
  formats::MessageText format = text_of("{csv: {columns: [a], header: false}}");
  BatchBuilder builder;
  for (const char* event : {R"({"a":""})", R"({"a":"x"})", R"({"a":""})"}) builder.add(event, {}, {});
  const KafkaValues values(format, *builder.seal(std::make_shared<BatchOrigin>(), 0));
  CHECK(values.value(0) == "\"\"");
  CHECK(values.value(1) == "x");
  CHECK(values.value(2) == "\"\"");
}

TEST_CASE("each event has the value that the format makes, and one it refuses has none") {
  formats::MessageText format = text_of("{csv: {columns: [a], header: false}}");
  BatchBuilder builder;
  builder.add(R"({"a":"one"})", {}, {});
  builder.add("[2]", {}, {});
  builder.add_tombstone({.key = "k"});
  builder.add(R"({"a":4})", {}, {});
  const KafkaValues values(format, *builder.seal(std::make_shared<BatchOrigin>(), 0));
  CHECK(values.value(0) == "one");
  CHECK(values.refusal(0) == nullptr);
  CHECK(values.value(1).empty());
  REQUIRE(values.refusal(1) != nullptr);
  CHECK_THAT(values.refusal(1)->message, Catch::Contains("only an object"));
  CHECK(values.value(2).empty());
  CHECK(values.refusal(2) == nullptr);
  CHECK(values.value(3) == "4");
}

}  // namespace colloquium::components
