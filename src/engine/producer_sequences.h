// ProducerSequences: how far each producer of a source has counted.
//
// A producer numbers its events one by one, from any number on. The next number is new, a number that was there is
// a duplicate, and one that leaves out any before it is a gap: it is refused, or a request that overtook another
// would make that one look like a duplicate for ever. This is the idempotent producer of Kafka (KIP-98) with
// events in place of batches: one entry a producer, however long it has been sending, where IdWindow needs one an
// event.
//
// A producer is forgotten when it has been silent for the window, or when there are more than `max_producers` and
// it has been silent longest; it may then begin anew with any number.
//
// An id is {hash of the producer, number}. Thread safety: as DedupeTable's; one lock.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/dedupe_table.h"

namespace colloquium::engine {

class ProducerSequences final : public DedupeTable {
 public:
  ProducerSequences(uint64_t seed, int64_t window_ms, uint64_t max_producers);

  static IdHash id(const IdHash& producer, int64_t number) { return {producer[0], static_cast<uint64_t>(number)}; }

  Claim claim(const IdHash& id, int64_t now_ms, const std::function<Settled()>& make_settled) override;
  void confirm(const IdHash& id) override;
  void release(const IdHash& id) override;
  void restore(std::span<const Known> ids, bool distinct) override;
  void expect(uint64_t) override {}  // it keeps producers, and nobody knows how many those are
  using DedupeTable::restore;
  void visit_durable(const std::function<void(const IdHash&, int64_t)>& visit) const override;
  uint64_t size() const override;
  int64_t horizon_ms(int64_t now_ms) const override;

  // The number that has to come next, for the message about a gap; nothing for a producer that is not known.
  std::optional<int64_t> expected(const IdHash& id) const;

 private:
  struct Producer {
    int64_t next() const { return missing.empty() ? end : *missing.begin(); }
    bool open(int64_t number) const { return pending.contains(number) || missing.contains(number); }

    int64_t first = 0;  // the one it began with, as far as we know
    int64_t end = 0;    // every number below, from the first one on, is in one of the two or durable
    // Apart, as a body may bring a million numbers: what comes next is told without walking those under way.
    std::map<int64_t, std::vector<Settled>> pending;  // and who waits for them
    std::set<int64_t> missing;                        // failed or never seen, and to come again
    int64_t last_ms = 0;
    std::list<uint64_t>::iterator age;
  };

  void restore_one(const IdHash& id, int64_t append_time_ms);
  Producer& touch(uint64_t hash, int64_t first, int64_t now_ms);
  void expire(int64_t now_ms);
  void settle(const IdHash& id, bool durable);
  static void trim(Producer& producer);

  const uint64_t max_producers_;
  mutable std::mutex mutex_;  // guards what follows
  std::unordered_map<uint64_t, Producer> producers_;
  std::list<uint64_t> by_age_;  // silent longest first
  int64_t cut_ms_;              // when the last one that left for want of room had spoken
  int64_t latest_ms_;
};

}  // namespace colloquium::engine
