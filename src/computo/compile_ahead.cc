// The compiler's part that looks ahead: what is certain to fail whenever it is reached, for strict compilations.
//
// Two ways lead there. An expression that its own text decides is run (foresight.h); and where only one operand is
// known, what its operator refuses is known too. Nothing is said of what may never be evaluated, or fails within a
// `try`.

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compiler.h"
#include "computo/failure.h"
#include "computo/number.h"

namespace colloquium::computo {

void Compiler::start_foresight() {
  ASSERT(surroundings_ == Surroundings::kKnown);
  foresight_ = std::make_unique<Foresight>(program_, options_);
  const auto size = static_cast<uint32_t>(program_.tape.size());
  for (uint32_t token = 0; token < size && !catches_; ++token) catches_ = is_call_of(program_, token, "try");
}

Compiler::Outcome Compiler::foresee(uint32_t token) {
  if (foresight_ == nullptr || doubts_ > 0) return Outcome::kUnknown;
  return foresight_->look(token);
}

// Of nested calls the innermost that fails is told.
void Compiler::foresee_call(const Call& call, size_t errors_before) {
  ASSERT(foresight_ != nullptr);
  const Form form = call.op->form;
  if (form == Form::kVariable || form == Form::kInput || form == Form::kInputs || form == Form::kLambda) return;
  if (errors_.size() != errors_before || errors_.size() >= kMostErrors) return;
  if (foresee(call.site) == Outcome::kFails) foretell(foresight_->failure());
}

void Compiler::foretell(Failure failure) {
  if (foresight_ == nullptr || doubts_ > 0) return;
  ASSERT(failure.site < program_.tape.size());
  failure.problem = "fails whenever this is reached: " + failure.problem;
  report(failure);
}

void Compiler::foretell_type(const Call& call, size_t argument, std::string_view expected, const Value& got) {
  ASSERT(argument < call.arguments.size());
  Failure failure{Category::kType,
                  call.site,
                  static_cast<uint16_t>(std::min<size_t>(argument, kNoArgument)),
                  "expected " + std::string(expected) + ", got " + describe(got),
                  {}};
  failure.advice = advice_for(expected, type_of(got));
  foretell(std::move(failure));
}

void Compiler::expect_type(const Call& call, size_t argument, size_t start, Type wanted) {
  ASSERT(start <= here());
  if (foresight_ == nullptr) return;
  const Value* constant = sole_constant(start);
  if (constant == nullptr || type_of(*constant) == wanted) return;
  foretell_type(call, argument, to_string(wanted), *constant);
}

// As Machine::check_types does; kUnbound stands for what is not constant.
void Compiler::expect_types(const Call& call, const std::vector<Value>& constants) {
  const std::string_view types = call.op->types;
  if (foresight_ == nullptr || types.empty()) return;
  program_.literals = {program_.literal_text.data(), program_.literal_tape.data()};  // see sole_constant
  for (size_t i = 0; i < constants.size(); ++i) {
    const char wanted = types[std::min(i, types.size() - 1)];
    if (constants[i].kind == Kind::kUnbound || is_of_type(wanted, constants[i])) continue;
    return foretell_type(call, i, name_of_type(wanted), constants[i]);
  }
  ASSERT(constants.size() == call.arguments.size());
}

void Compiler::expect_divisor(const Call& call, size_t argument, size_t start) {
  ASSERT(argument < call.arguments.size());
  if (foresight_ == nullptr) return;
  expect_type(call, argument, start, Type::kNumber);
  const auto step = static_cast<Opcode>(call.op->detail);
  const Value* constant = sole_constant(start);
  if (constant == nullptr || argument == 0 || (step != Opcode::kDivide && step != Opcode::kRemainder)) return;
  if (type_of(*constant) != Type::kNumber || is_truthy(*constant)) return;
  const auto blamed = static_cast<uint16_t>(std::min<size_t>(argument, kNoArgument));
  foretell({Category::kDivisionByZero, call.site, blamed, "division by zero", {}});
}

// The operand is checked as soon as it has been evaluated, whatever the operator would do with it.
void Compiler::function_operand(const Call& call, size_t argument, uint32_t parameters) {
  const uint32_t token = call.arguments[argument];
  const size_t start = here();
  called_in_place_ = is_call_of(program_, token, "lambda");
  expression(token);
  called_in_place_ = false;
  ASSERT(here() > start);
  if (foresight_ == nullptr) return;
  const Value* constant = sole_constant(start);
  const int has = parameters_of(token);
  std::string problem;
  if (constant != nullptr) problem = "expected function, got " + describe(*constant);
  if (has >= 0 && static_cast<uint32_t>(has) != parameters) {
    problem = "expected a function of " + std::to_string(parameters) +
              (parameters == 1 ? " parameter" : " parameters") + ", got one of " + std::to_string(has);
  }
  if (problem.empty()) return;
  foretell({Category::kLambda, call.site, static_cast<uint16_t>(argument), std::move(problem), {}});
}

int Compiler::parameters_of(uint32_t token) {
  const bool variable = is_call_of(program_, token, "$");
  if (!variable && !is_call_of(program_, token, "lambda")) return -1;
  const Arguments parts = children(token);
  if (variable) {
    Steps steps;
    if (parts.size() != 2 || type(parts[1]) != TokenType::kString) return -1;
    const bool name = split_pointer(literals_.text_of(parts[1]), steps) && steps.size() == 1;
    return name ? scope_.parameters_of(steps[0].key) : -1;
  }
  std::vector<std::string_view> names;
  const bool good = parts.size() == 3 && read_parameters(parts[1], names);
  return good ? static_cast<int>(names.size()) : -1;
}

}  // namespace colloquium::computo
