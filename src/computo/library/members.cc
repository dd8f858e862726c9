// Objects turned into other objects, member by member.

#include <algorithm>

#include "base/assert.h"
#include "computo/library/elements.h"
#include "computo/library/paths.h"

namespace colloquium::computo::ops {

namespace {

// Both objects' members in ascending order, like a merge of two sorted lists.
class DeepMerge {
 public:
  explicit DeepMerge(Machine& machine) : machine_(machine) {}

  bool merge(const Value& a, const Value& b, uint32_t depth, Value& out) {
    if (depth > kMostNesting) return machine_.fail_nesting();
    Object x;
    Object y;
    uint32_t x_count = 0;
    uint32_t y_count = 0;
    if (!members_of(machine_, a, x, x_count) || !members_of(machine_, b, y, y_count)) return false;
    ASSERT(type_of(a) == Type::kObject && type_of(b) == Type::kObject);
    // Merging with nothing leaves the other one as it is.
    if (x_count == 0 || y_count == 0) {
      out = x_count == 0 ? b : a;
      return true;
    }
    const uint64_t most = uint64_t{x_count} + y_count;
    if (most > UINT32_MAX) return machine_.fail(Category::kLimit, "an object of more than 2^32 - 1 members");
    ObjectBuilder builder(machine_, static_cast<uint32_t>(most));
    if (!builder.valid()) return false;
    uint32_t i = 0;
    uint32_t k = 0;
    while (i < x_count || k < y_count) {
      const int order = i == x_count ? 1 : k == y_count ? -1 : x.keys[i].view().compare(y.keys[k].view());
      Value value = order < 0 ? x.values[i] : y.values[k];
      if (order == 0 && !both(x.values[i], y.values[k], depth, value)) return false;
      builder.add(order < 0 ? x.keys[i] : y.keys[k], value);
      i += order <= 0 ? 1 : 0;
      k += order >= 0 ? 1 : 0;
    }
    return builder.finish(out);
  }

 private:
  bool both(const Value& a, const Value& b, uint32_t depth, Value& out) {
    ASSERT(!machine_.failed());
    if (type_of(a) == Type::kObject && type_of(b) == Type::kObject) return merge(a, b, depth + 1, out);
    out = b;
    return true;
  }

  Machine& machine_;
};

// Drops what is null, or empty; what holds nothing to drop stays as it is, a view of the event.
class Compactor {
 public:
  Compactor(Machine& machine, bool empty) : machine_(machine), empty_(empty) {}

  bool run(const Value& v, uint32_t depth, Value& out) {
    if (depth > kMostNesting) return machine_.fail_nesting();
    out = v;
    if (!machine_.charge(1)) return false;
    ASSERT(!machine_.failed());
    switch (type_of(v)) {
      case Type::kArray:
        return array(v, depth + 1, out);
      case Type::kObject:
        return object(v, depth + 1, out);
      default:
        return true;
    }
  }

 private:
  bool drops(const Value& v) const {
    if (!empty_) return type_of(v) == Type::kNull;
    switch (type_of(v)) {
      case Type::kNull:
        return true;
      case Type::kString:
      case Type::kArray:
      case Type::kObject:
        return !is_truthy(v);
      default:
        return false;
    }
  }

  // Whether the compacted child is the child itself: its kind and what it points to have not changed.
  static bool same(const Value& a, const Value& b) {
    return a.kind == b.kind && a.size == b.size && a.natural == b.natural;
  }

  bool array(const Value& v, uint32_t depth, Value& out) {
    const uint32_t size = array_size(v);
    const ScratchScope scratch(machine_);
    auto* const kept = machine_.allocate_scratch<Value>(size);
    if (kept == nullptr) return false;
    Elements elements(v);
    uint32_t count = 0;
    bool changed = false;
    for (uint32_t i = 0; i < size; ++i) {
      const Value element = elements.next();
      if (!run(element, depth, kept[count])) return false;
      changed = changed || drops(kept[count]) || !same(element, kept[count]);
      if (!drops(kept[count])) ++count;
    }
    if (!changed) return true;
    Value* const items = result_array(machine_, count);
    if (items == nullptr) return false;
    ASSERT(count <= size);
    std::copy_n(kept, count, items);
    out = array_value(items, count);
    return true;
  }

  bool object(const Value& v, uint32_t depth, Value& out) {
    Object members;
    uint32_t count = 0;
    if (!members_of(machine_, v, members, count)) return false;
    ObjectBuilder builder(machine_, count);
    if (!builder.valid()) return false;
    bool changed = false;
    for (uint32_t i = 0; i < count; ++i) {
      Value value;
      if (!run(members.values[i], depth, value)) return false;
      changed = changed || drops(value) || !same(members.values[i], value);
      if (!drops(value)) builder.add(members.keys[i], value);
    }
    ASSERT(!machine_.failed());
    return !changed || builder.finish(out);
  }

  Machine& machine_;
  bool empty_;
};

// The new name of a member, if the mapping has one for it.
bool new_name(Machine& machine, const Value& mapping, std::string_view old, Value& out, bool& renamed) {
  renamed = find_member(mapping, old, out);
  if (!renamed || type_of(out) == Type::kString) return true;
  ASSERT(type_of(mapping) == Type::kObject);
  return machine.fail_type(1, "strings as new names", out);
}

// The mapping that two strings stand for.
bool one_mapping(Machine& machine, const Value* arguments, Value& out) {
  std::string_view old;
  for (uint32_t i = 1; i < 3; ++i) {
    if (type_of(arguments[i]) != Type::kString) return machine.fail_type(i, "string", arguments[i]);
  }
  if (!text_of(machine, arguments[1], old)) return false;
  ObjectBuilder builder(machine, 1);
  if (!builder.valid()) return false;
  ASSERT(!machine.failed());
  builder.add(key_named(old), arguments[2]);
  return builder.finish(out);
}

}  // namespace

std::string check_compact(std::span<const ConstantText> arguments) {
  if (arguments.size() < 2 || !arguments[1] || arguments[1] == "nulls" || arguments[1] == "empty") return {};
  ASSERT(arguments.size() == 2);
  return "expected \"nulls\" or \"empty\", got \"" + std::string(*arguments[1]) + "\"";
}

bool compact(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  bool empty = false;
  if (count == 2) {
    std::string_view mode;
    if (!text_of(machine, arguments[1], mode)) return false;
    empty = mode == "empty";
    if (!empty && mode != "nulls") {
      return machine.fail_argument(1, Category::kValue, "expected \"nulls\" or \"empty\"");
    }
  }
  return Compactor(machine, empty).run(arguments[0], 0, out);
}

bool entries(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  Object object;
  uint32_t size = 0;
  if (!members_of(machine, arguments[0], object, size)) return false;
  Value* const items = result_array(machine, size);
  Value* const pairs = result_array(machine, uint64_t{size} * 2);
  if (items == nullptr || pairs == nullptr) return false;
  for (uint32_t i = 0; i < size; ++i) {
    pairs[2 * i] = string_value(object.keys[i].view());
    pairs[2 * i + 1] = object.values[i];
    items[i] = array_value(pairs + 2 * i, 2);
  }
  out = array_value(items, size);
  return true;
}

bool merge_deep(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count > 0);
  out = arguments[0];
  for (uint32_t i = 1; i < count; ++i) {
    const Value so_far = out;
    if (!DeepMerge(machine).merge(so_far, arguments[i], 0, out)) return false;
  }
  return true;
}

// Members that keep their names are added first: of equal keys the last added wins.
bool rename(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  Value mapping = arguments[1];
  if (count == 3 && !one_mapping(machine, arguments, mapping)) return false;
  if (type_of(mapping) != Type::kObject) return machine.fail_type(1, "object of names", mapping);
  Object names;
  uint32_t name_count = 0;
  if (!members_of(machine, mapping, names, name_count)) return false;
  Object object;
  uint32_t size = 0;
  if (!members_of(machine, arguments[0], object, size)) return false;
  auto* const sorted = machine.allocate<Object>(1);
  ObjectBuilder builder(machine, size);
  if (sorted == nullptr || !builder.valid() || !machine.charge(size)) return false;
  *sorted = names;
  const Value lookup = object_value(sorted, name_count);
  for (const bool moved : {false, true}) {
    for (uint32_t i = 0; i < size; ++i) {
      Value name;
      bool renamed = false;
      if (!new_name(machine, lookup, object.keys[i].view(), name, renamed)) return false;
      if (renamed != moved) continue;
      std::string_view text = object.keys[i].view();
      if (renamed && !text_of(machine, name, text)) return false;
      builder.add(renamed ? key_named(text) : object.keys[i], object.values[i]);
    }
  }
  return builder.finish(out);
}

}  // namespace colloquium::computo::ops
