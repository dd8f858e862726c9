// sort, uniqueSorted and unique (section 8.8 of the language).
//
// Thread safety: as the machine's.
#pragma once

#include <cstdint>

#include "computo/code.h"
#include "computo/machine.h"
#include "computo/value.h"

namespace colloquium::computo {

// Each replaces `array` by the result; false after Machine::fail. REQUIRES: an array.
bool sort_array(Machine& machine, const SortSpec& spec, Value& array);
bool unique_runs(Machine& machine, const SortSpec& spec, RunMode mode, Value& array);
bool unique_elements(Machine& machine, Value& array);

}  // namespace colloquium::computo
