#include "components/mqtt/paho.h"

#include <charconv>
#include <chrono>
#include <limits>
#include <map>
#include <mqtt/async_client.h>
#include <mutex>
#include <set>
#include <sys/socket.h>
#include <utility>

#include "base/assert.h"
#include "components/mqtt/paho_types.h"

namespace colloquium::components {
namespace {

constexpr int64_t kSliceNs =
    20'000'000;  // how soon a wait sees that it was stopped, or that the connection is gone
constexpr auto kSlice = std::chrono::milliseconds(kSliceNs / 1'000'000);
constexpr int64_t kGraceMs = 2'000;  // beyond Paho's own timeout, for Paho to tell
constexpr int kDisconnectMs = 2'000;
constexpr int kBuffered = 100'000;  // more than we ever have under way

// --- what of Paho is the process's

// Making the first client and destroying the last set up and tear down all of Paho, and it does not guard one
// against the other. The level of its trace is the process's, too.
std::mutex paho_mutex;
int connecting = 0;

// Of the thread that is about to tell what became of a connection.
thread_local int connack_socket = -1;
thread_local std::string complaint;

bool is_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// "19700101 000000.000 SOCKET CLIENT_ID <- CONNACK rc: 0"
int socket_in(std::string_view line) {
  for (int word = 0; word < 2; ++word) {
    const size_t space = line.find(' ');
    if (space == line.npos) return -1;
    line.remove_prefix(space + 1);
  }
  int socket = -1;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), socket);
  return error == std::errc() && end != line.data() + line.size() && *end == ' ' && is_socket(socket) ? socket
                                                                                                      : -1;
}

void traced(MQTTASYNC_TRACE_LEVELS, char* message) {
  const std::string_view line = message;
  if (line.find(" <- CONNACK rc:") != line.npos) connack_socket = socket_in(line);
  // "… SSL alert write:fatal:unknown CA": what OpenSSL, ours or the broker's, has against a certificate.
  constexpr std::string_view kAlert = ":fatal:";
  const size_t alert = line.find("SSL alert ") == line.npos ? line.npos : line.find(kAlert);
  if (alert != line.npos) complaint = line.substr(alert + kAlert.size());
}

// While it lives, Paho tells what it does, which costs time.
class Tracing {
 public:
  Tracing() { change(1); }
  ~Tracing() { change(-1); }
  Tracing(const Tracing&) = delete;
  Tracing& operator=(const Tracing&) = delete;

 private:
  static void change(int by) {
    const std::lock_guard lock(paho_mutex);
    connecting += by;
    ASSERT(connecting >= 0);
    MQTTAsync_setTraceCallback(traced);
    MQTTAsync_setTraceLevel(connecting > 0 ? MQTTASYNC_TRACE_PROTOCOL : MQTTASYNC_TRACE_FATAL);
  }
};

}  // namespace

// What Paho's threads call.
class PahoClient::Callbacks final : public mqtt::iaction_listener {
 public:
  explicit Callbacks(std::shared_ptr<PahoListener> listener) : listener_(std::move(listener)) {}

  // Of connecting: on the thread that has just read CONNACK, before it reads anything else.
  void on_success(const mqtt::token&) override { socket_ = std::exchange(connack_socket, -1); }
  void on_failure(const mqtt::token& token) override {
    const int reason = token.get_reason_code();
    refused_ = reason != mqtt::MQTTPP_V3_CODE && reason >= kPahoRefused ? reason : token.get_return_code();
    complaint_ = std::exchange(complaint, {});
    failed_ = true;
  }

  void arrived(MqttMessage message) {
    // Had it been taken before the cut, the broker would send it again all the same.
    if (cut_) return;
    const bool is_acknowledged = message.qos > 0;
    if (!listener_->arrived(std::move(message)) && is_acknowledged) cut();
  }
  void cut() {
    cut_ = true;
    if (const int socket = socket_; socket >= 0 && !lost_) ::shutdown(socket, SHUT_RDWR);
  }
  void lost(const std::string& why) {
    if (!lost_.exchange(true) && told_)
      listener_->lost(cut_ ? "cut, so that the broker sends again what was not accepted" : why);
  }

  bool is_lost() const { return lost_; }
  bool knows_socket() const { return socket_ >= 0; }
  bool has_failed() const { return failed_; }
  int refused() const { return refused_; }
  const std::string& complaint_of_tls() const { return complaint_; }
  // From here on the listener hears of a loss. False: it is too late, the connection is gone.
  bool tell_of_loss() {
    told_ = true;
    return !lost_;
  }

 private:
  const std::shared_ptr<PahoListener> listener_;
  std::atomic<int> socket_{-1};
  std::atomic<bool> cut_{false};
  std::atomic<bool> lost_{false};
  std::atomic<bool> told_{false};
  std::atomic<bool> failed_{false};
  int refused_ = 0;        // before failed_
  std::string complaint_;  // before failed_
};

// Where Paho would keep packets of QoS 2 until they are released, before it sends PUBREC. They are handed on then
// and there, so nothing has to be kept; the rest is for Paho's own bookkeeping.
class PahoClient::Store final : public mqtt::iclient_persistence {
 public:
  Store(Callbacks& callbacks, bool v5) : callbacks_(callbacks), v5_(v5) {}

  void open(const std::string&, const std::string&) override {}
  void close() override {}
  void clear() override { kept_.clear(); }
  bool contains_key(const std::string& key) override { return kept_.contains(key); }
  mqtt::string_collection keys() const override {
    mqtt::string_collection keys;
    for (const auto& [key, value] : kept_) keys.push_back(key);
    return keys;
  }
  void put(const std::string& key, const std::vector<mqtt::string_view>& buffers) override {
    std::string bytes;
    for (const mqtt::string_view& buffer : buffers) bytes.append(buffer.data(), buffer.size());
    if (!key.starts_with(kReceived)) {
      kept_[key] = std::move(bytes);
      return;
    }
    kept_[key].clear();
    Result<MqttMessage> message = parse_publish(bytes, v5_);
    if (!message) return callbacks_.cut();
    callbacks_.arrived(*std::move(message));
  }
  std::string get(const std::string& key) const override {
    const auto found = kept_.find(key);
    return found == kept_.end() ? std::string() : found->second;
  }
  void remove(const std::string& key) override { kept_.erase(key); }

 private:
  static constexpr char kReceived = 'r';  // "r-ID" and "r5-ID"

  Callbacks& callbacks_;
  const bool v5_;
  std::map<std::string, std::string> kept_;
};

// Messages that are under way together.
class PahoClient::Round final : public mqtt::iaction_listener {
 public:
  struct Slot {
    std::atomic<PahoPublished::State> state{PahoPublished::State::kUnknown};
    int reason = 0;  // before state
  };

  Round(size_t count, bool v5, std::shared_ptr<Signal> signal)
      : slots_(count), remaining_(count), v5_(v5), signal_(std::move(signal)) {}

  void on_success(const mqtt::token& token) override { settle(slot_of(token), PahoPublished::State::kDone); }
  void on_failure(const mqtt::token& token) override {
    Slot& slot = slot_of(token);
    // 3.1.1 has no way to refuse: it is the connection that failed.
    slot.reason = v5_ ? token.get_reason_code() : 0;
    settle(slot, judge(slot.reason));
  }
  void settle(Slot& slot, PahoPublished::State state) {
    slot.state = state;
    // With the last one the round may be gone.
    const std::shared_ptr<Signal> signal = signal_;
    if (remaining_.fetch_sub(1) == 1) signal->set();
  }
  Slot& slot(size_t i) { return slots_[i]; }
  size_t remaining() const { return remaining_; }
  bool wait() { return signal_->wait(kSliceNs); }

 private:
  static Slot& slot_of(const mqtt::token& token) { return *static_cast<Slot*>(token.get_user_context()); }

  std::vector<Slot> slots_;
  std::atomic<size_t> remaining_;
  const bool v5_;
  const std::shared_ptr<Signal> signal_;
};

// Order: Paho's client goes first.
struct PahoClient::State {
  State(const PahoOptions& of, std::shared_ptr<PahoListener> listener, Executor& threads, const Clock& time,
        const std::atomic<bool>& stopped)
      : options(of),
        executor(threads),
        clock(time),
        stop(stopped),
        callbacks(std::move(listener)),
        store(callbacks, of.connection.protocol == MqttProtocol::k5) {}

  bool give_up() const { return stop || callbacks.is_lost(); }

  const PahoOptions options;
  Executor& executor;
  const Clock& clock;
  const std::atomic<bool>& stop;
  Callbacks callbacks;
  Store store;
  std::vector<std::unique_ptr<Round>> unfinished;  // of which callbacks may still come
  std::unique_ptr<mqtt::async_client> client;
  bool session_present = false;
  size_t receive_maximum = kPahoReceiveMaximum;
  size_t maximum_packet_bytes = std::numeric_limits<size_t>::max();
};

PahoClient::PahoClient(std::unique_ptr<State> state) : state_(std::move(state)) {}

PahoClient::~PahoClient() {
  // Paho's destructor waits for a callback that runs; a client that is being made waits here for that.
  const std::lock_guard lock(paho_mutex);
  state_->client.reset();
}

Result<std::unique_ptr<PahoClient>> PahoClient::connect(const PahoOptions& options,
                                                        std::shared_ptr<PahoListener> listener, Executor& executor,
                                                        const Clock& clock, const std::atomic<bool>& stop) {
  ASSERT(!options.client_id.empty());
  std::unique_ptr<PahoClient> made(
      new PahoClient(std::make_unique<State>(options, std::move(listener), executor, clock, stop)));
  State& state = *made->state_;
  {
    const Tracing tracing;
    TRY(attempt(state));
  }
  if (!state.callbacks.knows_socket()) {
    return fail(ErrorCode::kInternal, "connecting to " + options.url +
                                          ": this version of Paho MQTT C does not tell its "
                                          "socket, so messages could be acknowledged too early");
  }
  if (!state.callbacks.tell_of_loss()) {
    return fail(ErrorCode::kUnavailable, "connecting to " + options.url + ": the connection was lost at once", {},
                true);
  }
  made->session_present_ = state.session_present;
  made->receive_maximum_ = state.receive_maximum;
  return made;
}

Status PahoClient::attempt(State& state) {
  const std::string attempted = "connecting to " + state.options.url;
  const int version = state.options.connection.protocol == MqttProtocol::k5 ? MQTTVERSION_5 : MQTTVERSION_3_1_1;
  try {
    {
      const std::lock_guard lock(paho_mutex);
      state.client = std::make_unique<mqtt::async_client>(state.options.url, state.options.client_id,
                                                          mqtt::create_options(version, kBuffered),
                                                          state.options.receives ? &state.store : nullptr);
    }
    Callbacks& callbacks = state.callbacks;
    state.client->set_connection_lost_handler(
        [&callbacks](const std::string& why) { callbacks.lost(why.empty() ? "the connection is gone" : why); });
    state.client->set_disconnected_handler([&callbacks](const mqtt::properties&, mqtt::ReasonCode reason) {
      callbacks.lost("the broker closed the connection: " + mqtt::exception::reason_code_str(reason));
    });
    // What came with QoS 2 has been handed on already.
    state.client->set_message_callback([&callbacks](const mqtt::const_message_ptr& message) {
      if (message->get_qos() < 2) callbacks.arrived(to_message(*message));
    });
    const mqtt::token_ptr token = state.client->connect(connect_options(state.options), nullptr, callbacks);
    const int64_t deadline_ns =
        state.clock.monotonic_ns() + (state.options.connection.connect_timeout.ms + kGraceMs) * 1'000'000;
    while (!token->wait_for(kSlice)) {
      if (state.stop) return fail(ErrorCode::kCancelled, attempted + ": stopped");
      if (state.clock.monotonic_ns() > deadline_ns) {
        return fail(error_of(ErrorCode::kTimeout, attempted, "the broker does not answer"));
      }
    }
    const mqtt::connect_response response = token->get_connect_response();
    state.session_present = response.is_session_present();
    state.receive_maximum = receive_maximum_in(response.get_properties());
    state.maximum_packet_bytes = maximum_packet_bytes_in(response.get_properties());
    return {};
  } catch (const mqtt::exception& failure) {
    const bool known = state.callbacks.has_failed();
    Error error = explain_connack(known ? state.callbacks.refused() : failure.get_return_code(), attempted);
    if (known && !state.callbacks.complaint_of_tls().empty())
      error.message +=
          " (TLS: " + state.callbacks.complaint_of_tls() + "); check `tls` and the certificate of the broker";
    return fail(std::move(error));
  }
}

Status PahoClient::subscribe(const std::vector<MqttSubscription>& subscriptions) {
  const mqtt::subscribe_options if_new(mqtt::subscribe_options::SUBSCRIBE_LOCAL,
                                       mqtt::subscribe_options::NO_RETAIN_AS_PUBLISHED,
                                       mqtt::subscribe_options::SEND_RETAINED_ON_NEW);
  const int64_t deadline_ns =
      state_->clock.monotonic_ns() + state_->options.connection.connect_timeout.ms * 1'000'000;
  for (const MqttSubscription& one : subscriptions) {
    const std::string attempted = "subscribing to '" + one.filter + "' at " + state_->options.url;
    try {
      const mqtt::token_ptr token = state_->client->subscribe(one.filter, one.qos, if_new);
      while (!token->wait_for(kSlice)) {
        if (state_->give_up())
          return fail(error_of(ErrorCode::kUnavailable, attempted, "the connection was lost"));
        if (state_->clock.monotonic_ns() > deadline_ns) {
          return fail(error_of(ErrorCode::kTimeout, attempted, "the broker does not answer"));
        }
      }
    } catch (const mqtt::exception& failure) {
      if (state_->give_up()) return fail(error_of(ErrorCode::kUnavailable, attempted, "the connection was lost"));
      return fail(error_of(
          ErrorCode::kPermission, attempted,
          "the broker refuses; check the filter and the broker's rights (" + std::string(failure.what()) + ")"));
    }
  }
  return {};
}

std::vector<PahoPublished> PahoClient::publish(std::span<const MqttMessage> messages) {
  const bool v5 = state_->options.connection.protocol == MqttProtocol::k5;
  auto round = std::make_unique<Round>(messages.size(), v5, state_->executor.make_signal());
  for (size_t i = 0; i < messages.size(); ++i) {
    const MqttMessage& one = messages[i];
    Round::Slot& slot = round->slot(i);
    const mqtt::properties properties = v5 ? properties_of(one) : mqtt::properties();
    // Told of it by a packet it calls too large, a broker hangs up, again and again.
    if (v5 && publish_bytes(one, properties) > state_->maximum_packet_bytes) {
      slot.reason = kPahoPacketTooLarge;
      round->settle(slot, judge(slot.reason));
      continue;
    }
    try {
      auto message =
          mqtt::message::create(one.topic, one.payload.data(), one.payload.size(), one.qos, one.retained);
      if (v5) message->set_properties(properties);
      state_->client->publish(message, &slot, *round);
    } catch (const mqtt::exception& failure) {
      const bool blamed = failure.get_return_code() == MQTTASYNC_BAD_UTF8_STRING;
      round->settle(slot, blamed ? PahoPublished::State::kRefused : PahoPublished::State::kUnknown);
    }
  }
  int64_t moved_ns = state_->clock.monotonic_ns();
  size_t remaining = round->remaining();
  while (!round->wait() && !state_->give_up()) {
    if (std::exchange(remaining, round->remaining()) != round->remaining())
      moved_ns = state_->clock.monotonic_ns();
    if (state_->clock.monotonic_ns() - moved_ns > state_->options.publish_timeout_ms * 1'000'000) break;
  }
  std::vector<PahoPublished> published(messages.size());
  for (size_t i = 0; i < messages.size(); ++i) {
    published[i].state = round->slot(i).state;
    if (published[i].state == PahoPublished::State::kRefused ||
        published[i].state == PahoPublished::State::kBusy) {
      published[i].why = mqtt::exception::reason_code_str(round->slot(i).reason);
    }
  }
  state_->unfinished.push_back(std::move(round));
  if (state_->unfinished.back()->remaining() == 0) state_->unfinished.pop_back();
  return published;
}

bool PahoClient::lost() const {
  return state_->callbacks.is_lost();
}

void PahoClient::disconnect() {
  if (lost()) return;
  try {
    const mqtt::token_ptr token = state_->client->disconnect(0);
    (void)token->wait_for(std::chrono::milliseconds(kDisconnectMs));
  } catch (const mqtt::exception&) {
    // It is gone already, which is what was wanted.
  }
}

bool needs_a_hand(const Error& error) {
  return error.code == ErrorCode::kPermission || error.code == ErrorCode::kInvalidConfig;
}

}  // namespace colloquium::components
