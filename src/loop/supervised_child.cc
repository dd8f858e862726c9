#include "loop/supervised_child.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/assert.h"
#include "base/full_jitter.h"
#include "base/logging.h"
#include "base/secret_texts.h"
#include "loop/uv_loop.h"

namespace colloquium::loop {
namespace {

constexpr int64_t kNsPerMs = 1'000'000;

}  // namespace

SupervisedChild::SupervisedChild(UvLoop& loop, const Clock& clock, Name name, ChildSettings settings,
                                 ChildBackoff backoff, Events events)
    : loop_(loop),
      clock_(clock),
      name_(std::move(name)),
      settings_(std::move(settings)),
      backoff_(backoff),
      events_(std::move(events)) {}

SupervisedChild::~SupervisedChild() = default;

Status SupervisedChild::start() {
  LOOP_ASSERT(loop_);
  return launch();
}

Status SupervisedChild::launch() {
  ASSERT(child_ == nullptr && !stopping_);
  errors_ = std::make_unique<LogLines>([this](std::string_view line) { tell(line); });
  ChildEvents events;
  events.output = [this](std::string_view bytes) { events_.output(bytes); };
  events.errors = [this](std::string_view bytes) { errors_->add(bytes); };
  events.ended = [this](ChildExit exit) { has_ended(exit); };
  TRY_ASSIGN(child_, ChildProcess::start(loop_, settings_, std::move(events)));
  started_ns_ = clock_.monotonic_ns();
  log_info(name_.area, "started",
           {{"component", name_.of}, {"program", settings_.command[0]}, {"pid", child_->pid()}});
  events_.started();
  return {};
}

void SupervisedChild::tell(std::string_view line) const {
  std::vector<std::string_view> secrets;
  for (const auto& [name, value] : settings_.environment) secrets.emplace_back(value);
  std::string shown(line);
  hide_secrets(shown, std::move(secrets));
  log_warning(name_.area, shown, {{"component", name_.of}});
}

void SupervisedChild::has_ended(ChildExit exit) {
  errors_->finish();
  child_.reset();  // may be destroyed inside of its last callback
  if (stopping_) {
    timer_ = nullptr;
    loop_.post(std::move(gone_));
    return;
  }
  if (clock_.monotonic_ns() - started_ns_ >= backoff_.max_ms * kNsPerMs) bound_ms_ = 0;
  events_.ended(exit);
}

int64_t SupervisedChild::next_wait_ms() {
  bound_ms_ = bound_ms_ == 0 ? backoff_.initial_ms : std::min(bound_ms_ * 2, backoff_.max_ms);
  return backoff_.jitter == nullptr ? bound_ms_ : full_jitter_ms(bound_ms_, bound_ms_, 1, *backoff_.jitter);
}

void SupervisedChild::restart_later(const std::string& why) {
  ASSERT(child_ == nullptr && !stopping_ && timer_ == nullptr);
  const int64_t wait_ms = next_wait_ms();
  log_warning(name_.area, "started again: " + why,
              {{"component", name_.of}, {"program", settings_.command[0]}, {"wait_ms", wait_ms}});
  timer_ = loop_.start_timer(wait_ms, [this] { relaunch(); });
}

void SupervisedChild::relaunch() {
  const auto fired = std::move(timer_);
  const Status launched = launch();
  if (launched) return;
  restart_later(launched.error().message);
  if (events_.missing) events_.missing(launched.error());
}

void SupervisedChild::stop(bool drain, int64_t timeout_ms, Task gone) {
  LOOP_ASSERT(loop_);
  ASSERT_WHY(!stopping_, "stop once");
  stopping_ = true;
  timer_ = nullptr;
  if (child_ == nullptr) {
    loop_.post(std::move(gone));
    return;
  }
  gone_ = std::move(gone);
  // Its last words are read, or it could not end.
  child_->pause_output(false);
  child_->close_input();
  if (drain) return signal_later(SIGTERM, timeout_ms);
  child_->signal(SIGTERM);
  signal_later(SIGKILL, timeout_ms);
}

void SupervisedChild::signal_later(int number, int64_t timeout_ms) {
  timer_ = loop_.start_timer(timeout_ms, [this, number, timeout_ms] {
    const auto fired = std::move(timer_);
    if (child_ != nullptr) child_->signal(number);
    if (number != SIGKILL) signal_later(SIGKILL, timeout_ms);
  });
}

}  // namespace colloquium::loop
