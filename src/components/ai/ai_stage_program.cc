#include "components/ai/ai_stage_program.h"

#include <algorithm>
#include <utility>

#include "computo/expression.h"
#include "config/ai_config.h"
#include "config/paths.h"
#include "config/problems.h"
#include "json/writer.h"

namespace colloquium::components {

namespace {

constexpr size_t kFileBytesMax = size_t{16} << 20;

class Compiler {
 public:
  Compiler(const AiStageConfig& config, const ScriptNames& names, const io::FileSystem& files,
           ConfigProblems& problems)
      : config_(config), names_(names), files_(files), problems_(problems), scope_(scope()) {}

  std::shared_ptr<const AiStageProgram> compile() {
    const size_t before = problems_.size();
    auto program = std::make_shared<AiStageProgram>();
    program->task = config_.task;
    program->labels = config_.labels;
    program->messages = expression(config_.messages, scope_);
    program->input = expression(config_.input, scope_);
    if (config_.cache) program->cache_key = expression(config_.cache->key, scope_);
    if (config_.experiment) program->by = expression(config_.experiment->by, scope_);
    computo::ExpressionScope with_error = scope_;
    with_error.variables.emplace_back("error");
    program->on_error = expression(config_.on_error, with_error);
    compile_arms(*program);
    compile_request(*program);
    return problems_.size() == before ? program : nullptr;
  }

 private:
  computo::ExpressionScope scope() const {
    return computo::scope_of(names_, [&files = files_](const std::string& path, const std::string& from,
                                                       std::string& found, std::string& problem) {
      return io::read_beside(files, path, from, kFileBytesMax, found, problem);
    });
  }

  void error(const ConfigMark& mark, std::string message) {
    problems_.push_back({mark, std::move(message), false});
  }

  computo::ProgramPtr expression(const Expression& from, const computo::ExpressionScope& scope) {
    return from ? computo::compile_expression_in(from.node, scope, problems_) : nullptr;
  }

  std::optional<std::string> read(const std::string& path, const ConfigMark& mark, const char* what) {
    auto text = io::read_file(files_, path, kFileBytesMax);
    if (text) return std::move(*text);
    error(mark, "can't read the " + std::string(what) + " '" + path + "': " + text.error().message);
    return std::nullopt;
  }

  std::vector<AiModelChoice> choices(const std::vector<AiModelSetting>& models) {
    std::vector<AiModelChoice> out;
    for (const AiModelSetting& model : models) {
      const auto name = config::parse_model_name(model.model);
      if (!name) {
        error(config_.mark, "'" + model.model +
                                "' is no model: write the provider's name and the model's, "
                                "'openai/gpt-4o-mini'");
        continue;
      }
      if (names_.providers &&
          std::count(names_.providers->begin(), names_.providers->end(), name->provider) == 0) {
        error(config_.mark, "'" + model.model + "' is of no provider that `ai.providers` has" +
                                config::suggestion(name->provider, *names_.providers));
      }
      out.push_back({name->provider, name->model, model.weight});
    }
    return out;
  }

  void compile_arms(AiStageProgram& program) {
    AiStageProgram::Arm usual;
    usual.models = choices(config_.models);
    if (!config_.prompt.empty()) {
      read_prompt(config_.prompt, usual);
    } else if (!config_.user.empty() || !config_.system.empty()) {
      add_text(AiRole::kSystem, config_.system, usual.prompt);
      add_text(AiRole::kUser, config_.user, usual.prompt);
    }
    if (!config_.experiment) {
      program.arms.push_back(std::move(usual));
      return;
    }
    for (const AiArmSetting& setting : config_.experiment->arms) {
      AiStageProgram::Arm arm = usual;
      arm.name = setting.name;
      arm.weight = setting.weight;
      if (!setting.models.empty()) arm.models = choices(setting.models);
      if (!setting.prompt.empty()) read_prompt(setting.prompt, arm);
      program.arms.push_back(std::move(arm));
    }
  }

  void read_prompt(const std::string& name, AiStageProgram::Arm& arm) {
    const std::string path = config::resolved_path(names_.base_dir, ai::prompt_file(name));
    const auto text = read(path, config_.mark, "prompt");
    if (!text) return;
    arm.prompt = ai::parse_prompt(*text, {std::make_shared<const std::string>(path), 1, 1}, scope_, problems_);
    arm.prompt_label = ai::prompt_label(name);
  }

  void add_text(AiRole role, const std::string& text, ai::PromptText& prompt) {
    if (text.empty()) return;
    for (auto& message : ai::parse_prompt(text, config_.mark, scope_, problems_).messages) {
      message.role = role;
      prompt.messages.push_back(std::move(message));
    }
  }

  // A map, or a string that is the path of a file.
  std::optional<std::string> schema_text(const ConfigNode& node) {
    if (node.kind == ConfigNode::Kind::kMap) return node.to_json();
    if (node.kind == ConfigNode::Kind::kString) {
      return read(config::resolved_path(names_.base_dir, node.text), node.mark, "schema");
    }
    error(node.mark, "a schema is a map, or the path of a JSON file");
    return std::nullopt;
  }

  // Where the models are told to keep to it, all members have to be named.
  std::string label_schema() const {
    std::vector<char> text;
    json::Writer out(text, nullptr);
    out.begin_object();
    out.key("type");
    out.string("object");
    out.key("properties");
    out.begin_object();
    out.key("label");
    out.begin_object();
    out.key("type");
    out.string("string");
    out.key("enum");
    out.begin_array();
    for (const std::string& label : config_.labels) out.string(label);
    out.end_array();
    out.end_object();
    out.end_object();
    out.key("required");
    out.begin_array();
    out.string("label");
    out.end_array();
    out.key("additionalProperties");
    out.boolean(false);
    out.end_object();
    return {text.begin(), text.end()};
  }

  void compile_request(AiStageProgram& program) {
    AiRequest& request = program.request;
    request.task = config_.task == AiStageTask::kEmbed ? AiTask::kEmbed : AiTask::kChat;
    request.stream = request.task == AiTask::kChat;
    const AiParameterSettings& parameters = config_.parameters;
    request.parameters.max_output_tokens = parameters.max_output_tokens;
    request.parameters.temperature = parameters.temperature;
    request.parameters.top_p = parameters.top_p;
    request.parameters.seed = parameters.seed;
    request.parameters.stop = parameters.stop;
    if (!parameters.extra.members.empty()) request.parameters.extra = parameters.extra.to_json();
    for (const AiToolSetting& tool : config_.tools) {
      auto schema = schema_text(tool.parameters);
      if (schema) request.tools.push_back({tool.name, tool.description, std::move(*schema)});
    }
    std::optional<std::string> text;
    if (config_.task == AiStageTask::kClassify) text = label_schema();
    if (config_.output) text = schema_text(config_.output->schema);
    if (!text) return;
    auto schema = ai::JsonSchema::parse(*text);
    if (!schema) return error(config_.output->schema.mark, schema.error().message);
    program.schema = std::move(*schema);
    request.output_schema = std::move(text);
  }

  const AiStageConfig& config_;
  const ScriptNames& names_;
  const io::FileSystem& files_;
  ConfigProblems& problems_;
  const computo::ExpressionScope scope_;
};

}  // namespace

std::shared_ptr<const AiStageProgram> compile_ai_stage(const AiStageConfig& config, const ScriptNames& names,
                                                       const io::FileSystem& files, ConfigProblems& problems) {
  return Compiler(config, names, files, problems).compile();
}

}  // namespace colloquium::components
