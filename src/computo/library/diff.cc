#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "computo/compare.h"
#include "computo/library/elements.h"
#include "computo/library/patches.h"
#include "computo/library/places.h"

namespace colloquium::computo::ops {

namespace {

// The table of common subsequences has this many cells at most; larger arrays are compared place by place.
constexpr uint64_t kMostCells = 1u << 18;

constexpr Key fixed_key(std::string_view name) {
  return {name.data(), nullptr, static_cast<uint32_t>(name.size()), 0};
}
constexpr Key kOperationKeys[] = {fixed_key("op"), fixed_key("path"), fixed_key("value")};

// Part of an array that is compared: elements and their hashes.
struct Run {
  const Value* items;
  const uint64_t* hashes;
  uint32_t size;
};

class Differ {
 public:
  explicit Differ(Machine& machine) : machine_(machine), path_(machine), operations_(machine) {}

  bool compare(const Value& a, const Value& b, uint32_t depth) {
    if (depth > kMostNesting) return machine_.fail_nesting();
    const Type type = type_of(a);
    if (type != type_of(b)) return add("replace", &b);
    if (type != Type::kArray && type != Type::kObject) {
      const bool same = equal(machine_, a, b);
      return !machine_.failed() && (same || add("replace", &b));
    }
    ASSERT(!machine_.failed());
    const bool same_bytes = a.kind == Kind::kView && b.kind == Kind::kView && a.view().raw() == b.view().raw();
    if (same_bytes) return machine_.charge(a.token().length / 64);
    return type == Type::kArray ? arrays(a, b, depth + 1) : objects(a, b, depth + 1);
  }

  void finish(Value& out) const { operations_.finish(out); }

 private:
  // An operation at the path as it is now.
  bool add(std::string_view name, const Value* value) {
    const uint32_t size = value != nullptr ? 3 : 2;
    auto* const object = machine_.allocate<Object>(1);
    auto* const values = object != nullptr ? machine_.allocate<Value>(size) : nullptr;
    if (values == nullptr) return false;
    ASSERT(std::is_sorted(std::begin(kOperationKeys), std::end(kOperationKeys),
                          [](const Key& x, const Key& y) { return x.view() < y.view(); }));
    values[0] = string_value(name);
    if (!path_.value(values[1])) return false;
    if (value != nullptr) values[2] = *value;
    *object = {kOperationKeys, values};
    return operations_.push(object_value(object, size));
  }

  template <class Token>
  bool add_at(Token token, std::string_view name, const Value* value) {
    const size_t before = path_.push(token);
    const bool done = add(name, value);
    ASSERT(done != machine_.failed());
    path_.pop(before);
    return done;
  }

  template <class Token>
  bool compare_at(Token token, const Value& a, const Value& b, uint32_t depth) {
    const size_t before = path_.push(token);
    const bool done = compare(a, b, depth);
    ASSERT(done != machine_.failed());
    path_.pop(before);
    return done;
  }

  bool objects(const Value& a, const Value& b, uint32_t depth) {
    Object x;
    Object y;
    uint32_t x_count = 0;
    uint32_t y_count = 0;
    if (!members_of(machine_, a, x, x_count) || !members_of(machine_, b, y, y_count)) return false;
    uint32_t i = 0;
    uint32_t k = 0;
    bool fine = machine_.charge(uint64_t{x_count} + y_count + 1);
    while (fine && (i < x_count || k < y_count)) {
      const int order = i == x_count ? 1 : k == y_count ? -1 : x.keys[i].view().compare(y.keys[k].view());
      if (order < 0) {
        fine = add_at(x.keys[i].view(), "remove", nullptr);
      } else if (order > 0) {
        fine = add_at(y.keys[k].view(), "add", &y.values[k]);
      } else {
        fine = compare_at(x.keys[i].view(), x.values[i], y.values[k], depth);
      }
      i += order <= 0 ? 1 : 0;
      k += order >= 0 ? 1 : 0;
    }
    ASSERT(!fine || (i == x_count && k == y_count));
    return fine;
  }

  bool same(const Run& a, uint32_t i, const Run& b, uint32_t k) {
    ASSERT(i < a.size && k < b.size);
    return a.hashes[i] == b.hashes[k] && equal(machine_, a.items[i], b.items[k]);
  }

  bool run_of(const Value& array, Run& out) {
    out = {items_of(machine_, array), nullptr, array_size(array)};
    auto* const hashes = out.items != nullptr ? machine_.allocate_scratch<uint64_t>(out.size) : nullptr;
    if (hashes == nullptr) return false;
    for (uint32_t i = 0; i < out.size; ++i) hashes[i] = hash(machine_, out.items[i]);
    out.hashes = hashes;
    return !machine_.failed();
  }

  // What both arrays begin and end with is left alone; between, elements that are in both, in the same order,
  // stay, and what lies between those is compared in pairs, removed or added.
  bool arrays(const Value& a, const Value& b, uint32_t depth) {
    const ScratchScope scratch(machine_);
    Run x;
    Run y;
    if (!run_of(a, x) || !run_of(b, y)) return false;
    uint32_t front = 0;
    while (front < x.size && front < y.size && same(x, front, y, front)) ++front;
    while (x.size > front && y.size > front && same(x, x.size - 1, y, y.size - 1)) {
      --x.size;
      --y.size;
    }
    ASSERT(front <= x.size && front <= y.size);
    if (machine_.failed()) return false;
    x = {x.items + front, x.hashes + front, x.size - front};
    y = {y.items + front, y.hashes + front, y.size - front};
    if (uint64_t{x.size + 1} * (y.size + 1) > kMostCells) {
      uint32_t at = front;
      return gap(x, y, at, depth);
    }
    return by_subsequence(x, y, front, depth);
  }

  // Fills `lengths`: of the longest common subsequence of what begins at i and at k.
  bool fill(const Run& x, const Run& y, uint16_t* lengths) {
    const size_t row = size_t{y.size} + 1;
    ASSERT(row * (x.size + 1) <= kMostCells);
    std::memset(lengths, 0, row * (x.size + 1) * sizeof(uint16_t));
    for (uint32_t i = x.size; i-- > 0;) {
      for (uint32_t k = y.size; k-- > 0;) {
        uint16_t* const cell = lengths + i * row + k;
        // Equal hashes are taken for equal values here; where it matters, they are compared.
        *cell =
            x.hashes[i] == y.hashes[k] ? static_cast<uint16_t>(cell[row + 1] + 1) : std::max(cell[row], cell[1]);
      }
    }
    return machine_.charge(row * (x.size + 1) / kPassedPerStep);
  }

  bool by_subsequence(const Run& x, const Run& y, uint32_t at, uint32_t depth) {
    const size_t row = size_t{y.size} + 1;
    auto* const lengths = machine_.allocate_scratch<uint16_t>(row * (x.size + 1));
    if (lengths == nullptr || !fill(x, y, lengths)) return false;
    uint32_t i = 0;
    uint32_t k = 0;
    uint32_t i_begin = 0;
    uint32_t k_begin = 0;
    while (i < x.size && k < y.size) {
      const uint16_t* const cell = lengths + i * row + k;
      if (x.hashes[i] == y.hashes[k] && same(x, i, y, k)) {
        if (!between(x, i_begin, i, y, k_begin, k, at, depth)) return false;
        ++at;
        i_begin = ++i;
        k_begin = ++k;
      } else if (cell[row] >= cell[1]) {
        ++i;
      } else {
        ++k;
      }
      if (machine_.failed()) return false;
    }
    ASSERT(i_begin <= x.size && k_begin <= y.size);
    return between(x, i_begin, x.size, y, k_begin, y.size, at, depth);
  }

  bool between(const Run& x, uint32_t i, uint32_t i_end, const Run& y, uint32_t k, uint32_t k_end, uint32_t& at,
               uint32_t depth) {
    ASSERT(i <= i_end && k <= k_end);
    return gap({x.items + i, x.hashes + i, i_end - i}, {y.items + k, y.hashes + k, k_end - k}, at, depth);
  }

  // Elements that have nothing in common in order: pairs are compared, the rest is removed or added at `at`.
  bool gap(const Run& x, const Run& y, uint32_t& at, uint32_t depth) {
    const uint32_t pairs = std::min(x.size, y.size);
    for (uint32_t i = 0; i < pairs; ++i) {
      if (!compare_at(at++, x.items[i], y.items[i], depth)) return false;
    }
    for (uint32_t i = pairs; i < x.size; ++i) {
      if (!add_at(at, "remove", nullptr)) return false;
    }
    for (uint32_t i = pairs; i < y.size; ++i) {
      if (!add_at(at++, "add", &y.items[i])) return false;
    }
    ASSERT(!machine_.failed());
    return true;
  }

  Machine& machine_;
  PathText path_;
  ListBuilder operations_;
};

}  // namespace

bool diff(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  Differ differ(machine);
  if (!differ.compare(arguments[0], arguments[1], 0)) return false;
  differ.finish(out);
  return true;
}

}  // namespace colloquium::computo::ops
