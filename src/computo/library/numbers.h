// Operators over numbers: rounding, powers, bounds, bits, and numbers as text.
//
// Integers stay exact wherever the result is one of 64 bits; everything else is computed in doubles (section 2.3
// of the language), and a result that is not finite is an error of category number.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// numbers.cc
bool abs(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool ceil(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool clamp(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool exp(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool floor(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool log(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool max(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool min(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool pow(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool round(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool sign(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool sqrt(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool truncate_number(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// number_text.cc
bool bit_and(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool bit_not(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool bit_or(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool bit_xor(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool format_int(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool format_number(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_int(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool shift_left(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool shift_right(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_base(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kNumberLibrary[] = {
    native("abs", 1, 1, {"Numbers", "number: number", "number", "type"}, "n", ops::abs,
           "The number without its sign.", R"(["abs",-7])", "7"),
    native("bitAnd", 2, -1, {"Numbers", "left: integer, right: integer, more…: integer", "integer", "type"}, "i",
           ops::bit_and, "The bits that all the integers have, of 64 in two's complement.", R"(["bitAnd",12,10])",
           "8"),
    native("bitNot", 1, 1, {"Numbers", "number: integer", "integer", "type"}, "i", ops::bit_not,
           "The integer with every bit turned round, -n-1.", R"(["bitNot",0])", "-1"),
    native("bitOr", 2, -1, {"Numbers", "left: integer, right: integer, more…: integer", "integer", "type"}, "i",
           ops::bit_or, "The bits that any of the integers has, of 64 in two's complement.", R"(["bitOr",12,10])",
           "14"),
    native("bitXor", 2, -1, {"Numbers", "left: integer, right: integer, more…: integer", "integer", "type"}, "i",
           ops::bit_xor, "The bits that an odd number of the integers have, of 64 in two's complement.",
           R"(["bitXor",12,10])", "6"),
    native("ceil", 1, 1, {"Numbers", "number: number", "number", "type"}, "n", ops::ceil,
           "The smallest integer that is not less.", R"(["ceil",-1.5])", "-1"),
    native("clamp", 3, 3, {"Numbers", "number: number, least: number, most: number", "number", "type value"}, "n",
           ops::clamp,
           "The number, but at least the second and at most the third; bounds in the wrong order are an error of "
           "category value.",
           R"(["clamp",120,0,100])", "100"),
    native("exp", 1, 1, {"Numbers", "number: number", "number", "type number"}, "n", ops::exp,
           "Euler's number to that power.", R"(["exp",0])", "1"),
    native("floor", 1, 1, {"Numbers", "number: number", "number", "type"}, "n", ops::floor,
           "The largest integer that is not greater.", R"(["floor",-1.5])", "-2"),
    native("formatInt", 2, 2, {"Numbers", "number: integer, base: integer", "string", "type value"}, "i",
           ops::format_int,
           "The integer's digits in a base from 2 to 36, small letters behind 9; another base is an error of "
           "category value.",
           R"(["formatInt",255,16])", R"("ff")", ops::check_base),
    native("formatNumber", 2, 4,
           {"Numbers", "number: number, digits: integer, group separator?: string, point?: string", "string",
            "type value"},
           "niss", ops::format_number,
           "The number with exactly so many digits after the point, 0 to 100, rounded as round does. The third "
           "operand stands between groups of three digits, the fourth in place of the point.",
           R"(["formatNumber",1234567.891,2,".",","])", R"("1.234.567,89")"),
    native("log", 1, 2, {"Numbers", "number: number, base?: number", "number", "type number"}, "n", ops::log,
           "The natural logarithm, or that to the base of the second operand. Of 0 or less it is an error of "
           "category number.",
           R"(["log",1000,10])", "3"),
    native("max", 1, -1,
           {"Numbers", "number or numbers: number or array, more…: number", "number", "type empty_array"}, ".",
           ops::max,
           "The greatest of the operands, or of the elements of one array; the first of equals. Of no numbers it "
           "is an error of category empty_array.",
           R"(["max",2,9,4])", "9"),
    native("min", 1, -1,
           {"Numbers", "number or numbers: number or array, more…: number", "number", "type empty_array"}, ".",
           ops::min,
           "The least of the operands, or of the elements of one array; the first of equals. Of no numbers it is "
           "an error of category empty_array.",
           R"(["min",[3,1,2]])", "1"),
    native("parseInt", 1, 2, {"Numbers", "text: string, base?: integer", "integer", "type value"}, "si",
           ops::parse_int,
           "The integer of 64 bits that the string spells in base 10, or in that of the second operand, 2 to 36; "
           "with an optional sign and white space around. Anything else is an error of category value.",
           R"(["parseInt","-ff",16])", "-255", ops::check_base),
    native("pow", 2, 2, {"Numbers", "number: number, exponent: number", "number", "type number"}, "n", ops::pow,
           "The first number to the power of the second; an exact integer as long as it fits 64 bits.",
           R"(["pow",2,62])", "4611686018427387904"),
    native("round", 1, 2, {"Numbers", "number: number, digits?: integer", "number", "type number"}, "ni",
           ops::round,
           "The nearest number with no digits after the point, or so many as the second operand says, which if "
           "negative counts before it; halves go away from zero. What counts is how the number is written.",
           R"([["round",-2.5],["round",1.005,2],["round",1250,-2]])", "[-3,1.01,1300]"),
    native("shiftLeft", 2, 2, {"Numbers", "number: integer, places: integer", "integer", "type value"}, "i",
           ops::shift_left,
           "The integer's 64 bits moved up by 0 to 63 places; those beyond the top are lost. Another distance is "
           "an error of category value.",
           R"(["shiftLeft",3,4])", "48"),
    native("shiftRight", 2, 2, {"Numbers", "number: integer, places: integer", "integer", "type value"}, "i",
           ops::shift_right,
           "The integer's 64 bits moved down by 0 to 63 places, keeping the sign. Another distance is an error "
           "of category value.",
           R"(["shiftRight",-16,2])", "-4"),
    native("sign", 1, 1, {"Numbers", "number: number", "integer", "type"}, "n", ops::sign,
           "-1, 0 or 1, as the number is negative, zero or positive.", R"(["sign",-0.5])", "-1"),
    native("sqrt", 1, 1, {"Numbers", "number: number", "number", "type number"}, "n", ops::sqrt,
           "The square root. Of a negative number it is an error of category number.", R"(["sqrt",2.25])", "1.5"),
    native("truncateNumber", 1, 1, {"Numbers", "number: number", "number", "type"}, "n", ops::truncate_number,
           "The number without its fraction.", R"(["truncateNumber",-1.5])", "-1"),
};

}  // namespace colloquium::computo
