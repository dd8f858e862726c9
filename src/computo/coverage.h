// Coverage: which expressions of a script were ever evaluated, over any number of evaluations.
//
// Compile with CompileOptions::optimize off, so that what the compiler would work out or cut off counts too.
// An expression that was entered counts, also if it failed. Thread safety: as a Tracer; the rest when it is done.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "computo/trace.h"

namespace colloquium::computo {

class Coverage : public Tracer {
 public:
  // REQUIRES: compiled with CompileOptions::trace.
  explicit Coverage(ProgramPtr program);

  bool enter(uint32_t site, const Moment& moment) override;

  size_t total() const { return sites_.size(); }
  size_t evaluated() const { return evaluated_; }
  double percent() const;

  // What was never evaluated, in the order of the text: only the outermost expressions, each with how many are
  // in it.
  struct Gap {
    uint32_t site;
    size_t inside;
  };
  std::vector<Gap> gaps() const;
  const TraceSites& sites() const { return sites_; }

 private:
  TraceSites sites_;
  std::vector<bool> seen_;
  size_t evaluated_ = 0;
};

}  // namespace colloquium::computo
