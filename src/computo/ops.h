// Operators: what a row of the operator tables says, and how a native operator is called.
//
// Each family of operators is a header with its functions and its table, a row an operator, and a .cc file:
// ops_core.h and those beside it. operators.cc merges the tables. A native operator evaluates all its
// arguments and computes one value from theirs; it returns false after Machine::fail….
// Thread safety: constants; functions as the machine's.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "computo/opcodes.h"
#include "computo/program.h"
#include "computo/value.h"

namespace colloquium::computo {

class Machine;

using NativeFunction = bool (*)(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// What a strict compilation asks about a call: an argument for each, its text if it is a constant (of a string its
// content, of anything else its JSON), nothing if it is computed. Gives what is wrong, or an empty text: only
// what must fail whatever the other arguments turn out to be.
using ConstantText = std::optional<std::string_view>;
using CheckFunction = std::string (*)(std::span<const ConstantText> arguments);

// How the compiler treats a call. kNative evaluates every argument and calls a function of ops.h.
enum class Form : uint8_t {
  kNative,           // checks its arguments itself, or by Operator::types, when all are evaluated
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
  kGet,
  kLoop,  // detail: Loop
  kEach,  // detail: Pass; function: takes (array, results) when all are there
  kReduce,
  kCoalesce,
  kTry,
  kMatch,
  kInvoke,
  kUpdate,
  kImport,
  kMetric,  // detail: MetricKind
  kSort,
  kUniqueSorted,
};

struct Operator {
  OperatorInfo info;
  Form form;
  uint16_t detail;
  NativeFunction function;  // of the native forms; else null

  // What kCall checks before it calls a native function, a letter an argument, the last for all that follow:
  // s string, n number, i number that is an integer, b boolean, a array, o object, f function, . any value.
  // Empty: nothing.
  std::string_view types;

  CheckFunction check = nullptr;
};

// Rows. `most` -1: no upper bound. The example is a script, the result what it gives; the tests run them all.
constexpr Operator special(std::string_view name, int least, int most, OperatorSignature signature, Form form,
                           int detail, std::string_view summary, std::string_view example,
                           std::string_view result) {
  return {{name, least, most, signature, summary, example, result},
          form,
          static_cast<uint16_t>(detail),
          nullptr,
          "",
          nullptr};
}
constexpr Operator stepwise(std::string_view name, int least, int most, OperatorSignature signature, Form form,
                            NativeFunction function, std::string_view summary, std::string_view example,
                            std::string_view result) {
  return {{name, least, most, signature, summary, example, result}, form, 0, function, "", nullptr};
}
// `function` makes the result of (the array, the results of the operand function for each element).
constexpr Operator each(std::string_view name, Pass pass, OperatorSignature signature, NativeFunction function,
                        std::string_view summary, std::string_view example, std::string_view result) {
  const int operands = pass == Pass::kPair ? 3 : 2;
  return {{name, operands, operands, signature, summary, example, result},
          Form::kEach,
          static_cast<uint16_t>(pass),
          function,
          ""};
}
constexpr Operator native(std::string_view name, int least, int most, OperatorSignature signature,
                          std::string_view types, NativeFunction function, std::string_view summary,
                          std::string_view example, std::string_view result, CheckFunction check = nullptr) {
  return {{name, least, most, signature, summary, example, result}, Form::kNative, 0, function, types, check};
}

}  // namespace colloquium::computo
