#include "app/bound_expression.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "computo/convert.h"
#include "computo/notation.h"
#include "computo/trace.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::app {
namespace {

std::string quoted(std::string_view text) {
  std::vector<char> bytes;
  json::Writer(bytes, nullptr).string(text);
  return {bytes.begin(), bytes.end()};
}

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

// `["let", [["f", ["lambda", …]], …], expression]`.
std::string with_functions(const std::string& expression, const std::vector<BoundName>& names) {
  std::string bindings;
  for (const BoundName& name : names) {
    if (!name.is_function) continue;
    if (!bindings.empty()) bindings += ',';
    bindings += "[" + quoted(name.name) + ",[\"lambda\"," + name.json.substr(1) + "]";
  }
  return bindings.empty() ? expression : "[\"let\",[" + bindings + "]," + expression + "]";
}

BoundResult failed(const computo::ScriptError& error, std::string_view script) {
  return {"", false, "", error, std::string(script)};
}

}  // namespace

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
  const bool is_json = computo::script_text(options.origin, expression).notation == computo::Notation::kJson;
  computo::ProgramPtr program = is_json ? computo::compile_json(expression, options, failure)
                                        : computo::compile_sugar(expression, options, failure);
  const bool functions = std::any_of(names.begin(), names.end(), [](const BoundName& n) { return n.is_function; });
  if (program != nullptr && functions) {
    computo::ScriptError error;
    const auto json =
        is_json ? std::string(expression) : computo::to_json(expression, options, error).value_or("");
    program = computo::compile_json(with_functions(json, names), options, failure);
  }
  // Within the `let` places are others than in what was given.
  const std::string_view shown = functions ? std::string_view() : expression;
  if (program == nullptr) return failed(failure.errors.front(), shown);
  computo::Evaluator evaluator(program);
  ResultType type;
  std::vector<char> bytes;
  if (!evaluator.evaluate_traced(inputs, bindings.list, type) || !evaluator.write(bytes, nullptr)) {
    return failed(evaluator.error(), shown);
  }
  return {{bytes.begin(), bytes.end()}, type.type == "function", type.type, {}, {}};
}

}  // namespace colloquium::app
