// The machine's loop, as a template: machine.cc makes the one that runs, trace_loop.cc the one that is looked at.
// Private to these two files. They are two so that the first is compiled as if the second did not exist.
//
// Thread safety: as the machine's.
#pragma once

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compare.h"
#include "computo/machine.h"
#include "computo/number.h"
#include "computo/operators.h"

namespace colloquium::computo {

// Whatever the last evaluation left is dropped first, also after a failure half way.
inline void Machine::start(std::span<const json::ValueView> inputs, std::span<const Binding> variables) {
  arena_.reset();
  scratch_arena_.reset();
  cons_spare_ = append_spare_ = {};
  text_spare_ = {};
  frames_.clear();
  attempts_.clear();
  effects_.clear();
  failed_ = false;
  result_ = null_value();
  steps_left_ = limits_.steps;
  steps_reserve_ = 0;
  deadline_ns_ = 0;
  if (limits_.timeout_ms > 0 && limits_.clock != nullptr) start_deadline();
  bind(inputs, variables);
}

inline bool Machine::end(bool done) {
  ASSERT(done != failed_);
  if (!done) tell_blame();
  return done;
}

// The one long function: a case per instruction, in the order of opcodes.h, each doing what its row says; those
// that are not met several times an event are in execute_rare.
// `ok` false means that fail() was called; the site is noted here because only here it is known.
template <bool kTraced>
bool Machine::execute() {
  const Program& program = *program_;
  Registers r{program.code.data() + program.functions.front().code, stack_.get(), stack_.get(), nullptr};
  const Instruction* ip = r.ip;
  Value* base = r.base;
  Value* top = r.top;
  const Closure* running = nullptr;
  const auto save = [&] { r = {ip, base, top, running}; };
  const auto restore = [&] {
    ip = r.ip;
    base = r.base;
    top = r.top;
    running = r.closure;
  };
  while (true) {
    const Instruction& in = *ip++;
    bool ok = true, holds = false;
    uint32_t site = in.site;
    if (kTraced && !trace_before({ip - 1, base, top, running})) return false;
    if (steps_left_ == 0 && !refill_at(in.site)) return false;
    --steps_left_;
    switch (in.opcode) {
      case Opcode::kConst:
        *top++ = program.constants[in.a];
        continue;
      case Opcode::kInput:
        ok = input(in.a, *top++);
        break;
      case Opcode::kInputs:
        ok = inputs(in.a, *top++);
        break;
      case Opcode::kLocal:
        ok = load(base[in.a], in.b, *top);
        ++top;
        break;
      case Opcode::kCapture:
        ok = load(running->captures[in.a], in.b, *top++);
        break;
      case Opcode::kHost:
        *top = hosts_[in.a];
        ok = part(*top++, in.b);
        break;
      case Opcode::kList:
        top -= in.a;
        ok = list(top, in.a, *top);
        ++top;
        break;
      case Opcode::kRecord: {
        const Shape& shape = program.shapes[in.a];
        top -= shape.values;
        ok = record(shape, top, *top);
        ++top;
        break;
      }
      case Opcode::kObject:
        top -= 2 * in.a;
        ok = object(top, in.a, *top);
        ++top;
        break;
      case Opcode::kKey:
        if (type_of(top[-2]) != Type::kString) ok = fail_type(in.b, "string", top[-2]);
        break;
      case Opcode::kClosure:
        save();
        ok = closure(r, in.a, *top++);
        break;
      case Opcode::kUnbound:
        *top++ = {Kind::kUnbound, 0, {0}};
        continue;
      case Opcode::kCell:
        ok = cell(*top++);
        break;
      case Opcode::kBind:
        --top;
        ok = bind_slot(base[in.a], *top);
        break;
      case Opcode::kSlide:
        top[-1 - static_cast<int64_t>(in.a)] = top[-1];
        top -= in.a;
        continue;
      case Opcode::kJump:
        ip = program.code.data() + in.a;
        continue;
      case Opcode::kJumpIfFalsy:
        if (!is_truthy(*--top)) ip = program.code.data() + in.a;
        continue;
      case Opcode::kAnd:
        if (is_truthy(*--top)) continue;
        *top++ = bool_value(false);
        ip = program.code.data() + in.a;
        continue;
      case Opcode::kOr:
        if (!is_truthy(*--top)) continue;
        *top++ = bool_value(true);
        ip = program.code.data() + in.a;
        continue;
      case Opcode::kTruth:
        top[-1] = bool_value(is_truthy(top[-1]));
        continue;
      case Opcode::kNot:
        top[-1] = bool_value(!is_truthy(top[-1]));
        continue;
      case Opcode::kRaise:
        ok = raise(in.a);
        break;
      case Opcode::kReturn:
        if (frames_.empty()) {
          result_ = top[-1];
          return true;
        }
        save();
        ok = end_call(r);
        restore();
        if (!ok) site = ip[-1].site;  // what fails now is the loop, not the function that ended
        break;
      case Opcode::kNumber:
        ok = number(top[-1], in.b);
        break;
      case Opcode::kAdd:
      case Opcode::kSubtract:
      case Opcode::kMultiply:
      case Opcode::kDivide:
      case Opcode::kRemainder:
        --top;
        ok = arithmetic(in.opcode, top[-1], *top, in.b);
        break;
      case Opcode::kNegate:
        ok = finish_arithmetic(subtract(int_value(0), top[-1], top[-1]), in.b);
        break;
      case Opcode::kReciprocal:
        ok = finish_arithmetic(divide(int_value(1), top[-1], top[-1]), in.b);
        break;
      case Opcode::kCompare:
        --top;
        ok = compare(static_cast<Relation>(in.c), top[-1], *top, in.b, holds);
        if (ok) top[-1] = bool_value(holds);
        break;
      case Opcode::kCompareNext:
        --top;
        ok = compare(static_cast<Relation>(in.c), top[-1], *top, in.b, holds);
        if (ok) top[-1] = holds ? *top : bool_value(false);
        if (!holds) ip = program.code.data() + in.a;
        break;
      case Opcode::kEqual:
        --top;
        holds = equal(*this, top[-1], *top);
        ok = !failed_;
        top[-1] = bool_value(holds != (in.c != 0));
        break;
      case Opcode::kEqualNext:
        --top;
        if (!equal(*this, top[-1], *top)) {
          top[-1] = bool_value(false);
          ip = program.code.data() + in.a;
        }
        ok = !failed_;
        break;
      case Opcode::kCheck: {
        const Value& v = top[-1 - static_cast<int64_t>(in.a)];
        const auto type = static_cast<Type>(in.c);
        if (type_of(v) != type) ok = fail_type(in.b, to_string(type), v);
        break;
      }
      case Opcode::kCall: {
        top -= in.b;
        Value out = null_value();
        const Operator& op = operator_at(in.a);
        ok = (op.types.empty() || check_types(op.types, top, in.b)) && op.function(*this, top, in.b, out);
        // What failed is told about with its arguments, so they stay.
        if (ok) *top = out;
        ++top;
        break;
      }
      default:
        save();
        ok = execute_rare(r, in);
        restore();
        break;
    }
    ASSERT(top >= base && top <= stack_.get() + stack_size_);
    if (!ok) {
      failure_.site = site;
      note_operands(in, top);
      if (kTraced && !trace_failed({ip, base, top, running}, in)) return false;
      if (!recover(r)) return false;
      restore();
    }
  }
}

}  // namespace colloquium::computo
