// Native operators: those that evaluate all their arguments and compute something from them.
//
// Each takes the values of its arguments and gives one; false after Machine::fail… The table in opcodes.h
// names them, says how many arguments they get, and documents them.
// Thread safety: as the machine's.
#pragma once

#include <cstdint>

#include "computo/value.h"

namespace colloquium::computo {

class Machine;

using NativeFunction = bool (*)(Machine& machine, const Value* arguments, uint32_t count, Value& out);

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
}  // namespace colloquium::computo
