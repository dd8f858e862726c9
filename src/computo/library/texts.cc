#include "computo/library/texts.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/number.h"
#include "computo/render.h"

namespace colloquium::computo::ops {

namespace {
// Reading or writing bytes costs a fraction of an instruction.
constexpr uint64_t kBytesPerStep = 64;

uint64_t most_bytes(const Machine& machine) {
  return std::min<uint64_t>(machine.limits().output_bytes, UINT32_MAX / 4);
}

bool fail_length(Machine& machine) {
  return machine.fail(Category::kLimit, "a string of more than " + std::to_string(most_bytes(machine)) + " bytes");
}
}  // namespace

std::string shown(std::string_view text) {
  if (text.size() <= kShownBytes) return '"' + std::string(text) + '"';
  size_t end = kShownBytes;
  while (end > 0 && is_continuation(text[end])) --end;
  return '"' + std::string(text.substr(0, end)) + "…\"";
}

bool fail_value(Machine& machine, uint32_t argument, std::string_view expected, std::string_view got) {
  ASSERT(!expected.empty());
  return machine.fail_argument(argument, Category::kValue, expectation(expected, got));
}

bool text_argument(Machine& machine, const Value* arguments, uint32_t i, std::string_view& out) {
  ASSERT(type_of(arguments[i]) == Type::kString);
  return text_of(machine, arguments[i], out) && machine.charge(out.size() / kBytesPerStep);
}

bool count_argument(Machine& machine, const Value* arguments, uint32_t i, int64_t least, int64_t& out) {
  out = integer_argument(arguments, i);
  ASSERT(!machine.failed());
  if (out >= least) return true;
  return machine.fail_argument(
      i, Category::kValue,
      "expected an integer of " + std::to_string(least) + " or more, got " + std::to_string(out));
}

char* text_room(Machine& machine, uint64_t bytes) {
  if (bytes > most_bytes(machine)) {
    fail_length(machine);
    return nullptr;
  }
  ASSERT(!machine.failed());
  if (!machine.charge(bytes / kBytesPerStep)) return nullptr;
  return machine.allocate<char>(static_cast<size_t>(bytes));
}

bool finish_text(Machine& machine, Value& out) {
  ASSERT(!machine.failed());
  return copied_text(machine, machine.text_output().text(), out);
}

bool check_output(Machine& machine) {
  ASSERT(!machine.failed());
  return machine.text_output().size() <= most_bytes(machine) || fail_length(machine);
}

bool append_text(Machine& machine, Output& text, const Value& v) {
  if (type_of(v) != Type::kString) return render(machine, text, RenderAs::kText, v);
  std::string_view s;
  if (!text_of(machine, v, s)) return false;
  ASSERT(!machine.failed());
  text.put(s);
  return check_output(machine) && machine.charge(s.size() / kBytesPerStep);
}

Value part_of_text(const Value& v, std::string_view whole, std::string_view part) {
  ASSERT(part.size() <= whole.size());
  return part.size() == whole.size() ? v : string_value(part);
}

// The memory it grows out of stays in the arena until the evaluation ends: as much again as the last needs.
bool ValueList::add(const Value& v) {
  if (size_ == room_) {
    const uint64_t room = room_ == 0 ? 8 : uint64_t{room_} * 2;
    Value* const items = result_array(machine_, room);
    if (items == nullptr) return false;
    std::copy_n(items_, size_, items);
    items_ = items;
    room_ = static_cast<uint32_t>(room);
  }
  ASSERT(size_ < room_);
  items_[size_++] = v;
  return true;
}

bool ValueList::finish(Value& out) const {
  ASSERT(!machine_.failed());
  out = array_value(items_, size_);
  return true;
}

// Counts what is no continuation byte: the compiler turns this into vector code.
uint64_t count_points(std::string_view text) {
  uint64_t count = 0;
  for (const char c : text) count += static_cast<signed char>(c) >= -64;
  ASSERT(count <= text.size());
  return count;
}

size_t skip_points(std::string_view text, uint64_t points) {
  if (points >= text.size()) return text.size();
  size_t at = 0;
  for (; points > 0 && at < text.size(); --points) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
  }
  ASSERT(at <= text.size());
  return at;
}

size_t point_size(std::string_view text) {
  ASSERT(!text.empty());
  const auto lead = static_cast<unsigned char>(text.front());
  if (lead < 0xC0) return 1;
  return lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
}

int32_t take_point(std::string_view& text) {
  const size_t size = point_size(text);
  ASSERT_WHY(size <= text.size(), "strings are valid UTF-8");
  const auto lead = static_cast<unsigned char>(text.front());
  int32_t point = size == 1 ? lead : lead & (0x7F >> size);
  for (size_t i = 1; i < size; ++i) point = (point << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
  text.remove_prefix(size);
  return point;
}

bool is_ascii(std::string_view text) {
  unsigned char bits = 0;
  for (const char c : text) bits |= static_cast<unsigned char>(c);
  return bits < 0x80;
}

std::string_view trim_ascii(std::string_view text) {
  while (!text.empty() && is_ascii_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_ascii_space(text.back())) text.remove_suffix(1);
  return text;
}

bool fixed_object(Machine& machine, const std::string_view* keys, const Value* values, uint32_t count,
                  Value& out) {
  auto* object = machine.allocate<Object>(1);
  auto* names = machine.allocate<Key>(count);
  auto* kept = machine.allocate<Value>(count);
  if (object == nullptr || names == nullptr || kept == nullptr || !machine.charge(count)) return false;
  uint32_t size = 0;
  for (uint32_t i = 0; i < count; ++i) {
    ASSERT(i == 0 || keys[i - 1] < keys[i]);
    if (values[i].kind == Kind::kUnbound) continue;
    names[size] = key_named(keys[i]);
    kept[size++] = values[i];
  }
  *object = {names, kept};
  out = object_value(object, size);
  return true;
}

}  // namespace colloquium::computo::ops
