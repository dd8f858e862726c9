#include "components/kafka/kafka_sink.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "metrics/registry.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "kafka";
// Of what is given to the writer at once; more waits for the next time.
constexpr size_t kGroupBytes = size_t{16} << 20;
constexpr size_t kThreadTasks = 16;  // one write, and what is asked around it
constexpr int64_t kServeMs = 1000;

KafkaWriterConfig writer_config(const KafkaSinkConfig& config, const ComponentContext& context,
                                std::shared_ptr<formats::TextTemplate::Renderer> key) {
  return {.connection = connection_properties(config, context.base_dir),
          .producer = producer_properties(config),
          .owner = context.pipeline + "/" + context.name,
          .topic = config.topic,
          .transactions = config.transactions,
          .transactional_id = config.transactional_id,
          .progress_topic = config.progress_topic,
          .max_message = static_cast<size_t>(config.max_message.bytes),
          .key = std::move(key)};
}

// Unlike any other process's.
std::string random_name(Random& random) {
  char text[33] = {};
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(random.next()),
                static_cast<unsigned long long>(random.next()));
  return text;
}

}  // namespace

struct KafkaSink::Metrics {
  KafkaWriterCounters counters;
  std::vector<metrics::Registration> registrations;
};

KafkaSink::KafkaSink(ComponentContext context, const KafkaSinkConfig& config, formats::MessageText format,
                     std::shared_ptr<formats::TextTemplate::Renderer> key, Executor& executor)
    : context_(std::move(context)),
      config_(config),
      stop_(executor),
      metrics_(std::make_unique<Metrics>()),
      writer_(std::make_unique<KafkaWriter>(writer_config(config, context_, std::move(key)), std::move(format),
                                            random_name(context_.random), stop_, metrics_->counters)),
      thread_(executor.make_queue("kafka-sink", 1, kThreadTasks)) {}

KafkaSink::~KafkaSink() {
  ASSERT_WHY(under_way_ == 0, "close() waits for the writes under way");
}

Guarantee KafkaSink::guarantee() const {
  return config_.transactions ? Guarantee::kExactlyOnce : Guarantee::kAtLeastOnce;
}

// A write waits for the brokers once, however much it holds. A transaction's record of progress names what of it
// was refused.
JoinLimits KafkaSink::joins() const {
  return {size_t{4} << 20, kGroupBytes, config_.transactions ? size_t{5000} : size_t{20'000}};
}

Status KafkaSink::restore(const std::string& token) {
  ASSERT_WHY(token.empty(), "a kafka sink has no token");
  return {};
}

void KafkaSink::token(TokenDone) {
  ASSERT_WHY(false, "a kafka sink has no token");
}

void KafkaSink::register_metrics() {
  auto* const registry = context_.services.find<metrics::Registry>();
  if (registry == nullptr) return;
  metrics::Labels labels{.pipeline = context_.pipeline, .component = context_.name, .kind = "kafka_sink"};
  KafkaWriterCounters& counters = metrics_->counters;
  auto& held = metrics_->registrations;
  held = counters.statistics.register_at(*registry, labels);
  held.push_back(registry->counter({"colloquium_kafka_transactions_total", "Transactions committed."}, labels,
                                   counters.transactions));
  held.push_back(registry->counter({"colloquium_kafka_transactions_aborted_total", "Transactions aborted."},
                                   labels, counters.aborted));
  held.push_back(registry->counter(
      {"colloquium_kafka_producers_total", "Producers made: more than one mean errors that nobody could judge."},
      labels, counters.producers));
  for (size_t i = 0; i < ErrorCounters::kReasons; ++i) {
    const auto reason = static_cast<ErrorCode>(i);
    labels.reason = to_string(reason);
    held.push_back(
        registry->counter({"colloquium_kafka_errors_total", "Errors librdkafka told of, by reason."}, labels,
                          [&counters, reason] { return static_cast<double>(counters.errors.value(reason)); }));
  }
}

Status KafkaSink::start() {
  LOOP_ASSERT(context_.loop);
  register_metrics();
  serve_later();
  if (!config_.transactions) {
    log_info(kComponent, "at least once: transactions: true makes it exactly once for read_committed readers",
             {{"sink", context_.name}, {"topic", config_.topic}});
  }
  return {};
}

// A write serves the client, too.
void KafkaSink::serve_later() {
  serve_timer_ = context_.loop.start_timer(kServeMs, [this] {
    const auto fired = std::move(serve_timer_);
    if (under_way_ == 0) (void)thread_->post([this] { writer_->serve(); });
    serve_later();
  });
}

void KafkaSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_ && !batch->empty(), "no write after close, and none of nothing");
  waiting_.push(std::move(batch), std::move(done));
  // What else comes in this turn goes along.
  if (!writing_ && waiting_.size() == 1) context_.loop.at_turn_end([this] { pump(); });
}

void KafkaSink::pump() {
  if (writing_ || closing_ || waiting_.empty()) return;
  auto group = std::make_shared<WriteGroup>(waiting_.take(kGroupBytes));
  writing_ = true;
  ++under_way_;
  auto notes = std::make_shared<KafkaProgressNotes>(std::exchange(notes_, {}));
  const bool taken = thread_->post([this, group, notes] {
    writer_->take(std::move(*notes));
    writer_->write(group->writes);
    (void)context_.loop.post([this, group, broken = writer_->broken()] {
      broken_ = broken;
      written(std::move(*group));
    });
  });
  ASSERT_WHY(taken, "one write at a time, and what else the thread does is short");
}

void KafkaSink::written(WriteGroup group) {
  LOOP_ASSERT(context_.loop);
  ASSERT(under_way_ > 0);
  writing_ = false;
  --under_way_;
  group.answer();
  pump();
  check_closed();
}

void KafkaSink::recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) {
  LOOP_ASSERT(context_.loop);
  ++under_way_;
  auto answer = std::make_shared<ProgressDone>(std::move(done));
  const bool taken = thread_->post([this, leg, partitions = std::move(partitions), answer] {
    auto progress = std::make_shared<Result<std::vector<SinkProgress>>>(writer_->recover(leg, partitions));
    (void)context_.loop.post([this, progress, answer] {
      --under_way_;
      if (!closing_) (*answer)(std::move(*progress));
      check_closed();
    });
  });
  ASSERT_WHY(taken, "it is the thread's first task");
}

// Not a task each: a lane that falls behind gives up what it has at once, while a write of another one may hold
// the thread for long.
void KafkaSink::gave_up(const std::string& partition, int64_t offset, const std::string& error) {
  LOOP_ASSERT(context_.loop);
  notes_.add_given_up(partition, offset, error);
}

void KafkaSink::settled(const std::string& partition, int64_t offset) {
  LOOP_ASSERT(context_.loop);
  notes_.add_settled(partition, offset);
}

void KafkaSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  closed_ = std::move(closed);
  serve_timer_ = nullptr;
  metrics_->registrations.clear();
  stop_.stop();
  waiting_.refuse({ErrorCode::kCancelled, "not written: the sink is being closed", true, {}});
  check_closed();
}

// Taking the producer down waits for librdkafka's threads.
void KafkaSink::check_closed() {
  if (!closing_ || under_way_ > 0 || !closed_) return;
  ++under_way_;
  auto done = std::make_shared<Task>(std::exchange(closed_, nullptr));
  const bool taken = thread_->post([this, done] {
    writer_.reset();
    (void)context_.loop.post([this, done] {
      --under_way_;
      (*done)();
    });
  });
  ASSERT_WHY(taken, "nothing else is asked of the thread any more");
}

}  // namespace colloquium::components
