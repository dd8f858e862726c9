#include "ai/calls.h"

#include <algorithm>
#include <set>
#include <utility>

#include "ai/question_digest.h"
#include "ai/redaction.h"
#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::ai {
namespace {

// Of what is recorded together with an answer; a log takes no batch of any size.
constexpr size_t kTogetherBytes = size_t{4} << 20;

AiRefusal refusal_of(const Error& error) {
  AiRefusal refusal;
  const bool ours = error.retryable || error.code == ErrorCode::kUnavailable;
  refusal.failure.kind = ours ? AiFailureKind::kTransient : AiFailureKind::kCaller;
  refusal.failure.message = error.describe();
  return refusal;
}

// Which of these failures another asker of the same would meet again.
bool is_everybodys(const AiRefusal& refusal) {
  return refusal.failure.kind == AiFailureKind::kCaller && !refusal.unknown;
}

}  // namespace

Calls::Calls(CallSettings settings, CallSurroundings with)
    : settings_(std::move(settings)),
      with_(std::move(with)),
      models_(settings_.providers, with_.loop, with_.clock, with_.found_model),
      cache_(settings_.cache_bytes) {}

Result<std::unique_ptr<Calls>> Calls::create(CallSettings settings, CallSurroundings with) {
  std::unique_ptr<Calls> calls(new Calls(std::move(settings), std::move(with)));
  TRY(calls->start());
  return calls;
}

// What no pipeline file can say, and whoever fills in settings might.
Status Calls::check_settings() const {
  std::set<std::string> names;
  for (const ProviderSettings& provider : settings_.providers) {
    const std::string what = "AI provider '" + provider.name + "' ";
    if (!names.insert(provider.name).second) return fail(ErrorCode::kInvalidConfig, what + "is there twice");
    if (provider.provider == nullptr || !provider.access) {
      return fail(ErrorCode::kInvalidConfig, what + "has no wire format, or no access");
    }
    if (provider.connections == 0 || provider.queue_max == 0 || provider.retry.attempts < 1) {
      return fail(ErrorCode::kInvalidConfig,
                  what + "needs at least one connection, place in its queue, and attempt");
    }
  }
  names.clear();
  for (const BudgetSettings& budget : settings_.budgets) {
    const std::string what = "budget '" + budget.spec.name + "' ";
    if (!names.insert(budget.spec.name).second) return fail(ErrorCode::kInvalidConfig, what + "is there twice");
    if (!budget.switch_to) continue;
    const ProviderSettings* provider = models_.provider(budget.switch_to->provider);
    if (provider == nullptr) {
      return fail(ErrorCode::kInvalidConfig, what + "switches to a model of '" + budget.switch_to->provider +
                                                 "', which is no AI provider of this pipeline");
    }
    TRY(price_of(settings_, *provider, budget.switch_to->model));
  }
  return {};
}

Status Calls::start() {
  TRY(check_settings());
  std::vector<BudgetSpec> specs;
  for (const BudgetSettings& budget : settings_.budgets) specs.push_back(budget.spec);
  TRY_ASSIGN(budgets_, with_.book.join(settings_.records, specs));
  CallRecordsOptions options;
  options.records = settings_.records;
  options.replay_of = settings_.replay_of;
  options.askers = settings_.askers;
  options.retention_ms = settings_.retention_ms;
  options.retention_bytes = settings_.retention_bytes;
  options.cache_ttl_max_ms = settings_.cache_ttl_max_ms;
  CallRecords::Recovered recovered;
  recovered.cacheable = [this](CallRecord answer) { cache_.put(std::make_shared<CallRecord>(std::move(answer))); };
  TRY_ASSIGN(records_, CallRecords::create(options, with_.log, with_.loop, with_.clock, recovered));
  if (settings_.audit.on && with_.log != nullptr) {
    TRY_ASSIGN(audit_, AuditTrail::create(settings_.records, settings_.audit, *with_.log, with_.loop, with_.clock));
  }
  desk_ = std::make_unique<CallDesk>(CallDesk{settings_, with_.loop, with_.clock, with_.random, with_.transport,
                                              *records_, *budgets_, estimates_, models_, audit_.get()});
  batches_ = std::make_unique<BatchDesk>(*desk_);
  charge_past();
  resume(recovered.batches, recovered.unknown);
  charge_unknown(recovered.unknown);
  if (!recovered.unsent.empty()) records_->end(std::move(recovered.unsent), [](const Status&) {});
  if (audit_ != nullptr) {
    for (const CallRecord& record : recovered.unknown) audit_->add(record, {});
  }
  if (!recovered.unknown.empty()) records_->end(std::move(recovered.unknown), [](const Status&) {});
  return {};
}

void Calls::charge_past() {
  const int64_t now_ms = with_.clock.wall_ms();
  for (const auto& [key, sums] : records_->ledger().rows()) {
    const CallLabels labels{settings_.pipeline, key.provider, key.model, key.key};
    budgets_->charge(labels, sums.settled, false, key.from_ms, now_ms);
    budgets_->charge(labels, sums.unknown, true, key.from_ms, now_ms);
  }
}

void Calls::charge_unknown(const Records& unknown) {
  const int64_t now_ms = with_.clock.wall_ms();
  NanoUsd reserved;
  for (const CallRecord& record : unknown) {
    const CallTags& tags = record.tags;
    reserved += tags.reserved;
    budgets_->charge({settings_.pipeline, tags.provider, tags.model, tags.key}, tags.reserved, true, tags.at_ms,
                     now_ms);
  }
  if (unknown.empty()) return;
  log_warning(settings_.records,
              "calls to models were under way when the process ended, and nobody knows what became of them",
              {{"calls", unknown.size()}, {"usd_at_most", usd_text(reserved)}});
}

// What is in a batch that nobody can look after any more may be paid, and nobody will know.
void Calls::resume(const std::vector<OpenBatch>& batches, Records& unknown) {
  for (const OpenBatch& batch : batches) {
    if (batches_->resume(batch, [this](const CallTags& call) { return take_up(call); })) continue;
    const CallTags& tags = batch.place.tags;
    const bool made = batch.place.place.step != AiBatchStep::kCreate;
    const std::string why =
        made ? "AI provider '" + tags.provider + "' has it and is not in this pipeline any more, or has no price"
             : "the process ended before AI provider '" + tags.provider + "' said whether it was made";
    log_warning(settings_.records, "the answers of a batch are lost: " + why,
                {{"batch", tags.call}, {"there", batch.place.place.batch}, {"calls", batch.calls.size()}});
    Records lost = batch.calls;
    for (CallRecord& intent : lost) records_->give_up(intent, "it was sent in a batch: " + why);
    std::move(lost.begin(), lost.end(), std::back_inserter(unknown));
  }
}

BatchDesk::Done Calls::take_up(const CallTags& call) {
  const FlightNumber number = next_flight_++;
  Flight& flight = flights_[number];
  flight.digest = call.question;
  flight.batches = flight.in_batch = true;
  if (call.event) {
    flight.event = event_key(call.who, *call.event, call.question);
    by_event_.emplace(*flight.event, number);
  }
  return [this, number](RunEnd end) { run_ended(number, std::move(end)); };
}

// --- asking

Status Calls::check(const AiQuestion& question) const {
  return check_question(settings_, question);
}

AiCalls::Number Calls::ask(AiQuestion question, AiAnswered answered, AiListen listen) {
  LOOP_ASSERT(with_.loop);
  ASSERT(answered);
  const Number number = next_ask_++;
  if (settings_.redact) redact_texts(question.request, settings_.redact);
  Ask& ask = asks_[number];
  ask.digest = question_digest(question);
  ask.question = std::make_shared<const AiQuestion>(std::move(question));
  ask.answered = std::move(answered);
  ask.listen = std::move(listen);
  const Status checked =
      closing_ ? Status(fail(ErrorCode::kCancelled, "the pipeline is closing", {}, true)) : check(*ask.question);
  if (!checked) {
    refuse(number, refusal_of(checked.error()));
  } else if (!find_recorded(number)) {
    find_answer(number);
  }
  return number;
}

void Calls::find_answer(Number number) {
  if (join_batched(number) || find_cached(number) || join(number)) return;
  take_off({number});
}

bool Calls::find_recorded(Number number) {
  const Ask& ask = asks_.at(number);
  if (!ask.question->event) return false;
  const auto found = records_->find(event_key(ask.question->who, *ask.question->event, ask.digest));
  if (!found) return false;
  if (found->unknown) {
    if (ask.question->on_unknown == AiOnUnknown::kRetry) return false;
    AiRefusal refusal;
    refusal.unknown = true;
    refusal.model = ask.question->models.front();
    refusal.failure.message = "the process ended, or lost the connection, while it was under way";
    refuse(number, std::move(refusal));
    return true;
  }
  records_->read(*found, alive_.guard([this, number](Result<CallRecord> record) {
    read_recorded(number, std::move(record));
  }));
  return true;
}

void Calls::read_recorded(Number number, Result<CallRecord> record) {
  if (!asks_.contains(number)) return;
  if (record) return give(number, *record, AiAnswerFrom::kRecord);
  // Retention has removed it: of a replay, which protects nothing.
  if (record.error().code == ErrorCode::kNotFound) return find_answer(number);
  refuse(number, refusal_of(record.error()));
}

bool Calls::find_cached(Number number) {
  const Ask& ask = asks_.at(number);
  const AiQuestion& question = *ask.question;
  if (question.cache_ttl_ms <= 0 || question.renews) return false;
  const auto answer =
      cache_.find(cache_digest(question, ask.digest), question.cache_ttl_ms, with_.clock.wall_ms());
  if (answer == nullptr) return false;
  reuse(number, *answer, AiAnswerFrom::kCache);
  return true;
}

// What is on its way alone is there sooner, for whoever asks.
std::optional<Calls::FlightNumber> Calls::joinable(const Ask& ask) const {
  if (!ask.question->shares) return std::nullopt;
  for (const bool batches : {false, true}) {
    const auto found = by_question_.find({ask.digest, batches});
    if (found == by_question_.end()) continue;
    if (ask.question->batching || !flights_.at(found->second).in_batch) return found->second;
  }
  return std::nullopt;
}

bool Calls::join(Number number) {
  Ask& ask = asks_.at(number);
  const std::optional<FlightNumber> found = joinable(ask);
  if (!found) return false;
  Flight& flight = flights_.at(*found);
  ask.flight = *found;
  flight.asks.push_back(number);
  const CallContent* so_far = flight.run != nullptr ? flight.run->so_far() : nullptr;
  if (!ask.listen || so_far == nullptr || (so_far->text.empty() && so_far->tool_calls.empty())) return true;
  flight.run->was_heard();
  ask.heard = true;
  const AiListen listen = ask.listen;
  AnswerParts::tell(CallContent(*so_far), listen);
  return true;
}

// What an earlier run has sent for the same event.
bool Calls::join_batched(Number number) {
  Ask& ask = asks_.at(number);
  if (!ask.question->event) return false;
  const auto found = by_event_.find(event_key(ask.question->who, *ask.question->event, ask.digest));
  if (found == by_event_.end()) return false;
  ask.flight = found->second;
  flights_.at(found->second).asks.push_back(number);
  return true;
}

void Calls::take_off(std::vector<Number> asks) {
  const FlightNumber number = next_flight_++;
  const Ask& leader = asks_.at(asks.front());
  Flight& flight = flights_[number];
  flight.digest = leader.digest;
  flight.shares = leader.question->shares;
  flight.batches = leader.question->batching.has_value();
  for (const Number ask : asks) asks_.at(ask).flight = number;
  flight.asks = std::move(asks);
  if (flight.shares) by_question_.emplace(QuestionKey(flight.digest, flight.batches), number);
  if (flight.batches) {
    flight.in_batch = true;
    flight.batched = batches_->add(leader.question, leader.digest,
                                   [this, number](RunEnd end) { run_ended(number, std::move(end)); });
    return;
  }
  flight.run = std::make_unique<CallRun>(
      *desk_, leader.question, leader.digest,
      [this, number](const AiOutput& output) { return hear(number, output); },
      [this, number](RunEnd end) { run_ended(number, std::move(end)); });
  flight.run->start();
}

// --- what comes of it

bool Calls::hear(FlightNumber number, const AiOutput& output) {
  const auto flight = flights_.find(number);
  if (flight == flights_.end()) return false;
  bool heard = false;
  for (const Number ask : std::vector<Number>(flight->second.asks)) {
    const auto asked = asks_.find(ask);
    if (asked == asks_.end() || !asked->second.listen) continue;
    asked->second.heard = true;
    const AiListen listen = asked->second.listen;  // it may cancel itself
    listen(output);
    heard = true;
  }
  return heard;
}

void Calls::run_ended(FlightNumber number, RunEnd end) {
  Flight& flight = flights_.at(number);
  flight.run = nullptr;
  flight.in_batch = false;
  if (end.answer) return record_answer(number, std::move(*end.answer));
  refused(number, end);
}

void Calls::refused(FlightNumber number, const RunEnd& end) {
  std::vector<Number> asks = flights_.at(number).asks;
  // What an earlier run has asked of one model only: who asks now may name others.
  const bool may_go_on = flights_.at(number).event && !end.lost;
  land(number);
  const auto gone = [this](Number ask) { return !asks_.contains(ask); };
  std::erase_if(asks, gone);
  bool leads = !may_go_on;
  std::vector<Number> others;
  for (const Number ask : asks) {
    // Whoever leads has had every try, but where others had heard a part of the first. Who has heard of an answer
    // that broke off hears no other.
    const bool was_tried = leads && !end.was_heard;
    if (was_tried || closing_ || asks_.at(ask).heard || is_everybodys(end.refusal)) {
      AiRefusal refusal = end.refusal;
      if (end.lost && asks_.at(ask).question->on_unknown == AiOnUnknown::kFail) refusal.unknown = true;
      refuse(ask, std::move(refusal));
    } else {
      others.push_back(ask);
    }
    leads = false;
  }
  // Who asks alone goes first: the others may wait for that, and not the other way round.
  std::stable_partition(others.begin(), others.end(),
                        [this](Number ask) { return !asks_.at(ask).question->batching; });
  if (!others.empty()) take_off(std::move(others));
  close_when_done();
}

CallRecord Calls::reuse_of(const CallRecord& answer, const Ask& ask, AiAnswerFrom from) const {
  CallRecord record = answer;
  record.kind = RecordKind::kReuse;
  record.from = from;
  record.cache = std::nullopt;
  CallTags& tags = record.tags;
  const AiQuestion& question = *ask.question;
  tags.who = question.who;
  tags.event = question.event;
  tags.question = ask.digest;
  tags.prompt = question.prompt;
  tags.arm = question.arm;
  tags.at_ms = with_.clock.wall_ms();
  return record;
}

void Calls::record_answer(FlightNumber number, CallRecord answer) {
  const Flight& flight = flights_.at(number);
  for (const Number ask : flight.asks) {
    const auto asked = asks_.find(ask);
    if (asked == asks_.end() || asked->second.question->cache_ttl_ms <= 0) continue;
    const AiQuestion& question = *asked->second.question;
    const int64_t until_ms = with_.clock.wall_ms() + question.cache_ttl_ms;
    if (!answer.cache || answer.cache->until_ms < until_ms) {
      answer.cache = CacheMark{cache_digest(question, flight.digest), until_ms};
    }
  }
  Records records;
  records.push_back(answer);
  std::vector<Number> given;  // with the answer itself
  size_t bytes = flight.asks.size() > 1 ? to_json(answer).size() : 0;
  const size_t each = bytes;
  // Whoever leads has the answer's own record.
  for (size_t i = 1; i < flight.asks.size(); ++i) {
    const auto asked = asks_.find(flight.asks[i]);
    if (asked == asks_.end() || !asked->second.question->event || (bytes += each) > kTogetherBytes) continue;
    records.push_back(reuse_of(answer, asked->second, AiAnswerFrom::kShared));
    count(records.back(), asked->second);
    given.push_back(flight.asks[i]);
  }
  auto kept = std::make_shared<const CallRecord>(std::move(answer));
  records_->end(std::move(records), alive_.guard([this, number, kept, given](const Status& status) {
    recorded(number, kept, given, status);
  }));
}

void Calls::recorded(FlightNumber number, std::shared_ptr<const CallRecord> answer,
                     const std::vector<Number>& given, const Status& status) {
  const std::vector<Number> asks = flights_.at(number).asks;
  land(number);
  if (status && answer->cache) cache_.put(answer);
  for (const Number ask : asks) {
    const bool has_record = std::find(given.begin(), given.end(), ask) != given.end();
    if (!asks_.contains(ask) || (status && ask == asks.front())) continue;
    if (!status) {
      refuse(ask, refusal_of(status.error()));
    } else if (has_record) {
      give(ask, *answer, AiAnswerFrom::kShared);
    } else {
      reuse(ask, *answer, AiAnswerFrom::kShared);
    }
  }
  close_when_done();
  // Whoever leads is told in this turn of the loop, one sooner, and last: that may end this.
  if (!status || asks.empty() || !asks_.contains(asks.front())) return;
  tell(asks.front(), outcome_of(asks.front(), *answer, AiAnswerFrom::kProvider));
}

// Nobody may join it any more.
void Calls::leave_question(FlightNumber number) {
  const Flight& flight = flights_.at(number);
  const auto joined = by_question_.find({flight.digest, flight.batches});
  if (joined != by_question_.end() && joined->second == number) by_question_.erase(joined);
}

void Calls::land(FlightNumber number) {
  leave_question(number);
  const auto flight = flights_.find(number);
  if (flight->second.event) {
    const auto taken_up = by_event_.find(*flight->second.event);
    if (taken_up != by_event_.end() && taken_up->second == number) by_event_.erase(taken_up);
  }
  for (const Number ask : flight->second.asks) {
    const auto asked = asks_.find(ask);
    if (asked != asks_.end()) asked->second.flight = 0;
  }
  flights_.erase(flight);
}

void Calls::count(const CallRecord& reuse, const Ask& ask) {
  models_.at(reuse.tags.provider, reuse.tags.model).counters.count(reuse);
  if (audit_ != nullptr) audit_->add(reuse, *ask.question);
}

// An answer that another call paid: an event's is recorded first.
void Calls::reuse(Number number, const CallRecord& answer, AiAnswerFrom from) {
  const Ask& ask = asks_.at(number);
  CallRecord record = reuse_of(answer, ask, from);
  if (models_.provider(record.tags.provider) != nullptr) count(record, ask);
  if (!ask.question->event) {
    records_->count_hit(record);
    return give(number, record, from);
  }
  Records records;
  records.push_back(record);
  auto kept = std::make_shared<const CallRecord>(std::move(record));
  records_->end(std::move(records), alive_.guard([this, number, kept, from](const Status& status) {
    if (!asks_.contains(number)) return;
    if (!status) return refuse(number, refusal_of(status.error()));
    give(number, *kept, from);
  }));
}

// --- whoever asked is told

void Calls::give(Number number, const CallRecord& record, AiAnswerFrom from) {
  tell_later(number, outcome_of(number, record, from));
}

AiOutcome Calls::outcome_of(Number number, const CallRecord& record, AiAnswerFrom from) {
  Ask& ask = asks_.at(number);
  if (ask.listen && !std::exchange(ask.heard, true)) {
    const AiListen listen = ask.listen;
    AnswerParts::tell(record.content, listen);
  }
  AiOutcome outcome;
  outcome.answer = answer_of(record, from);
  return outcome;
}

void Calls::refuse(Number number, AiRefusal refusal) {
  AiOutcome outcome;
  outcome.refusal = std::move(refusal);
  tell_later(number, std::move(outcome));
}

void Calls::tell_later(Number number, AiOutcome outcome) {
  (void)with_.loop.post(alive_.guard(
      [this, number, outcome = std::move(outcome)]() mutable { tell(number, std::move(outcome)); }));
}

void Calls::tell(Number number, AiOutcome outcome) {
  const auto ask = asks_.find(number);
  if (ask == asks_.end()) return;
  AiAnswered answered = std::move(ask->second.answered);
  asks_.erase(ask);
  answered(std::move(outcome));
}

void Calls::reject(const std::string& call) {
  LOOP_ASSERT(with_.loop);
  cache_.remove(call);
}

void Calls::cancel(Number number) {
  LOOP_ASSERT(with_.loop);
  if (const auto count = counts_.extract(number)) return counter_.cancel(count.mapped().asked);
  if (asks_.erase(number) == 0) return;
  // In a turn of its own: a listener may have called, from inside of the call. Once for many.
  if (std::exchange(stops_unwanted_, true)) return;
  (void)with_.loop.post(alive_.guard([this] {
    stops_unwanted_ = false;
    stop_unwanted();
  }));
}

void Calls::stop_unwanted() {
  std::vector<FlightNumber> taken_back;
  for (auto& [number, flight] : flights_) {
    const bool wanted =
        std::any_of(flight.asks.begin(), flight.asks.end(), [this](Number ask) { return asks_.contains(ask); });
    if (wanted) continue;
    if (flight.batched != 0 && flight.in_batch && batches_->remove(flight.batched)) taken_back.push_back(number);
    if (flight.run == nullptr) continue;
    leave_question(number);
    flight.run->cancel();
  }
  for (const FlightNumber number : taken_back) land(number);
}

void Calls::settled(const std::string& who, const std::string& partition, int64_t offset) {
  records_->settle(who, partition, offset);
}

// --- the end

void Calls::close(Task closed) {
  LOOP_ASSERT(with_.loop);
  ASSERT(!closing_);
  closing_ = true;
  closed_ = std::move(closed);
  asks_.clear();
  counts_.clear();
  counter_.stop();
  // On a full disk, an end of it is not in sight.
  records_->give_up_waiting();
  stop_unwanted();
  batches_->close(alive_.guard([this] {
    // What is out in batches is taken up by the next run; what has come of them is being recorded.
    std::erase_if(flights_, [](const auto& flight) { return flight.second.in_batch; });
    batches_closed_ = true;
    close_when_done();
  }));
}

void Calls::close_when_done() {
  if (!closing_ || !batches_closed_ || !flights_.empty() || !closed_) return;
  records_->close(std::exchange(closed_, nullptr));
}

}  // namespace colloquium::ai
