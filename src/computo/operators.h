// The table of all operators, in byte order of their names: the rows of every family (ops.h).
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

const Operator& operator_at(uint32_t index);
std::optional<uint32_t> find_operator(std::string_view name);
// The letters of Operator::types.
bool is_of_type(char letter, const Value& v);
std::string_view name_of_type(char letter);

// Whether it is one of the core (ops_core.h).
bool is_core(const Operator& op);

// The nearest name, or nothing.
std::string suggest_operator(std::string_view name, bool core_only);

// Whether an operator's second argument is a function it calls.
bool calls_function(std::string_view name);

// Whether the expression at `token` is a call of `name`.
bool is_call_of(const Program& program, uint32_t token, std::string_view name);

}  // namespace colloquium::computo
