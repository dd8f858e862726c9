// The kinds of characters that the patterns of o200k_base and cl100k_base tell apart, for every code point of
// Unicode 16, the version that tiktoken knows.
//
// Thread safety: the table is made at the first call, by whichever thread comes first, and never changes.
#pragma once

#include <array>
#include <cstdint>

namespace colloquium::ai {

// One bit each, so that a set of kinds is a sum. Every code point is of one kind.
using CharacterKinds = uint8_t;
inline constexpr CharacterKinds kUpper = 1;     // \p{Lu} \p{Lt}
inline constexpr CharacterKinds kLower = 2;     // \p{Ll}
inline constexpr CharacterKinds kCaseless = 4;  // \p{Lm} \p{Lo}
inline constexpr CharacterKinds kMark = 8;      // \p{M}
inline constexpr CharacterKinds kNumber = 16;   // \p{N}
inline constexpr CharacterKinds kBreak = 32;    // \r \n
inline constexpr CharacterKinds kSpace = 64;    // \s without those
inline constexpr CharacterKinds kOther = 128;   // everything else: punctuation, symbols, controls, unassigned

inline constexpr uint32_t kCodePoints = 0x110000;
using CharacterTable = std::array<CharacterKinds, kCodePoints>;

// The kind of each code point, at its place.
const CharacterTable& character_table();

}  // namespace colloquium::ai
