#include "components/kafka/kafka_source.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "components/kafka/kafka_statistics.h"
#include "formats/message_format.h"
#include "metrics/registry.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "kafka";
// Of one turn of the loop.
constexpr size_t kSliceMessages = 2000;
constexpr size_t kSliceBytes = size_t{2} << 20;
constexpr int64_t kRetryMs = 1000;
// The group's own business waits behind messages for at most so long while the door is closed.
constexpr int64_t kPauseAfterNs = 2'000'000'000;
constexpr int64_t kSecondMs = 1000;
constexpr size_t kThreadTasks = 1024;

RawMessage raw_message(const rd_kafka_message_t& message) {
  RawMessage raw;
  raw.tombstone = message.payload == nullptr;
  if (!raw.tombstone) raw.value.assign(static_cast<const char*>(message.payload), message.len);
  if (message.key != nullptr) raw.key.emplace(static_cast<const char*>(message.key), message.key_len);
  rd_kafka_timestamp_type_t type;
  const int64_t timestamp_ms = rd_kafka_message_timestamp(&message, &type);
  if (type != RD_KAFKA_TIMESTAMP_NOT_AVAILABLE) raw.timestamp_ms = timestamp_ms;
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(&message, &headers) != RD_KAFKA_RESP_ERR_NO_ERROR) return raw;
  const char* name = nullptr;
  const void* value = nullptr;
  size_t size = 0;
  for (size_t i = 0; rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
       ++i) {
    raw.headers.emplace_back(
        name, value == nullptr ? std::string() : std::string(static_cast<const char*>(value), size));
  }
  return raw;
}

std::vector<TopicPartition> copy_list(const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    partitions.push_back({list->elems[i].topic, list->elems[i].partition});
  }
  return partitions;
}

}  // namespace

// Read at every scrape.
struct KafkaSource::Metrics {
  ErrorCounters errors;
  Gauge lag;
  Gauge partitions;
  KafkaStatistics statistics;
  std::vector<metrics::Registration> registrations;
};

KafkaSource::KafkaSource(SourceContext context, const KafkaSourceConfig& config, Executor& executor)
    : context_(std::move(context)),
      config_(config),
      decoder_(formats::message_decoder(config_.format)),
      thread_(executor.make_queue("kafka-source", 1, kThreadTasks)),
      progress_(context_, partitions_,
                {.on_thread =
                     [this](auto work, auto done) {
                       on_thread([consumer = consumer_, work = std::move(work)] { return work(*consumer); },
                                 std::move(done));
                     },
                 .tell = [this](const Error& error) { tell(error.code, error.message); }}),
      metrics_(std::make_unique<Metrics>()) {}

KafkaSource::~KafkaSource() {
  ASSERT_WHY(consumer_ == nullptr, "close() takes the client down");
}

void KafkaSource::register_metrics() {
  auto* const registry = context_.services.find<metrics::Registry>();
  if (registry == nullptr) return;
  metrics::Labels labels{.pipeline = context_.pipeline, .component = context_.name, .kind = "kafka_source"};
  auto& held = metrics_->registrations;
  held = metrics_->statistics.register_at(*registry, labels);
  held.push_back(registry->gauge({"colloquium_kafka_lag_events", "Records a kafka source has not accepted yet."},
                                 labels, metrics_->lag));
  held.push_back(registry->gauge({"colloquium_kafka_partitions", "Partitions a kafka source has now."}, labels,
                                 metrics_->partitions));
  held.push_back(registry->counter({"colloquium_kafka_commits_total", "Times a group was told of offsets."},
                                   labels, progress_.commits()));
  for (size_t i = 0; i < ErrorCounters::kReasons; ++i) {
    const auto reason = static_cast<ErrorCode>(i);
    labels.reason = to_string(reason);
    held.push_back(
        registry->counter({"colloquium_kafka_errors_total", "Errors librdkafka told of, by reason."}, labels,
                          [this, reason] { return static_cast<double>(metrics_->errors.value(reason)); }));
  }
}

Status KafkaSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  TRY_ASSIGN(auto consumer, GroupConsumer::create(consumer_config(config_, context_.base_dir),
                                                  context_.pipeline + "/" + context_.name, context_.loop,
                                                  alive_.guard([this] { drain(); })));
  consumer_ = std::move(consumer);
  register_metrics();
  log_info(
      kComponent,
      "exactly once within this data directory; when partitions move between instances that share the group, at "
      "least once, unless the source has dedupe",
      {{"source", context_.name}, {"group", config_.group}});
  second_timer_ = context_.loop.start_timer(kSecondMs, [this] { every_second(); });
  return {};
}

void KafkaSource::on_thread(std::function<Status()> work, UniqueFunction<void(Status)> done) {
  // std::function and shared_ptr: a dropped task must not take what it was to do with it silently.
  auto finish = std::make_shared<UniqueFunction<void(Status)>>(alive_.guard(std::move(done)));
  const bool taken = thread_->post([this_loop = &context_.loop, work = std::move(work), finish] {
    (void)this_loop->post([finish, status = work()]() mutable { (*finish)(std::move(status)); });
  });
  if (taken) return;
  (void)context_.loop.post(
      [finish] { (*finish)(fail(ErrorCode::kLimit, "too much waits for the brokers at once", {}, true)); });
}

bool KafkaSource::door_is_open() {
  if (context_.intake.ready()) {
    door_closed_since_ns_ = -1;
    return true;
  }
  if (door_closed_since_ns_ < 0) door_closed_since_ns_ = context_.clock.monotonic_ns();
  if (!waits_for_door_) {
    waits_for_door_ = true;
    context_.intake.when_ready(alive_.guard([this] { door_opened(); }));
  }
  return false;
}

void KafkaSource::door_opened() {
  LOOP_ASSERT(context_.loop);
  waits_for_door_ = false;
  door_closed_since_ns_ = -1;
  if (stopped_) return;
  if (paused_) {
    paused_ = false;
    std::vector<Place> places;
    for (const auto& [place, partition] : partitions_) {
      // What is still under way of a part that is broken off comes back first.
      if (partition.ours && (!partition.part.broken_off() || partition.part.under_way() == 0))
        places.push_back(place);
    }
    read_again(places);
  }
  drain();
}

void KafkaSource::drain_later() {
  if (std::exchange(drain_posted_, true)) return;
  (void)context_.loop.post(alive_.guard([this] {
    drain_posted_ = false;
    drain();
  }));
}

void KafkaSource::drain() {
  LOOP_ASSERT(context_.loop);
  if (consumer_ == nullptr) return;
  // What is polled has to be emitted, so nothing is while the door takes nothing: unless all is paused anyway.
  if (!stopped_ && !paused_ && !door_is_open()) return;
  size_t bytes = 0;
  for (size_t i = 0; i < kSliceMessages && bytes < kSliceBytes; ++i) {
    const KafkaEvent event = consumer_->poll();
    if (event == nullptr) return cut_all();
    if (rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_FETCH) {
      while (const rd_kafka_message_t* message = rd_kafka_event_message_next(event.get())) {
        bytes += message->len + message->key_len;
        take(*message);
      }
    } else {
      cut_all();
      handle(event.get());
      if (consumer_ == nullptr) return;
    }
  }
  cut_all();
  drain_later();
}

void KafkaSource::cut_all() {
  for (auto& [place, partition] : partitions_) {
    if (auto run = partition.part.cut()) emit(place, partition, std::move(*run));
  }
}

void KafkaSource::take(const rd_kafka_message_t& message) {
  const char* const topic = rd_kafka_topic_name(message.rkt);
  // Messages of a partition come in rows.
  if (last_taken_ == partitions_.end() || last_taken_->first.second != message.partition ||
      last_taken_->first.first != topic) {
    last_taken_ = partitions_.find({topic, message.partition});
  }
  if (last_taken_ == partitions_.end() || stopped_) return;
  SourcePartition& partition = last_taken_->second;
  if (!partition.ours || partition.moving || paused_ || !partition.part.wants(message.offset)) return;
  auto run = partition.part.add(message.offset, raw_message(message));
  if (run) emit(last_taken_->first, partition, std::move(*run));
}

void KafkaSource::emit(const Place& place, SourcePartition& partition, RawBatch batch) {
  ASSERT(partition.intake != nullptr && !batch.messages.empty());
  const uint64_t run = partition.part.last_run();
  batch.decoder = decoder_;
  partition.intake->emit(std::move(batch),
                         alive_.guard([this, place, run](const Ack& ack) { acknowledged(place, run, ack); }));
}

void KafkaSource::acknowledged(const Place& place, uint64_t run, const Ack& ack) {
  LOOP_ASSERT(context_.loop);
  SourcePartition& partition = partitions_.at(place);
  if (ack.error && refusals_++ == 0 && !stopped_) {
    log_warning(kComponent, "not accepted, read again until it is: " + ack.error->describe(),
                {{"source", context_.name}, {"part", partition.part.name()}});
  }
  if (!ack.error) refusals_ = 0;
  const bool all_back = partition.part.acknowledged(run, !ack.error);
  if (progress_.gives_up()) return progress_.look();
  if (!all_back || !partition.ours || stopped_) return;
  // Fetched meanwhile for nothing, else.
  consumer_->pause({{place.first, place.second}});
  const int64_t delay_ms = ack.retry_after_ms > 0 ? ack.retry_after_ms : kRetryMs;
  timers_[place] = context_.loop.start_timer(delay_ms, [this, place] {
    const auto fired = std::move(timers_[place]);
    timers_.erase(place);
    go_back(place);
  });
}

void KafkaSource::go_back(const Place& place) {
  const SourcePartition& partition = partitions_.at(place);
  // While all is paused, the door's opening sees to it.
  if (stopped_ || !partition.ours || !partition.part.broken_off() || paused_) return;
  if (!context_.intake.ready()) return try_later(place, [this, place] { go_back(place); });
  read_again({place});
}

// From the start is from whatever is there: the brokers may have removed offset 0 long ago.
int64_t KafkaSource::offset_to_read(int64_t next) const {
  return context_.from_start && next == 0 ? RD_KAFKA_OFFSET_BEGINNING : next;
}

// From where each part stands. What was fetched before is let go: none of it comes once reading has stopped, so
// that what comes when it begins again follows on from where the part stands.
void KafkaSource::read_again(const std::vector<Place>& places) {
  std::vector<TopicPartition> stopping;
  for (const Place& place : places) {
    partitions_.at(place).moving = true;
    stopping.push_back({place.first, place.second});
  }
  if (stopping.empty()) return;
  on_thread([consumer = consumer_, stopping] { return consumer->stop_reading(stopping); },
            [this, places](const Status& status) { stopped_reading(places, status); });
}

void KafkaSource::stopped_reading(const std::vector<Place>& places, const Status& status) {
  if (stopped_) return;
  if (!status) tell(status.error().code, "tried again: " + status.error().message);
  std::vector<TopicPartition> targets;
  for (const Place& place : places) {
    SourcePartition& partition = partitions_.at(place);
    if (!partition.ours) continue;
    // Broken off meanwhile: when all of it is back, it is read from further back.
    if (partition.part.broken_off() && partition.part.under_way() > 0) continue;
    if (!status) {
      try_later(place, [this, place] { read_again({place}); });
      continue;
    }
    const auto at = partition.part.resume_at();
    partition.part.resume(at);
    partition.moving = false;
    targets.push_back({place.first, place.second, at ? offset_to_read(*at) : RD_KAFKA_OFFSET_STORED});
  }
  begin_reading(targets);
}

void KafkaSource::begin_reading(const std::vector<TopicPartition>& targets) {
  if (targets.empty()) return;
  on_thread([consumer = consumer_, targets] { return consumer->assign(targets); },
            [this, targets](const Status& status) {
              if (status || stopped_) return;
              tell(status.error().code, "tried again: " + status.error().message);
              for (const TopicPartition& one : targets) {
                const Place place{one.topic, one.partition};
                try_later(place, [this, place] { read_again({place}); });
              }
            });
}

// In a second, if the partition is still ours.
void KafkaSource::try_later(const Place& place, std::function<void()> what) {
  timers_[place] = context_.loop.start_timer(kRetryMs, [this, place, what = std::move(what)] {
    const auto fired = std::move(timers_[place]);
    timers_.erase(place);
    if (!stopped_ && partitions_.at(place).ours) what();
  });
}

void KafkaSource::handle(rd_kafka_event_t* event) {
  switch (rd_kafka_event_type(event)) {
    case RD_KAFKA_EVENT_REBALANCE:
      return rebalance(event);
    case RD_KAFKA_EVENT_ERROR:
      return failed_event(event);
    case RD_KAFKA_EVENT_STATS:
      return metrics_->statistics.take(rd_kafka_event_stats(event));
    default:
      return;
  }
}

void KafkaSource::rebalance(rd_kafka_event_t* event) {
  std::vector<TopicPartition> partitions = copy_list(rd_kafka_event_topic_partition_list(event));
  if (rd_kafka_event_error(event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    assigned(std::move(partitions));
  } else {
    progress_.give_up(std::move(partitions), consumer_->lost_assignment());
    metrics_->partitions.set(static_cast<int64_t>(progress_.ours().size()));
  }
}

void KafkaSource::assigned(std::vector<TopicPartition> partitions) {
  worked_ = true;
  for (TopicPartition& one : partitions) {
    const Place place{one.topic, one.partition};
    const std::string name = one.topic + "-" + std::to_string(one.partition);
    SourcePartition& partition = partitions_.try_emplace(place, name).first->second;
    std::optional<PartCursor> at = partition.part.accepted();
    if (partition.intake == nullptr) {
      partition.intake = &context_.intake.part(name);
      if (const std::string stored = partition.intake->stored_cursor(); !stored.empty()) {
        auto cursor = PartCursor::decode(stored);
        if (!cursor) return context_.failed(std::move(cursor).error());
        at = *cursor;
      }
      // Above what any sink has, also those that are ahead of the others.
      if (context_.from_start) {
        at = PartCursor{0, std::max(at ? at->position() : 0, partition.intake->free_position())};
      }
    }
    partition.part.begin(at);
    partition.ours = true;
    partition.moving = false;
    partition.asked_for_start = false;
    partition.committed = -1;
    if (at) one.offset = offset_to_read(at->next);
    log_info(
        kComponent, "reading " + name,
        {{"source", context_.name}, {"from", at ? std::to_string(at->next) : std::string("the group's offset")}});
  }
  metrics_->partitions.set(static_cast<int64_t>(progress_.ours().size()));
  on_thread([consumer = consumer_, partitions] { return consumer->assign(partitions); },
            [this](const Status& status) {
              if (!status) tell(status.error().code, status.error().message);
            });
}

void KafkaSource::every_second() {
  const auto fired = std::move(second_timer_);
  second_timer_ = context_.loop.start_timer(kSecondMs, [this] { every_second(); });
  if (consumer_ == nullptr || stopped_) return;
  const int64_t now_ns = context_.clock.monotonic_ns();
  if (now_ns - committed_at_ns_ >= config_.commit_interval.ms * 1'000'000) {
    committed_at_ns_ = now_ns;
    progress_.commit();
  }
  std::vector<TopicPartition> positions = progress_.ours();
  std::erase_if(positions, [&](TopicPartition& one) {
    const auto& accepted = partitions_.at({one.topic, one.partition}).part.accepted();
    if (accepted) one.offset = accepted->next;
    return !accepted;
  });
  metrics_->lag.set(consumer_->lag(positions));
  if (!paused_ && door_closed_since_ns_ >= 0 && now_ns - door_closed_since_ns_ > kPauseAfterNs) pause_all();
  // Also with nothing there: a member that does not ask is thrown out of the group.
  drain();
}

void KafkaSource::pause_all() {
  paused_ = true;
  const std::vector<TopicPartition> all = progress_.ours();
  if (!all.empty()) consumer_->pause(all);
}

void KafkaSource::tell(ErrorCode code, const std::string& message) {
  metrics_->errors.add(code);
  log_warning(kComponent, message, {{"source", context_.name}});
}

void KafkaSource::failed_event(rd_kafka_event_t* event) {
  auto code = rd_kafka_event_error(event);
  std::string detail = rd_kafka_event_error_string(event) == nullptr ? "" : rd_kafka_event_error_string(event);
  const rd_kafka_topic_partition_t* const where = rd_kafka_event_topic_partition(event);
  const std::unique_ptr<const rd_kafka_topic_partition_t, void (*)(const rd_kafka_topic_partition_t*)> held(
      where, [](const rd_kafka_topic_partition_t* one) {
        if (one != nullptr) rd_kafka_topic_partition_destroy(const_cast<rd_kafka_topic_partition_t*>(one));
      });
  if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET && where != nullptr)
    return no_offset({where->topic, where->partition}, detail);
  const bool fatal = code == RD_KAFKA_RESP_ERR__FATAL;
  if (fatal) std::tie(code, detail) = consumer_->fatal_error();
  code = cause_of(code, detail);
  const Error error = explain(code, "kafka", detail);
  tell(error.code, error.message);
  // What worked once may work again: passwords change, brokers lose their memory. What never did is a mistake.
  if (stopped_ || (!fatal && (worked_ || !needs_a_hand(code)))) return;
  stopped_ = true;
  context_.failed(Error{error.code, error.message, false, {}});
}

// Neither we nor the group know where to read, or what stood there is gone.
void KafkaSource::no_offset(const Place& place, const std::string& why) {
  const auto found = partitions_.find(place);
  if (found == partitions_.end() || !found->second.ours || stopped_ || found->second.asked_for_start) return;
  SourcePartition& partition = found->second;
  if (const auto wanted = partition.part.resume_at()) {
    tell(ErrorCode::kNotFound, "offset " + std::to_string(*wanted) + " of " + partition.part.name() +
                                   " is not there any more, going on at `start`: " + why);
  }
  find_start(place);
}

void KafkaSource::find_start(const Place& place) {
  SourcePartition& partition = partitions_.at(place);
  partition.asked_for_start = true;
  partition.moving = true;
  auto offset = std::make_shared<int64_t>(0);
  on_thread(
      [consumer = consumer_, place, offset]() -> Status {
        TRY_ASSIGN(*offset, consumer->start_offset({place.first, place.second}));
        return consumer->stop_reading({{place.first, place.second}});
      },
      [this, place, offset](const Status& status) {
        if (status) return begin_at_start(place, *offset);
        if (stopped_) return;
        tell(status.error().code, "tried again: " + status.error().message);
        try_later(place, [this, place] { find_start(place); });
      });
}

void KafkaSource::begin_at_start(const Place& place, int64_t offset) {
  SourcePartition& partition = partitions_.at(place);
  if (!partition.ours || stopped_) return;
  const auto before = partition.part.resume_at();
  // Offsets that begin anew, as of a topic that was made again.
  if (before && offset < *before) partition.part.raise_base(partition.intake->free_position());
  partition.part.resume(offset);
  partition.moving = partition.asked_for_start = false;
  begin_reading({{place.first, place.second, offset}});
}

void KafkaSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  stopped_ = true;
  timers_.clear();
}

void KafkaSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stopped_ = true;
  timers_.clear();
  progress_.stop();
  second_timer_ = nullptr;
  metrics_->registrations.clear();
  if (consumer_ == nullptr) {
    (void)context_.loop.post(std::move(closed));
    return;
  }
  // Nobody polls from here on; whatever runs on the thread still ends first.
  consumer_->begin_close();
  auto consumer = std::exchange(consumer_, nullptr);
  auto done = std::make_shared<Task>(std::move(closed));
  const bool taken = thread_->post([consumer, offsets = progress_.untold(), done, loop = &context_.loop] {
    consumer->close(offsets);
    (void)loop->post([done] { (*done)(); });
  });
  ASSERT_WHY(taken, "the thread's queue has room for its last task");
}

}  // namespace colloquium::components
