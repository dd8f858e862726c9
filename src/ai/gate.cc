#include "ai/gate.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace colloquium::ai {
namespace {
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int kServedAtOnce = 64;
}  // namespace

void Places::give_back() {
  ASSERT(taken_ > 0);
  --taken_;
  // Gates whose turn comes at the same time go in this order: behind the one that was served last.
  for (size_t i = 0; i < gates_.size(); ++i) gates_[(next_ + i) % gates_.size()]->pump();
}

void Places::take(const Gate* gate) {
  ++taken_;
  next_ = static_cast<size_t>(std::find(gates_.begin(), gates_.end(), gate) - gates_.begin()) + 1;
}

bool Places::is_awaited_beside(const Gate* gate) const {
  return std::any_of(gates_.begin(), gates_.end(),
                     [gate](const Gate* each) { return each != gate && !each->queue_.empty(); });
}

Gate::Gate(const RateLimitSpec& rate, size_t queue_max, std::shared_ptr<Places> places, Loop& loop,
           const Clock& clock)
    : rate_(rate), queue_max_(queue_max), places_(std::move(places)), loop_(loop), clock_(clock) {
  ASSERT(places_ != nullptr && places_->limit_ > 0);
  places_->gates_.push_back(this);
}

Gate::~Gate() {
  std::erase(places_->gates_, this);
}

Gate::Ticket Gate::enter(int64_t tokens, Task go) {
  LOOP_ASSERT(loop_);
  ASSERT(tokens >= 0 && go);
  if (queue_.size() >= queue_max_) return 0;
  const Ticket ticket = next_++;
  queue_.push_back({ticket, tokens, std::move(go)});
  pump_later(0);
  return ticket;
}

void Gate::give_up(Ticket ticket) {
  const size_t erased = std::erase_if(queue_, [ticket](const Waiting& each) { return each.ticket == ticket; });
  ASSERT_WHY(erased == 1, "it does not wait");
  pump_later(0);
}

void Gate::leave(int64_t estimated, int64_t took) {
  LOOP_ASSERT(loop_);
  rate_.settle(estimated, took);
  places_->give_back();
}

void Gate::hold_ms(int64_t for_ms) {
  rate_.hold_until(clock_.monotonic_ns() + for_ms * kNsPerMs);
}

void Gate::pump_later(int64_t wait_ns) {
  timer_ = loop_.start_timer((wait_ns + kNsPerMs - 1) / kNsPerMs, [this] {
    const auto fired = std::move(timer_);
    serve();
  });
}

void Gate::pump() {
  if (!queue_.empty() && timer_ == nullptr) pump_later(0);
}

// As many as may go, so that a burst does not take a turn of the loop for each of them.
void Gate::serve() {
  bool goes_on = true;
  auto next = alive_.guard([this, &goes_on] { goes_on = serve_one(); });
  for (int served = 0; served < kServedAtOnce && std::exchange(goes_on, false); ++served) next();
}

// The next one's turn, or a timer for when that may come. True if another one may go at once: not where gates of
// the same provider wait, which take turns.
bool Gate::serve_one() {
  if (queue_.empty() || places_->is_full()) return false;
  Waiting& first = queue_.front();
  const int64_t now_ns = clock_.monotonic_ns();
  if (!rate_.try_begin(first.tokens, now_ns)) {
    pump_later(std::max<int64_t>(rate_.wait_ns(first.tokens, now_ns), kNsPerMs));
    return false;
  }
  places_->take(this);
  Task go = std::move(first.go);
  queue_.pop_front();
  pump();
  const bool goes_on = !places_->is_awaited_beside(this);
  go();  // may destroy this
  return goes_on;
}

}  // namespace colloquium::ai
