// The compiler's part that deals with names: inputs, variables, let and lambda (sections 5 and 8.4).

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "computo/compiler.h"

namespace colloquium::computo {

// The empty pointer is no pointer: the instruction then skips the look-up altogether.
uint32_t Compiler::add_pointer(Steps steps) {
  if (steps.empty()) return kNoPointer;
  program_.pointers.push_back(std::move(steps));
  ASSERT(program_.pointers.size() < kNoPointer);
  return static_cast<uint32_t>(program_.pointers.size() - 1);
}

// The literal pointer that is the call's first argument; false if an error was raised instead.
bool Compiler::pointer_operand(const Call& call, Steps& steps) {
  const uint32_t token = call.arguments[0];
  ASSERT(steps.empty());
  if (type(token) != TokenType::kString) {
    raise(call.site, Category::kType, "expected a literal string with a JSON Pointer", 0);
    return false;
  }
  std::string scratch;
  const std::string_view text = program_.expression(token).string(scratch);
  if (text.empty() || !split_pointer(text, steps)) {
    raise(call.site, Category::kPointer,
          pointer_problem(text, "\"" + std::string(text) + "\"", " that begins with '/'"), 0);
    return false;
  }
  return true;
}

void Compiler::input(const Call& call, Opcode opcode) {
  ASSERT(opcode == Opcode::kInput || opcode == Opcode::kInputs);
  Steps steps;
  if (!call.arguments.empty() && !pointer_operand(call, steps)) return;
  if (unknown(call)) return;
  emit(opcode, call.site, add_pointer(std::move(steps)));
}

// The empty pointer is the value itself, and then a default is never needed; it is compiled all the same, for
// what `strict` has to say about it.
void Compiler::get(const Call& call) {
  ASSERT(call.arguments.size() == 2 || call.arguments.size() == 3);
  expression(call.arguments[0]);
  const json::ValueView operand = program_.expression(call.arguments[1]);
  if (operand.type() != TokenType::kString) {
    return raise_instead(call.site, Category::kType, "expected a literal string with a JSON Pointer", 1);
  }
  std::string scratch;
  const std::string_view text = operand.string(scratch);
  Steps steps;
  if (!split_pointer(text, steps)) {
    return raise_instead(call.site, Category::kPointer, pointer_problem(text, "\"" + std::string(text) + "\""), 1);
  }
  const uint32_t pointer = add_pointer(std::move(steps));
  if (call.arguments.size() == 2) {
    if (pointer != kNoPointer) emit(Opcode::kPart, call.site, pointer);
    return;
  }
  const uint32_t found = emit(Opcode::kPartElse, call.site, 0, pointer);
  const Doubt doubt(*this, pointer == kNoPointer || foresee(call.arguments[0]) != Outcome::kUnknown);
  expression(call.arguments[2]);
  patch(found);
}

// The first token of the pointer is the name, found at compile time; only the rest is followed at run time.
void Compiler::variable(const Call& call) {
  Steps steps;
  if (!pointer_operand(call, steps)) return;
  ASSERT(!steps.empty());
  const std::string name = std::move(steps.front().key);
  steps.erase(steps.begin());
  const Resolved found = scope_.resolve(name);
  if (found.place == Resolved::Place::kNone) {
    if (unknown(call)) return;
    std::string hint;
    if (suggestions_left_ > 0) {
      --suggestions_left_;
      hint = scope_.suggest(name);
    }
    return raise(call.site, Category::kUnknownVariable, "unknown variable \"" + name + "\"", kNoArgument,
                 std::move(hint));
  }
  Opcode opcode = Opcode::kLocal;
  if (found.place == Resolved::Place::kCapture) opcode = Opcode::kCapture;
  if (found.place == Resolved::Place::kHost) {
    opcode = Opcode::kHost;
    program_.variable_used[found.index] = true;
  }
  emit(opcode, call.site, found.index, add_pointer(std::move(steps)));
}

// Only what is literally a pair binds: names are never computed.
bool Compiler::read_pairs(uint32_t token, LetBindings& out) {
  ASSERT(type(token) == TokenType::kArray);
  out.sequential = true;
  for (uint32_t pair = first_child(token); pair != program_.tape[token].next; pair = program_.tape[pair].next) {
    if (type(pair) != TokenType::kArray || program_.expression(pair).count() != 2) return false;
    const uint32_t name = first_child(pair);
    if (type(name) != TokenType::kString) return false;
    out.names.push_back(literals_.text_of(name));
    out.expressions.push_back(name + 1);
  }
  return true;
}

// Bindings of an object are evaluated in key order; of duplicate keys the last counts.
void Compiler::read_members(uint32_t token, LetBindings& out) {
  ASSERT(type(token) == TokenType::kObject);
  std::vector<std::pair<std::string_view, uint32_t>> members;
  const uint32_t end = program_.tape[token].next;
  for (uint32_t key = first_child(token); key != end; key = program_.tape[key + 1].next) {
    members.emplace_back(literals_.text_of(key), key + 1);
  }
  std::sort(members.begin(), members.end());
  for (size_t i = 0; i < members.size(); ++i) {
    if (i + 1 < members.size() && members[i + 1].first == members[i].first) continue;
    out.names.push_back(members[i].first);
    out.expressions.push_back(members[i].second);
  }
}

bool Compiler::read_bindings(const Call& call, LetBindings& out) {
  ASSERT(out.names.empty());
  const uint32_t token = call.arguments[0];
  if (type(token) == TokenType::kObject) {
    read_members(token, out);
  } else if (type(token) != TokenType::kArray || !read_pairs(token, out)) {
    raise(call.site, Category::kType, "expected bindings: an object, or an array of [name, expression] pairs", 0);
    return false;
  }
  for (const uint32_t e : out.expressions) out.any_function |= is_call_of(program_, e, "lambda");
  return true;
}

// With a function among the bindings every slot is reserved first, so that it can refer to later ones.
void Compiler::bind_all(const LetBindings& bindings, LetScope& scope) {
  const auto count = static_cast<uint32_t>(bindings.names.size());
  const auto prologue = static_cast<uint32_t>(here());
  if (bindings.any_function) {
    for (uint32_t i = 0; i < count; ++i) emit(Opcode::kUnbound, bindings.expressions[i]);
  }
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t token = bindings.expressions[i];
    scope.current = i;
    scope.direct = is_call_of(program_, token, "lambda");
    expression(token);
    scope.direct = false;
    if (bindings.any_function) emit(Opcode::kBind, token, scope.base_slot + i);
    if (!bindings.sequential) continue;
    scope_.bind(bindings.names[i]);
    show_name(bindings.names[i], scope.base_slot + i, false);
  }
  for (uint32_t i = 0; i < count; ++i) {
    if (!bindings.sequential) {
      scope_.bind(bindings.names[i]);
      show_name(bindings.names[i], scope.base_slot + i, false);
    }
    if (scope.cells[i]) body().code[prologue + i].opcode = Opcode::kCell;
  }
  ASSERT(body().height == scope.base_slot + count);
}

// The values of the names stay on the stack, under the body's result, and are removed with one instruction; in a
// chain of lets each body's end removes its own.
void Compiler::let(const Call& call) {
  ASSERT(call.arguments.size() == 2);
  LetBindings bindings;
  if (!read_bindings(call, bindings)) return;
  const auto count = static_cast<uint32_t>(bindings.names.size());
  LetScope scope;
  scope.depth = scope_.depth();
  scope.base_slot = body().height;
  scope.cells.assign(count, false);
  for (const uint32_t e : bindings.expressions) {
    scope.parameters.push_back(is_call_of(program_, e, "lambda") ? parameters_of(e) : -1);
  }
  scope_.add_let(scope, bindings.names);
  bind_all(bindings, scope);
  expression(call.arguments[1]);
  hide_names(count);
  if (count > 0) emit(Opcode::kSlide, call.site, count, 0, 0, -static_cast<int>(count));
  scope_.remove_let(bindings.names);
}

bool Compiler::read_parameters(uint32_t token, std::vector<std::string_view>& out) {
  ASSERT(out.empty());
  if (type(token) != TokenType::kArray) return false;
  for (uint32_t i = first_child(token); i != program_.tape[token].next; i = program_.tape[i].next) {
    if (type(i) != TokenType::kString) return false;
    out.push_back(literals_.text_of(i));
  }
  return true;
}

// Its body is compiled at once, into a function of its own; what is left here is the instruction that makes the
// closure. The parameters are its first slots.
void Compiler::lambda(const Call& call) {
  ASSERT(call.arguments.size() == 2);
  std::vector<std::string_view> names;
  if (!read_parameters(call.arguments[0], names)) {
    return raise(call.site, Category::kLambda, "expected parameters: a literal array of strings", 0);
  }
  const auto count = static_cast<uint32_t>(names.size());
  // Who calls it may do so within a `try`.
  const Doubt doubt(*this, catches_ && !std::exchange(called_in_place_, false));
  const auto index = static_cast<uint32_t>(program_.functions.size());
  program_.functions.emplace_back();
  scope_.enter_function();
  bodies_.emplace_back();
  body().height = body().most = count;
  capture_all();
  for (uint32_t i = 0; i < count; ++i) {
    scope_.add_parameter(names[i], i);
    show_name(names[i], i, false);
  }
  expression(call.arguments[1]);
  emit(Opcode::kReturn, call.site);
  for (const std::string_view name : names) scope_.remove_parameter(name);
  Body done = std::move(bodies_.back());
  bodies_.pop_back();
  Function& function = program_.functions[index];
  function.parameters = count;
  function.site = call.site;
  function.captures = scope_.leave_function();
  finish_function(index, std::move(done));
  emit(Opcode::kClosure, call.site, index);
}

}  // namespace colloquium::computo
