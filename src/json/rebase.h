// Moving a range of a tape: a value taken out of one event becomes part of another, or an event itself.
//
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "colloquium/tape.h"

namespace colloquium::json {

// Appends `tokens`, whose first one stood at index `old_index` of an event and at byte tokens[0].offset of its
// text, as they are to stand at `new_index` and `new_offset`. REQUIRES: the tokens of one value, all of them;
// `tokens` is no part of `out`.
void append_rebased(std::span<const TapeToken> tokens, uint32_t old_index, uint32_t new_index, uint32_t new_offset,
                    std::vector<TapeToken>& out);

}  // namespace colloquium::json
