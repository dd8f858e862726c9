// What the operators over time share: their arguments, results, and checks of constants.
//
// Thread safety: as the machine's.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "computo/library/instants.h"
#include "computo/library/zones.h"
#include "computo/machine.h"
#include "computo/ops.h"
#include "computo/value.h"

namespace colloquium::computo::ops {

// The time argument `i` is; error type or value.
bool time_argument(Machine& machine, const Value* arguments, uint32_t i, Instant& out);

// The zone argument `i` names, UTC if the call does not have it.
bool zone_argument(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, Zone& out);

// The unit argument `i` names, in nanoseconds; milliseconds if the call does not have it.
bool unit_argument(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, int64_t& nanoseconds);

// A time as result; nothing is an error: it lies outside the years there are.
bool time_value(Machine& machine, const std::optional<Instant>& instant, Value& out);

// A number of units as result: an integer if it comes out even.
Value quotient(Nanoseconds nanoseconds, int64_t unit);

// The nanoseconds of a number of units, rounded down; nothing if they are far beyond any time. REQUIRES: a number.
std::optional<Nanoseconds> nanoseconds_of(const Value& number, int64_t unit);

// Of constant argument `i`: what is wrong, or an empty text.
std::string check_zone(std::span<const ConstantText> arguments, size_t i);
std::string check_unit(std::span<const ConstantText> arguments, size_t i);

}  // namespace colloquium::computo::ops
