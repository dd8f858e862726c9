// Native operators over arrays (section 8.7 of the language).

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/machine.h"
#include "computo/ops_core.h"
#include "computo/sorting.h"

namespace colloquium::computo::ops {

namespace {

bool check_array(Machine& machine, const Value* arguments, uint32_t i) {
  return type_of(arguments[i]) == Type::kArray || machine.fail_type(i, "array", arguments[i]);
}

bool check_filled(Machine& machine, const Value* arguments) {
  if (!check_array(machine, arguments, 0)) return false;
  if (array_size(arguments[0]) > 0) return true;
  return machine.fail_argument(0, Category::kEmptyArray, "expected an array with elements, got []");
}

// Memory for `size` values; null after fail.
Value* result_array(Machine& machine, uint64_t size) {
  if (size > std::numeric_limits<uint32_t>::max()) {
    machine.fail(Category::kLimit, "an array of more than 2^32 - 1 elements");
    return nullptr;
  }
  if (!machine.charge(size)) return nullptr;
  ASSERT(!machine.failed());
  return machine.allocate<Value>(static_cast<size_t>(size));
}

Value* copy(const Value& array, Value* out) {
  Elements elements(array);
  for (uint32_t i = array_size(array); i > 0; --i) *out++ = elements.next();
  return out;
}

}  // namespace

// If the first array is what append gave last, the others go into the room behind it (Machine::Spare).
bool append(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  uint64_t size = 0;
  ASSERT(count > 0);
  for (uint32_t i = 0; i < count; ++i) size += array_size(arguments[i]);  // checked by kCheck
  const Value& first = arguments[0];
  auto& spare = machine.append_spare();
  const bool grows = first.kind == Kind::kArray && first.items == spare.begin && first.size == spare.size;
  if (grows && size - first.size <= spare.room) {
    if (!machine.charge(size - first.size)) return false;
    spare.room -= static_cast<uint32_t>(size - first.size);
  } else {
    const uint64_t room = grows ? size : 0;
    Value* const items = result_array(machine, size + room);
    if (items == nullptr) return false;
    copy(first, items);
    spare = {items, 0, static_cast<uint32_t>(room)};
  }
  Value* at = spare.begin + array_size(first);
  for (uint32_t i = 1; i < count; ++i) at = copy(arguments[i], at);
  spare.size = static_cast<uint32_t>(size);
  out = array_value(spare.begin, spare.size);
  return true;
}

bool car(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_filled(machine, arguments)) return false;
  out = Elements(arguments[0]).next();
  return true;
}

bool cdr(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_filled(machine, arguments)) return false;
  const uint32_t size = array_size(arguments[0]) - 1;
  if (arguments[0].kind == Kind::kArray) {
    // Values never change, so the rest of an array is part of it.
    out = array_value(arguments[0].items + 1, size);
    return true;
  }
  Value* const items = result_array(machine, size);
  if (items == nullptr) return false;
  Elements elements(arguments[0]);
  elements.next();
  for (uint32_t i = 0; i < size; ++i) items[i] = elements.next();
  out = array_value(items, size);
  return true;
}

// If the array is what cons gave last, the element goes into the room before it.
bool cons(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  if (!check_array(machine, arguments, 1)) return false;
  const Value& rest = arguments[1];
  const uint64_t size = uint64_t{array_size(rest)} + 1;
  auto& spare = machine.cons_spare();
  const bool grows = rest.kind == Kind::kArray && rest.items == spare.begin && rest.size == spare.size;
  if (grows && spare.room > 0) {
    --spare.begin;
    --spare.room;
  } else {
    const uint64_t room = grows ? size : 0;
    Value* const items = result_array(machine, size + room);
    if (items == nullptr) return false;
    spare = {items + room, 0, static_cast<uint32_t>(room)};
    copy(rest, spare.begin + 1);
  }
  *spare.begin = arguments[0];
  spare.size = static_cast<uint32_t>(size);
  out = array_value(spare.begin, spare.size);
  return true;
}

bool count(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_array(machine, arguments, 0)) return false;
  out = int_value(array_size(arguments[0]));
  return true;
}

bool reverse(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_array(machine, arguments, 0)) return false;
  const uint32_t size = array_size(arguments[0]);
  Value* const items = result_array(machine, size);
  if (items == nullptr) return false;
  copy(arguments[0], items);
  std::reverse(items, items + size);
  out = array_value(items, size);
  return true;
}

bool unique(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_array(machine, arguments, 0)) return false;
  out = arguments[0];
  return unique_elements(machine, out);
}

bool zip(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  if (!check_array(machine, arguments, 0) || !check_array(machine, arguments, 1)) return false;
  const uint32_t size = std::min(array_size(arguments[0]), array_size(arguments[1]));
  // All pairs share one allocation; each is an array of two of its values.
  Value* const items = result_array(machine, size);
  Value* const pairs = result_array(machine, uint64_t{size} * 2);
  if (items == nullptr || pairs == nullptr) return false;
  Elements first(arguments[0]);
  Elements second(arguments[1]);
  for (uint32_t i = 0; i < size; ++i) {
    pairs[2 * i] = first.next();
    pairs[2 * i + 1] = second.next();
    items[i] = array_value(pairs + 2 * i, 2);
  }
  out = array_value(items, size);
  return true;
}

}  // namespace colloquium::computo::ops
