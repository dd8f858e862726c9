// Native operators over objects (section 8.6 of the language).

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/machine.h"
#include "computo/ops_core.h"

namespace colloquium::computo::ops {

namespace {

bool check_object(Machine& machine, const Value* arguments, uint32_t i) {
  return type_of(arguments[i]) == Type::kObject || machine.fail_type(i, "object", arguments[i]);
}

Key plain_key(std::string_view text) {
  ASSERT(text.size() <= UINT32_MAX);
  return {text.data(), nullptr, static_cast<uint32_t>(text.size()), 0};
}

// The names listed in argument 1, for pick and omit; in `out`, which has room for all of them.
bool listed_names(Machine& machine, const Value* arguments, std::string_view*& out, uint32_t& count) {
  if (!check_object(machine, arguments, 0)) return false;
  if (type_of(arguments[1]) != Type::kArray) return machine.fail_type(1, "array of strings", arguments[1]);
  count = array_size(arguments[1]);
  out = machine.allocate<std::string_view>(count);
  if (out == nullptr || !machine.charge(count)) return false;
  Elements elements(arguments[1]);
  for (uint32_t i = 0; i < count; ++i) {
    const Value element = elements.next();
    if (type_of(element) != Type::kString) return machine.fail_type(1, "array of strings", element);
    if (!text_of(machine, element, out[i])) return false;
  }
  ASSERT(!machine.failed());
  return true;
}

}  // namespace

// A key becomes a value here, so it is text: decoded, and written canonically.
bool keys(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_object(machine, arguments, 0)) return false;
  Object object;
  uint32_t size = 0;
  if (!members_of(machine, arguments[0], object, size)) return false;
  auto* items = machine.allocate<Value>(size);
  if (items == nullptr || !machine.charge(size)) return false;
  for (uint32_t i = 0; i < size; ++i) items[i] = string_value(object.keys[i].view());
  out = array_value(items, size);
  return true;
}

bool values(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (!check_object(machine, arguments, 0)) return false;
  Object object;
  uint32_t size = 0;
  if (!members_of(machine, arguments[0], object, size)) return false;
  out = array_value(object.values, size);
  return true;
}

bool obj_from_pairs(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (type_of(arguments[0]) != Type::kArray) return machine.fail_type(0, "array of pairs", arguments[0]);
  const uint32_t size = array_size(arguments[0]);
  ObjectBuilder builder(machine, size);
  if (!builder.valid()) return false;
  Elements pairs(arguments[0]);
  for (uint32_t i = 0; i < size; ++i) {
    const Value pair = pairs.next();
    if (type_of(pair) != Type::kArray || array_size(pair) != 2) {
      return machine.fail_type(0, "pairs of key and value", pair);
    }
    Elements parts(pair);
    const Value name = parts.next();
    if (type_of(name) != Type::kString) return machine.fail_type(0, "a string as key", name);
    std::string_view text;
    if (!text_of(machine, name, text)) return false;
    builder.add(plain_key(text), parts.next());
  }
  return builder.finish(out);
}

bool pick(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view* names = nullptr;
  uint32_t size = 0;
  if (!listed_names(machine, arguments, names, size)) return false;
  ObjectBuilder builder(machine, size);
  if (!builder.valid()) return false;
  // Looking up on a tape goes through the members one by one.
  const uint64_t members = arguments[0].kind == Kind::kView ? arguments[0].view().count() : 1;
  if (!machine.charge(size * members / 16)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    Value value;
    if (find_member(arguments[0], names[i], value)) builder.add(plain_key(names[i]), value);
  }
  return builder.finish(out);
}

// Sorting the names makes this n log n, whatever is listed.
bool omit(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view* names = nullptr;
  uint32_t size = 0;
  if (!listed_names(machine, arguments, names, size)) return false;
  std::sort(names, names + size);
  Object object;
  uint32_t members = 0;
  if (!members_of(machine, arguments[0], object, members)) return false;
  ObjectBuilder builder(machine, members);
  if (!builder.valid()) return false;
  for (uint32_t i = 0; i < members; ++i) {
    if (std::binary_search(names, names + size, object.keys[i].view())) continue;
    builder.add(object.keys[i], object.values[i]);
  }
  return builder.finish(out);
}

// Members of later objects are added later, and of equal keys the builder keeps the last.
bool merge(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count > 0);
  auto* objects = machine.allocate<Object>(count);
  auto* sizes = machine.allocate<uint32_t>(count);
  if (objects == nullptr || sizes == nullptr) return false;
  uint64_t total = 0;
  for (uint32_t i = 0; i < count; ++i) {
    if (!members_of(machine, arguments[i], objects[i], sizes[i])) return false;
    total += sizes[i];
  }
  if (total > UINT32_MAX) return machine.fail(Category::kLimit, "an object of more than 2^32 - 1 members");
  ObjectBuilder builder(machine, static_cast<uint32_t>(total));
  if (!builder.valid()) return false;
  for (uint32_t i = 0; i < count; ++i) {
    for (uint32_t k = 0; k < sizes[i]; ++k) builder.add(objects[i].keys[k], objects[i].values[k]);
  }
  return builder.finish(out);
}

}  // namespace colloquium::computo::ops
