// Numbers as section 2.3 of the language has them: exact integers while the result fits, else IEEE doubles.
//
// Thread safety: functions.
#pragma once

#include <cstdint>

#include "computo/opcodes.h"
#include "computo/value.h"

namespace colloquium::computo {

// What a step of arithmetic may end with.
enum class Arithmetic : uint8_t { kOk, kDivisionByZero, kNotFinite };

// REQUIRES: type_of(v) is kNumber. The same number as kInt, kUint or kDouble: a view is read, and an integer
// literal beyond 64 bits becomes the nearest double.
Value decode_number(const Value& v);

inline bool is_decoded_number(const Value& v) {
  return v.kind == Kind::kInt || v.kind == Kind::kDouble || v.kind == Kind::kUint;
}

// REQUIRES: decoded numbers, here and below.
double to_double(const Value& v);
bool is_zero(const Value& v);

// Whether it has no fraction and fits an int64, whatever its kind; and as which.
bool is_integral(const Value& v);
int64_t to_integer(const Value& v);  // REQUIRES: is_integral

Arithmetic add(const Value& a, const Value& b, Value& out);
Arithmetic subtract(const Value& a, const Value& b, Value& out);
Arithmetic multiply(const Value& a, const Value& b, Value& out);
Arithmetic divide(const Value& a, const Value& b, Value& out);
Arithmetic remainder(const Value& a, const Value& b, Value& out);

// The step an instruction stands for. REQUIRES: kAdd to kRemainder.
Arithmetic arithmetic_step(Opcode step, const Value& a, const Value& b, Value& out);

// By exact numeric value, also between an integer and a double: -1, 0 or 1.
int compare_numbers(const Value& a, const Value& b);

// Equal numbers hash equally, whatever their kinds.
uint64_t hash_number(const Value& v);

}  // namespace colloquium::computo
