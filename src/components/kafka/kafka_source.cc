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
constexpr int64_t kGiveUpMs = 10'000;
constexpr int64_t kGiveUpLookMs = 20;
constexpr int kGiveUpCommitMs = 5'000;
constexpr int kCommitMs = 2'000;
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

// How much is fetched ahead, in all partitions. Where the door is slower than the brokers this is full, and
// librdkafka looks for room again after a second, which before 2.2 no setting makes shorter: what is there has to
// last that long, or the pipeline runs dry.
std::vector<std::pair<std::string, std::string>> ahead_properties() {
  constexpr int kWithBackoffSetting = 0x020200ff;
  if (rd_kafka_version() < kWithBackoffSetting)
    return {{"queued.max.messages.kbytes", "65536"}, {"queued.min.messages", "1000000"}};
  return {{"queued.max.messages.kbytes", "16384"}, {"fetch.queue.backoff.ms", "20"}};
}

GroupConsumerConfig consumer_config(const KafkaSourceConfig& config, const std::string& base_dir) {
  const auto start = parse_start(config.start);
  ASSERT_WHY(start, "checked with the settings");
  GroupConsumerConfig made{.topics = config.topics, .start = start->first, .start_time_ms = start->second};
  const bool committed = config.isolation == KafkaIsolation::kReadCommitted;
  // First what `properties` may set otherwise. Fetched and not yet taken is bounded by the source, not by
  // partition.
  // A request that nobody answers keeps the client from going away: without this for a minute.
  made.properties = {{"socket.timeout.ms", "10000"}};
  for (auto& property : ahead_properties()) made.properties.push_back(std::move(property));
  for (auto& property : connection_properties(config, base_dir)) made.properties.push_back(std::move(property));
  made.properties.insert(made.properties.end(),
                         {{"group.id", config.group},
                          {"partition.assignment.strategy", "cooperative-sticky"},
                          {"enable.auto.commit", "false"},
                          {"statistics.interval.ms", kKafkaStatisticsMs},
                          {"enable.auto.offset.store", "false"},
                          {"auto.offset.reset", "error"},
                          {"isolation.level", committed ? "read_committed" : "read_uncommitted"}});
  if (!config.instance_id.empty()) made.properties.emplace_back("group.instance.id", config.instance_id);
  return made;
}

}  // namespace

// Read at every scrape.
struct KafkaSource::Metrics {
  ErrorCounters errors;
  Gauge lag;
  Gauge partitions;
  Counter commits;
  KafkaStatistics statistics;
  std::vector<metrics::Registration> registrations;
};

KafkaSource::KafkaSource(SourceContext context, const KafkaSourceConfig& config, Executor& executor)
    : context_(std::move(context)),
      config_(config),
      decoder_(formats::message_decoder(config_.format)),
      thread_(executor.make_queue("kafka-source", 1, kThreadTasks)),
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
                                   labels, metrics_->commits));
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
  Partition& partition = last_taken_->second;
  if (!partition.ours || partition.moving || paused_ || !partition.part.wants(message.offset)) return;
  auto run = partition.part.add(message.offset, raw_message(message));
  if (run) emit(last_taken_->first, partition, std::move(*run));
}

void KafkaSource::emit(const Place& place, Partition& partition, RawBatch batch) {
  ASSERT(partition.intake != nullptr && !batch.messages.empty());
  const uint64_t run = partition.part.last_run();
  batch.decoder = decoder_;
  partition.intake->emit(std::move(batch),
                         alive_.guard([this, place, run](const Ack& ack) { acknowledged(place, run, ack); }));
}

void KafkaSource::acknowledged(const Place& place, uint64_t run, const Ack& ack) {
  LOOP_ASSERT(context_.loop);
  Partition& partition = partitions_.at(place);
  if (ack.error && refusals_++ == 0 && !stopped_) {
    log_warning(kComponent, "not accepted, read again until it is: " + ack.error->describe(),
                {{"source", context_.name}, {"part", partition.part.name()}});
  }
  if (!ack.error) refusals_ = 0;
  const bool all_back = partition.part.acknowledged(run, !ack.error);
  if (!giving_up_.empty()) return give_up_when_back();
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
  const Partition& partition = partitions_.at(place);
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
    Partition& partition = partitions_.at(place);
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
    revoked(std::move(partitions), consumer_->lost_assignment());
  }
}

void KafkaSource::assigned(std::vector<TopicPartition> partitions) {
  worked_ = true;
  for (TopicPartition& one : partitions) {
    const Place place{one.topic, one.partition};
    const std::string name = one.topic + "-" + std::to_string(one.partition);
    Partition& partition = partitions_.try_emplace(place, name).first->second;
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
  metrics_->partitions.set(static_cast<int64_t>(ours().size()));
  on_thread([consumer = consumer_, partitions] { return consumer->assign(partitions); },
            [this](const Status& status) {
              if (!status) tell(status.error().code, status.error().message);
            });
}

void KafkaSource::revoked(std::vector<TopicPartition> partitions, bool lost) {
  for (const TopicPartition& one : partitions) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (found != partitions_.end()) found->second.ours = false;
    log_info(kComponent, "giving up " + one.topic + "-" + std::to_string(one.partition),
             {{"source", context_.name}, {"lost", lost}});
  }
  metrics_->partitions.set(static_cast<int64_t>(ours().size()));
  giving_up_ = std::move(partitions);
  giving_up_lost_ = lost;
  give_up_waits_ = true;
  // Who waited longer would be thrown out of the group with all its partitions.
  give_up_timer_ = context_.loop.start_timer(kGiveUpMs, [this] {
    const auto fired = std::move(give_up_timer_);
    give_up_waits_ = false;
    log_warning(kComponent, "partitions are given up before all that was read of them is accepted and stored",
                {{"source", context_.name}});
    for (const TopicPartition& one : giving_up_) {
      const auto found = partitions_.find({one.topic, one.partition});
      if (found != partitions_.end()) found->second.part.begin(found->second.part.accepted());
    }
    give_up_when_back();
  });
  give_up_when_back();
}

void KafkaSource::give_up_when_back() {
  if (giving_up_.empty()) return;
  for (const TopicPartition& one : giving_up_) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (!give_up_waits_ || found == partitions_.end() || is_back(found->second)) continue;
    // Nobody tells when the sinks have stored what the door has taken.
    if (found->second.part.under_way() == 0 && give_up_look_ == nullptr) {
      give_up_look_ = context_.loop.start_timer(kGiveUpLookMs, [this] {
        const auto fired = std::move(give_up_look_);
        give_up_when_back();
      });
    }
    return;
  }
  give_up_timer_ = nullptr;
  give_up_look_ = nullptr;
  const std::vector<TopicPartition> partitions = std::exchange(giving_up_, {});
  const std::vector<TopicPartition> offsets =
      giving_up_lost_ ? std::vector<TopicPartition>() : to_commit(partitions);
  on_thread([consumer = consumer_, offsets,
             partitions] { return consumer->give_up(offsets, partitions, kGiveUpCommitMs); },
            [this](const Status& status) {
              if (!status) tell(status.error().code, status.error().message);
            });
}

// Behind what a crash of this process can't lose any more: with `log: off` the door's acknowledgement comes before
// the sinks have stored anything.
std::optional<PartCursor> KafkaSource::safe(const Partition& partition) const {
  const auto& accepted = partition.part.accepted();
  if (!accepted || partition.intake == nullptr) return std::nullopt;
  const auto stored = PartCursor::decode(partition.intake->stored_cursor());
  if (!stored) return std::nullopt;
  return stored->position() < accepted->position() ? *stored : *accepted;
}

// Nothing of it is on its way any more.
bool KafkaSource::is_back(const Partition& partition) const {
  if (partition.part.under_way() > 0) return false;
  const auto& accepted = partition.part.accepted();
  const auto stored = safe(partition);
  // With --from-start nothing of it may be stored yet, and nothing read.
  return !accepted || accepted->next == 0 || (stored && stored->position() == accepted->position());
}

// What of `partitions` is safe and the group does not know.
std::vector<TopicPartition> KafkaSource::to_commit(const std::vector<TopicPartition>& partitions) const {
  std::vector<TopicPartition> offsets;
  for (const TopicPartition& one : partitions) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (found == partitions_.end()) continue;
    const auto at = safe(found->second);
    if (at && at->next != found->second.committed) offsets.push_back({one.topic, one.partition, at->next});
  }
  return offsets;
}

std::vector<TopicPartition> KafkaSource::ours() const {
  std::vector<TopicPartition> list;
  for (const auto& [place, partition] : partitions_) {
    if (partition.ours) list.push_back({place.first, place.second});
  }
  return list;
}

void KafkaSource::commit_ours() {
  const std::vector<TopicPartition> offsets = to_commit(ours());
  if (offsets.empty() || committing_) return;
  committing_ = true;
  on_thread([consumer = consumer_, offsets] { return consumer->commit(offsets, kCommitMs); },
            [this, offsets](const Status& status) {
              committing_ = false;
              if (!status) return tell(status.error().code, status.error().message);
              metrics_->commits.add();
              for (const TopicPartition& one : offsets) {
                partitions_.at({one.topic, one.partition}).committed = one.offset;
              }
            });
}

void KafkaSource::every_second() {
  const auto fired = std::move(second_timer_);
  second_timer_ = context_.loop.start_timer(kSecondMs, [this] { every_second(); });
  if (consumer_ == nullptr || stopped_) return;
  const int64_t now_ns = context_.clock.monotonic_ns();
  if (now_ns - committed_at_ns_ >= config_.commit_interval.ms * 1'000'000) {
    committed_at_ns_ = now_ns;
    commit_ours();
  }
  std::vector<TopicPartition> positions = ours();
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
  const std::vector<TopicPartition> all = ours();
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
  Partition& partition = found->second;
  if (const auto wanted = partition.part.resume_at()) {
    tell(ErrorCode::kNotFound, "offset " + std::to_string(*wanted) + " of " + partition.part.name() +
                                   " is not there any more, going on at `start`: " + why);
  }
  find_start(place);
}

void KafkaSource::find_start(const Place& place) {
  Partition& partition = partitions_.at(place);
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
  Partition& partition = partitions_.at(place);
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
  give_up_timer_ = nullptr;
  give_up_look_ = nullptr;
  second_timer_ = nullptr;
  giving_up_.clear();
  metrics_->registrations.clear();
  if (consumer_ == nullptr) {
    (void)context_.loop.post(std::move(closed));
    return;
  }
  // Nobody polls from here on; whatever runs on the thread still ends first.
  consumer_->begin_close();
  auto consumer = std::exchange(consumer_, nullptr);
  auto done = std::make_shared<Task>(std::move(closed));
  const bool taken = thread_->post([consumer, offsets = to_commit(ours()), done, loop = &context_.loop] {
    consumer->close(offsets);
    (void)loop->post([done] { (*done)(); });
  });
  ASSERT_WHY(taken, "the thread's queue has room for its last task");
}

}  // namespace colloquium::components
