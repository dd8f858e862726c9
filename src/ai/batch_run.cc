#include "ai/batch_run.h"

#include <algorithm>
#include <utility>

#include "ai/answer_decoder.h"
#include "ai/answer_parts.h"
#include "ai/call_attempt.h"
#include "ai/failure_text.h"
#include "ai/failures.h"
#include "base/assert.h"
#include "base/full_jitter.h"
#include "base/logging.h"

namespace colloquium::ai {
namespace {

// An answer to `create` after which there is no batch. A proxy says 503, too, where the connection behind it broke
// with the request on it: only in the provider's own words it means that nothing was made.
bool is_refusal(int status, bool is_own) {
  const bool theirs = status == 529 || (status == 503 && is_own);
  return theirs || (status >= 400 && status < 500 && status != 408 && status != 409);
}

constexpr int64_t kAgainMostMs = 300'000;
// How long a provider may say what cannot be right of what may be paid, before that is believed.
constexpr int64_t kDayNs = int64_t{86'400} * 1'000'000'000;
// Of a list in which a batch is looked up: a longer one has no end.
constexpr int64_t kPagesMax = 10'000;
// A line of results is an answer, and a little around it.
constexpr size_t kLineBytesMax = AnswerDecoder::kBodyBytesMax + (size_t{64} << 10);
// How long a stop waits to be told whether the batch is there.
constexpr int64_t kStopMs = 10'000;
// Of intents that are written together.
constexpr size_t kIntentsTogether = 2000;

const AiQuestion& question_of(const BatchRun::Member& member) {
  static const AiQuestion kNone;
  return member.question != nullptr ? *member.question : kNone;
}

// What a line of results says, as if it were an answer of its own.
AttemptEnd read_answer(const AiBatchResult& result, const AiProvider& provider, const AiRequest& request,
                       size_t bytes_max) {
  AnswerParts parts(bytes_max, request.inputs.size());
  const auto take = [&parts](const AiOutput& output) {
    if (!parts.ended()) parts.take(output);
  };
  const std::unique_ptr<AiDecoder> decoder = provider.decoder(request);
  decoder->head(result.head, take);
  decoder->bytes(result.body, take);
  decoder->end(take);
  AttemptEnd end;
  end.content = parts.content();
  end.usage = parts.usage();
  end.reasoning_bytes = parts.reasoning_bytes();
  end.how = AttemptEnds::kAnswered;
  if (parts.finished()) return end;
  end.failure = parts.failure().value_or(
      AiFailure{AiFailureKind::kTransient, "the answer does not say that it is complete", std::nullopt, 0});
  if (is_refused(result.head.status, end)) {
    end.how = AttemptEnds::kRefused;
  } else {
    end.how = says_nothing(end) ? AttemptEnds::kLost : AttemptEnds::kBroken;
  }
  return end;
}

}  // namespace

BatchRun::BatchRun(const CallDesk& desk, BatchSpec spec, ModelState& model, Task ended)
    : desk_(desk),
      spec_(std::move(spec)),
      model_(model),
      under_way_(model.counters.under_way),
      ended_(std::move(ended)) {
  ASSERT(model_.provider.provider->batches() != nullptr);
}

BatchRun::~BatchRun() {
  for (auto& [call, member] : members_) member.account.release();
  under_way_.add(-static_cast<int64_t>(members_.size()));
}

void BatchRun::add(const std::string& call, Member member) {
  ASSERT(member.done);
  members_.emplace(call, std::move(member));
  under_way_.add(1);
}

AiBatchSending BatchRun::sending() const {
  return {spec_.task, spec_.id, calls_};
}

void BatchRun::warn(const std::string& what) const {
  log_warning(desk_.settings.records,
              "batch " + spec_.id + " of '" + spec_.who + "' to " + model_.provider.name + "/" + model_.model +
                  (place_.batch.empty() ? "" : ", there " + place_.batch) + ": " + what,
              {{"calls", members_.size()}});
}

// --- the beginning

void BatchRun::start(Records intents, std::vector<AiBatchCall> calls) {
  LOOP_ASSERT(desk_.loop);
  ASSERT(!members_.empty() && intents.size() == members_.size() && calls.size() == members_.size());
  calls_ = std::move(calls);
  write_intents(std::move(intents));
}

void BatchRun::write_intents(Records intents) {
  for (size_t from = 0; from < intents.size(); from += kIntentsTogether) {
    const size_t to = std::min(from + kIntentsTogether, intents.size());
    ++intents_under_way_;
    desk_.records.intents(Records(std::make_move_iterator(intents.begin() + static_cast<std::ptrdiff_t>(from)),
                                  std::make_move_iterator(intents.begin() + static_cast<std::ptrdiff_t>(to))),
                          alive_.guard([this](const Status& status) {
                            if (!status) intents_written_ = status;
                            if (--intents_under_way_ > 0 || closing_) return;
                            if (intents_written_) return go_on(format().first());
                            all_ended(AttemptEnds::kUnsent, {AiFailureKind::kTransient,
                                                             "cannot record the calls before they are sent: " +
                                                                 intents_written_.error().message,
                                                             1000, 0});
                          }));
  }
}

void BatchRun::resume(AiBatchPlace place) {
  LOOP_ASSERT(desk_.loop);
  place_ = std::move(place);
  is_resumed_ = true;
  if (place_.step == AiBatchStep::kEnd) return go_on(place_);
  // It may have been sent, and nobody kept what was said to it.
  if (place_.step == AiBatchStep::kCreate) {
    may_be_made_ = true;
    return lost(
        {.head = {}, .body = {}, .complete = fail(ErrorCode::kUnavailable, "the process ended"), .is_sent = true});
  }
  send();
}

// --- its way

void BatchRun::go_on(AiBatchPlace place) {
  const AiBatchStep before = place_.step;
  place_ = std::move(place);
  if (place_.step != before) attempt_ = 1;
  switch (place_.step) {
    case AiBatchStep::kCreate:
      return create();
    case AiBatchStep::kWait:
      return before == AiBatchStep::kWait ? look_later() : created();
    case AiBatchStep::kUpload:
    case AiBatchStep::kFind:
    case AiBatchStep::kFetch:
      return send();
    case AiBatchStep::kEnd:
      return all_ended(AttemptEnds::kLost,
                       {AiFailureKind::kTransient, "its batch ended and says nothing of it", std::nullopt, 0});
  }
}

CallRecord BatchRun::place_record() const {
  CallRecord record;
  record.kind = RecordKind::kBatch;
  record.tags.call = spec_.id;
  record.tags.who = spec_.who;
  record.tags.provider = model_.provider.name;
  record.tags.model = model_.model;
  record.tags.key = model_.provider.key;
  record.tags.at_ms = desk_.clock.wall_ms();
  record.tags.embeds = spec_.task == AiTask::kEmbed;
  record.place = place_;
  record.look_ms = spec_.look_ms;
  return record;
}

// From here on it may be there.
void BatchRun::create() {
  is_placing_ = true;
  desk_.records.place(place_record(), alive_.guard([this](const Status& status) {
    is_placing_ = false;
    if (closing_) return status ? stop_here() : tell_closed();
    if (status) return send();
    all_ended(AttemptEnds::kUnsent,
              {AiFailureKind::kTransient, "cannot record where the batch is: " + status.error().message, 1000, 0});
  }));
}

// It is there.
void BatchRun::created() {
  calls_.clear();
  log_info(desk_.settings.records, "a batch of calls is with its provider",
           {{"batch", spec_.id}, {"there", place_.batch}, {"calls", members_.size()}});
  // What can't be recorded is looked up, or unknown, after a crash.
  desk_.records.end({place_record()},
                    alive_.guard([this](const Status&) { closing_ ? tell_closed() : look_later(); }));
}

void BatchRun::send() {
  const ProviderSettings& provider = model_.provider;
  request_ = std::make_unique<BatchRequest>(desk_.loop, provider.transport_or(desk_.transport), provider.timeouts);
  BatchRequest::Line line = nullptr;
  if (place_.step == AiBatchStep::kFetch) {
    results_ = bad_lines_ = 0;
    line = [this](std::string_view text, bool is_whole) { take_line(text, is_whole); };
  }
  request_->send(format().encode(place_, sending(), provider.access()), std::move(line), kLineBytesMax,
                 alive_.guard([this](BatchReply reply) {
                   request_ = nullptr;
                   replied(std::move(reply));
                 }));
}

void BatchRun::replied(BatchReply reply) {
  const bool creates = place_.step == AiBatchStep::kCreate;
  const bool is_whole = reply.head && reply.complete;
  // What says no may be believed; a server in front of one that said yes says something else.
  if (creates) {
    may_be_made_ = is_whole ? !is_refusal(reply.head->status, format().is_own_error(reply.body)) : reply.is_sent;
  }
  if (!is_whole) {
    if (creates && reply.is_sent) return lost(reply);
    const std::string why = reply.complete ? "no answer" : reply.complete.error().describe();
    return again_later({AiFailureKind::kTransient, why, std::nullopt, 0});
  }
  AiBatchTurn turn = format().read(place_, sending(), *reply.head, reply.body);
  if (auto* failure = std::get_if<AiFailure>(&turn)) {
    make_presentable(*failure, model_.provider.access());
    if (is_gone(*failure)) return give_up(*failure);
    if (!creates || !may_be_made_) return again_later(*failure);
    reply.complete = fail(ErrorCode::kUnavailable, failure->message);
    return lost(reply);
  }
  denied_since_ns_ = -1;
  if (std::holds_alternative<AiBatchWaits>(turn)) return look_later();
  if (auto* refused = std::get_if<AiBatchRefused>(&turn)) {
    if (closing_) return tell_closed();
    make_presentable(refused->failure, model_.provider.access());
    warn("it was refused: " + refused->failure.message);
    return all_ended(AttemptEnds::kRefused, refused->failure);
  }
  auto& next = std::get<AiBatchPlace>(turn);
  const bool not_found = place_.step == AiBatchStep::kFind && next.step == AiBatchStep::kCreate;
  // A batch may be there that no list names yet.
  if (not_found && !std::exchange(finds_, true)) {
    place_.results.clear();
    pages_ = 0;
    return look_later();
  }
  const bool pages_on = place_.step == AiBatchStep::kFind && next.step == AiBatchStep::kFind;
  if (pages_on && ++pages_ > kPagesMax) {
    return give_up({AiFailureKind::kTransient, "the list of batches has no end", std::nullopt, 0});
  }
  if (place_.step == AiBatchStep::kFetch) return fetched(std::move(next));
  go_on(std::move(next));
}

// Something else may stand where results are to be, a log-in page: what holds none is fetched again behind all
// others, for a day, as the answers are paid.
void BatchRun::fetched(AiBatchPlace next) {
  if (bad_lines_ > 0) warn(std::to_string(bad_lines_) + " lines of its results are none");
  if (results_ == 0) {
    if (!empty_) {
      empty_ = place_;
      empty_->results.clear();
    }
    if (!place_.results.empty()) empty_->results.push_back(place_.results.front());
  }
  const bool is_over = next.step == AiBatchStep::kEnd;
  if (!is_over || !empty_ || members_.empty() || is_a_day_since(empty_since_ns_)) return go_on(std::move(next));
  place_ = *std::exchange(empty_, std::nullopt);
  again_later({AiFailureKind::kTransient, "its results are none", std::nullopt, 0});
}

// Whether there is a batch is not known.
void BatchRun::lost(const BatchReply& reply) {
  if (closing_) return tell_closed();
  finds_ = false;
  pages_ = 0;
  const std::string why = reply.complete ? "no answer" : reply.complete.error().describe();
  if (format().can_find()) {
    warn("whether it was made is not known and is looked up: " + why);
    AiBatchPlace place = place_;
    place.step = AiBatchStep::kFind;
    return go_on(std::move(place));
  }
  warn("nobody knows whether it was made: " + why);
  all_ended(AttemptEnds::kLost,
            {AiFailureKind::kTransient, "it was sent in a batch, and then " + why, std::nullopt, 0});
}

void BatchRun::look_later() {
  attempt_ = 1;
  if (closing_) return;
  timer_ = desk_.loop.start_timer(std::max<int64_t>(spec_.look_ms, 1), [this] {
    const auto fired = std::move(timer_);
    send();
  });
}

void BatchRun::again_later(const AiFailure& failure) {
  if (closing_) return stop_here();
  const bool is_there = !place_.batch.empty();
  const bool looks_up = place_.step == AiBatchStep::kFind;
  const CallRetry& retry = model_.provider.retry;
  const bool may_wait = failure.kind == AiFailureKind::kThrottled || failure.kind == AiFailureKind::kTransient;
  if (!is_there && !looks_up && (!may_wait || attempt_ >= retry.attempts)) {
    return all_ended(AttemptEnds::kRefused, failure);
  }
  const int64_t asked_ms = std::min(failure.retry_after_ms.value_or(0), retry.hint_max_ms);
  const int64_t wait_ms = std::max(full_jitter_ms(retry.first_ms, kAgainMostMs, attempt_, desk_.random), asked_ms);
  if (attempt_ > 1) warn("it is tried again in " + std::to_string(wait_ms) + " ms: " + failure.message);
  ++attempt_;
  timer_ = desk_.loop.start_timer(std::max<int64_t>(wait_ms, 1), [this] {
    const auto fired = std::move(timer_);
    send();
  });
}

// A provider may say for a while that there is no such batch, and then has it: what is in it is paid. In between
// it may as well say nothing. One that can't be asked for its batches says no, whatever its words; a key that is
// refused, or has used up its share, says nothing of them.
bool BatchRun::is_gone(const AiFailure& failure) {
  const bool is_no = failure.status == 404 || failure.status == 410 || failure.kind == AiFailureKind::kCaller;
  const bool is_of_us = failure.kind == AiFailureKind::kCaller || failure.kind == AiFailureKind::kTransient;
  const bool denies = place_.batch.empty() ? place_.step == AiBatchStep::kFind && is_of_us : is_no;
  return denies && is_a_day_since(denied_since_ns_);
}

bool BatchRun::is_a_day_since(int64_t& since_ns) const {
  const int64_t now_ns = desk_.clock.monotonic_ns();
  if (since_ns < 0) since_ns = now_ns;
  return now_ns - since_ns >= kDayNs;
}

void BatchRun::give_up(const AiFailure& failure) {
  warn("nobody will know what became of it: " + failure.message);
  all_ended(AttemptEnds::kLost, {AiFailureKind::kTransient, failure.message, std::nullopt, failure.status});
}

// --- what comes of it

void BatchRun::take_line(std::string_view line, bool is_whole) {
  if (closing_) return;
  // An answer of its own is not read either.
  constexpr auto kValuesMax = static_cast<std::ptrdiff_t>(AnswerDecoder::kValuesMax);
  if (!is_whole || std::count(line.begin(), line.end(), ',') > kValuesMax) return too_long(line);
  const Result<AiBatchResult> found = format().result(line);
  if (!found) return (void)++bad_lines_;
  const auto member = member_of(found->id);
  if (member == members_.end()) return;
  AttemptEnd end = read_answer(*found, *model_.provider.provider, member->second.account.request(),
                               desk_.settings.answer_bytes);
  make_presentable(end.failure, model_.provider.access());
  member_ended(member, std::move(end));
}

// It would be as long if it were asked again.
void BatchRun::too_long(std::string_view line) {
  const auto member = member_of(format().result_of(line.substr(0, BatchRequest::kBeginningBytes)));
  if (member == members_.end()) return (void)++bad_lines_;
  AttemptEnd end;
  end.how = AttemptEnds::kLost;
  end.failure = {AiFailureKind::kCaller, "its answer is too large: it was not read", std::nullopt, 0};
  member_ended(member, std::move(end));
}

// Whose result it is, if that is not known yet. What had come before a fetch broke off is a result of this batch,
// too; what had come to an earlier process can't be told from what is nobody's.
std::map<std::string, BatchRun::Member>::iterator BatchRun::member_of(const std::string& call) {
  const auto member = members_.find(call);
  if (member != members_.end() || is_resumed_ || told_.contains(call)) ++results_;
  return member;
}

void BatchRun::member_ended(std::map<std::string, Member>::iterator at, AttemptEnd end) {
  auto node = members_.extract(at);
  Member& member = node.mapped();
  told_.insert(node.key());
  under_way_.add(-1);
  end.took_ms = std::max<int64_t>(desk_.clock.wall_ms() - member.account.tags().at_ms, 0);
  CallRecord record = member.account.record_of(end);
  member.account.settle(record, question_of(member));
  RunEnd told;
  ++(record.kind == RecordKind::kAnswer ? answered_ : not_answered_);
  if (record.kind == RecordKind::kAnswer) {
    told.answer = std::move(record);
  } else {
    const CallTags& tags = record.tags;
    if (record.kind == RecordKind::kUnknown) desk_.records.lost(record);
    told.refusal.model = {tags.provider, tags.model, 1};
    told.refusal.failure = std::move(end.failure);
    told.refusal.partial = std::move(end.content.text);
    told.lost = record.kind == RecordKind::kUnknown;
    Records records;
    records.push_back(std::move(record));
    desk_.records.end(std::move(records), [](const Status&) {});  // what it was for is over
  }
  member.done(std::move(told));
}

void BatchRun::all_ended(AttemptEnds how, const AiFailure& failure) {
  while (!members_.empty()) {
    AttemptEnd end;
    end.how = how;
    end.failure = failure;
    member_ended(members_.begin(), std::move(end));
  }
  finish();
}

void BatchRun::finish() {
  log_info(
      desk_.settings.records, "a batch of calls has ended",
      {{"batch", spec_.id}, {"there", place_.batch}, {"answered", answered_}, {"not_answered", not_answered_}});
  (void)desk_.loop.post(alive_.guard([this] {
    // What is told destroys this.
    const auto told = std::make_shared<Task>(std::move(ended_));
    (*told)();
  }));
}

// --- the end

void BatchRun::close(Task closed) {
  LOOP_ASSERT(desk_.loop);
  ASSERT(!closing_);
  closing_ = true;
  timer_ = nullptr;
  closed_ = std::move(closed);
  // All of its calls have their end, and whoever runs this is about to be told so, which destroys it.
  if (members_.empty()) return tell_closed();
  // That it is about to be made, is being recorded: that it was not follows behind.
  if (is_placing_) return;
  const bool creates = place_.step == AiBatchStep::kCreate && request_ != nullptr;
  if (!creates) {
    request_ = nullptr;
    return stop_here();
  }
  timer_ = desk_.loop.start_timer(kStopMs, [this] {
    const auto fired = std::move(timer_);
    request_ = nullptr;
    tell_closed();
  });
}

// Where nothing was made, the next run is to know.
void BatchRun::stop_here() {
  if (place_.step != AiBatchStep::kCreate || may_be_made_) return tell_closed();
  place_.step = AiBatchStep::kUpload;
  desk_.records.end({place_record()}, alive_.guard([this](const Status&) { tell_closed(); }));
}

void BatchRun::tell_closed() {
  timer_ = nullptr;
  if (closed_) (void)desk_.loop.post(std::exchange(closed_, nullptr));
}

}  // namespace colloquium::ai
