// DedupeTable: which ids a source has already delivered, within a window of time and count.
//
// One table per source, keyed by a 128-bit keyed hash of the id expression's value and its type: 1 and "1" are
// two ids. An id is claimed before
// its event is encoded (pending), confirmed when the event is durable, or released when it was not kept.
// A copy that arrives while the first is pending waits for it. The oldest ids leave when they are older than
// the window or when there are more than `max_ids`; horizon_ms() says how far back the table really reaches.
//
// About 32 bytes an id: a ring in order of arrival plus an open-addressing index into it, per shard.
// Thread safety: every method on any thread; shards have locks of their own. Callbacks run on the thread
// that confirms or releases.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "colloquium/function.h"

namespace colloquium::engine {

using IdHash = std::array<uint64_t, 2>;

class DedupeTable {
 public:
  // `seed` keys the hash, so that an id's place can't be guessed from outside.
  DedupeTable(uint64_t seed, int64_t window_ms, uint64_t max_ids);
  ~DedupeTable();
  DedupeTable(const DedupeTable&) = delete;
  DedupeTable& operator=(const DedupeTable&) = delete;

  // Of an id that is a string, and of one that is any other JSON value, in canonical form. Both are stored in the
  // log, so neither may change.
  IdHash hash(std::string_view id) const;
  IdHash hash_json(std::string_view canonical) const;

  enum class Claim {
    kNew,      // the caller owns the id and must confirm or release it
    kDurable,  // a duplicate of an event that is safe
    kPending,  // a duplicate of one that is under way: `settled` will run
  };
  using Settled = UniqueFunction<void(bool durable)>;

  // `make_settled` is called only if the result is kPending; what it makes then runs exactly once.
  Claim claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled);

  void confirm(const IdHash& id);
  void release(const IdHash& id);

  // At start: an id found in the log, appended at `append_time_ms`. Oldest first.
  void restore(const IdHash& id, int64_t append_time_ms);

  int64_t window_ms() const { return window_ms_; }
  uint64_t size() const;
  // Every id that was appended after this time is known: the window's begin, or later where max_ids cut it short.
  int64_t horizon_ms(int64_t now_ms) const;

 private:
  class Shard;
  static constexpr size_t kShards = 16;
  Shard& shard(const IdHash& id) const;

  uint64_t seed_;
  int64_t window_ms_;
  std::array<std::unique_ptr<Shard>, kShards> shards_;
};

}  // namespace colloquium::engine
