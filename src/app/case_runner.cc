#include "app/case_runner.h"

#include <algorithm>

#include "ai/offline_calls.h"
#include "app/case_answers.h"
#include "app/json_difference.h"
#include "engine/ai_desk.h"
#include "engine/plan_data.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

// The events of a sink are compared as one list, so that a missing or an extra one is a difference too.
std::string list_json(const std::vector<std::string>& values) {
  std::string text = "[";
  for (const std::string& value : values) text += (text.size() > 1 ? "," : "") + value;
  return text + "]";
}

// An unknown name is told rather than skipped: a case that looks at nothing would always pass.
std::string check_sink(const std::string& name, const ConfigNode& expected, const engine::InMemoryResult& result) {
  const auto sink = std::find_if(result.sinks.begin(), result.sinks.end(),
                                 [&](const engine::SinkOutput& each) { return each.sink == name; });
  if (sink == result.sinks.end()) return "the pipeline has no sink '" + name + "'";
  const std::string difference = json_difference(expected.to_json(), list_json(sink->values));
  return difference.empty() ? "" : "sink " + name + ": " + difference;
}

// An answer to a stage that is not there would only ever be left over.
std::string check_stages(const engine::Plan& plan, const TestCase& test) {
  const auto& stages = plan.data().config.stages;
  for (const auto& [name, answers] : test.answers) {
    const bool known = std::any_of(stages.begin(), stages.end(), [&name = name](const auto& stage) {
      return stage.name == name && stage.descriptor->asks_models_only;
    });
    if (!known) return "the pipeline has no stage '" + name + "' that asks a model";
  }
  return {};
}

// Null for a pipeline without an `ai` section.
Result<std::unique_ptr<ai::OfflineCalls>> offline_calls(const engine::Plan& plan, CaseAnswers& answers) {
  if (!plan.data().config.ai) return std::unique_ptr<ai::OfflineCalls>();
  TRY_ASSIGN(ai::CallSettings settings, engine::offline_ai(plan.data().config));
  return std::make_unique<ai::OfflineCalls>(
      std::move(settings),
      [&answers](const AiQuestion& question, std::string_view event) { return answers.answer(question, event); });
}

}  // namespace

// What a script came to: a JSON text, or the category and text of an error.
struct ScriptCases::Outcome {
  std::string value;
  std::string category;
  std::string message;

  // With its place, and the line it is in.
  static Outcome failed(const computo::ScriptError& error, const std::string& script, SourceLines& lines) {
    const std::string text = computo::error_text(error, script, lines.reader());
    const size_t first = std::min(text.find('\n') + 1, text.size());
    std::string below = text.substr(first);
    if (!below.empty()) below.pop_back();
    const std::string& file = error.origin.empty() ? script : error.origin;
    const std::string place = file + ":" + std::to_string(error.line) + ":" + std::to_string(error.column);
    return {"", std::string(computo::to_string(error.category)),
            error.message() + " (" + place + ")" + (below.empty() ? "" : "\n" + below)};
  }
};

// Coverage is of the script as it is written, so nothing of it is worked out ahead.
ScriptCases::ScriptCases(const Script& script, bool with_coverage) : origin_(script.origin) {
  lines_.add(script);
  computo::CompileOptions options = script_options(script.origin, "array");
  if (with_coverage) {
    options.trace = computo::TraceInfo::kPlaces;
    options.optimize = false;
  }
  program_ = computo::compile_source(script.text, options, failure_);
  if (program_ == nullptr) return;
  evaluator_ = std::make_unique<computo::Evaluator>(program_);
  if (with_coverage) coverage_ = std::make_unique<computo::Coverage>(program_);
}

ScriptCases::Outcome ScriptCases::evaluate(const std::vector<json::ValueView>& inputs) {
  if (program_ == nullptr) return Outcome::failed(failure_.errors.front(), origin_, lines_);
  std::vector<char> bytes;
  const bool done =
      coverage_ == nullptr ? evaluator_->evaluate(inputs) : evaluator_->evaluate_traced(inputs, {}, *coverage_);
  if (!done || !evaluator_->write(bytes, nullptr)) return Outcome::failed(evaluator_->error(), origin_, lines_);
  return {std::string(bytes.begin(), bytes.end()), "", ""};
}

std::string ScriptCases::run(const TestCase& test) {
  std::vector<json::Document> documents;
  for (const ConfigNode& input : test.inputs) {
    auto document = json::parse(input.to_json(), "inputs");
    if (!document) return document.error().describe();
    documents.push_back(std::move(*document));
  }
  std::vector<json::ValueView> inputs;
  for (const json::Document& document : documents) {
    inputs.emplace_back(document.text.data(), document.tape.data(), 0);
  }
  const Outcome result = evaluate(inputs);
  if (!test.error.empty()) {
    if (result.category == test.error) return {};
    return "expected error[" + test.error + "], got " +
           (result.category.empty() ? result.value : "error[" + result.category + "]: " + result.message);
  }
  if (!result.category.empty()) return "error[" + result.category + "]: " + result.message;
  return json_difference(test.expect->to_json(), result.value);
}

std::string run_pipeline_case(const engine::Plan& plan, const TestCase& test, Foundation& foundation) {
  std::vector<std::string> events;
  for (const ConfigNode& event : test.input) events.push_back(event.to_json());
  if (std::string unknown = check_stages(plan, test); !unknown.empty()) return unknown;
  CaseAnswers answers(test.answers);
  auto calls = offline_calls(plan, answers);
  if (!calls) return calls.error().describe();
  const auto result = engine::run_in_memory(plan, events, foundation.environment(nullptr, false), calls->get());
  if (!result) return result.error().describe();
  // It goes before what came of it.
  if (!answers.problem().empty()) return answers.problem();
  if (test.expect) {
    for (const ConfigNode::Member& sink : test.expect->members) {
      if (std::string difference = check_sink(sink.key, sink.value, *result); !difference.empty())
        return difference;
    }
  }
  // Counted even where a case does not mention them: an event that failed is never what a case meant to show.
  if (result->dead_letters.size() == static_cast<size_t>(test.dead_letters)) return answers.left_over();
  std::string text = "expected " + std::to_string(test.dead_letters) + " dead letters, got " +
                     std::to_string(result->dead_letters.size());
  if (!result->dead_letters.empty()) text += ": " + result->dead_letters.front();
  return text;
}

}  // namespace colloquium::app
