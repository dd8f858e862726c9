// The machine's part that calls functions: map, filter, reduce and their kind, and single calls.
//
// A frame lives on the frame stack while its function runs; kReturn hands the function's result to the frame,
// which asks for the next element or ends.

#include "base/assert.h"
#include "computo/access.h"
#include "computo/machine.h"
#include "computo/operators.h"

namespace colloquium::computo {

// Only what lambda gave can be called, with as many arguments as it has parameters.
bool Machine::check_function(const Value& v, uint32_t parameters, uint32_t argument) {
  if (type_of(v) != Type::kFunction) {
    return fail_argument(argument, Category::kLambda, "expected function, got " + describe(v));
  }
  const uint32_t has = v.closure->function->parameters;
  if (has == parameters) return true;
  return fail_argument(argument, Category::kLambda,
                       "expected a function of " + std::to_string(parameters) +
                           (parameters == 1 ? " parameter" : " parameters") + ", got one of " +
                           std::to_string(has));
}

bool Machine::begin_loop(Registers& r, const Instruction& in) {
  const auto loop = static_cast<Loop>(in.c);
  ASSERT(loop != Loop::kReduce && loop != Loop::kOnce);
  const bool single = loop != Loop::kEach || static_cast<Pass>(operator_at(in.a).detail) == Pass::kElement;
  if (!check_function(r.top[-1], single ? 1 : 2, in.b)) return false;
  Value array = r.top[-2];
  if (type_of(array) == Type::kObject && !as_pairs(array, array)) return false;
  const Value function = r.top[-1];
  r.top -= 2;
  if (array_size(array) == 0) return empty_result(in, array, *r.top++);
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

// A single call: its arguments lie above the function, and become the bottom of its stack.
bool Machine::begin_call(Registers& r, const Instruction& in) {
  Value* const function = r.top - in.b - 1;
  if (!check_function(*function, in.b, in.c)) return false;
  const Closure* const called = function->closure;
  // The frame of a loop has still to take what its function gives.
  const bool tail = in.a != 0 && !frames_.empty() && frames_.back().loop == Loop::kOnce;
  if (tail && trace_ == nullptr) return begin_tail_call(r, function, in.b);
  std::copy(function + 1, r.top, function);
  --r.top;
  const Frame frame{.call = &in,
                    .caller = r.closure,
                    .function = called,
                    .caller_base = static_cast<size_t>(r.base - stack_.get()),
                    .array = null_value(),
                    .results = nullptr,
                    .result_count = 0,
                    .index = 0,
                    .count = 1,
                    .token = 0,
                    .depth = tail ? frames_.back().depth : next_depth(),
                    .loop = Loop::kOnce,
                    .pass = Pass::kElement};
  const auto arguments = static_cast<size_t>(r.top - function);
  if (!enter(r, frame)) return false;
  r.base = r.top - arguments;
  return ensure_stack(r, called->function->height);
}

// The running function has nothing left to do but to return what this call gives: its place on the stack and its
// frame go to the function called, so that loops written as recursion are bounded by steps alone.
bool Machine::begin_tail_call(Registers& r, const Value* function, uint32_t count) {
  ASSERT(!frames_.empty() && function >= r.base);
  const Closure* const called = function->closure;
  std::copy_n(function + 1, count, r.base);
  r.top = r.base + count;
  r.closure = called;
  r.ip = program_->code.data() + called->function->code;
  frames_.back().function = called;
  return ensure_stack(r, called->function->height);
}

// The frame's function runs next, on top of the stack.
bool Machine::enter(Registers& r, const Frame& frame) {
  if (frame.depth >= limits_.depth) {
    return fail(Category::kLimit, "functions nested deeper than " + std::to_string(limits_.depth) + " calls");
  }
  ASSERT(frame.count > 0);
  frames_.push_back(frame);
  r.base = r.top;
  r.closure = frame.function;
  r.ip = program_->code.data() + frame.function->function->code;
  return true;
}

// REQUIRES: a non-empty array; r.closure is the function to call, its caller is still what the frame below
// (or nobody) runs.
bool Machine::begin(Registers& r, const Instruction& in, Loop loop, const Value& array, const Value* initial) {
  Frame frame{.call = &in,
              .caller = frames_.empty() ? nullptr : frames_.back().function,
              .function = r.closure,
              .caller_base = static_cast<size_t>(r.base - stack_.get()),
              .array = array,
              .results = nullptr,
              .result_count = 0,
              .index = 0,
              .count = array_size(array),
              .token = array.size + 1,
              .depth = next_depth(),
              .loop = loop,
              .pass = Pass::kElement};
  if (loop == Loop::kEach) frame.pass = static_cast<Pass>(operator_at(in.a).detail);
  if (loop == Loop::kMap || loop == Loop::kFilter || loop == Loop::kEach) {
    frame.results = allocate<Value>(frame.count);
    if (frame.results == nullptr) return false;
  }
  if (!enter(r, frame) || !ensure_stack(r, frame.function->function->height)) return false;
  if (initial != nullptr) *r.top++ = *initial;
  pass_element(r, frames_.back());
  return true;
}

// Pushes the current element as the frame's function takes it.
void Machine::pass_element(Registers& r, Frame& frame) {
  const Value element = frame.array.kind == Kind::kView ? view_value(frame.array.source, frame.token)
                                                        : frame.array.items[frame.index];
  switch (frame.pass) {
    case Pass::kElement:
      *r.top++ = element;
      return;
    case Pass::kIndexed:
      *r.top++ = element;
      *r.top++ = int_value(frame.index);
      return;
    case Pass::kPair:
      *r.top++ = element.items[0];
      *r.top++ = element.items[1];
      return;
    case Pass::kMember:
      *r.top++ = element.items[1];
      *r.top++ = element.items[0];
      return;
  }
}

// An object as an array of [key, value], in the order of its keys.
bool Machine::as_pairs(const Value& v, Value& out) {
  Object object{};
  uint32_t count = 0;
  if (!members_of(*this, v, object, count)) return false;
  auto* pairs = allocate<Value>(count);
  auto* parts = pairs == nullptr ? nullptr : allocate<Value>(size_t{2} * count);
  if (parts == nullptr) return false;
  for (uint32_t i = 0; i < count; ++i, parts += 2) {
    parts[0] = string_value(object.keys[i].view());
    parts[1] = object.values[i];
    pairs[i] = array_value(parts, 2);
  }
  out = array_value(pairs, count);
  return true;
}

// What a loop over nothing gives.
bool Machine::empty_result(const Instruction& in, const Value& array, Value& out) {
  const auto loop = static_cast<Loop>(in.c);
  const Value none = array_value(nullptr, 0);
  out = none;
  if (loop == Loop::kEach) {
    const Value operands[] = {array, none};
    return operator_at(in.a).function(*this, operands, 2, out);
  }
  if (loop == Loop::kSome || loop == Loop::kEvery) out = bool_value(loop == Loop::kEvery);
  if (loop == Loop::kFind) out = null_value();
  return true;
}

// Takes the function's result for `element`. True if that ends the loop early, with its result in `final`.
bool Machine::take(Frame& frame, const Value& element, const Value& result, Value& final) {
  switch (frame.loop) {
    case Loop::kMap:
    case Loop::kEach:
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
    case Loop::kOnce:
      return false;
  }
  ASSERT_WHY(false, "every loop is listed");
  return true;
}

// What a loop gives that has seen every element, `last` being what its function gave for the last one.
bool Machine::finish(const Frame& frame, const Value& last, Value& out) {
  ASSERT(frame.result_count <= frame.count);
  out = last;
  if (frame.loop == Loop::kReduce || frame.loop == Loop::kOnce) return true;
  if (frame.results == nullptr) return empty_result(*frame.call, frame.array, out);
  out = array_value(frame.results, frame.result_count);
  if (frame.loop != Loop::kEach) return true;
  const Value operands[] = {frame.array, out};
  return operator_at(frame.call->a).function(*this, operands, 2, out);
}

// The running function returned: its result is on top.
bool Machine::end_call(Registers& r) {
  ASSERT(!frames_.empty());
  Frame& frame = frames_.back();
  const Value result = r.top[-1];
  const bool reduce = frame.loop == Loop::kReduce;
  const Value element = frame.loop == Loop::kOnce ? result : r.base[reduce ? 1 : 0];
  Value final = null_value();
  r.top = r.base;
  const bool ended = take(frame, element, result, final);
  if (!ended && ++frame.index < frame.count) {
    if (reduce) *r.top++ = result;
    if (frame.array.kind == Kind::kView) frame.token = frame.array.source->root[frame.token].next;
    pass_element(r, frame);
    r.ip = program_->code.data() + frame.function->function->code;
    return true;
  }
  const Frame done = frame;
  frames_.pop_back();
  r.base = stack_.get() + done.caller_base;
  r.closure = done.caller;
  r.ip = done.call + 1;
  if (ended) {
    *r.top++ = final;
    return true;
  }
  return finish(done, result, *r.top++);
}

}  // namespace colloquium::computo
