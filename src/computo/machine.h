// Machine: runs a Program (the instructions are in opcodes.h). What an Evaluator is made of.
//
// Everything an evaluation makes lies in its arena until the next one. Errors are noted once and end the
// evaluation: a service or operator that returns false (or null) has called fail().
//
// Thread safety: belongs to one thread; the Program is shared.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "computo/arena.h"
#include "computo/code.h"
#include "computo/failure.h"
#include "computo/number.h"
#include "computo/output.h"
#include "computo/prepared.h"
#include "computo/program.h"
#include "computo/value.h"

namespace colloquium::computo {

// How deep data may be nested for whatever recurses over it: twice what the walk lets in, since a script may
// put what came in into something of its own. Keeps the C++ stack within a few hundred KiB.
inline constexpr uint32_t kMostNesting = 2048;

// Passing a token on a tape costs a fraction of an instruction.
inline constexpr uint64_t kPassedPerStep = 16;

struct TraceRun;

class Machine {
 public:
  Machine(ProgramPtr program, const Limits& limits);
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  // One evaluation. False if it failed: failure() says how.
  bool run(std::span<const json::ValueView> inputs, std::span<const Binding> variables);
  // The same, with somebody looking on. REQUIRES: Program::trace.
  bool run_traced(std::span<const json::ValueView> inputs, std::span<const Binding> variables, Tracer& tracer);

  const Program& program() const { return *program_; }
  const Limits& limits() const { return limits_; }
  const Value& result() const { return result_; }
  const Failure& failure() const { return failure_; }
  bool failed() const { return failed_; }
  std::span<const Effect> effects() const { return effects_; }

  // For operators. Each fail… returns false; the machine knows the expression. The first failure stands.
  bool fail(Category category, std::string problem);
  bool fail_argument(uint32_t argument, Category category, std::string problem);
  bool fail_type(uint32_t argument, std::string_view expected, const Value& got);
  bool fail_nesting();

  // Takes `steps` off the budget.
  bool charge(uint64_t steps) {
    if (steps <= steps_left_) {
      steps_left_ -= steps;
      return true;
    }
    if (!refill(steps)) return false;
    steps_left_ -= steps;
    return true;
  }

  // Null after fail().
  template <class T>
  T* allocate(size_t count) {
    T* memory = arena_.array<T>(count);
    if (memory == nullptr) fail_memory();
    return memory;
  }
  Arena& arena() { return arena_; }

  // Memory for work that ends before the operator returns: mark, allocate, release.
  Arena& scratch() { return scratch_arena_; }
  template <class T>
  T* allocate_scratch(size_t count) {
    T* memory = scratch_arena_.array<T>(count);
    if (memory == nullptr) fail_memory();
    return memory;
  }

  // Room that was allocated beside the last result of cons, append and strConcat, so that folding a long
  // array with them costs no square of memory. Nobody else knows of that room, and it is used at most once,
  // so values still never change.
  template <class T>
  struct Spare {
    T* begin = nullptr;  // of the result
    uint32_t size = 0;
    uint32_t room = 0;  // in front of it, or behind it
  };
  Spare<Value>& cons_spare() { return cons_spare_; }
  Spare<Value>& append_spare() { return append_spare_; }
  Spare<char>& text_spare() { return text_spare_; }

  // For operators that make text; its content ends with the operator.
  Output& text_output() { return text_output_; }

  // What operators make once and keep from event to event.
  PreparedCache& prepared() { return prepared_; }
  Tools& tools() { return tools_; }

  // The text of a string or key with escapes, in the arena.
  bool decode(const json::ValueView& view, std::string_view& out);

  // A copy of `text`, which need not outlive the call, in the arena.
  bool keep(std::string_view text, std::string_view& out);

 private:
  friend struct TraceRun;

  // What the loop of execute() works on; handed to the functions that call and return.
  struct Registers {
    const Instruction* ip;   // next to run
    Value* base;             // of the running function
    Value* top;              // one past the topmost value
    const Closure* closure;  // the running function; null: the script itself
  };

  // A loop, or a single call, whose function is running.
  struct Frame {
    const Instruction* call;  // what it gives goes on behind it
    const Closure* caller;    // what ran before
    const Closure* function;  // what is called for each element
    size_t caller_base;       // index in the stack: the stack may move
    Value array;
    Value* results;  // of map and filter, room for all
    uint32_t result_count;
    uint32_t index;  // of the current element
    uint32_t count;  // of the array
    uint32_t token;  // of the current element, if the array is a view
    uint32_t depth;  // how many functions wait for others; traced, those that called in tail position stay
    Loop loop;
    Pass pass;  // of kEach
  };

  // Where a failure is caught: everything as it was when kTry ran.
  struct Attempt {
    const Instruction* handler;
    const Closure* running;
    size_t base;  // indexes in the stack
    size_t top;
    size_t frames;
    size_t effects;
  };

  // What to tell about a failure that nobody catches.
  struct Blame {
    const Value* values = nullptr;  // operands, where they still lie on the stack
    uint32_t count = 0;
    uint32_t first = 0;             // which argument the first of them is
    const Step* missing = nullptr;  // the step of a pointer that led nowhere…
    Value parent = null_value();    // …and the value it was tried on
  };

  // machine_loop.h and machine.cc. What gives a bool fails with false; results go to `out`, which may be the top
  // of the stack.
  void bind(std::span<const json::ValueView> inputs, std::span<const Binding> variables);
  void start(std::span<const json::ValueView> inputs, std::span<const Binding> variables);
  bool end(bool done);
  template <bool kTraced>
  bool execute();
  // trace_loop.cc, of execute<true>.
  bool trace_before(const Registers& r);
  bool trace_failed(Registers r, const Instruction& in);
  bool execute_rare(Registers& r, const Instruction& in);
  bool ensure_stack(Registers& r, uint32_t height);
  // Names and inputs, each followed by a pointer into the value.
  bool part(Value& v, uint32_t pointer);
  bool part_if_any(Value& v, uint32_t pointer, bool& found);
  bool load(const Value& slot, uint32_t pointer, Value& out);
  bool input(uint32_t pointer, Value& out);
  bool inputs(uint32_t pointer, Value& out);
  // What is built from the topmost values.
  bool list(const Value* items, uint32_t count, Value& out);
  bool record(const Shape& shape, const Value* values, Value& out);
  bool object(const Value* pairs, uint32_t count, Value& out);
  bool closure(const Registers& r, uint32_t function, Value& out);
  // Slots of names that a function may see early.
  bool cell(Value& slot);
  bool bind_slot(Value& slot, const Value& v);
  // Numbers; `argument` is the one to blame. The operands are decoded in place.
  bool number(Value& v, uint32_t argument);
  bool arithmetic(Opcode step, Value& x, Value& y, uint32_t argument);
  bool finish_arithmetic(Arithmetic outcome, uint32_t argument);
  bool compare(Relation relation, Value& x, Value& y, uint32_t argument, bool& holds);
  bool raise(uint32_t index);
  // Takes a failure to the innermost kTry; false if there is none, or the failure is one that ends everything.
  bool recover(Registers& r);
  bool caught(Value& out);
  void note_operands(const Instruction& in, const Value* top);
  void tell_blame();
  bool effect(const Instruction& in, const Value* operands);
  // Operator::types.
  bool check_types(std::string_view types, const Value* arguments, uint32_t count);
  bool fail_memory();
  // Where the steps in hand are used up: more of them, unless all are, or the time.
  bool refill(uint64_t steps);
  bool refill_at(uint32_t site);
  void start_deadline();

  // loops.cc. begin… leaves the registers at the function's first instruction, or behind the loop if there is
  // nothing to call it for; end_call at its next call or behind the loop.
  bool begin_loop(Registers& r, const Instruction& in);
  bool begin_reduce(Registers& r, const Instruction& in);
  bool begin_call(Registers& r, const Instruction& in);
  bool begin(Registers& r, const Instruction& in, Loop loop, const Value& array, const Value* initial);
  uint32_t next_depth() const { return frames_.empty() ? 0 : frames_.back().depth + 1; }
  bool enter(Registers& r, const Frame& frame);
  bool begin_tail_call(Registers& r, const Value* function, uint32_t count);
  bool as_pairs(const Value& object, Value& out);
  void pass_element(Registers& r, Frame& frame);
  bool finish(const Frame& frame, const Value& last, Value& out);
  bool check_function(const Value& v, uint32_t parameters, uint32_t argument);
  bool end_call(Registers& r);
  bool take(Frame& frame, const Value& element, const Value& result, Value& final);
  bool empty_result(const Instruction& in, const Value& array, Value& out);

  // Constant.
  ProgramPtr program_;
  Limits limits_;

  // Memory of one evaluation, kept for the next.
  Arena arena_;
  Arena scratch_arena_;
  Spare<Value> cons_spare_;
  Spare<Value> append_spare_;
  Spare<char> text_spare_;
  std::unique_ptr<Value[]> stack_;
  size_t stack_size_ = 0;
  std::vector<Frame> frames_;      // innermost loop last
  std::vector<Attempt> attempts_;  // innermost kTry last
  Failure caught_;                 // what recover() met last
  std::vector<Effect> effects_;
  std::vector<Source> sources_;  // inputs, then host variables; views point to them
  std::vector<Value> inputs_;
  std::vector<Value> hosts_;
  std::string scratch_;  // decoding
  Output text_output_;
  PreparedCache prepared_;
  Tools tools_;

  TraceRun* trace_ = nullptr;  // of execute<true>

  // What the evaluation has come to.
  uint64_t steps_left_ = 0;     // until somebody looks at the clock, or to the end
  uint64_t steps_reserve_ = 0;  // beyond them
  int64_t deadline_ns_ = 0;     // 0: none
  Value result_ = null_value();
  Failure failure_;
  Blame blame_;
  bool failed_ = false;
};

}  // namespace colloquium::computo
