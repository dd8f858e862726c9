// Native operators over text, and approx (section 8.9 of the language).

#include <algorithm>
#include <cmath>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/machine.h"
#include "computo/number.h"
#include "computo/ops_core.h"
#include "computo/render.h"

namespace colloquium::computo::ops {

namespace {

// Appends the text form: strings as they are, everything else as canonical JSON.
bool append_text(Machine& machine, Output& text, const Value& v) {
  if (type_of(v) != Type::kString) return render(machine, text, RenderAs::kText, v);
  std::string_view s;
  if (!text_of(machine, v, s)) return false;
  ASSERT(!machine.failed());
  text.put(s);
  return true;
}

// A string may not be longer than a result may be: text that doubles in a loop ends here.
bool check_length(Machine& machine, uint64_t bytes) {
  const uint64_t most = std::min<uint64_t>(machine.limits().output_bytes, UINT32_MAX / 4);
  if (bytes > most)
    return machine.fail(Category::kLimit, "a string of more than " + std::to_string(most) + " bytes");
  ASSERT(!machine.failed());
  return machine.charge(bytes / 64);
}

// A string of its own; `before` is what it begins with, `room` how much is left behind it.
bool as_value(Machine& machine, std::string_view before, std::string_view text, uint32_t room, Value& out) {
  const size_t size = before.size() + text.size();
  if (!check_length(machine, size)) return false;
  char* bytes = machine.allocate<char>(size + room);
  if (bytes == nullptr) return false;
  std::copy(text.begin(), text.end(), std::copy(before.begin(), before.end(), bytes));
  ASSERT(size <= UINT32_MAX);
  machine.text_spare() = {bytes, static_cast<uint32_t>(size), room};
  out = string_value({bytes, size});
  return true;
}

}  // namespace

bool str_concat(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count > 0);
  auto& spare = machine.text_spare();
  const Value& first = arguments[0];
  const bool grows = first.kind == Kind::kString && first.text == spare.begin && first.size == spare.size;
  Output& text = machine.text_output();
  text.start(false);
  for (uint32_t i = grows ? 1 : 0; i < count; ++i) {
    if (!append_text(machine, text, arguments[i])) return false;
    if (!check_length(machine, text.size())) return false;
  }
  if (!grows) return as_value(machine, {}, text.text(), 0, out);
  if (text.size() > spare.room) return as_value(machine, first.string(), text.text(), first.size, out);
  std::copy_n(text.text().data(), text.size(), spare.begin + spare.size);
  spare.size += static_cast<uint32_t>(text.size());
  spare.room -= static_cast<uint32_t>(text.size());
  out = string_value({spare.begin, spare.size});
  return true;
}

bool join(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  if (type_of(arguments[1]) != Type::kString) return machine.fail_type(1, "string", arguments[1]);
  if (type_of(arguments[0]) != Type::kArray) return machine.fail_type(0, "array", arguments[0]);
  std::string_view separator;
  if (!text_of(machine, arguments[1], separator)) return false;
  const uint32_t size = array_size(arguments[0]);
  if (!machine.charge(size)) return false;
  Output& text = machine.text_output();
  text.start(false);
  Elements elements(arguments[0]);
  for (uint32_t i = 0; i < size; ++i) {
    if (i > 0) text.put(separator);
    if (!append_text(machine, text, elements.next())) return false;
    // Elements may share one long text, so the sum is bounded only here.
    if (text.size() > machine.limits().output_bytes) break;
  }
  return as_value(machine, {}, text.text(), 0, out);
}

bool approx(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 3);
  double numbers[3] = {};
  for (uint32_t i = 0; i < 3; ++i) {
    if (type_of(arguments[i]) != Type::kNumber) return machine.fail_type(i, "number", arguments[i]);
    numbers[i] = to_double(decode_number(arguments[i]));
  }
  if (numbers[2] < 0) return machine.fail_argument(2, Category::kValue, "expected a tolerance of 0 or more");
  out = bool_value(std::fabs(numbers[0] - numbers[1]) <= numbers[2]);
  return true;
}

}  // namespace colloquium::computo::ops
