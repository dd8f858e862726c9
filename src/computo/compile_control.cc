// The compiler's part for what the core lacks: loops by the table, coalesce, try, match, calls, metrics.

#include <algorithm>

#include "base/assert.h"
#include "computo/compiler.h"

namespace colloquium::computo {

namespace {

constexpr std::string_view kTypeNames[] = {"null", "number", "string", "boolean", "array", "object", "function"};

}  // namespace

Compiler::Arguments Compiler::children(uint32_t token) const {
  Arguments out;
  for (uint32_t i = first_child(token); i != program_.tape[token].next; i = program_.tape[i].next)
    out.push_back(i);
  return out;
}

// A native operator that a form ends in.
void Compiler::call_native(std::string_view name, uint32_t site, uint32_t count) {
  const auto index = find_operator(name);
  ASSERT(index && operator_at(*index).function != nullptr);
  emit(Opcode::kCall, site, *index, count, 0, 1 - static_cast<int>(count));
}

// As the core's loops: the subject is checked before the function is evaluated.
void Compiler::each(const Call& call) {
  const auto pass = static_cast<Pass>(call.op->detail);
  const auto wanted = static_cast<uint16_t>(pass == Pass::kMember ? Type::kObject : Type::kArray);
  const size_t start = here();
  expression(call.arguments[0]);
  expect_type(call, 0, start, static_cast<Type>(wanted));
  if (pass == Pass::kPair) {
    const size_t second = here();
    expression(call.arguments[1]);
    expect_type(call, 1, second, Type::kArray);
    emit(Opcode::kCheck, call.site, 1, 0, wanted);
    emit(Opcode::kCheck, call.site, 0, 1, wanted);
    call_native("zip", call.site, 2);
  } else {
    emit(Opcode::kCheck, call.site, 0, 0, wanted);
  }
  function_operand(call, call.arguments.size() - 1, pass == Pass::kElement ? 1 : 2);
  ASSERT(call.op->function != nullptr);
  emit(Opcode::kLoop, call.site, call.op_index, static_cast<uint32_t>(call.arguments.size() - 1),
       static_cast<uint16_t>(Loop::kEach));
}

void Compiler::coalesce(const Call& call) {
  Arguments jumps;
  bool decided = false;
  for (const uint32_t argument : call.arguments) {
    const Doubt doubt(*this, decided);
    expression(argument);
    if (argument == call.arguments.back()) break;
    jumps.push_back(emit(Opcode::kCoalesce, call.site));
    const Outcome outcome = foresee(argument);
    decided = decided || (outcome != Outcome::kUnknown && outcome != Outcome::kNull);
  }
  for (const uint32_t jump : jumps) patch(jump);
}

// A literal lambda as handler is called with the error; anything else is the value instead.
void Compiler::try_catch(const Call& call) {
  const uint32_t attempt = emit(Opcode::kTry, call.site);
  const Outcome outcome = foresee(call.arguments[0]);
  {
    const Doubt caught(*this, true);
    expression(call.arguments[0]);
  }
  const uint32_t end = emit(Opcode::kEndTry, call.site);
  patch(attempt);
  --body().height;
  if (call.arguments.size() == 1) {
    constant(null_value(), call.site);
  } else {
    const Doubt unneeded(*this, outcome != Outcome::kUnknown && outcome != Outcome::kFails);
    const bool handler = is_call_of(program_, call.arguments[1], "lambda");
    if (handler) function_operand(call, 1, 1);
    if (!handler) expression(call.arguments[1]);
    if (handler) {
      emit(Opcode::kCaught, call.site);
      emit(Opcode::kInvoke, call.site, 0, 1, 1, -1);
    }
  }
  patch(end);
}

void Compiler::invoke(const Call& call) {
  const auto count = static_cast<uint32_t>(call.arguments.size() - 1);
  function_operand(call, 0, count);
  for (uint32_t i = 1; i <= count; ++i) expression(call.arguments[i]);
  emit(Opcode::kInvoke, call.site, 0, count, 0, -static_cast<int>(count));
}

// A file is compiled once, to a function of its own that sees nothing of whoever imports it.
void Compiler::compile_module(Module& module) {
  const auto index = static_cast<uint32_t>(program_.functions.size());
  program_.functions.emplace_back();
  module.state = Module::State::kCompiling;
  module.function = index;
  const auto hidden = scope_.hide();
  add_hosts();
  scope_.enter_function();
  bodies_.emplace_back();
  expression(module.root);
  emit(Opcode::kReturn, module.root);
  Body done = std::move(bodies_.back());
  bodies_.pop_back();
  const std::vector<Capture> captures = scope_.leave_function();
  ASSERT(captures.empty());
  scope_.show(hidden);
  Function& function = program_.functions[index];
  function.site = module.root;
  finish_function(index, std::move(done));
  module.state = Module::State::kDone;
}

void Compiler::import(const Call& call) {
  if (unknown(call)) return;
  if (type(call.arguments[0]) != TokenType::kString) {
    return raise(call.site, Category::kType, "expected a literal string with the path of a script", 0);
  }
  const auto found = std::lower_bound(program_.imports.begin(), program_.imports.end(), call.site,
                                      [](const Import& import, uint32_t site) { return import.call < site; });
  if (found == program_.imports.end() || found->call != call.site) {
    return raise(call.site, Category::kValue, "nothing can be imported here: the script stands by itself", 0);
  }
  if (!found->problem.empty()) return raise(call.site, Category::kValue, found->problem, 0);
  Module& module = program_.modules[found->module];
  if (module.state == Module::State::kCompiling || found->module == 0) {
    return raise(call.site, Category::kValue,
                 "the import goes in a circle: \"" + module.origin + "\" is on its way", 0);
  }
  if (module.state == Module::State::kUnread) compile_module(module);
  emit(Opcode::kClosure, call.site, module.function);
  emit(Opcode::kInvoke, call.site);
}

// set(value, pointer, function(the part, or null)).
void Compiler::update(const Call& call) {
  ASSERT(call.arguments.size() == 3);
  expression(call.arguments[0]);
  expression(call.arguments[1]);
  function_operand(call, 2, 1);
  emit(Opcode::kCopy, call.site, 2);
  emit(Opcode::kCopy, call.site, 2);
  emit(Opcode::kCall, call.site, call.op_index, 2, 0, -1);  // part_or_null
  emit(Opcode::kInvoke, call.site, 0, 1, 2, -1);
  call_native("set", call.site, 3);
}

// The change is noted, and the last operand is the value.
void Compiler::metric(const Call& call) {
  const uint32_t name = call.arguments[0];
  if (type(name) != TokenType::kString) {
    return raise(call.site, Category::kType, "expected a literal string with a metric's name", 0);
  }
  const std::string_view wanted = literals_.text_of(name);
  const auto kind = static_cast<MetricKind>(call.op->detail);
  const auto known = std::find_if(options_.metrics.begin(), options_.metrics.end(),
                                  [&](const Metric& metric) { return metric.name == wanted; });
  if (known == options_.metrics.end() && !options_.any_metric) {
    return raise(call.site, Category::kValue, "the metric \"" + std::string(wanted) + "\" is not declared", 0);
  }
  if (known != options_.metrics.end() && known->kind != kind) {
    return raise(call.site, Category::kValue,
                 "the metric \"" + std::string(wanted) + "\" is declared as something else", 0);
  }
  program_.metrics.push_back({std::string(wanted), kind});
  const bool labels = call.arguments.size() == 4;
  expression(call.arguments[1]);
  if (labels) expression(call.arguments[2]);
  emit(Opcode::kEffect, call.site, static_cast<uint32_t>(program_.metrics.size() - 1), 0, labels ? 1 : 0,
       labels ? -2 : -1);
  expression(call.arguments.back());
}

bool Compiler::pattern_error(const Call& call, std::string problem) {
  raise(call.site, Category::kValue, std::move(problem));
  return false;
}

bool Compiler::read_parts(const Call& call, const Arguments& tokens, Names& names, Pattern& out) {
  for (const uint32_t token : tokens) {
    uint32_t part = 0;
    if (!read_pattern(call, token, names, part)) return false;
    out.parts.push_back(part);
  }
  return true;
}

// key, pattern, key, pattern …
bool Compiler::read_members_pattern(const Call& call, const Arguments& keys_and_parts, Names& names,
                                    Pattern& out) {
  out.kind = Pattern::Kind::kObject;
  if (keys_and_parts.size() % 2 != 0)
    return pattern_error(call, "expected key, pattern, … in the obj of a pattern");
  Arguments parts;
  for (size_t i = 0; i < keys_and_parts.size(); i += 2) {
    const TokenType key = type(keys_and_parts[i]);
    if (key != TokenType::kString && key != TokenType::kKey) {
      return pattern_error(call, "a key in a pattern is a literal string");
    }
    out.keys.emplace_back(literals_.text_of(keys_and_parts[i]));
    parts.push_back(keys_and_parts[i + 1]);
  }
  return read_parts(call, parts, names, out);
}

// $, obj, list, or, type.
bool Compiler::read_call_pattern(const Call& call, uint32_t token, Names& names, Pattern& out) {
  Arguments operands = children(token);
  const std::string_view name = literals_.text_of(operands.front());
  operands.erase(operands.begin());
  if (name == "obj") return read_members_pattern(call, operands, names, out);
  if (name == "list") {
    out.kind = Pattern::Kind::kArray;
    return read_parts(call, operands, names, out);
  }
  if (name == "or") {
    const size_t bound = names.size();
    out.kind = Pattern::Kind::kEither;
    if (!read_parts(call, operands, names, out)) return false;
    return names.size() == bound || pattern_error(call, "the patterns of an or bind no names");
  }
  const bool one = operands.size() == 1 && type(operands[0]) == TokenType::kString;
  const std::string_view operand = one ? literals_.text_of(operands[0]) : std::string_view();
  if (name == "type" && one) {
    const auto* found = std::find(std::begin(kTypeNames), std::end(kTypeNames), operand);
    if (found == std::end(kTypeNames))
      return pattern_error(call, "no type is named \"" + std::string(operand) + "\"");
    out.kind = Pattern::Kind::kType;
    out.type = static_cast<Type>(found - std::begin(kTypeNames));
    return true;
  }
  if (name != "$" || operand.size() < 2 || operand.find_first_of("/~", 1) != std::string_view::npos) {
    return pattern_error(call,
                         "expected a pattern: data, a name, or one of obj, list, or, type; got a call of \"" +
                             std::string(name) + "\"");
  }
  if (operand == "/_") return true;
  out.kind = Pattern::Kind::kBind;
  out.slot = static_cast<uint32_t>(names.size());
  names.push_back(operand.substr(1));
  const bool twice = std::count(names.begin(), names.end(), names.back()) > 1;
  return !twice ||
         pattern_error(call, "the name \"" + std::string(names.back()) + "\" stands twice in the pattern");
}

bool Compiler::read_pattern(const Call& call, uint32_t token, Names& names, uint32_t& out) {
  Pattern pattern;
  bool malformed = false;
  const TokenType kind = type(token);
  const uint32_t wrapped = kind == TokenType::kObject ? literals_.wrapped(token, malformed) : 0;
  bool good = true;
  if (kind == TokenType::kObject && wrapped == 0) {
    Arguments members;
    for (uint32_t key = first_child(token); key != program_.tape[token].next; key = program_.tape[key + 1].next) {
      members.push_back(key);
      members.push_back(key + 1);
    }
    good = read_members_pattern(call, members, names, pattern);
  } else if (kind == TokenType::kArray || wrapped != 0) {
    const uint32_t array = wrapped != 0 ? wrapped : token;
    const Arguments parts = children(array);
    if (wrapped == 0 && !parts.empty() && type(parts.front()) == TokenType::kString) {
      good = read_call_pattern(call, token, names, pattern);
    } else {
      pattern.kind = Pattern::Kind::kArray;
      good = read_parts(call, parts, names, pattern);
    }
  } else {
    pattern.kind = Pattern::Kind::kEqual;
    pattern.constant = static_cast<uint32_t>(program_.constants.size());
    program_.constants.push_back(literals_.value_of(token));
  }
  if (!good) return false;
  out = static_cast<uint32_t>(program_.patterns.size());
  program_.patterns.push_back(std::move(pattern));
  return true;
}

// One pattern and its result; the subject stays on the stack if the pattern does not match. `["when", pattern,
// condition]` matches if the condition holds too, which sees the names.
void Compiler::match_case(const Call& call, uint32_t pattern, uint32_t result, uint32_t subject, Arguments& ends) {
  uint32_t condition = 0;
  if (is_call_of(program_, pattern, "when")) {
    const Arguments operands = children(pattern);
    if (operands.size() != 3) {
      pattern_error(call, "expected [\"when\", pattern, condition]");
      return drop_code(here(), subject + 1);
    }
    pattern = operands[1];
    condition = operands[2];
  }
  Names names;
  uint32_t index = 0;
  if (!read_pattern(call, pattern, names, index)) return drop_code(here(), subject + 1);
  const auto count = static_cast<uint32_t>(names.size());
  LetScope scope;
  scope.depth = scope_.depth();
  scope.base_slot = body().height;
  scope.cells.assign(count, false);
  for (uint32_t i = 0; i < count; ++i) constant(null_value(), pattern);
  emit(Opcode::kMatch, pattern, index, subject);
  Arguments fails{emit(Opcode::kJumpIfFalsy, pattern)};
  scope_.add_let(scope, names);
  for (uint32_t i = 0; i < count; ++i) {
    scope_.bind(names[i]);
    show_name(names[i], scope.base_slot + i, false);
  }
  if (condition != 0) {
    expression(condition);
    fails.push_back(emit(Opcode::kJumpIfFalsy, condition));
  }
  expression(result);
  hide_names(count);
  scope_.remove_let(names);
  emit(Opcode::kSlide, call.site, count + 1, 0, 0, -static_cast<int>(count) - 1);
  ends.push_back(emit(Opcode::kJump, call.site));
  for (const uint32_t jump : fails) patch(jump);
  // From here on as if the pattern had just been refused: its names are still on the stack.
  body().height = scope.base_slot + count;
  if (count > 0) emit(Opcode::kDrop, call.site, count, 0, 0, -static_cast<int>(count));
}

void Compiler::match(const Call& call) {
  const uint32_t subject = body().height;
  expression(call.arguments[0]);
  const Doubt doubt(*this, foresee(call.arguments[0]) != Outcome::kUnknown);
  Arguments ends;
  size_t i = 1;
  for (; i + 1 < call.arguments.size(); i += 2)
    match_case(call, call.arguments[i], call.arguments[i + 1], subject, ends);
  ASSERT(body().height == subject + 1);
  if (i < call.arguments.size()) {
    expression(call.arguments[i]);
    emit(Opcode::kSlide, call.site, 1, 0, 0, -1);
  } else {
    raise_unreported(call.site, Category::kValue, "no pattern matches, and there is no default", 0);
    --body().height;  // the result would take the subject's place
  }
  for (const uint32_t jump : ends) patch(jump);
}

}  // namespace colloquium::computo
