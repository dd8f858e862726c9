// KeyTable: at which offset the newest record of a key stands, for as many keys as a budget of memory holds.
//
// Keys are held as 128 bits of SHA-256: a cryptographic digest, because two keys that were taken for one would
// cost one of them its record. 24 bytes a slot, as in Kafka's log cleaner (SkimpyOffsetMap, KIP-58), open
// addressing with linear probing; it begins small and doubles.
//
// Thread safety: belongs to one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "io/digest.h"

namespace colloquium::log {

class KeyTable {
 public:
  // Never uses more than `budget_bytes`, also while it grows; a very small budget holds two keys all the same.
  explicit KeyTable(size_t budget_bytes);

  // Offsets come rising. False, and nothing is taken, if the key is new and there is no room for it.
  bool put(std::string_view key, int64_t offset);
  // The highest offset put for the key.
  std::optional<int64_t> find(std::string_view key);

  size_t size() const { return used_; }
  bool empty() const { return used_ == 0; }

 private:
  struct Slot {
    io::Digest128 digest;
    int64_t offset;  // −1: free
  };
  Slot& slot_of(const io::Digest128& digest);
  bool grow();

  io::Digester digester_;
  const size_t max_slots_;
  std::vector<Slot> slots_;  // a power of two of them
  size_t used_ = 0;
};

}  // namespace colloquium::log
