#include "computo/trace_run.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/failure.h"
#include "computo/render.h"

namespace colloquium::computo {

namespace {

// Rendering may fail, allocate and take steps; for the evaluation it has never happened.
class Unnoticed {
 public:
  Unnoticed(bool& failed, uint64_t& steps, uint64_t& reserve, Arena& arena, Arena& scratch)
      : failed_(failed),
        steps_(steps),
        reserve_(reserve),
        arena_(arena),
        scratch_(scratch),
        was_failed_(failed),
        had_steps_(steps),
        had_reserve_(reserve),
        mark_(arena.mark()),
        scratch_mark_(scratch.mark()) {
    failed_ = false;
  }
  ~Unnoticed() {
    failed_ = was_failed_;
    steps_ = had_steps_;
    reserve_ = had_reserve_;
    arena_.release(mark_);
    scratch_.release(scratch_mark_);
  }
  Unnoticed(const Unnoticed&) = delete;
  Unnoticed& operator=(const Unnoticed&) = delete;

 private:
  bool& failed_;
  uint64_t& steps_;
  uint64_t& reserve_;
  Arena& arena_;
  Arena& scratch_;
  const bool was_failed_;
  const uint64_t had_steps_;
  const uint64_t had_reserve_;
  const Arena::Mark mark_;
  const Arena::Mark scratch_mark_;
};

const Value& content(const Value& slot) {
  return slot.kind == Kind::kCell ? *slot.cell : slot;
}

}  // namespace

TraceRun::TraceRun(Machine& traced, Tracer& told) : machine(traced), tracer(told), table(*traced.program().trace) {
  ASSERT(!table.first_start.empty());
}

uint32_t TraceRun::instruction() const {
  return static_cast<uint32_t>(registers.ip - machine.program().code.data());
}

// Behind the innermost call each function waits at the instruction that called.
uint32_t TraceRun::instruction_of(size_t frame) const {
  if (frame == 0) return instruction();
  ASSERT(frame <= machine.frames_.size());
  const Instruction* call = machine.frames_[machine.frames_.size() - frame].call;
  return static_cast<uint32_t>(call - machine.program().code.data());
}

bool TraceRun::stop() {
  told_ = true;
  if (!machine.failed()) machine.fail(Category::kLimit, "stopped from outside");
  return false;
}

// The machine has pushed its frame; the expressions of the function come on top of those of its caller.
bool TraceRun::begin_call() {
  const auto called = table.functions.find(instruction());
  ASSERT_WHY(called != table.functions.end(), "a function begins at its first instruction");
  calls.push_back({called->second.index, active.size(), called->second.expression});
  return tracer.call(calls.back().site, Moment(*this)) || stop();
}

void TraceRun::end_call() {
  ASSERT(!calls.empty() && active.size() == calls.back().first);
  const uint32_t site = calls.back().site;
  calls.pop_back();
  tracer.end_call(site, Moment(*this));
}

bool TraceRun::leave_finished() {
  const uint32_t at = instruction();
  while (active.size() > calls.back().first && table.expressions[active.back()].end <= at) {
    ASSERT(table.expressions[active.back()].end == at);
    const TraceValue value(*this, registers.top[-1]);
    if (!tracer.leave(active.back(), Moment(*this), value)) return stop();
    active.pop_back();
  }
  return true;
}

bool TraceRun::enter_next() {
  const uint32_t at = instruction();
  for (uint32_t i = table.first_start[at]; i < table.first_start[at + 1]; ++i) {
    active.push_back(table.starts[i]);
    if (!tracer.enter(active.back(), Moment(*this))) return stop();
  }
  return true;
}

bool TraceRun::before(const Machine::Registers& r) {
  registers = r;
  if (told_) recovered();
  if (returned_) end_call();
  if (calls.size() < machine.frames_.size() + 1 && !begin_call()) return false;
  ASSERT(calls.size() == machine.frames_.size() + 1);
  returned_ = r.ip->opcode == Opcode::kReturn;
  return leave_finished() && enter_next();
}

bool TraceRun::failed(const Machine::Registers& r) {
  registers = r;
  if (returned_) end_call();
  returned_ = false;
  // A call that failed half way has changed the registers already; what failed is its caller's.
  if (calls.size() <= machine.frames_.size()) {
    const Machine::Frame& half = machine.frames_.back();
    registers.base = machine.stack_.get() + half.caller_base;
    registers.closure = half.caller;
    machine.frames_.pop_back();
  }
  told_ = true;
  const ScriptError error = explain(machine.program(), machine.failure());
  if (tracer.failed(error, Moment(*this))) return true;
  machine.failure_.category = Category::kLimit;  // which nothing catches
  return false;
}

// The failure was caught: whatever does not hold the place where it goes on is over.
void TraceRun::recovered() {
  told_ = false;
  settled = false;
  unwind(machine.frames_.size() + 1);
  settled = true;
}

void TraceRun::unwind(size_t depth) {
  const uint32_t at = instruction();
  ASSERT(depth <= calls.size());
  while (true) {
    while (active.size() > calls.back().first) {
      const TracedExpression& inner = table.expressions[active.back()];
      if (calls.size() == depth && inner.begin <= at && at < inner.end) return;
      const uint32_t site = active.back();
      active.pop_back();
      tracer.abandon(site, Moment(*this));
    }
    if (calls.size() == depth) return;
    end_call();
  }
}

void TraceRun::gave_up() {
  // That the steps ran out is found between two instructions.
  if (!told_) failed(Machine::Registers(registers));
  settled = false;
  while (!calls.empty()) {
    while (active.size() > calls.back().first) {
      const uint32_t site = active.back();
      active.pop_back();
      tracer.abandon(site, Moment(*this));
    }
    end_call();
  }
  ASSERT(active.empty());
}

uint64_t TraceRun::steps_left() const {
  return machine.steps_left_ + machine.steps_reserve_;
}

std::string TraceRun::render(const Value& value) {
  ASSERT(value.kind != Kind::kCell && value.kind != Kind::kUnbound);
  const Failure kept = machine.failure_;
  const Machine::Blame blamed = machine.blame_;
  std::string text = "null";
  {
    const Unnoticed unnoticed(machine.failed_, machine.steps_left_, machine.steps_reserve_, machine.arena_,
                              machine.scratch_arena_);
    machine.steps_left_ = machine.limits_.steps;
    machine.steps_reserve_ = 0;
    output.start(false);
    if (computo::render(machine, output, RenderAs::kResult, value)) text = std::string(output.text());
  }
  machine.failure_ = kept;
  machine.blame_ = blamed;
  return text;
}

void TraceRun::add_names(size_t frame, std::vector<TraceVariable>& out) {
  const size_t depth = calls.size() - 1 - frame;
  const bool innermost = frame == 0;
  // What an outer call had in its registers is in the frame above it.
  const Machine::Frame* above = innermost ? nullptr : &machine.frames_[depth];
  const Value* base = innermost ? registers.base : machine.stack_.get() + above->caller_base;
  const Closure* closure = innermost ? registers.closure : above->caller;
  const uint32_t at = instruction_of(frame);
  const auto add = [&](std::string_view name, const Value& value) {
    if (value.kind == Kind::kUnbound) return;
    std::erase_if(out, [&](const TraceVariable& other) { return other.name == name; });
    out.push_back({name, TraceValue(*this, value)});
  };
  const Program& program = machine.program();
  for (size_t i = 0; i < program.variables.size() && i < machine.hosts_.size(); ++i) {
    add(program.variables[i], machine.hosts_[i]);
  }
  for (const TracedName& name : table.names) {
    if (name.function != calls[depth].function || at < name.begin || at >= name.end) continue;
    ASSERT(!name.captured || closure != nullptr);
    add(name.name, content(name.captured ? closure->captures[name.index] : base[name.index]));
  }
}

}  // namespace colloquium::computo
