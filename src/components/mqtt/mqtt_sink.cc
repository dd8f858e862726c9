#include "components/mqtt/mqtt_sink.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "components/mqtt/mqtt_metrics.h"

namespace colloquium::components {
namespace {

// Of what is given to the thread at once; more waits for the next time.
constexpr size_t kGroupBytes = size_t{4} << 20;

PahoOptions paho_options(const MqttSinkConfig& config, const ComponentContext& context) {
  PahoOptions options;
  options.connection = config;
  if (config.tls) options.connection.tls = config::resolved(*config.tls, context.base_dir);
  options.client_id = config.client_id.empty() ? random_client_id(context.random) : config.client_id;
  options.publish_timeout_ms = config.timeout.ms;
  return options;
}

}  // namespace

MqttSink::MqttSink(ComponentContext context, const MqttSinkConfig& config, std::unique_ptr<MqttWriter> writer,
                   Executor& executor)
    : context_(std::move(context)),
      writer_(std::move(writer)),
      link_(context_, paho_options(config, context_), executor,
            {.failed = [this](const Error& error) { broken_ = error; }}) {}

MqttSink::~MqttSink() {
  ASSERT_WHY(!writing_ && waiting_.empty(), "close() waits for the writes under way");
}

Status MqttSink::restore(const std::string& token) {
  ASSERT_WHY(token.empty(), "an mqtt sink has no token");
  return {};
}

void MqttSink::token(TokenDone) {
  ASSERT_WHY(false, "an mqtt sink has no token");
}

Status MqttSink::start() {
  LOOP_ASSERT(context_.loop);
  if (auto* const registry = context_.services.find<metrics::Registry>()) {
    const metrics::Labels labels{.pipeline = context_.pipeline, .component = context_.name, .kind = "mqtt_sink"};
    register_link(*registry, labels, link_.counters(), registrations_);
  }
  link_.start();
  return {};
}

void MqttSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_ && !batch->empty(), "no write after close, and none of nothing");
  waiting_.push(std::move(batch), std::move(done));
  // What else comes in this turn goes along.
  if (!writing_ && waiting_.size() == 1) context_.loop.at_turn_end([this] { pump(); });
}

void MqttSink::pump() {
  if (writing_ || closing_ || waiting_.empty()) return;
  auto group = std::make_shared<WriteGroup>(waiting_.take(kGroupBytes));
  writing_ = true;
  const Error away =
      link_.last_error().value_or(Error{ErrorCode::kUnavailable, "no connection to the broker yet", true, {}});
  link_.on_thread([this, group, away](PahoClient* client) {
    const auto publish = [client](std::span<const MqttMessage> round) { return client->publish(round); };
    if (client == nullptr) {
      MqttWriter::put_off(group->writes, away);
    } else if (writer_->write(group->writes, client->receive_maximum(), publish)) {
      link_.well();
    } else if (!client->lost()) {
      link_.drop("the broker did not acknowledge in time");
    }
    (void)context_.loop.post([this, group] { written(std::move(*group)); });
  });
}

void MqttSink::written(WriteGroup group) {
  LOOP_ASSERT(context_.loop);
  ASSERT(writing_);
  writing_ = false;
  group.answer();
  pump();
  check_closed();
}

void MqttSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  closed_ = std::move(closed);
  registrations_.clear();
  waiting_.refuse({ErrorCode::kCancelled, "not written: the sink is being closed", true, {}});
  // Ends the waiting of what is under way, too: it is answered before the link has closed.
  link_.close([this] {
    closing_done_ = true;
    check_closed();
  });
}

void MqttSink::check_closed() {
  if (!closing_done_ || writing_ || !closed_) return;
  Task done = std::exchange(closed_, nullptr);
  done();
}

}  // namespace colloquium::components
