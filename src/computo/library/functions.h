// Operators beyond the core that call functions, catch failures, match patterns and change metrics.
//
// A row made by each() stands for a loop: its function is called when the operand function has given a result
// for every element, with the array (of an object: its [key, value] pairs) and the array of results.
// Thread safety: as the machine's.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {
namespace ops {

bool count_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool filter_entries(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool flat_map(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool group_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool index_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool map_keys(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool map_values(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool max_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool min_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool part_or_null(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool partition(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool raise_error(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool results(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool sort_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool sum_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool unique_by(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kFunctionLibrary[] = {
    special("call", 1, -1, {"Control", "function: function, arguments…: any", "any", "lambda"}, Form::kInvoke, 0,
            "What the function gives for the arguments. A call that is the last thing a function does takes no "
            "depth, so that a loop may be written as recursion.",
            R"(["call",["lambda",["a","b"],["-",["$","/a"],["$","/b"]]],5,3])", "2"),
    special("coalesce", 1, -1, {"Control", "value: any, more…: any", "any", ""}, Form::kCoalesce, 0,
            "The first operand that is not null; those behind it are not evaluated. Null if all are.",
            R"(["coalesce",null,0,1])", "0"),
    each("countBy", Pass::kElement,
         {"Functions over elements", "array: array, key: function of element", "object", "type lambda"},
         ops::count_by,
         "How many elements the function gives each key for: an object of counts. Keys are as for groupBy.",
         R"(["countBy",[1,5,2],["lambda",["n"],[">",["$","/n"],3]]])", R"({"false":2,"true":1})"),
    native("error", 1, 1, {"Control", "message: any", "nothing", "type user"}, ".", ops::raise_error,
           "Fails with the operand's text as message and the category `user`; `try` catches it. Of members with "
           "the name of a secret (password, token …) the message has ***.",
           R"(["try",["error","no total"],["lambda",["e"],["$","/e/message"]]])", R"("no total")"),
    each("filterEntries", Pass::kMember,
         {"Functions over elements", "object: object, test: function of value and key", "object", "type lambda"},
         ops::filter_entries, "The members of the object for which the function of value and key is truthy.",
         R"(["filterEntries",{"a":1,"b":0},["lambda",["value","key"],["$","/value"]]])", R"({"a":1})"),
    each("flatMap", Pass::kElement,
         {"Functions over elements", "array: array, function: function of element", "array", "type lambda"},
         ops::flat_map,
         "What the function gives for each element, joined; a result that is no array is one element.",
         R"(["flatMap",[1,2],["lambda",["x"],[["$","/x"],0]]])", "[1,0,2,0]"),
    each(
        "groupBy", Pass::kElement,
        {"Functions over elements", "array: array, key: function of element", "object", "type lambda"},
        ops::group_by,
        "The elements by the key that the function gives: an object of arrays, each in the order of the elements. "
        "A key is a string, or a number, boolean or null as text.",
        R"(["groupBy",{"array":[{"k":"a","v":1},{"k":"b","v":2},{"k":"a","v":3}]},["lambda",["x"],["$","/x/k"]]])",
        R"({"a":[{"k":"a","v":1},{"k":"a","v":3}],"b":[{"k":"b","v":2}]})"),
    special("import", 1, 1, {"Inputs and names", "path: literal string", "any", "type value"}, Form::kImport, 0,
            "What the expression in another script gives; the path is a literal, relative to the script that "
            "names it. That script sees nothing of this one. A library is a script that gives an object of "
            "functions and values: bind it with `let` and call its functions by `call`. An import that goes in a "
            "circle is an error.",
            R"(["try",["import","tax.computo"],"no such script"])", R"("no such script")"),
    each("indexBy", Pass::kElement,
         {"Functions over elements", "array: array, key: function of element", "object", "type lambda"},
         ops::index_by,
         "The elements by the key that the function gives, the last of equal keys. Keys are as for groupBy.",
         R"(["indexBy",{"array":[{"id":7}]},["lambda",["x"],["$","/x/id"]]])", R"({"7":{"id":7}})"),
    each("mapKeys", Pass::kMember,
         {"Functions over elements", "object: object, key: function of value and key", "object", "type lambda"},
         ops::map_keys,
         "The object with the keys that the function of value and key gives; of equal ones the last wins.",
         R"(["mapKeys",{"a":1},["lambda",["value","key"],["strConcat","x_",["$","/key"]]]])", R"({"x_a":1})"),
    each("mapValues", Pass::kMember,
         {"Functions over elements", "object: object, function: function of value and key", "object",
          "type lambda"},
         ops::map_values, "The object with the values that the function of value and key gives.",
         R"(["mapValues",{"a":1,"b":2},["lambda",["value","key"],["*",["$","/value"],10]]])",
         R"({"a":10,"b":20})"),
    each("mapWithIndex", Pass::kIndexed,
         {"Functions over elements", "array: array, function: function of element and index", "array",
          "type lambda"},
         ops::results, "What the function of element and index gives.",
         R"(["mapWithIndex",[5,6],["lambda",["x","i"],["+",["$","/x"],["$","/i"]]]])", "[5,7]"),
    special(
        "match", 3, -1,
        {"Control", "value: any, pattern: literal pattern, result: any, more…: pattern and result or default",
         "any", "value"},
        Form::kMatch, 0,
        "The result behind the first pattern that matches the first operand: match value, pattern, result, …, "
        "default. Without default it is an error that none matches. A pattern is data with names in it: an object "
        "matches one that has at least its members, an array one of the same length; [\"$\",\"/name\"] takes "
        "anything and binds the name (_ none), [\"type\",\"string\"] takes any string, [\"or\",…] any of its "
        "patterns, [\"when\",pattern,condition] what matches if the condition holds.",
        R"(["match",{"kind":"push","by":"ada"},["obj","kind","push","by",["$","/who"]],["$","/who"],"nobody"])",
        R"("ada")"),
    each("maxBy", Pass::kElement,
         {"Functions over elements", "array: array, measure: function of element", "any", "type lambda"},
         ops::max_by,
         "The element for which the function gives the most, by the order of `sort`; the first of equals, null of "
         "none.",
         R"(["maxBy",{"array":[{"n":1},{"n":3}]},["lambda",["x"],["$","/x/n"]]])", R"({"n":3})"),
    special("metricAdd", 3, 4,
            {"Metrics", "metric: literal string, number: number, labels or value: any, value?: any", "any",
             "type value"},
            Form::kMetric, static_cast<int>(MetricKind::kCounter),
            "The last operand; adds a number to the counter of that name, which the stage declares. With four "
            "operands the third is an object of labels. Nothing is added if the evaluation fails.",
            R"(["metricAdd","orders",1,"kept"])", R"("kept")"),
    special("metricObserve", 3, 4,
            {"Metrics", "metric: literal string, number: number, labels or value: any, value?: any", "any",
             "type value"},
            Form::kMetric, static_cast<int>(MetricKind::kHistogram),
            "As metricAdd: the histogram of that name observes the number.",
            R"(["metricObserve","total",19.5,{"country":"no"},true])", "true"),
    special("metricSet", 3, 4,
            {"Metrics", "metric: literal string, number: number, labels or value: any, value?: any", "any",
             "type value"},
            Form::kMetric, static_cast<int>(MetricKind::kGauge),
            "As metricAdd: the gauge of that name becomes the number.", R"(["metricSet","stock",3,null])", "null"),
    each(
        "minBy", Pass::kElement,
        {"Functions over elements", "array: array, measure: function of element", "any", "type lambda"},
        ops::min_by,
        "The element for which the function gives the least, by the order of `sort`; the first of equals, null of "
        "none.",
        R"(["minBy",{"array":[{"n":1},{"n":3}]},["lambda",["x"],["$","/x/n"]]])", R"({"n":1})"),
    each("partition", Pass::kElement,
         {"Functions over elements", "array: array, test: function of element", "array of two arrays",
          "type lambda"},
         ops::partition, "Two arrays: the elements for which the function is truthy, and the others.",
         R"(["partition",[1,2,3],["lambda",["x"],[">",["$","/x"],1]]])", "[[2,3],[1]]"),
    each("sortBy", Pass::kElement,
         {"Functions over elements", "array: array, measure: function of element", "array", "type lambda"},
         ops::sort_by, "The elements ordered by what the function gives for each, stably, by the order of `sort`.",
         R"(["sortBy",[3,1,2],["lambda",["x"],["-",["$","/x"]]]])", "[3,2,1]"),
    each("sumBy", Pass::kElement,
         {"Functions over elements", "array: array, number: function of element", "number", "type lambda number"},
         ops::sum_by, "The sum of what the function gives for each element; 0 of none.",
         R"(["sumBy",{"array":[{"n":1},{"n":3}]},["lambda",["x"],["$","/x/n"]]])", "4"),
    special(
        "try", 1, 2, {"Control", "attempt: any, otherwise?: any", "any", ""}, Form::kTry, 0,
        "The first operand; if that fails, the second, or null. A second operand that is a lambda is called with "
        "the error {category, message, path}. A limit that is exceeded is not caught.",
        R"(["try",["/",1,0],"none"])", R"("none")"),
    each("uniqueBy", Pass::kElement,
         {"Functions over elements", "array: array, key: function of element", "array", "type lambda"},
         ops::unique_by, "Of elements for which the function gives equal values the first, in order.",
         R"(["uniqueBy",[1,2,3],["lambda",["x"],["%",["$","/x"],2]]])", "[1,2]"),
    Operator{{"update",
              3,
              3,
              {"Objects", "value: any, pointer: string, function: function of part", "any", "type lambda pointer"},
              "The value with the part that the pointer addresses replaced by what the function gives for it; the "
              "function gets null if there is none. Missing objects are made, as `set` does.",
              R"(["update",{"a":{"n":1}},"/a/n",["lambda",["x"],["+",["$","/x"],1]]])",
              R"({"a":{"n":2}})"},
             Form::kUpdate,
             0,
             ops::part_or_null,
             "",
             nullptr},
    each("zipWith", Pass::kPair,
         {"Functions over elements", "left: array, right: array, function: function of both", "array",
          "type lambda"},
         ops::results,
         "What the function gives for the elements of two arrays at the same place, up to the shorter one's "
         "length.",
         R"(["zipWith",[1,2],[3,4],["lambda",["a","b"],["*",["$","/a"],["$","/b"]]]])", "[3,8]"),
};

}  // namespace colloquium::computo
