// The operator table as the compiler uses it, over the rows of opcodes.h.
//
// Thread safety: constants and functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "computo/code.h"
#include "computo/opcodes.h"
#include "computo/ops.h"
#include "computo/program.h"

namespace colloquium::computo {

struct Operator {
  OperatorInfo info;
  Form form;
  uint16_t detail;
  NativeFunction function;  // of the native forms; else null
};

const Operator& operator_at(uint32_t index);
std::optional<uint32_t> find_operator(std::string_view name);
// The nearest name, or nothing.
std::string suggest_operator(std::string_view name);

// Whether an operator's second argument is a function it calls.
bool calls_function(std::string_view name);

// Whether the expression at `token` is a call of `name`.
bool is_call_of(const Program& program, uint32_t token, std::string_view name);

}  // namespace colloquium::computo
