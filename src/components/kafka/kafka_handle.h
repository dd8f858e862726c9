// librdkafka's objects with owners, and what its errors mean to us.
//
// Thread safety: a handle may be used on any thread, as librdkafka's are. Destroying a client waits for
// librdkafka's threads, so it never happens on the loop. The log callback runs on librdkafka's threads.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <librdkafka/rdkafka.h>
#include <memory>
#include <string>
#include <string_view>

#include "colloquium/executor.h"
#include "colloquium/result.h"

namespace colloquium::components {

template <auto destroy>
struct KafkaDelete {
  template <class T>
  void operator()(T* object) const {
    destroy(object);
  }
};

using KafkaConf = std::unique_ptr<rd_kafka_conf_t, KafkaDelete<rd_kafka_conf_destroy>>;
using KafkaHandle = std::unique_ptr<rd_kafka_t, KafkaDelete<rd_kafka_destroy>>;
using KafkaQueue = std::unique_ptr<rd_kafka_queue_t, KafkaDelete<rd_kafka_queue_destroy>>;
using KafkaEvent = std::unique_ptr<rd_kafka_event_t, KafkaDelete<rd_kafka_event_destroy>>;
using KafkaError = std::unique_ptr<rd_kafka_error_t, KafkaDelete<rd_kafka_error_destroy>>;
using KafkaPartitions =
    std::unique_ptr<rd_kafka_topic_partition_list_t, KafkaDelete<rd_kafka_topic_partition_list_destroy>>;
using KafkaTopic = std::unique_ptr<rd_kafka_topic_t, KafkaDelete<rd_kafka_topic_destroy>>;

enum class KafkaRole { kConsumer, kProducer };

// Whose a client is.
struct KafkaOwner {
  std::string name;  // in messages
  // Told of errors that belong to no call, where the client's events are not polled. May be empty.
  std::function<void(rd_kafka_resp_err_t code, const char* reason)> on_error;
  // Told of librdkafka's statistics, in polls. May be empty.
  std::function<void(std::string_view json)> on_statistics;
};

// A client. Takes `conf` in any case; what librdkafka logs goes to our log. `owner` outlives the client.
Result<KafkaHandle> make_client(KafkaRole role, KafkaConf conf, const KafkaOwner& owner);

// Ends the waits of a thread, from another.
class KafkaStop {
 public:
  explicit KafkaStop(Executor& executor) : signal_(executor.make_signal()) {}
  void stop() {
    stopped_ = true;
    signal_->set();
  }
  bool stopped() const { return stopped_; }
  void wait(int64_t ms) const { (void)signal_->wait(ms * 1'000'000); }

 private:
  std::atomic<bool> stopped_{false};
  const std::shared_ptr<Signal> signal_;
};

// What an error comes from. librdkafka says that a login failed, too, when the connection was lost while it logged
// in; only `detail`, its words, tells the two apart.
rd_kafka_resp_err_t cause_of(rd_kafka_resp_err_t code, std::string_view detail);

// Whose fault an error is, and what to do about it, as far as librdkafka's code tells: "…: check `sasl`".
Error explain(rd_kafka_resp_err_t code, std::string_view what, std::string_view detail = {});

// No later attempt will do better unless someone changes a setting, a right or a password.
bool needs_a_hand(rd_kafka_resp_err_t code);

// Somebody else has taken over the transactional id, or the coordinator gave up our transaction.
bool is_fenced(rd_kafka_resp_err_t code);

// The broker (or librdkafka) refuses this message, or all that travelled with it, for what they are.
bool blames_the_message(rd_kafka_resp_err_t code);

}  // namespace colloquium::components
