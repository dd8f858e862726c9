#include "components/postgres/postgres_sink.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/full_jitter.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr const char* kComponent = "postgres";
constexpr int64_t kFirstBackoffMs = 100;
constexpr int64_t kLastBackoffMs = 2000;
// Payload that goes into one transaction; a single write may be longer.
constexpr size_t kGroupBytes = size_t{16} << 20;

}  // namespace

struct PostgresSink::Call {
  explicit Call(std::unique_ptr<PgSession> made) : session(std::move(made)) {}

  static void recover(Call& call) { call.answer = call.session->recover(call.leg, call.partitions); }
  static void write(Call& call) {
    call.answer = call.session->write(call.group.writes, std::exchange(call.news, {}));
  }
  static void find_out(Call& call) { call.answer = call.session->find_out(call.group.writes); }

  const std::unique_ptr<PgSession> session;
  std::string leg;
  std::vector<std::string> partitions;
  WriteGroup group;  // the writes under way
  PgNews news;
  PgAnswer answer;
};

PostgresSink::PostgresSink(ComponentContext context, Executor& executor, std::unique_ptr<PgSession> session)
    : context_(std::move(context)),
      call_(std::make_shared<Call>(std::move(session))),
      thread_(executor.make_queue("postgres", 1, 1)) {}

PostgresSink::~PostgresSink() {
  ASSERT_WHY(!is_calling_, "close() waits for the call under way");
}

Status PostgresSink::restore(const std::string& token) {
  ASSERT_WHY(token.empty(), "a postgres sink keeps its progress in the server");
  return {};
}

void PostgresSink::token(TokenDone) {
  ASSERT_WHY(false, "a postgres sink has no token");
}

void PostgresSink::call(void (*work)(Call&), Handler handler) {
  ASSERT(!is_calling_ && timer_ == nullptr);
  is_calling_ = true;
  // This object outlives the call: close() waits for it.
  const bool taken = thread_->post([this, work, handler, call = call_] {
    work(*call);
    context_.loop.post([this, handler] { returned(handler); });
  });
  ASSERT_WHY(taken, "one call at a time, and the queue has room for one");
}

void PostgresSink::returned(Handler handler) {
  LOOP_ASSERT(context_.loop);
  ASSERT(is_calling_);
  is_calling_ = false;
  (this->*handler)();
  if (closing_) return finish_closing();
  pump();
}

void PostgresSink::recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!recovering_ && call_->group.empty() && !closing_, "recover() once, before the first write");
  call_->leg = leg;
  call_->partitions = std::move(partitions);
  recovering_ = std::move(done);
  pump();
}

void PostgresSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "no write after close");
  if (batch->empty()) return done({});
  waiting_.push(std::move(batch), std::move(done));
  pump();
}

void PostgresSink::settled(const std::string& partition, int64_t offset) {
  LOOP_ASSERT(context_.loop);
  int64_t& known = news_.settled[partition];
  known = std::max(known, offset);
}

void PostgresSink::gave_up(const std::string& partition, int64_t offset, const std::string& error) {
  LOOP_ASSERT(context_.loop);
  news_.given_up[partition].push_back({offset, error});
}

void PostgresSink::pump() {
  if (is_calling_ || timer_ != nullptr || closing_) return;
  if (broken_) return waiting_.refuse(*broken_);
  if (recovering_) return call(Call::recover, &PostgresSink::has_recovered);
  if (is_unknown_) return call(Call::find_out, &PostgresSink::has_found_out);
  if (waiting_.empty()) return;
  ASSERT(call_->group.empty());
  call_->group = waiting_.take(kGroupBytes);
  call_->news = std::exchange(news_, {});
  call(Call::write, &PostgresSink::has_written);
}

void PostgresSink::has_recovered() {
  if (closing_) return;
  const PgAnswer& answer = call_->answer;
  if (answer.verdict == PgVerdict::kBroken) {
    broken_ = answer.error;
    return finish_recovery(fail(answer.error));
  }
  if (answer.verdict != PgVerdict::kDone) return wait_and_pump(answer.error);
  failures_ = 0;
  std::vector<SinkProgress> progress;
  for (const auto& [partition, at] : call_->session->progress()) {
    if (at.next) progress.push_back({partition, *at.next, at.given_up});
  }
  finish_recovery(std::move(progress));
}

void PostgresSink::finish_recovery(Result<std::vector<SinkProgress>> progress) {
  ASSERT(recovering_);
  ProgressDone done = std::exchange(recovering_, nullptr);
  done(std::move(progress));
}

void PostgresSink::has_written() {
  const PgAnswer answer = call_->answer;
  switch (answer.verdict) {
    case PgVerdict::kDone:
      return call_->group.answer();
    case PgVerdict::kUnknown:
      is_unknown_ = true;
      return wait_and_pump(answer.error);
    case PgVerdict::kBroken:
      broken_ = answer.error;
      break;
    case PgVerdict::kAgain:
      break;
  }
  call_->group.refuse(answer.error);
}

void PostgresSink::has_found_out() {
  const PgAnswer answer = call_->answer;
  if (answer.verdict == PgVerdict::kUnknown) return wait_and_pump(answer.error);
  is_unknown_ = false;
  failures_ = 0;
  log_info(kComponent,
           answer.verdict == PgVerdict::kDone ? "the commit whose answer was lost was done"
                                              : "the commit whose answer was lost was not done",
           {{"sink", context_.name}});
  if (answer.verdict == PgVerdict::kDone) return call_->group.answer();
  if (answer.verdict == PgVerdict::kBroken) broken_ = answer.error;
  call_->group.refuse(answer.error);
}

void PostgresSink::wait_and_pump(const Error& why) {
  if (closing_) return;
  const int64_t wait_ms = full_jitter_ms(kFirstBackoffMs, kLastBackoffMs, ++failures_, context_.random);
  log_warning(kComponent, "tried again until it works: " + why.describe(),
              {{"sink", context_.name}, {"wait_ms", wait_ms}});
  timer_ = context_.loop.start_timer(wait_ms, [this] {
    const auto fired = std::move(timer_);
    pump();
  });
}

Error PostgresSink::closing_error() const {
  return {ErrorCode::kCancelled, "the sink is being closed", true, {}};
}

void PostgresSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  closed_ = std::move(closed);
  timer_ = nullptr;
  call_->session->interrupt();
  if (!is_calling_) finish_closing();
}

void PostgresSink::finish_closing() {
  ASSERT(closing_ && !is_calling_);
  // What is not known now is told by recover() after the next start.
  call_->group.refuse(closing_error());
  waiting_.refuse(closing_error());
  if (recovering_) finish_recovery(fail(closing_error()));
  context_.loop.post(std::move(closed_));
}

}  // namespace colloquium::components
