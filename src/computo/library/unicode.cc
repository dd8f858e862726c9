#include "computo/library/unicode.h"

#include <algorithm>
#include <utf8proc.h>

#include "base/assert.h"
#include "computo/library/code_points.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr int32_t kCapitalSigma = 0x3A3;
constexpr int32_t kFinalSigma = 0x3C2;
// U+0390 has two bytes, and six in capitals: three times as many is the most any mapping gives.
constexpr size_t kMostGrowth = 3;
constexpr std::string_view kFormNames = "\"NFC\", \"NFD\", \"NFKC\" or \"NFKD\"";

// The string with each code point mapped.
bool map_points(Machine& machine, std::string_view text, Folded (*map)(int32_t), Value& out) {
  Output& output = machine.text_output();
  output.start(false);
  ASSERT(!machine.failed());
  if (!machine.charge(text.size() / 8)) return false;
  while (!text.empty()) {
    // In pieces, so that room for the worst case is never more than a little.
    const std::string_view piece = text.substr(0, 1024);
    char* at = output.room(piece.size() * kMostGrowth + 16);
    const size_t left = text.size() - piece.size();
    while (text.size() > left && !text.empty()) at = write_points(map(take_point(text)), at);
    output.commit(at);
  }
  return finish_text(machine, out);
}

bool mapped(Machine& machine, const Value* arguments, Folded (*map)(int32_t), Value& out) {
  std::string_view text;
  return text_argument(machine, arguments, 0, text) && map_points(machine, text, map, out);
}

int32_t last_point(std::string_view text) {
  size_t at = text.size() - 1;
  while (is_continuation(text[at])) --at;
  ASSERT(at < text.size());
  text.remove_prefix(at);
  return take_point(text);
}

bool is_set_point(std::string_view set, int32_t point) {
  while (!set.empty()) {
    if (take_point(set) == point) return true;
  }
  return false;
}

// Whether to strip the code point: white space, or one of the set.
bool strips(const std::string_view* set, int32_t point) {
  return set == nullptr ? is_space(point) : is_set_point(*set, point);
}

bool trimmed(Machine& machine, const Value* arguments, uint32_t count, bool at_end, Value& out) {
  std::string_view text;
  std::string_view characters;
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (count > 1 && !text_argument(machine, arguments, 1, characters)) return false;
  const std::string_view* const set = count > 1 ? &characters : nullptr;
  std::string_view rest = text;
  while (!rest.empty()) {
    std::string_view after = rest;
    const int32_t point = at_end ? last_point(rest) : take_point(after);
    if (!strips(set, point)) break;
    if (!machine.charge(1 + characters.size() / 16)) return false;
    if (at_end)
      after.remove_suffix(static_cast<size_t>(point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4));
    rest = after;
  }
  out = part_of_text(arguments[0], text, rest);
  return true;
}

int normal_form(std::string_view name) {
  if (name == "NFC") return UTF8PROC_COMPOSE | UTF8PROC_STABLE;
  if (name == "NFD") return UTF8PROC_DECOMPOSE | UTF8PROC_STABLE;
  if (name == "NFKC") return UTF8PROC_COMPOSE | UTF8PROC_STABLE | UTF8PROC_COMPAT;
  if (name == "NFKD") return UTF8PROC_DECOMPOSE | UTF8PROC_STABLE | UTF8PROC_COMPAT;
  return 0;
}

// Marks in a row are put in order by exchanging neighbours, which takes the square of their number.
bool charge_marks(Machine& machine, std::string_view text) {
  uint64_t run = 0;
  ASSERT(!machine.failed());
  while (!text.empty()) {
    const auto* const property = utf8proc_get_property(take_point(text));
    run = property->combining_class != 0 ? run + 1 : 0;
    if (run > 0 && !machine.charge(run / 4)) return false;
  }
  return true;
}

utf8proc_ssize_t decompose(std::string_view text, utf8proc_int32_t* points, uint64_t room, int form) {
  return utf8proc_decompose(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                            static_cast<utf8proc_ssize_t>(text.size()), points,
                            static_cast<utf8proc_ssize_t>(room), static_cast<utf8proc_option_t>(form));
}

// The text's code points in normal form, in scratch memory. Asked without room, utf8proc says how many.
bool normal_points(Machine& machine, std::string_view text, int form, utf8proc_int32_t*& points, uint64_t& size) {
  const utf8proc_ssize_t needed = decompose(text, nullptr, 0, form);
  ASSERT_WHY(needed > 0, "strings are valid UTF-8");
  points = machine.allocate_scratch<utf8proc_int32_t>(static_cast<size_t>(needed));
  if (points == nullptr) return false;
  const utf8proc_ssize_t written = decompose(text, points, static_cast<uint64_t>(needed), form);
  ASSERT(written == needed);
  size = static_cast<uint64_t>(utf8proc_normalize_utf32(points, written, static_cast<utf8proc_option_t>(form)));
  return true;
}

bool normalized(Machine& machine, std::string_view text, int form, Value& out) {
  const Arena::Mark mark = machine.scratch().mark();
  utf8proc_int32_t* points = nullptr;
  uint64_t size = 0;
  if (!normal_points(machine, text, form, points, size)) return false;
  char* const begin = text_room(machine, size * 4);
  char* end = begin;
  if (begin == nullptr) return false;
  for (uint64_t i = 0; i < size; ++i) end = write_point(points[i], end);
  machine.scratch().release(mark);
  const std::string_view result(begin, static_cast<size_t>(end - begin));
  out = result == text ? out : string_value(result);
  return true;
}

}  // namespace

bool upper_case(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return mapped(machine, arguments, upper_point, out);
}

bool case_fold(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return mapped(machine, arguments, fold_point, out);
}

// A capital sigma behind a letter and before none is a final one.
bool lower_case(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 8)) return false;
  Output& output = machine.text_output();
  output.start(false);
  bool in_word = false;
  while (!text.empty()) {
    const int32_t point = take_point(text);
    Folded lowered = lower_point(point);
    if (point == kCapitalSigma && in_word) {
      // Marks belong to the letter before them. There are few in a row, and else this is paid for.
      std::string_view rest = text;
      int32_t next = 0;
      do {
        if (!machine.charge(1)) return false;
        next = rest.empty() ? 0 : take_point(rest);
      } while (is_mark(next));
      if (!is_letter(next)) lowered.points[0] = kFinalSigma;
    }
    if (!is_mark(point)) in_word = is_letter(point);
    output.commit(write_points(lowered, output.room(4 * kMostFolded)));
  }
  return finish_text(machine, out);
}

bool capitalize(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (text.empty()) {
    out = arguments[0];
    return true;
  }
  Output& output = machine.text_output();
  output.start(false);
  output.commit(write_points(title_point(take_point(text)), output.room(4 * kMostFolded)));
  output.put(text);
  return finish_text(machine, out);
}

bool trim_start(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  return trimmed(machine, arguments, count, false, out);
}

bool trim_end(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  return trimmed(machine, arguments, count, true, out);
}

// From the front, each cluster goes before those already there.
bool reverse_string(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 8)) return false;
  char* const begin = text_room(machine, text.size());
  if (begin == nullptr) return false;
  char* at = begin + text.size();
  utf8proc_int32_t state = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const char* const cluster = rest.data();
    int32_t point = take_point(rest);
    for (std::string_view after = rest; !after.empty(); rest = after) {
      const int32_t next = take_point(after);
      if (utf8proc_grapheme_break_stateful(point, next, &state)) break;
      point = next;
    }
    at -= rest.data() - cluster;
    std::copy(cluster, rest.data(), at);
  }
  ASSERT(at == begin);
  out = string_value({begin, text.size()});
  return true;
}

std::string check_normal_form(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  if (arguments.size() < 2 || !arguments[1] || normal_form(*arguments[1]) != 0) return {};
  return expectation(kFormNames, *arguments[1]);
}

bool normalize(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  std::string_view name = "NFC";
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (count > 1 && !text_argument(machine, arguments, 1, name)) return false;
  const int form = normal_form(name);
  if (form == 0) return fail_value(machine, 1, kFormNames, name);
  out = arguments[0];
  if (is_ascii(text)) return true;
  return machine.charge(text.size() / 2) && charge_marks(machine, text) && normalized(machine, text, form, out);
}

}  // namespace colloquium::computo::ops
