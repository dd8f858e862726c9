// Operators that look into values, change them at places, and turn objects into other shapes.
//
// A place is a JSON Pointer that a script may compute: "" is the value itself; anything that is neither empty
// nor begins with '/' is an error of category pointer. What is not changed stays as it was: only the way from
// the root to a changed place is made anew.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// paths.cc
bool delete_at(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool has(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool lookup(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool paths(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool set(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// members.cc
bool compact(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool entries(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool merge_deep(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool rename(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// nesting.cc
bool flatten_object(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool unflatten_object(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// What a strict compilation can say about constant pointers, separators and modes.
std::string check_pointer(std::span<const ConstantText> arguments);
std::string check_separator(std::span<const ConstantText> arguments);
std::string check_compact(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kPathLibrary[] = {
    native("compact", 1, 2, {"Objects", "value: any, mode?: string", "any", "type value"}, ".s", ops::compact,
           "The value without the members and elements that are null, at every depth; with \"empty\" as second "
           "operand also without those that are, or become, \"\", [] or {}. The value itself stays even if it is "
           "empty.",
           R"(["compact",{"a":null,"b":{"c":null,"d":0}}])", R"({"b":{"d":0}})", ops::check_compact),
    native("delete", 2, 2, {"Objects", "value: any, pointers: string or array of strings", "any", "type pointer"},
           "..", ops::delete_at,
           "The value without what stands at a pointer, or at each of an array of pointers, which all address the "
           "value as it was given. A place that does not exist is no error; without the place \"\" null is left.",
           R"(["delete",{"a":1,"b":[2,3]},["list","/a","/b/0"]])", R"({"b":[3]})", ops::check_pointer),
    native("entries", 1, 1, {"Objects", "object: object", "array of pairs", "type"}, "o", ops::entries,
           "An object's members as [key, value] pairs in byte order of the keys; objFromPairs makes the object "
           "again.",
           R"(["entries",{"b":1,"a":2}])", R"([["a",2],["b",1]])"),
    native("flattenObject", 1, 2, {"Objects", "object: object, separator?: string", "object", "type value"}, "os",
           ops::flatten_object,
           "Nested objects as one: each member's name is the path to it, joined with \".\" or the second operand. "
           "Arrays and empty objects are values; of equal names the last in order wins. An empty separator is an "
           "error of category value.",
           R"(["flattenObject",{"a":{"b":1,"c":[2]}}])", R"({"a.b":1,"a.c":[2]})", ops::check_separator),
    special("get", 2, 3, {"Objects", "value: any, pointer: literal pointer, default?: any", "any", "type pointer"},
            Form::kGet, 0,
            "The part of a computed value at a literal pointer. If there is none: the third operand, which is "
            "evaluated only then, or an error of category pointer.",
            R"(["get",["obj","a",[5,6]],"/b",0])", "0"),
    native("has", 2, 2, {"Objects", "value: any, pointer: string", "boolean", "type pointer"}, ".s", ops::has,
           "True if something stands at the pointer in the value, be it null.", R"(["has",{"a":[null]},"/a/0"])",
           "true", ops::check_pointer),
    native("lookup", 2, 3,
           {"Objects", "container: object or array, key: string or integer, default?: any", "any", "type pointer"},
           "...", ops::lookup,
           "The member of an object by a name that is computed, or the element of an array by its index, counted "
           "from the end if negative; an integer also names a member. If there is none: the third operand, or an "
           "error of category pointer.",
           R"(["lookup",{"NO":"Norway","SE":"Sweden"},["upper","se"],"elsewhere"])", R"("Sweden")"),
    native(
        "mergeDeep", 1, -1, {"Objects", "object: object, more…: object", "object", "type"}, "o", ops::merge_deep,
        "The objects' members in one object; of equal keys objects are merged in turn, else the last wins, arrays "
        "and null included.",
        R"(["mergeDeep",{"a":{"x":1,"y":1}},{"a":{"y":2}}])", R"({"a":{"x":1,"y":2}})"),
    native("paths", 1, 1, {"Objects", "value: any", "array of strings", ""}, ".", ops::paths,
           "The pointers of all leaves: scalars, and arrays and objects that are empty. Keys in byte order.",
           R"(["paths",{"b":[1,{}],"a":null}])", R"(["/a","/b/0","/b/1"])"),
    native(
        "rename", 2, 3,
        {"Objects", "object: object, old or names: string or object, new?: string", "object", "type"}, "o..",
        ops::rename,
        "The object with members renamed, from the second operand to the third, or by an object {old: new} all at "
        "once. Names that are missing are passed over; a new name replaces a member that had it.",
        R"(["rename",{"a":1,"b":2},{"a":"b","b":"a"}])", R"({"a":2,"b":1})"),
    native(
        "set", 3, 3, {"Objects", "value: any, pointer: string, part: any", "any", "type pointer"}, ".s.", ops::set,
        "The value with a new value at the pointer. Objects missing on the way are made, also in place of null; "
        "the index \"-\", or one equal to the length, appends to an array. A way through another scalar or beyond "
        "an array's end is an error of category pointer.",
        R"(["set",{"a":[1]},"/b/c",2])", R"({"a":[1],"b":{"c":2}})", ops::check_pointer),
    native(
        "unflattenObject", 1, 2, {"Objects", "object: object, separator?: string", "object", "type value"}, "os",
        ops::unflatten_object,
        "The inverse of flattenObject: names are split at \".\" or the second operand, and nested objects made of "
        "them. A name that is both a value and the beginning of others is an error of category value.",
        R"(["unflattenObject",{"a.b":1,"a.c":2}])", R"({"a":{"b":1,"c":2}})", ops::check_separator),
};

}  // namespace colloquium::computo
