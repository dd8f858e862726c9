// TraceTable: where each expression of a script lies in its code, and where its names do. Private to src/computo.
//
// Made beside the code if CompileOptions::trace asks for it, and looked at only by traced evaluations: the
// instructions themselves carry nothing of it. An expression's code is one piece without a jump into its middle
// from outside, so it begins when its first instruction is reached and has its value, on top of the stack, when
// the instruction behind its last is.
//
// Thread safety: constant once the program is compiled.
#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace colloquium::computo {

// While an end is not known yet.
inline constexpr uint32_t kTraceOpen = UINT32_MAX;

struct TracedExpression {
  uint32_t token = 0;  // in the script's tape
  uint32_t begin = 0;  // its first instruction
  uint32_t end = kTraceOpen;
};

// A name, and between which instructions of its function it is visible.
struct TracedName {
  std::string_view name;
  uint32_t function = 0;  // index in Program::functions
  bool captured = false;
  uint32_t index = 0;  // slot, or index among the captures
  uint32_t begin = 0;
  uint32_t end = kTraceOpen;
};

struct Function;

// A function, known by its first instruction.
struct TracedFunction {
  uint32_t index = 0;       // in Program::functions
  uint32_t expression = 0;  // its own; kTraceOpen for the script itself
};

struct TraceTable {
  std::vector<TracedExpression> expressions;  // ascending by token
  std::vector<uint32_t> starts;               // all of them by `begin`, an outer one before what is in it
  std::vector<uint32_t> first_start;          // by instruction: where in `starts` those begin that begin there
  std::vector<TracedName> names;              // of a function: in the order in which they become visible
  std::unordered_map<uint32_t, TracedFunction> functions;

  // Called once, when all code is in its place. Until then `expressions` is ordered as `starts` will be.
  void finish(size_t code_size, const std::deque<Function>& all);
};

}  // namespace colloquium::computo
