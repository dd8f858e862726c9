// Bytes as text: hexadecimal digits, and text that has to be UTF-8 first.
//
// Thread safety: as the machine's; the rest are functions.
#pragma once

#include <string_view>

#include "computo/machine.h"
#include "computo/value.h"

namespace colloquium::computo::ops {

// The value of a hexadecimal digit, -1 if it is none.
inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The byte that two digits say; false if one is none. REQUIRES: two characters.
inline bool hex_byte(const char* digits, char& out) {
  const int high = hex_digit(digits[0]);
  const int low = hex_digit(digits[1]);
  out = static_cast<char>(high * 16 + low);
  return high >= 0 && low >= 0;
}

inline constexpr std::string_view kHexDigits = "0123456789abcdef";

// The bytes in hexadecimal, small letters.
bool hex_value(Machine& machine, std::string_view bytes, Value& out);

bool is_utf8(std::string_view bytes);

// The bytes as a string, which they are decoded from `source`; error value if they are no UTF-8.
bool utf8_value(Machine& machine, std::string_view bytes, std::string_view source, Value& out);

}  // namespace colloquium::computo::ops
