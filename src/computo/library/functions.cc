#include "computo/library/functions.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compare.h"
#include "computo/library/elements.h"
#include "computo/library/places.h"
#include "computo/machine.h"
#include "computo/number.h"
#include "computo/render.h"
#include "computo/shown.h"

namespace colloquium::computo::ops {

namespace {

// An element by what the function gave for it.
struct Ranked {
  Value by;
  uint32_t index;
};

// Memory that is given back when the operator ends.
class Scratch {
 public:
  explicit Scratch(Machine& machine) : machine_(machine), mark_(machine.scratch().mark()) {}
  ~Scratch() { machine_.scratch().release(mark_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  T* array(size_t count) {
    return machine_.allocate_scratch<T>(count);
  }

 private:
  Machine& machine_;
  Arena::Mark mark_;
};

// What groupBy and its kind take as a key: the text of a scalar.
bool key_text(Machine& machine, const Value& v, std::string_view& out) {
  const Type type = type_of(v);
  if (type == Type::kString) return text_of(machine, v, out);
  if (type == Type::kArray || type == Type::kObject || type == Type::kFunction) {
    return machine.fail_type(1, "a function that gives a scalar", v);
  }
  Output& text = machine.text_output();
  text.start(false);
  if (!render(machine, text, RenderAs::kText, v)) return false;
  char* copy = machine.allocate<char>(text.size());
  if (copy == nullptr) return false;
  std::copy_n(text.text().data(), text.size(), copy);
  out = {copy, text.size()};
  return true;
}

Key plain_key(std::string_view name) {
  return {name.data(), nullptr, static_cast<uint32_t>(name.size()), 0};
}

// The results in the order of `sort`, of equal ones the first element first. Null after fail.
Ranked* ranked(Machine& machine, Scratch& scratch, const Value& results) {
  const uint32_t size = array_size(results);
  auto* out = scratch.array<Ranked>(size);
  if (out == nullptr || !machine.charge(size)) return nullptr;
  for (uint32_t i = 0; i < size; ++i) out[i] = {results.items[i], i};
  std::sort(out, out + size, [&](const Ranked& a, const Ranked& b) {
    const int by = order(machine, a.by, b.by);
    return by != 0 ? by < 0 : a.index < b.index;
  });
  return machine.failed() ? nullptr : out;
}

// Calls `group(key, indexes, count)` for each key, ascending, with its elements in order.
template <class Group>
bool each_group(Machine& machine, const Value& results, const Group& group) {
  const uint32_t size = array_size(results);
  Scratch scratch(machine);
  using Entry = std::pair<std::string_view, uint32_t>;
  auto* entries = scratch.array<Entry>(size);
  auto* indexes = scratch.array<uint32_t>(size);
  if (entries == nullptr || indexes == nullptr || !machine.charge(size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    std::string_view key;
    if (!key_text(machine, results.items[i], key)) return false;
    new (&entries[i]) Entry(key, i);
  }
  std::sort(entries, entries + size);
  for (uint32_t i = 0; i < size; ++i) indexes[i] = entries[i].second;
  for (uint32_t begin = 0; begin < size;) {
    uint32_t end = begin + 1;
    while (end < size && entries[end].first == entries[begin].first) ++end;
    if (!group(entries[begin].first, indexes + begin, end - begin)) return false;
    begin = end;
  }
  return true;
}

// minBy and maxBy.
bool extreme(Machine& machine, const Value* arguments, int sign, Value& out) {
  const uint32_t size = array_size(arguments[0]);
  const Value* const by = arguments[1].items;
  out = null_value();
  if (size == 0) return true;
  uint32_t best = 0;
  for (uint32_t i = 1; i < size; ++i) {
    if (sign * order(machine, by[i], by[best]) > 0) best = i;
  }
  if (machine.failed()) return false;
  Elements elements(arguments[0]);
  for (uint32_t i = 0; i <= best; ++i) out = elements.next();
  return true;
}

}  // namespace

bool results(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 && !machine.failed());
  out = arguments[1];
  return true;
}

bool flat_map(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  uint64_t total = 0;
  const uint32_t size = array_size(arguments[1]);
  const Value* const results = arguments[1].items;
  for (uint32_t i = 0; i < size; ++i) total += type_of(results[i]) == Type::kArray ? array_size(results[i]) : 1;
  if (!machine.charge(total)) return false;
  if (total > UINT32_MAX) return machine.fail(Category::kLimit, "an array of more than 2^32 - 1 elements");
  auto* items = machine.allocate<Value>(static_cast<size_t>(total));
  if (items == nullptr) return false;
  Value* at = items;
  for (uint32_t i = 0; i < size; ++i) {
    if (type_of(results[i]) != Type::kArray) {
      *at++ = results[i];
      continue;
    }
    Elements elements(results[i]);
    for (uint32_t n = array_size(results[i]); n > 0; --n) *at++ = elements.next();
  }
  out = array_value(items, static_cast<uint32_t>(total));
  return true;
}

bool partition(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  if (!machine.charge(size)) return false;
  auto* items = machine.allocate<Value>(size);
  auto* parts = machine.allocate<Value>(2);
  if (items == nullptr || parts == nullptr) return false;
  // The truthy ones from the front, the others from the back, which turns them round.
  Value* front = items;
  Value* back = items + size;
  Elements elements(arguments[0]);
  for (uint32_t i = 0; i < size; ++i) {
    const Value element = elements.next();
    if (is_truthy(arguments[1].items[i])) {
      *front++ = element;
    } else {
      *--back = element;
    }
  }
  std::reverse(back, items + size);
  parts[0] = array_value(items, static_cast<uint32_t>(front - items));
  parts[1] = array_value(back, static_cast<uint32_t>(items + size - back));
  out = array_value(parts, 2);
  return true;
}

bool group_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  const Value* const items = items_of(machine, arguments[0]);
  if (items == nullptr) return false;
  ObjectBuilder builder(machine, size);
  if (!builder.valid()) return false;
  const bool done =
      each_group(machine, arguments[1], [&](std::string_view key, const uint32_t* indexes, uint32_t n) {
        auto* group = machine.allocate<Value>(n);
        if (group == nullptr) return false;
        for (uint32_t i = 0; i < n; ++i) group[i] = items[indexes[i]];
        builder.add(plain_key(key), array_value(group, n));
        return true;
      });
  return done && builder.finish(out);
}

bool count_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  ObjectBuilder builder(machine, array_size(arguments[0]));
  if (!builder.valid()) return false;
  const bool done = each_group(machine, arguments[1], [&](std::string_view key, const uint32_t*, uint32_t n) {
    builder.add(plain_key(key), int_value(n));
    return true;
  });
  return done && builder.finish(out);
}

bool index_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  ObjectBuilder builder(machine, size);
  if (!builder.valid() || !machine.charge(size)) return false;
  Elements elements(arguments[0]);
  for (uint32_t i = 0; i < size; ++i) {
    std::string_view key;
    if (!key_text(machine, arguments[1].items[i], key)) return false;
    builder.add(plain_key(key), elements.next());
  }
  return builder.finish(out);
}

bool map_keys(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  ObjectBuilder builder(machine, size);
  if (!builder.valid() || !machine.charge(size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    std::string_view key;
    if (!key_text(machine, arguments[1].items[i], key)) return false;
    builder.add(plain_key(key), arguments[0].items[i].items[1]);
  }
  return builder.finish(out);
}

bool map_values(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  ObjectBuilder builder(machine, size);
  if (!builder.valid() || !machine.charge(size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    builder.add(plain_key(arguments[0].items[i].items[0].string()), arguments[1].items[i]);
  }
  return builder.finish(out);
}

bool filter_entries(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  ObjectBuilder builder(machine, size);
  if (!builder.valid() || !machine.charge(size)) return false;
  for (uint32_t i = 0; i < size; ++i) {
    const Value* const pair = arguments[0].items[i].items;
    if (is_truthy(arguments[1].items[i])) builder.add(plain_key(pair[0].string()), pair[1]);
  }
  return builder.finish(out);
}

bool min_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  return extreme(machine, arguments, -1, out);
}

bool max_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  return extreme(machine, arguments, 1, out);
}

bool sum_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  out = int_value(0);
  for (uint32_t i = 0; i < array_size(arguments[1]); ++i) {
    const Value& v = arguments[1].items[i];
    if (type_of(v) != Type::kNumber) return machine.fail_type(1, "a function that gives a number", v);
    if (add(out, decode_number(v), out) != Arithmetic::kOk) {
      return machine.fail(Category::kNumber, "the result is not finite");
    }
  }
  return true;
}

bool sort_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  const Value* const items = items_of(machine, arguments[0]);
  Scratch scratch(machine);
  const Ranked* const order = items == nullptr ? nullptr : ranked(machine, scratch, arguments[1]);
  auto* sorted = order == nullptr ? nullptr : machine.allocate<Value>(size);
  if (sorted == nullptr) return false;
  for (uint32_t i = 0; i < size; ++i) sorted[i] = items[order[i].index];
  out = array_value(sorted, size);
  return true;
}

bool unique_by(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const uint32_t size = array_size(arguments[0]);
  const Value* const items = items_of(machine, arguments[0]);
  Scratch scratch(machine);
  Ranked* const by = items == nullptr ? nullptr : ranked(machine, scratch, arguments[1]);
  auto* kept = by == nullptr ? nullptr : machine.allocate<Value>(size);
  auto* first = kept == nullptr ? nullptr : scratch.array<uint32_t>(size);
  if (first == nullptr) return false;
  // Equal results are neighbours, the first element's in front; what is kept goes back into the old order.
  uint32_t found = 0;
  for (uint32_t i = 0; i < size; ++i) {
    if (i > 0 && equal(machine, by[i - 1].by, by[i].by)) continue;
    first[found++] = by[i].index;
  }
  if (machine.failed()) return false;
  std::sort(first, first + found);
  for (uint32_t i = 0; i < found; ++i) kept[i] = items[first[i]];
  out = array_value(kept, found);
  return true;
}

// `update` asks for the part it is to change.
bool part_or_null(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  Place place;
  if (!place_argument(machine, 1, arguments[1], place)) return false;
  out = arguments[0];
  const Outcome outcome = find_place(machine, place, out);
  if (outcome == Outcome::kNowhere) out = null_value();
  return outcome != Outcome::kFailed;
}

bool raise_error(Machine& machine, const Value* arguments, uint32_t count, Value&) {
  ASSERT(count == 1);
  if (type_of(arguments[0]) == Type::kFunction) return machine.fail_type(0, "a message", arguments[0]);
  Output& text = machine.text_output();
  text.start(false);
  std::string_view message;
  if (stands_under_secret(arguments[0], Around::kNearest))
    return machine.fail(Category::kUser, std::string(kMasked));
  if (type_of(arguments[0]) == Type::kString) {
    if (!text_of(machine, arguments[0], message)) return false;
  } else {
    if (!render(machine, text, RenderAs::kMaskedText, arguments[0])) return false;
    message = text.text();
  }
  return machine.fail(Category::kUser, message.empty() ? "error" : std::string(message));
}

}  // namespace colloquium::computo::ops
