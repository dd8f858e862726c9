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
  if (config.tls) options.connection.tls = resolved(*config.tls, context.base_dir);
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
  waiting_.push_back({std::move(batch), std::move(done)});
  // What else comes in this turn goes along.
  if (!writing_ && waiting_.size() == 1) context_.loop.at_turn_end([this] { pump(); });
}

void MqttSink::pump() {
  if (writing_ || closing_ || waiting_.empty()) return;
  auto jobs = std::make_shared<std::vector<Job>>();
  auto writes = std::make_shared<std::vector<MqttWrite>>();
  size_t bytes = 0;
  while (!waiting_.empty() && (jobs->empty() || bytes + waiting_.front().batch->payload_bytes() <= kGroupBytes)) {
    bytes += waiting_.front().batch->payload_bytes();
    writes->push_back({.batch = waiting_.front().batch, .outcomes = {}});
    jobs->push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  writing_ = true;
  const Error away =
      link_.last_error().value_or(Error{ErrorCode::kUnavailable, "no connection to the broker yet", true, {}});
  link_.on_thread([this, jobs, writes, away](PahoClient* client) {
    const auto publish = [client](std::span<const MqttMessage> round) { return client->publish(round); };
    if (client == nullptr) {
      MqttWriter::put_off(*writes, away);
    } else if (writer_->write(*writes, client->receive_maximum(), publish)) {
      link_.well();
    } else if (!client->lost()) {
      link_.drop("the broker did not acknowledge in time");
    }
    (void)context_.loop.post([this, jobs, writes] { written(std::move(*jobs), std::move(*writes)); });
  });
}

void MqttSink::written(std::vector<Job> jobs, std::vector<MqttWrite> writes) {
  LOOP_ASSERT(context_.loop);
  ASSERT(jobs.size() == writes.size() && writing_);
  writing_ = false;
  for (size_t i = 0; i < jobs.size(); ++i) {
    auto& outcomes = writes[i].outcomes;
    const bool all_ok = std::all_of(outcomes.begin(), outcomes.end(),
                                    [](const EventOutcome& one) { return one.outcome == Outcome::kOk; });
    if (all_ok) outcomes.clear();
    jobs[i].done(std::move(outcomes));
  }
  pump();
  check_closed();
}

void MqttSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  closed_ = std::move(closed);
  registrations_.clear();
  const Error error{ErrorCode::kCancelled, "not written: the sink is being closed", true, {}};
  for (Job& job : std::exchange(waiting_, {})) {
    job.done(std::vector<EventOutcome>(job.batch->size(), {.outcome = Outcome::kRetry, .error = error}));
  }
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
