#include "net/request_intake.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "net/request_rules.h"
#include "net/server_core.h"

namespace colloquium::net {

RequestIntake::~RequestIntake() {
  ASSERT_WHY(ticket_ == 0, "abandon() comes first");
}

void RequestIntake::begin(std::shared_ptr<LiveRoute> route, io::Compression coding, bool complete) {
  ASSERT(is_idle() && route != nullptr);
  route_ = std::move(route);
  coding_ = coding;
  complete_ = complete;
  admit();
}

void RequestIntake::admit() {
  if (route_->removed) return refuse(not_served_now());
  if (route_->route.admit) {
    Admission admission = route_->route.admit(host_.head());
    if (admission.kind == Admission::Kind::kRefuse) {
      ASSERT_WHY(admission.problem.has_value(), "a refusal says why");
      return refuse(std::move(*admission.problem));
    }
    if (admission.kind == Admission::Kind::kWait) {
      if (state_ != State::kHeld) since_ms_ = core_.now_ms();
      state_ = State::kHeld;
      route_->wait(std::shared_ptr<AdmissionWaiter>(host_.kept(), this));
      return;
    }
  }
  enter();
}

void RequestIntake::admit_again() {
  if (state_ != State::kHeld) return;
  const auto kept = host_.kept();
  admit();
  if (state_ != State::kHeld) host_.settle();
}

// Into the body budget, or into its queue.
void RequestIntake::enter() {
  if (!host_.head().has_body()) return start_body();
  const size_t bytes = std::min(kPieceBytes, body_bytes_max());
  if (core_.budget().enter(host_.memory().hold, bytes)) return start_body();
  queue(AfterQueue::kEnter, bytes);
}

// Waits for the budget: until granted(), or until time or someone else ends it.
void RequestIntake::queue(AfterQueue then, size_t bytes) {
  ASSERT(ticket_ == 0);
  BodyBudget::Hold& hold = host_.memory().hold;
  ticket_ = then == AfterQueue::kEnter ? core_.budget().wait_to_enter(*this, hold, bytes)
                                       : core_.budget().wait_to_grow(*this, hold, bytes);
  after_queue_ = then;
  state_ = State::kQueued;
  since_ms_ = core_.now_ms();
  host_.on_wait();
}

void RequestIntake::leave_queue() {
  if (ticket_ != 0) core_.budget().cancel(std::exchange(ticket_, 0));
}

void RequestIntake::granted() {
  ASSERT(state_ == State::kQueued && ticket_ != 0);
  const auto kept = host_.kept();
  ticket_ = 0;
  switch (after_queue_) {
    case AfterQueue::kEnter:
      entered();
      break;
    case AfterQueue::kReadOn:
      state_ = State::kBody;
      body_began_ms_ += core_.now_ms() - since_ms_;
      since_ms_ = core_.now_ms();
      window_bytes_ = 0;
      // More may have come meanwhile than was wished for.
      reserve_ahead();
      if (state_ == State::kBody && complete_) on_message();
      break;
    case AfterQueue::kDecode:
      decode();
      break;
  }
  host_.settle();
}

// The route may have stopped taking requests meanwhile. If it only says kWait, this one goes on: it was let in
// before, and what is in the budget fits behind the route.
void RequestIntake::entered() {
  if (route_->removed) return refuse(not_served_now());
  if (route_->route.admit) {
    Admission admission = route_->route.admit(host_.head());
    if (admission.kind == Admission::Kind::kRefuse) return refuse(std::move(admission.problem).value());
  }
  start_body();
}

void RequestIntake::start_body() {
  const RequestHead& head = host_.head();
  state_ = State::kBody;
  since_ms_ = body_began_ms_ = pace_since_ms_ = core_.now_ms();
  window_bytes_ = pace_bytes_ = 0;
  if (route_->route.check_body) body_check_ = route_->route.check_body(head);
  if (body_ != nullptr && body_check_ != nullptr) body_check_->update(*body_);
  if (!complete_) host_.on_let_in();
  if (head.has_body()) reserve_ahead();
  if (state_ == State::kBody && complete_) on_message();
}

void RequestIntake::on_body(std::string_view bytes) {
  ASSERT(!is_idle() && !complete_);
  const size_t limit = route_->route.max_body_bytes;
  const size_t before = body_ == nullptr ? 0 : body_->size();
  if (bytes.size() > limit - std::min(limit, before)) return refuse(too_large(limit));
  if (!core_.fits(bytes.size())) return refuse(memory_full());
  take(bytes);
  if (state_ == State::kBody) reserve_ahead();
}

void RequestIntake::take(std::string_view bytes) {
  core_.hold(bytes.size());
  host_.memory().body_bytes += bytes.size();
  window_bytes_ += bytes.size();
  pace_bytes_ += bytes.size();
  if (body_ == nullptr) {
    body_ = std::make_shared<std::string>();
    const uint64_t expected = std::min(host_.head().content_length.value_or(0), kBodyReserveMax);
    body_->reserve(static_cast<size_t>(expected) + kBodyPadding);
  }
  const size_t needed = body_->size() + bytes.size() + kBodyPadding;
  if (needed > body_->capacity()) body_->reserve(std::max(needed, body_->capacity() * 2));
  body_->append(bytes);
  if (body_check_ != nullptr) body_check_->update(bytes);
}

// As far as is known by now.
size_t RequestIntake::body_bytes_max() const {
  const size_t limit = route_->route.max_body_bytes;
  return static_cast<size_t>(std::min<uint64_t>(host_.head().content_length.value_or(limit), limit));
}

// Leave to send more is given once the budget has what may then come.
void RequestIntake::reserve_ahead() {
  BodyBudget::Hold& hold = host_.memory().hold;
  const size_t most = body_bytes_max();
  const size_t have = body_ == nullptr ? 0 : body_->size();
  if (!complete_ && hold.bytes < std::min(most, have + kReadAheadBytes)) {
    const size_t wanted = std::min(most, std::max(hold.bytes, have) + kPieceBytes);
    if (!core_.budget().grow(hold, wanted)) return queue(AfterQueue::kReadOn, wanted);
  }
  host_.give_leave();
}

void RequestIntake::on_end() {
  complete_ = true;
  if (state_ == State::kBody) on_message();
}

// The check comes before the decoder, which nobody needs to be able to feed who is not known.
void RequestIntake::on_message() {
  host_.give_leave();
  if (body_check_ != nullptr) {
    const std::unique_ptr<BodyCheck> check = std::move(body_check_);
    if (auto problem = check->finish()) return refuse(std::move(*problem));
  }
  if (body_ == nullptr) return dispatch(core_.empty_body());
  if (coding_ != io::Compression::kNone) {
    decode_room_ = first_decode_room(body_->size(), route_->route.max_body_bytes);
    return decode();
  }
  BodyBudget::Hold& hold = host_.memory().hold;
  if (hold.bytes > body_->size()) core_.budget().shrink(hold, body_->size());
  dispatch(std::move(body_));
}

// Within decode_room_, which is taken from the budget first.
void RequestIntake::decode() {
  state_ = State::kDecoding;
  const size_t wanted = body_->size() + decode_room_;
  if (!core_.budget().grow(host_.memory().hold, wanted)) return queue(AfterQueue::kDecode, wanted);
  if (body_->size() > kDecodeHereBytesMax || decode_room_ > kDecodedHereBytesMax) return decode_elsewhere();
  std::string out;
  Status status = core_.decompressor().decompress(coding_, *body_, decode_room_, out);
  decoded(std::move(status), std::move(out));
}

// An abandoned request's outcome goes nowhere: no host begins another behind one that it abandoned.
void RequestIntake::decode_elsewhere() {
  struct Job {
    std::shared_ptr<const std::string> input;
    std::string output;
    Status status;
  };
  host_.on_wait();
  auto job = std::make_shared<Job>();
  job->input = body_;
  const bool taken = core_.loop().offload(
      [job, coding = coding_, room = decode_room_] {
        job->status = io::Decompressor().decompress(coding, *job->input, room, job->output);
      },
      [this, weak = std::weak_ptr<Host>(host_.kept()), job] {
        const auto kept = weak.lock();
        if (kept == nullptr || state_ != State::kDecoding) return;
        decoded(std::move(job->status), std::move(job->output));
        kept->settle();
      });
  if (!taken) refuse(busy("too many compressed bodies wait to be decompressed"));
}

void RequestIntake::decoded(Status status, std::string body) {
  const size_t limit = route_->route.max_body_bytes;
  const bool too_long = !status && status.error().code == ErrorCode::kLimit;
  if (too_long && decode_room_ < limit) {
    decode_room_ = decode_room_ > limit / kDecodedGrowth ? limit : decode_room_ * kDecodedGrowth;
    return decode();
  }
  body_.reset();
  if (too_long) return refuse(too_large(limit));
  if (!status) return refuse({.status = 400, .detail = status.error().message});
  RequestMemory& memory = host_.memory();
  core_.release(std::exchange(memory.body_bytes, 0));
  core_.budget().shrink(memory.hold, body.size());
  if (!core_.fits(body.size())) return refuse(memory_full());
  memory.body_bytes = body.size();
  core_.hold(body.size());
  body.reserve(body.size() + kBodyPadding);
  dispatch(std::make_shared<const std::string>(std::move(body)));
}

void RequestIntake::dispatch(std::shared_ptr<const std::string> body) {
  ASSERT(complete_ && body->capacity() - body->size() >= kBodyPadding);
  if (route_->removed) return refuse(not_served_now());
  state_ = State::kIdle;
  host_.handle(std::move(route_), std::move(body));
}

void RequestIntake::refuse(Problem problem) {
  const bool complete = complete_;
  abandon();
  host_.refuse(std::move(problem), complete);
}

void RequestIntake::abandon() {
  leave_queue();
  state_ = State::kIdle;
  body_.reset();
  body_check_.reset();
  route_.reset();
}

bool RequestIntake::shut_down() {
  if (!is_outside()) return false;
  refuse(busy("the server is stopping"));
  return true;
}

bool RequestIntake::check_time(int64_t now_ms) {
  const HttpLimits& limits = core_.limits();
  if (state_ == State::kBody) return check_body_time(now_ms);
  if (state_ == State::kHeld && now_ms - since_ms_ >= limits.hold_timeout_ms) {
    refuse(busy("no more events can be taken at the moment"));
    return true;
  }
  if (state_ == State::kQueued && now_ms - since_ms_ >= limits.budget_timeout_ms) {
    refuse(memory_full());
    return true;
  }
  return false;
}

// Nobody has to wait for memory that is only kept for bytes which do not come.
void RequestIntake::check_pace(int64_t now_ms) {
  if (now_ms - pace_since_ms_ < core_.limits().body_pace_ms) return;
  const bool slow = pace_bytes_ < kPaceBytes;
  pace_since_ms_ = now_ms;
  pace_bytes_ = 0;
  if (!slow || !core_.budget().is_awaited()) return;
  BodyBudget::Hold& hold = host_.memory().hold;
  const size_t kept = (body_ == nullptr ? 0 : body_->size()) + kSlowAheadBytes;
  if (hold.bytes > kept) core_.budget().shrink(hold, kept);
}

bool RequestIntake::check_body_time(int64_t now_ms) {
  check_pace(now_ms);
  if (now_ms - since_ms_ < core_.limits().body_timeout_ms) return false;
  // One byte of the body a second would be enough for its sender to hold a place that others wait for.
  const bool in_the_way = core_.budget().is_awaited() && now_ms - body_began_ms_ >= core_.limits().body_timeout_ms;
  if (window_bytes_ >= core_.limits().body_bytes_min && !in_the_way) {
    since_ms_ = now_ms;
    window_bytes_ = 0;
    return false;
  }
  core_.counters().timeouts.add();
  refuse({.status = 408, .detail = "the body of the request came too slowly"});
  return true;
}

}  // namespace colloquium::net
