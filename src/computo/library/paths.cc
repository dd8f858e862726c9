#include "computo/library/paths.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/assert.h"
#include "computo/failure.h"
#include "computo/library/elements.h"
#include "computo/library/places.h"
#include "computo/library/texts.h"
#include "computo/number.h"
#include "computo/pointer.h"

namespace colloquium::computo::ops {

namespace {

// Whether `a` stands behind `b` in a value: what is removed first must not move what is removed later.
bool stands_behind(const Place& a, const Place& b) {
  const uint32_t common = std::min(a.size, b.size);
  for (uint32_t i = 0; i < common; ++i) {
    const PlaceStep& x = a.steps[i];
    const PlaceStep& y = b.steps[i];
    if (x.key == y.key) continue;
    // Indexes and names are never places of the same container, but a sort needs them in some order.
    if ((x.index == kNoIndex) != (y.index == kNoIndex)) return y.index == kNoIndex;
    if (x.index != kNoIndex) return x.index > y.index;
    return x.key > y.key;
  }
  return a.size > b.size;
}

bool same_place(const Place& a, const Place& b) {
  ASSERT(a.size == 0 || a.steps != nullptr);
  return std::equal(a.steps, a.steps + a.size, b.steps, b.steps + b.size,
                    [](const PlaceStep& x, const PlaceStep& y) { return x.key == y.key; });
}

bool remove_all(Machine& machine, Place* places, uint32_t count, Value& v) {
  std::sort(places, places + count, stands_behind);
  for (uint32_t i = 0; i < count; ++i) {
    if (i > 0 && same_place(places[i - 1], places[i])) continue;
    // "-" is the place behind the last element: nothing stands there.
    Value rest;
    const Outcome outcome = change_place(machine, v, places[i], Change::kRemove, null_value(), rest);
    if (outcome == Outcome::kFailed) return false;
    if (outcome == Outcome::kDone) v = rest;
  }
  ASSERT(!machine.failed());
  return true;
}

// Where lookup looks: a member by name, an element by index. An integer also names a member, since groupBy and
// indexBy make such names of numbers; its digits are written where `digits` points.
bool key_argument(Machine& machine, const Value* arguments, std::array<char, 20>& digits, PlaceStep& step) {
  step.index = kNoIndex;
  const Value& key = arguments[1];
  if (type_of(key) == Type::kString) return text_argument(machine, arguments, 1, step.key);
  const Value number = type_of(key) == Type::kNumber ? decode_number(key) : double_value(0.5);
  if (!is_integral(number)) return machine.fail_type(1, "string or integer", key);
  int64_t n = to_integer(number);
  if (type_of(arguments[0]) == Type::kArray) {
    if (n < 0) n += array_size(arguments[0]);
    if (n >= 0) step.index = static_cast<uint64_t>(n);
    return true;
  }
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n);
  ASSERT(end.ec == std::errc());
  step.key = {digits.data(), static_cast<size_t>(end.ptr - digits.data())};
  return true;
}

class LeafPaths {
 public:
  explicit LeafPaths(Machine& machine) : machine_(machine), path_(machine), found_(machine) {}

  bool visit(const Value& v, uint32_t depth) {
    if (depth > kMostNesting) return machine_.fail_nesting();
    if (!machine_.charge(1)) return false;
    const Type type = type_of(v);
    if (type == Type::kArray && array_size(v) > 0) return array(v, depth + 1);
    if (type == Type::kObject && is_truthy(v)) return object(v, depth + 1);
    ASSERT(!machine_.failed());
    Value text;
    return path_.value(text) && found_.push(text);
  }

  void finish(Value& out) const { found_.finish(out); }

 private:
  bool array(const Value& v, uint32_t depth) {
    Elements elements(v);
    const uint32_t size = array_size(v);
    for (uint32_t i = 0; i < size; ++i) {
      const size_t before = path_.push(i);
      if (!visit(elements.next(), depth)) return false;
      path_.pop(before);
    }
    ASSERT(size > 0);
    return true;
  }

  bool object(const Value& v, uint32_t depth) {
    Object members;
    uint32_t count = 0;
    if (!members_of(machine_, v, members, count)) return false;
    for (uint32_t i = 0; i < count; ++i) {
      const size_t before = path_.push(members.keys[i].view());
      if (!visit(members.values[i], depth)) return false;
      path_.pop(before);
    }
    ASSERT(count > 0);
    return true;
  }

  Machine& machine_;
  PathText path_;
  ListBuilder found_;
};

}  // namespace

std::string check_pointer(std::span<const ConstantText> arguments) {
  ASSERT(arguments.size() >= 2);
  if (!arguments[1] || arguments[1]->empty()) return {};
  const std::string_view text = *arguments[1];
  if (text[0] == '[') return {};  // an array of pointers
  bool good = text[0] == '/';
  for (size_t i = text.find('~'); good && i != std::string_view::npos; i = text.find('~', i + 1)) {
    good = i + 1 < text.size() && (text[i + 1] == '0' || text[i + 1] == '1');
  }
  return good ? "" : pointer_problem(text, "\"" + std::string(text) + "\"");
}

bool has(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  Place place;
  if (!place_argument(machine, 1, arguments[1], place)) return false;
  Value v = arguments[0];
  const Outcome outcome = find_place(machine, place, v);
  out = bool_value(outcome == Outcome::kDone);
  return outcome != Outcome::kFailed;
}

bool set(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 3);
  Place place;
  if (!place_argument(machine, 1, arguments[1], place)) return false;
  const Outcome outcome = change_place(machine, arguments[0], place, Change::kSet, arguments[2], out);
  if (outcome != Outcome::kNowhere) return outcome == Outcome::kDone;
  return machine.fail_argument(1, Category::kPointer,
                               "the pointer leads through a value that has no members, or beyond an array's end");
}

bool delete_at(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const bool several = type_of(arguments[1]) == Type::kArray;
  const uint32_t size = several ? array_size(arguments[1]) : 1;
  const ScratchScope scratch(machine);
  auto* const places = machine.charge(size) ? machine.allocate_scratch<Place>(size) : nullptr;
  if (places == nullptr) return false;
  if (several) {
    Elements elements(arguments[1]);
    for (uint32_t i = 0; i < size; ++i) {
      if (!place_argument(machine, 1, elements.next(), places[i])) return false;
    }
  } else if (!place_argument(machine, 1, arguments[1], places[0])) {
    return false;
  }
  out = arguments[0];
  return remove_all(machine, places, size, out);
}

bool lookup(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  std::array<char, 20> digits;
  PlaceStep step;
  if (!key_argument(machine, arguments, digits, step)) return false;
  out = arguments[0];
  const Outcome outcome = find_place(machine, {&step, 1}, out);
  if (outcome != Outcome::kNowhere) return outcome == Outcome::kDone;
  if (count == 3) {
    out = arguments[2];
    return true;
  }
  return machine.fail_argument(1, Category::kPointer, "no member or element for " + describe(arguments[1]));
}

bool paths(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  LeafPaths leaves(machine);
  if (!leaves.visit(arguments[0], 0)) return false;
  leaves.finish(out);
  return true;
}

}  // namespace colloquium::computo::ops
