// KafkaWriter with transactions: the leg's progress, and the transactions that events and progress are in.
#include <algorithm>

#include "base/assert.h"
#include "base/logging.h"
#include "base/part_name.h"
#include "components/kafka/kafka_attempt.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "kafka";
constexpr int kInitMs = 15'000;
constexpr int kAbortMs = 5'000;
constexpr int kCommitMs = 60'000;
constexpr size_t kErrorBytes = 500;  // of what is kept with an event that was given up

void erase_below(std::map<std::string, std::map<int64_t, std::string>>& events, const std::string& partition,
                 int64_t offset) {
  const auto found = events.find(partition);
  if (found == events.end()) return;
  found->second.erase(found->second.begin(), found->second.lower_bound(offset));
  if (found->second.empty()) events.erase(found);
}

}  // namespace

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

// --- transactions

std::optional<Error> KafkaWriter::write_in_transaction(Attempt& attempt) {
  for (;;) {
    if (const Status status = ready(); !status || stop_.stopped()) {
      if (!status) note(status.error());
      return status ? Error{ErrorCode::kCancelled, "stopped", true, {}} : status.error();
    }
    leave_out_keyless(attempt);
    Error error;
    const Ended ended = attempt_transaction(attempt, error);
    if (ended == Ended::kAgain) continue;
    if (ended != Ended::kCommitted) note(error);
    if (ended == Ended::kNotCommitted) return error;
    if (ended == Ended::kUncertain) {
      const auto committed = is_committed(progress_after(attempt));
      log_info(kComponent,
               committed ? (*committed ? "it was committed" : "it was not committed") : "nobody knows yet",
               {{"sink", config_.owner}});
      if (!committed.value_or(false)) return error;
    }
    judge(attempt);
    return std::nullopt;
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
  note_refusals(attempt);
  if (failed != nullptr) {
    const std::string& topic = attempt.is_record(failed) ? config_.progress_topic : config_.topic;
    error = explain(failed->code, "cannot write to topic '" + topic + "' in a transaction");
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
  for (const Piece& piece : attempt.pieces) {
    const Batch& batch = *attempt.writes[piece.write].batch;
    std::string partition = partition_id(batch.origin());
    SinkProgress& progress = after[partition];
    progress.next = std::max(progress.next, batch.offset(piece.end - 1) + 1);
    progress.partition = std::move(partition);
  }
  auto given_up = given_up_;
  for (const Delivery& delivery : attempt.deliveries) {
    if (!delivery.blamed) continue;
    const Batch& batch = attempt.batch_of(delivery);
    given_up[partition_id(batch.origin())][batch.offset(delivery.event)] =
        error_of(delivery).message.substr(0, kErrorBytes);
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
