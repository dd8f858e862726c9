#include "app/bound_expression.h"

#include <memory>
#include <utility>

#include "base/assert.h"
#include "computo/notation.h"
#include "computo/sugar.h"
#include "computo/trace.h"
#include "json/escape.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

// What the whole result is: a function's text does not tell.
class ResultType : public computo::Tracer {
 public:
  bool leave(uint32_t /*site*/, const computo::Moment& moment, const computo::TraceValue& value) override {
    if (moment.calls() == 1 && moment.expressions() == 1) type = value.type();
    return true;
  }
  std::string type;
};

// The values of names that are data, for as long as the evaluation needs them.
struct Bindings {
  std::vector<std::unique_ptr<json::Document>> documents;
  std::vector<json::ValueView> views;
  std::vector<computo::Binding> list;

  void add(const std::string& json) {
    auto document = json::parse(json, "variable");
    if (!document) document = json::parse("null", "variable");
    documents.push_back(std::make_unique<json::Document>(std::move(*document)));
  }
  // Bindings point to views, so these must not move any more.
  void finish() {
    for (const auto& document : documents) views.emplace_back(document->text.data(), document->tape.data(), 0);
    for (const json::ValueView& view : views) list.push_back({&view});
  }
};

// What stands before an expression: `["let", [["f", ["lambda", …]], …],`. Empty if none of the names is a
// function.
std::string before_expression(const std::vector<BoundName>& names) {
  std::string bindings;
  for (const BoundName& name : names) {
    if (!name.is_function) continue;
    if (!bindings.empty()) bindings += ',';
    bindings += "[" + json::quoted(name.name) + ",[\"lambda\"," + name.json.substr(1) + "]";
  }
  return bindings.empty() ? "" : "[\"let\",[" + bindings + "],";
}

// JSON within the `let`: its lines count from the one behind what stands before it.
computo::ProgramPtr compile_json(const std::string& before, const std::string& expression,
                                 computo::CompileOptions options, computo::CompileFailure& failure) {
  // By itself first: what is no JSON shall not become some with what stands around it.
  auto alone = computo::compile_json(expression, options, failure);
  if (before.empty() || alone == nullptr) return alone;
  options.first_line = 0;
  return computo::compile_json(before + "\n" + expression + "]", options, failure);
}

// The same for sugar, whose places are known already.
computo::ProgramPtr compile_sugar(const std::string& before, const std::string& expression,
                                  computo::CompileOptions options, computo::CompileFailure& failure) {
  if (before.empty()) return computo::compile_sugar(expression, options, failure);
  failure.errors.assign(1, {});
  const auto script = computo::read_sugar(expression, options, failure.errors.front());
  if (!script) return nullptr;
  options.positions = {{0, 0, 0}};
  for (computo::TextPosition place : script->positions) {
    place.byte += static_cast<uint32_t>(before.size());
    options.positions.push_back(place);
  }
  return computo::compile_json(before + script->json + "]", options, failure);
}

// Without the `let` that the author did not write.
BoundResult failed(computo::ScriptError error, bool wrapped) {
  for (const std::string_view prefix : {"/let/body", "/let/bindings"}) {
    if (!wrapped || !error.path.starts_with(prefix)) continue;
    error.path.erase(0, prefix.size());
    if (error.path.empty()) error.path = "/";
    break;
  }
  if (error.line == 0) error.column = 0;
  return {"", false, "", std::move(error)};
}

}  // namespace

std::string only_part(std::string_view line, std::string_view part) {
  ASSERT(part.data() >= line.data() && part.data() + part.size() <= line.data() + line.size());
  std::string text;
  for (const char c : line.substr(0, static_cast<size_t>(part.data() - line.data()))) {
    if ((c & 0xC0) != 0x80) text += c == '\n' ? '\n' : ' ';
  }
  return text.append(part);
}

BoundResult evaluate_bound(std::string_view expression, const std::vector<BoundName>& names,
                           std::span<const json::ValueView> inputs, const computo::CompileOptions& given) {
  computo::CompileOptions options = given;
  Bindings bindings;
  for (const BoundName& name : names) {
    if (name.is_function) continue;
    options.variables.push_back(name.name);
    bindings.add(name.json);
  }
  bindings.finish();
  options.trace = computo::TraceInfo::kPlaces;
  computo::CompileFailure failure;
  const computo::ScriptText script = computo::script_text(options.origin, expression);
  const std::string before = before_expression(names);
  const auto compile = script.notation == computo::Notation::kJson ? compile_json : compile_sugar;
  const computo::ProgramPtr program = compile(before, script.text, options, failure);
  if (program == nullptr) return failed(failure.errors.front(), !before.empty());
  computo::Evaluator evaluator(program);
  ResultType type;
  std::vector<char> bytes;
  if (!evaluator.evaluate_traced(inputs, bindings.list, type) || !evaluator.write(bytes, nullptr)) {
    return failed(evaluator.error(), !before.empty());
  }
  return {{bytes.begin(), bytes.end()}, type.type == "function", type.type, {}};
}

}  // namespace colloquium::app
