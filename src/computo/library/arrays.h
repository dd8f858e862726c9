// Operators over arrays beyond the core: making them, cutting them, and arrays as sets.
//
// What is cut from an array shares its elements; elements stay views of the event where they were.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// arrays.cc
bool chunk(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool drop(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool enumerate(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool first(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool flatten(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool last(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool list(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool range(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool slice(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool take(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool transpose(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool window(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// array_sets.cc
bool difference(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool intersection(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool set_union(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kArrayLibrary[] = {
    native("chunk", 2, 2, {"Arrays", "array: array, size: integer", "array of arrays", "type value"}, "ai",
           ops::chunk,
           "The array in consecutive slices of that many elements, the last of what is left. A size below 1 is an "
           "error of category value.",
           R"(["chunk",[1,2,3,4,5],2])", "[[1,2],[3,4],[5]]"),
    native("difference", 1, -1, {"Arrays", "array: array, without…: array", "array", "type"}, "a", ops::difference,
           "The distinct elements of the first array that none of the others holds, in their order.",
           R"(["difference",[1,2,3,2],[3,4]])", "[1,2]"),
    native("drop", 2, 2, {"Arrays", "array: array, count: integer", "array", "type"}, "ai", ops::drop,
           "The array without its first elements, as many as said; a negative number drops from the end.",
           R"(["drop",[1,2,3],2])", "[3]"),
    native("enumerate", 1, 1, {"Arrays", "array: array", "array of pairs", "type"}, "a", ops::enumerate,
           "An [index, element] pair for each element.", R"(["enumerate",{"array":["a","b"]}])",
           R"([[0,"a"],[1,"b"]])"),
    native("first", 1, 1, {"Arrays", "array: array", "any", "type"}, "a", ops::first,
           "The first element, null if there is none (car fails then).", R"(["first",[7,8]])", "7"),
    native(
        "flatten", 1, 2, {"Arrays", "array: array, levels?: integer", "array", "type value"}, "ai", ops::flatten,
        "The array with the elements of its arrays in their place, one level deep or as many levels as the second "
        "operand says. Elements that are no arrays stay.",
        R"(["flatten",[1,[2,[3]]],2])", "[1,2,3]"),
    native("intersection", 1, -1, {"Arrays", "array: array, more…: array", "array", "type"}, "a",
           ops::intersection, "The distinct elements of the first array that all the others hold, in their order.",
           R"(["intersection",[1,2,3,2],[2,3,4]])", "[2,3]"),
    native("last", 1, 1, {"Arrays", "array: array", "any", "type"}, "a", ops::last,
           "The last element, null if there is none.", R"(["last",[7,8]])", "8"),
    native("list", 0, -1, {"Arrays", "elements…: any", "array", ""}, ".", ops::list, "The array of the operands.",
           R"(["list","a",["+",1,1]])", R"(["a",2])"),
    native("range", 1, 3,
           {"Arrays", "end or start: integer, end?: integer, step?: integer", "array of integers", "type value"},
           "i", ops::range,
           "The integers from 0, or from the first of two operands, up to but without the end; a third operand is "
           "the step, which may be negative and is not 0.",
           R"(["range",10,0,-4])", "[10,6,2]"),
    native(
        "slice", 2, 3, {"Arrays", "array: array, start: integer, end?: integer", "array", "type"}, "ai",
        ops::slice,
        "The elements from index start up to but without index end (else the array's end). Negative indexes count "
        "from the end; what lies outside the array is left out.",
        R"(["slice",[1,2,3,4],1,-1])", "[2,3]"),
    native("take", 2, 2, {"Arrays", "array: array, count: integer", "array", "type"}, "ai", ops::take,
           "The first elements, as many as said or as there are; a negative number takes them from the end.",
           R"(["take",[1,2,3],2])", "[1,2]"),
    native(
        "transpose", 1, 1, {"Arrays", "rows: array", "array of arrays", "type"}, "a", ops::transpose,
        "Rows made columns: the array of the first elements, of the second and so on, as many as the shortest row "
        "has.",
        R"(["transpose",[[1,2],[3,4],[5,6]]])", "[[1,3,5],[2,4,6]]"),
    native("union", 1, -1, {"Arrays", "array: array, more…: array", "array", "type"}, "a", ops::set_union,
           "The distinct elements of all arrays, in the order of their first occurrence.",
           R"(["union",[1,2],[2,3,1]])", "[1,2,3]"),
    native("window", 2, 3,
           {"Arrays", "array: array, size: integer, step?: integer", "array of arrays", "type value"}, "ai",
           ops::window,
           "All runs of that many neighbours, each beginning one element after the one before, or as many as the "
           "third operand says; [] if the array is shorter. A size or step below 1 is an error of category value.",
           R"(["window",[1,2,3,4],2])", "[[1,2],[2,3],[3,4]]"),
};

}  // namespace colloquium::computo
