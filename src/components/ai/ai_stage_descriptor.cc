#include <memory>
#include <utility>

#include "components/ai/ai_stage.h"
#include "computo/expression.h"
#include "io/file_system.h"

namespace colloquium::components {

namespace {

const io::FileSystem& files_of(const ComponentContext& context) {
  const auto* const files = context.services.find<io::FileSystem>();
  return files == nullptr ? io::posix_file_system() : *files;
}

Result<std::unique_ptr<AsyncStage>> create(const ParsedConfig& parsed, ComponentContext context) {
  const std::string where = context.pipeline + "/" + context.name;
  if (context.ai == nullptr) {
    return fail(ErrorCode::kInvalidConfig,
                "the stage asks models, and the pipeline has no `ai` section with providers", where);
  }
  const auto& config = config_of<AiStageConfig>(parsed);
  const ScriptNames names =
      computo::script_names(context.base_dir, context.script_variables.get(), context.script_metrics.get());
  ConfigProblems problems;
  auto program = compile_ai_stage(config, names, files_of(context), problems);
  if (program == nullptr) {
    return fail(ErrorCode::kInvalidConfig, problems.front().message, problems.front().mark.describe());
  }
  std::shared_ptr<const computo::HostContext> host;
  if (context.script_variables != nullptr) {
    TRY_ASSIGN(host, computo::HostContext::create(*context.script_variables));
  }
  TRY_ASSIGN(std::unique_ptr<AiStage> stage,
             AiStage::create(config, std::move(program), context.name, host, *context.ai));
  return std::unique_ptr<AsyncStage>(std::move(stage));
}

Descriptor make() {
  Descriptor d;
  d.kind = ComponentKind::kStage;
  d.name = "ai";
  d.status = ComponentStatus::kBeta;
  d.summary = "Asks a language model about each event, and puts the answer into it.";
  d.description =
      "Who may be asked, and for how much, is in the pipeline's `ai` section. The stage needs a name, and the "
      "log: what "
      "it makes is kept in the stream `<pipeline>.<name>`. An answer is on disk before it is used, and is never "
      "paid "
      "for twice: after a crash, and in a replay, what is recorded is used again. An event whose question was on "
      "its "
      "way when the process died is asked again, or given up (`on_unknown`).\n\n"
      "A provider that is not there is waited for, and so is a budget's next window; `errors.retry.age` bounds "
      "that. An "
      "event that a model refuses goes to the dead letters, or gets what `on_error` gives.";
  d.input_trust =
      "An event's text goes to the provider as the prompt has it, after redaction; an answer is text, or JSON "
      "that was "
      "checked, and never run.";
  d.guarantee =
      "Each event's answer is in its stream once, and paid for once unless the process died while it was asked.";
  d.examples = {{"Sort events",
                 "name: triage\n"
                 "ai:\n"
                 "  task: classify\n"
                 "  models: [openai/gpt-4o-mini]\n"
                 "  labels: [bug, feature, question]\n"
                 "  user: \"{{ $input/title }}\""},
                {"Take facts out of a text",
                 "name: facts\n"
                 "ai:\n"
                 "  task: extract\n"
                 "  models: [openai/gpt-4o-mini, claude/claude-haiku-4-5]\n"
                 "  system: Extract what the customer wants.\n"
                 "  user: \"{{ $input/text }}\"\n"
                 "  output: {schema: {type: object, properties: {product: {type: string}}, required: [product]}}\n"
                 "  into: /facts"}};
  bind_spec(d, ai_stage_spec(), check_ai_stage);
  d.check_scripts = [](const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
    compile_ai_stage(config_of<AiStageConfig>(parsed), names, io::posix_file_system(), problems);
  };
  d.create_async_stage = create;
  d.keeps_answers_ms = [](const ParsedConfig& parsed) {
    const auto& config = config_of<AiStageConfig>(parsed);
    return config.cache ? config.cache->ttl.ms : 0;
  };
  d.asks_models_only = true;
  return d;
}

}  // namespace

const Descriptor& ai_stage() {
  static const Descriptor descriptor = make();
  return descriptor;
}

}  // namespace colloquium::components
