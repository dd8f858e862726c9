#include "computo/machine.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compare.h"
#include "computo/machine_loop.h"
#include "computo/number.h"
#include "computo/operators.h"
#include "computo/sorting.h"

namespace colloquium::computo {

namespace {
constexpr size_t kFirstStack = 256;
// Between two looks at the clock: some tens of microseconds.
constexpr uint64_t kStepsPerLook = 4096;
}  // namespace

Machine::Machine(ProgramPtr program, const Limits& limits)
    : program_(std::move(program)),
      limits_(limits),
      arena_(limits.memory_bytes),
      scratch_arena_(limits.memory_bytes) {
  ASSERT(program_ != nullptr && !program_->code.empty());
  stack_size_ = std::max<size_t>(kFirstStack, program_->functions.front().height);
  stack_ = std::make_unique_for_overwrite<Value[]>(stack_size_);
  frames_.reserve(16);
}

// Sources are addressed by views, so the vector must not grow while they are made.
void Machine::bind(std::span<const json::ValueView> inputs, std::span<const Binding> variables) {
  sources_.resize(inputs.size() + variables.size());
  inputs_.clear();
  hosts_.clear();
  size_t next = 0;
  for (const json::ValueView& view : inputs) {
    sources_[next] = {view.text(), view.root()};
    inputs_.push_back(view_value(&sources_[next++], view.index()));
  }
  for (const Binding& binding : variables) {
    if (binding.value == nullptr) {
      hosts_.push_back(null_value());
      continue;
    }
    sources_[next] = {binding.value->text(), binding.value->root()};
    hosts_.push_back(view_value(&sources_[next++], binding.value->index()));
  }
  hosts_.resize(std::max(hosts_.size(), program_->variables.size()), null_value());
  ASSERT(next <= sources_.size());
}

bool Machine::run(std::span<const json::ValueView> inputs, std::span<const Binding> variables) {
  start(inputs, variables);
  return end(execute<false>());
}

// The first failure stands: what an operator still does after it is of no interest.
bool Machine::fail_argument(uint32_t argument, Category category, std::string problem) {
  ASSERT(!problem.empty());
  if (failed_) return false;
  failed_ = true;
  failure_.category = category;
  failure_.argument = static_cast<uint16_t>(std::min<uint32_t>(argument, kNoArgument));
  failure_.problem = std::move(problem);
  failure_.hint.clear();
  failure_.advice = nullptr;
  failure_.arguments.clear();
  failure_.secret = false;
  blame_ = {};
  return false;
}

bool Machine::fail(Category category, std::string problem) {
  return fail_argument(kNoArgument, category, std::move(problem));
}

bool Machine::fail_type(uint32_t argument, std::string_view expected, const Value& got) {
  ASSERT(!expected.empty());
  if (failed_) return false;
  fail_argument(argument, Category::kType, "expected " + std::string(expected) + ", got " + describe(got));
  failure_.advice = advice_for(expected, type_of(got));
  return false;
}

bool Machine::fail_nesting() {
  return fail(Category::kLimit, "data nested deeper than " + std::to_string(kMostNesting) + " levels");
}

bool Machine::fail_memory() {
  return fail(Category::kLimit, "more than " + std::to_string(limits_.memory_bytes) + " bytes of memory needed");
}

void Machine::start_deadline() {
  deadline_ns_ = limits_.clock->monotonic_ns() + limits_.timeout_ms * 1'000'000;
  steps_left_ = std::min(limits_.steps, kStepsPerLook);
  steps_reserve_ = limits_.steps - steps_left_;
}

// With a deadline the steps are handed out in slices: so the clock is looked at where it costs nothing, and
// charge() stays what it is.
bool Machine::refill(uint64_t steps) {
  const uint64_t left = steps_left_ + steps_reserve_;
  ASSERT(steps > steps_left_);
  if (steps > left) {
    steps_left_ = steps_reserve_ = 0;
    return fail(Category::kLimit, "more than " + std::to_string(limits_.steps) + " steps needed");
  }
  if (deadline_ns_ != 0 && limits_.clock->monotonic_ns() >= deadline_ns_) {
    steps_left_ = steps_reserve_ = 0;
    return fail(Category::kLimit, "not done after " + std::to_string(limits_.timeout_ms) + " ms");
  }
  steps_left_ = std::min(left, std::max(steps, kStepsPerLook));
  steps_reserve_ = left - steps_left_;
  return true;
}

bool Machine::refill_at(uint32_t site) {
  if (refill(1)) return true;
  failure_.site = site;
  return false;
}

bool Machine::decode(const json::ValueView& view, std::string_view& out) {
  scratch_.clear();
  json::unescape(view.raw_string(), scratch_);
  return keep(scratch_, out);
}

bool Machine::keep(std::string_view text, std::string_view& out) {
  ASSERT(!failed());
  char* copy = allocate<char>(text.size());
  if (copy == nullptr) return false;
  std::copy(text.begin(), text.end(), copy);
  out = {copy, text.size()};
  return true;
}

// Checked once per call: the compiler knows how high the function's stack gets. Moving the stack is why frames
// keep indexes and registers are handed over.
bool Machine::ensure_stack(Registers& r, uint32_t height) {
  const auto used = static_cast<size_t>(r.base - stack_.get());
  ASSERT(used <= stack_size_);
  if (height <= stack_size_ - used) return true;
  const size_t wanted = std::max(stack_size_ * 2, used + height);
  if (wanted * sizeof(Value) > limits_.memory_bytes) return fail_memory();
  auto larger = std::make_unique_for_overwrite<Value[]>(wanted);
  const auto top = static_cast<size_t>(r.top - stack_.get());
  std::memcpy(static_cast<void*>(larger.get()), stack_.get(), top * sizeof(Value));
  r.base = larger.get() + used;
  r.top = larger.get() + top;
  stack_ = std::move(larger);
  stack_size_ = wanted;
  return true;
}

// The part of a value that a compiled pointer addresses.
bool Machine::part(Value& v, uint32_t pointer) {
  if (pointer == kNoPointer) return true;
  ASSERT(pointer < program_->pointers.size());
  const Steps& steps = program_->pointers[pointer];
  size_t failed = 0;
  uint64_t passed = 0;
  if (follow(v, steps, failed, passed)) return charge(passed / kPassedPerStep);
  std::string path;
  for (size_t i = 0; i <= failed; ++i) {
    path += '/';
    append_token(steps[i].key, path);
  }
  fail(Category::kPointer, "nothing at pointer \"" + path + "\": its parent is " + describe(v));
  blame_.missing = &steps[failed];
  blame_.parent = v;
  return false;
}

// The same; `found` instead of a failure says that the pointer leads nowhere.
bool Machine::part_if_any(Value& v, uint32_t pointer, bool& found) {
  found = true;
  if (pointer == kNoPointer) return true;
  ASSERT(pointer < program_->pointers.size());
  size_t failed = 0;
  uint64_t passed = 0;
  found = follow(v, program_->pointers[pointer], failed, passed);
  return charge(passed / kPassedPerStep);
}

// A local or captured value: through its cell if it has one.
bool Machine::load(const Value& slot, uint32_t pointer, Value& out) {
  out = slot.kind == Kind::kCell ? *slot.cell : slot;
  if (out.kind == Kind::kUnbound) {
    return fail(Category::kUnknownVariable, "the variable is used before its value is known");
  }
  ASSERT(out.kind != Kind::kCell);
  return part(out, pointer);
}

bool Machine::input(uint32_t pointer, Value& out) {
  out = inputs_.empty() ? null_value() : inputs_.front();
  ASSERT(inputs_.size() <= sources_.size());
  return part(out, pointer);
}

bool Machine::inputs(uint32_t pointer, Value& out) {
  // The inputs stay where they are until the next evaluation, so the array may share them.
  out = array_value(inputs_.data(), static_cast<uint32_t>(inputs_.size()));
  ASSERT(inputs_.size() <= sources_.size());
  return part(out, pointer);
}

bool Machine::list(const Value* items, uint32_t count, Value& out) {
  auto* copy = allocate<Value>(count);
  if (copy == nullptr) return false;
  std::copy_n(items, count, copy);
  out = array_value(copy, count);
  ASSERT(count > 0);
  return true;
}

// The shape's keys are shared by all records it makes; only the values are the event's.
bool Machine::record(const Shape& shape, const Value* values, Value& out) {
  const size_t count = shape.keys.size();
  ASSERT(shape.order.size() == count);
  auto* object = allocate<Object>(1);
  if (object == nullptr) return false;
  auto* sorted = allocate<Value>(count);
  if (sorted == nullptr) return false;
  for (size_t i = 0; i < count; ++i) sorted[i] = values[shape.order[i]];
  *object = {shape.keys.data(), sorted};
  out = object_value(object, static_cast<uint32_t>(count));
  return true;
}

bool Machine::object(const Value* pairs, uint32_t count, Value& out) {
  ObjectBuilder builder(*this, count);
  if (!builder.valid()) return false;
  for (uint32_t i = 0; i < count; ++i) {
    std::string_view name;
    ASSERT(type_of(pairs[2 * i]) == Type::kString);
    if (!text_of(*this, pairs[2 * i], name)) return false;
    builder.add({name.data(), nullptr, static_cast<uint32_t>(name.size()), 0}, pairs[2 * i + 1]);
  }
  return builder.finish(out);
}

// A captured cell is taken as the cell, so that the function sees what is bound later.
bool Machine::closure(const Registers& r, uint32_t index, Value& out) {
  ASSERT(index < program_->functions.size());
  const Function& function = program_->functions[index];
  auto* made = allocate<Closure>(1);
  if (made == nullptr) return false;
  auto* captures = allocate<Value>(function.captures.size());
  if (captures == nullptr) return false;
  for (size_t i = 0; i < function.captures.size(); ++i) {
    const Capture& capture = function.captures[i];
    captures[i] = capture.local ? r.base[capture.index] : r.closure->captures[capture.index];
  }
  *made = {&function, captures};
  out = {Kind::kFunction, 0, {0}};
  out.closure = made;
  return true;
}

bool Machine::cell(Value& slot) {
  auto* content = allocate<Value>(1);
  if (content == nullptr) return false;
  *content = {Kind::kUnbound, 0, {0}};
  slot = {Kind::kCell, 0, {0}};
  slot.cell = content;
  ASSERT(slot.cell->kind == Kind::kUnbound);
  return true;
}

bool Machine::bind_slot(Value& slot, const Value& v) {
  ASSERT(slot.kind == Kind::kCell || slot.kind == Kind::kUnbound);
  if (slot.kind == Kind::kCell) {
    *slot.cell = v;
  } else {
    slot = v;
  }
  return true;
}

bool Machine::number(Value& v, uint32_t argument) {
  if (type_of(v) != Type::kNumber) return fail_type(argument, "number", v);
  v = decode_number(v);
  ASSERT(is_decoded_number(v));
  return true;
}

bool Machine::finish_arithmetic(Arithmetic outcome, uint32_t argument) {
  switch (outcome) {
    case Arithmetic::kOk:
      return true;
    case Arithmetic::kDivisionByZero:
      return fail_argument(argument, Category::kDivisionByZero, "division by zero");
    case Arithmetic::kNotFinite:
      return fail_argument(argument, Category::kNumber, "the result is not finite");
  }
  ASSERT_WHY(false, "every outcome is listed");
  return false;
}

bool Machine::arithmetic(Opcode step, Value& x, Value& y, uint32_t argument) {
  ASSERT(is_decoded_number(x));
  if (!number(y, argument)) return false;
  return finish_arithmetic(arithmetic_step(step, x, y, x), argument);
}

// Both operands have been evaluated; now both are checked, the left one first.
bool Machine::compare(Relation relation, Value& x, Value& y, uint32_t argument, bool& holds) {
  if (!number(x, argument) || !number(y, argument + 1)) return false;
  const int order = compare_numbers(x, y);
  switch (relation) {
    case Relation::kLess:
      holds = order < 0;
      return true;
    case Relation::kLessEqual:
      holds = order <= 0;
      return true;
    case Relation::kGreater:
      holds = order > 0;
      return true;
    case Relation::kGreaterEqual:
      holds = order >= 0;
      return true;
  }
  ASSERT_WHY(false, "every relation is listed");
  return false;
}

bool Machine::check_types(std::string_view types, const Value* arguments, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const char wanted = types[std::min<size_t>(i, types.size() - 1)];
    if (wanted != '.' && !is_of_type(wanted, arguments[i]))
      return fail_type(i, name_of_type(wanted), arguments[i]);
  }
  ASSERT(!failed_);
  return true;
}

bool Machine::raise(uint32_t index) {
  ASSERT(index < program_->raises.size());
  const Raise& raise = program_->raises[index];
  fail_argument(raise.argument, raise.category, raise.problem);
  failure_.hint = raise.hint;
  return false;
}

}  // namespace colloquium::computo
