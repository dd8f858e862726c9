// The compiler's part that knows how operators evaluate their arguments (section 8 of the language).

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compiler.h"
#include "computo/failure.h"
#include "computo/number.h"
#include "computo/text.h"

namespace colloquium::computo {

namespace {
// Error paths count arguments in 16 bits; a call with more blames the call as a whole beyond that.
uint16_t blame(size_t argument) {
  return argument < kNoArgument ? static_cast<uint16_t>(argument) : kNoArgument;
}

// As CheckFunction has it. Literal data is canonical text already.
std::string constant_text(const Value& v) {
  switch (v.kind) {
    case Kind::kNull:
      return "null";
    case Kind::kFalse:
      return "false";
    case Kind::kTrue:
      return "true";
    case Kind::kString:
      return std::string(v.string());
    case Kind::kView:
      return std::string(v.view().raw());
    default:
      break;
  }
  ASSERT(is_decoded_number(v));
  char text[kNumberBound];
  return {text, write_number(v, text)};
}
}  // namespace

// Arguments from left to right; those of append and merge are checked one by one on the way.
void Compiler::native(const Call& call) {
  const bool checked = call.op->form != Form::kNative;
  const Type wanted = call.op->form == Form::kNativeOfObjects ? Type::kObject : Type::kArray;
  const size_t count = call.arguments.size();
  std::vector<Value> constants;
  for (size_t i = 0; i < count; ++i) {
    const size_t start = here();
    expression(call.arguments[i]);
    const Value* constant = sole_constant(start);
    constants.push_back(constant != nullptr ? *constant : Value{Kind::kUnbound, 0, {0}});
    if (!checked) continue;
    expect_type(call, i, start, wanted);
    emit(Opcode::kCheck, call.site, 0, blame(i), static_cast<uint16_t>(wanted));
  }
  ASSERT(call.op->function != nullptr);
  expect_types(call, constants);
  if (options_.strict && call.op->check != nullptr) check_constants(call, constants);
  emit(Opcode::kCall, call.site, call.op_index, static_cast<uint32_t>(count), 0, 1 - static_cast<int>(count));
}

// Reported beside the code, which stays: what fails is the evaluation, if there is one.
void Compiler::check_constants(const Call& call, const std::vector<Value>& constants) {
  ASSERT(options_.strict && constants.size() == call.arguments.size());
  program_.literals = {program_.literal_text.data(), program_.literal_tape.data()};  // see sole_constant
  std::vector<std::string> texts(constants.size());
  std::vector<ConstantText> arguments(constants.size());
  for (size_t i = 0; i < constants.size(); ++i) {
    if (constants[i].kind == Kind::kUnbound) continue;
    texts[i] = constant_text(constants[i]);
    arguments[i] = texts[i];
  }
  const std::string problem = call.op->check(arguments);
  if (problem.empty()) return;
  report({Category::kValue, call.site, kNoArgument, problem, {}});
}

// Each operand is checked before the next is evaluated, so the left one of a step is decoded already.
void Compiler::arithmetic(const Call& call) {
  const auto step = static_cast<Opcode>(call.op->detail);
  const size_t start = here();
  expression(call.arguments[0]);
  expect_divisor(call, 0, start);
  const Value* first = options_.optimize ? sole_constant(start) : nullptr;
  if (first == nullptr || !is_decoded_number(*first)) emit(Opcode::kNumber, call.site, 0, blame(0));
  if (call.arguments.size() == 1) return arithmetic_unary(call, step);
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    const size_t operand = here();
    expression(call.arguments[i]);
    expect_divisor(call, i, operand);
    if (fold_step(step, start)) continue;
    emit(step, call.site, 0, blame(i));
  }
  ASSERT(here() > start);
}

void Compiler::arithmetic_unary(const Call& call, Opcode step) {
  ASSERT(call.arguments.size() == 1);
  if (step == Opcode::kSubtract) emit(Opcode::kNegate, call.site, 0, blame(0));
  if (step == Opcode::kDivide) emit(Opcode::kReciprocal, call.site, 0, blame(0));
}

// Replaces two constants by the result of the step, unless that is an error: it belongs to evaluation.
bool Compiler::fold_step(Opcode step, size_t start) {
  std::vector<Instruction>& code = body().code;
  ASSERT(start <= code.size());
  if (!options_.optimize || code.size() != start + 2 || code[start].opcode != Opcode::kConst) return false;
  if (code[start + 1].opcode != Opcode::kConst) return false;
  const Value& x = program_.constants[code[start].a];
  const Value& y = program_.constants[code[start + 1].a];
  if (!is_decoded_number(x) || !is_decoded_number(y)) return false;
  Value result;
  if (arithmetic_step(step, x, y, result) != Arithmetic::kOk) return false;
  const uint32_t site = code[start].site;
  drop_code(start, body().height - 2);
  constant(result, site);
  return true;
}

// Pairs share their middle operand, which is evaluated once: a comparison that holds leaves it on the stack.
void Compiler::relation(const Call& call) {
  const size_t count = call.arguments.size();
  ASSERT(count >= 2);
  std::vector<uint32_t> exits;
  // Only the first pair is compared in any case.
  const auto operand = [&](size_t i) {
    const Doubt doubt(*this, i > 1);
    const size_t start = here();
    expression(call.arguments[i]);
    expect_type(call, i, start, Type::kNumber);
  };
  operand(0);
  for (size_t i = 1; i + 1 < count; ++i) {
    operand(i);
    exits.push_back(emit(Opcode::kCompareNext, call.site, 0, blame(i - 1), call.op->detail));
  }
  operand(count - 1);
  emit(Opcode::kCompare, call.site, 0, blame(count - 2), call.op->detail);
  for (const uint32_t jump : exits) patch(jump);
}

// The first value stays on the stack until one differs from it.
void Compiler::equal(const Call& call) {
  const size_t count = call.arguments.size();
  ASSERT(count >= 2);
  std::vector<uint32_t> exits;
  expression(call.arguments[0]);
  const auto operand = [&](size_t i) {
    const Doubt doubt(*this, i > 1);
    expression(call.arguments[i]);
  };
  for (size_t i = 1; i + 1 < count; ++i) {
    operand(i);
    exits.push_back(emit(Opcode::kEqualNext, call.site));
  }
  operand(count - 1);
  emit(Opcode::kEqual, call.site);
  for (const uint32_t jump : exits) patch(jump);
}

void Compiler::not_equal(const Call& call) {
  ASSERT(call.arguments.size() == 2);
  expression(call.arguments[0]);
  expression(call.arguments[1]);
  emit(Opcode::kEqual, call.site, 0, 0, 1);
}

// Every operand but the last may end it early with the operator's own boolean.
void Compiler::logic(const Call& call, Opcode opcode) {
  ASSERT(opcode == Opcode::kAnd || opcode == Opcode::kOr);
  std::vector<uint32_t> exits;
  const Outcome passes = opcode == Opcode::kAnd ? Outcome::kTruthy : Outcome::kFalsy;
  bool decided = false;
  for (const uint32_t argument : call.arguments) {
    const Doubt doubt(*this, decided);
    expression(argument);
    if (argument == call.arguments.back()) break;
    exits.push_back(emit(opcode, call.site));
    Outcome outcome = foresee(argument);
    if (outcome == Outcome::kNull) outcome = Outcome::kFalsy;
    decided = decided || (outcome != Outcome::kUnknown && outcome != passes);
  }
  emit(Opcode::kTruth, call.site);
  for (const uint32_t jump : exits) patch(jump);
}

void Compiler::negation(const Call& call) {
  ASSERT(call.arguments.size() == 1);
  expression(call.arguments[0]);
  emit(Opcode::kNot, call.site);
}

void Compiler::if_else(const Call& call) {
  ASSERT(call.arguments.size() == 3);
  const size_t start = here();
  const uint32_t height = body().height;
  expression(call.arguments[0]);
  const Value* condition = options_.optimize ? sole_constant(start) : nullptr;
  if (condition != nullptr) {
    const bool truth = is_truthy(*condition);
    drop_code(start, height);
    return constant_if(call, truth);
  }
  const Outcome outcome = foresee(call.arguments[0]);
  const bool known = outcome != Outcome::kUnknown;
  const auto branch = [&](size_t i, bool taken) {
    const Doubt doubt(*this, known && !taken);
    expression(call.arguments[i]);
  };
  const uint32_t to_else = emit(Opcode::kJumpIfFalsy, call.site);
  branch(1, outcome == Outcome::kTruthy);
  const uint32_t to_end = emit(Opcode::kJump, call.site);
  patch(to_else);
  body().height = height;  // the other branch starts as high as this one did
  branch(2, outcome == Outcome::kFalsy || outcome == Outcome::kNull);
  patch(to_end);
}

// The branch not taken is compiled only for what `strict` has to say about it.
void Compiler::constant_if(const Call& call, bool truth) {
  const size_t start = here();
  const uint32_t height = body().height;
  if (options_.strict) {
    const Doubt doubt(*this, true);
    expression(call.arguments[truth ? 2 : 1]);
    drop_code(start, height);
  }
  ASSERT(here() == start);
  expression(call.arguments[truth ? 1 : 2]);
}

// With literal keys the order of the members is known now; else they are sorted when they exist.
void Compiler::object(const Call& call) {
  const size_t pairs = call.arguments.size() / 2;
  bool literal_keys = options_.optimize || pairs == 0;
  for (size_t i = 0; i < pairs; ++i) {
    if (type(call.arguments[2 * i]) != TokenType::kString) literal_keys = false;
  }
  if (literal_keys) return record(call);
  for (size_t i = 0; i < pairs; ++i) {
    expression(call.arguments[2 * i]);
    expression(call.arguments[2 * i + 1]);
    emit(Opcode::kKey, call.site, 0, blame(2 * i));
  }
  ASSERT(pairs > 0);
  emit(Opcode::kObject, call.site, static_cast<uint32_t>(pairs), 0, 0, 1 - 2 * static_cast<int>(pairs));
}

void Compiler::record(const Call& call) {
  Shape shape;
  shape.values = static_cast<uint32_t>(call.arguments.size() / 2);
  std::vector<std::string_view> names;
  for (uint32_t i = 0; i < shape.values; ++i) {
    names.push_back(literals_.text_of(call.arguments[2 * i]));
    expression(call.arguments[2 * i + 1]);
    shape.order.push_back(i);
  }
  std::stable_sort(shape.order.begin(), shape.order.end(),
                   [&](uint32_t a, uint32_t b) { return names[a] < names[b]; });
  // Of equal keys the last wins; a stable sort left it behind the others.
  const auto repeated = [&](uint32_t a, uint32_t b) { return names[a] == names[b]; };
  const auto kept = std::unique(shape.order.rbegin(), shape.order.rend(), repeated);
  shape.order.erase(shape.order.begin(), kept.base());
  for (const uint32_t i : shape.order) shape.keys.push_back(literals_.key(names[i]));
  ASSERT(shape.keys.size() == shape.order.size());
  const int values = static_cast<int>(shape.values);
  program_.shapes.push_back(std::move(shape));
  emit(Opcode::kRecord, call.site, static_cast<uint32_t>(program_.shapes.size() - 1), 0, 0, 1 - values);
}

void Compiler::array_operand(const Call& call) {
  const size_t start = here();
  expression(call.arguments[0]);
  expect_type(call, 0, start, Type::kArray);
  ASSERT(here() > start);
  emit(Opcode::kCheck, call.site, 0, 0, static_cast<uint16_t>(Type::kArray));
}

// The array is checked before the function is evaluated: an error in the function's place must not hide it.
void Compiler::loop(const Call& call) {
  ASSERT(call.arguments.size() == 2);
  array_operand(call);
  function_operand(call, 1, 1);
  emit(Opcode::kLoop, call.site, 0, 1, call.op->detail);
}

// The initial value comes before the check of the array, and the function last, as section 8.7 orders them.
void Compiler::reduce(const Call& call) {
  ASSERT(call.arguments.size() == 3);
  const size_t start = here();
  expression(call.arguments[0]);
  expect_type(call, 0, start, Type::kArray);
  expression(call.arguments[2]);
  emit(Opcode::kCheck, call.site, 1, 0, static_cast<uint16_t>(Type::kArray));
  function_operand(call, 1, 2);
  emit(Opcode::kReduce, call.site, 0, 1);
}

// A pointer with a bad escape addresses nothing, which is no error here: every element sorts as null.
bool Compiler::sort_pointer(std::string_view text, SortField& field) {
  if (!text.empty() && text[0] != '/') return false;
  Steps steps;
  field.missing = !split_pointer(text, steps);
  field.pointer = field.missing ? kNoPointer : add_pointer(std::move(steps));
  ASSERT(!field.missing || !text.empty());
  return true;
}

// "/a", ["/a"], ["/a","desc"], or the last two in the array wrapper.
bool Compiler::sort_descriptor(uint32_t token, SortField& field) {
  std::string scratch;
  if (type(token) == TokenType::kString) return sort_pointer(program_.expression(token).string(scratch), field);
  bool malformed = false;
  if (type(token) == TokenType::kObject) token = literals_.wrapped(token, malformed);
  if (token == 0 || type(token) != TokenType::kArray) return false;
  const json::ValueView list = program_.expression(token);
  const uint32_t count = list.count();
  ASSERT(!malformed);
  if (count < 1 || count > 2) return false;
  const json::ValueView first = list.first_child();
  if (first.type() != TokenType::kString || !sort_pointer(first.string(scratch), field)) return false;
  if (count == 1) return true;
  const json::ValueView second = first.next();
  if (second.type() != TokenType::kString) return false;
  const std::string_view direction = second.string(scratch);
  field.descending = direction == "desc";
  return field.descending || direction == "asc";
}

void Compiler::sort(const Call& call) {
  array_operand(call);
  SortSpec spec;
  if (call.arguments.size() == 1) spec.fields.emplace_back();
  if (call.arguments.size() == 2 && type(call.arguments[1]) == TokenType::kString) {
    std::string scratch;
    const std::string_view direction = program_.expression(call.arguments[1]).string(scratch);
    if (direction == "asc" || direction == "desc") spec.fields.push_back({kNoPointer, false, direction == "desc"});
  }
  if (spec.fields.empty()) {
    for (size_t i = 1; i < call.arguments.size(); ++i) {
      SortField field;
      if (!sort_descriptor(call.arguments[i], field)) {
        return raise_instead(call.site, Category::kValue,
                             "expected \"asc\", \"desc\", a pointer, or [pointer, direction]", blame(i));
      }
      spec.fields.push_back(field);
    }
  }
  ASSERT(!spec.fields.empty());
  program_.sorts.push_back(std::move(spec));
  emit(Opcode::kSort, call.site, static_cast<uint32_t>(program_.sorts.size() - 1));
}

void Compiler::unique_sorted(const Call& call) {
  static constexpr std::string_view kModes[] = {"firsts", "lasts", "singles", "multiples"};
  array_operand(call);
  SortSpec spec;
  spec.fields.emplace_back();
  uint16_t mode = 0;
  for (size_t i = 1; i < call.arguments.size(); ++i) {
    const json::ValueView operand = program_.expression(call.arguments[i]);
    if (operand.type() != TokenType::kString) {
      return raise_instead(call.site, Category::kType, "expected a literal string", blame(i));
    }
    std::string scratch;
    const std::string_view text = operand.string(scratch);
    const bool field = i == 1 && (call.arguments.size() == 3 || text.empty() || text[0] == '/');
    const auto* found = std::find(std::begin(kModes), std::end(kModes), text);
    if (field ? !sort_pointer(text, spec.fields[0]) : found == std::end(kModes)) {
      return raise_instead(call.site, Category::kValue,
                           field ? "expected a pointer that begins with '/'"
                                 : "expected \"firsts\", \"lasts\", \"singles\" or \"multiples\"",
                           blame(i));
    }
    if (!field) mode = static_cast<uint16_t>(found - std::begin(kModes));
  }
  ASSERT(mode < std::size(kModes));
  program_.sorts.push_back(std::move(spec));
  emit(Opcode::kUniqueSorted, call.site, static_cast<uint32_t>(program_.sorts.size() - 1), 0, mode);
}

}  // namespace colloquium::computo
