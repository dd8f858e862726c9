// The tape: what one checking walk over a JSON value found, as a flat array of fixed tokens.
//
// src/json builds and reads it (json/walk.h, json/view.h); it is declared here because it travels with a
// Batch in memory. It is never written to disk: a batch that is read back is walked again.
//
// Shape: tokens in document order. A container is one token followed by its content; an object's content
// alternates key and value. `next` of a container is the index of the first token after it, so a reader
// skips it in one step; for a scalar `next` is its own index + 1. Offsets count bytes from the first byte of
// the event's value, so a tape stays right when value and tape are copied together. `next` counts tokens
// from the event's first token for the same reason.
#pragma once

#include <cstdint>

namespace colloquium {

enum class TokenType : uint8_t { kNull, kFalse, kTrue, kInteger, kDouble, kString, kKey, kArray, kObject };

// Flags of a token.
inline constexpr uint8_t kTokenEscaped = 1;        // string or key: contains at least one backslash
inline constexpr uint8_t kTokenDuplicateKeys = 2;  // object: at least one key occurs twice; the last wins
inline constexpr uint8_t kTokenBigInteger = 4;     // integer literal outside [-2^63, 2^63)

// TapeToken::count stops here; a reader who meets it counts for itself.
inline constexpr uint32_t kTokenCountMax = (1u << 20) - 1;

struct TapeToken {
  uint32_t offset;     // first byte: the opening quote, brace or bracket, or the literal's first character
  uint32_t length;     // bytes of the whole value as written (quotes, braces included)
  uint32_t next;       // see above
  uint32_t count : 20; // container: number of elements or of key-value pairs, saturated at 2^20 - 1
  uint32_t flags : 6;
  uint32_t type_bits : 6;

  TokenType type() const { return static_cast<TokenType>(type_bits); }
};
static_assert(sizeof(TapeToken) == 16);

}  // namespace colloquium
