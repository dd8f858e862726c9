// The machine's part for what decides where to go on: try, match, single parts, calls; and changes of metrics.

#include <iterator>

#include "base/assert.h"
#include "computo/machine.h"
#include "computo/match.h"
#include "computo/number.h"
#include "computo/render.h"
#include "computo/sorting.h"

namespace colloquium::computo {

namespace {
constexpr size_t kMostEffects = 10'000;
}  // namespace

// What exceeds a limit is never caught: the handler would need what has run out.
bool Machine::recover(Registers& r) {
  ASSERT(failed_);
  if (attempts_.empty() || failure_.category == Category::kLimit) return false;
  const Attempt attempt = attempts_.back();
  attempts_.pop_back();
  frames_.resize(attempt.frames);
  effects_.resize(attempt.effects);
  caught_ = std::move(failure_);
  failed_ = false;
  r = {attempt.handler, stack_.get() + attempt.base, stack_.get() + attempt.top, attempt.running};
  return true;
}

// The error as a script sees it. Its texts are made here, and live as long as the evaluation.
bool Machine::caught(Value& out) {
  const ScriptError error = explain(*program_, caught_);
  const auto text = [&](std::string_view s, Value& value) {
    std::string_view kept;
    if (!keep(s, kept)) return false;
    value = string_value(kept);
    return true;
  };
  static constexpr Key kKeys[] = {
      {"category", "\"category\":", 8, 11}, {"message", "\"message\":", 7, 10}, {"path", "\"path\":", 4, 7}};
  auto* values = allocate<Value>(std::size(kKeys));
  auto* object = values == nullptr ? nullptr : allocate<Object>(1);
  if (object == nullptr || !text(to_string(error.category), values[0]) || !text(error.problem, values[1]) ||
      !text(error.path, values[2])) {
    return false;
  }
  *object = {kKeys, values};
  out = object_value(object, std::size(kKeys));
  return true;
}

// The labels' text is made at once: what they are made of ends with the evaluation, and so does the text.
bool Machine::effect(const Instruction& in, const Value* operands) {
  const Metric& metric = program_->metrics[in.a];
  if (type_of(operands[0]) != Type::kNumber) return fail_type(1, "number", operands[0]);
  Effect effect{metric.name, metric.kind, to_double(decode_number(operands[0])), {}};
  if (in.c != 0) {
    if (type_of(operands[1]) != Type::kObject) return fail_type(2, "object", operands[1]);
    text_output_.start(false);
    if (!render(*this, text_output_, RenderAs::kText, operands[1])) return false;
    if (!keep(text_output_.text(), effect.labels)) return false;
  }
  if (effects_.size() >= kMostEffects) {
    return fail(Category::kLimit, "more than " + std::to_string(kMostEffects) + " changes of metrics");
  }
  effects_.push_back(effect);
  return true;
}

// The instructions that execute() leaves out, each doing what its row in opcodes.h says.
bool Machine::execute_rare(Registers& r, const Instruction& in) {
  const Instruction* const target = program_->code.data() + in.a;
  bool holds = false;
  bool ok = true;
  switch (in.opcode) {
    case Opcode::kPart:
      return part(r.top[-1], in.a);
    case Opcode::kPartElse:
      ok = part_if_any(r.top[-1], in.b, holds);
      if (holds) r.ip = target;
      if (!holds) --r.top;
      return ok;
    case Opcode::kDrop:
      r.top -= in.a;
      return true;
    case Opcode::kCopy:
      *r.top = r.top[-1 - static_cast<int64_t>(in.a)];
      ++r.top;
      return true;
    case Opcode::kCoalesce:
      if (type_of(r.top[-1]) == Type::kNull) {
        --r.top;
      } else {
        r.ip = target;
      }
      return true;
    case Opcode::kTry:
      attempts_.push_back({target, r.closure, static_cast<size_t>(r.base - stack_.get()),
                           static_cast<size_t>(r.top - stack_.get()), frames_.size(), effects_.size()});
      return true;
    case Opcode::kEndTry:
      attempts_.pop_back();
      r.ip = target;
      return true;
    case Opcode::kCaught:
      return caught(*r.top++);
    case Opcode::kEffect:
      r.top -= in.c != 0 ? 2 : 1;
      return effect(in, r.top);
    case Opcode::kMatch:
      ok = match(*this, in.a, r.base + in.b, holds);
      *r.top++ = bool_value(holds);
      return ok;
    case Opcode::kLoop:
      return begin_loop(r, in);
    case Opcode::kInvoke:
      return begin_call(r, in);
    case Opcode::kReduce:
      return begin_reduce(r, in);
    case Opcode::kSort:
      return sort_array(*this, program_->sorts[in.a], r.top[-1]);
    case Opcode::kUniqueSorted:
      return unique_runs(*this, program_->sorts[in.a], static_cast<RunMode>(in.c), r.top[-1]);
    default:
      break;
  }
  ASSERT_WHY(false, "every other instruction is in execute()");
  return false;
}

}  // namespace colloquium::computo
