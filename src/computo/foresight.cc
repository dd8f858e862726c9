#include "computo/foresight.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compiler.h"
#include "computo/machine.h"
#include "computo/operators.h"

namespace colloquium::computo {

namespace {

// Text that all looks together may take, and what each takes besides: nested calls are looked at from inside out,
// so a script's text is met as often as it is deep.
constexpr size_t kBudgetBytes = 8u << 20;
constexpr size_t kLookBytes = 256;
constexpr Limits kLimits{.steps = 5000, .depth = 100, .memory_bytes = 1u << 20, .output_bytes = 1u << 20};
// The text has been read once, so that it is not too deep is known.
constexpr uint32_t kAnyDepth = 1u << 16;

// Whether the site stands in a function, which may be called several times and fail only once.
bool in_function(const Program& program, uint32_t site) {
  for (uint32_t at = 0; at < site;) {
    if (is_call_of(program, at, "lambda")) return true;
    uint32_t child = first_child(at);
    while (program.tape[child].next <= site) child = program.tape[child].next;
    ASSERT(child > at);
    at = child;
  }
  return false;
}

}  // namespace

Foresight::Foresight(const Program& program, const CompileOptions& options)
    : program_(program), budget_(kBudgetBytes) {
  ASSERT(options.strict);
  options_.array_key = options.array_key;
  options_.core_only = options.core_only;
  options_.any_metric = true;
  options_.permuto = options.permuto;
}

Foresight::Outcome Foresight::look(uint32_t token) {
  const std::string_view text = program_.expression(token).raw();
  const size_t cost = text.size() + kLookBytes;
  if (cost > budget_) return Outcome::kUnknown;
  budget_ -= cost;
  auto part = std::make_shared<Program>();
  CompileFailure unread;
  if (!read_text(text, options_, kAnyDepth, *part, unread)) return Outcome::kUnknown;
  ASSERT(part->tape.size() == program_.tape[token].next - token);
  Compiler(*part, options_, unread.errors, Surroundings::kUnknown).run();
  return run(part, token);
}

// What the script raises itself is meant to fail.
Foresight::Outcome Foresight::run(const std::shared_ptr<const Program>& part, uint32_t token) {
  Machine machine(part, kLimits);
  if (machine.run({}, {})) {
    const Value& result = machine.result();
    if (type_of(result) == Type::kNull) return Outcome::kNull;
    return is_truthy(result) ? Outcome::kTruthy : Outcome::kFalsy;
  }
  const Category category = machine.failure().category;
  if (category == Category::kLimit || category == Category::kUser) return Outcome::kUnknown;
  failure_ = machine.failure();
  if (in_function(*part, failure_.site)) {
    failure_.site = 0;
    failure_.argument = kNoArgument;
    failure_.arguments.clear();
  }
  failure_.site += token;
  return Outcome::kFails;
}

}  // namespace colloquium::computo
