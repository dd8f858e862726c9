// The 46 operators of the core (section 8 of the language).
#pragma once

#include "computo/opcodes.h"
#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// ops_arrays.cc
bool append(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool car(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool cdr(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool cons(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool count(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool reverse(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool unique(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool zip(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// ops_objects.cc
bool keys(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool merge(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool obj_from_pairs(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool omit(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool pick(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool values(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// ops_strings.cc
bool approx(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool join(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool str_concat(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kCoreOperators[] = {
    special("!=", 2, 2, {"Comparison and logic", "left: any, right: any", "boolean", ""}, Form::kNotEqual, 0,
            "True if the two values differ in type or content.", R"(["!=",1,"1"])", "true"),
    special("$", 1, 1, {"Inputs and names", "pointer: literal pointer", "any", "unknown_variable type pointer"},
            Form::kVariable, 0, "A variable, or by a longer pointer a part of its value.",
            R"(["let",{"x":{"a":[5,6]}},["$","/x/a/1"]])", "6"),
    special("$input", 0, 1, {"Inputs and names", "pointer?: literal pointer", "any", "type pointer"}, Form::kInput,
            0, "The first input, or the part of it that the JSON Pointer addresses.", R"(["$input"])", "null"),
    special("$inputs", 0, 1, {"Inputs and names", "pointer?: literal pointer", "any", "type pointer"},
            Form::kInputs, 0, "The array of all inputs; a pointer's first token is the input's index.",
            R"(["$inputs"])", "[]"),
    special("%", 2, -1,
            {"Numbers", "dividend: number, divisor: number, more…: number", "number", "type division_by_zero"},
            Form::kArithmetic, static_cast<int>(Opcode::kRemainder),
            "Remainder with the sign of the dividend, from left to right.", R"(["%",-7,3])", "-1"),
    special("*", 1, -1, {"Numbers", "factor: number, more…: number", "number", "type number"}, Form::kArithmetic,
            static_cast<int>(Opcode::kMultiply), "Product.", R"(["*",2,3,4])", "24"),
    special("+", 1, -1, {"Numbers", "number: number, more…: number", "number", "type number"}, Form::kArithmetic,
            static_cast<int>(Opcode::kAdd), "Sum.", R"(["+",1,2,3])", "6"),
    special("-", 1, -1, {"Numbers", "number: number, more…: number", "number", "type number"}, Form::kArithmetic,
            static_cast<int>(Opcode::kSubtract), "The first number minus the rest; with one operand its negation.",
            R"(["-",10,2,3])", "5"),
    special("/", 1, -1, {"Numbers", "dividend: number, more…: number", "number", "type division_by_zero number"},
            Form::kArithmetic, static_cast<int>(Opcode::kDivide),
            "Quotient from left to right; with one operand its reciprocal.", R"(["/",7,2])", "3.5"),
    special("<", 2, -1, {"Comparison and logic", "left: number, right: number, more…: number", "boolean", "type"},
            Form::kRelation, static_cast<int>(Relation::kLess), "True if each number is less than the next.",
            R"(["<",1,2,3])", "true"),
    special("<=", 2, -1, {"Comparison and logic", "left: number, right: number, more…: number", "boolean", "type"},
            Form::kRelation, static_cast<int>(Relation::kLessEqual), "True if no number is greater than the next.",
            R"(["<=",1,1,2])", "true"),
    special("==", 2, -1, {"Comparison and logic", "left: any, right: any, more…: any", "boolean", ""},
            Form::kEqual, 0, "True if all values equal the first, deeply and without conversion.",
            R"(["==",1,1.0])", "true"),
    special(">", 2, -1, {"Comparison and logic", "left: number, right: number, more…: number", "boolean", "type"},
            Form::kRelation, static_cast<int>(Relation::kGreater), "True if each number is greater than the next.",
            R"([">",3,2,2])", "false"),
    special(">=", 2, -1, {"Comparison and logic", "left: number, right: number, more…: number", "boolean", "type"},
            Form::kRelation, static_cast<int>(Relation::kGreaterEqual), "True if no number is less than the next.",
            R"([">=",3,2,2])", "true"),
    special("and", 1, -1, {"Comparison and logic", "condition: any, more…: any", "boolean", ""}, Form::kAnd, 0,
            "True if every operand is truthy; stops at the first that is not.", R"(["and",1,"a",[]])", "false"),
    stepwise("append", 1, -1, {"Arrays", "array: array, more…: array", "array", "type"}, Form::kNativeOfArrays,
             ops::append, "The arrays joined to one.", R"(["append",[1,2],[3]])", "[1,2,3]"),
    native("approx", 3, 3,
           {"Comparison and logic", "left: number, right: number, tolerance: number", "boolean", "type value"}, "",
           ops::approx, "True if two numbers differ by no more than the third.", R"(["approx",0.1,0.11,0.05])",
           "true"),
    native("car", 1, 1, {"Arrays", "array: array", "any", "type empty_array"}, "", ops::car,
           "The first element of an array.", R"(["car",[7,8]])", "7"),
    native("cdr", 1, 1, {"Arrays", "array: array", "array", "type empty_array"}, "", ops::cdr,
           "An array without its first element.", R"(["cdr",[7,8,9]])", "[8,9]"),
    native("cons", 2, 2, {"Arrays", "element: any, array: array", "array", "type"}, "", ops::cons,
           "The array with an element put before it.", R"(["cons",0,[1,2]])", "[0,1,2]"),
    native("count", 1, 1, {"Arrays", "array: array", "integer", "type"}, "", ops::count,
           "The number of an array's elements.", R"(["count",[4,5]])", "2"),
    special("every", 2, 2,
            {"Functions over elements", "array: array, test: function of element", "boolean", "type lambda"},
            Form::kLoop, static_cast<int>(Loop::kEvery),
            "True if the function is truthy for every element; stops at the first that is not.",
            R"(["every",[1,2],["lambda",["x"],[">",["$","/x"],0]]])", "true"),
    special("filter", 2, 2,
            {"Functions over elements", "array: array, test: function of element", "array", "type lambda"},
            Form::kLoop, static_cast<int>(Loop::kFilter), "The elements for which the function is truthy.",
            R"(["filter",[1,2,3],["lambda",["x"],[">",["$","/x"],1]]])", "[2,3]"),
    special("find", 2, 2,
            {"Functions over elements", "array: array, test: function of element", "any", "type lambda"},
            Form::kLoop, static_cast<int>(Loop::kFind),
            "The first element for which the function is truthy, else null.",
            R"(["find",[1,2,3],["lambda",["x"],[">",["$","/x"],1]]])", "2"),
    special("if", 3, 3, {"Control", "condition: any, then: any, else: any", "any", ""}, Form::kIf, 0,
            "The second operand if the first is truthy, else the third; the other is not evaluated.",
            R"(["if",[],"some","none"])", R"("none")"),
    native("join", 2, 2, {"Strings", "array: array, separator: string", "string", "type"}, "", ops::join,
           "The elements' text with the separator between.", R"(["join",[1,"a",null],"-"])", R"("1-a-null")"),
    native("keys", 1, 1, {"Objects", "object: object", "array of strings", "type"}, "", ops::keys,
           "An object's keys in byte order.", R"(["keys",{"b":1,"a":2}])", R"(["a","b"])"),
    special("lambda", 2, 2, {"Control", "parameters: literal names, body: any", "function", "lambda"},
            Form::kLambda, 0, "A function of the named parameters; called by map, filter, reduce and the like.",
            R"(["map",[1,2],["lambda",["x"],["*",["$","/x"],10]]])", "[10,20]"),
    special("let", 2, 2, {"Control", "bindings: literal bindings, body: any", "any", "type"}, Form::kLet, 0,
            "The body, evaluated with names bound; pairs bind one after the other, an object all at once.",
            R"(["let",[["a",1],["b",["+",["$","/a"],1]]],["$","/b"]])", "2"),
    special("map", 2, 2,
            {"Functions over elements", "array: array, function: function of element", "array", "type lambda"},
            Form::kLoop, static_cast<int>(Loop::kMap), "What the function gives for each element.",
            R"(["map",[1,2,3],["lambda",["x"],["+",["$","/x"],1]]])", "[2,3,4]"),
    stepwise("merge", 1, -1, {"Objects", "object: object, more…: object", "object", "type"},
             Form::kNativeOfObjects, ops::merge,
             "The objects' members in one object; of equal keys the last wins.",
             R"(["merge",{"a":1,"b":2},{"b":3}])", R"({"a":1,"b":3})"),
    special("not", 1, 1, {"Comparison and logic", "condition: any", "boolean", ""}, Form::kNot, 0,
            "True if the operand is falsy: false, null, 0, \"\", [] or {}.", R"(["not",""])", "true"),
    special("obj", 0, -1, {"Objects", "pairs…: string and any", "object", "arity type"}, Form::kObj, 0,
            "An object of key, value, key, value …; of equal keys the last wins.",
            R"(["obj","b",["+",1,1],"a",1])", R"({"a":1,"b":2})"),
    native("objFromPairs", 1, 1, {"Objects", "pairs: array of pairs", "object", "type"}, "", ops::obj_from_pairs,
           "An object made of an array of [key, value] pairs.", R"(["objFromPairs",{"array":[["a",1],["b",2]]}])",
           R"({"a":1,"b":2})"),
    native("omit", 2, 2, {"Objects", "object: object, keys: array of strings", "object", "type"}, "", ops::omit,
           "The object without the keys listed.", R"(["omit",{"a":1,"b":2},{"array":["a"]}])", R"({"b":2})"),
    special("or", 1, -1, {"Comparison and logic", "condition: any, more…: any", "boolean", ""}, Form::kOr, 0,
            "True if any operand is truthy; stops at the first that is.", R"(["or",0,"a"])", "true"),
    native("pick", 2, 2, {"Objects", "object: object, keys: array of strings", "object", "type"}, "", ops::pick,
           "Those members of the object whose keys are listed.", R"(["pick",{"a":1,"b":2},{"array":["b","c"]}])",
           R"({"b":2})"),
    special("reduce", 3, 3,
            {"Functions over elements",
             "array: array, function: function of accumulator and element, initial: any", "any", "type lambda"},
            Form::kReduce, 0, "Folds an array from the left with a function of accumulator and element.",
            R"(["reduce",[1,2,3],["lambda",["sum","x"],["+",["$","/sum"],["$","/x"]]],0])", "6"),
    native("reverse", 1, 1, {"Arrays", "array: array", "array", "type"}, "", ops::reverse,
           "The elements in opposite order.", R"(["reverse",[1,2]])", "[2,1]"),
    special("some", 2, 2,
            {"Functions over elements", "array: array, test: function of element", "boolean", "type lambda"},
            Form::kLoop, static_cast<int>(Loop::kSome),
            "True if the function is truthy for any element; stops at the first.",
            R"(["some",[1,2],["lambda",["x"],[">",["$","/x"],1]]])", "true"),
    special("sort", 1, -1, {"Arrays", "array: array, fields…: literal direction or fields", "array", "type value"},
            Form::kSort, 0,
            "The array sorted, stably: as a whole, \"asc\" or \"desc\", or by fields such as [\"/a\", \"desc\"].",
            R"(["sort",{"array":[{"a":2},{"a":1}]},"/a"])", R"([{"a":1},{"a":2}])"),
    native("strConcat", 1, -1, {"Strings", "value: any, more…: any", "string", "type"}, "", ops::str_concat,
           "The operands' text joined.", R"(["strConcat","n=",1.50])", R"("n=1.5")"),
    native("unique", 1, 1, {"Arrays", "array: array", "array", "type"}, "", ops::unique,
           "The first occurrence of each distinct element, in order.", R"(["unique",[1,2,1,1.0]])", "[1,2]"),
    special(
        "uniqueSorted", 1, 3,
        {"Arrays", "array: array, field?: literal pointer or mode, mode?: literal mode", "array", "type value"},
        Form::kUniqueSorted, 0,
        "Of each run of neighbours with equal keys: the firsts, the lasts, the singles or the multiples.",
        R"(["uniqueSorted",[1,1,2],"singles"])", "[2]"),
    native("values", 1, 1, {"Objects", "object: object", "array", "type"}, "", ops::values,
           "An object's values in byte order of their keys.", R"(["values",{"b":1,"a":2}])", "[2,1]"),
    native("zip", 2, 2, {"Arrays", "left: array, right: array", "array of pairs", "type"}, "", ops::zip,
           "Pairs of elements at the same place, up to the shorter array's length.", R"(["zip",[1,2],[3,4,5]])",
           "[[1,3],[2,4]]"),
};

}  // namespace colloquium::computo
