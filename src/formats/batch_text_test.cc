#include "formats/batch_text.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/problems.h"
#include "config/yaml.h"

namespace colloquium::formats {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  return builder.seal(std::make_shared<const BatchOrigin>(), 0);
}

std::unique_ptr<BatchText> text_in(const std::string& yaml) {
  ConfigProblems problems;
  SinkFormatSetting setting;
  ConfigType<SinkFormatSetting>::describe("format", {})
      .read(config::load_yaml(yaml, "t.yaml", problems).value(), "format", &setting, problems);
  REQUIRE(problems.empty());
  return BatchText::create(*setting.format, nullptr).value();
}

}  // namespace

TEST_CASE("a text says where each of its events ends, in every format") {
  const std::string yaml = GENERATE("ndjson", "text");
  const auto text = text_in(yaml);
  text->clear("rest");
  text->add(*batch_of({"1", "22"}));
  text->add(*batch_of({"333"}));
  CHECK(text->text() == "rest1\n22\n333\n");
  CHECK(text->ends() == std::vector<size_t>{6, 9, 13});
  text->clear();
  CHECK(text->size() == 0);
  CHECK(text->ends().empty());
}

TEST_CASE("an event that the format refuses is a dead letter, and those around it are written") {
  const auto text = text_in("{csv: {columns: [a], header: false}}");
  text->add(*batch_of({R"({"a":1})", "7"}));
  text->add(*batch_of({R"({"a":2})"}));
  CHECK(text->text() == "1\n2\n");
  CHECK(text->ends() == std::vector<size_t>{2, 2, 4});
  REQUIRE(text->refused().size() == 1);
  const auto outcomes = outcomes_of(text->refused(), 0, 2);
  REQUIRE(outcomes.size() == 2);
  CHECK(outcomes[0].outcome == Outcome::kOk);
  CHECK(outcomes[1].outcome == Outcome::kDeadLetter);
  CHECK(outcomes_of(text->refused(), 2, 1).empty());
}

}  // namespace colloquium::formats
