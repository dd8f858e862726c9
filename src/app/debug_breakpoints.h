// Breakpoints of `computo debug`: places given by hand, and the expressions they mean.
//
//   12  12:5  lib.json:3     the outermost expression that begins on the line; in it, at or before the column
//   operator map             every call of it; a bare name of an operator means the same
//   variable total           wherever it is read, and where its value is worked out; or any other bare name
//   /let/body/+/1            the expression with this path, as errors show it
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/result.h"

#include "computo/trace.h"

namespace colloquium::app {

struct Breakpoint {
  uint32_t number = 0;  // from 1, never used again
  std::string place;    // as it was given
  uint64_t hits = 0;
  std::vector<uint32_t> sites;
};

class Breakpoints {
 public:
  // `script` is what the script itself is called. Both outlive it.
  Breakpoints(const computo::TraceSites& sites, std::string_view script);

  // Fails if the place means no expression of the script.
  Result<Breakpoint> add(std::string_view place);
  // False if there is none of that number.
  bool remove(uint32_t number);
  void clear() { points_.clear(); }
  const std::vector<Breakpoint>& all() const { return points_; }

  // Counts the hit. Null if none is there.
  const Breakpoint* hit(uint32_t site);

 private:
  Result<std::vector<uint32_t>> find(std::string_view place) const;
  Result<std::vector<uint32_t>> find_position(std::string_view place) const;
  std::vector<uint32_t> find_line(std::string_view file, uint32_t line, uint32_t column) const;

  const computo::TraceSites& sites_;
  std::string_view script_;
  std::vector<Breakpoint> points_;
  uint32_t next_number_ = 1;
};

}  // namespace colloquium::app
