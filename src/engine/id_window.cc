#include "engine/id_window.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <mutex>

#include "base/assert.h"

namespace colloquium::engine {

namespace {

// One id in the ring. The two lowest bits of `time_and_state` are the state, so that a slot stays 24 bytes.
struct Slot {
  IdHash id;
  int64_t time_and_state;
};
enum SlotState : int64_t { kDead = 0, kPendingSlot = 1, kDurableSlot = 2 };

int64_t pack(int64_t time_ms, SlotState state) {
  return (time_ms << 2) | state;
}
SlotState state_of(const Slot& slot) {
  return static_cast<SlotState>(slot.time_and_state & 3);
}
int64_t time_of(const Slot& slot) {
  return slot.time_and_state >> 2;
}

constexpr uint32_t kEmpty = 0xffffffff;
constexpr size_t kAhead = 12;  // ids

// In place of ==, which calls memcmp.
bool same(const IdHash& a, const IdHash& b) {
  return a[0] == b[0] && a[1] == b[1];
}

}  // namespace

// The ring is a deque whose element i has the running number `first_ + i`; the index stores running numbers
// modulo 2^32, which is unambiguous below 2^32 - 1 ids a shard.
class IdWindow::Shard {
 public:
  Shard(int64_t window_ms, uint64_t max_ids) : window_ms_(window_ms), max_ids_(max_ids), index_(64, kEmpty) {}

  // Looking and claiming are one step under one lock: of two copies that come at once exactly one is kNew.
  Claim claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled) {
    std::lock_guard lock(mutex_);
    expire(now_ms);
    const size_t at = find(id);
    if (index_[at] == kEmpty) {
      insert(at, id, pack(now_ms, kPendingSlot));
      return Claim::kNew;
    }
    if (state_of(slot(index_[at])) == kDurableSlot) return Claim::kDurable;
    // Answering "duplicate" now would promise what the first copy has not kept yet.
    waiters_[id].push_back(make_settled());
    return Claim::kPending;
  }

  void settle(const IdHash& id, bool durable) {
    std::vector<Settled> waiting;
    {
      std::lock_guard lock(mutex_);
      const size_t at = find(id);
      // An id may have been pushed out by max_ids while it was pending; its waiters are still owed an answer.
      if (index_[at] != kEmpty) {
        Slot& found = slot(index_[at]);
        found.time_and_state = pack(time_of(found), durable ? kDurableSlot : kDead);
        if (!durable) erase(at);
      }
      if (auto it = waiters_.find(id); it != waiters_.end()) {
        waiting = std::move(it->second);
        waiters_.erase(it);
      }
    }
    // Outside the lock: what they do is the door's affair, and it may come back here.
    for (Settled& waiter : waiting) waiter(durable);
  }

  void restore(std::span<const Known> ids, bool distinct) {
    std::lock_guard lock(mutex_);
    for (size_t i = 0; i < ids.size(); ++i) {
      // A table of millions of ids is far from the processor; by then the place is near.
      if (i + kAhead < ids.size()) __builtin_prefetch(&index_[ids[i + kAhead].id[0] & (index_.size() - 1)], 1);
      const auto& [id, time_ms] = ids[i];
      expire(time_ms);
      const size_t at = distinct ? free_place(id) : find(id);
      if (index_[at] == kEmpty) insert(at, id, pack(time_ms, kDurableSlot));
    }
  }

  void expect(uint64_t ids) {
    std::lock_guard lock(mutex_);
    const uint64_t all = live_ + std::min(ids, max_ids_);
    while (index_.size() < all * 2) grow();
  }

  void visit_durable(const std::function<void(const IdHash&, int64_t)>& visit) const {
    std::deque<Slot> copy;
    {
      // A copy: whoever is told may take its time, and the door's threads may not wait for it.
      std::lock_guard lock(mutex_);
      copy = ring_;
    }
    for (const Slot& slot : copy) {
      if (state_of(slot) == kDurableSlot) visit(slot.id, time_of(slot));
    }
  }

  uint64_t size() const {
    std::lock_guard lock(mutex_);
    return live_;
  }
  // Append time of the newest id that left for want of room.
  int64_t cut_ms() const {
    std::lock_guard lock(mutex_);
    return cut_ms_;
  }

 private:
  Slot& slot(uint32_t number) { return ring_[static_cast<uint32_t>(number - first_)]; }

  // Where `id` is, or the empty place where it would go.
  size_t find(const IdHash& id) {
    // The size is a power of two, and ids are hashes already.
    const size_t mask = index_.size() - 1;
    size_t at = id[0] & mask;
    while (index_[at] != kEmpty && !same(slot(index_[at]).id, id)) at = (at + 1) & mask;
    return at;
  }

  // Where `id` would go, which is not there.
  size_t free_place(const IdHash& id) const {
    const size_t mask = index_.size() - 1;
    size_t at = id[0] & mask;
    while (index_[at] != kEmpty) at = (at + 1) & mask;
    return at;
  }

  void insert(size_t at, const IdHash& id, int64_t time_and_state) {
    // At most half full, so that linear probing stays short.
    if ((live_ + 1) * 2 > index_.size()) {
      grow();
      at = free_place(id);
    }
    index_[at] = first_ + static_cast<uint32_t>(ring_.size());
    ring_.push_back({id, time_and_state});
    ++live_;
    if (live_ > max_ids_) {
      cut_ms_ = std::max(cut_ms_, time_of(ring_.front()));
      drop_oldest();
    }
  }

  // Backward-shift deletion (Knuth 6.4, Algorithm R): no tombstones in the index.
  void erase(size_t at) {
    ASSERT(index_[at] != kEmpty);
    const size_t mask = index_.size() - 1;
    size_t hole = at;
    for (size_t next = (hole + 1) & mask; index_[next] != kEmpty; next = (next + 1) & mask) {
      const size_t home = slot(index_[next]).id[0] & mask;
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        index_[hole] = index_[next];
        hole = next;
      }
    }
    index_[hole] = kEmpty;
    --live_;
  }

  void grow() {
    std::vector<uint32_t> old(index_.size() * 2, kEmpty);
    old.swap(index_);
    for (uint32_t number : old) {
      if (number != kEmpty) index_[free_place(slot(number).id)] = number;
    }
  }

  void drop_oldest() {
    ASSERT(!ring_.empty());
    // Released ids keep their place in the ring until they are the oldest; the index forgot them at once.
    if (state_of(ring_.front()) != kDead) erase(find(ring_.front().id));
    ring_.pop_front();
    ++first_;
  }

  // A pending one at the front holds the others behind it: it may not leave before it is settled, and that is
  // soon.
  void expire(int64_t now_ms) {
    while (!ring_.empty() &&
           (state_of(ring_.front()) == kDead ||
            (state_of(ring_.front()) == kDurableSlot && time_of(ring_.front()) < now_ms - window_ms_))) {
      drop_oldest();
    }
  }

  // Guards everything but the constants. One lock per shard keeps door threads out of each other's way.
  mutable std::mutex mutex_;
  const int64_t window_ms_;
  const uint64_t max_ids_;
  std::deque<Slot> ring_;
  uint32_t first_ = 0;  // running number of ring_.front()
  std::vector<uint32_t> index_;
  uint64_t live_ = 0;
  int64_t cut_ms_ = std::numeric_limits<int64_t>::min();
  std::map<IdHash, std::vector<Settled>> waiters_;
};

IdWindow::IdWindow(uint64_t seed, int64_t window_ms, uint64_t max_ids) : DedupeTable(seed, window_ms) {
  for (auto& shard : shards_) {
    shard = std::make_unique<Shard>(window_ms, std::max<uint64_t>(1, max_ids / kShards));
  }
}
IdWindow::~IdWindow() = default;

int64_t IdWindow::advance(int64_t now_ms) {
  int64_t latest_ms = latest_ms_.load(std::memory_order_relaxed);
  while (latest_ms < now_ms && !latest_ms_.compare_exchange_weak(latest_ms, now_ms, std::memory_order_relaxed)) {
  }
  return std::max(latest_ms, now_ms);
}

IdWindow::Shard& IdWindow::shard(const IdHash& id) const {
  // By the half of the hash that the shards' own indices do not use.
  return *shards_[id[1] % kShards];
}

IdWindow::Claim IdWindow::claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled) {
  return shard(id).claim(id, advance(now_ms), make_settled);
}
void IdWindow::confirm(const IdHash& id) {
  shard(id).settle(id, true);
}
void IdWindow::release(const IdHash& id) {
  shard(id).settle(id, false);
}
void IdWindow::restore(std::span<const Known> ids, bool distinct) {
  while (!ids.empty()) {
    // Shard by shard, as visit_durable() gives them.
    Shard& own = shard(ids[0].id);
    size_t count = 0;
    for (; count < ids.size() && &shard(ids[count].id) == &own; ++count) advance(ids[count].append_time_ms);
    own.restore(ids.first(count), distinct);
    ids = ids.subspan(count);
  }
}
void IdWindow::expect(uint64_t ids) {
  // Hashes spread evenly; the rest finds its room when it comes.
  for (const auto& shard : shards_) shard->expect(ids / kShards);
}

void IdWindow::visit_durable(const std::function<void(const IdHash&, int64_t)>& visit) const {
  for (const auto& shard : shards_) shard->visit_durable(visit);
}

uint64_t IdWindow::size() const {
  uint64_t total = 0;
  for (const auto& shard : shards_) total += shard->size();
  return total;
}

int64_t IdWindow::horizon_ms(int64_t now_ms) const {
  int64_t horizon = now_ms - window_ms();
  for (const auto& shard : shards_) horizon = std::max(horizon, shard->cut_ms());
  return horizon;
}

}  // namespace colloquium::engine
