// The machine's part for what decides where to go on: try, match, single parts, calls; and changes of metrics.

#include <algorithm>
#include <iterator>

#include "base/assert.h"
#include "base/names.h"
#include "computo/machine.h"
#include "computo/match.h"
#include "computo/number.h"
#include "computo/render.h"
#include "computo/shown.h"
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

// Where the operands of a failed instruction lie, as far as it has left them there. They are looked at only if
// nobody catches the failure.
void Machine::note_operands(const Instruction& in, const Value* top) {
  ASSERT(failed_);
  const bool pair = in.b == 1;  // of several operands only the last step's are left
  switch (in.opcode) {
    case Opcode::kCall:
      blame_.values = top - 1;
      blame_.count = in.b;
      return;
    case Opcode::kAdd:
    case Opcode::kSubtract:
    case Opcode::kMultiply:
    case Opcode::kDivide:
    case Opcode::kRemainder:
      blame_.values = pair ? top - 1 : top;
      blame_.count = pair ? 2 : 1;
      blame_.first = pair ? 0 : in.b;
      return;
    case Opcode::kCompare:
    case Opcode::kCompareNext:
      blame_.values = top - 1;
      blame_.count = 2;
      blame_.first = in.b;
      return;
    case Opcode::kNumber:
    case Opcode::kNegate:
    case Opcode::kReciprocal:
      blame_.values = top - 1;
      break;
    case Opcode::kKey:
      blame_.values = top - 2;
      break;
    case Opcode::kCheck:
      blame_.values = top - 1 - in.a;
      break;
    default:
      return;
  }
  blame_.count = 1;
  blame_.first = in.b;
}

// Before the stack and the inputs go: what the operator had, and which member was probably meant.
void Machine::tell_blame() {
  ASSERT(failed_);
  constexpr uint32_t kMostArguments = 8;
  failure_.first_argument = blame_.first;
  for (uint32_t i = 0; i < std::min(blame_.count, kMostArguments); ++i) {
    const Value& value = blame_.values[i];
    const uint32_t token = argument_token(*program_, failure_.site, blame_.first + i);
    const bool secret = reads_secret(*program_, token) || stands_under_secret(value, Around::kAll);
    failure_.secret = failure_.secret || secret;
    failure_.arguments.push_back(secret ? std::string(kMasked) : shown(value));
  }
  if (blame_.count > kMostArguments) failure_.arguments.emplace_back("…");
  if (blame_.missing == nullptr || type_of(blame_.parent) != Type::kObject) return;
  failure_.hint = closest_name(blame_.missing->key, member_names(blame_.parent));
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
