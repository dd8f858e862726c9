// Compiler: turns a parsed script into instructions, in one pass over its tape.
//
// Errors are found lazily by the language: a call that can only fail becomes a kRaise instruction, which
// matters only where it is evaluated. With CompileOptions::strict each of them is also reported at once.
// The recursion is as deep as the script's text, which the walk has bounded.
//
// Thread safety: belongs to one compilation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "computo/code.h"
#include "computo/foresight.h"
#include "computo/literals.h"
#include "computo/operators.h"
#include "computo/program.h"
#include "computo/scope.h"
#include "computo/trace_table.h"

namespace colloquium::computo {

struct Failure;

// Whether what a script reads of the world around it (inputs, imports, unbound names) will be there, or is an
// error of category limit, which nothing catches (foresight.h).
enum class Surroundings : uint8_t { kKnown, kUnknown };

class Compiler {
 public:
  // `errors` is filled if options.strict.
  Compiler(Program& program, const CompileOptions& options, std::vector<ScriptError>& errors,
           Surroundings surroundings = Surroundings::kKnown);
  void run();

 private:
  using Arguments = std::vector<uint32_t>;  // tokens
  using Names = std::vector<std::string_view>;

  // A call whose operator exists and whose number of arguments is right.
  struct Call {
    uint32_t site;
    const Operator* op;
    uint32_t op_index;
    Arguments arguments;
  };

  // A function while its body is compiled: its code, and how high its stack is at this point.
  struct Body {
    std::vector<Instruction> code;
    std::vector<TracedExpression> expressions;  // in the order of their begin
    std::vector<TracedName> names;
    uint32_t height = 0;  // before the next instruction, counted from the function's base
    uint32_t most = 0;    // the highest it was
  };

  // The bindings of a `let`, in the order of their evaluation.
  struct LetBindings {
    std::vector<std::string_view> names;
    Arguments expressions;
    bool sequential = false;    // the array form
    bool any_function = false;  // some expression is itself a lambda
  };

  using Outcome = Foresight::Outcome;

  // While it lives, and if `open`, it is open whether what is compiled is ever evaluated, or fails unnoticed.
  class Doubt {
   public:
    Doubt(Compiler& compiler, bool open) : count_(compiler.doubts_), open_(open) { count_ += open_ ? 1 : 0; }
    ~Doubt() { count_ -= open_ ? 1 : 0; }
    Doubt(const Doubt&) = delete;
    Doubt& operator=(const Doubt&) = delete;

   private:
    uint32_t& count_;
    const bool open_;
  };

  // compiler.cc. Whatever compiles an expression leaves the stack one value higher.
  void expression(uint32_t token);
  void translate(uint32_t token);
  void object_literal(uint32_t token);
  void list(uint32_t token);
  void call(uint32_t token);
  void form(const Call& call);
  bool arity_holds(const Call& call);
  // Appends an instruction and keeps count of the stack; `effect` adds to what opcodes.h says. Gives its index.
  uint32_t emit(Opcode opcode, uint32_t site, uint32_t a = 0, uint32_t b = 0, uint16_t c = 0, int effect = 0);
  void constant(const Value& value, uint32_t site);
  // The value if everything emitted since `start` is one constant, else null.
  const Value* sole_constant(size_t start);
  // Forgets what was emitted since `start`, where the stack was that high.
  void drop_code(size_t start, uint32_t height);
  // Lets a jump go here.
  void patch(uint32_t jump);
  // The expression can only fail: like that, when it is evaluated.
  void report(const Failure& failure);
  void raise(uint32_t site, Category category, std::string problem, uint16_t argument = kNoArgument,
             std::string hint = {});
  // The same for what depends on what is computed: it is no problem of the script.
  void raise_unreported(uint32_t site, Category category, std::string problem, uint16_t argument,
                        std::string hint = {});
  // As raise() where the operator's first argument is on the stack already: the result would take its place.
  void raise_instead(uint32_t site, Category category, std::string problem, uint16_t argument);
  // In place of what the surroundings would give, where they are unknown: true, and the call fails.
  bool unknown(const Call& call);
  void finish_function(uint32_t index, Body&& body);
  // For traces: a slot's name from here on, and the last `count` such names no more.
  void show_name(std::string_view name, uint32_t index, bool captured);
  void hide_names(size_t count);
  void capture_all();

  // compile_operators.cc. One for each Form, and its parts.
  void native(const Call& call);
  void check_constants(const Call& call, const std::vector<Value>& constants);
  void arithmetic(const Call& call);
  void arithmetic_unary(const Call& call, Opcode step);
  bool fold_step(Opcode step, size_t start);
  void relation(const Call& call);
  void equal(const Call& call);
  void not_equal(const Call& call);
  void logic(const Call& call, Opcode opcode);
  void negation(const Call& call);
  void if_else(const Call& call);
  void constant_if(const Call& call, bool truth);
  void object(const Call& call);
  void record(const Call& call);
  void array_operand(const Call& call);
  void loop(const Call& call);
  void reduce(const Call& call);
  void sort(const Call& call);
  void unique_sorted(const Call& call);
  bool sort_descriptor(uint32_t token, SortField& field);
  bool sort_pointer(std::string_view text, SortField& field);

  // compile_ahead.cc. What is certain to fail, whenever it is reached, for strict compilations.
  void start_foresight();
  Outcome foresee(uint32_t token);
  void foresee_call(const Call& call, size_t errors_before);
  void foretell(Failure failure);
  void foretell_type(const Call& call, size_t argument, std::string_view expected, const Value& got);
  // Of an operand that was compiled from `start` on.
  void expect_type(const Call& call, size_t argument, size_t start, Type wanted);
  void expect_types(const Call& call, const std::vector<Value>& constants);
  void expect_divisor(const Call& call, size_t argument, size_t start);
  void function_operand(const Call& call, size_t argument, uint32_t parameters);
  // The parameters of the function that the expression is, or that the variable it names is bound to; -1: unknown.
  int parameters_of(uint32_t token);

  // compile_control.cc. Forms beyond the core that decide what is evaluated.
  void each(const Call& call);
  void coalesce(const Call& call);
  void try_catch(const Call& call);
  void invoke(const Call& call);
  void update(const Call& call);
  void import(const Call& call);
  void compile_module(Module& module);
  void add_hosts();
  void metric(const Call& call);
  void match(const Call& call);
  void match_case(const Call& call, uint32_t pattern, uint32_t result, uint32_t subject, Arguments& ends);
  // Reads a pattern; its index in Program::patterns, or false after raise(). Names join `names`.
  bool read_pattern(const Call& call, uint32_t token, Names& names, uint32_t& out);
  bool read_members_pattern(const Call& call, const Arguments& keys_and_parts, Names& names, Pattern& out);
  bool read_parts(const Call& call, const Arguments& tokens, Names& names, Pattern& out);
  bool read_call_pattern(const Call& call, uint32_t token, Names& names, Pattern& out);
  bool pattern_error(const Call& call, std::string problem);
  Arguments children(uint32_t token) const;
  void call_native(std::string_view name, uint32_t site, uint32_t count);

  // compile_names.cc. The forms that deal with names, and their parts; read… is false if the script is wrong.
  void variable(const Call& call);
  void input(const Call& call, Opcode opcode);
  void get(const Call& call);
  bool pointer_operand(const Call& call, Steps& steps);
  uint32_t add_pointer(Steps steps);
  void let(const Call& call);
  bool read_bindings(const Call& call, LetBindings& out);
  bool read_pairs(uint32_t token, LetBindings& out);
  void read_members(uint32_t token, LetBindings& out);
  void bind_all(const LetBindings& bindings, LetScope& scope);
  void lambda(const Call& call);
  bool read_parameters(uint32_t token, std::vector<std::string_view>& out);

  TokenType type(uint32_t token) const { return program_.tape[token].type(); }
  Body& body() { return bodies_.back(); }
  size_t here() const { return bodies_.back().code.size(); }

  Program& program_;
  const CompileOptions& options_;
  const Surroundings surroundings_;
  std::vector<ScriptError>& errors_;
  Literals literals_;
  Scope scope_;
  std::vector<Body> bodies_;              // innermost function last
  std::unique_ptr<TraceTable> trace_;     // null unless options_.trace
  std::unique_ptr<Foresight> foresight_;  // null unless options_.strict
  uint32_t doubts_ = 0;
  bool catches_ = false;            // some `try` may call a function that stands elsewhere
  bool called_in_place_ = false;    // the lambda compiled next
  uint32_t suggestions_left_ = 64;  // a script full of unknown names must not cost a search for each
};

}  // namespace colloquium::computo
