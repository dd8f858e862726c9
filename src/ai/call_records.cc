#include "ai/call_records.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kCommitMs = 1000;
constexpr int64_t kCommitMostMs = 60'000;
// Each commit writes all of the sums anew.
constexpr int64_t kTokenBytesPerMs = 10;

std::string stream_name(const std::string& records) {
  return records + std::string(kCallsSuffix);
}

std::string leg_name(const std::string& records) {
  return records + std::string(kCallsLegSuffix);
}

// Every record from `from` on, up to the end.
Status each_record(log::Log& log, log::StreamId stream, int64_t from,
                   const std::function<void(CallRecord record, int64_t offset)>& visit) {
  TRY_ASSIGN(const auto reader, log.read(stream, 0, from, false));
  for (;;) {
    TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
    if (batch == nullptr) return {};
    for (size_t i = 0; i < batch->size(); ++i) {
      Result<CallRecord> record = parse_record(batch->value(i));
      if (!record)
        return fail(ErrorCode::kCorrupt, "cannot read the records of AI calls: " + record.error().message,
                    batch->id(i));
      visit(std::move(*record), batch->offset(i));
    }
  }
}

Result<CallRecord> read_one(log::Log& log, log::StreamId stream, int64_t offset) {
  TRY_ASSIGN(const auto reader, log.read(stream, 0, offset, false));
  TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
  for (size_t i = 0; batch != nullptr && i < batch->size(); ++i) {
    if (batch->offset(i) == offset) return parse_record(batch->value(i));
  }
  return fail(ErrorCode::kNotFound, "the record of a call at offset " + std::to_string(offset) + " is gone");
}

bool is_answer(const CallRecord& record) {
  return record.kind == RecordKind::kAnswer || record.kind == RecordKind::kReuse;
}

}  // namespace

CallRecords::CallRecords(const CallRecordsOptions& options, log::Log* log, log::StreamId stream, Loop& loop,
                         const Clock& clock)
    : log_(log),
      stream_(stream),
      leg_(leg_name(options.records)),
      askers_(options.askers),
      loop_(loop),
      clock_(clock),
      writer_(log, stream, loop, clock,
              [this](const Records& records, std::optional<int64_t> first, log::AckLevel level) {
                placed(records, first, level);
              }),
      pause_ms_(kCommitMs) {
  if (log != nullptr) commit_ = std::make_unique<log::PatientCommit>(*log, loop, leg_);
}

Result<std::unique_ptr<CallRecords>> CallRecords::create(const CallRecordsOptions& options, log::Log* log,
                                                         Loop& loop, const Clock& clock, Recovered& recovered) {
  ASSERT(!options.records.empty());
  log::StreamId stream = 0;
  if (log != nullptr) {
    log::StreamSpec spec;
    spec.name = stream_name(options.records);
    spec.retention = log::Retention{.time_ms = options.retention_ms,
                                    .size_bytes = options.retention_bytes,
                                    .legs = {leg_name(options.records)}};
    TRY_ASSIGN(stream, log->open_stream(spec));
  }
  std::unique_ptr<CallRecords> records(new CallRecords(options, log, stream, loop, clock));
  if (log != nullptr) TRY(records->recover(options, recovered));
  return records;
}

// --- recovery

bool CallRecords::may_ask(const std::string& who) const {
  return askers_.empty() || std::find(askers_.begin(), askers_.end(), who) != askers_.end();
}

// The position, and the sums so far.
Result<int64_t> CallRecords::read_state(const CallRecordsOptions& options) {
  const auto state = log_->leg_state(leg_);
  if (!state) return 0;
  int64_t position = 0;
  for (const auto& at : state->positions) {
    if (at.stream == stream_name(options.records)) position = at.next_offset;
  }
  auto sums = CountedLedger::parse(state->sink_token);
  if (!sums)
    return fail(ErrorCode::kCorrupt, "cannot read what leg '" + leg_ + "' has stored: " + sums.error().message);
  sums_ = std::move(*sums);
  return position;
}

void CallRecords::recall(const CallRecord& record, int64_t offset, int64_t position, Unended& open) {
  if (offset >= sums_.counted) {
    sums_.ledger.add(record);
    sums_.counted = offset + 1;
  }
  if (offset < position) return;
  const CallTags& tags = record.tags;
  if (record.kind == RecordKind::kBatch) {
    open.batches.insert_or_assign(tags.call, record);
    return;
  }
  if (record.kind == RecordKind::kIntent) {
    open.calls.emplace(tags.call, record);
    open_[tags.call] = offset;
    return;
  }
  if (record.kind != RecordKind::kReuse) {
    open.calls.erase(tags.call);
    open_.erase(tags.call);
  }
  if (!tags.event || record.kind == RecordKind::kFailure || !may_ask(tags.who)) return;
  answers_.add(event_key(tags.who, *tags.event, tags.question), tags.who, *tags.event,
               {offset, record.kind == RecordKind::kUnknown});
}

Status CallRecords::recover(const CallRecordsOptions& options, Recovered& recovered) {
  const int64_t now_ms = clock_.wall_ms();
  TRY_ASSIGN(const int64_t position, read_state(options));
  int64_t from = position;
  if (options.cache_ttl_max_ms > 0) {
    TRY_ASSIGN(const int64_t recent,
               log_->first_within(stream_, 0, {.bytes = {}, .since_ms = now_ms - options.cache_ttl_max_ms}));
    from = std::min(from, recent);
  }
  Unended open;
  TRY(each_record(*log_, stream_, from, [&](CallRecord record, int64_t offset) {
    recall(record, offset, position, open);
    const bool is_good = record.kind == RecordKind::kAnswer && record.cache && record.cache->until_ms > now_ms;
    if (is_good && recovered.cacheable) recovered.cacheable(std::move(record));
  }));
  fold_when_due();
  sort_out(std::move(open), recovered);
  for (const std::string& of : options.replay_of) {
    if (of != options.records) TRY(index_replay(of));
  }
  return {};
}

// What became of calls without an end.
void CallRecords::sort_out(Unended open, Recovered& recovered) {
  std::map<std::string, OpenBatch> batches;
  for (auto& [call, intent] : open.calls) {
    const CallTags& tags = intent.tags;
    const auto place = open.batches.find(tags.batch);
    const bool is_sent = place != open.batches.end() && place->second.place.step != AiBatchStep::kUpload;
    if (!tags.batch.empty() && !is_sent) {
      intent.kind = RecordKind::kFailure;
      intent.failure = {AiFailureKind::kTransient, "the process ended before its batch was sent", std::nullopt, 0};
      recovered.unsent.push_back(std::move(intent));
    } else if (!tags.batch.empty()) {
      OpenBatch& batch = batches[tags.batch];
      batch.place = place->second;
      batch.calls.push_back(std::move(intent));
    } else {
      give_up(intent, "the process ended while it was under way");
      recovered.unknown.push_back(std::move(intent));
    }
  }
  for (auto& [id, batch] : batches) recovered.batches.push_back(std::move(batch));
}

void CallRecords::lost(const CallRecord& unknown) {
  const CallTags& tags = unknown.tags;
  const auto intent = open_.find(tags.call);
  if (intent == open_.end() || !tags.event || !may_ask(tags.who)) return;
  answers_.add(event_key(tags.who, *tags.event, tags.question), tags.who, *tags.event, {intent->second, true});
}

void CallRecords::give_up(CallRecord& intent, const std::string& why) {
  const CallTags& tags = intent.tags;
  if (tags.event && may_ask(tags.who)) {
    answers_.add(event_key(tags.who, *tags.event, tags.question), tags.who, *tags.event,
                 {open_.at(tags.call), true});
  }
  intent.kind = RecordKind::kUnknown;
  intent.failure.message = why;
}

Status CallRecords::index_replay(const std::string& of) {
  const auto stream = log_->open_stream({.name = stream_name(of), .partitions = 0, .retention = {}});
  if (!stream && stream.error().code == ErrorCode::kNotFound) return {};
  if (!stream) return fail(stream.error());
  AnswerIndex index;
  TRY(each_record(*log_, *stream, 0, [&index](const CallRecord& record, int64_t offset) {
    const CallTags& tags = record.tags;
    if (is_answer(record) && tags.event) index.add(event_key(tags.who, *tags.event, tags.question), offset);
  }));
  index.sort();
  replays_.emplace_back(*stream, std::move(index));
  return {};
}

// --- what is written

void CallRecords::intents(Records records, RecordWriter::Done done) {
  writer_.append(std::move(records), log::AckLevel::kWritten, false, std::move(done));
}

void CallRecords::place(CallRecord record, RecordWriter::Done done) {
  ASSERT(record.kind == RecordKind::kBatch);
  Records records;
  records.push_back(std::move(record));
  writer_.append(std::move(records), log::AckLevel::kDurable, false, std::move(done));
}

void CallRecords::end(Records records, RecordWriter::Done done) {
  writer_.append(std::move(records), log::AckLevel::kDurable, true, std::move(done));
}

void CallRecords::count_hit(const CallRecord& reuse) {
  sums_.ledger.add(reuse);
  changed_ = true;
  fold_when_due();
  commit_later();
}

// Now and then, so that the ledger is as small with many calls as with few.
void CallRecords::fold_when_due() {
  constexpr int64_t kHourMs = 3'600'000;
  const int64_t now_ms = clock_.wall_ms();
  if (now_ms - folded_ms_ < kHourMs && now_ms >= folded_ms_ && sums_.ledger.rows().size() < 2 * Ledger::kRowsMax)
    return;
  folded_ms_ = now_ms;
  sums_.ledger.fold(now_ms);
}

void CallRecords::placed(const Records& records, std::optional<int64_t> first_offset, log::AckLevel level) {
  for (size_t i = 0; i < records.size(); ++i) {
    const CallRecord& record = records[i];
    sums_.ledger.add(record);
    if (!first_offset) continue;
    const int64_t offset = *first_offset + static_cast<int64_t>(i);
    const CallTags& tags = record.tags;
    if (record.kind == RecordKind::kIntent) open_[tags.call] = offset;
    if (record.kind == RecordKind::kIntent) continue;
    if (record.kind != RecordKind::kReuse) open_.erase(tags.call);
    if (!tags.event || record.kind == RecordKind::kFailure || !may_ask(tags.who)) continue;
    answers_.add(event_key(tags.who, *tags.event, tags.question), tags.who, *tags.event,
                 {offset, record.kind == RecordKind::kUnknown});
  }
  fold_when_due();
  if (!first_offset) return;
  // What is only written may be gone after the machine's end, and other records stand in its place.
  if (level == log::AckLevel::kDurable) sums_.counted = *first_offset + static_cast<int64_t>(records.size());
  changed_ = true;
  commit_later();
}

// --- what is asked for again

std::optional<CallRecords::Found> CallRecords::find(const io::Digest128& key) const {
  if (const auto own = answers_.find(key)) return Found{stream_, own->offset, own->unknown};
  for (const auto& [stream, index] : replays_) {
    if (const auto offset = index.find(key)) return Found{stream, *offset, false};
  }
  return std::nullopt;
}

void CallRecords::read(const Found& found, UniqueFunction<void(Result<CallRecord>)> done) {
  LOOP_ASSERT(loop_);
  ASSERT(log_ != nullptr);
  const auto result = std::make_shared<Result<CallRecord>>(fail(ErrorCode::kCancelled, "not read"));
  auto told = std::make_shared<UniqueFunction<void(Result<CallRecord>)>>(std::move(done));
  const bool offloaded =
      loop_.offload([log = log_, found, result] { *result = read_one(*log, found.stream, found.offset); },
                    [told, result, has_read = alive_.guard([this] { has_read(); })]() mutable {
                      (*told)(std::move(*result));
                      has_read();
                    });
  if (offloaded) {
    ++reading_;
    return;
  }
  (void)loop_.post([told] {
    (*told)(
        fail(ErrorCode::kUnavailable, "cannot read the record of a call: too much waits for the disk", {}, true));
  });
}

void CallRecords::settle(const std::string& who, const std::string& partition, int64_t offset) {
  LOOP_ASSERT(loop_);
  answers_.settle(who, partition, offset);
  changed_ = true;
  commit_later();
}

// --- the position

int64_t CallRecords::position() const {
  int64_t lowest = std::min(sums_.counted, answers_.lowest().value_or(sums_.counted));
  for (const auto& [call, offset] : open_) lowest = std::min(lowest, offset);
  return lowest;
}

void CallRecords::commit_later() {
  if (commit_ == nullptr || timer_ != nullptr || committing_ || closing_) return;
  timer_ = loop_.start_timer(pause_ms_, [this] {
    const auto fired = std::move(timer_);
    commit();
  });
}

void CallRecords::commit() {
  ASSERT(!committing_);
  changed_ = false;
  committing_ = true;
  if (sums_.ledger.rows().size() > Ledger::kRowsMax) sums_.ledger.fold(clock_.wall_ms());
  log::CommitRequest request;
  request.leg = leg_;
  log::Position at;
  at.stream = stream_;
  at.next_offset = position();
  request.positions.push_back(std::move(at));
  request.sink_token = sums_.to_token();
  const auto bytes = static_cast<int64_t>(request.sink_token->size());
  pause_ms_ = std::clamp(bytes / kTokenBytesPerMs, kCommitMs, kCommitMostMs);
  commit_->commit(std::move(request), [this](const Status& status, const log::CommitRequest&) {
    committing_ = false;
    if (!status) log_warning(leg_, "cannot commit how far AI calls are recorded: " + status.error().describe());
    committed();
  });
}

void CallRecords::committed() {
  if (!closing_) return changed_ ? commit_later() : void();
  if (changed_) return commit();
  std::exchange(closed_, nullptr)();
}

// The log may go once this is closed.
void CallRecords::has_read() {
  if (--reading_ == 0 && waits_for_reads_) end_writing();
}

void CallRecords::give_up_waiting() {
  writer_.give_up_waiting();
}

void CallRecords::close(Task closed) {
  LOOP_ASSERT(loop_);
  closed_ = std::move(closed);
  waits_for_reads_ = reading_ > 0;
  if (!waits_for_reads_) end_writing();
}

void CallRecords::end_writing() {
  waits_for_reads_ = false;
  writer_.give_up_waiting();
  writer_.when_idle(alive_.guard([this] {
    closing_ = true;
    timer_ = nullptr;
    if (commit_ == nullptr) return std::exchange(closed_, nullptr)();
    commit_->give_up_waiting();
    changed_ = true;
    if (!committing_) commit();
  }));
}

}  // namespace colloquium::ai
