// The machine and the language in two tables: this file is their specification.
//
// A script is compiled to a flat vector of 16-byte instructions for a stack machine:
//
//     0        16       32                64                96               128
//     +--------+--------+-----------------+-----------------+-----------------+
//     | opcode |   c    |        a        |        b        |      site       |
//     +--------+--------+-----------------+-----------------+-----------------+
//
// `site` is the token of the expression in the script's own tape; error paths, lines and columns are worked
// out from it when something fails, so running code carries nothing for them. A running function owns the
// stack from its `base`: parameters, then the names bound by `let`, then operands. The compiler knows the
// height at every instruction; a name is a slot, counted from `base`. Jumps are absolute.
//
// Functions are called only by loops (map, reduce, …). A loop keeps its state in a frame on the frame stack
// while its function runs, so no depth of calls uses the C++ stack.
#pragma once

#include <cstdint>

namespace colloquium::computo {

// X(name, stack effect, operands, meaning); effects that depend on an operand are given as text in `meaning`.
#define COMPUTO_INSTRUCTIONS(X)                                                                             \
  /* values */                                                                                              \
  X(kConst, 1, "a=constant", "push the constant")                                                           \
  X(kInput, 1, "a=pointer", "push the first input, null if there is none, or the part addressed")           \
  X(kInputs, 1, "a=pointer", "push the array of inputs, or the part addressed")                             \
  X(kLocal, 1, "a=slot b=pointer", "push a parameter or let name, or a part of it")                         \
  X(kCapture, 1, "a=index b=pointer", "push a value the running function captured, or a part of it")        \
  X(kHost, 1, "a=index b=pointer", "push a host variable, or a part of it")                                 \
  X(kList, 0, "a=count", "pop `count` values, push the array of them (effect 1 - a)")                       \
  X(kRecord, 0, "a=shape", "pop the shape's values, push the object (effect 1 - values)")                   \
  X(kObject, 0, "a=pairs", "pop key, value, …; push the object (effect 1 - 2a)")                            \
  X(kKey, 0, "b=argument", "fail unless the value below the top is a string")                               \
  X(kClosure, 1, "a=function", "push the function with what it captures now")                               \
  /* names */                                                                                               \
  X(kUnbound, 1, "", "reserve the slot of a let name")                                                      \
  X(kCell, 1, "", "the same for a name that a function sees before it is bound")                            \
  X(kBind, -1, "a=slot", "pop into a reserved slot")                                                        \
  X(kSlide, 0, "a=count", "remove `count` values below the top (effect -a)")                                \
  /* control */                                                                                             \
  X(kJump, 0, "a=target", "go on there")                                                                    \
  X(kJumpIfFalsy, -1, "a=target", "pop; go on there if it is falsy")                                        \
  X(kAnd, -1, "a=target", "pop; if falsy push false and go on there")                                       \
  X(kOr, -1, "a=target", "pop; if truthy push true and go on there")                                        \
  X(kTruth, 0, "", "replace the top by its truth")                                                          \
  X(kNot, 0, "", "replace the top by the negation of its truth")                                            \
  X(kRaise, 1, "a=raise", "fail as recorded; the value it would push never exists")                         \
  X(kReturn, -1, "", "pop the function's result")                                                           \
  /* numbers: `b` is the argument to blame */                                                               \
  X(kNumber, 0, "b=argument", "fail unless the top is a number; decode it")                                 \
  X(kAdd, -1, "b=argument", "pop y, x (decoded); push x + y")                                               \
  X(kSubtract, -1, "b=argument", "pop y, x; push x - y")                                                    \
  X(kMultiply, -1, "b=argument", "pop y, x; push x * y")                                                    \
  X(kDivide, -1, "b=argument", "pop y, x; push x / y")                                                      \
  X(kRemainder, -1, "b=argument", "pop y, x; push x % y")                                                   \
  X(kNegate, 0, "b=argument", "replace the top, a number, by 0 - it")                                       \
  X(kReciprocal, 0, "b=argument", "replace the top, a number, by 1 / it")                                   \
  X(kCompare, -1, "c=relation b=argument of x", "pop y, x; push whether the relation holds")                \
  X(kCompareNext, -1, "c=relation a=target b=argument of x",                                                \
    "pop y, x; unless it holds push false and go on"                                                        \
    " there, else push y")                                                                                  \
  X(kEqual, -1, "c=negate", "pop y, x; push whether they are equal, or the opposite")                       \
  X(kEqualNext, -1, "a=target", "pop y; if it differs from the top, replace that by false and go on there") \
  /* arrays and loops */                                                                                    \
  X(kCheck, 0, "a=depth b=argument c=type", "fail unless the value `depth` below the top is of that type")  \
  X(kLoop, -1, "c=loop b=argument of the function", "pop function, array; run the loop, push its result")   \
  X(kReduce, -2, "b=argument of the function", "pop function, initial, array; fold, push the result")       \
  X(kSort, 0, "a=sort", "replace the top, an array")                                                        \
  X(kUniqueSorted, 0, "a=sort c=mode", "replace the top, an array")                                         \
  /* everything else */                                                                                     \
  X(kCall, 0, "a=operator b=count", "pop `count` arguments, push what the native operator gives (1 - b)")

enum class Opcode : uint16_t {
#define X(name, effect, operands, meaning) name,
  COMPUTO_INSTRUCTIONS(X)
#undef X
};

struct Instruction {
  Opcode opcode;
  uint16_t c;
  uint32_t a;
  uint32_t b;
  uint32_t site;
};
static_assert(sizeof(Instruction) == 16);

inline constexpr uint32_t kNoPointer = 0xffffffff;  // operand `pointer`: the value itself
inline constexpr uint16_t kNoArgument = 0xffff;     // blame the call, not one of its arguments

enum class Relation : uint16_t { kLess, kLessEqual, kGreater, kGreaterEqual };
enum class Loop : uint16_t { kMap, kFilter, kFind, kSome, kEvery, kReduce };
enum class RunMode : uint16_t { kFirsts, kLasts, kSingles, kMultiples };

// How the compiler treats a call. kNative evaluates every argument and calls a function of ops.h.
enum class Form : uint8_t {
  kNative,
  kNativeOfArrays,   // the same; each argument is checked to be an array before the next is evaluated
  kNativeOfObjects,  // … an object
  kArithmetic,       // detail: opcode of a step
  kRelation,         // detail: Relation
  kEqual,
  kNotEqual,
  kAnd,
  kOr,
  kNot,
  kIf,
  kLet,
  kLambda,
  kVariable,
  kInput,
  kInputs,
  kObj,
  kLoop,  // detail: Loop
  kReduce,
  kSort,
  kUniqueSorted,
};

// The operators of the language, in byte order of their names (asserted at compile time).
// S(name, least, most, form, detail, summary, example, result): treated by the compiler
// N(name, least, most, form, function, summary, example, result): a native function of ops.h
// `most` -1: no upper bound. The example is a script, the result what it gives; the tests run them all.
#define COMPUTO_OPERATORS(S, N)                                                                                   \
  S("!=", 2, 2, kNotEqual, 0, "True if the two values differ in type or content.", R"(["!=",1,"1"])", "true")     \
  S("$", 1, 1, kVariable, 0, "A variable, or by a longer pointer a part of its value.",                           \
    R"(["let",{"x":{"a":[5,6]}},["$","/x/a/1"]])", "6")                                                           \
  S("$input", 0, 1, kInput, 0, "The first input, or the part of it that the JSON Pointer addresses.",             \
    R"(["$input"])", "null")                                                                                      \
  S("$inputs", 0, 1, kInputs, 0, "The array of all inputs; a pointer's first token is the input's index.",        \
    R"(["$inputs"])", "[]")                                                                                       \
  S("%", 2, -1, kArithmetic, static_cast<int>(Opcode::kRemainder),                                                \
    "Remainder with the sign of the dividend, from left to right.", R"(["%",-7,3])", "-1")                        \
  S("*", 1, -1, kArithmetic, static_cast<int>(Opcode::kMultiply), "Product.", R"(["*",2,3,4])", "24")             \
  S("+", 1, -1, kArithmetic, static_cast<int>(Opcode::kAdd), "Sum.", R"(["+",1,2,3])", "6")                       \
  S("-", 1, -1, kArithmetic, static_cast<int>(Opcode::kSubtract),                                                 \
    "The first number minus the rest; with one operand its negation.", R"(["-",10,2,3])", "5")                    \
  S("/", 1, -1, kArithmetic, static_cast<int>(Opcode::kDivide),                                                   \
    "Quotient from left to right; with one operand its reciprocal.", R"(["/",7,2])", "3.5")                       \
  S("<", 2, -1, kRelation, static_cast<int>(Relation::kLess), "True if each number is less than the next.",       \
    R"(["<",1,2,3])", "true")                                                                                     \
  S("<=", 2, -1, kRelation, static_cast<int>(Relation::kLessEqual),                                               \
    "True if no number is greater than the next.", R"(["<=",1,1,2])", "true")                                     \
  S("==", 2, -1, kEqual, 0, "True if all values equal the first, deeply and without conversion.",                 \
    R"(["==",1,1.0])", "true")                                                                                    \
  S(">", 2, -1, kRelation, static_cast<int>(Relation::kGreater), "True if each number is greater than the next.", \
    R"([">",3,2,2])", "false")                                                                                    \
  S(">=", 2, -1, kRelation, static_cast<int>(Relation::kGreaterEqual),                                            \
    "True if no number is less than the next.", R"([">=",3,2,2])", "true")                                        \
  S("and", 1, -1, kAnd, 0, "True if every operand is truthy; stops at the first that is not.",                    \
    R"(["and",1,"a",[]])", "false")                                                                               \
  N("append", 1, -1, kNativeOfArrays, append, "The arrays joined to one.", R"(["append",[1,2],[3]])", "[1,2,3]")  \
  N("approx", 3, 3, kNative, approx, "True if two numbers differ by no more than the third.",                     \
    R"(["approx",0.1,0.11,0.05])", "true")                                                                        \
  N("car", 1, 1, kNative, car, "The first element of an array.", R"(["car",[7,8]])", "7")                         \
  N("cdr", 1, 1, kNative, cdr, "An array without its first element.", R"(["cdr",[7,8,9]])", "[8,9]")              \
  N("cons", 2, 2, kNative, cons, "The array with an element put before it.", R"(["cons",0,[1,2]])", "[0,1,2]")    \
  N("count", 1, 1, kNative, count, "The number of an array's elements.", R"(["count",[4,5]])", "2")               \
  S("every", 2, 2, kLoop, static_cast<int>(Loop::kEvery),                                                         \
    "True if the function is truthy for every element; stops at the first that is not.",                          \
    R"(["every",[1,2],["lambda",["x"],[">",["$","/x"],0]]])", "true")                                             \
  S("filter", 2, 2, kLoop, static_cast<int>(Loop::kFilter), "The elements for which the function is truthy.",     \
    R"(["filter",[1,2,3],["lambda",["x"],[">",["$","/x"],1]]])", "[2,3]")                                         \
  S("find", 2, 2, kLoop, static_cast<int>(Loop::kFind),                                                           \
    "The first element for which the function is truthy, else null.",                                             \
    R"(["find",[1,2,3],["lambda",["x"],[">",["$","/x"],1]]])", "2")                                               \
  S("if", 3, 3, kIf, 0, "The second operand if the first is truthy, else the third; the other is not evaluated.", \
    R"(["if",[],"some","none"])", R"("none")")                                                                    \
  N("join", 2, 2, kNative, join, "The elements' text with the separator between.",                                \
    R"(["join",[1,"a",null],"-"])", R"("1-a-null")")                                                              \
  N("keys", 1, 1, kNative, keys, "An object's keys in byte order.", R"(["keys",{"b":1,"a":2}])", R"(["a","b"])")  \
  S("lambda", 2, 2, kLambda, 0,                                                                                   \
    "A function of the named parameters; called by map, filter, reduce and the like.",                            \
    R"(["map",[1,2],["lambda",["x"],["*",["$","/x"],10]]])", "[10,20]")                                           \
  S("let", 2, 2, kLet, 0,                                                                                         \
    "The body, evaluated with names bound; pairs bind one after the other, an object all at once.",               \
    R"(["let",[["a",1],["b",["+",["$","/a"],1]]],["$","/b"]])", "2")                                              \
  S("map", 2, 2, kLoop, static_cast<int>(Loop::kMap), "What the function gives for each element.",                \
    R"(["map",[1,2,3],["lambda",["x"],["+",["$","/x"],1]]])", "[2,3,4]")                                          \
  N("merge", 1, -1, kNativeOfObjects, merge, "The objects' members in one object; of equal keys the last wins.",  \
    R"(["merge",{"a":1,"b":2},{"b":3}])", R"({"a":1,"b":3})")                                                     \
  S("not", 1, 1, kNot, 0, "True if the operand is falsy: false, null, 0, \"\", [] or {}.", R"(["not",""])",       \
    "true")                                                                                                       \
  S("obj", 0, -1, kObj, 0, "An object of key, value, key, value …; of equal keys the last wins.",                 \
    R"(["obj","b",["+",1,1],"a",1])", R"({"a":1,"b":2})")                                                         \
  N("objFromPairs", 1, 1, kNative, obj_from_pairs, "An object made of an array of [key, value] pairs.",           \
    R"(["objFromPairs",{"array":[["a",1],["b",2]]}])", R"({"a":1,"b":2})")                                        \
  N("omit", 2, 2, kNative, omit, "The object without the keys listed.",                                           \
    R"(["omit",{"a":1,"b":2},{"array":["a"]}])", R"({"b":2})")                                                    \
  S("or", 1, -1, kOr, 0, "True if any operand is truthy; stops at the first that is.", R"(["or",0,"a"])", "true") \
  N("pick", 2, 2, kNative, pick, "Those members of the object whose keys are listed.",                            \
    R"(["pick",{"a":1,"b":2},{"array":["b","c"]}])", R"({"b":2})")                                                \
  S("reduce", 3, 3, kReduce, 0, "Folds an array from the left with a function of accumulator and element.",       \
    R"(["reduce",[1,2,3],["lambda",["sum","x"],["+",["$","/sum"],["$","/x"]]],0])", "6")                          \
  N("reverse", 1, 1, kNative, reverse, "The elements in opposite order.", R"(["reverse",[1,2]])", "[2,1]")        \
  S("some", 2, 2, kLoop, static_cast<int>(Loop::kSome),                                                           \
    "True if the function is truthy for any element; stops at the first.",                                        \
    R"(["some",[1,2],["lambda",["x"],[">",["$","/x"],1]]])", "true")                                              \
  S("sort", 1, -1, kSort, 0,                                                                                      \
    "The array sorted, stably: as a whole, \"asc\" or \"desc\", or by fields such as [\"/a\", \"desc\"].",        \
    R"(["sort",{"array":[{"a":2},{"a":1}]},"/a"])", R"([{"a":1},{"a":2}])")                                       \
  N("strConcat", 1, -1, kNative, str_concat, "The operands' text joined.", R"(["strConcat","n=",1.50])",          \
    R"("n=1.5")")                                                                                                 \
  N("unique", 1, 1, kNative, unique, "The first occurrence of each distinct element, in order.",                  \
    R"(["unique",[1,2,1,1.0]])", "[1,2]")                                                                         \
  S("uniqueSorted", 1, 3, kUniqueSorted, 0,                                                                       \
    "Of each run of neighbours with equal keys: the firsts, the lasts, the singles or the multiples.",            \
    R"(["uniqueSorted",[1,1,2],"singles"])", "[2]")                                                               \
  N("values", 1, 1, kNative, values, "An object's values in byte order of their keys.",                           \
    R"(["values",{"b":1,"a":2}])", "[2,1]")                                                                       \
  N("zip", 2, 2, kNative, zip, "Pairs of elements at the same place, up to the shorter array's length.",          \
    R"(["zip",[1,2],[3,4,5]])", "[[1,3],[2,4]]")

}  // namespace colloquium::computo
