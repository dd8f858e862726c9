// TraceRun: follows the machine from instruction to instruction and tells a Tracer what that means in terms of
// the script. Private to src/computo.
//
// Thread safety: belongs to one evaluation.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "computo/machine.h"
#include "computo/trace.h"
#include "computo/trace_table.h"

namespace colloquium::computo {

struct TraceRun {
  TraceRun(Machine& traced, Tracer& told);

  // Before the instruction at r.ip is run. False after Machine::fail: the tracer wants no more.
  bool before(const Machine::Registers& r);

  // The instruction at r.ip failed; the machine's failure says how. False: nothing may catch it.
  bool failed(const Machine::Registers& r);

  // The evaluation has ended with a failure.
  void gave_up();

  // What Moment and TraceValue show.
  struct Call {
    uint32_t function;  // index in Program::functions
    size_t first;       // of its expressions in `active`
    uint32_t site;      // of the function's own expression, kNoSite for the script
  };
  Machine& machine;
  Tracer& tracer;
  const TraceTable& table;
  std::vector<uint32_t> active;  // expressions that run, innermost last
  std::vector<Call> calls;       // functions that run, innermost last
  bool settled = true;           // false while calls are abandoned: the machine has forgotten them already
  Machine::Registers registers{};
  Output output;

  uint64_t steps_left() const;
  uint32_t instruction() const;  // index of the one at registers.ip
  uint32_t instruction_of(size_t frame) const;
  std::string render(const Value& value);
  void add_names(size_t frame, std::vector<TraceVariable>& out);

 private:
  bool begin_call();
  void end_call();
  bool leave_finished();
  bool enter_next();
  bool stop();
  void recovered();
  void unwind(size_t depth);

  bool returned_ = false;  // the last instruction was kReturn
  bool told_ = false;      // of the failure that there is
};

}  // namespace colloquium::computo
