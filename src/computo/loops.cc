// The machine's part that calls functions: map, filter, reduce and their kind.
//
// A loop's frame lives on the frame stack while its function runs; kReturn hands the function's result to the
// frame, which asks for the next element or ends.

#include "base/assert.h"
#include "computo/access.h"
#include "computo/machine.h"

namespace colloquium::computo {

// Only what lambda gave can be called, with as many arguments as it has parameters.
bool Machine::check_function(const Value& v, uint32_t parameters, uint32_t argument) {
  ASSERT(parameters > 0);
  if (type_of(v) != Type::kFunction) {
    return fail_argument(argument, Category::kLambda, "expected function, got " + describe(v));
  }
  const uint32_t has = v.closure->function->parameters;
  if (has == parameters) return true;
  return fail_argument(
      argument, Category::kLambda,
      "expected a function of " + std::to_string(parameters) + " parameters, got one of " + std::to_string(has));
}

bool Machine::begin_loop(Registers& r, const Instruction& in) {
  if (!check_function(r.top[-1], 1, in.b)) return false;
  const Value array = r.top[-2];
  const auto loop = static_cast<Loop>(in.c);
  ASSERT(loop != Loop::kReduce);
  const Value function = r.top[-1];
  r.top -= 2;
  if (array_size(array) == 0) {
    *r.top++ = empty_result(loop);
    return true;
  }
  // The operands are off the stack: what the function needs grows from where the array stood.
  r.closure = function.closure;
  return begin(r, in, loop, array, nullptr);
}

bool Machine::begin_reduce(Registers& r, const Instruction& in) {
  if (!check_function(r.top[-1], 2, in.b)) return false;
  const Value function = r.top[-1];
  const Value initial = r.top[-2];
  const Value array = r.top[-3];
  ASSERT(type_of(array) == Type::kArray);
  r.top -= 3;
  if (array_size(array) == 0) {
    *r.top++ = initial;
    return true;
  }
  r.closure = function.closure;
  return begin(r, in, Loop::kReduce, array, &initial);
}

// REQUIRES: a non-empty array; r.closure is the function to call, its caller is still what the frame below
// (or nobody) runs.
bool Machine::begin(Registers& r, const Instruction& in, Loop loop, const Value& array, const Value* initial) {
  if (frames_.size() >= limits_.depth) {
    return fail(Category::kLimit, "functions nested deeper than " + std::to_string(limits_.depth) + " calls");
  }
  const Closure* const caller = frames_.empty() ? nullptr : frames_.back().function;
  Frame frame{&in,
              caller,
              r.closure,
              static_cast<size_t>(r.base - stack_.get()),
              array,
              nullptr,
              0,
              0,
              array_size(array),
              array.size + 1,
              loop};
  ASSERT(frame.count > 0);
  if (loop == Loop::kMap || loop == Loop::kFilter) {
    frame.results = allocate<Value>(frame.count);
    if (frame.results == nullptr) return false;
  }
  frames_.push_back(frame);
  r.base = r.top;
  if (!ensure_stack(r, frame.function->function->height)) return false;
  if (initial != nullptr) *r.top++ = *initial;
  *r.top++ = array.kind == Kind::kView ? view_value(array.source, frame.token) : array.items[0];
  r.ip = program_->code.data() + frame.function->function->code;
  return true;
}

Value Machine::empty_result(Loop loop) {
  switch (loop) {
    case Loop::kMap:
    case Loop::kFilter:
      return array_value(nullptr, 0);
    case Loop::kSome:
      return bool_value(false);
    case Loop::kEvery:
      return bool_value(true);
    case Loop::kFind:
    case Loop::kReduce:
      break;
  }
  ASSERT(loop == Loop::kFind);
  return null_value();
}

// Takes the function's result for `element`. True if that ends the loop early, with its result in `final`.
bool Machine::take(Frame& frame, const Value& element, const Value& result, Value& final) {
  switch (frame.loop) {
    case Loop::kMap:
      frame.results[frame.result_count++] = result;
      return false;
    case Loop::kFilter:
      if (is_truthy(result)) frame.results[frame.result_count++] = element;
      return false;
    case Loop::kFind:
      final = element;
      return is_truthy(result);
    case Loop::kSome:
      final = bool_value(true);
      return is_truthy(result);
    case Loop::kEvery:
      final = bool_value(false);
      return !is_truthy(result);
    case Loop::kReduce:
      return false;
  }
  ASSERT_WHY(false, "every loop is listed");
  return true;
}

// What a loop gives that has seen every element, `last` being what its function gave for the last one.
Value Machine::exhausted(const Frame& frame, const Value& last) {
  ASSERT(frame.result_count <= frame.count);
  if (frame.loop == Loop::kReduce) return last;
  if (frame.results != nullptr) return array_value(frame.results, frame.result_count);
  return empty_result(frame.loop);
}

// The running function returned: its result is on top.
bool Machine::end_call(Registers& r) {
  ASSERT(!frames_.empty());
  Frame& frame = frames_.back();
  const Value result = r.top[-1];
  const bool reduce = frame.loop == Loop::kReduce;
  const Value element = r.base[reduce ? 1 : 0];
  Value final = null_value();
  r.top = r.base;
  const bool ended = take(frame, element, result, final);
  if (!ended && ++frame.index < frame.count) {
    if (reduce) *r.top++ = result;
    if (frame.array.kind == Kind::kView) {
      frame.token = frame.array.source->root[frame.token].next;
      *r.top++ = view_value(frame.array.source, frame.token);
    } else {
      *r.top++ = frame.array.items[frame.index];
    }
    r.ip = program_->code.data() + frame.function->function->code;
    return true;
  }
  *r.top++ = ended ? final : exhausted(frame, result);
  r.base = stack_.get() + frame.caller_base;
  r.closure = frame.caller;
  r.ip = frame.call + 1;
  frames_.pop_back();
  return true;
}

}  // namespace colloquium::computo
