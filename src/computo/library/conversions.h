// Operators that ask for a value's type and convert between types.
//
// Nothing converts by itself in the language; these do, and say in their rows what they accept. A default, where
// one is allowed, is given instead of any error of the conversion.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// conversions.cc
bool parse_json(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool to_bool(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool to_int(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool to_json(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool to_number(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool to_string(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool type(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kConversionLibrary[] = {
    native("parseJson", 1, 2, {"Conversion", "text: string, default?: any", "any", "type parse"}, "s.",
           ops::parse_json,
           "The value that a JSON text says, with numbers as they are spelled. A text that is no JSON is an "
           "error of category parse that names the byte, or gives the second operand if there is one.",
           R"(["parseJson","{\"a\":[1,2.50]}"])", R"({"a":[1,2.50]})"),
    native("toBool", 1, 2, {"Conversion", "value: any, default?: any", "boolean", "type value"}, "..",
           ops::to_bool,
           "A boolean as it is, the number 1 or 0, or one of the words true, yes, on, y, t, 1 or false, no, off, "
           "n, f, 0 in any letter case and between white space. Anything else is an error, or gives the second "
           "operand.",
           R"(["toBool"," Yes"])", "true"),
    native("toInt", 1, 2, {"Conversion", "value: any, default?: any", "integer", "type value"}, "..", ops::to_int,
           "An integer: of a number without a fraction, or of a string of decimal digits with an optional sign "
           "and white space around. What does not fit 64 bits or is anything else is an error, or gives the "
           "second operand.",
           R"([["toInt","-042"],["toInt","x",null]])", "[-42,null]"),
    native("toJson", 1, 1, {"Conversion", "value: any", "string", "type"}, ".", ops::to_json,
           "The value as JSON text: compact, keys in byte order, numbers in their shortest form.",
           R"(["toJson",{"b":"x","a":1.50}])", R"x("{\"a\":1.5,\"b\":\"x\"}")x"),
    native("toNumber", 1, 2, {"Conversion", "value: any, default?: any", "number", "type value"}, "..",
           ops::to_number,
           "A number as it is, or the one a string spells as JSON does, with an optional plus sign and white "
           "space around. Anything else is an error, or gives the second operand.",
           R"(["toNumber","+1.5e3"])", "1500"),
    native("toString", 1, 1, {"Conversion", "value: any", "string", "type"}, ".", ops::to_string,
           "The text strConcat would put: a string as it is, null, booleans and numbers as JSON spells them, "
           "arrays and objects as compact JSON.",
           R"(["toString",[1,null]])", R"("[1,null]")"),
    native("type", 1, 1, {"Conversion", "value: any", "string", ""}, ".", ops::type,
           "The name of the value's type: null, boolean, number, string, array, object or function.",
           R"(["type",1.5])", R"("number")"),
};

}  // namespace colloquium::computo
