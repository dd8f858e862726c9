#include "components/kafka/group_consumer.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr int kRequestMs = 3'000;
constexpr int kLastCommitMs = 2'000;
constexpr int kLeaveMs = 5'000;
constexpr char kComponent[] = "kafka";

KafkaPartitions list_of(const std::vector<TopicPartition>& partitions) {
  KafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& one : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), one.topic.c_str(), one.partition)->offset = one.offset;
  }
  return list;
}

Status status_of(KafkaError error, std::string_view what) {
  if (error == nullptr) return {};
  return fail(explain(rd_kafka_error_code(error.get()), what, rd_kafka_error_string(error.get())));
}

Status status_of(rd_kafka_resp_err_t code, std::string_view what) {
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return {};
  return fail(explain(code, what));
}

}  // namespace

// Outlives the client's callbacks. One post at a time is enough, as whoever is woken polls until there is nothing.
struct GroupConsumer::Waker {
  Waker(Loop& its_loop, Task its_wake) : loop(its_loop), wake(std::make_shared<Task>(std::move(its_wake))) {}
  Loop& loop;
  std::shared_ptr<Task> wake;
};

GroupConsumer::GroupConsumer(GroupConsumerConfig config, std::string owner)
    : config_(std::move(config)), owner_{std::move(owner), {}, {}} {}

GroupConsumer::~GroupConsumer() {
  ASSERT_WHY(client_ == nullptr, "close() takes the client down, off the loop");
}

// On a thread of librdkafka's, whenever its queue was empty and is not any more.
void GroupConsumer::woken(rd_kafka_t*, void* opaque) {
  auto* const waker = static_cast<Waker*>(opaque);
  (void)waker->loop.post([wake = waker->wake] { (*wake)(); });
}

Result<std::unique_ptr<GroupConsumer>> GroupConsumer::create(GroupConsumerConfig config, std::string owner,
                                                             Loop& loop, Task wake) {
  std::unique_ptr<GroupConsumer> made(new GroupConsumer(std::move(config), std::move(owner)));
  TRY_ASSIGN(KafkaConf conf, make_conf(made->config_.properties));
  rd_kafka_conf_set_events(conf.get(), RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR |
                                           RD_KAFKA_EVENT_FETCH |
                                           RD_KAFKA_EVENT_STATS);
  TRY_ASSIGN(KafkaHandle client, make_client(KafkaRole::kConsumer, std::move(conf), made->owner_));
  rd_kafka_poll_set_consumer(client.get());
  made->queue_.reset(rd_kafka_queue_get_consumer(client.get()));
  made->waker_ = std::make_shared<Waker>(loop, std::move(wake));
  rd_kafka_queue_cb_event_enable(made->queue_.get(), woken, made->waker_.get());
  std::vector<TopicPartition> topics;
  for (const std::string& topic : made->config_.topics) topics.push_back({topic, RD_KAFKA_PARTITION_UA});
  const auto subscribed = rd_kafka_subscribe(client.get(), list_of(topics).get());
  made->client_ = client.release();
  if (const Status status = status_of(subscribed, "cannot subscribe to the topics of " + made->owner_.name);
      !status) {
    made->close({});
    return fail(status.error());
  }
  return made;
}

KafkaEvent GroupConsumer::poll() {
  return KafkaEvent(rd_kafka_queue_poll(queue_.get(), 0));
}

int64_t GroupConsumer::lag(const std::vector<TopicPartition>& positions) const {
  int64_t sum = 0;
  for (const TopicPartition& one : positions) {
    int64_t low = 0;
    int64_t high = 0;
    const auto code = rd_kafka_get_watermark_offsets(client_, one.topic.c_str(), one.partition, &low, &high);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR && high > one.offset) sum += high - std::max(one.offset, low);
  }
  return sum;
}

bool GroupConsumer::lost_assignment() const {
  return rd_kafka_assignment_lost(client_) != 0;
}

std::pair<rd_kafka_resp_err_t, std::string> GroupConsumer::fatal_error() const {
  char reason[512] = {};
  const auto code = rd_kafka_fatal_error(client_, reason, sizeof reason);
  return {code, reason};
}

void GroupConsumer::pause(const std::vector<TopicPartition>& partitions) {
  (void)rd_kafka_pause_partitions(client_, list_of(partitions).get());
}

Status GroupConsumer::assign(const std::vector<TopicPartition>& partitions) {
  TRY(status_of(KafkaError(rd_kafka_incremental_assign(client_, list_of(partitions).get())),
                "cannot take partitions"));
  for (const TopicPartition& one : partitions) assigned_.emplace(one.topic, one.partition);
  return {};
}

// A commit that finds no coordinator is kept by librdkafka for a session's length (45 s), and keeps the client from
// going away for as long. So a coordinator that does not answer is not given one.
Status GroupConsumer::commit(const std::vector<TopicPartition>& offsets, int timeout_ms) {
  if (offsets.empty()) return {};
  TRY(status_of(rd_kafka_committed(client_, list_of(offsets).get(), timeout_ms),
                "cannot commit offsets: the group's coordinator does not answer"));
  const KafkaQueue answers(rd_kafka_queue_new(client_));
  TRY(status_of(rd_kafka_commit_queue(client_, list_of(offsets).get(), answers.get(), nullptr, nullptr),
                "cannot commit offsets"));
  const KafkaEvent event(rd_kafka_queue_poll(answers.get(), timeout_ms));
  if (event == nullptr) return fail(explain(RD_KAFKA_RESP_ERR__TIMED_OUT, "cannot commit offsets"));
  return status_of(rd_kafka_event_error(event.get()), "cannot commit offsets");
}

Status GroupConsumer::give_up(const std::vector<TopicPartition>& offsets,
                              const std::vector<TopicPartition>& partitions, int timeout_ms) {
  const Status committed = commit(offsets, timeout_ms);
  // In any case: the group waits for it.
  TRY(unassign(partitions));
  return committed;
}

Result<int64_t> GroupConsumer::start_offset(const TopicPartition& partition) {
  if (closing_) return fail(ErrorCode::kCancelled, "the source is being closed", {}, true);
  const std::string what = "cannot ask where " + partition.topic + " begins";
  int64_t low = 0;
  int64_t high = 0;
  TRY(status_of(rd_kafka_query_watermark_offsets(client_, partition.topic.c_str(), partition.partition, &low,
                                                 &high, kRequestMs),
                what));
  if (config_.start == KafkaStart::kEarliest) return low;
  if (config_.start == KafkaStart::kLatest) return high;
  const KafkaPartitions asked = list_of({{partition.topic, partition.partition, config_.start_time_ms}});
  TRY(status_of(rd_kafka_offsets_for_times(client_, asked.get(), kRequestMs), what));
  TRY(status_of(asked->elems[0].err, what));
  return asked->elems[0].offset >= 0 ? asked->elems[0].offset : high;
}

Status GroupConsumer::stop_reading(const std::vector<TopicPartition>& partitions) {
  TRY(unassign(partitions));
  // A pause would outlive this, and what follows.
  (void)rd_kafka_resume_partitions(client_, list_of(partitions).get());
  return {};
}

// librdkafka refuses the whole list for one partition that is not assigned: one of which reading was stopped.
Status GroupConsumer::unassign(const std::vector<TopicPartition>& partitions) {
  std::vector<TopicPartition> assigned;
  for (const TopicPartition& one : partitions) {
    if (assigned_.erase({one.topic, one.partition}) > 0) assigned.push_back(one);
  }
  return status_of(KafkaError(rd_kafka_incremental_unassign(client_, list_of(assigned).get())),
                   "cannot give partitions up");
}

void GroupConsumer::leave() {
  const KafkaQueue queue(rd_kafka_queue_new(client_));
  const KafkaError refused(rd_kafka_consumer_close_queue(client_, queue.get()));
  if (refused != nullptr) return;
  constexpr int kStepMs = 50;
  for (int waited_ms = 0; waited_ms < kLeaveMs && rd_kafka_consumer_closed(client_) == 0; waited_ms += kStepMs) {
    const KafkaEvent event(rd_kafka_queue_poll(queue.get(), kStepMs));
    if (event == nullptr || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_REBALANCE) continue;
    (void)rd_kafka_assign(client_, nullptr);
  }
}

void GroupConsumer::close(const std::vector<TopicPartition>& offsets) {
  if (client_ == nullptr) return;
  rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  const Status committed = commit(offsets, kLastCommitMs);
  if (!committed) log_warning(kComponent, committed.error().message, {{"source", owner_.name}});
  leave();
  queue_.reset();
  rd_kafka_destroy_flags(std::exchange(client_, nullptr), RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
}

}  // namespace colloquium::components
