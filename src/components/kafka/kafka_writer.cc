#include "components/kafka/kafka_writer.h"

#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "components/kafka/kafka_attempt.h"
#include "components/kafka/kafka_settings.h"
#include "components/kafka/topic_config.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "kafka";
// Of one call that waits: how soon a stop is noticed.
constexpr int kSliceMs = 500;
constexpr int kPauseMs = 500;

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

size_t message_bytes(const Batch& batch, size_t event, std::optional<std::string_view> key,
                     std::string_view value) {
  size_t bytes = value.size() + key.value_or("").size();
  if (batch.header_count(event) == 0) return bytes;
  for (const auto& [name, text] : batch.headers(event)) bytes += name.size() + text.size();
  return bytes;
}

}  // namespace

KafkaWriter::Attempt::Attempt(KafkaWriter* writer, std::vector<SinkWrite>& its_writes,
                              const std::vector<KafkaValues>& its_values, std::vector<Piece> its_pieces)
    : writes(its_writes), values(its_values), pieces(std::move(its_pieces)) {
  size_t count = 0;
  for (const Piece& piece : pieces) count += piece.end - piece.begin;
  deliveries.reserve(count);
  for (const Piece& piece : pieces) {
    for (size_t event = piece.begin; event < piece.end; ++event) {
      Delivery& one = deliveries.emplace_back(Delivery{.writer = writer, .write = piece.write, .event = event});
      const Error* const refusal = values.empty() ? nullptr : values[piece.write].refusal(event);
      if (refusal != nullptr) leave_out(one, RD_KAFKA_RESP_ERR__INVALID_ARG, *refusal);
    }
  }
  records.reserve(pieces.size());
}

std::string_view KafkaWriter::Attempt::value(const Delivery& delivery) const {
  if (values.empty()) return batch_of(delivery).value(delivery.event);
  return values[delivery.write].value(delivery.event);
}

const KafkaWriter::Delivery* KafkaWriter::Attempt::first_failed() const {
  const auto bad = [](const Delivery& one) { return !one.left_out && one.code != RD_KAFKA_RESP_ERR_NO_ERROR; };
  for (const auto* list : {&deliveries, &records}) {
    const auto at = std::find_if(list->begin(), list->end(), bad);
    if (at != list->end()) return &*at;
  }
  return nullptr;
}

bool KafkaWriter::Attempt::is_record(const Delivery* delivery) const {
  return std::any_of(records.begin(), records.end(), [&](const Delivery& one) { return &one == delivery; });
}

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

// --- messages

// Waits for room in librdkafka's queue, which is bounded; a stop ends that. The value is not copied: write() keeps
// batches and values until librdkafka has let go of them.
void KafkaWriter::send(const Attempt& attempt, Delivery& delivery) {
  const Batch& batch = attempt.batch_of(delivery);
  const size_t event = delivery.event;
  const std::string_view value = attempt.value(delivery);
  std::optional<std::string_view> key = batch.key(event);
  delivery.code = RD_KAFKA_RESP_ERR_NO_ERROR;
  if (config_.key != nullptr) {
    const auto made = config_.key->render(batch, event);
    if (!made) {
      return leave_out(delivery, RD_KAFKA_RESP_ERR__INVALID_ARG,
                       Error{made.error().code, "no key: " + made.error().message, false, {}});
    }
    key = *made;
  }
  if (message_bytes(batch, event, key, value) > config_.max_message) {
    return leave_out(delivery, RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE);
  }
  // An empty key is not none, and an empty value no tombstone: librdkafka goes by the pointer.
  const std::string_view key_bytes = key.value_or("");
  void* const key_data = key ? bytes_of(key_bytes.empty() ? "" : key_bytes) : nullptr;
  void* const value_data = batch.is_tombstone(event) ? nullptr : bytes_of(value);
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
      if (blames_the_message(delivery.code)) leave_out(delivery, delivery.code);
      return;
    }
    (void)rd_kafka_poll(producer_.get(), kSliceMs);
  }
}

void KafkaWriter::leave_out(Delivery& delivery, rd_kafka_resp_err_t code, std::optional<Error> why) {
  delivery.code = code;
  delivery.blamed = delivery.left_out = true;
  if (why) delivery.why = std::make_unique<const Error>(std::move(*why));
}

// A compacted topic takes no event without key, and brokers refuse whatever came in a batch with one. Only a
// refusal makes us ask what the topic is, and then before every write, as that can be changed.
void KafkaWriter::leave_out_keyless(Attempt& attempt) {
  if (!keyless_refused_) return;
  const auto is_keyless = [&](const Delivery& one) {
    return !one.blamed && !attempt.batch_of(one).key(one.event).has_value();
  };
  if (std::none_of(attempt.deliveries.begin(), attempt.deliveries.end(), is_keyless)) return;
  const auto compacted = is_compacted(producer_.get(), config_.topic, stop_);
  if (!compacted && !std::exchange(told_of_config_, true)) {
    log_warning(kComponent,
                compacted.error().message +
                    "; without knowing, each event without key that it refuses costs a "
                    "transaction",
                {{"sink", config_.owner}});
  }
  keyless_refused_ = compacted.value_or(false);
  if (!keyless_refused_) return;
  for (Delivery& delivery : attempt.deliveries) {
    if (is_keyless(delivery)) leave_out(delivery, RD_KAFKA_RESP_ERR_INVALID_RECORD);
    // What travelled with those is not to blame.
    if (!delivery.blamed && delivery.code == RD_KAFKA_RESP_ERR_INVALID_RECORD) delivery.suspect = false;
  }
}

void KafkaWriter::note_refusals(const Attempt& attempt) {
  if (config_.key != nullptr) return;
  keyless_refused_ =
      keyless_refused_ || std::any_of(attempt.deliveries.begin(), attempt.deliveries.end(), [&](const auto& one) {
        return one.code == RD_KAFKA_RESP_ERR_INVALID_RECORD && !attempt.batch_of(one).key(one.event).has_value();
      });
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

// --- writes

std::vector<std::vector<KafkaWriter::Piece>> KafkaWriter::cut(const std::vector<SinkWrite>& writes,
                                                              size_t events_max) {
  std::vector<std::vector<Piece>> cuts(1);
  size_t left = events_max;
  for (size_t i = 0; i < writes.size(); ++i) {
    const Batch& batch = *writes[i].batch;
    for (size_t begin = 0; begin < batch.size();) {
      if (left == 0) {
        cuts.emplace_back();
        left = events_max;
      }
      size_t end = std::min(batch.size(), begin + left);
      left -= end - begin;
      // Progress is an offset, which several events may have.
      while (end < batch.size() && batch.offset(end) == batch.offset(end - 1)) ++end;
      cuts.back().push_back({i, begin, end});
      begin = end;
    }
  }
  return cuts;
}

void KafkaWriter::write(std::vector<SinkWrite>& writes) {
  for (SinkWrite& write : writes) write.outcomes.assign(write.batch->size(), {});
  std::vector<KafkaValues> values;
  if (!format_.is_value()) {
    for (const SinkWrite& write : writes) values.emplace_back(format_, *write.batch);
  }
  std::optional<Error> why;
  for (auto& pieces : cut(writes, config_.transactions ? kTransactionEvents : SIZE_MAX)) {
    Attempt attempt(this, writes, values, std::move(pieces));
    // What stands behind events that have to wait waits for them.
    if (!why) why = config_.transactions ? write_in_transaction(attempt) : write_plain(attempt);
    if (why) put_off(attempt, *why);
  }
  ASSERT_WHY(under_way_ == 0, "what librdkafka has points into the attempt");
}

void KafkaWriter::serve() {
  if (producer_ != nullptr) (void)rd_kafka_poll(producer_.get(), 0);
}

void KafkaWriter::put_off(Attempt& attempt, const Error& error) {
  for (const Delivery& one : attempt.deliveries) {
    attempt.writes[one.write].outcomes[one.event] = {Outcome::kRetry, error, 0};
  }
}

Error KafkaWriter::error_of(const Delivery& delivery) const {
  if (delivery.why != nullptr) return *delivery.why;
  return explain(delivery.code, "cannot write to topic '" + config_.topic + "'");
}

void KafkaWriter::judge(Attempt& attempt) {
  for (const Delivery& delivery : attempt.deliveries) {
    EventOutcome& outcome = attempt.writes[delivery.write].outcomes[delivery.event];
    if (delivery.code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      outcome = {};
      last_error_ = RD_KAFKA_RESP_ERR_NO_ERROR;
      continue;
    }
    // A message that only timed out does not know why.
    const bool tells =
        delivery.code != RD_KAFKA_RESP_ERR__MSG_TIMED_OUT || last_error_ == RD_KAFKA_RESP_ERR_NO_ERROR;
    outcome.error = tells ? error_of(delivery)
                          : explain(last_error_, "cannot write to topic '" + config_.topic + "'", last_reason_);
    outcome.outcome = delivery.blamed ? Outcome::kDeadLetter : Outcome::kRetry;
    if (!delivery.blamed) counters_.errors.add(outcome.error.code);
  }
}

std::optional<Error> KafkaWriter::write_plain(Attempt& attempt) {
  if (const Status status = ready(); !status) {
    note(status.error());
    return status.error();
  }
  leave_out_keyless(attempt);
  send_all(attempt);
  flush();
  note_refusals(attempt);
  if (under_way_ > 0) drop_producer();
  if (producer_ != nullptr) leave_out_keyless(attempt);
  for (Delivery& delivery : attempt.deliveries) {
    if (delivery.blamed || !blames_the_message(delivery.code) || producer_ == nullptr) continue;
    send_alone(attempt, delivery);
    if (under_way_ > 0) drop_producer();
  }
  judge(attempt);
  return std::nullopt;
}

}  // namespace colloquium::components
