#include "computo/library/places.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/failure.h"
#include "computo/library/elements.h"
#include "computo/pointer.h"
#include "computo/text.h"

namespace colloquium::computo::ops {

namespace {

// The token without its escapes; false if one is wrong.
bool unescaped(Machine& machine, std::string_view token, std::string_view& out) {
  out = token;
  if (token.find('~') == std::string_view::npos) return true;
  char* const text = machine.allocate<char>(token.size());
  if (text == nullptr) return false;
  size_t size = 0;
  for (size_t i = 0; i < token.size(); ++i) {
    char c = token[i];
    if (c == '~') {
      if (++i == token.size() || (token[i] != '0' && token[i] != '1')) return false;
      c = token[i] == '0' ? '~' : '/';
    }
    text[size++] = c;
  }
  ASSERT(size < token.size());
  out = {text, size};
  return true;
}

bool step_into(const PlaceStep& step, Value& v, uint64_t& passed) {
  switch (type_of(v)) {
    case Type::kObject:
      if (v.kind == Kind::kView) passed += v.token().count;
      return find_member(v, step.key, v);
    case Type::kArray:
      if (step.index >= array_size(v)) return false;
      if (v.kind == Kind::kArray) {
        v = v.items[step.index];
        return true;
      }
      passed += step.index;
      v.size = v.view().element(step.index)->index();
      return true;
    default:
      ASSERT(v.kind != Kind::kCell);
      return false;
  }
}

// An array's elements with some of them replaced: room in front of `at` and behind it is copied.
bool spliced(Machine& machine, const Value& array, uint32_t at, uint32_t removed, const Value* inserted,
             Value& out) {
  const uint32_t size = array_size(array);
  ASSERT(at <= size && removed <= size - at);
  const uint32_t added = inserted != nullptr ? 1 : 0;
  Value* const items = result_array(machine, uint64_t{size} - removed + added);
  if (items == nullptr) return false;
  Elements elements(array);
  Value* to = items;
  for (uint32_t i = 0; i < size; ++i) {
    const Value element = elements.next();
    if (i == at && added > 0) *to++ = *inserted;
    if (i < at || i >= at + removed) *to++ = element;
  }
  if (at == size && added > 0) *to++ = *inserted;
  out = array_value(items, static_cast<uint32_t>(to - items));
  return true;
}

// One change, from the root down; each level replaces one child of its container by what the next one made.
class Changer {
 public:
  Changer(Machine& machine, const Place& place, Change change, const Value& value)
      : machine_(machine), place_(place), change_(change), value_(value) {}

  Outcome run(const Value& root, Value& out) {
    if (place_.size > kMostNesting) {
      machine_.fail_nesting();
      return Outcome::kFailed;
    }
    ASSERT(!machine_.failed());
    if (place_.size > 0) return change(root, 0, out);
    out = change_ == Change::kRemove ? null_value() : value_;
    return Outcome::kDone;
  }

 private:
  Outcome change(const Value& v, uint32_t level, Value& out) {
    ASSERT(level < place_.size);
    switch (type_of(v)) {
      case Type::kObject:
        return in_object(v, level, out);
      case Type::kArray:
        return in_array(v, level, out);
      case Type::kNull:
        if (change_ == Change::kSet) return made(level, out);
        return Outcome::kNowhere;
      default:
        return Outcome::kNowhere;
    }
  }

  Outcome in_object(const Value& v, uint32_t level, Value& out) {
    const std::string_view key = place_.steps[level].key;
    Value child;
    if (v.kind == Kind::kView && !machine_.charge(v.token().count / kPassedPerStep)) return Outcome::kFailed;
    const bool present = find_member(v, key, child);
    if (level + 1 == place_.size) {
      if (!present && (change_ == Change::kReplace || change_ == Change::kRemove)) return Outcome::kNowhere;
      return done(with_member(machine_, v, key, change_ == Change::kRemove ? nullptr : &value_, out));
    }
    ASSERT(level < kMostNesting);
    if (!present && change_ != Change::kSet) return Outcome::kNowhere;
    Value changed;
    const Outcome below = present ? change(child, level + 1, changed) : made(level + 1, changed);
    return below == Outcome::kDone ? done(with_member(machine_, v, key, &changed, out)) : below;
  }

  Outcome in_array(const Value& v, uint32_t level, Value& out) {
    const PlaceStep& step = place_.steps[level];
    const uint32_t size = array_size(v);
    const uint64_t index = step.key == "-" ? size : step.index;
    const bool appends = change_ == Change::kSet || (change_ == Change::kAdd && level + 1 == place_.size);
    if (index > size || (index == size && !appends)) return Outcome::kNowhere;
    const auto at = static_cast<uint32_t>(index);
    if (level + 1 == place_.size) {
      const uint32_t removed = at == size || change_ == Change::kAdd ? 0 : 1;
      return done(spliced(machine_, v, at, removed, change_ == Change::kRemove ? nullptr : &value_, out));
    }
    Value child = null_value();  // behind the last element: as if null stood there
    uint64_t passed = 0;
    if (at < size) {
      child = v;
      step_into(step, child, passed);
    }
    ASSERT(level < kMostNesting);
    Value changed;
    const Outcome below = change(child, level + 1, changed);
    return below == Outcome::kDone ? done(spliced(machine_, v, at, at < size ? 1 : 0, &changed, out)) : below;
  }

  // The objects that were missing from `level` on, with the value inside.
  Outcome made(uint32_t level, Value& out) {
    ASSERT(change_ == Change::kSet);
    out = value_;
    for (uint32_t i = place_.size; i > level; --i) {
      const Value inner = out;
      if (!with_member(machine_, empty_object(), place_.steps[i - 1].key, &inner, out)) return Outcome::kFailed;
    }
    return Outcome::kDone;
  }

  static Outcome done(bool fine) { return fine ? Outcome::kDone : Outcome::kFailed; }

  Machine& machine_;
  const Place& place_;
  Change change_;
  const Value& value_;
};

}  // namespace

Outcome read_place(Machine& machine, std::string_view text, Place& out) {
  out = {};
  if (text.empty()) return Outcome::kDone;
  if (text[0] != '/') return Outcome::kNowhere;
  const auto size = static_cast<size_t>(std::count(text.begin(), text.end(), '/'));
  auto* const steps = machine.charge(size) ? machine.allocate<PlaceStep>(size) : nullptr;
  if (steps == nullptr) return Outcome::kFailed;
  size_t begin = 1;
  for (size_t i = 0; i < size; ++i) {
    const size_t end = std::min(text.find('/', begin), text.size());
    if (!unescaped(machine, text.substr(begin, end - begin), steps[i].key)) {
      return machine.failed() ? Outcome::kFailed : Outcome::kNowhere;
    }
    steps[i].index = read_index(steps[i].key);
    begin = end + 1;
  }
  ASSERT(begin == text.size() + 1);
  out = {steps, static_cast<uint32_t>(size)};
  return Outcome::kDone;
}

bool place_argument(Machine& machine, uint32_t i, const Value& pointer, Place& out) {
  if (type_of(pointer) != Type::kString) return machine.fail_type(i, "a string with a JSON Pointer", pointer);
  std::string_view text;
  if (!text_of(machine, pointer, text)) return false;
  const Outcome outcome = read_place(machine, text, out);
  if (outcome != Outcome::kNowhere) return outcome == Outcome::kDone;
  ASSERT(!machine.failed());
  return machine.fail_argument(i, Category::kPointer, pointer_problem(text, describe(pointer)));
}

Outcome find_place(Machine& machine, const Place& place, Value& v) {
  uint64_t passed = 0;
  ASSERT(place.size == 0 || place.steps != nullptr);
  for (uint32_t i = 0; i < place.size; ++i) {
    if (!step_into(place.steps[i], v, passed)) {
      return machine.charge(passed / kPassedPerStep) ? Outcome::kNowhere : Outcome::kFailed;
    }
  }
  return machine.charge(passed / kPassedPerStep) ? Outcome::kDone : Outcome::kFailed;
}

Outcome change_place(Machine& machine, const Value& root, const Place& place, Change change, const Value& value,
                     Value& out) {
  return Changer(machine, place, change, value).run(root, out);
}

size_t PathText::push(std::string_view key) {
  const size_t before = text_.size();
  text_.put('/');
  for (const char c : key) {
    if (c == '~' || c == '/') text_.put('~');
    text_.put(c == '~' ? '0' : c == '/' ? '1' : c);
  }
  ASSERT(text_.size() > before);
  return before;
}

size_t PathText::push(uint32_t index) {
  const size_t before = text_.size();
  text_.put('/');
  text_.commit(std::to_chars(text_.room(kNumberBound), text_.room(0) + kNumberBound, index).ptr);
  ASSERT(text_.size() > before);
  return before;
}

void PathText::pop(size_t before) {
  ASSERT(before < text_.size());
  text_.commit(text_.room(0) - (text_.size() - before));
}

bool PathText::value(Value& out) const {
  ASSERT(!machine_.failed());
  return copied_text(machine_, text_.text(), out);
}

bool with_member(Machine& machine, const Value& object, std::string_view key, const Value* value, Value& out) {
  Object old{nullptr, nullptr};
  uint32_t count = 0;
  if (!members_of(machine, object, old, count)) return false;
  const Key* const found = std::lower_bound(old.keys, old.keys + count, key,
                                            [](const Key& k, std::string_view name) { return k.view() < name; });
  const auto at = static_cast<uint32_t>(found - old.keys);
  const bool present = at < count && found->view() == key;
  ASSERT(present || value != nullptr);
  const uint32_t size = count + (value == nullptr ? 0 : 1) - (present ? 1 : 0);
  auto* const made = machine.charge(size) ? machine.allocate<Object>(1) : nullptr;
  auto* const values = made != nullptr ? machine.allocate<Value>(size) : nullptr;
  // A replaced value changes no key, and keys are never changed in place.
  const bool same_keys = present && value != nullptr;
  auto* const keys = values != nullptr && !same_keys ? machine.allocate<Key>(size) : nullptr;
  if (values == nullptr || (keys == nullptr && !same_keys)) return false;
  const uint32_t behind = at + (present ? 1 : 0);  // first of the old members that follow
  const uint32_t to = at + (value != nullptr ? 1 : 0);
  std::copy_n(old.values, at, values);
  std::copy(old.values + behind, old.values + count, values + to);
  if (value != nullptr) values[at] = *value;
  if (!same_keys) {
    std::copy_n(old.keys, at, keys);
    std::copy(old.keys + behind, old.keys + count, keys + to);
    if (value != nullptr) keys[at] = key_named(key);
  }
  *made = {same_keys ? old.keys : keys, values};
  out = object_value(made, size);
  return true;
}

}  // namespace colloquium::computo::ops
