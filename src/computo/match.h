// Patterns of `match`, compiled.
//
// A pattern is written as the data it describes: a scalar equals itself; an object matches an object that has at
// least its members, each matching; an array matches one of the same length, element by element. `["$","/name"]`
// matches anything and binds it (`_` without binding), `["type","string"]` anything of that type, and
// `["or", …]` what one of its patterns matches.
//
// Thread safety: a Pattern is immutable; match as the machine's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "computo/value.h"

namespace colloquium::computo {

class Machine;

struct Pattern {
  enum class Kind : uint8_t { kAny, kBind, kEqual, kType, kObject, kArray, kEither };
  Kind kind = Kind::kAny;
  Type type = Type::kNull;        // kType
  uint32_t constant = 0;          // kEqual: index in Program::constants
  uint32_t slot = 0;              // kBind: counted from the first behind the subject's
  std::vector<std::string> keys;  // kObject
  std::vector<uint32_t> parts;    // kObject, kArray, kEither: patterns
};

// Whether `subject[0]` matches pattern `index`; names are bound to subject[1 + slot]. False after Machine::fail.
bool match(Machine& machine, uint32_t index, Value* subject, bool& holds);

}  // namespace colloquium::computo
