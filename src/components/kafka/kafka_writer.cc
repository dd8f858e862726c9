#include "components/kafka/kafka_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"
#include "components/kafka/kafka_settings.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "kafka";
// Of one call that waits: how soon a stop is noticed.
constexpr int kSliceMs = 500;
constexpr int kPauseMs = 500;
constexpr int kInitMs = 15'000;
constexpr int kAbortMs = 5'000;
constexpr int kCommitMs = 60'000;
constexpr size_t kErrorBytes = 500;  // of what is kept with an event that was given up

using KafkaHeaders = std::unique_ptr<rd_kafka_headers_t, KafkaDelete<rd_kafka_headers_destroy>>;

KafkaHeaders headers_of(const Batch& batch, size_t event) {
  const size_t count = batch.header_count(event);
  if (count == 0) return nullptr;
  KafkaHeaders headers(rd_kafka_headers_new(count));
  for (const auto& [name, value] : batch.headers(event)) {
    rd_kafka_header_add(headers.get(), name.data(), static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return headers;
}

void erase_below(std::map<std::string, std::map<int64_t, std::string>>& events, const std::string& partition,
                 int64_t offset) {
  const auto found = events.find(partition);
  if (found == events.end()) return;
  found->second.erase(found->second.begin(), found->second.lower_bound(offset));
}

void* bytes_of(std::string_view text) {
  return const_cast<char*>(text.data());
}

}  // namespace

// A message that librdkafka has, or had.
struct KafkaWriter::Delivery {
  KafkaWriter* writer = nullptr;
  size_t write = 0;
  size_t event = 0;
  bool blamed = false;    // it is to blame, and will never be written
  bool suspect = false;   // sent alone from now on
  bool left_out = false;  // to blame, and known to be before the transaction began
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
};

// What one write() has to do. The addresses of deliveries hold while librdkafka has them.
struct KafkaWriter::Attempt {
  Attempt(KafkaWriter* writer, std::vector<SinkWrite>& its_writes, formats::MessageText& format)
      : writes(its_writes) {
    size_t count = 0;
    for (const SinkWrite& write : writes) count += write.batch->size();
    deliveries.reserve(count);
    for (size_t i = 0; i < writes.size(); ++i) {
      writes[i].outcomes.assign(writes[i].batch->size(), {});
      for (size_t event = 0; event < writes[i].batch->size(); ++event) {
        deliveries.push_back({.writer = writer, .write = i, .event = event});
      }
      if (!format.is_value()) values.emplace_back(format, *writes[i].batch);
    }
    for (Delivery& delivery : deliveries) {
      delivery.blamed = delivery.left_out = refusal(delivery) != nullptr;
    }
    records.reserve(writes.size());
  }
  std::string_view value(const Delivery& delivery) const {
    if (values.empty()) return writes[delivery.write].batch->value(delivery.event);
    return values[delivery.write].value(delivery.event);
  }
  // What the format has against an event; null: nothing.
  const Error* refusal(const Delivery& delivery) const {
    return values.empty() ? nullptr : values[delivery.write].refusal(delivery.event);
  }
  // That librdkafka refuses to take a message ends no transaction; what it had taken and could not deliver does.
  const Delivery* first_failed() const {
    const auto bad = [](const Delivery& one) { return !one.left_out && one.code != RD_KAFKA_RESP_ERR_NO_ERROR; };
    for (const auto* list : {&deliveries, &records}) {
      const auto at = std::find_if(list->begin(), list->end(), bad);
      if (at != list->end()) return &*at;
    }
    return nullptr;
  }

  std::vector<SinkWrite>& writes;
  std::vector<KafkaValues> values;  // by write; none: the events' own bytes
  std::vector<Delivery> deliveries;
  std::vector<Delivery> records;  // of progress
};

KafkaWriter::KafkaWriter(KafkaWriterConfig config, formats::MessageText format, std::string instance,
                         const KafkaStop& stop, KafkaWriterCounters& counters)
    : config_(std::move(config)),
      format_(std::move(format)),
      owner_{config_.owner,
             [this](rd_kafka_resp_err_t code, const char* reason) {
               last_error_ = code;
               last_reason_ = reason;
             },
             [&counters](std::string_view json) { counters.statistics.take(json); }},
      instance_(std::move(instance)),
      stop_(stop),
      counters_(counters),
      progress_topic_(config_.progress_topic, config_.connection, config_.owner, stop) {}

KafkaWriter::~KafkaWriter() {
  drop_producer();
}

void KafkaWriter::note(const Error& error) {
  counters_.errors.add(error.code);
  log_warning(kComponent, error.message, {{"sink", config_.owner}});
}

// --- the producer

// In callbacks of poll(), flush() and the transactional calls, all on the writer's thread.
void KafkaWriter::delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  auto* const delivery = static_cast<Delivery*>(message->_private);
  ASSERT(delivery != nullptr && delivery->writer->under_way_ > 0);
  --delivery->writer->under_way_;
  delivery->code = message->err;
}

Status KafkaWriter::make_producer() {
  auto properties = config_.connection;
  properties.emplace_back("statistics.interval.ms", kKafkaStatisticsMs);
  properties.insert(properties.end(), config_.producer.begin(), config_.producer.end());
  if (config_.transactions) {
    const std::string& id = config_.transactional_id;
    properties.emplace_back("transactional.id", id.empty() ? "colloquium-" + leg_ : id);
  }
  TRY_ASSIGN(KafkaConf conf, make_conf(properties));
  rd_kafka_conf_set_dr_msg_cb(conf.get(), delivered);
  last_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
  TRY_ASSIGN(producer_, make_client(KafkaRole::kProducer, std::move(conf), owner_));
  // Once: by its name librdkafka would look it up for every message.
  topic_.reset(rd_kafka_topic_new(producer_.get(), config_.topic.c_str(), nullptr));
  if (topic_ == nullptr) {
    const Error error = explain(rd_kafka_last_error(), "cannot write to topic '" + config_.topic + "'");
    producer_.reset();
    return fail(error);
  }
  counters_.producers.add();
  return {};
}

void KafkaWriter::drop_producer() {
  initialised_ = false;
  if (producer_ == nullptr) return;
  char reason[256] = {};
  fenced_ = fenced_ || is_fenced(rd_kafka_fatal_error(producer_.get(), reason, sizeof reason));
  // Their addresses are about to go.
  (void)rd_kafka_purge(producer_.get(), RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  while (under_way_ > 0) (void)rd_kafka_poll(producer_.get(), kSliceMs);
  topic_.reset();
  producer_.reset();
  counters_.statistics.client_gone();
}

Status KafkaWriter::ready() {
  if (broken_) return fail(*broken_);
  if (producer_ != nullptr) {
    char reason[256] = {};
    if (rd_kafka_fatal_error(producer_.get(), reason, sizeof reason) != RD_KAFKA_RESP_ERR_NO_ERROR)
      drop_producer();
  }
  if (producer_ == nullptr) TRY(make_producer());
  if (!config_.transactions || initialised_) return {};
  Status begun = init_transactions();
  if (begun) return {};
  drop_producer();
  return begun;
}

Status KafkaWriter::init_transactions() {
  TRY(find_out_who_fenced());
  const KafkaError error = call([&](int ms) { return rd_kafka_init_transactions(producer_.get(), ms); }, kInitMs);
  if (error != nullptr) return fail(explained("cannot begin transactions", error));
  TRY_ASSIGN(known_, progress_topic_.read(leg_, producer_.get()));
  initialised_ = true;
  return {};
}

Status KafkaWriter::find_out_who_fenced() {
  if (!fenced_) return {};
  TRY_ASSIGN(const LegProgress now, progress_topic_.read(leg_, producer_.get()));
  fenced_ = false;
  if (now.owner.empty() || now.owner == instance_) return {};
  broken_ =
      Error{ErrorCode::kConflict,
            "another process writes as " + leg_ +
                " with transactions and has taken over; let one of them run, or give each pipeline a name or "
                "sink a transactional_id of its own",
            false,
            {}};
  return fail(*broken_);
}

KafkaError KafkaWriter::call(const std::function<rd_kafka_error_t*(int)>& function, int limit_ms) {
  for (int waited_ms = 0;; waited_ms += kSliceMs) {
    KafkaError error(function(kSliceMs));
    (void)rd_kafka_poll(producer_.get(), 0);
    if (error == nullptr || rd_kafka_error_is_retriable(error.get()) == 0) return error;
    if (stop_.stopped() || waited_ms >= limit_ms) return error;
    // Many are told at once, and nothing changes by asking at once again.
    if (rd_kafka_error_code(error.get()) != RD_KAFKA_RESP_ERR__TIMED_OUT) pause();
  }
}

Error KafkaWriter::explained(const char* what, const KafkaError& error) {
  ASSERT(error != nullptr);
  const auto code = rd_kafka_error_code(error.get());
  fenced_ = fenced_ || is_fenced(code);
  // A call that only waited does not know what the connection suffers from.
  if (code == RD_KAFKA_RESP_ERR__TIMED_OUT && last_error_ != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return explain(last_error_, what, last_reason_);
  }
  return explain(code, what, rd_kafka_error_string(error.get()));
}

void KafkaWriter::pause() {
  stop_.wait(kPauseMs);
}

// --- progress

Result<std::vector<SinkProgress>> KafkaWriter::recover(const std::string& leg,
                                                       const std::vector<std::string>& partitions) {
  ASSERT(config_.transactions && leg_.empty());
  leg_ = leg;
  for (;;) {
    if (stop_.stopped()) return fail(ErrorCode::kCancelled, "stopped before the progress was known");
    Status status = ready();
    if (status) status = claim();
    if (status) break;
    note(status.error());
    // No waiting helps against these, and nothing was promised yet.
    const bool hopeless = broken_ || !status.error().retryable || status.error().code == ErrorCode::kPermission ||
                          last_error_ == RD_KAFKA_RESP_ERR__SSL;
    if (hopeless) return fail(status.error());
    pause();
  }
  std::vector<SinkProgress> progress;
  for (const auto& [partition, known] : known_.partitions) {
    if (!is_of_any(partition, partitions)) continue;  // of another data directory
    progress.push_back(known);
    for (const auto& event : known.given_up) given_up_[partition][event.offset] = event.error;
  }
  return progress;
}

// Whoever wrote for this leg before learns from it that it was not just slow.
Status KafkaWriter::claim() {
  if (KafkaError error{rd_kafka_begin_transaction(producer_.get())}) {
    return fail(explained("cannot begin a transaction", error));
  }
  Delivery record{.writer = this};
  const Error unsent = send_record(leg_, encode_owner(instance_), record);
  KafkaError error = call([&](int ms) { return rd_kafka_commit_transaction(producer_.get(), ms); }, kInitMs);
  Status status;
  if (!unsent.message.empty()) {
    status = fail(unsent);
  } else if (error != nullptr) {
    status = fail(explained("cannot take over the leg in the progress topic", error));
  }
  // Before `record` goes, librdkafka has to have let go of it.
  if (!status) drop_producer();
  return status;
}

void KafkaProgressNotes::add_given_up(const std::string& partition, int64_t offset, const std::string& error) {
  given_up[partition][offset] = error.substr(0, kErrorBytes);
}

void KafkaProgressNotes::add_settled(const std::string& partition, int64_t offset) {
  int64_t& below = settled.try_emplace(partition, offset).first->second;
  below = std::max(below, offset);
  erase_below(given_up, partition, offset);
}

void KafkaWriter::take(KafkaProgressNotes notes) {
  for (auto& [partition, events] : notes.given_up) given_up_[partition].merge(events);
  for (const auto& [partition, offset] : notes.settled) erase_below(given_up_, partition, offset);
}

// --- messages

// Waits for room in librdkafka's queue, which is bounded; a stop ends that. The value is not copied: write() keeps the
// attempt and its batches until librdkafka has let go of them.
void KafkaWriter::send(const Attempt& attempt, Delivery& delivery) {
  const Batch& batch = *attempt.writes[delivery.write].batch;
  const size_t event = delivery.event;
  const std::string_view value = attempt.value(delivery);
  const std::optional<std::string_view> key = batch.key(event);
  // An empty key is not none, and an empty value no tombstone: librdkafka goes by the pointer.
  const std::string_view key_bytes = key.value_or("");
  void* const key_data = key ? bytes_of(key_bytes.empty() ? "" : key_bytes) : nullptr;
  void* const value_data = batch.is_tombstone(event) ? nullptr : bytes_of(value);
  delivery.code = RD_KAFKA_RESP_ERR_NO_ERROR;
  for (;;) {
    KafkaHeaders headers = headers_of(batch, event);
    const auto code = rd_kafka_producev(
        producer_.get(), RD_KAFKA_V_RKT(topic_.get()), RD_KAFKA_V_VALUE(value_data, value.size()),
        RD_KAFKA_V_KEY(key_data, key_bytes.size()), RD_KAFKA_V_TIMESTAMP(batch.entry(event).timestamp_ms),
        RD_KAFKA_V_HEADERS(headers.get()), RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      (void)headers.release();  // the message's now
      ++under_way_;
      return;
    }
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || stop_.stopped()) {
      delivery.code = stop_.stopped() ? RD_KAFKA_RESP_ERR__DESTROY : code;
      // Refused before it met any other.
      delivery.blamed = delivery.left_out = blames_the_message(code);
      return;
    }
    (void)rd_kafka_poll(producer_.get(), kSliceMs);
  }
}

// What became of it alone is its own doing.
void KafkaWriter::send_alone(const Attempt& attempt, Delivery& delivery) {
  flush();
  send(attempt, delivery);
  flush();
  delivery.blamed = delivery.blamed || blames_the_message(delivery.code);
}

void KafkaWriter::send_all(Attempt& attempt) {
  for (Delivery& delivery : attempt.deliveries) {
    if (delivery.blamed) continue;
    if (stop_.stopped()) {
      delivery.code = RD_KAFKA_RESP_ERR__DESTROY;
    } else if (delivery.suspect) {
      send_alone(attempt, delivery);
    } else {
      send(attempt, delivery);
    }
  }
}

void KafkaWriter::flush() {
  while (under_way_ > 0 && !stop_.stopped()) (void)rd_kafka_flush(producer_.get(), kSliceMs);
}

Error KafkaWriter::send_record(const std::string& key, const std::string& value, Delivery& delivery) {
  const auto code =
      rd_kafka_producev(producer_.get(), RD_KAFKA_V_TOPIC(config_.progress_topic.c_str()),
                        RD_KAFKA_V_KEY(bytes_of(key), key.size()), RD_KAFKA_V_VALUE(bytes_of(value), value.size()),
                        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
  delivery.code = code;
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return explain(code, "cannot write to the progress topic");
  ++under_way_;
  return {};
}

// --- writes

void KafkaWriter::write(std::vector<SinkWrite>& writes) {
  Attempt attempt(this, writes, format_);
  if (config_.transactions) {
    write_in_transaction(attempt);
  } else {
    write_plain(attempt);
  }
  ASSERT_WHY(under_way_ == 0, "what librdkafka has points into the attempt");
}

void KafkaWriter::serve() {
  if (producer_ != nullptr) (void)rd_kafka_poll(producer_.get(), 0);
}

void KafkaWriter::put_off(Attempt& attempt, const Error& error) {
  for (SinkWrite& write : attempt.writes) {
    for (EventOutcome& outcome : write.outcomes) outcome = {Outcome::kRetry, error, 0};
  }
}

void KafkaWriter::judge(Attempt& attempt) {
  const std::string what = "cannot write to topic '" + config_.topic + "'";
  for (const Delivery& delivery : attempt.deliveries) {
    EventOutcome& outcome = attempt.writes[delivery.write].outcomes[delivery.event];
    if (const Error* const refusal = attempt.refusal(delivery)) {
      outcome = {Outcome::kDeadLetter, *refusal, 0};
      continue;
    }
    if (delivery.code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      outcome = {};
      last_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
      continue;
    }
    // A message that only timed out does not know why.
    const bool tells =
        delivery.code != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || last_error_ == RD_KAFKA_RESP_ERR_NO_ERROR;
    outcome.error = tells ? explain(delivery.code, what) : explain(last_error_, what, last_reason_);
    outcome.outcome = delivery.blamed ? Outcome::kDeadLetter : Outcome::kRetry;
    if (!delivery.blamed) counters_.errors.add(outcome.error.code);
  }
}

void KafkaWriter::write_plain(Attempt& attempt) {
  if (const Status status = ready(); !status) {
    note(status.error());
    return put_off(attempt, status.error());
  }
  send_all(attempt);
  flush();
  if (under_way_ > 0) drop_producer();
  for (Delivery& delivery : attempt.deliveries) {
    if (delivery.blamed || !blames_the_message(delivery.code) || producer_ == nullptr) continue;
    send_alone(attempt, delivery);
    if (under_way_ > 0) drop_producer();
  }
  judge(attempt);
}

void KafkaWriter::write_in_transaction(Attempt& attempt) {
  for (;;) {
    if (const Status status = ready(); !status || stop_.stopped()) {
      const Error error = status ? Error{ErrorCode::kCancelled, "stopped", true, {}} : status.error();
      if (!status) note(error);
      return put_off(attempt, error);
    }
    Error error;
    const Ended ended = attempt_transaction(attempt, error);
    if (ended == Ended::kAgain) continue;
    if (ended == Ended::kCommitted) return judge(attempt);
    note(error);
    if (ended == Ended::kNotCommitted) return put_off(attempt, error);
    const auto committed = is_committed(progress_after(attempt));
    log_info(kComponent,
             committed ? (*committed ? "it was committed" : "it was not committed") : "nobody knows yet",
             {{"sink", config_.owner}});
    return committed.value_or(false) ? judge(attempt) : put_off(attempt, error);
  }
}

KafkaWriter::Ended KafkaWriter::attempt_transaction(Attempt& attempt, Error& error) {
  if (KafkaError refused{rd_kafka_begin_transaction(producer_.get())}) {
    error = explained("cannot begin a transaction", refused);
    drop_producer();
    return Ended::kNotCommitted;
  }
  for (Delivery& delivery : attempt.deliveries) delivery.left_out = delivery.blamed;
  send_all(attempt);
  attempt.records.clear();
  for (const auto& [partition, progress] : progress_after(attempt)) {
    Delivery& record = attempt.records.emplace_back(Delivery{.writer = this});
    (void)send_record(progress_key(leg_, partition), encode_progress(progress), record);
  }
  if (attempt.first_failed() == nullptr && !stop_.stopped()) return commit(attempt, error);
  return give_in(attempt, error);
}

KafkaWriter::Ended KafkaWriter::commit(Attempt& attempt, Error& error) {
  KafkaError refused = call([&](int ms) { return rd_kafka_commit_transaction(producer_.get(), ms); }, kCommitMs);
  if (refused == nullptr) {
    ASSERT(under_way_ == 0);
    counters_.transactions.add();
    remember(attempt);
    return Ended::kCommitted;
  }
  error = explained("cannot commit a transaction", refused);
  // A commit is only asked of the coordinator once every message is there: one that failed was the end before
  // that.
  if (attempt.first_failed() != nullptr) return give_in(attempt, error);
  drop_producer();
  return Ended::kUncertain;
}

// The transaction is not committed and never will be. Again, if it is known which messages to leave out or to look
// at.
KafkaWriter::Ended KafkaWriter::give_in(Attempt& attempt, Error& error) {
  const Delivery* const failed = attempt.first_failed();
  if (failed != nullptr) {
    error = explain(failed->code, "cannot write to topic '" + config_.topic + "' in a transaction");
  } else if (error.message.empty()) {
    error = {ErrorCode::kCancelled, "stopped", true, {}};
  }
  bool again = false;
  for (Delivery& delivery : attempt.deliveries) {
    if (delivery.blamed || delivery.suspect || !blames_the_message(delivery.code)) continue;
    delivery.suspect = again = true;
  }
  again = again || std::any_of(attempt.deliveries.begin(), attempt.deliveries.end(),
                               [](const Delivery& one) { return one.blamed && !one.left_out; });
  counters_.aborted.add();
  if (again && !stop_.stopped()) {
    // librdkafka would stumble over the gap that a refused message leaves; a new producer aborts as it begins.
    drop_producer();
    return Ended::kAgain;
  }
  const KafkaError refused =
      call([&](int ms) { return rd_kafka_abort_transaction(producer_.get(), ms); }, kAbortMs);
  if (refused != nullptr) (void)explained("cannot abort a transaction", refused);
  if (refused != nullptr || under_way_ > 0) drop_producer();
  return Ended::kNotCommitted;
}

KafkaWriter::Progress KafkaWriter::progress_after(const Attempt& attempt) const {
  Progress after;
  for (const SinkWrite& write : attempt.writes) {
    std::string partition = partition_id(write.batch->origin());
    SinkProgress& progress = after[partition];
    progress.next = std::max(progress.next, write.batch->offset(write.batch->size() - 1) + 1);
    progress.partition = std::move(partition);
  }
  auto given_up = given_up_;
  for (const Delivery& delivery : attempt.deliveries) {
    if (!delivery.blamed) continue;
    const Batch& batch = *attempt.writes[delivery.write].batch;
    const Error* const refusal = attempt.refusal(delivery);
    const Error error =
        refusal != nullptr ? *refusal : explain(delivery.code, "cannot write to topic '" + config_.topic + "'");
    given_up[partition_id(batch.origin())][batch.offset(delivery.event)] = error.message.substr(0, kErrorBytes);
  }
  for (auto& [partition, progress] : after) {
    for (auto& [offset, error] : given_up[partition]) progress.given_up.push_back({offset, std::move(error)});
  }
  return after;
}

// What was given up in a transaction stays in the records that follow until the engine has it.
void KafkaWriter::remember(const Attempt& attempt) {
  for (const auto& [partition, progress] : progress_after(attempt)) {
    for (const auto& event : progress.given_up) given_up_[partition][event.offset] = event.error;
  }
}

std::optional<bool> KafkaWriter::is_committed(const Progress& progress) {
  ASSERT(!progress.empty());
  for (;;) {
    if (stop_.stopped() || broken_) return std::nullopt;
    const Status status = ready();
    if (status) break;
    note(status.error());
    pause();
  }
  // All of a transaction is there or nothing, so one partition speaks for the others.
  const auto& [partition, wanted] = *progress.begin();
  const auto found = known_.partitions.find(partition);
  return found != known_.partitions.end() && found->second.next >= wanted.next;
}

}  // namespace colloquium::components
