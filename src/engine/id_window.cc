#include "engine/id_window.h"

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "base/assert.h"

namespace colloquium::engine {

namespace {

// An id, and when it was claimed.
using Slot = DedupeTable::Known;

constexpr uint32_t kEmpty = 0xffffffff;
// Running numbers are counted modulo 2^31, so that none of them is kEmpty.
constexpr uint32_t kNumbers = 0x7fffffff;
constexpr size_t kSmallest = 64;  // places in an index
constexpr size_t kKept = 4096;    // places for pending ids that are kept when there are none
constexpr size_t kAhead = 12;     // ids

// In place of ==, which calls memcmp.
bool same(const IdHash& a, const IdHash& b) {
  return a[0] == b[0] && a[1] == b[1];
}

// Backward-shift deletion (Knuth 6.4, Algorithm R): no tombstones. Returns the place that is left over, which the
// caller empties. REQUIRES: the number of places is a power of two.
template <class Place, class IsEmpty, class HomeOf>
size_t shift_back(std::vector<Place>& places, size_t at, const IsEmpty& is_empty, const HomeOf& home_of) {
  const size_t mask = places.size() - 1;
  size_t hole = at;
  for (size_t next = (hole + 1) & mask; !is_empty(places[next]); next = (next + 1) & mask) {
    const size_t home = home_of(places[next]) & mask;
    if (((next - home) & mask) < ((next - hole) & mask)) continue;
    places[hole] = places[next];
    hole = next;
  }
  return hole;
}

// Ids that are claimed and neither confirmed nor released. Open addressing, as there may be a million of one body.
class PendingIds {
 public:
  // False if it is there already.
  bool add(const IdHash& id, int64_t time_ms) {
    if ((size_ + 1) * 2 > slots_.size()) grow();
    Slot& slot = slots_[find(id)];
    if (slot.append_time_ms != kFree) return false;
    slot = {id, std::max(time_ms, kFree + 1)};
    ++size_;
    return true;
  }

  // When it was claimed; nothing if it is not there.
  std::optional<int64_t> take(const IdHash& id) {
    const size_t at = find(id);
    const int64_t time_ms = slots_[at].append_time_ms;
    if (time_ms == kFree) return std::nullopt;
    const size_t hole = shift_back(
        slots_, at, [](const Slot& slot) { return slot.append_time_ms == kFree; },
        [](const Slot& slot) { return slot.id[0]; });
    slots_[hole].append_time_ms = kFree;
    // What one large body took is given back.
    if (--size_ == 0 && slots_.size() > kKept) slots_ = std::vector<Slot>(kSmallest, Slot{{}, kFree});
    return time_ms;
  }

  uint64_t size() const { return size_; }
  uint64_t bytes() const { return slots_.size() * sizeof(Slot); }

 private:
  static constexpr int64_t kFree = std::numeric_limits<int64_t>::min();

  size_t find(const IdHash& id) const {
    const size_t mask = slots_.size() - 1;
    size_t at = id[0] & mask;
    while (slots_[at].append_time_ms != kFree && !same(slots_[at].id, id)) at = (at + 1) & mask;
    return at;
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2, Slot{{}, kFree});
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.append_time_ms != kFree) slots_[find(slot.id)] = slot;
    }
  }

  std::vector<Slot> slots_ = std::vector<Slot>(kSmallest, Slot{{}, kFree});
  uint64_t size_ = 0;
};

}  // namespace

// The ring has the durable ids, in the order in which they were confirmed. It is a deque whose element i has the
// running number `first_ + i`; the index stores running numbers, which are unambiguous below 2^31 ids a shard.
class IdWindow::Shard {
 public:
  Shard(int64_t window_ms, uint64_t max_ids)
      : window_ms_(window_ms), max_ids_(max_ids), index_(kSmallest, kEmpty) {}

  // Looking and claiming are one step under one lock: of two copies that come at once exactly one is kNew.
  Claim claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled) {
    std::lock_guard lock(mutex_);
    expire(now_ms);
    if (index_[find(id)] != kEmpty) return Claim::kDurable;
    if (pending_.add(id, now_ms)) {
      // Here and not when it is confirmed, which the log's thread may have to wait for.
      make_room(pending_.size());
      return Claim::kNew;
    }
    // Answering "duplicate" now would promise what the first copy has not kept yet.
    waiters_[id].push_back(make_settled());
    return Claim::kPending;
  }

  void settle(const IdHash& id, bool durable) {
    std::vector<Settled> waiting;
    {
      std::lock_guard lock(mutex_);
      const std::optional<int64_t> time_ms = pending_.take(id);
      if (!time_ms) return;
      if (durable) insert({id, *time_ms});
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
      expire(ids[i].append_time_ms);
      if (distinct || index_[find(ids[i].id)] == kEmpty) insert(ids[i]);
    }
  }

  void expect(uint64_t ids) {
    std::lock_guard lock(mutex_);
    make_room(ids);
  }

  void visit_durable(const std::function<void(const IdHash&, int64_t)>& visit) const {
    std::deque<Slot> copy;
    {
      // A copy: whoever is told may take its time, and the door's threads may not wait for it.
      std::lock_guard lock(mutex_);
      copy = ring_;
    }
    for (const Slot& slot : copy) visit(slot.id, slot.append_time_ms);
  }

  uint64_t size() const {
    std::lock_guard lock(mutex_);
    return ring_.size() + pending_.size();
  }
  uint64_t bytes() const {
    std::lock_guard lock(mutex_);
    return ring_.size() * sizeof(Slot) + index_.size() * sizeof(uint32_t) + pending_.bytes();
  }
  // Append time of the newest id that left for want of room.
  int64_t cut_ms() const {
    std::lock_guard lock(mutex_);
    return cut_ms_;
  }

 private:
  Slot& slot(uint32_t number) { return ring_[(number - first_) & kNumbers]; }

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

  void insert(const Slot& fresh) {
    make_room(1);
    index_[free_place(fresh.id)] = (first_ + static_cast<uint32_t>(ring_.size())) & kNumbers;
    ring_.push_back(fresh);
    // Only now: what is pending may yet be refused, and may not push out what is kept.
    if (ring_.size() <= max_ids_) return;
    cut_ms_ = std::max(cut_ms_, ring_.front().append_time_ms);
    drop_oldest();
  }

  void erase(size_t at) {
    ASSERT(index_[at] != kEmpty);
    const size_t hole = shift_back(
        index_, at, [](uint32_t number) { return number == kEmpty; },
        [this](uint32_t number) { return slot(number).id[0]; });
    index_[hole] = kEmpty;
  }

  // For so many more; but the ring never has more than max_ids_, and one.
  void make_room(uint64_t ids) {
    const uint64_t all = std::min(ring_.size() + ids, max_ids_ + 1);
    // At most half full, so that linear probing stays short.
    while (index_.size() < all * 2) grow();
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
    erase(find(ring_.front().id));
    ring_.pop_front();
    first_ = (first_ + 1) & kNumbers;
  }

  // What was confirmed late stays a little longer behind younger ones.
  void expire(int64_t now_ms) {
    while (!ring_.empty() && ring_.front().append_time_ms < now_ms - window_ms_) drop_oldest();
  }

  // Guards everything but the constants. One lock per shard keeps door threads out of each other's way.
  mutable std::mutex mutex_;
  const int64_t window_ms_;
  const uint64_t max_ids_;
  std::deque<Slot> ring_;
  // Running number of ring_.front(). It begins shortly before they start over, so that every test sees that.
  uint32_t first_ = kNumbers - 10;
  std::vector<uint32_t> index_;
  PendingIds pending_;
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

uint64_t IdWindow::bytes() const {
  uint64_t total = 0;
  for (const auto& shard : shards_) total += shard->bytes();
  return total;
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
