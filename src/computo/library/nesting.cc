// Nested objects made one level deep, and back.

#include <algorithm>

#include "base/assert.h"
#include "computo/library/elements.h"
#include "computo/library/paths.h"

namespace colloquium::computo::ops {

namespace {

bool separator_argument(Machine& machine, const Value* arguments, uint32_t count, std::string_view& out) {
  out = ".";
  if (count < 2) return true;
  if (!text_of(machine, arguments[1], out)) return false;
  ASSERT(!machine.failed());
  return !out.empty() || machine.fail_argument(1, Category::kValue, "expected a separator that is not empty");
}

// How many members an object has when it is flat.
bool count_flat(Machine& machine, const Value& object, uint32_t depth, uint64_t& count) {
  if (depth > kMostNesting) return machine.fail_nesting();
  Object members;
  uint32_t size = 0;
  if (!members_of(machine, object, members, size) || !machine.charge(uint64_t{size} + 1)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    const bool nested = type_of(members.values[i]) == Type::kObject && is_truthy(members.values[i]);
    if (!nested) ++count;
    if (nested && !count_flat(machine, members.values[i], depth + 1, count)) return false;
  }
  ASSERT(!machine.failed());
  return true;
}

// `prefix` is what stands before a member's own name, the separator included.
bool add_flat(Machine& machine, const Value& object, std::string_view prefix, std::string_view separator,
              ObjectBuilder& builder) {
  Object members;
  uint32_t size = 0;
  if (!members_of(machine, object, members, size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    const std::string_view name = members.keys[i].view();
    const bool nested = type_of(members.values[i]) == Type::kObject && is_truthy(members.values[i]);
    if (!nested && prefix.empty()) {
      builder.add(members.keys[i], members.values[i]);
      continue;
    }
    const size_t bytes = prefix.size() + name.size() + (nested ? separator.size() : 0);
    if (bytes > UINT32_MAX / 4) return machine.fail(Category::kLimit, "a name of more than 2^30 bytes");
    char* const path = machine.charge(bytes / 64) ? machine.allocate<char>(bytes) : nullptr;
    if (path == nullptr) return false;
    char* const end = std::copy(name.begin(), name.end(), std::copy(prefix.begin(), prefix.end(), path));
    if (!nested) {
      builder.add(key_named({path, bytes}), members.values[i]);
      continue;
    }
    std::copy(separator.begin(), separator.end(), end);
    if (!add_flat(machine, members.values[i], {path, bytes}, separator, builder)) return false;
  }
  ASSERT(!machine.failed());
  return true;
}

// A member of the flat object; `rest` is what is left of its name at the level that is being made.
struct FlatMember {
  std::string_view rest;
  Value value;
  bool ended;  // nothing is left, not even an empty name
};

// The first part of what is left.
std::string_view head_of(std::string_view rest, std::string_view separator) {
  return rest.substr(0, std::min(rest.find(separator), rest.size()));
}

// By parts, so that members of one object stand together whatever bytes sort before the separator's.
bool before_by_parts(std::string_view a, std::string_view b, std::string_view separator) {
  while (true) {
    const std::string_view x = head_of(a, separator);
    const std::string_view y = head_of(b, separator);
    if (x != y) return x < y;
    if (y.size() == b.size()) return false;
    if (x.size() == a.size()) return true;
    a.remove_prefix(x.size() + separator.size());
    b.remove_prefix(y.size() + separator.size());
  }
}

class Unflattener {
 public:
  Unflattener(Machine& machine, std::string_view separator) : machine_(machine), separator_(separator) {}

  // The object of the sorted members [begin, end), whose names all go on.
  bool object(FlatMember* begin, FlatMember* end, uint32_t depth, Value& out) {
    if (depth > kMostNesting) return machine_.fail_nesting();
    ASSERT(begin <= end);
    ObjectBuilder builder(machine_, static_cast<uint32_t>(end - begin));
    if (!builder.valid() || !machine_.charge(static_cast<uint64_t>(end - begin) + 1)) return false;
    while (begin < end) {
      const std::string_view name = head_of(begin->rest, separator_);
      FlatMember* next = begin;
      for (; next < end && head_of(next->rest, separator_) == name; ++next) {
        next->ended = next->rest.size() == name.size();
        if (!next->ended) next->rest.remove_prefix(name.size() + separator_.size());
      }
      Value value = begin->value;
      if (begin->ended && next - begin > 1) return fail_conflict(name);
      if (!begin->ended && !object(begin, next, depth + 1, value)) return false;
      builder.add(key_named(name), value);
      begin = next;
    }
    return builder.finish(out);
  }

 private:
  bool fail_conflict(std::string_view name) {
    ASSERT(!machine_.failed());
    return machine_.fail_argument(
        0, Category::kValue,
        "\"" + std::string(name.substr(0, 40)) + "\" is a value, and the beginning of other names too");
  }

  Machine& machine_;
  std::string_view separator_;
};

}  // namespace

std::string check_separator(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  return arguments.size() > 1 && arguments[1] == "" ? "expected a separator that is not empty" : "";
}

bool flatten_object(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  std::string_view separator;
  if (!separator_argument(machine, arguments, count, separator)) return false;
  uint64_t size = 0;
  if (!count_flat(machine, arguments[0], 0, size)) return false;
  if (size > UINT32_MAX) return machine.fail(Category::kLimit, "an object of more than 2^32 - 1 members");
  ObjectBuilder builder(machine, static_cast<uint32_t>(size));
  if (!builder.valid()) return false;
  return add_flat(machine, arguments[0], {}, separator, builder) && builder.finish(out);
}

bool unflatten_object(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  std::string_view separator;
  if (!separator_argument(machine, arguments, count, separator)) return false;
  Object members;
  uint32_t size = 0;
  if (!members_of(machine, arguments[0], members, size)) return false;
  const ScratchScope scratch(machine);
  auto* const flat = machine.allocate_scratch<FlatMember>(size);
  if (flat == nullptr) return false;
  for (uint32_t i = 0; i < size; ++i) flat[i] = {members.keys[i].view(), members.values[i], false};
  std::sort(flat, flat + size,
            [&](const FlatMember& a, const FlatMember& b) { return before_by_parts(a.rest, b.rest, separator); });
  return Unflattener(machine, separator).object(flat, flat + size, 0, out);
}

}  // namespace colloquium::computo::ops
