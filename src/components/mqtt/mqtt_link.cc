#include "components/mqtt/mqtt_link.h"

#include <utility>

#include "base/assert.h"
#include "base/full_jitter.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "mqtt";
constexpr size_t kThreadTasks = 65'536;

}  // namespace

// Of one attempt: what Paho's threads tell of it.
class MqttLink::Listener final : public PahoListener {
 public:
  Listener(std::function<bool(MqttMessage)> arrived, std::function<void(const std::string&)> lost)
      : arrived_(std::move(arrived)), lost_(std::move(lost)) {}
  bool arrived(MqttMessage message) override { return arrived_ && arrived_(std::move(message)); }
  void lost(const std::string& why) override { lost_(why); }

 private:
  const std::function<bool(MqttMessage)> arrived_;
  const std::function<void(const std::string&)> lost_;
};

MqttLink::MqttLink(const ComponentContext& context, PahoOptions options, Executor& executor, Hooks hooks)
    : context_(context),
      options_(std::move(options)),
      executor_(executor),
      hooks_(std::move(hooks)),
      thread_(executor.make_queue("mqtt", 1, kThreadTasks)) {}

MqttLink::~MqttLink() {
  ASSERT_WHY(closed_ || !started_, "close() ends the connection");
}

void MqttLink::start() {
  LOOP_ASSERT(context_.loop);
  started_ = true;
  connect();
}

void MqttLink::connect() {
  if (stop_ || attempting_ || current_ != 0) return;
  if (hooks_.may_connect && !hooks_.may_connect(alive_.guard([this] { connect(); }))) return;
  attempting_ = true;
  const bool taken = thread_->post([this] { attempt(); });
  ASSERT_WHY(taken, "one attempt at a time");
}

// The connection before goes after this one is there: Paho takes a while to set itself up anew.
void MqttLink::attempt() {
  const uint64_t number = ++attempts_;
  const std::vector<std::string> urls = split_urls(options_.connection.url);
  PahoOptions options = options_;
  options.url = urls[(number - 1) % urls.size()];
  Loop& loop = context_.loop;
  auto lost = [&loop, tell = alive_.guard([this, number](const std::string& why) { this->lost(number, why); })](
                  const std::string& why) { (void)loop.post([tell, why]() mutable { tell(why); }); };
  auto client = PahoClient::connect(options, std::make_shared<Listener>(hooks_.arrived, std::move(lost)),
                                    executor_, context_.clock, stop_);
  Status status;
  if (client && hooks_.greet) status = hooks_.greet(**client, !greeted_);
  if (!client) status = fail(client.error());
  // What a broker that forgot us was not told again, it does not know of at the next attempt either.
  greeted_ = bool(status);
  client_ = status ? std::move(*client) : nullptr;
  (void)loop.post([this, number, status] {
    attempting_ = false;
    if (!status) return not_connected(status.error());
    current_ = number;
    connected();
  });
}

void MqttLink::connected() {
  if (stop_) return;
  worked_ = true;
  last_error_.reset();
  counters_->connected.set(1);
  counters_->connects.add();
  log_info(kComponent, "connected", {{"component", context_.name}});
  // It may have been lost before we heard of it, and then nobody else tells.
  on_thread([this, number = current_](PahoClient* client) {
    if (client != nullptr) return;
    (void)context_.loop.post(alive_.guard([this, number] { lost(number, "the connection is gone"); }));
  });
}

void MqttLink::not_connected(const Error& error) {
  if (stop_) return;
  counters_->errors.add(error.code);
  last_error_ = error;
  if (!worked_ && needs_a_hand(error)) {
    stop_ = true;
    // An idle sink may not be asked for a long time whether it is broken.
    log_error(kComponent, "not tried again: " + error.message, {{"component", context_.name}});
    return hooks_.failed(Error{error.code, error.message, false, {}});
  }
  log_warning(kComponent, "tried again: " + error.message, {{"component", context_.name}});
  connect_later();
}

void MqttLink::lost(uint64_t connection, const std::string& why) {
  LOOP_ASSERT(context_.loop);
  if (connection != current_ || stop_) return;
  current_ = 0;
  counters_->connected.set(0);
  counters_->errors.add(ErrorCode::kUnavailable);
  last_error_ = Error{ErrorCode::kUnavailable, "the connection to the broker was lost: " + why, true, {}};
  log_warning(kComponent, last_error_->message, {{"component", context_.name}});
  connect_later();
}

void MqttLink::connect_later() {
  const MqttReconnect& reconnect = options_.connection.reconnect;
  const int64_t delay_ms =
      full_jitter_ms(reconnect.initial.ms, reconnect.max.ms, failures_.fetch_add(1) + 1, context_.random);
  timer_ = context_.loop.start_timer(delay_ms, [this] { connect(); });
}

void MqttLink::on_thread(UniqueFunction<void(PahoClient*)> work) {
  LOOP_ASSERT(context_.loop);
  auto shared = std::make_shared<UniqueFunction<void(PahoClient*)>>(std::move(work));
  const bool taken = thread_->post(
      [this, shared] { (*shared)(client_ != nullptr && !client_->lost() ? client_.get() : nullptr); });
  ASSERT_WHY(taken, "callers have one piece of work under way");
}

void MqttLink::drop(const std::string& why) {
  ASSERT(thread_->is_current());
  client_.reset();
  (void)context_.loop.post(alive_.guard([this, number = attempts_, why] { lost(number, why); }));
}

void MqttLink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_ = true;
  timer_ = nullptr;
  auto done = std::make_shared<Task>(std::move(closed));
  const bool taken = thread_->post([this, done] {
    if (client_ != nullptr) client_->disconnect();
    client_.reset();
    (void)context_.loop.post([this, done] {
      closed_ = true;
      counters_->connected.set(0);
      (*done)();
    });
  });
  ASSERT_WHY(taken, "callers have one piece of work under way");
}

std::string random_client_id(Random& random) {
  constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuv";
  std::string id = "colloquium-";
  for (uint64_t bits = random.next(), i = 0; i < 12; ++i, bits >>= 5) id += kLetters[bits & 31];
  return id;
}

}  // namespace colloquium::components
