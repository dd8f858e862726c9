// Rendering: from values to JSON text, and on request to the tape that a walk over that text would give.
//
// Two ways. As a result, untouched values are their source bytes and a function is [[parameters], body]; as
// text (strConcat, join), everything is canonical and a function is a type error.
//
// Thread safety: belongs to one thread.
#pragma once

#include <cstdint>

#include "computo/machine.h"
#include "computo/output.h"
#include "computo/value.h"

namespace colloquium::computo {

// kMaskedText: as text, for people: of a member whose name looks secret (shown.h) there is "***".
enum class RenderAs : uint8_t { kResult, kText, kMaskedText };

// Appends; false after Machine::fail: more than limits().output_bytes, nesting, or a function in text.
bool render(Machine& machine, Output& output, RenderAs as, const Value& value);

}  // namespace colloquium::computo
