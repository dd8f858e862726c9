#include "components/mqtt/mqtt_writer.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::components {
namespace {

EventOutcome again(const std::string& why) {
  return {.outcome = Outcome::kRetry, .error = Error{ErrorCode::kUnavailable, why, true, {}}};
}

EventOutcome outcome_of(const PahoPublished& published, const std::string& topic) {
  switch (published.state) {
    case PahoPublished::State::kDone:
      return {};
    case PahoPublished::State::kRefused:
      return {.outcome = Outcome::kDeadLetter,
              .error = Error{ErrorCode::kInvalidInput,
                             "the broker refuses a message to '" + topic + "': " + published.why,
                             false,
                             {}}};
    case PahoPublished::State::kBusy: {
      EventOutcome outcome = again("the broker did not take a message to '" + topic + "': " + published.why);
      outcome.is_attempt = true;
      return outcome;
    }
    case PahoPublished::State::kUnknown:
      break;
  }
  return again("the broker did not acknowledge a message");
}

}  // namespace

Result<std::unique_ptr<MqttWriter>> MqttWriter::create(MqttWriterConfig config,
                                                       const formats::EventText::Variables& variables) {
  ASSERT(config.max_in_flight > 0);
  std::unique_ptr<MqttWriter> made(new MqttWriter(std::move(config)));
  TRY_ASSIGN(made->topic_, formats::TextTemplate::Renderer::create(made->config_.topic, variables, {}));
  TRY_ASSIGN(made->payload_, formats::MessageText::create(*made->config_.format.format, variables));
  return made;
}

Result<std::string> MqttWriter::topic_of(const Batch& batch, size_t event) {
  TRY_ASSIGN(const std::string_view topic, topic_->render(batch, event));
  if (is_topic_name(topic)) return std::string(topic);
  return fail(ErrorCode::kInvalidInput,
              "topic: what stands in its fields makes no topic: it has to be text without + and #");
}

Result<MqttMessage> MqttWriter::message_of(const Batch& batch, size_t event) {
  MqttMessage message;
  TRY_ASSIGN(message.topic, topic_of(batch, event));
  TRY(payload_->append(batch, event, message.payload));
  message.qos = config_.qos;
  message.retained = config_.retain;
  if (config_.headers && batch.header_count(event) > 0) take_headers(batch.headers(event), message);
  return message;
}

void MqttWriter::add(std::vector<SinkWrite>& writes, Place place) {
  Result<MqttMessage> message = message_of(*writes[place.first].batch, place.second);
  if (!message) {
    writes[place.first].outcomes[place.second] = {.outcome = Outcome::kDeadLetter,
                                                  .error = std::move(message).error()};
    return;
  }
  messages_.push_back(*std::move(message));
  places_.push_back(place);
}

bool MqttWriter::flush(std::vector<SinkWrite>& writes, const MqttPublish& publish) {
  if (messages_.empty()) return true;
  const std::vector<PahoPublished> published = publish(messages_);
  ASSERT(published.size() == messages_.size());
  bool all_known = true;
  for (size_t i = 0; i < published.size(); ++i) {
    const auto [write, event] = places_[i];
    writes[write].outcomes[event] = outcome_of(published[i], messages_[i].topic);
    all_known = all_known && published[i].state != PahoPublished::State::kUnknown;
  }
  messages_.clear();
  places_.clear();
  return all_known;
}

bool MqttWriter::write(std::vector<SinkWrite>& writes, size_t receive_maximum, const MqttPublish& publish) {
  // Nobody acknowledges QoS 0.
  const size_t round = config_.qos == 0 ? config_.max_in_flight : std::min(config_.max_in_flight, receive_maximum);
  put_off(writes, {ErrorCode::kUnavailable, "the broker did not acknowledge what was published before", true, {}});
  for (size_t write = 0; write < writes.size(); ++write) {
    for (size_t event = 0; event < writes[write].outcomes.size(); ++event) {
      add(writes, {write, event});
      if (messages_.size() >= round && !flush(writes, publish)) return false;
    }
  }
  return flush(writes, publish);
}

void MqttWriter::put_off(std::vector<SinkWrite>& writes, const Error& error) {
  for (SinkWrite& write : writes) {
    write.outcomes.assign(write.batch->size(), {.outcome = Outcome::kRetry, .error = error});
  }
}

}  // namespace colloquium::components
