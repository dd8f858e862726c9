#include "computo/compare.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <string_view>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/number.h"

namespace colloquium::computo {

namespace {

bool boolean_of(const Value& v) {
  ASSERT(type_of(v) == Type::kBoolean);
  return is_truthy(v);
}

// What comparing needs from the arena is given back: nothing refers to it afterwards.
class Scratch {
 public:
  explicit Scratch(Machine& machine) : arena_(machine.arena()), mark_(arena_.mark()) {}
  ~Scratch() { arena_.release(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

 private:
  Arena& arena_;
  Arena::Mark mark_;
};

// Every value visited costs a step: two values built of shared parts can be exponentially larger as trees than in
// memory, and comparing them walks the trees.
bool enter(Machine& machine, uint32_t depth) {
  ASSERT(depth <= kMostNesting + 1);
  if (!machine.charge(1)) return false;
  return depth <= kMostNesting || machine.fail_nesting();
}

// Equal bytes are equal values: most comparisons of large data end here.
bool same_bytes(const Value& a, const Value& b) {
  if (a.kind != Kind::kView || b.kind != Kind::kView) return false;
  ASSERT(a.source != nullptr && b.source != nullptr);
  return a.view().raw() == b.view().raw();
}

bool equal_at(Machine& machine, const Value& a, const Value& b, uint32_t depth);

bool equal_strings(Machine& machine, const Value& a, const Value& b) {
  std::string_view x;
  std::string_view y;
  ASSERT(type_of(a) == type_of(b));
  return text_of(machine, a, x) && text_of(machine, b, y) && x == y;
}

bool equal_arrays(Machine& machine, const Value& a, const Value& b, uint32_t depth) {
  const uint32_t size = array_size(a);
  if (size != array_size(b)) return false;
  ASSERT(depth > 0);
  Elements x(a);
  Elements y(b);
  for (uint32_t i = 0; i < size; ++i) {
    if (!equal_at(machine, x.next(), y.next(), depth)) return false;
  }
  return true;
}

bool equal_objects(Machine& machine, const Value& a, const Value& b, uint32_t depth) {
  ASSERT(depth > 0);
  Object x;
  Object y;
  uint32_t x_count = 0;
  uint32_t y_count = 0;
  if (!members_of(machine, a, x, x_count) || !members_of(machine, b, y, y_count)) return false;
  if (x_count != y_count) return false;
  // Keys first: they are cheap to compare and differ most often.
  for (uint32_t i = 0; i < x_count; ++i) {
    if (x.keys[i].view() != y.keys[i].view()) return false;
  }
  for (uint32_t i = 0; i < x_count; ++i) {
    if (!equal_at(machine, x.values[i], y.values[i], depth)) return false;
  }
  return true;
}

bool equal_at(Machine& machine, const Value& a, const Value& b, uint32_t depth) {
  if (!enter(machine, depth)) return false;
  const Type type = type_of(a);
  if (type != type_of(b)) return false;
  switch (type) {
    case Type::kNull:
      return true;
    case Type::kBoolean:
      return boolean_of(a) == boolean_of(b);
    case Type::kNumber:
      return compare_numbers(decode_number(a), decode_number(b)) == 0;
    case Type::kString:
      return equal_strings(machine, a, b);
    case Type::kArray:
      return same_bytes(a, b) || equal_arrays(machine, a, b, depth + 1);
    case Type::kObject:
      return same_bytes(a, b) || equal_objects(machine, a, b, depth + 1);
    case Type::kFunction:
      return false;
  }
  ASSERT_WHY(false, "every type is listed");
  return false;
}

int order_at(Machine& machine, const Value& a, const Value& b, uint32_t depth);

int order_strings(Machine& machine, const Value& a, const Value& b) {
  std::string_view x;
  std::string_view y;
  ASSERT(type_of(a) == type_of(b));
  if (!text_of(machine, a, x) || !text_of(machine, b, y)) return 0;
  return x.compare(y);
}

int by_size(uint32_t a, uint32_t b) {
  return a < b ? -1 : a > b;
}

int order_arrays(Machine& machine, const Value& a, const Value& b, uint32_t depth) {
  ASSERT(depth > 0);
  const uint32_t x_size = array_size(a);
  const uint32_t y_size = array_size(b);
  Elements x(a);
  Elements y(b);
  for (uint32_t i = 0; i < std::min(x_size, y_size); ++i) {
    const int result = order_at(machine, x.next(), y.next(), depth);
    if (result != 0) return result;
  }
  return by_size(x_size, y_size);
}

int order_objects(Machine& machine, const Value& a, const Value& b, uint32_t depth) {
  ASSERT(depth > 0);
  Object x;
  Object y;
  uint32_t x_count = 0;
  uint32_t y_count = 0;
  if (!members_of(machine, a, x, x_count) || !members_of(machine, b, y, y_count)) return 0;
  for (uint32_t i = 0; i < std::min(x_count, y_count); ++i) {
    const int by_key = x.keys[i].view().compare(y.keys[i].view());
    if (by_key != 0) return by_key;
    const int by_value = order_at(machine, x.values[i], y.values[i], depth);
    if (by_value != 0) return by_value;
  }
  return by_size(x_count, y_count);
}

int order_at(Machine& machine, const Value& a, const Value& b, uint32_t depth) {
  if (!enter(machine, depth)) return 0;
  const Type type = type_of(a);
  const Type other = type_of(b);
  if (type != other) return type < other ? -1 : 1;
  switch (type) {
    case Type::kNull:
      return 0;
    case Type::kBoolean:
      return static_cast<int>(boolean_of(a)) - static_cast<int>(boolean_of(b));
    case Type::kNumber:
      return compare_numbers(decode_number(a), decode_number(b));
    case Type::kString:
      return order_strings(machine, a, b);
    case Type::kArray:
      return order_arrays(machine, a, b, depth + 1);
    case Type::kObject:
      return order_objects(machine, a, b, depth + 1);
    case Type::kFunction:
      return 0;
  }
  ASSERT_WHY(false, "every type is listed");
  return 0;
}

// Order matters: [1, 2] and [2, 1] differ.
uint64_t mix(uint64_t h, uint64_t more) {
  return (h ^ more) * 0x9e3779b97f4a7c15u + (h >> 29);
}

uint64_t hash_at(Machine& machine, const Value& v, uint32_t depth);

uint64_t hash_array(Machine& machine, const Value& v, uint32_t depth) {
  ASSERT(depth > 0);
  uint64_t h = 5;
  Elements elements(v);
  for (uint32_t i = array_size(v); i > 0; --i) h = mix(h, hash_at(machine, elements.next(), depth));
  return h;
}

uint64_t hash_object(Machine& machine, const Value& v, uint32_t depth) {
  ASSERT(depth > 0);
  uint64_t h = 6;
  Object object;
  uint32_t count = 0;
  if (!members_of(machine, v, object, count)) return h;
  for (uint32_t i = 0; i < count; ++i) {
    h = mix(h, std::hash<std::string_view>()(object.keys[i].view()));
    h = mix(h, hash_at(machine, object.values[i], depth));
  }
  return h;
}

uint64_t hash_at(Machine& machine, const Value& v, uint32_t depth) {
  if (!enter(machine, depth)) return 0;
  const Type type = type_of(v);
  switch (type) {
    case Type::kNull:
      return 1;
    case Type::kBoolean:
      return boolean_of(v) ? 3 : 2;
    case Type::kNumber:
      return hash_number(decode_number(v));
    case Type::kString: {
      std::string_view text;
      return text_of(machine, v, text) ? std::hash<std::string_view>()(text) : 0;
    }
    case Type::kArray:
      return hash_array(machine, v, depth + 1);
    case Type::kObject:
      return hash_object(machine, v, depth + 1);
    case Type::kFunction:
      return 7;
  }
  ASSERT_WHY(false, "every type is listed");
  return 0;
}

}  // namespace

bool equal(Machine& machine, const Value& a, const Value& b) {
  const Scratch scratch(machine);
  const bool result = equal_at(machine, a, b, 0);
  ASSERT(!result || type_of(a) == type_of(b) || machine.failed());
  return result;
}

int order(Machine& machine, const Value& a, const Value& b) {
  const Scratch scratch(machine);
  return order_at(machine, a, b, 0);
}

uint64_t hash(Machine& machine, const Value& v) {
  const Scratch scratch(machine);
  return hash_at(machine, v, 0);
}

}  // namespace colloquium::computo
