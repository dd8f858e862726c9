#include "computo/library/elements.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/assert.h"
#include "computo/number.h"

namespace colloquium::computo::ops {

Value* result_array(Machine& machine, uint64_t size) {
  if (size > std::numeric_limits<uint32_t>::max()) {
    machine.fail(Category::kLimit, "an array of more than 2^32 - 1 elements");
    return nullptr;
  }
  if (!machine.charge(size)) return nullptr;
  ASSERT(!machine.failed());
  return machine.allocate<Value>(static_cast<size_t>(size));
}

const Value* items_of(Machine& machine, const Value& array) {
  ASSERT(type_of(array) == Type::kArray);
  // Null means failure, and an empty array need not have memory.
  static constexpr Value kNoItems{Kind::kNull, 0, {0}};
  if (array.kind == Kind::kArray) return array.size == 0 ? &kNoItems : array.items;
  const uint32_t size = array_size(array);
  Value* const items = result_array(machine, size);
  if (items == nullptr) return nullptr;
  Elements elements(array);
  for (uint32_t i = 0; i < size; ++i) items[i] = elements.next();
  return items;
}

bool part_of(Machine& machine, const Value& array, uint32_t begin, uint32_t size, Value& out) {
  const uint32_t all = array_size(array);
  ASSERT(begin <= all && size <= all - begin);
  if (size == all) {
    out = array;
    return true;
  }
  if (array.kind == Kind::kArray) {
    out = array_value(array.items + begin, size);
    return true;
  }
  Value* const items = result_array(machine, size);
  if (items == nullptr || !machine.charge(begin / kPassedPerStep)) return false;
  Elements elements(array);
  for (uint32_t i = 0; i < begin; ++i) elements.next();
  for (uint32_t i = 0; i < size; ++i) items[i] = elements.next();
  out = array_value(items, size);
  return true;
}

int64_t integer_argument(const Value* arguments, uint32_t i) {
  const Value number = decode_number(arguments[i]);
  ASSERT(is_integral(number));
  return to_integer(number);
}

// Doubling wastes at most as much memory again as the list takes.
bool ListBuilder::grow() {
  if (room_ > UINT32_MAX / 4) return machine_.fail(Category::kLimit, "an array of more than 2^30 elements");
  const uint32_t room = std::max(room_ * 2, 16u);
  auto* const items = machine_.charge(room_) ? machine_.allocate<Value>(room) : nullptr;
  if (items == nullptr) return false;
  ASSERT(size_ == room_);
  std::copy_n(items_, size_, items);
  items_ = items;
  room_ = room;
  return true;
}

bool copied_text(Machine& machine, std::string_view text, Value& out) {
  const uint64_t most = std::min<uint64_t>(machine.limits().output_bytes, UINT32_MAX / 4);
  if (text.size() > most) {
    return machine.fail(Category::kLimit, "a string of more than " + std::to_string(most) + " bytes");
  }
  ASSERT(!machine.failed());
  std::string_view kept;
  if (!machine.charge(text.size() / 64) || !machine.keep(text, kept)) return false;
  out = string_value(kept);
  return true;
}

}  // namespace colloquium::computo::ops
