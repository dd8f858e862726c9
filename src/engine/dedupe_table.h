// DedupeTable: which events a source has already delivered, as its door asks.
//
// One table per source. Two kinds: IdWindow knows every id within a window of time and count; ProducerSequences
// knows how far each producer has counted. An event's id is claimed before the event is encoded (pending),
// confirmed when it is durable, or released when it was not kept. A copy that arrives while the first is pending
// waits for it.
//
// Thread safety: every method on any thread. Callbacks run on the thread that confirms or releases.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "colloquium/function.h"

namespace colloquium::engine {

// Stored with the events in the log: its meaning, for each kind of table, may not change.
using IdHash = std::array<uint64_t, 2>;

class DedupeTable {
 public:
  virtual ~DedupeTable() = default;
  DedupeTable(const DedupeTable&) = delete;
  DedupeTable& operator=(const DedupeTable&) = delete;

  // Of a value that is a string, and of one that is any other JSON value, in canonical form. The table's seed keys
  // them, so that an id's place can't be guessed from outside.
  IdHash hash(std::string_view text) const;
  IdHash hash_json(std::string_view canonical) const;

  enum class Claim {
    kNew,      // the caller owns the id and must confirm or release it
    kDurable,  // a duplicate of an event that is safe
    kPending,  // a duplicate of one that is under way: `settled` will run
    kGap,      // of ProducerSequences alone: numbers before it are missing
  };
  using Settled = UniqueFunction<void(bool durable)>;

  // `make_settled` is called only if the result is kPending; what it makes then runs exactly once.
  virtual Claim claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled) = 0;

  virtual void confirm(const IdHash& id) = 0;
  virtual void release(const IdHash& id) = 0;

  // At start: ids found in the log or in a checkpoint. Oldest first. `distinct`: none of them is in the table, and
  // no two are the same, so that nothing has to be looked for.
  struct Known {
    IdHash id;
    int64_t append_time_ms;
  };
  virtual void restore(std::span<const Known> ids, bool distinct) = 0;
  void restore(const IdHash& id, int64_t append_time_ms) {
    const Known one{id, append_time_ms};
    restore({&one, 1}, false);
  }
  // So many are about to be restored; the room for them is made at once.
  virtual void expect(uint64_t ids) = 0;

  // Every id that is durable, such that restoring them in this order gives the table again. Others may use the
  // table meanwhile; what they confirm then may be missing.
  virtual void visit_durable(const std::function<void(const IdHash&, int64_t append_time_ms)>& visit) const = 0;

  virtual uint64_t size() const = 0;
  // Every id that was appended after this time is known: the window's begin, or later where the bound on the
  // number cuts it short.
  virtual int64_t horizon_ms(int64_t now_ms) const = 0;

  int64_t window_ms() const { return window_ms_; }

 protected:
  DedupeTable(uint64_t seed, int64_t window_ms) : seed_(seed), window_ms_(window_ms) {}

 private:
  const uint64_t seed_;
  const int64_t window_ms_;
};

}  // namespace colloquium::engine
