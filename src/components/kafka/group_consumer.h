// GroupConsumer: a member of a consumer group as librdkafka knows it. It fetches, and tells what happens as
// events; what is to become of them is the source's to say.
//
// Calls that may wait for brokers have to be made off the loop, one after the other (on the source's own thread);
// they are marked.
//
// Thread safety: as marked. `wake` is posted to the loop whenever there is something to poll; never after close().
// Destroy only after close().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/loop.h"

#include "components/kafka/kafka_settings.h"

namespace colloquium::components {

enum class KafkaStart { kEarliest, kLatest, kTime };

struct GroupConsumerConfig {
  std::vector<std::pair<std::string, std::string>> properties;  // of librdkafka
  std::vector<std::string> topics;
  KafkaStart start = KafkaStart::kEarliest;
  int64_t start_time_ms = 0;  // kTime
};

struct TopicPartition {
  std::string topic;
  int32_t partition = 0;
  int64_t offset = RD_KAFKA_OFFSET_STORED;
};

class GroupConsumer {
 public:
  // `owner` names it in messages.
  static Result<std::unique_ptr<GroupConsumer>> create(GroupConsumerConfig config, std::string owner, Loop& loop,
                                                       Task wake);
  ~GroupConsumer();

  // --- on the loop
  KafkaEvent poll();  // null: nothing there
  // How many messages the brokers have beyond `positions`, as far as the last fetches told.
  int64_t lag(const std::vector<TopicPartition>& positions) const;
  bool lost_assignment() const;
  std::pair<rd_kafka_resp_err_t, std::string> fatal_error() const;
  void pause(const std::vector<TopicPartition>& partitions);
  // close() follows: what waits its turn before it ends soon.
  void begin_close() { closing_ = true; }

  // --- off the loop: these wait
  // Messages come from these offsets on.
  Status assign(const std::vector<TopicPartition>& partitions);
  // When it has returned, poll() gives no message of these any more, until they are assigned again.
  Status stop_reading(const std::vector<TopicPartition>& partitions);
  // Tells the group. Waits for at most `timeout_ms`, twice.
  Status commit(const std::vector<TopicPartition>& offsets, int timeout_ms);
  // Commits `offsets` so, and gives `partitions` up in any case.
  Status give_up(const std::vector<TopicPartition>& offsets, const std::vector<TopicPartition>& partitions,
                 int timeout_ms);
  // Where `start` says reading begins in a partition.
  Result<int64_t> start_offset(const TopicPartition& partition);
  // Commits `offsets`, leaves the group and takes the client down, even if no broker answers any more.
  void close(const std::vector<TopicPartition>& offsets);

 private:
  struct Waker;
  GroupConsumer(GroupConsumerConfig config, std::string owner);
  static void woken(rd_kafka_t* client, void* waker);
  Status unassign(const std::vector<TopicPartition>& partitions);
  void leave();

  const GroupConsumerConfig config_;
  const KafkaOwner owner_;
  std::shared_ptr<Waker> waker_;
  rd_kafka_t* client_ = nullptr;  // destroyed by close()
  KafkaQueue queue_;
  std::atomic<bool> closing_ = false;
  std::set<std::pair<std::string, int32_t>> assigned_;  // off the loop
};

}  // namespace colloquium::components
