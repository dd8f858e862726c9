#include "computo/trace.h"

#include <algorithm>
#include <unordered_map>

#include "base/assert.h"
#include "computo/code.h"
#include "computo/failure.h"
#include "computo/imports.h"
#include "computo/operators.h"
#include "computo/trace_run.h"
#include "computo/trace_table.h"
#include "computo/value.h"

namespace colloquium::computo {

namespace {

// Counts lines and columns from one token to the next, so that a long script is read once.
class PlaceCounter {
 public:
  explicit PlaceCounter(const Program& program) : program_(program) {}

  // REQUIRES: ascending tokens.
  void locate(uint32_t token, TraceSite& site) {
    const Module& module = module_of_token(program_, token);
    if (&module != &program_.modules.front()) site.origin = module.origin;
    const uint64_t byte = program_.tape[token].offset;
    if (!module.positions.empty()) {
      ScriptError place;
      computo::locate(program_, byte, place);
      site.line = place.line;
      site.column = place.column;
      return;
    }
    if (&module != module_) {
      module_ = &module;
      at_ = module.text_begin;
      line_ = module.first_line;
      column_ = module.first_column;
    }
    advance(byte);
    site.line = line_;
    site.column = column_;
  }

 private:
  void advance(uint64_t byte) {
    ASSERT(at_ <= byte);
    for (; at_ < byte; ++at_) {
      const char c = program_.text[at_];
      if (c == '\n') {
        ++line_;
        column_ = 1;
      } else if ((c & 0xC0) != 0x80) {
        ++column_;
      }
    }
  }

  const Program& program_;
  const Module* module_ = nullptr;
  uint64_t at_ = 0;
  uint32_t line_ = 0;
  uint32_t column_ = 0;
};

// The operator that an expression calls; empty if it is data or a list.
std::string operator_of(const Program& program, uint32_t token) {
  const json::ValueView view = program.expression(token);
  if (view.type() != TokenType::kArray || view.count() == 0) return {};
  const json::ValueView head = view.first_child();
  std::string scratch;
  return head.type() == TokenType::kString ? std::string(head.string(scratch)) : std::string();
}

// Of `["$", "/name/…"]`.
std::string variable_of(const Program& program, uint32_t token) {
  const json::ValueView view = program.expression(token);
  if (view.count() < 2) return {};
  const json::ValueView operand = view.first_child().next();
  if (operand.type() != TokenType::kString) return {};
  std::string scratch;
  Steps steps;
  return split_pointer(operand.string(scratch), steps) && !steps.empty() ? steps.front().key : std::string();
}

// What the bindings of a `let` are called, by the token of the expression that each is bound to.
using BoundNames = std::unordered_map<uint32_t, std::string>;
void add_bound_names(const Program& program, uint32_t let, BoundNames& out) {
  const json::ValueView call = program.expression(let);
  if (call.count() != 3) return;
  const json::ValueView bindings = call.first_child().next();
  std::string scratch;
  if (bindings.type() == TokenType::kObject) {
    for (json::ValueView key = bindings.first_child(); !key.at_end_of(bindings);) {
      const uint32_t value = key.index() + 1;
      out[value] = key.string(scratch);
      key = program.expression(program.tape[value].next);
    }
  }
  if (bindings.type() != TokenType::kArray) return;
  for (json::ValueView pair = bindings.first_child(); !pair.at_end_of(bindings); pair = pair.next()) {
    if (pair.type() != TokenType::kArray || pair.count() != 2) return;
    const json::ValueView name = pair.first_child();
    if (name.type() == TokenType::kString) out[name.next().index()] = name.string(scratch);
  }
}

}  // namespace

TraceSites::TraceSites(ProgramPtr program) : program_(std::move(program)) {
  ASSERT_WHY(program_->trace != nullptr, "compiled with CompileOptions::trace");
  const Program& script = *program_;
  PlaceCounter places(script);
  BoundNames bound;
  std::vector<uint32_t> around;  // expressions that hold the next one, perhaps
  const std::vector<TracedExpression>& expressions = script.trace->expressions;
  for (uint32_t i = 0; i < expressions.size(); ++i) {
    const uint32_t token = expressions[i].token;
    TraceSite& site = sites_.emplace_back();
    places.locate(token, site);
    site.op = operator_of(script, token);
    if (site.op == "$") site.name = variable_of(script, token);
    if (site.op == "let") add_bound_names(script, token, bound);
    if (const auto name = bound.find(token); name != bound.end()) site.name = name->second;
    while (!around.empty() && script.tape[expressions[around.back()].token].next <= token) around.pop_back();
    if (!around.empty()) {
      site.parent = around.back();
      sites_[around.back()].leaf = false;
    }
    around.push_back(i);
  }
}

std::string TraceSites::path(size_t i) const {
  ASSERT(i < sites_.size());
  return path_of(*program_, program_->trace->expressions[i].token);
}

std::string_view TraceValue::type() const {
  return to_string(type_of(value_));
}

bool TraceValue::is_function() const {
  return type_of(value_) == Type::kFunction;
}

std::string TraceValue::json() const {
  return run_->render(value_);
}

size_t Moment::calls() const {
  return run_.calls.size();
}

size_t Moment::expressions() const {
  return run_.active.size();
}

uint32_t Moment::place(size_t frame) const {
  ASSERT(frame < run_.calls.size());
  const size_t index = run_.calls.size() - 1 - frame;
  const size_t end = frame == 0 ? run_.active.size() : run_.calls[index + 1].first;
  return end > run_.calls[index].first ? run_.active[end - 1] : kNoSite;
}

uint32_t Moment::function(size_t frame) const {
  ASSERT(frame < run_.calls.size());
  return run_.calls[run_.calls.size() - 1 - frame].site;
}

std::vector<TraceVariable> Moment::variables(size_t frame) const {
  ASSERT(frame < run_.calls.size() && run_.settled);
  std::vector<TraceVariable> out;
  run_.add_names(frame, out);
  return out;
}

uint64_t Moment::memory_bytes() const {
  return run_.machine.arena().used_bytes();
}

uint64_t Moment::steps() const {
  return run_.machine.limits().steps - run_.steps_left();
}

bool Tracer::enter(uint32_t /*site*/, const Moment& /*moment*/) {
  return true;
}
bool Tracer::leave(uint32_t /*site*/, const Moment& /*moment*/, const TraceValue& /*value*/) {
  return true;
}
bool Tracer::failed(const ScriptError& /*error*/, const Moment& /*moment*/) {
  return true;
}
bool Tracer::call(uint32_t /*function*/, const Moment& /*moment*/) {
  return true;
}
void Tracer::end_call(uint32_t /*function*/, const Moment& /*moment*/) {}
void Tracer::abandon(uint32_t /*site*/, const Moment& /*moment*/) {}

}  // namespace colloquium::computo
