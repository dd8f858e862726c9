// The least that a program on librdkafka can do: it copies a topic, each record as it is. The floor of the kafka
// source and sink, with their settings.
//
//   bare_kafka copy BROKERS GROUP FROM TO COUNT     ends when COUNT records are delivered
//   bare_kafka fill BROKERS TOPIC FILE COUNT        writes the lines of FILE, over and over
//   bare_kafka watch BROKERS TOPIC COUNT SECONDS    looks how the topic's partition 0 grows to COUNT records; one
//   line of
//                                                   JSON: records seen first, and seconds from then until all were
//                                                   there
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <librdkafka/rdkafka.h>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Settings = std::vector<std::pair<std::string, std::string>>;

[[noreturn]] void end(const std::string& why) {
  std::fprintf(stderr, "bare_kafka: %s\n", why.c_str());
  std::exit(1);
}

struct Delivered {
  long wanted = 0;
  long count = 0;
};

void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) end(rd_kafka_err2str(message->err));
  ++static_cast<Delivered*>(opaque)->count;
}

rd_kafka_t* make(rd_kafka_type_t type, const Settings& settings, Delivered* opaque) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  char reason[256];
  for (const auto& [name, value] : settings) {
    if (rd_kafka_conf_set(conf, name.c_str(), value.c_str(), reason, sizeof reason) != RD_KAFKA_CONF_OK)
      end(reason);
  }
  rd_kafka_conf_set_opaque(conf, opaque);
  if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, delivered);
  rd_kafka_t* made = rd_kafka_new(type, conf, reason, sizeof reason);
  if (made == nullptr) end(reason);
  return made;
}

// As the sink's defaults.
rd_kafka_t* make_producer(const std::string& brokers, Delivered* opaque) {
  return make(RD_KAFKA_PRODUCER,
              {{"bootstrap.servers", brokers},
               {"partitioner", "murmur2_random"},
               {"compression.codec", "lz4"},
               {"acks", "all"},
               {"enable.idempotence", "true"},
               {"linger.ms", "5"},
               {"message.max.bytes", "1000000"},
               {"batch.size", "1000000"},
               {"queue.buffering.max.kbytes", "65536"}},
              opaque);
}

// As the source's.
rd_kafka_t* make_consumer(const std::string& brokers, const std::string& group) {
  return make(RD_KAFKA_CONSUMER,
              {{"bootstrap.servers", brokers},
               {"group.id", group},
               {"partition.assignment.strategy", "cooperative-sticky"},
               {"auto.offset.reset", "earliest"},
               {"isolation.level", "read_committed"},
               {"queued.max.messages.kbytes", "16384"}},
              nullptr);
}

void send(rd_kafka_t* producer, const char* topic, std::pair<void*, size_t> key, std::pair<void*, size_t> value,
          int64_t timestamp_ms) {
  for (;;) {
    const auto code =
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_KEY(key.first, key.second),
                          RD_KAFKA_V_VALUE(value.first, value.second), RD_KAFKA_V_TIMESTAMP(timestamp_ms),
                          RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) end(rd_kafka_err2str(code));
    (void)rd_kafka_poll(producer, 10);
  }
}

void flush(rd_kafka_t* producer, const Delivered& done) {
  while (done.count < done.wanted) (void)rd_kafka_poll(producer, 100);
  rd_kafka_destroy(producer);
}

void copy(const std::string& brokers, const std::string& group, const char* from, const char* to, long count) {
  Delivered done{count};
  rd_kafka_t* const producer = make_producer(brokers, &done);
  rd_kafka_t* const consumer = make_consumer(brokers, group);
  rd_kafka_topic_partition_list_t* const topics = rd_kafka_topic_partition_list_new(1);
  rd_kafka_topic_partition_list_add(topics, from, RD_KAFKA_PARTITION_UA);
  if (rd_kafka_subscribe(consumer, topics) != RD_KAFKA_RESP_ERR_NO_ERROR) end("cannot subscribe");
  rd_kafka_topic_partition_list_destroy(topics);
  (void)rd_kafka_poll_set_consumer(consumer);
  rd_kafka_queue_t* const queue = rd_kafka_queue_get_consumer(consumer);
  std::array<rd_kafka_message_t*, 1000> read{};
  for (long sent = 0; sent < count;) {
    const ssize_t came = rd_kafka_consume_batch_queue(queue, 100, read.data(), read.size());
    for (ssize_t i = 0; i < came; ++i) {
      rd_kafka_message_t* const message = read[static_cast<size_t>(i)];
      if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) end(rd_kafka_message_errstr(message));
      if (sent++ < count) {
        send(producer, to, {message->key, message->key_len}, {message->payload, message->len},
             rd_kafka_message_timestamp(message, nullptr));
      }
      rd_kafka_message_destroy(message);
    }
    (void)rd_kafka_poll(producer, 0);
  }
  flush(producer, done);
  rd_kafka_queue_destroy(queue);
  (void)rd_kafka_consumer_close(consumer);
  rd_kafka_destroy(consumer);
}

void fill(const std::string& brokers, const char* topic, const char* path, long count) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) end(std::string(path) + " has no lines");
  Delivered done{count};
  rd_kafka_t* const producer = make_producer(brokers, &done);
  const int64_t now_ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  for (long i = 0; i < count; ++i) {
    std::string& line = lines[static_cast<size_t>(i) % lines.size()];
    send(producer, topic, {nullptr, 0}, {line.data(), line.size()}, now_ms);
    (void)rd_kafka_poll(producer, 0);
  }
  flush(producer, done);
}

// Looks seldom while much is going on, so that it takes nothing from those it looks at.
void watch(const std::string& brokers, const char* topic, long wanted, long limit_s) {
  rd_kafka_t* const client = make(RD_KAFKA_PRODUCER, {{"bootstrap.servers", brokers}}, nullptr);
  const Clock::time_point limit = Clock::now() + std::chrono::seconds(limit_s);
  Clock::time_point began;
  int64_t first = 0;
  while (Clock::now() < limit) {
    int64_t low = 0;
    int64_t high = 0;
    const bool known =
        rd_kafka_query_watermark_offsets(client, topic, 0, &low, &high, 1000) == RD_KAFKA_RESP_ERR_NO_ERROR;
    const Clock::time_point now = Clock::now();
    if (known && high > 0 && first == 0) {
      first = high;
      began = now;
    }
    if (known && high >= wanted) {
      std::printf("{\"first\":%ld,\"records\":%ld,\"seconds\":%.6f}\n", static_cast<long>(first),
                  static_cast<long>(high), std::chrono::duration<double>(now - began).count());
      rd_kafka_destroy(client);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(first == 0 ? 2 : 20));
  }
  end("of " + std::to_string(wanted) + " records in " + topic + " some did not come in time");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "copy" && argc == 7) {
    copy(argv[2], argv[3], argv[4], argv[5], std::atol(argv[6]));
  } else if (what == "fill" && argc == 6) {
    fill(argv[2], argv[3], argv[4], std::atol(argv[5]));
  } else if (what == "watch" && argc == 6) {
    watch(argv[2], argv[3], std::atol(argv[4]), std::atol(argv[5]));
  } else {
    std::fprintf(stderr,
                 "usage: bare_kafka copy BROKERS GROUP FROM TO COUNT | fill BROKERS TOPIC FILE COUNT | "
                 "watch BROKERS TOPIC COUNT SECONDS\n");
    return 2;
  }
  return 0;
}
