// The machine's loop with somebody looking on.

#include "base/assert.h"
#include "computo/machine.h"
#include "computo/machine_loop.h"
#include "computo/trace_run.h"

namespace colloquium::computo {

bool Machine::run_traced(std::span<const json::ValueView> inputs, std::span<const Binding> variables,
                         Tracer& tracer) {
  ASSERT(trace_ == nullptr && program_->trace != nullptr);
  start(inputs, variables);
  TraceRun run(*this, tracer);
  trace_ = &run;
  const bool done = execute<true>();
  if (!done) run.gave_up();
  trace_ = nullptr;
  return end(done);
}

bool Machine::trace_before(const Registers& r) {
  return trace_->before(r);
}

// A function's return that failed is the failure of what called it.
bool Machine::trace_failed(Registers r, const Instruction& in) {
  ASSERT(failed_);
  r.ip = in.opcode == Opcode::kReturn ? r.ip - 1 : &in;
  return trace_->failed(r);
}

}  // namespace colloquium::computo
