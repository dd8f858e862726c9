// What the operators of the library share: arrays as plain memory, parts of arrays, members by name.
//
// Thread safety: as the machine's.
#pragma once

#include <cstdint>
#include <string_view>

#include "computo/access.h"
#include "computo/machine.h"
#include "computo/value.h"

namespace colloquium::computo::ops {

// Gives back, at its end, what was taken from the machine's scratch memory since its beginning.
class ScratchScope {
 public:
  explicit ScratchScope(Machine& machine) : arena_(machine.scratch()), mark_(arena_.mark()) {}
  ~ScratchScope() { arena_.release(mark_); }
  ScratchScope(const ScratchScope&) = delete;
  ScratchScope& operator=(const ScratchScope&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

// Memory for the elements of a result, paid for; null after fail.
Value* result_array(Machine& machine, uint64_t size);

// The elements of an array in one piece of memory; null after fail. A built array's own, so they never change.
const Value* items_of(Machine& machine, const Value& array);

// Elements [begin, begin + size) as an array. The whole of it is the array itself, untouched.
// REQUIRES: they exist.
bool part_of(Machine& machine, const Value& array, uint32_t begin, uint32_t size, Value& out);

// The integer that argument `i` is. REQUIRES: Operator::types says 'i' for it.
int64_t integer_argument(const Value* arguments, uint32_t i);

inline Key key_named(std::string_view name) {
  ASSERT(name.size() <= UINT32_MAX);
  return {name.data(), nullptr, static_cast<uint32_t>(name.size()), 0};
}

inline Value empty_object() {
  static constexpr Object kNoMembers{nullptr, nullptr};
  return object_value(&kNoMembers, 0);
}

// An array that is made element by element, of a length not known before. Other memory may be allocated and
// scratch memory released meanwhile.
class ListBuilder {
 public:
  explicit ListBuilder(Machine& machine) : machine_(machine) {}
  bool push(const Value& v) { return (size_ < room_ || grow()) && (items_[size_++] = v, true); }
  void finish(Value& out) const { out = array_value(items_, size_); }

 private:
  bool grow();

  Machine& machine_;
  Value* items_ = nullptr;
  uint32_t size_ = 0;
  uint32_t room_ = 0;
};

// A copy of the text in the machine's memory, as a value; its length is bounded by what a result may be.
bool copied_text(Machine& machine, std::string_view text, Value& out);

}  // namespace colloquium::computo::ops
