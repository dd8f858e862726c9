// The machine's instructions in one table: this file is their specification. (The language's operators: ops.h.)
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
#define COMPUTO_INSTRUCTIONS(X)                                                                              \
  /* values */                                                                                               \
  X(kConst, 1, "a=constant", "push the constant")                                                            \
  X(kInput, 1, "a=pointer", "push the first input, null if there is none, or the part addressed")            \
  X(kInputs, 1, "a=pointer", "push the array of inputs, or the part addressed")                              \
  X(kLocal, 1, "a=slot b=pointer", "push a parameter or let name, or a part of it")                          \
  X(kCapture, 1, "a=index b=pointer", "push a value the running function captured, or a part of it")         \
  X(kHost, 1, "a=index b=pointer", "push a host variable, or a part of it")                                  \
  X(kPart, 0, "a=pointer", "replace the top by the part addressed")                                          \
  X(kPartElse, -1, "a=target b=pointer",                                                                     \
    "if the pointer leads somewhere, replace the top by that part and go on there; else pop")                \
  X(kList, 0, "a=count", "pop `count` values, push the array of them (effect 1 - a)")                        \
  X(kRecord, 0, "a=shape", "pop the shape's values, push the object (effect 1 - values)")                    \
  X(kObject, 0, "a=pairs", "pop key, value, …; push the object (effect 1 - 2a)")                             \
  X(kKey, 0, "b=argument", "fail unless the value below the top is a string")                                \
  X(kClosure, 1, "a=function", "push the function with what it captures now")                                \
  /* names */                                                                                                \
  X(kUnbound, 1, "", "reserve the slot of a let name")                                                       \
  X(kCell, 1, "", "the same for a name that a function sees before it is bound")                             \
  X(kBind, -1, "a=slot", "pop into a reserved slot")                                                         \
  X(kSlide, 0, "a=count", "remove `count` values below the top (effect -a)")                                 \
  X(kDrop, 0, "a=count", "pop `count` values (effect -a)")                                                   \
  X(kCopy, 1, "a=depth", "push the value `depth` below the top again")                                       \
  /* control */                                                                                              \
  X(kJump, 0, "a=target", "go on there")                                                                     \
  X(kJumpIfFalsy, -1, "a=target", "pop; go on there if it is falsy")                                         \
  X(kAnd, -1, "a=target", "pop; if falsy push false and go on there")                                        \
  X(kOr, -1, "a=target", "pop; if truthy push true and go on there")                                         \
  X(kCoalesce, -1, "a=target", "pop if it is null, else leave it and go on there")                           \
  X(kTruth, 0, "", "replace the top by its truth")                                                           \
  X(kNot, 0, "", "replace the top by the negation of its truth")                                             \
  X(kRaise, 1, "a=raise", "fail as recorded; the value it would push never exists")                          \
  X(kReturn, -1, "", "pop the function's result")                                                            \
  X(kTry, 0, "a=target", "from here on a failure goes on there, with the stack as high as now")              \
  X(kEndTry, 0, "a=target", "the last kTry holds no more; go on there")                                      \
  X(kCaught, 1, "", "push the error that was caught last: {category, message, path}")                        \
  X(kEffect, 0, "a=metric c=1 with labels", "pop labels, number; note a change of a metric (effect -1 - c)") \
  X(kMatch, 1, "a=pattern b=slot", "push whether the slot matches; bind its names to the slots behind it")   \
  /* numbers: `b` is the argument to blame */                                                                \
  X(kNumber, 0, "b=argument", "fail unless the top is a number; decode it")                                  \
  X(kAdd, -1, "b=argument", "pop y, x (decoded); push x + y")                                                \
  X(kSubtract, -1, "b=argument", "pop y, x; push x - y")                                                     \
  X(kMultiply, -1, "b=argument", "pop y, x; push x * y")                                                     \
  X(kDivide, -1, "b=argument", "pop y, x; push x / y")                                                       \
  X(kRemainder, -1, "b=argument", "pop y, x; push x % y")                                                    \
  X(kNegate, 0, "b=argument", "replace the top, a number, by 0 - it")                                        \
  X(kReciprocal, 0, "b=argument", "replace the top, a number, by 1 / it")                                    \
  X(kCompare, -1, "c=relation b=argument of x", "pop y, x; push whether the relation holds")                 \
  X(kCompareNext, -1, "c=relation a=target b=argument of x",                                                 \
    "pop y, x; unless it holds push false and go on"                                                         \
    " there, else push y")                                                                                   \
  X(kEqual, -1, "c=negate", "pop y, x; push whether they are equal, or the opposite")                        \
  X(kEqualNext, -1, "a=target", "pop y; if it differs from the top, replace that by false and go on there")  \
  /* arrays and loops */                                                                                     \
  X(kCheck, 0, "a=depth b=argument c=type", "fail unless the value `depth` below the top is of that type")   \
  X(kLoop, -1, "a=operator c=loop b=argument of the function",                                               \
    "pop function, array; run the loop, push its result")                                                    \
  X(kInvoke, 0, "a=1 in tail position b=count c=argument of the function",                                   \
    "pop `count` arguments and the function below; run it, push its result (effect -b);"                     \
    " in tail position in place of the running function, if that was called so itself")                      \
  X(kReduce, -2, "b=argument of the function", "pop function, initial, array; fold, push the result")        \
  X(kSort, 0, "a=sort", "replace the top, an array")                                                         \
  X(kUniqueSorted, 0, "a=sort c=mode", "replace the top, an array")                                          \
  /* everything else */                                                                                      \
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
// kEach calls the function for every element and hands the array and all results to the operator's native
// function; kOnce is a single call.
enum class Loop : uint16_t { kMap, kFilter, kFind, kSome, kEvery, kReduce, kEach, kOnce };
// What the function of a kEach gets: the element; the element and its index; the two parts of a pair; the value
// and key of a member.
enum class Pass : uint16_t { kElement, kIndexed, kPair, kMember };
enum class RunMode : uint16_t { kFirsts, kLasts, kSingles, kMultiples };

}  // namespace colloquium::computo
