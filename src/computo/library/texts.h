// What the library's operators over text share: arguments, results, and UTF-8 by code points.
//
// Every string of the language is valid UTF-8: inputs and scripts were checked by the walk, and operators keep
// it so. The functions over UTF-8 rely on that.
// Thread safety: as the machine's; the rest are functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "computo/library/elements.h"
#include "computo/machine.h"
#include "computo/ops.h"
#include "computo/output.h"
#include "computo/value.h"

namespace colloquium::computo::ops {

// Texts of constants and arguments are shown up to this many bytes.
inline constexpr size_t kShownBytes = 40;

// The text between quotes, shortened, for messages.
std::string shown(std::string_view text);

// What CheckFunction gives for a constant that is not `expected`.
inline std::string expectation(std::string_view expected, std::string_view got) {
  return "expected " + std::string(expected) + ", got " + shown(got);
}

// "expected …, got "…""; category value. False.
bool fail_value(Machine& machine, uint32_t argument, std::string_view expected, std::string_view got);

// The text of argument `i`, reading it paid for. REQUIRES: Operator::types says 's' for it.
bool text_argument(Machine& machine, const Value* arguments, uint32_t i, std::string_view& out);

// The integer that argument `i` is, if it is at least `least`, else error value.
bool count_argument(Machine& machine, const Value* arguments, uint32_t i, int64_t least, int64_t& out);

// Memory for a text of at most `bytes`, paid for; null after fail, also if no result may be as long.
char* text_room(Machine& machine, uint64_t bytes);

// What Machine::text_output() holds, as a value.
bool finish_text(Machine& machine, Value& out);

// Whether the output is still short enough to be a result; else error limit. For loops that append.
bool check_output(Machine& machine);

// Appends the text form of strConcat: strings as they are, everything else as canonical JSON.
bool append_text(Machine& machine, Output& text, const Value& v);

// A part of a text that lives as long as the evaluation; if it is all of argument `v`, that, untouched.
Value part_of_text(const Value& v, std::string_view whole, std::string_view part);

// Gathers the elements of an array whose size shows only at the end, in memory that doubles.
class ValueList {
 public:
  explicit ValueList(Machine& machine) : machine_(machine) {}
  uint32_t size() const { return size_; }
  bool add(const Value& v);
  bool finish(Value& out) const;

 private:
  Machine& machine_;
  Value* items_ = nullptr;
  uint32_t size_ = 0;
  uint32_t room_ = 0;
};

// Code points.
inline bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}
uint64_t count_points(std::string_view text);
// The byte at which code point `points` begins; the text's size if it has no more than that many.
size_t skip_points(std::string_view text, uint64_t points);
// The bytes of the code point that starts at the text's first byte. REQUIRES: not empty.
size_t point_size(std::string_view text);
// The code point, taken off the text. REQUIRES: not empty.
int32_t take_point(std::string_view& text);
bool is_ascii(std::string_view text);

inline bool is_ascii_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
inline char ascii_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}
std::string_view trim_ascii(std::string_view text);

// An object with fixed keys: `keys` is a constant table in byte order, with a value for each in the same order.
// Members whose value is kUnbound are left out.
bool fixed_object(Machine& machine, const std::string_view* keys, const Value* values, uint32_t count, Value& out);
inline Value no_member() {
  return {Kind::kUnbound, 0, {0}};
}

}  // namespace colloquium::computo::ops
