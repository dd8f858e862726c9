#include "computo/sorting.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compare.h"

namespace colloquium::computo {

namespace {

// The value an element sorts by; null where the field is missing.
Value field_of(Machine& machine, const SortField& field, const Value& element) {
  if (field.missing) return null_value();
  if (field.pointer == kNoPointer) return element;
  ASSERT(field.pointer < machine.program().pointers.size());
  Value v = element;
  size_t failed = 0;
  uint64_t passed = 0;
  const bool found = follow(v, machine.program().pointers[field.pointer], failed, passed);
  machine.charge(passed / kPassedPerStep);  // whoever compares the fields sees whether the budget is spent
  return found ? v : null_value();
}

bool copy_elements(Machine& machine, const Value& array, Value*& out, uint32_t& count) {
  count = array_size(array);
  out = machine.allocate<Value>(count);
  if (out == nullptr || !machine.charge(count)) return false;
  Elements elements(array);
  for (uint32_t i = 0; i < count; ++i) out[i] = elements.next();
  ASSERT(type_of(array) == Type::kArray);
  return true;
}

// A stable merge sort of positions, by keys laid out field after field. Our own because a comparison may
// fail half way and then answers without sense, which the library's sorts may not survive; and because its
// buffer comes from the arena.
class MergeSort {
 public:
  MergeSort(Machine& machine, const SortSpec& spec, const Value* keys, uint32_t count)
      : machine_(machine), spec_(spec), keys_(keys), count_(count) {}

  // Puts the positions in order; null if memory ran out or a comparison failed.
  const uint32_t* run() {
    auto* from = machine_.allocate<uint32_t>(count_);
    auto* to = machine_.allocate<uint32_t>(count_);
    if (from == nullptr || to == nullptr) return nullptr;
    for (uint32_t i = 0; i < count_; ++i) from[i] = i;
    for (uint64_t width = 1; width < count_; width *= 2) {
      for (uint64_t begin = 0; begin < count_; begin += 2 * width) merge(from, to, begin, width);
      if (machine_.failed()) return nullptr;
      std::swap(from, to);
    }
    ASSERT(!machine_.failed());
    return from;
  }

 private:
  bool less(uint32_t a, uint32_t b) {
    ASSERT(a < count_ && b < count_);
    for (size_t f = 0; f < spec_.fields.size(); ++f) {
      const Value* field = keys_ + f * count_;
      const int result = order(machine_, field[a], field[b]);
      if (result != 0) return spec_.fields[f].descending ? result > 0 : result < 0;
    }
    return false;
  }

  void merge(const uint32_t* from, uint32_t* to, uint64_t begin, uint64_t width) {
    const uint64_t middle = std::min<uint64_t>(begin + width, count_);
    const uint64_t end = std::min<uint64_t>(begin + 2 * width, count_);
    uint64_t left = begin;
    uint64_t right = middle;
    for (uint64_t i = begin; i < end; ++i) {
      const bool take_right = left == middle || (right < end && less(from[right], from[left]));
      to[i] = from[take_right ? right++ : left++];
    }
    ASSERT(left == middle && right == end);
  }

  Machine& machine_;
  const SortSpec& spec_;
  const Value* keys_;
  const uint32_t count_;
};

// Which elements of a run of equal keys are kept.
void keep_run(RunMode mode, const Value* run, uint32_t length, Value* out, uint32_t& kept) {
  ASSERT(length > 0);
  switch (mode) {
    case RunMode::kFirsts:
      out[kept++] = run[0];
      return;
    case RunMode::kLasts:
      out[kept++] = run[length - 1];
      return;
    case RunMode::kSingles:
      if (length == 1) out[kept++] = run[0];
      return;
    case RunMode::kMultiples:
      for (uint32_t i = 0; length > 1 && i < length; ++i) out[kept++] = run[i];
      return;
  }
}

// Open addressing over the positions kept so far.
class ValueSet {
 public:
  ValueSet(Machine& machine, uint32_t most) : machine_(machine) {
    while (slots_ < uint64_t{most} * 2) slots_ *= 2;
    table_ = machine.allocate<Slot>(slots_);
    if (table_ != nullptr) std::fill_n(table_, slots_, Slot{0, kEmpty});
  }
  bool valid() const { return table_ != nullptr; }

  // Adds out[position] unless an equal value is there.
  bool add(const Value* out, uint32_t position) {
    const uint64_t h = hash(machine_, out[position]);
    uint64_t at = (h ^ (h >> 32)) & (slots_ - 1);
    while (table_[at].position != kEmpty) {
      if (table_[at].hash == h && equal(machine_, out[table_[at].position], out[position])) return false;
      at = (at + 1) & (slots_ - 1);
      // A long chain of equal hashes is work too, and functions, equal to nothing, make one.
      if (!machine_.charge(1)) return false;
    }
    ASSERT(position != kEmpty);
    table_[at] = {h, position};
    return true;
  }

 private:
  struct Slot {
    uint64_t hash;
    uint32_t position;
  };
  static constexpr uint32_t kEmpty = UINT32_MAX;
  Machine& machine_;
  uint64_t slots_ = 16;
  Slot* table_;
};

}  // namespace

// Keys are looked up once per element, not once per comparison.
bool sort_array(Machine& machine, const SortSpec& spec, Value& array) {
  Value* elements = nullptr;
  uint32_t count = 0;
  if (!copy_elements(machine, array, elements, count)) return false;
  const size_t fields = spec.fields.size();
  ASSERT(fields > 0);
  if (!machine.charge(fields * count)) return false;
  auto* keys = machine.allocate<Value>(fields * count);
  if (keys == nullptr) return false;
  for (size_t f = 0; f < fields; ++f) {
    for (uint32_t i = 0; i < count; ++i) keys[f * count + i] = field_of(machine, spec.fields[f], elements[i]);
  }
  if (machine.failed()) return false;
  const uint32_t* positions = MergeSort(machine, spec, keys, count).run();
  if (positions == nullptr) return false;
  auto* sorted = machine.allocate<Value>(count);
  if (sorted == nullptr) return false;
  for (uint32_t i = 0; i < count; ++i) sorted[i] = elements[positions[i]];
  array = array_value(sorted, count);
  return true;
}

bool unique_runs(Machine& machine, const SortSpec& spec, RunMode mode, Value& array) {
  ASSERT(spec.fields.size() == 1);
  Value* elements = nullptr;
  uint32_t count = 0;
  if (!copy_elements(machine, array, elements, count)) return false;
  auto* out = machine.allocate<Value>(count);
  if (out == nullptr) return false;
  uint32_t kept = 0;
  for (uint32_t begin = 0; begin < count;) {
    const Value key = field_of(machine, spec.fields[0], elements[begin]);
    uint32_t end = begin + 1;
    while (end < count && equal(machine, key, field_of(machine, spec.fields[0], elements[end]))) ++end;
    if (machine.failed()) return false;
    keep_run(mode, elements + begin, end - begin, out, kept);
    begin = end;
  }
  array = array_value(out, kept);
  return true;
}

bool unique_elements(Machine& machine, Value& array) {
  const uint32_t count = array_size(array);
  auto* out = machine.allocate<Value>(count);
  if (out == nullptr || !machine.charge(count)) return false;
  ValueSet seen(machine, count);
  if (!seen.valid()) return false;
  uint32_t kept = 0;
  Elements elements(array);
  for (uint32_t i = 0; i < count; ++i) {
    out[kept] = elements.next();
    if (seen.add(out, kept)) ++kept;
    if (machine.failed()) return false;
  }
  ASSERT(kept <= count);
  array = array_value(out, kept);
  return true;
}

}  // namespace colloquium::computo
