#include "computo/library/arrays.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/library/elements.h"

namespace colloquium::computo::ops {

namespace {

// Where an index from a script points in an array of `size`: from the end if it is negative, clamped.
uint32_t place(int64_t index, uint32_t size) {
  if (index < 0) index = index < -int64_t{size} ? 0 : index + size;
  ASSERT(index >= 0);
  return static_cast<uint32_t>(std::min<int64_t>(index, size));
}

// Runs of `size` elements that begin `step` apart, sharing the array's elements; the last may be short.
bool runs(Machine& machine, const Value& array, uint64_t count, uint64_t size, uint64_t step, Value& out) {
  ASSERT(size > 0 && step > 0);
  const uint32_t all = array_size(array);
  const Value* const items = items_of(machine, array);
  Value* const results = items != nullptr ? result_array(machine, count) : nullptr;
  if (results == nullptr) return false;
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t begin = i * step;
    results[i] = array_value(items + begin, static_cast<uint32_t>(std::min<uint64_t>(size, all - begin)));
  }
  out = array_value(results, static_cast<uint32_t>(count));
  return true;
}

bool positive(Machine& machine, const Value* arguments, uint32_t i, int64_t& out) {
  out = integer_argument(arguments, i);
  if (out >= 1) return true;
  return machine.fail_argument(i, Category::kValue, "expected 1 or more, got " + std::to_string(out));
}

// What flatten gives, counted first (`out` null) and then written: no step of it needs memory of its own.
bool spread(Machine& machine, const Value& array, int64_t levels, uint32_t depth, Value* out, uint64_t& count) {
  ASSERT(type_of(array) == Type::kArray);
  if (depth > kMostNesting) return machine.fail_nesting();
  const uint32_t size = array_size(array);
  if (!machine.charge(uint64_t{size} + 1)) return false;
  Elements elements(array);
  for (uint32_t i = 0; i < size; ++i) {
    const Value element = elements.next();
    if (levels > 0 && type_of(element) == Type::kArray) {
      if (!spread(machine, element, levels - 1, depth + 1, out, count)) return false;
      continue;
    }
    if (out != nullptr) out[count] = element;
    ++count;
  }
  return true;
}

// How many integers lie in [start, end) by steps; differences of int64 fit uint64.
uint64_t range_size(int64_t start, int64_t end, int64_t step) {
  ASSERT(step != 0);
  if (step > 0 ? start >= end : start <= end) return 0;
  const uint64_t wide = step > 0 ? static_cast<uint64_t>(end) - static_cast<uint64_t>(start)
                                 : static_cast<uint64_t>(start) - static_cast<uint64_t>(end);
  const uint64_t stride = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
  return (wide - 1) / stride + 1;
}

}  // namespace

bool chunk(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  int64_t size = 0;
  if (!positive(machine, arguments, 1, size)) return false;
  const uint64_t all = array_size(arguments[0]);
  // A chunk larger than the array is the array; the smaller number cannot overflow below.
  const uint64_t each = std::min<uint64_t>(static_cast<uint64_t>(size), std::max<uint64_t>(all, 1));
  return runs(machine, arguments[0], (all + each - 1) / each, each, each, out);
}

bool window(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  int64_t size = 0;
  int64_t step = 1;
  if (!positive(machine, arguments, 1, size)) return false;
  if (count == 3 && !positive(machine, arguments, 2, step)) return false;
  const uint64_t all = array_size(arguments[0]);
  const auto wide = static_cast<uint64_t>(size);
  const uint64_t windows = wide > all ? 0 : (all - wide) / static_cast<uint64_t>(step) + 1;
  return runs(machine, arguments[0], windows, wide, static_cast<uint64_t>(step), out);
}

bool take(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const int64_t wanted = integer_argument(arguments, 1);
  const uint32_t all = array_size(arguments[0]);
  const uint32_t at = place(wanted, all);
  return wanted < 0 ? part_of(machine, arguments[0], at, all - at, out)
                    : part_of(machine, arguments[0], 0, at, out);
}

bool drop(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  const int64_t unwanted = integer_argument(arguments, 1);
  const uint32_t all = array_size(arguments[0]);
  const uint32_t at = place(unwanted, all);
  return unwanted < 0 ? part_of(machine, arguments[0], 0, at, out)
                      : part_of(machine, arguments[0], at, all - at, out);
}

bool slice(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2 || count == 3);
  const uint32_t all = array_size(arguments[0]);
  const uint32_t begin = place(integer_argument(arguments, 1), all);
  const uint32_t end = count == 3 ? place(integer_argument(arguments, 2), all) : all;
  return part_of(machine, arguments[0], begin, end > begin ? end - begin : 0, out);
}

bool first(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  out = array_size(arguments[0]) > 0 ? Elements(arguments[0]).next() : null_value();
  return true;
}

bool last(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  const uint32_t size = array_size(arguments[0]);
  if (size == 0) {
    out = null_value();
    return true;
  }
  if (arguments[0].kind == Kind::kArray) {
    out = arguments[0].items[size - 1];
    return true;
  }
  out = view_value(arguments[0].source, arguments[0].view().element(size - 1)->index());
  return machine.charge(size / kPassedPerStep);
}

bool enumerate(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  const uint32_t size = array_size(arguments[0]);
  Value* const items = result_array(machine, size);
  Value* const pairs = result_array(machine, uint64_t{size} * 2);
  if (items == nullptr || pairs == nullptr) return false;
  Elements elements(arguments[0]);
  for (uint32_t i = 0; i < size; ++i) {
    pairs[2 * i] = int_value(i);
    pairs[2 * i + 1] = elements.next();
    items[i] = array_value(pairs + 2 * i, 2);
  }
  out = array_value(items, size);
  return true;
}

bool flatten(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  const int64_t levels = count == 2 ? integer_argument(arguments, 1) : 1;
  if (levels < 0) {
    return machine.fail_argument(1, Category::kValue,
                                 "expected a depth of 0 or more, got " + std::to_string(levels));
  }
  uint64_t size = 0;
  if (!spread(machine, arguments[0], levels, 0, nullptr, size)) return false;
  Value* const items = result_array(machine, size);
  uint64_t written = 0;
  if (items == nullptr || !spread(machine, arguments[0], levels, 0, items, written)) return false;
  out = array_value(items, static_cast<uint32_t>(size));
  return true;
}

bool list(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  Value* const items = result_array(machine, count);
  if (items == nullptr) return false;
  ASSERT(!machine.failed());
  std::copy_n(arguments, count, items);
  out = array_value(items, count);
  return true;
}

bool range(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1 && count <= 3);
  const int64_t start = count > 1 ? integer_argument(arguments, 0) : 0;
  const int64_t end = integer_argument(arguments, count > 1 ? 1 : 0);
  const int64_t step = count == 3 ? integer_argument(arguments, 2) : 1;
  if (step == 0) return machine.fail_argument(2, Category::kValue, "expected a step other than 0");
  const uint64_t size = range_size(start, end, step);
  Value* const items = result_array(machine, size);
  if (items == nullptr) return false;
  for (uint64_t i = 0; i < size; ++i) {
    // Every element lies between start and end, so the wrapped product leads to it.
    items[i] = int_value(static_cast<int64_t>(static_cast<uint64_t>(start) + i * static_cast<uint64_t>(step)));
  }
  out = array_value(items, static_cast<uint32_t>(size));
  return true;
}

bool transpose(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  const uint32_t rows = array_size(arguments[0]);
  const Value* const row = items_of(machine, arguments[0]);
  if (row == nullptr) return false;
  uint32_t columns = rows > 0 ? UINT32_MAX : 0;
  for (uint32_t i = 0; i < rows; ++i) {
    if (type_of(row[i]) != Type::kArray) return machine.fail_type(0, "an array of arrays", row[i]);
    columns = std::min(columns, array_size(row[i]));
  }
  Value* const items = result_array(machine, columns);
  const uint64_t all = uint64_t{rows} * columns;
  Value* const cells = items != nullptr && machine.charge(all) ? machine.allocate<Value>(all) : nullptr;
  if (cells == nullptr) return false;
  for (uint32_t i = 0; i < rows; ++i) {
    Elements elements(row[i]);
    for (uint64_t k = 0; k < columns; ++k) cells[k * rows + i] = elements.next();
  }
  for (uint64_t k = 0; k < columns; ++k) items[k] = array_value(cells + k * rows, rows);
  out = array_value(items, columns);
  return true;
}

}  // namespace colloquium::computo::ops
