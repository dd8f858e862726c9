// KafkaSink: a topic as the place where events go.
//
// All that waits is given to the writer at once, on the sink's own thread: one transaction, or one flush, serves
// every partition of the leg that has something to write. While it runs, more gathers.
//
// Threads: state is the loop's; KafkaWriter is the thread's alone, and nothing on the loop waits for it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/executor.h"
#include "colloquium/sink.h"

#include "components/kafka/kafka_settings.h"
#include "components/kafka/kafka_writer.h"

namespace colloquium::components {

enum class KafkaPartitioner { kMurmur2, kConsistent, kFnv1a, kRandom };
enum class KafkaCompression { kNone, kGzip, kSnappy, kLz4, kZstd };
enum class KafkaAcks { kAll, kOne, kNone };

struct KafkaSinkConfig : KafkaConnection {
  std::string topic;
  formats::SinkFormatSetting format;
  std::optional<std::string> key;
  KafkaPartitioner partitioner = KafkaPartitioner::kMurmur2;
  KafkaCompression compression = KafkaCompression::kLz4;
  KafkaAcks acks = KafkaAcks::kAll;
  bool idempotent = true;
  bool transactions = false;
  std::string transactional_id;
  std::string progress_topic = "colloquium-progress";
  Duration transaction_timeout{60'000};
  Duration timeout{30'000};
  Duration linger{5};
  ByteSize max_message{1'000'000};
  ConfigMark mark;  // of the component, for messages about its key
};

const Descriptor& kafka_sink();

// What librdkafka's producer is given for these settings.
std::vector<std::pair<std::string, std::string>> producer_properties(const KafkaSinkConfig& config);

class KafkaSink final : public Sink, public ProgressKeeper {
 public:
  // `key`: of config.key; null if the events' own keys count.
  KafkaSink(ComponentContext context, const KafkaSinkConfig& config, formats::MessageText format,
            std::shared_ptr<formats::TextTemplate::Renderer> key, Executor& executor);
  ~KafkaSink() override;  // REQUIRES: closed

  Guarantee guarantee() const override;
  Status restore(const std::string& token) override;
  Status start() override;
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  JoinLimits joins() const override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  ProgressKeeper* progress() override { return config_.transactions ? this : nullptr; }
  std::optional<Error> broken() const override { return broken_; }
  void close(Task closed) override;

  void recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) override;
  void gave_up(const std::string& partition, int64_t offset, const std::string& error) override;
  void settled(const std::string& partition, int64_t offset) override;

 private:
  struct Metrics;

  void pump();
  void serve_later();
  void written(WriteGroup group);
  void check_closed();
  void register_metrics();

  ComponentContext context_;
  const KafkaSinkConfig config_;
  KafkaStop stop_;
  std::unique_ptr<Metrics> metrics_;
  std::unique_ptr<KafkaWriter> writer_;  // the thread's while it has a task, else nobody's
  std::unique_ptr<TaskQueue> thread_;    // gone before what its tasks use
  WriteQueue waiting_;
  KafkaProgressNotes notes_;  // for the next write
  std::optional<Error> broken_;
  std::unique_ptr<Timer> serve_timer_;
  size_t under_way_ = 0;  // tasks of the thread that will answer on the loop
  bool writing_ = false;
  bool closing_ = false;
  Task closed_;
};

}  // namespace colloquium::components
