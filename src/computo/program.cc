// The front door of src/computo: compile_json and Evaluator.

#include "computo/program.h"

#include <algorithm>
#include <cstring>
#include <tuple>

#include "colloquium/batch.h"

#include "base/assert.h"
#include "computo/access.h"
#include "computo/code.h"
#include "computo/compiler.h"
#include "computo/failure.h"
#include "computo/imports.h"
#include "computo/machine.h"
#include "computo/notation.h"
#include "computo/render.h"
#include "computo/sugar.h"
#include "computo/sugar_tree.h"
#include "computo/text.h"
#include "json/walk.h"

namespace colloquium::computo {

namespace {

// The text is copied into the program first: everything the compiler makes points into that copy.
void put_source(std::string_view text, const CompileOptions& options, Program& program) {
  program.text.reserve(text.size() + kBatchPadding);
  program.text.assign(text);
  program.text.append(kBatchPadding, '\0');
  Module script;
  script.origin = options.origin;
  script.first_line = options.first_line;
  script.first_column = options.first_column;
  script.positions = options.positions;
  script.text_end = text.size();
  program.modules.push_back(std::move(script));
  program.permuto = options.permuto;
  ASSERT(program.text.size() == text.size() + kBatchPadding);
}

// How deep JSON scripts may nest. A level of sugar is up to three of its JSON (a `let` in a binding: the call,
// its bindings, the pair).
constexpr uint32_t kJsonDepth = json::WalkLimits().depth;
constexpr uint32_t kSugarJsonDepth = 3 * kSugarDepth + 16;

ProgramPtr compile_text(std::string_view text, const CompileOptions& options, uint32_t depth,
                        CompileFailure& failure) {
  auto program = std::make_shared<Program>();
  failure.errors.clear();
  if (!read_text(text, options, depth, *program, failure)) return nullptr;
  read_imports(options, depth, *program);
  Compiler(*program, options, failure.errors).run();
  // Branches that are never taken are looked at out of their turn.
  std::stable_sort(failure.errors.begin(), failure.errors.end(), [](const ScriptError& a, const ScriptError& b) {
    return std::tie(a.origin, a.line, a.column) < std::tie(b.origin, b.line, b.column);
  });
  ASSERT(options.strict || failure.errors.empty());
  if (!failure.errors.empty()) return nullptr;
  return program;
}

}  // namespace

// Nesting beyond the walk's limit is the language's error `limit`; everything else it refuses is `parse`.
bool read_text(std::string_view source, const CompileOptions& options, uint32_t depth, Program& program,
               CompileFailure& failure) {
  put_source(source, options, program);
  const std::string_view text(program.text.data(), source.size());
  ScriptError error;
  error.category = Category::kParse;
  if (text.size() >= UINT32_MAX / 8) {
    error.category = Category::kLimit;
    error.problem = "the script is too long";
    failure.errors.push_back(std::move(error));
    return false;
  }
  json::WalkError wrong;
  if (json::Walker({depth}).walk(text, program.tape, wrong)) {
    program.modules.front().end = static_cast<uint32_t>(program.tape.size());
    return true;
  }
  ASSERT(wrong.what != nullptr);
  error.problem = wrong.what;
  if (nests_too_deep(text, wrong.byte)) error.category = Category::kLimit;
  locate(program, wrong.byte, error);
  failure.errors.push_back(std::move(error));
  return false;
}

ProgramPtr compile_json(std::string_view text, const CompileOptions& options, CompileFailure& failure) {
  return compile_text(text, options, kJsonDepth, failure);
}

ProgramPtr compile_sugar(std::string_view text, const CompileOptions& options, CompileFailure& failure) {
  failure.errors.clear();
  ScriptError error;
  auto script = read_sugar(text, options, error);
  if (!script) {
    failure.errors.push_back(std::move(error));
    return nullptr;
  }
  CompileOptions translated = options;
  translated.positions = std::move(script->positions);
  return compile_text(script->json, translated, kSugarJsonDepth, failure);
}

ProgramPtr compile_source(std::string_view text, const CompileOptions& options, CompileFailure& failure) {
  const ScriptText script = script_text(options.origin, text);
  return script.notation == Notation::kSugar ? compile_sugar(script.text, options, failure)
                                             : compile_json(script.text, options, failure);
}

bool uses_variable(const Program& program, size_t index) {
  ASSERT(index < program.variable_used.size());
  return program.variable_used[index];
}

const std::string& origin(const Program& program) {
  return program.modules.front().origin;
}

struct Evaluator::State {
  State(ProgramPtr program, const Limits& limits) : machine(std::move(program), limits) {}

  bool append(const Value& value, std::vector<char>& bytes, std::vector<TapeToken>* tape) {
    output.start(tape != nullptr);
    // A rendering that fails has touched nothing of the caller's.
    const bool done = !machine.failed() && render(machine, output, RenderAs::kResult, value);
    explained = false;
    if (!done) return false;
    const std::string_view text = output.text();
    ASSERT(!text.empty());
    bytes.insert(bytes.end(), text.begin(), text.end());
    if (tape != nullptr) tape->insert(tape->end(), output.tape().begin(), output.tape().end());
    return true;
  }

  // Elements on a tape are found by walking over them; whoever takes them in order walks once.
  Value element(size_t i) {
    const Value& array = machine.result();
    ASSERT(type_of(array) == Type::kArray && i < computo::array_size(array));
    if (array.kind == Kind::kArray) return array.items[i];
    if (element_token == 0 || i < element_index) {
      element_index = 0;
      element_token = array.size + 1;
    }
    for (; element_index < i; ++element_index) element_token = array.source->root[element_token].next;
    return view_value(array.source, element_token);
  }

  Machine machine;
  Output output;
  size_t element_index = 0;
  uint32_t element_token = 0;  // of that element; 0: none found yet
  mutable ScriptError error;
  mutable bool explained = false;
};

Evaluator::Evaluator(ProgramPtr program, Limits limits)
    : state_(std::make_unique<State>(std::move(program), limits)) {}

Evaluator::~Evaluator() = default;

bool Evaluator::evaluate(std::span<const json::ValueView> inputs, std::span<const Binding> variables) {
  state_->explained = false;
  state_->element_token = 0;
  return state_->machine.run(inputs, variables);
}

bool Evaluator::evaluate_traced(std::span<const json::ValueView> inputs, std::span<const Binding> variables,
                                Tracer& tracer) {
  state_->explained = false;
  state_->element_token = 0;
  return state_->machine.run_traced(inputs, variables, tracer);
}

const ScriptError& Evaluator::error() const {
  ASSERT(state_->machine.failed());
  if (!state_->explained) state_->error = explain(state_->machine.program(), state_->machine.failure());
  state_->explained = true;
  return state_->error;
}

bool Evaluator::failed() const {
  return state_->machine.failed();
}

std::span<const Effect> Evaluator::effects() const {
  ASSERT(!state_->machine.failed());
  return state_->machine.effects();
}

bool Evaluator::is_null() const {
  return type_of(state_->machine.result()) == Type::kNull;
}
bool Evaluator::is_truthy() const {
  return computo::is_truthy(state_->machine.result());
}
bool Evaluator::is_array() const {
  return type_of(state_->machine.result()) == Type::kArray;
}

size_t Evaluator::array_size() const {
  ASSERT(is_array());
  return computo::array_size(state_->machine.result());
}

bool Evaluator::write(std::vector<char>& bytes, std::vector<TapeToken>* tape) {
  return state_->append(state_->machine.result(), bytes, tape);
}

bool Evaluator::is_element_null(size_t i) const {
  return type_of(state_->element(i)) == Type::kNull;
}

bool Evaluator::write_element(size_t i, std::vector<char>& bytes, std::vector<TapeToken>* tape) {
  return state_->append(state_->element(i), bytes, tape);
}

}  // namespace colloquium::computo
