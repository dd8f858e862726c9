// Equality, order and hash of values (section 3 of the language).
//
// All of them walk data of any depth and size, so they take steps off the budget and stop at kMostNesting:
// where Machine::failed() is true afterwards, the answer means nothing.
// Thread safety: as the machine's.
#pragma once

#include <cstdint>

#include "computo/machine.h"
#include "computo/value.h"

namespace colloquium::computo {

// Same type and content, deeply; numbers by value. Functions are equal to nothing.
bool equal(Machine& machine, const Value& a, const Value& b);

// null < number < string < boolean < array < object, recursively: negative, 0 or positive. Functions, which
// have no order, come last and are left as they stand.
int order(Machine& machine, const Value& a, const Value& b);

// Equal values hash equally.
uint64_t hash(Machine& machine, const Value& v);

}  // namespace colloquium::computo
