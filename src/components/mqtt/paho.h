// PahoClient: one connection to a broker, from connecting to its loss. Whoever wants another makes another.
//
// What Paho (MQTT C 1.3.12 below MQTT C++ 1.2.0) does, and what is made of it here:
// - One thread of its own reads for all clients of the process and runs their callbacks under one global lock. A
//   callback may therefore wait (for the log), and everything else of Paho waits with it; but the loop must never
//   call Paho, or the two could wait for each other.
// - It acknowledges a message of QoS 1 as the callback returns, whatever that returns, and has no other
//   acknowledgement. Of QoS 2 it sends PUBREC before the callback (3.1.1), but after it has stored the packet: so
//   the store, ours, is where such a message is handed on. To refuse a message, the connection is cut before the
//   callback returns: the PUBACK or PUBREC finds no way out, and the broker sends the message again.
// - It does not tell its socket, which cutting needs, except in what it traces: the line of CONNACK, on the thread
//   that then calls back, has it. Without it connecting fails, so that no message can be acknowledged too early.
//
// Thread safety: create, subscribe, publish, disconnect and destruction on one thread that may wait, never the
// loop's; PahoListener's methods run on Paho's threads, until the destructor has returned.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/executor.h"
#include "colloquium/result.h"

#include "components/mqtt/mqtt_message.h"
#include "components/mqtt/mqtt_settings.h"

namespace colloquium::components {

class PahoListener {
 public:
  virtual ~PahoListener() = default;

  // False: it must not be acknowledged. The connection is lost then, and nothing more arrives through it.
  virtual bool arrived(MqttMessage message) = 0;

  // At most once, unless it was disconnected.
  virtual void lost(const std::string& why) = 0;
};

struct PahoOptions {
  MqttConnection connection;  // files of `tls` absolute
  std::string url;            // which of its addresses
  std::string client_id;      // not empty
  bool clean_session = true;
  int64_t session_expiry_s = 0;  // MQTT 5, unless the session is clean
  bool receives = false;         // it will subscribe
  int64_t publish_timeout_ms = 30'000;
};

struct MqttSubscription {
  std::string filter;
  int qos = 1;
};

// What became of a message that was published.
struct PahoPublished {
  enum class State { kUnknown, kDone, kRefused, kBusy };
  State state = State::kUnknown;  // kRefused: the broker will never take it; kBusy: it may take it later
  std::string why;
};

class PahoClient {
 public:
  // Connects, or says why not. Waits for at most connect_timeout; less once `stop` is true. `listener` may be told
  // of messages before this returns.
  static Result<std::unique_ptr<PahoClient>> connect(const PahoOptions& options,
                                                     std::shared_ptr<PahoListener> listener, Executor& executor,
                                                     const Clock& clock, const std::atomic<bool>& stop);
  ~PahoClient();

  // The broker knew us from before: it has our subscriptions, and what came meanwhile.
  bool session_present() const { return session_present_; }

  // How many messages the broker lets be under way. Above it Paho itself waits, and dozes while it does.
  size_t receive_maximum() const { return receive_maximum_; }

  Status subscribe(const std::vector<MqttSubscription>& subscriptions);

  // Publishes all, in order, and waits until each is acknowledged (QoS 0: sent), or the connection is lost, or
  // nothing came for publish_timeout, or `stop` is true. Whatever is unknown then needs another connection.
  std::vector<PahoPublished> publish(std::span<const MqttMessage> messages);

  bool lost() const;

  // Says goodbye, so that the broker does not publish the will.
  void disconnect();

 private:
  struct State;
  class Callbacks;
  class Store;
  class Round;
  explicit PahoClient(std::unique_ptr<State> state);
  static Status attempt(State& state);

  std::unique_ptr<State> state_;
  bool session_present_ = false;
  size_t receive_maximum_ = 0;
};

// No later attempt will do better unless someone changes a setting or a right: ErrorCode::kPermission and
// kInvalidConfig.
bool needs_a_hand(const Error& error);

}  // namespace colloquium::components
