// Arrays as sets: elements are the same if they are equal (section 3 of the language).

#include <algorithm>
#include <bit>

#include "base/assert.h"
#include "computo/compare.h"
#include "computo/library/arrays.h"
#include "computo/library/elements.h"

namespace colloquium::computo::ops {

namespace {

// A hash table of values in scratch memory, open addressing, never fuller than half. Beside each value a mark:
// in how many of the arrays seen so far it was.
class ValueSet {
 public:
  ValueSet(Machine& machine, uint64_t most) : machine_(machine), scratch_(machine) {
    slots_ = std::bit_ceil(most * 2 + 2);
    table_ = machine.charge(slots_ / kPassedPerStep) ? machine.allocate_scratch<Slot>(slots_) : nullptr;
    for (uint64_t i = 0; table_ != nullptr && i < slots_; ++i) table_[i].mark = 0;
  }
  bool valid() const { return table_ != nullptr; }

  // The mark of a value, 0 if it is not there; null after fail.
  uint32_t* find(const Value& v) {
    Slot* const slot = slot_of(v);
    return slot == nullptr || machine_.failed() ? nullptr : &slot->mark;
  }

  // Whether it was not there before.
  bool add(const Value& v, uint32_t mark) {
    Slot* const slot = slot_of(v);
    if (slot == nullptr || machine_.failed() || slot->mark != 0) return false;
    ASSERT(mark != 0);
    slot->value = v;
    slot->mark = mark;
    return true;
  }

 private:
  struct Slot {
    Value value;
    uint64_t hash;
    uint32_t mark;  // 0: free
  };

  // The value's slot, or the free one where it would go.
  Slot* slot_of(const Value& v) {
    const uint64_t h = hash(machine_, v) * 0x9e3779b97f4a7c15u;
    if (machine_.failed()) return nullptr;
    for (uint64_t at = h >> 32;; ++at) {
      Slot& slot = table_[at & (slots_ - 1)];
      if (slot.mark == 0) {
        slot.hash = h;
        return &slot;
      }
      if (slot.hash == h && equal(machine_, slot.value, v)) return &slot;
      if (!machine_.charge(1)) return nullptr;
    }
  }

  Machine& machine_;
  ScratchScope scratch_;
  Slot* table_ = nullptr;
  uint64_t slots_ = 0;
};

uint64_t total_size(const Value* arrays, uint32_t count) {
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) total += array_size(arrays[i]);
  ASSERT(count > 0);
  return total;
}

// Adds an array's elements; the new ones go behind `results`, if that is given.
bool add_all(Machine& machine, ValueSet& set, const Value& array, uint32_t mark, Value* results, uint32_t& size) {
  Elements elements(array);
  for (uint32_t i = array_size(array); i > 0; --i) {
    const Value element = elements.next();
    if (set.add(element, mark) && results != nullptr) results[size++] = element;
    if (machine.failed()) return false;
  }
  ASSERT(mark != 0);
  return true;
}

}  // namespace

bool set_union(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  const uint64_t total = total_size(arguments, count);
  Value* const results = result_array(machine, total);
  if (results == nullptr) return false;
  ValueSet set(machine, total);
  if (!set.valid()) return false;
  uint32_t size = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (!add_all(machine, set, arguments[i], 1, results, size)) return false;
  }
  ASSERT(size <= total);
  out = array_value(results, size);
  return true;
}

// Everything the others hold is in the set; what can still be added from the first array is the result.
bool difference(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  const uint64_t total = total_size(arguments, count);
  Value* const results = result_array(machine, array_size(arguments[0]));
  if (results == nullptr) return false;
  ValueSet set(machine, total);
  if (!set.valid()) return false;
  uint32_t size = 0;
  for (uint32_t i = 1; i < count; ++i) {
    if (!add_all(machine, set, arguments[i], 1, nullptr, size)) return false;
  }
  ASSERT(size == 0);
  if (!add_all(machine, set, arguments[0], 1, results, size)) return false;
  out = array_value(results, size);
  return true;
}

// A value's mark counts the arrays that had it: only one that was in all before is carried on.
bool intersection(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  Value* const results = result_array(machine, array_size(arguments[0]));
  if (results == nullptr) return false;
  ValueSet set(machine, array_size(arguments[0]));
  if (!set.valid()) return false;
  uint32_t distinct = 0;
  if (!add_all(machine, set, arguments[0], 1, results, distinct)) return false;
  for (uint32_t i = 1; i < count; ++i) {
    Elements elements(arguments[i]);
    for (uint32_t k = array_size(arguments[i]); k > 0; --k) {
      uint32_t* const mark = set.find(elements.next());
      if (mark == nullptr) return false;
      if (*mark == i) *mark = i + 1;
    }
  }
  uint32_t size = 0;
  for (uint32_t i = 0; i < distinct; ++i) {
    const uint32_t* const mark = set.find(results[i]);
    if (mark == nullptr) return false;
    // A function equals nothing, itself included, and is found nowhere again.
    if (*mark == count) results[size++] = results[i];
  }
  ASSERT(size <= distinct);
  out = array_value(results, size);
  return true;
}

}  // namespace colloquium::computo::ops
