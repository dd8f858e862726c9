// Operators that reduce an array of numbers to one.
//
// Sums are exact as long as section 2.3 of the language keeps them so; the rest is computed in doubles, in one
// pass that does not lose digits to large means. Of no numbers there is no mean: null.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// statistics.cc
bool average(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool median(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool percentile(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool standard_deviation(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool sum(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool variance(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// Whether "population" or "sample" is meant.
std::string check_deviation(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kStatisticsLibrary[] = {
    native("avg", 1, 1, {"Statistics", "numbers: array", "number or null", "type number"}, "a", ops::average,
           "The arithmetic mean of an array of numbers, null if it is empty.", R"(["avg",[1,2,6]])", "3"),
    native(
        "median", 1, 1, {"Statistics", "numbers: array", "number or null", "type"}, "a", ops::median,
        "The middle of the numbers in rising order, of an even count the mean of the two in the middle; null if "
        "there are none.",
        R"(["median",[9,1,2,4]])", "3"),
    native(
        "percentile", 2, 2, {"Statistics", "numbers: array, percentage: number", "number or null", "type value"},
        "an", ops::percentile,
        "The value below which that many per cent of the numbers lie, 0 to 100, interpolated between neighbours "
        "(rank p/100 * (n-1)); null if there are no numbers. Another percentage is an error of category value.",
        R"(["percentile",[10,20,30,40,50],90])", "46"),
    native("stddev", 1, 2, {"Statistics", "numbers: array, kind?: string", "number or null", "type value number"},
           "as", ops::standard_deviation,
           "The standard deviation: the root of what variance gives for the same operands.",
           R"(["stddev",[2,4,4,4,5,5,7,9]])", "2", ops::check_deviation),
    native("sum", 1, 1, {"Statistics", "numbers: array", "number", "type number"}, "a", ops::sum,
           "The sum of an array of numbers, 0 if it is empty; integers stay exact.", R"(["sum",[1,2,3.5]])",
           "6.5"),
    native("variance", 1, 2,
           {"Statistics", "numbers: array, kind?: string", "number or null", "type value number"}, "as",
           ops::variance,
           "The mean square distance from the mean: of the \"population\", as by default, or estimated from a "
           "\"sample\" (divided by n-1). Null for no numbers, and for a sample of one.",
           R"(["variance",[1,2,3,4],"population"])", "1.25", ops::check_deviation),
};

}  // namespace colloquium::computo
