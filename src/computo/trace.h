// Tracing: what the tools see of a running script: profiler, coverage, debugger.
//
// A Tracer is told of every expression as it is entered and left, of calls of functions and of failures, while
// Evaluator::evaluate_traced runs a program that was compiled with CompileOptions::trace. Values and errors are
// those of evaluate(). An evaluation that is not traced knows nothing of all this: the machine's loop exists a
// second time, in a file of its own.
//
// The order of a call of `map` over two elements, with a lambda as its second argument:
//   enter map, enter and leave the array, enter and leave the lambda,
//   call, enter and leave the lambda's body, end_call, and once more, leave map.
// A failure is told where it happened, with everything around it still running; what it ends is then abandoned,
// innermost first, up to the `try` that catches it.
//
// An expression is known by its index among those of the program, in the order of their text. What the compiler
// worked out ahead (CompileOptions::optimize) is one expression, and a branch it cut off is none.
//
// Thread safety: a Tracer is called on the thread that evaluates; TraceSites is immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"
#include "computo/value.h"

namespace colloquium::computo {

struct TraceRun;

inline constexpr uint32_t kNoSite = UINT32_MAX;

// An expression's place.
struct TraceSite {
  std::string op;      // the operator; empty: a list or data
  std::string name;    // of a variable that is read, or a function's or binding's own name; empty: none
  std::string origin;  // the imported file it is in; empty: the script itself
  uint32_t line = 0;   // as in a ScriptError
  uint32_t column = 0;
  uint32_t parent = kNoSite;  // the innermost expression around it, in the same file
  bool leaf = true;           // no expression is in it
};

// The expressions of a program.
class TraceSites {
 public:
  // REQUIRES: compiled with CompileOptions::trace.
  explicit TraceSites(ProgramPtr program);

  size_t size() const { return sites_.size(); }
  const TraceSite& operator[](size_t i) const { return sites_[i]; }

  // As in a ScriptError: "/let/body/+/1". Worked out when it is asked for.
  std::string path(size_t i) const;

 private:
  void locate_all();

  ProgramPtr program_;
  std::vector<TraceSite> sites_;
};

// A value that was met. Valid as long as the evaluation goes on.
class TraceValue {
 public:
  TraceValue(TraceRun& run, const Value& value) : run_(&run), value_(value) {}

  std::string_view type() const;  // "number", …
  bool is_function() const;

  // As the result of an evaluation is written; a function is [[parameters], body]. Of a text that passes the
  // evaluation's limits: "null".
  std::string json() const;

 private:
  TraceRun* run_;
  Value value_;
};

struct TraceVariable {
  std::string_view name;
  TraceValue value;
};

// The evaluation at the moment of a callback.
class Moment {
 public:
  explicit Moment(TraceRun& run) : run_(run) {}

  // How many functions and expressions are running; the script itself is a function.
  size_t calls() const;
  size_t expressions() const;

  // The innermost expression that runs in the `frame`th call from the inside, and the call's function: the
  // `lambda` (of an imported file: its whole expression), kNoSite for the script itself.
  uint32_t place(size_t frame = 0) const;
  uint32_t function(size_t frame = 0) const;

  // Names that are visible there, in the order in which they came into sight, each once; then the host's.
  // REQUIRES: compiled with TraceInfo::kNames, and not in end_call or abandon.
  std::vector<TraceVariable> variables(size_t frame = 0) const;

  // What the evaluation has used so far. Memory is that of values, not given back before the evaluation ends.
  uint64_t memory_bytes() const;
  uint64_t steps() const;

 private:
  TraceRun& run_;
};

class Tracer {
 public:
  virtual ~Tracer() = default;

  // Each that gives a bool: false ends the evaluation with an error of category `limit`.
  virtual bool enter(uint32_t site, const Moment& moment);
  virtual bool leave(uint32_t site, const Moment& moment, const TraceValue& value);
  virtual bool failed(const ScriptError& error, const Moment& moment);
  virtual bool call(uint32_t function, const Moment& moment);
  virtual void end_call(uint32_t function, const Moment& moment);
  // An expression that will have no value.
  virtual void abandon(uint32_t site, const Moment& moment);
};

}  // namespace colloquium::computo
