#include "computo/compiler.h"

#include <algorithm>

#include "base/assert.h"
#include "computo/failure.h"

namespace colloquium::computo {

namespace {

constexpr int kEffects[] = {
#define X(name, effect, operands, meaning) effect,
    COMPUTO_INSTRUCTIONS(X)
#undef X
};

bool is_jump(Opcode opcode) {
  switch (opcode) {
    case Opcode::kJump:
    case Opcode::kJumpIfFalsy:
    case Opcode::kPartElse:
    case Opcode::kAnd:
    case Opcode::kOr:
    case Opcode::kCoalesce:
    case Opcode::kTry:
    case Opcode::kEndTry:
    case Opcode::kCompareNext:
    case Opcode::kEqualNext:
      return true;
    default:
      return false;
  }
}

// Whether a function returns at once what its instruction at `at` leaves. Jumps go forward, so this ends.
bool in_tail_position(const std::vector<Instruction>& code, size_t at) {
  size_t next = at + 1;
  while (true) {
    ASSERT(next < code.size());
    if (code[next].opcode == Opcode::kReturn) return true;
    if (code[next].opcode != Opcode::kSlide && code[next].opcode != Opcode::kJump) return false;
    next = code[next].opcode == Opcode::kJump ? code[next].a : next + 1;
  }
}

}  // namespace

Compiler::Compiler(Program& program, const CompileOptions& options, std::vector<ScriptError>& errors,
                   Surroundings surroundings)
    : program_(program),
      options_(options),
      surroundings_(surroundings),
      errors_(errors),
      literals_(program, options.array_key) {
  ASSERT(!program.tape.empty());
  if (options.strict) start_foresight();
  if (options.trace != TraceInfo::kNone) trace_ = std::make_unique<TraceTable>();
}

void Compiler::add_hosts() {
  for (uint32_t i = 0; i < program_.variables.size(); ++i) scope_.add_host(program_.variables[i], i);
}

// The script itself is compiled as a function without parameters.
void Compiler::run() {
  literals_.prepare();
  program_.variables = options_.variables;
  program_.variable_used.assign(program_.variables.size(), false);
  add_hosts();
  program_.functions.emplace_back();
  scope_.enter_function();
  bodies_.emplace_back();
  expression(0);
  emit(Opcode::kReturn, 0);
  Body done = std::move(bodies_.back());
  bodies_.pop_back();
  const std::vector<Capture> captures = scope_.leave_function();
  ASSERT(captures.empty() && bodies_.empty());
  finish_function(0, std::move(done));
  program_.literals = {program_.literal_text.data(), program_.literal_tape.data()};
  if (trace_ == nullptr) return;
  trace_->finish(program_.code.size(), program_.functions);
  program_.trace = std::move(trace_);
}

// Code of a function is written apart, so that it lies in one piece, and moved behind what is done already.
void Compiler::finish_function(uint32_t index, Body&& body) {
  Function& function = program_.functions[index];
  ASSERT(body.height == 0 || body.code.back().opcode == Opcode::kReturn);
  const auto base = static_cast<uint32_t>(program_.code.size());
  for (size_t i = 0; i < body.code.size(); ++i) {
    if (body.code[i].opcode == Opcode::kInvoke && in_tail_position(body.code, i)) body.code[i].a = 1;
  }
  for (Instruction& in : body.code) {
    if (is_jump(in.opcode)) in.a += base;
    program_.code.push_back(in);
  }
  function.code = base;
  function.height = body.most + 1;
  if (trace_ == nullptr) return;
  const auto end = static_cast<uint32_t>(body.code.size());
  for (const TracedExpression& e : body.expressions) {
    trace_->expressions.push_back({e.token, e.begin + base, e.end + base});
  }
  for (TracedName& name : body.names) {
    name.function = index;
    name.begin += base;
    name.end = base + std::min(name.end, end);
    trace_->names.push_back(name);
  }
}

void Compiler::show_name(std::string_view name, uint32_t index, bool captured) {
  if (options_.trace != TraceInfo::kNames) return;
  body().names.push_back({name, 0, captured, index, static_cast<uint32_t>(here()), kTraceOpen});
}

// What became visible last goes first.
void Compiler::hide_names(size_t count) {
  if (options_.trace != TraceInfo::kNames) return;
  std::vector<TracedName>& names = body().names;
  for (size_t i = names.size(); count > 0; --i) {
    ASSERT(i > 0);
    if (names[i - 1].end != kTraceOpen) continue;
    names[i - 1].end = static_cast<uint32_t>(here());
    --count;
  }
}

// So that somebody who looks on sees, in a function, what could be named there, and not only what is.
void Compiler::capture_all() {
  if (options_.trace != TraceInfo::kNames) return;
  for (const std::string_view name : scope_.visible_names()) {
    const Resolved found = scope_.resolve(name);
    ASSERT(found.place != Resolved::Place::kLocal);
    if (found.place == Resolved::Place::kCapture) show_name(name, found.index, true);
  }
}

uint32_t Compiler::emit(Opcode opcode, uint32_t site, uint32_t a, uint32_t b, uint16_t c, int effect) {
  // Counting the stack here is what lets names be slots and lets a call check for room once.
  const int change = kEffects[static_cast<size_t>(opcode)] + effect;
  Body& current = body();
  ASSERT(static_cast<int64_t>(current.height) + change >= 0);
  current.code.push_back({opcode, c, a, b, site});
  current.height = static_cast<uint32_t>(static_cast<int64_t>(current.height) + change);
  current.most = std::max(current.most, current.height);
  return static_cast<uint32_t>(current.code.size() - 1);
}

void Compiler::constant(const Value& value, uint32_t site) {
  ASSERT(value.kind != Kind::kFunction && value.kind != Kind::kCell);
  const auto index = static_cast<uint32_t>(program_.constants.size());
  program_.constants.push_back(value);
  emit(Opcode::kConst, site, index);
}

const Value* Compiler::sole_constant(size_t start) {
  const auto& code = bodies_.back().code;
  ASSERT(start <= code.size());
  if (code.size() != start + 1 || code.back().opcode != Opcode::kConst) return nullptr;
  // Literals still move while the script is compiled.
  program_.literals = {program_.literal_text.data(), program_.literal_tape.data()};
  return &program_.constants[code.back().a];
}

void Compiler::drop_code(size_t start, uint32_t height) {
  ASSERT(start <= here());
  body().code.resize(start);
  body().height = height;
  // Of what began there only what is being compiled remains.
  const auto dropped = [&](const auto& traced) { return traced.begin >= start && traced.end != kTraceOpen; };
  while (!body().expressions.empty() && dropped(body().expressions.back())) body().expressions.pop_back();
  while (!body().names.empty() && dropped(body().names.back())) body().names.pop_back();
}

void Compiler::patch(uint32_t jump) {
  ASSERT(is_jump(body().code[jump].opcode));
  body().code[jump].a = static_cast<uint32_t>(here());
}

void Compiler::raise(uint32_t site, Category category, std::string problem, uint16_t argument, std::string hint) {
  if (options_.strict) report({category, site, argument, problem, hint});
  raise_unreported(site, category, std::move(problem), argument, std::move(hint));
}

void Compiler::raise_unreported(uint32_t site, Category category, std::string problem, uint16_t argument,
                                std::string hint) {
  ASSERT(!problem.empty());
  const auto index = static_cast<uint32_t>(program_.raises.size());
  program_.raises.push_back({category, argument, std::move(problem), std::move(hint)});
  emit(Opcode::kRaise, site, index);
}

bool Compiler::unknown(const Call& call) {
  if (surroundings_ == Surroundings::kKnown) return false;
  raise(call.site, Category::kLimit, "what this gives is not known");
  return true;
}

// Each takes time in proportion to the text, so there is a bound.
void Compiler::report(const Failure& failure) {
  ASSERT(options_.strict);
  if (errors_.size() >= kMostErrors) return;
  errors_.push_back(explain(program_, failure));
  if (errors_.size() == kMostErrors) errors_.back().problem += "; what else there is comes once these are mended";
}

void Compiler::raise_instead(uint32_t site, Category category, std::string problem, uint16_t argument) {
  ASSERT(body().height > 0);
  raise(site, category, std::move(problem), argument);
  --body().height;
}

void Compiler::expression(uint32_t token) {
  if (trace_ == nullptr) return translate(token);
  const size_t place = body().expressions.size();
  body().expressions.push_back({token, static_cast<uint32_t>(here()), kTraceOpen});
  translate(token);
  body().expressions[place].end = static_cast<uint32_t>(here());
}

// The rules of section 4.1.
void Compiler::translate(uint32_t token) {
  switch (type(token)) {
    case TokenType::kObject:
      return object_literal(token);
    case TokenType::kArray:
      break;
    default:
      return constant(literals_.value_of(token), token);
  }
  const bool empty = program_.tape[token].next == first_child(token);
  if (!empty && type(first_child(token)) == TokenType::kString) return call(token);
  const bool ahead = options_.optimize || empty;
  if (ahead && literals_.is_constant(token)) return constant(literals_.value_of(token), token);
  ASSERT(!empty);
  list(token);
}

void Compiler::object_literal(uint32_t token) {
  ASSERT(type(token) == TokenType::kObject);
  if (literals_.is_constant(token)) return constant(literals_.value_of(token), token);
  raise(token, Category::kType, "expected an array under the key \"" + options_.array_key + "\"");
}

void Compiler::list(uint32_t token) {
  uint32_t count = 0;
  for (uint32_t i = first_child(token); i != program_.tape[token].next; i = program_.tape[i].next) {
    expression(i);
    ++count;
  }
  ASSERT(count > 0);
  emit(Opcode::kList, token, count, 0, 0, 1 - static_cast<int>(count));
}

void Compiler::call(uint32_t token) {
  const uint32_t head = first_child(token);
  std::string scratch;
  const std::string_view name = program_.expression(head).string(scratch);
  const auto index = find_operator(name);
  if (!index || (options_.core_only && !is_core(operator_at(*index)))) {
    std::string problem = "unknown operator \"" + std::string(name) + "\"";
    std::string hint;
    if (suggestions_left_ > 0) {
      --suggestions_left_;
      const std::vector<std::string_view> names = scope_.visible_names();
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        hint = suggest_operator(name, options_.core_only);
      } else {
        problem += "; it is a variable, and \"call\" calls the function in it";
      }
    }
    return raise(token, Category::kUnknownOperator, std::move(problem), kNoArgument, std::move(hint));
  }
  Call call{token, &operator_at(*index), *index, {}};
  for (uint32_t i = program_.tape[head].next; i != program_.tape[token].next; i = program_.tape[i].next) {
    call.arguments.push_back(i);
  }
  ASSERT(call.op->info.name == name);
  if (!arity_holds(call)) return;
  const size_t errors_before = errors_.size();
  form(call);
  if (foresight_ != nullptr) foresee_call(call, errors_before);
}

// An error of the call, before anything of it is evaluated.
bool Compiler::arity_holds(const Call& call) {
  const OperatorInfo& info = call.op->info;
  const size_t count = call.arguments.size();
  const auto least = static_cast<size_t>(info.min_arguments);
  ASSERT(info.min_arguments >= 0);
  std::string expected;
  if (count < least || (info.max_arguments >= 0 && count > static_cast<size_t>(info.max_arguments))) {
    expected = std::to_string(least);
    if (info.max_arguments < 0) expected += " or more";
    if (info.max_arguments > info.min_arguments) expected += " to " + std::to_string(info.max_arguments);
  } else if (call.op->form == Form::kObj && count % 2 != 0) {
    expected = "an even number of";
  } else {
    return true;
  }
  raise(call.site, Category::kArity,
        "expected " + expected + (expected == "1" ? " argument" : " arguments") + " for \"" +
            std::string(info.name) + "\", got " + std::to_string(count));
  return false;
}

void Compiler::form(const Call& call) {
  switch (call.op->form) {
    case Form::kNative:
    case Form::kNativeOfArrays:
    case Form::kNativeOfObjects:
      return native(call);
    case Form::kArithmetic:
      return arithmetic(call);
    case Form::kRelation:
      return relation(call);
    case Form::kEqual:
      return equal(call);
    case Form::kNotEqual:
      return not_equal(call);
    case Form::kAnd:
      return logic(call, Opcode::kAnd);
    case Form::kOr:
      return logic(call, Opcode::kOr);
    case Form::kNot:
      return negation(call);
    case Form::kIf:
      return if_else(call);
    case Form::kLet:
      return let(call);
    case Form::kLambda:
      return lambda(call);
    case Form::kVariable:
      return variable(call);
    case Form::kInput:
      return input(call, Opcode::kInput);
    case Form::kInputs:
      return input(call, Opcode::kInputs);
    case Form::kObj:
      return object(call);
    case Form::kGet:
      return get(call);
    case Form::kLoop:
      return loop(call);
    case Form::kEach:
      return each(call);
    case Form::kCoalesce:
      return coalesce(call);
    case Form::kTry:
      return try_catch(call);
    case Form::kMatch:
      return match(call);
    case Form::kInvoke:
      return invoke(call);
    case Form::kUpdate:
      return update(call);
    case Form::kImport:
      return import(call);
    case Form::kMetric:
      return metric(call);
    case Form::kReduce:
      return reduce(call);
    case Form::kSort:
      return sort(call);
    case Form::kUniqueSorted:
      return unique_sorted(call);
  }
  ASSERT_WHY(false, "every form is listed");
}

}  // namespace colloquium::computo
