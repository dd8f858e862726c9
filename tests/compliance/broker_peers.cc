// Brokers inside of the test program: librdkafka's mock cluster, which speaks Kafka's protocol, and as much of
// MQTT 5 as one session with one subscription needs. What real brokers do beyond that, tests/acceptance asks of
// real ones.
#include <algorithm>
#include <atomic>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "base/assert.h"
#include "tests/compliance/component_peers.h"
#include "tests/silent_port.h"

namespace colloquium::compliance {
namespace {

class KafkaPeer final : public SourcePeer {
 public:
  explicit KafkaPeer(int64_t events) : owner_(make(rd_kafka_conf_new())) {
    cluster_ = rd_kafka_mock_cluster_new(owner_, 1);
    ASSERT(cluster_ != nullptr);
    // Order holds within a partition.
    ASSERT(rd_kafka_mock_topic_create(cluster_, "given", 1, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_conf_t* const conf = rd_kafka_conf_new();
    char reason[256] = {};
    const auto set = rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(cluster_),
                                       reason, sizeof reason);
    ASSERT(set == RD_KAFKA_CONF_OK);
    // The mock cluster forgets what is beyond 5 MiB of a partition, as it was sent.
    ASSERT(rd_kafka_conf_set(conf, "compression.type", "lz4", reason, sizeof reason) == RD_KAFKA_CONF_OK);
    rd_kafka_t* const producer = make(conf);
    for (int64_t i = 0; i < events; ++i) {
      std::string text = event_text(i);
      const auto sent =
          rd_kafka_producev(producer, RD_KAFKA_V_TOPIC("given"), RD_KAFKA_V_VALUE(text.data(), text.size()),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);
      ASSERT(sent == RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    constexpr int kFlushMs = 20'000;
    ASSERT(rd_kafka_flush(producer, kFlushMs) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(producer);
  }
  ~KafkaPeer() override {
    rd_kafka_mock_cluster_destroy(cluster_);
    rd_kafka_destroy(owner_);
  }
  // Whom a member has left, the mock cluster lets wait for nearly a session.
  std::string settings() const override {
    return "{brokers: [\"" + std::string(rd_kafka_mock_cluster_bootstraps(cluster_)) +
           "\"], topics: [given], group: g, properties: {session.timeout.ms: 6000}}";
  }

 private:
  static rd_kafka_t* make(rd_kafka_conf_t* conf) {
    char reason[256] = {};
    rd_kafka_t* const made = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
    ASSERT_WHY(made != nullptr, reason);
    return made;
  }

  rd_kafka_t* const owner_;
  rd_kafka_mock_cluster_t* cluster_ = nullptr;
};

// Publishes with QoS 1, a few messages ahead of their acknowledgements, and on the next connection again what was
// not acknowledged on the one before.
class MqttPeer final : public SourcePeer {
 public:
  explicit MqttPeer(int64_t events) : events_(events), port_(true), thread_([this] { serve(); }) {}
  ~MqttPeer() override {
    stopping_ = true;
    thread_.join();
  }
  std::string settings() const override {
    return "{url: \"mqtt://127.0.0.1:" + std::to_string(port_.number()) +
           "\", topics: [given], client_id: one, ack_timeout: 1s, reconnect: {initial: 10ms, max: 20ms}}";
  }

 private:
  enum Kind : uint8_t { kConnect = 1, kPublishAck = 4, kSubscribe = 8, kPing = 12, kDisconnect = 14 };
  static constexpr int64_t kAhead = 4;

  bool wait(int fd, int16_t what) const {
    while (!stopping_) {
      pollfd one{fd, what, 0};
      if (::poll(&one, 1, 10) == 1) return true;
    }
    return false;
  }
  void serve() {
    while (wait(port_.fd(), POLLIN)) {
      peer_ = ::accept4(port_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
      if (peer_ < 0) continue;
      next_ = acknowledged_;
      bool goes_on = true;
      while (goes_on) goes_on = answer_one();
      ::close(peer_);
    }
  }
  bool receive(char* into, size_t size) {
    while (size > 0) {
      if (!wait(peer_, POLLIN)) return false;
      const ssize_t got = ::recv(peer_, into, size, 0);
      if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
      if (got < 0) continue;
      into += got;
      size -= static_cast<size_t>(got);
    }
    return true;
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty() && wait(peer_, POLLOUT)) {
      const ssize_t sent = ::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno != EAGAIN) return false;
      if (sent > 0) bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return bytes.empty();
  }
  // A packet: its kind and flags, the length of the rest in groups of seven bits, and the rest.
  bool send_packet(uint8_t head, const std::string& rest) {
    std::string packet(1, static_cast<char>(head));
    size_t left = rest.size();
    do {
      const size_t group = left & 0x7f;
      left >>= 7;
      packet += static_cast<char>(left > 0 ? group | 0x80 : group);
    } while (left > 0);
    return send(packet + rest);
  }
  bool receive_packet(uint8_t& head, std::string& rest) {
    char byte = 0;
    if (!receive(&byte, 1)) return false;
    head = static_cast<uint8_t>(byte);
    size_t length = 0;
    for (int shift = 0; shift == 0 || (byte & 0x80) != 0; shift += 7) {
      if (!receive(&byte, 1)) return false;
      length |= static_cast<size_t>(byte & 0x7f) << shift;
    }
    rest.resize(length);
    return receive(rest.data(), length);
  }
  static std::string number(int64_t value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
  }

  bool answer_one() {
    constexpr char kNoProperties = 0;
    uint8_t head = 0;
    std::string rest;
    if (!receive_packet(head, rest)) return false;
    switch (head >> 4) {
      case kConnect:
        if (!send_packet(0x20, {static_cast<char>(subscribed_ ? 1 : 0), 0, kNoProperties})) return false;
        return !subscribed_ || publish();
      case kSubscribe:
        subscribed_ = true;
        return send_packet(0x90, {rest.at(0), rest.at(1), kNoProperties, 1}) && publish();
      case kPublishAck:
        // In the order in which they were sent.
        if (rest.substr(0, 2) != number(acknowledged_ + 1)) return false;
        ++acknowledged_;
        return publish();
      case kPing:
        return send_packet(0xd0, {});
      default:
        return false;
    }
  }
  bool publish() {
    constexpr uint8_t kQos1 = 0x32;
    constexpr uint8_t kAgain = 0x08;
    for (; next_ < std::min(events_, acknowledged_ + kAhead); ++next_) {
      const bool again = next_ < published_;
      published_ = std::max(published_, next_ + 1);
      const std::string head = number(5) + "given" + number(next_ + 1) + std::string(1, '\0');
      if (!send_packet(again ? kQos1 | kAgain : kQos1, head + event_text(next_))) return false;
    }
    return true;
  }

  const int64_t events_;
  // Of the thread.
  int peer_ = -1;
  bool subscribed_ = false;
  int64_t acknowledged_ = 0, next_ = 0, published_ = 0;

  const SilentPort port_;  // until this speaks for it
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<SourcePeer> kafka_cluster(World&, int64_t events) {
  return std::make_unique<KafkaPeer>(events);
}
std::unique_ptr<SourcePeer> mqtt_broker(World&, int64_t events) {
  return std::make_unique<MqttPeer>(events);
}

}  // namespace colloquium::compliance
