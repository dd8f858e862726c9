#include "components/mqtt/mqtt_writer.h"

#include <catch2/catch.hpp>

#include "config/yaml.h"

namespace colloquium::components {
namespace {

using State = PahoPublished::State;

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  const std::pair<std::string_view, std::string_view> header{"unit", "C"};
  for (size_t i = 0; i < values.size(); ++i) {
    builder.add(values[i], {}, {.key = "k", .headers = {&header, 1}, .offset_delta = static_cast<uint32_t>(i)});
  }
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

std::unique_ptr<MqttWriter> writer_of(MqttWriterConfig config, const std::string& topic = "out",
                                      const std::string& format = "ndjson") {
  config.topic = formats::TextTemplate::parse(topic, "topic", {}).value();
  ConfigProblems problems;
  const auto node = config::load_yaml("format: " + format, "p.yaml", problems);
  REQUIRE(node);
  ConfigType<formats::SinkFormatSetting>::describe("format", {})
      .read(*node->find("format"), "format", &config.format, problems);
  REQUIRE(problems.empty());
  return MqttWriter::create(std::move(config), nullptr).value();
}

// A broker that answers the n-th message with the n-th of `states`, and all others with kDone.
struct Broker {
  std::vector<State> states;
  std::vector<MqttMessage> published;
  std::vector<size_t> rounds;

  std::vector<PahoPublished> operator()(std::span<const MqttMessage> round) {
    rounds.push_back(round.size());
    std::vector<PahoPublished> answers;
    for (const MqttMessage& message : round) {
      const size_t n = published.size();
      answers.push_back({n < states.size() ? states[n] : State::kDone, "because"});
      published.push_back(message);
    }
    return answers;
  }
};

TEST_CASE("events are published in order, in rounds of as many as may be in flight") {
  const auto writer = writer_of({.qos = 2, .retain = true, .headers = true, .max_in_flight = 2});
  std::vector<SinkWrite> writes = {{batch_of({"1", "2", "3"}), {}}, {batch_of({"4", "5"}), {}}};
  Broker broker;
  CHECK(writer->write(writes, 100, std::ref(broker)));
  CHECK(broker.rounds == std::vector<size_t>{2, 2, 1});
  REQUIRE(broker.published.size() == 5);
  for (size_t i = 0; i < 5; ++i) CHECK(broker.published[i].payload == std::to_string(i + 1));
  Broker narrow;
  CHECK(writer->write(writes, 1, std::ref(narrow)));
  CHECK(narrow.rounds == std::vector<size_t>(5, 1));
  CHECK(broker.published[0].topic == "out");
  CHECK(broker.published[0].qos == 2);
  CHECK(broker.published[0].retained);
  CHECK(broker.published[0].user_properties == MqttHeaders{{"unit", "C"}});
  for (const SinkWrite& write : writes) {
    for (const EventOutcome& one : write.outcomes) CHECK(one.outcome == Outcome::kOk);
  }
}

TEST_CASE("what a broker says of a message is the event's outcome") {
  const auto writer = writer_of({});
  std::vector<SinkWrite> writes = {{batch_of({"1", "2", "3"}), {}}};
  Broker broker{{State::kRefused, State::kBusy, State::kDone}, {}, {}};
  CHECK(writer->write(writes, 100, std::ref(broker)));
  CHECK(writes[0].outcomes[0].outcome == Outcome::kDeadLetter);
  CHECK(writes[0].outcomes[0].error.message == "the broker refuses a message to 'out': because");
  CHECK(writes[0].outcomes[1].outcome == Outcome::kRetry);
  CHECK(writes[0].outcomes[1].is_attempt);
  CHECK(writes[0].outcomes[2].outcome == Outcome::kOk);
}

TEST_CASE("behind what nobody knows nothing more is published, and no event is to blame") {
  const auto writer = writer_of({.max_in_flight = 2});
  std::vector<SinkWrite> writes = {{batch_of({"1", "2", "3"}), {}}};
  Broker broker{{State::kDone, State::kUnknown}, {}, {}};
  CHECK_FALSE(writer->write(writes, 100, std::ref(broker)));
  CHECK(broker.published.size() == 2);
  CHECK(writes[0].outcomes[0].outcome == Outcome::kOk);
  for (const size_t i : {1, 2}) {
    CHECK(writes[0].outcomes[i].outcome == Outcome::kRetry);
    CHECK_FALSE(writes[0].outcomes[i].is_attempt);
  }
}

TEST_CASE("fields give each event its topic, and an event that gives none is a dead letter") {
  const auto writer = writer_of({}, "{$input/id}");
  std::vector<SinkWrite> writes = {
      {batch_of({R"({"id":"s/a"})", R"({"id":"+"})", R"({"id":[]})", R"({"id":"s/b"})"}), {}}};
  Broker broker;
  CHECK(writer->write(writes, 100, std::ref(broker)));
  REQUIRE(broker.published.size() == 2);
  CHECK(broker.published[0].topic == "s/a");
  CHECK(broker.published[1].topic == "s/b");
  CHECK(writes[0].outcomes[0].outcome == Outcome::kOk);
  CHECK(writes[0].outcomes[1].outcome == Outcome::kDeadLetter);
  CHECK(writes[0].outcomes[2].outcome == Outcome::kDeadLetter);
  CHECK(writes[0].outcomes[3].outcome == Outcome::kOk);
}

TEST_CASE("a tombstone is an empty payload") {
  BatchBuilder builder;
  builder.add_tombstone({.key = "k"});
  std::vector<SinkWrite> writes = {{builder.seal(std::make_shared<BatchOrigin>(), 0), {}}};
  const auto writer = writer_of({});
  Broker broker;
  CHECK(writer->write(writes, 100, std::ref(broker)));
  CHECK(broker.published.at(0).payload.empty());
}

TEST_CASE("payloads are what the format makes of events, without what ends a line") {
  const auto writer = writer_of({}, "out", "{csv: {columns: [a, b], header: false}}");
  std::vector<SinkWrite> writes = {{batch_of({R"({"a":1,"b":"x"})"}), {}}};
  Broker broker;
  CHECK(writer->write(writes, 100, std::ref(broker)));
  CHECK(broker.published.at(0).payload == "1,x");
}

}  // namespace
}  // namespace colloquium::components
