#include "components/mqtt/mqtt_source.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "components/mqtt/mqtt_metrics.h"
#include "formats/message_format.h"

namespace colloquium::components {
namespace {

PahoOptions paho_options(const MqttSourceConfig& config, const ComponentContext& context) {
  PahoOptions options;
  options.connection = config;
  if (config.tls) options.connection.tls = config::resolved(*config.tls, context.base_dir);
  options.client_id = config.client_id.empty() ? random_client_id(context.random) : config.client_id;
  options.clean_session = is_clean_session(config);
  options.session_expiry_s = config.session_expiry.ms / 1000;
  options.receives = true;
  return options;
}

std::vector<MqttSubscription> subscriptions(const MqttSourceConfig& config) {
  std::vector<MqttSubscription> all;
  for (const MqttTopic& topic : config.topics) all.push_back({topic.filter, topic.qos.value_or(config.qos)});
  return all;
}

MqttInboxOptions inbox_options(const MqttSourceConfig& config, const SourceContext& context) {
  return {.owner = context.name,
          .decoder = formats::message_decoder(config.format),
          .from_memory = context.acks_from_memory,
          .ack_timeout_ms = ack_timeout_ms(config)};
}

}  // namespace

bool is_clean_session(const MqttSourceConfig& config) {
  return config.clean_session.value_or(config.client_id.empty());
}

int64_t ack_timeout_ms(const MqttSourceConfig& config) {
  constexpr int64_t kUsualMs = 10'000;
  return config.ack_timeout ? config.ack_timeout->ms : std::min(kUsualMs, config.keep_alive.ms / 2);
}

MqttSource::MqttSource(SourceContext context, const MqttSourceConfig& config, Executor& executor)
    : context_(std::move(context)),
      config_(config),
      inbox_(inbox_options(config_, context_), context_.intake, context_.loop, executor, context_.clock,
             [this] { link_.well(); }),
      link_(context_, paho_options(config_, context_), executor, hooks()) {}

MqttSource::~MqttSource() = default;

MqttLink::Hooks MqttSource::hooks() {
  return {.greet = [topics = subscriptions(config_)](PahoClient& client, bool first) -> Status {
            return first || !client.session_present() ? client.subscribe(topics) : Status();
          },
          .arrived = [this](MqttMessage message) { return inbox_.arrived(std::move(message)); },
          .may_connect =
              [this](Task again) {
                if (stopping_) return false;
                if (inbox_.look_at_door()) return true;
                context_.intake.when_ready(std::move(again));
                return false;
              },
          .failed = [this](const Error& error) { context_.failed(error); }};
}

void MqttSource::register_metrics() {
  auto* const registry = context_.services.find<metrics::Registry>();
  if (registry == nullptr) return;
  const metrics::Labels labels{.pipeline = context_.pipeline, .component = context_.name, .kind = "mqtt_source"};
  register_link(*registry, labels, link_.counters(), registrations_);
  MqttInboxCounters& counters = inbox_.counters();
  const auto count = [&](const char* name, const char* help, const Counter& counter) {
    registrations_.push_back(registry->counter({name, help}, labels, counter));
  };
  count("colloquium_mqtt_refused_total", "Messages not acknowledged to the broker, which sends them again.",
        counters.refused);
  count("colloquium_mqtt_dropped_total", "Messages that nobody sends again, lost for want of room.",
        counters.dropped);
  count("colloquium_mqtt_redelivered_total", "Messages the broker said it may have sent before.",
        counters.duplicates);
}

Status MqttSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  register_metrics();
  link_.start();
  return {};
}

void MqttSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  stopping_ = true;
  inbox_.stop();
}

void MqttSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  inbox_.stop();
  registrations_.clear();
  link_.close(std::move(closed));
}

}  // namespace colloquium::components
