#include "log/key_table.h"

#include <algorithm>
#include <bit>

#include "base/assert.h"

namespace colloquium::log {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr size_t kLeastSlots = 4;

}  // namespace

// While it grows the old slots are there beside the new ones, which are twice as many.
KeyTable::KeyTable(size_t budget_bytes)
    : max_slots_(std::max(kLeastSlots, std::bit_floor(budget_bytes / sizeof(Slot) * 2 / 3))),
      slots_(std::min(kFirstSlots, max_slots_), Slot{{}, -1}) {
  ASSERT(std::has_single_bit(slots_.size()));
}

// The digest's slot, or the free one where it belongs.
KeyTable::Slot& KeyTable::slot_of(const io::Digest128& digest) {
  const size_t mask = slots_.size() - 1;
  size_t at = digest[0] & mask;
  ASSERT_WHY(used_ < slots_.size(), "a table that is never full has an end to its probing");
  while (slots_[at].offset >= 0 && slots_[at].digest != digest) at = (at + 1) & mask;
  return slots_[at];
}

bool KeyTable::grow() {
  if (slots_.size() >= max_slots_) return false;
  std::vector<Slot> before(slots_.size() * 2, Slot{{}, -1});
  before.swap(slots_);
  for (const Slot& slot : before) {
    if (slot.offset >= 0) slot_of(slot.digest) = slot;
  }
  ASSERT(slots_.size() <= max_slots_);
  return true;
}

bool KeyTable::put(std::string_view key, int64_t offset) {
  ASSERT(offset >= 0);
  const io::Digest128 digest = digester_.digest(key);
  Slot* slot = &slot_of(digest);
  if (slot->offset < 0) {
    // Three quarters: probing stays short.
    if ((used_ + 1) * 4 > slots_.size() * 3) {
      if (!grow()) return false;
      slot = &slot_of(digest);
    }
    ++used_;
  }
  ASSERT(slot->offset <= offset);
  *slot = {digest, offset};
  return true;
}

std::optional<int64_t> KeyTable::find(std::string_view key) {
  if (used_ == 0) return std::nullopt;
  const Slot& slot = slot_of(digester_.digest(key));
  ASSERT(slot.offset >= -1);
  if (slot.offset < 0) return std::nullopt;
  return slot.offset;
}

}  // namespace colloquium::log
