// IdWindow: every id that a source has delivered within a window of time and count.
//
// Keyed by a 128-bit keyed hash of the id expression's value and its type: 1 and "1" are two ids. The oldest ids
// leave when they are older than the window or when there are more than `max_ids`; horizon_ms() says how far back
// the table really reaches.
//
// About 32 bytes an id: a ring of the durable ones in order of arrival plus an open-addressing index into it, per
// shard. Ids that are pending are kept apart, so that however many are refused they push out none and leave
// nothing; they are as many as events are under way, which the door bounds by their bytes.
// Thread safety: as DedupeTable's; shards have locks of their own.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

#include "engine/dedupe_table.h"

namespace colloquium::engine {

class IdWindow final : public DedupeTable {
 public:
  IdWindow(uint64_t seed, int64_t window_ms, uint64_t max_ids);
  ~IdWindow() override;

  Claim claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled) override;
  void confirm(const IdHash& id) override;
  void release(const IdHash& id) override;
  void restore(std::span<const Known> ids, bool distinct) override;
  void expect(uint64_t ids) override;
  using DedupeTable::restore;
  void visit_durable(const std::function<void(const IdHash&, int64_t)>& visit) const override;
  uint64_t size() const override;
  int64_t horizon_ms(int64_t now_ms) const override;

  // Of memory, but for who waits.
  uint64_t bytes() const;

 private:
  class Shard;
  static constexpr size_t kShards = 16;
  Shard& shard(const IdHash& id) const;
  // The table's clock is append time, which never goes back: after a clock that jumped ahead and back, what comes
  // in is as old as what came before it.
  int64_t advance(int64_t now_ms);

  std::array<std::unique_ptr<Shard>, kShards> shards_;
  std::atomic<int64_t> latest_ms_{std::numeric_limits<int64_t>::min()};
};

}  // namespace colloquium::engine
