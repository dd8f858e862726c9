// Foresight: what an expression comes to wherever it is evaluated, as far as its own text says.
//
// A part of a script is compiled and run by itself; whatever is not in its text (inputs, names from around it,
// imports) ends that with an error which no `try` catches, and so does a small budget. What it gives without them
// it gives with whatever they are: the language has no other influences. For strict compilations.
//
// Thread safety: belongs to one compilation. Time: a bounded number of steps for all looks together.
#pragma once

#include <cstddef>
#include <cstdint>

#include "computo/code.h"
#include "computo/failure.h"
#include "computo/program.h"

namespace colloquium::computo {

class Foresight {
 public:
  enum class Outcome { kUnknown, kFails, kNull, kFalsy, kTruthy };

  // `program` has its tape, and outlives this.
  Foresight(const Program& program, const CompileOptions& options);

  Outcome look(uint32_t token);

  // After kFails: how, and where in the script, where that is sure to be reached as often as the expression.
  const Failure& failure() const { return failure_; }

 private:
  Outcome run(const std::shared_ptr<const Program>& part, uint32_t token);

  const Program& program_;
  CompileOptions options_;
  size_t budget_;
  Failure failure_;
};

}  // namespace colloquium::computo
