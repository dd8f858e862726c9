// Operators over strings by their bytes and code points; those that need Unicode's tables are in unicode.h.
//
// Positions and lengths count code points. A result that is a part of an operand shares its bytes.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// strings.cc
bool byte_length(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool contains(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool ends_with(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool index_of(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool length(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool lower(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool pad_end(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool pad_start(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool repeat(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool replace(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool starts_with(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool substring(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool truncate(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool upper(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// string_parts.cc
bool lines(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool split(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool trim(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// string_patterns.cc
bool format(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool like(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_format(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kStringLibrary[] = {
    native("byteLength", 1, 1, {"Strings", "text: string", "integer", "type"}, "s", ops::byte_length,
           "The number of bytes of the string in UTF-8.", R"(["byteLength","Zoë"])", "4"),
    native("contains", 2, 2, {"Strings", "container: string or array, part: any", "boolean", "type"}, "..",
           ops::contains,
           "True if the string has the other string in it, or if an element of the array equals the value. Every "
           "string contains the empty one.",
           R"([["contains","colloquium","quiu"],["contains",[1,2],3]])", "[true,false]"),
    native("endsWith", 2, 2, {"Strings", "text: string, end: string", "boolean", "type"}, "s", ops::ends_with,
           "True if the string ends with the other.", R"(["endsWith","a.json",".json"])", "true"),
    native("format", 1, -1, {"Strings", "template: string, values…: any", "string", "type value"}, "s.",
           ops::format,
           "The template with {} replaced by the text of the next value, {0}, {1} … by that of the value at that "
           "place, {name} by that of the member of the first value, which is an object; {{ and }} are braces. A "
           "value that is not there and a brace alone are errors of category value.",
           R"(["format","{} is {name} of {{{1}}}",{"name":"first"},"all"])",
           R"x("{\"name\":\"first\"} is first of {all}")x", ops::check_format),
    native("indexOf", 2, 2, {"Strings", "container: string or array, part: any", "integer", "type"}, "..",
           ops::index_of,
           "The index of the first occurrence of a string in a string, in code points, or of the first element "
           "of an array that equals the value; -1 if there is none.",
           R"([["indexOf","Zoë Müller","Mü"],["indexOf",[7,8],9]])", "[4,-1]"),
    native("length", 1, 1, {"Strings", "value: string or array or object", "integer", "type"}, ".", ops::length,
           "The number of a string's code points, of an array's elements or of an object's members. Anything "
           "else is an error of category type.",
           R"([["length","Zoë"],["length",[1,2]]])", "[3,2]"),
    native("like", 2, 2, {"Strings", "text: string, pattern: string", "boolean", "type"}, "s", ops::like,
           "True if the whole string matches the pattern, in which * stands for any text, ? for any one "
           "character, and a backslash takes the meaning from the next character.",
           R"(["like","orders-17.json","orders-*.js?n"])", "true"),
    native("lines", 1, 1, {"Strings", "text: string", "array of strings", "type"}, "s", ops::lines,
           "The lines of a text without their ends, which are LF, CR LF or CR; an end at the very end begins no "
           "further line. The empty text has none.",
           R"(["lines","a\r\nb\n\nc\n"])", R"(["a","b","","c"])"),
    native("lower", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::lower,
           "The string with the letters A to Z made small; lowerCase does so for all of Unicode.",
           R"(["lower","ÄB"])", R"("Äb")"),
    native("padEnd", 2, 3, {"Strings", "text: string, length: integer, fill?: string", "string", "type value"},
           "sis", ops::pad_end,
           "The string followed by as many spaces, or characters of the third operand, as make it that long. A "
           "longer one stays as it is; padding with nothing is an error of category value.",
           R"(["padEnd","ab",5,"-="])", R"("ab-=-")"),
    native("padStart", 2, 3, {"Strings", "text: string, length: integer, fill?: string", "string", "type value"},
           "sis", ops::pad_start,
           "The string after as many spaces, or characters of the third operand, as make it that long. A longer "
           "one stays as it is; padding with nothing is an error of category value.",
           R"(["padStart","7",3,"0"])", R"("007")"),
    native("repeat", 2, 2, {"Strings", "text: string, times: integer", "string", "type value"}, "si", ops::repeat,
           "The string as many times as said. A negative count is an error of category value.",
           R"(["repeat","ab",3])", R"("ababab")"),
    native("replace", 3, 4,
           {"Strings", "text: string, part: string, replacement: string, most?: integer", "string", "type value"},
           "sssi", ops::replace,
           "The string with each occurrence of the second replaced by the third, from the left and at most as "
           "many as the fourth operand says. Replacing the empty string is an error of category value.",
           R"(["replace","a-b-c","-","+",1])", R"("a+b-c")"),
    native("split", 2, 2, {"Strings", "text: string, separator: string", "array of strings", "type"}, "ss",
           ops::split,
           "The pieces between separators, empty ones among them; the empty separator splits into code points.",
           R"(["split","a,b,,c",","])", R"(["a","b","","c"])"),
    native("splitAtMost", 3, 3,
           {"Strings", "text: string, separator: string, most: integer", "array of strings", "type value"}, "ssi",
           ops::split,
           "As split, with at most as many pieces as the third operand says, the last being what is left.",
           R"(["splitAtMost","a,b,,c",",",3])", R"(["a","b",",c"])"),
    native("startsWith", 2, 2, {"Strings", "text: string, start: string", "boolean", "type"}, "s",
           ops::starts_with, "True if the string begins with the other.", R"(["startsWith","ord-17","ord-"])",
           "true"),
    native("substring", 2, 3,
           {"Strings", "text: string, start: integer, length?: integer", "string", "type value"}, "sii",
           ops::substring,
           "The string from that code point on, counted from 0 or, if negative, from the end; with a third "
           "operand at most that many. What lies outside the string is left out; a negative length is an error "
           "of category value.",
           R"(["substring","Zoë Müller",-6,2])", R"("Mü")"),
    native("trim", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::trim,
           "The string without ASCII white space at both ends; trimStart and trimEnd know that of Unicode.",
           R"(["trim","\t a b\n"])", R"("a b")"),
    native("truncate", 2, 3, {"Strings", "text: string, length: integer, ending?: string", "string", "type value"},
           "sis", ops::truncate,
           "The string if it has at most that many code points, else its beginning and the third operand, "
           "together that long. An ending longer than that is an error of category value.",
           R"(["truncate","colloquium",5,"…"])", R"("coll…")"),
    native("upper", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::upper,
           "The string with the letters a to z made capitals; upperCase does so for all of Unicode.",
           R"(["upper","äb"])", R"("äB")"),
};

}  // namespace colloquium::computo
