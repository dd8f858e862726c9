// KafkaWriter and librdkafka's mock cluster, which answers as told. It shows aborted records to readers, so
// nothing here claims exactly once; the acceptance tests do that with a real broker.
#include "components/kafka/kafka_writer.h"

#include <catch2/catch.hpp>
#include <librdkafka/rdkafka_mock.h>

#include "base/logging.h"
#include "base/thread_executor.h"
#include "components/kafka/kafka_sink.h"

namespace colloquium::components {
namespace {

constexpr int16_t kProduce = 0;
constexpr int16_t kEndTxn = 26;

// A cluster of one broker, and a writer to topic "out".
class Scene {
 public:
  explicit Scene(bool transactions, int64_t max_message = 1'000'000, const std::string& key = "") {
    char reason[256] = {};
    owner_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), reason, sizeof reason));
    REQUIRE(owner_ != nullptr);
    cluster_ = rd_kafka_mock_cluster_new(owner_.get(), 1);
    REQUIRE(rd_kafka_mock_topic_create(cluster_, "out", 4, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
    REQUIRE(rd_kafka_mock_topic_create(cluster_, "progress", 1, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
    KafkaSinkConfig config;
    config.brokers = {rd_kafka_mock_cluster_bootstraps(cluster_)};
    config.transactions = transactions;
    config.max_message.bytes = max_message;
    config.timeout.ms = 5'000;
    config_ = {.connection = connection_properties(config, ""),
               .producer = producer_properties(config),
               .owner = "p/out",
               .topic = "out",
               .transactions = transactions,
               .transactional_id = {},
               .progress_topic = "progress",
               .max_message = static_cast<size_t>(max_message)};
    if (!key.empty()) {
      const auto text = formats::TextTemplate::parse(key, "key", {nullptr, 1, 1});
      config_.key = formats::TextTemplate::Renderer::create(text.value(), nullptr, nullptr).value();
    }
    set_log_level(LogLevel::kOff);
    restart();
  }
  ~Scene() {
    writer_.reset();
    rd_kafka_mock_cluster_destroy(cluster_);
    set_log_level(LogLevel::kInfo);
  }

  void restart() {
    writer_.reset();
    auto json = formats::MessageText::create(*formats::default_sink_format(), nullptr);
    writer_ = std::make_unique<KafkaWriter>(config_, *std::move(json), "instance", stop, counters);
  }
  KafkaWriter& writer() { return *writer_; }
  void answer(int16_t api, std::initializer_list<rd_kafka_resp_err_t> errors) {
    const std::vector<rd_kafka_resp_err_t> list(errors);
    rd_kafka_mock_push_request_errors_array(cluster_, api, list.size(), list.data());
  }
  std::vector<EventOutcome> write(std::shared_ptr<const Batch> batch) {
    std::vector<SinkWrite> writes;
    writes.push_back({.batch = std::move(batch), .outcomes = {}});
    writer_->write(writes);
    return writes[0].outcomes;
  }

  ThreadExecutor executor;
  KafkaStop stop{executor};
  KafkaWriterCounters counters;

 private:
  KafkaHandle owner_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
  KafkaWriterConfig config_;
  std::unique_ptr<KafkaWriter> writer_;
};

std::shared_ptr<const Batch> batch_of(std::initializer_list<std::string> values, int64_t base_offset = 100,
                                      bool keys = true) {
  BatchBuilder builder;
  for (const std::string& value : values) {
    EventMeta meta{.timestamp_ms = 1'700'000'000'000};
    if (keys) meta.key = "k";
    meta.offset_delta = static_cast<uint32_t>(builder.size());
    builder.add(value, {}, meta);
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->tag = "abcdefgh";
  return builder.seal(origin, base_offset);
}

std::vector<Outcome> kinds(const std::vector<EventOutcome>& outcomes) {
  std::vector<Outcome> out;
  for (const EventOutcome& outcome : outcomes) out.push_back(outcome.outcome);
  return out;
}

const Outcome kGood = Outcome::kOk;

TEST_CASE("events are written, and an error that passes costs none of them") {
  Scene scene(false);
  CHECK(kinds(scene.write(batch_of({"1", "2"}))) == std::vector{kGood, kGood});
  scene.answer(kProduce, {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS});
  CHECK(kinds(scene.write(batch_of({"3"}))) == std::vector{kGood});
}

TEST_CASE("an event longer than a message may be is a dead letter, and its neighbours are written") {
  Scene scene(false, 2'000);
  const auto outcomes = scene.write(batch_of({"1", "\"" + std::string(3'000, 'x') + "\"", "3"}));
  CHECK(kinds(outcomes) == std::vector{kGood, Outcome::kDeadLetter, kGood});
  CHECK_THAT(outcomes[1].error.message, Catch::Contains("max_message"));
}

TEST_CASE("of a batch that the brokers find too large, only who is too large alone is a dead letter") {
  Scene scene(false);
  // The batch, then the first of the two sent alone.
  scene.answer(kProduce, {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE});
  const auto outcomes = scene.write(batch_of({"1", "2"}));
  CHECK(kinds(outcomes) == std::vector{Outcome::kDeadLetter, kGood});
}

TEST_CASE("an error about the topic is tried again, is no attempt of the event's, and names what to do") {
  Scene scene(false);
  scene.answer(kProduce, {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED});
  const auto outcomes = scene.write(batch_of({"1"}));
  REQUIRE(kinds(outcomes) == std::vector{Outcome::kRetry});
  CHECK_FALSE(outcomes[0].is_attempt);
  CHECK(outcomes[0].error.code == ErrorCode::kPermission);
  CHECK_THAT(outcomes[0].error.message, Catch::Contains("topic 'out'") && Catch::Contains("sasl"));
}

TEST_CASE("a transaction writes events and progress, which the next process finds") {
  Scene scene(true);
  CHECK(scene.writer().recover("p/out", {"orders.abcdefgh-0"}).value().empty());
  CHECK(kinds(scene.write(batch_of({"1", "2"}, 100))) == std::vector{kGood, kGood});
  CHECK(scene.counters.transactions.value() == 1);
  scene.restart();
  const auto progress = scene.writer().recover("p/out", {"orders.abcdefgh-0", "orders.abcdefgh-1"});
  REQUIRE(progress);
  REQUIRE(progress->size() == 1);
  CHECK(progress->front().partition == "orders.abcdefgh-0");
  CHECK(progress->front().next == 102);
}

TEST_CASE("what a transaction cannot carry is left out, told, and kept until it is settled") {
  Scene scene(true, 2'000);
  REQUIRE(scene.writer().recover("p/out", {"orders.abcdefgh-0"}));
  const std::string large = "\"" + std::string(3'000, 'x') + "\"";
  CHECK(kinds(scene.write(batch_of({"1", large, "3"}, 100))) == std::vector{kGood, Outcome::kDeadLetter, kGood});
  CHECK(scene.counters.aborted.value() == 0);
  KafkaProgressNotes notes;
  notes.add_given_up("orders.abcdefgh-0", 99, "settled before the next write");
  notes.add_given_up("orders.abcdefgh-0", 102, "said no too often");
  notes.add_settled("orders.abcdefgh-0", 100);
  scene.writer().take(std::move(notes));
  REQUIRE(kinds(scene.write(batch_of({"4"}, 103))) == std::vector{kGood});
  scene.restart();
  auto progress = scene.writer().recover("p/out", {"orders.abcdefgh-0"});
  REQUIRE(progress.value().size() == 1);
  REQUIRE(progress->front().given_up.size() == 2);
  CHECK(progress->front().given_up[0].offset == 101);
  CHECK_THAT(progress->front().given_up[0].error, Catch::Contains("too large"));
  CHECK(progress->front().given_up[1].error == "said no too often");
  notes = {};
  notes.add_settled("orders.abcdefgh-0", 102);
  scene.writer().take(std::move(notes));
  REQUIRE(kinds(scene.write(batch_of({"5"}, 104))) == std::vector{kGood});
  scene.restart();
  progress = scene.writer().recover("p/out", {"orders.abcdefgh-0"});
  REQUIRE(progress.value().size() == 1);
  CHECK(progress->front().next == 105);
  REQUIRE(progress->front().given_up.size() == 1);
  CHECK(progress->front().given_up[0].offset == 102);
}

TEST_CASE("a write of many events is several transactions, and none begins between events of one offset") {
  Scene scene(true);
  REQUIRE(scene.writer().recover("p/out", {"orders.abcdefgh-0"}));
  constexpr size_t kMore = 2'000;
  BatchBuilder builder;
  for (size_t i = 0; i < KafkaWriter::kTransactionEvents + kMore; ++i) {
    EventMeta meta{.key = "k", .timestamp_ms = 1'700'000'000'000};
    // Three events of one offset, the last of which would be one too many.
    const bool same = i == KafkaWriter::kTransactionEvents - 1 || i == KafkaWriter::kTransactionEvents;
    meta.offset_delta = static_cast<uint32_t>(same ? KafkaWriter::kTransactionEvents - 2 : i);
    builder.add("1", {}, meta);
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->tag = "abcdefgh";
  const auto batch = builder.seal(origin, 0);
  const auto outcomes = scene.write(batch);
  CHECK(outcomes.size() == batch->size());
  CHECK(std::all_of(outcomes.begin(), outcomes.end(), [](const auto& one) { return one.outcome == kGood; }));
  CHECK(scene.counters.transactions.value() == 2);
  scene.restart();
  const auto progress = scene.writer().recover("p/out", {"orders.abcdefgh-0"});
  REQUIRE(progress.value().size() == 1);
  CHECK(progress->front().next == static_cast<int64_t>(batch->size()));
}

TEST_CASE("an event that gives no text for its key is a dead letter, also in a transaction") {
  const bool transactions = GENERATE(false, true);
  Scene scene(transactions, 1'000'000, "{$input/customer}");
  if (transactions) REQUIRE(scene.writer().recover("p/out", {"orders.abcdefgh-0"}));
  const auto outcomes =
      scene.write(batch_of({R"({"customer":"a"})", R"({"customer":null})", R"({"customer":1})"}));
  CHECK(kinds(outcomes) == std::vector{kGood, Outcome::kDeadLetter, kGood});
  CHECK_THAT(outcomes[1].error.message, Catch::Contains("key"));
  CHECK(scene.counters.aborted.value() == 0);
}

TEST_CASE("where nobody can tell whether the topic wants keys, who is refused alone is a dead letter") {
  Scene scene(false);
  // In its batch, then sent alone. The mock says nothing of a topic's settings.
  scene.answer(kProduce, {RD_KAFKA_RESP_ERR_INVALID_RECORD, RD_KAFKA_RESP_ERR_INVALID_RECORD});
  const auto outcomes = scene.write(batch_of({"1"}, 100, false));
  REQUIRE(kinds(outcomes) == std::vector{Outcome::kDeadLetter});
  CHECK(kinds(scene.write(batch_of({"2"}, 101, false))) == std::vector{kGood});
  CHECK_THAT(outcomes[0].error.message, Catch::Contains("takes no event without key"));
}

TEST_CASE("a commit that ends in an error nobody can judge is decided by what a new producer reads") {
  Scene scene(true);
  REQUIRE(scene.writer().recover("p/out", {"orders.abcdefgh-0"}));
  scene.answer(kEndTxn, {RD_KAFKA_RESP_ERR_INVALID_TXN_STATE});
  const auto outcomes = scene.write(batch_of({"1"}, 100));
  CHECK(scene.counters.producers.value() == 2);
  REQUIRE(outcomes.size() == 1);
  // The mock shows what was never committed, so here the answer is that it is there.
  CHECK(kinds(outcomes) == std::vector{kGood});
}

TEST_CASE("a stop ends the wait for brokers that are not there") {
  Scene scene(true);
  scene.stop.stop();
  const auto progress = scene.writer().recover("p/out", {"orders.abcdefgh-0"});
  REQUIRE_FALSE(progress);
  CHECK(progress.error().code == ErrorCode::kCancelled);
}

}  // namespace
}  // namespace colloquium::components
