// Canonical JSON text of scalars (section 2.4 and strConcat in 8.9 of the language).
//
// Thread safety: functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "computo/value.h"

namespace colloquium::computo {

// The most bytes that `size` bytes of text become, quotes included.
inline size_t escaped_bound(size_t size) {
  return size * 6 + 2;
}

// Writes the string with its quotes; returns its end. REQUIRES: room for escaped_bound. `escaped` becomes
// true if a backslash was needed.
char* write_string(std::string_view text, char* out, bool& escaped);

inline constexpr size_t kNumberBound = 32;

// REQUIRES: a decoded number; room for kNumberBound.
char* write_number(const Value& number, char* out);

// How the checking walk would type a number spelled like this. A tape that goes out with a result must say
// what a walk over its bytes would: an integral double is spelled as an integer, and is one from then on.
struct NumberToken {
  TokenType type;
  uint8_t flags;
};
NumberToken number_token(std::string_view text);

// Whether a text that a walk refused at `byte` nests deeper there than a walk lets in: error `limit` then,
// not `parse`.
bool nests_too_deep(std::string_view text, uint64_t byte);

}  // namespace colloquium::computo
