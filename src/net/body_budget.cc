#include "net/body_budget.h"

#include "base/assert.h"

namespace colloquium::net {

BodyBudget::~BodyBudget() {
  ASSERT_WHY(taken_bytes_ == 0 && !is_awaited(), "requests go before the budget");
}

void BodyBudget::add(Hold& hold, size_t bytes) {
  hold.bytes += bytes;
  taken_bytes_ += bytes;
  taken_gauge_.set(static_cast<int64_t>(taken_bytes_));
}

// Others that wait to grow come first, unless this one has the overdraft: they may be waiting for its end.
bool BodyBudget::grow(Hold& hold, size_t bytes) {
  if (bytes <= hold.bytes) return true;
  return (hold.overdraft || growing_.empty()) && try_to_grow(hold, bytes);
}

bool BodyBudget::try_to_grow(Hold& hold, size_t bytes) {
  ASSERT(bytes > hold.bytes);
  const size_t more = bytes - hold.bytes;
  if (!hold.overdraft && !has_room(more)) {
    if (overdrawn_) return false;
    overdrawn_ = hold.overdraft = true;
  }
  add(hold, more);
  return true;
}

void BodyBudget::shrink(Hold& hold, size_t bytes) {
  ASSERT(bytes <= hold.bytes && hold.bytes <= taken_bytes_);
  taken_bytes_ -= hold.bytes - bytes;
  taken_gauge_.set(static_cast<int64_t>(taken_bytes_));
  hold.bytes = bytes;
  // Not earlier: with a second one the bodies in memory would be the budget and two.
  if (bytes == 0 && hold.overdraft) overdrawn_ = hold.overdraft = false;
  if (is_awaited()) room_();
}

uint64_t BodyBudget::wait(Wishes& wishes, const Wish& wish) {
  wishes.emplace(++last_ticket_, wish);
  waiting_gauge_.set(static_cast<int64_t>(waiting_count()));
  return last_ticket_;
}

uint64_t BodyBudget::wait_to_enter(Waiter& waiter, Hold& hold, size_t bytes) {
  return wait(waiting_, {&waiter, &hold, bytes});
}

uint64_t BodyBudget::wait_to_grow(Waiter& waiter, Hold& hold, size_t bytes) {
  return wait(growing_, {&waiter, &hold, bytes});
}

void BodyBudget::cancel(uint64_t ticket) {
  if (growing_.erase(ticket) + waiting_.erase(ticket) == 0) return;
  waiting_gauge_.set(static_cast<int64_t>(waiting_count()));
  // It may have stood before one that is smaller.
  if (is_awaited()) room_();
}

bool BodyBudget::grant_first(Wishes& wishes, bool growing) {
  if (wishes.empty()) return false;
  const Wish wish = wishes.begin()->second;
  if (growing) {
    if (!try_to_grow(*wish.hold, wish.bytes)) return false;
  } else {
    if (!has_room(wish.bytes)) return false;
    add(*wish.hold, wish.bytes);
  }
  wishes.erase(wishes.begin());
  waiting_gauge_.set(static_cast<int64_t>(waiting_count()));
  wish.waiter->granted();
  return true;
}

// Each round looks anew: whoever was granted something may have been answered already, or have gone.
void BodyBudget::grant() {
  while (grant_first(growing_, true) || (growing_.empty() && grant_first(waiting_, false))) continue;
}

}  // namespace colloquium::net
