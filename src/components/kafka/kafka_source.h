// KafkaSource: topics read as a member of a consumer group.
//
// Every topic-partition is a part of the source: its position is the Kafka offset, its cursor the next offset.
// What the data directory says about a partition wins over what the group says; only without it the group's
// committed offset counts, and without that `start`. The group is told of offsets once they are accepted, every
// `commit_interval`, and before a partition is given up: see GroupProgress.
//
// Backpressure. While the door takes nothing, nothing is polled; after a while the partitions are paused, so that
// the group's business can go on. What was fetched is let go then and read again from where the parts stand.
// After a refusal the part waits until all it has emitted is back and is read again from the first message
// refused.
//
// Threads: state is the loop's. Calls that wait for brokers run on one thread of the source's own, in order.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/executor.h"
#include "colloquium/source.h"

#include "base/counters.h"
#include "base/liveness.h"
#include "components/kafka/group_consumer.h"
#include "components/kafka/group_progress.h"
#include "components/kafka/topic_part.h"
#include "formats/format.h"

namespace colloquium::metrics {
class Registration;
}

namespace colloquium::components {

enum class KafkaIsolation { kReadCommitted, kReadUncommitted };

struct KafkaSourceConfig : KafkaConnection {
  std::vector<std::string> topics;
  std::string group;
  std::string instance_id;
  std::string start = "earliest";
  KafkaIsolation isolation = KafkaIsolation::kReadCommitted;
  std::optional<formats::SourceFormatSetting> format;  // none: JSON
  Duration commit_interval{5'000};
  ByteSize max_event{1 << 20};
};

const Descriptor& kafka_source();

// What the group's member is given for these settings.
GroupConsumerConfig consumer_config(const KafkaSourceConfig& config, const std::string& base_dir);

// What `start` says, or nothing if it says nothing.
std::optional<std::pair<KafkaStart, int64_t>> parse_start(const std::string& text);

class KafkaSource final : public Source {
 public:
  KafkaSource(SourceContext context, const KafkaSourceConfig& config, Executor& executor);
  ~KafkaSource() override;

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  using Place = PartitionPlace;
  struct Metrics;

  void register_metrics();

  // Polls and emits one slice, then lets others have the loop.
  void drain();
  void drain_later();
  bool door_is_open();
  void door_opened();
  void handle(rd_kafka_event_t* event);
  void take(const rd_kafka_message_t& message);
  void emit(const Place& place, SourcePartition& partition, RawBatch batch);
  void cut_all();
  void acknowledged(const Place& place, uint64_t run, const Ack& ack);

  void rebalance(rd_kafka_event_t* event);
  void assigned(std::vector<TopicPartition> partitions);

  void failed_event(rd_kafka_event_t* event);
  void no_offset(const Place& place, const std::string& why);
  void find_start(const Place& place);
  void begin_at_start(const Place& place, int64_t offset);
  void go_back(const Place& place);
  int64_t offset_to_read(int64_t next) const;
  void read_again(const std::vector<Place>& places);
  void stopped_reading(const std::vector<Place>& places, const Status& status);
  void begin_reading(const std::vector<TopicPartition>& targets);
  void try_later(const Place& place, std::function<void()> what);
  void pause_all();
  void every_second();
  void tell(ErrorCode code, const std::string& message);

  // Runs `work` on the source's thread, then `done` with what it gave on the loop.
  void on_thread(std::function<Status()> work, UniqueFunction<void(Status)> done);

  SourceContext context_;
  const KafkaSourceConfig config_;
  const std::shared_ptr<const RecordDecoder> decoder_;  // null: values are JSON
  std::unique_ptr<TaskQueue> thread_;
  std::shared_ptr<GroupConsumer> consumer_;
  SourcePartitions partitions_;  // none is ever removed
  SourcePartitions::iterator last_taken_ = partitions_.end();
  GroupProgress progress_;
  std::unique_ptr<Timer> second_timer_;
  std::map<Place, std::unique_ptr<Timer>> timers_;
  int64_t door_closed_since_ns_ = -1;
  bool waits_for_door_ = false;
  bool paused_ = false;
  bool drain_posted_ = false;
  bool stopped_ = false;
  bool worked_ = false;  // a partition was assigned once: brokers, rights and names are in order
  int64_t committed_at_ns_ = 0;
  int64_t refusals_ = 0;  // in a row
  std::unique_ptr<Metrics> metrics_;
  Liveness alive_;
};

}  // namespace colloquium::components
