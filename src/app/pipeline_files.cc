#include "app/pipeline_files.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <unistd.h>

#include "components/registry.h"
#include "config/problems.h"
#include "engine/plan_group.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::app {
namespace {

// Far above any real file; what is larger is the wrong file.
constexpr size_t kFileLimitBytes = size_t{16} << 20;
constexpr const char* kSettingsFile = "colloquium.yaml";
// Switches of the tests, which are no settings and have no page.
constexpr std::string_view kTestPrefix = "COLLOQUIUM_TEST_";

// A problem of a whole file has no line.
ConfigMark mark_of(const std::string& file) {
  return {std::make_shared<const std::string>(file), 0, 0};
}

struct Taken {
  std::string by;  // "source 'hook' (orders.yaml:5:11)"
  bool shared = false;
};
using TakenThings = std::map<std::string, Taken>;

// Where the claim stands in the file: at the value of the setting that names it, if that is written out.
const ConfigMark& mark_of(const config::ComponentConfig& component, const Claim& claim) {
  const ConfigNode& settings = component.settings;
  if (claim.field.empty()) return component.kind_mark;
  const ConfigNode* named = settings.kind == ConfigNode::Kind::kMap ? settings.find(claim.field) : nullptr;
  return named == nullptr ? settings.mark : named->mark;
}

// The first keeps what it takes; everybody after it is told.
void take(const std::vector<config::ComponentConfig>& components, const std::string& base_dir, TakenThings& taken,
          ConfigProblems& problems) {
  for (const config::ComponentConfig& component : components) {
    if (!component.descriptor->claims || component.parsed == nullptr) continue;
    for (const Claim& claim : component.descriptor->claims(component.parsed, base_dir)) {
      const ConfigMark& mark = mark_of(component, claim);
      const std::string kind(config::to_string(component.descriptor->kind));
      const auto [first, is_new] = taken.emplace(
          claim.what, Taken{kind + " " + config::quoted(component.name) + " at " + mark.describe(), claim.shared});
      if (is_new || (first->second.shared && claim.shared)) continue;
      config::add_error(problems, mark,
                        claim.what + " is taken already by the " + first->second.by + "; " + claim.advice);
    }
  }
}

// The plan is compiled even where the file has errors, so that mistakes in expressions join the same list.
LoadedPipeline load_one(const std::string& file, bool offline, TakenThings& taken, ConfigProblems& problems) {
  const auto text = io::read_file(io::posix_file_system(), file, kFileLimitBytes);
  if (!text) {
    config::add_error(problems, mark_of(file), text.error().message);
    return {file, nullptr, {}};
  }
  ConfigProblems own;
  const config::PipelineSurroundings surroundings{component_registry(), process_substitutions(),
                                                  io::parent_of(file), offline};
  config::PipelineConfig pipeline = config::read_pipeline(*text, file, surroundings, own);
  take(pipeline.sources, pipeline.base_dir, taken, own);
  take(pipeline.sinks, pipeline.base_dir, taken, own);
  const std::string name = pipeline.name;
  auto plan = engine::Plan::compile(std::move(pipeline), own);
  config::sort_problems(own);
  problems.insert(problems.end(), own.begin(), own.end());
  return {file, std::move(plan), name};
}

void refuse_second_names(const std::vector<LoadedPipeline>& pipelines, ConfigProblems& problems) {
  std::map<std::string, std::string> files;
  for (const LoadedPipeline& pipeline : pipelines) {
    if (pipeline.name.empty()) continue;
    const auto [first, is_new] = files.emplace(pipeline.name, pipeline.file);
    if (is_new) continue;
    config::add_error(problems, mark_of(pipeline.file),
                      "a pipeline named " + config::quoted(pipeline.name) + " is already in " + first->second +
                          "; names of pipelines are unique, because their streams carry them");
  }
}

void refuse_forward_circle(const std::vector<LoadedPipeline>& pipelines, ConfigProblems& problems) {
  engine::Plans plans;
  for (const LoadedPipeline& pipeline : pipelines) {
    if (pipeline.plan != nullptr) plans.push_back(pipeline.plan);
  }
  const std::vector<std::string> circle = engine::forward_circle(plans);
  if (circle.empty()) return;
  std::string way;
  for (const std::string& name : circle) way += (way.empty() ? "" : " -> ") + config::quoted(name);
  const auto first = std::find_if(pipelines.begin(), pipelines.end(),
                                  [&](const LoadedPipeline& pipeline) { return pipeline.name == circle[0]; });
  config::add_error(problems, mark_of(first->file),
                    "errors.to goes round in a circle: " + way +
                        "; an event that fails in each of them would never come to an end");
}

// Only the default name may be missing: whoever names a file, or an environment, means it.
std::optional<config::SettingsText> read_settings_file(const std::string& file, bool must_exist,
                                                       ConfigProblems& problems) {
  auto text = io::read_file(io::posix_file_system(), file, kFileLimitBytes);
  if (text) return config::SettingsText{file, std::move(*text)};
  if (must_exist || text.error().code != ErrorCode::kNotFound) {
    config::add_error(problems, mark_of(file), text.error().message);
  }
  return std::nullopt;
}

// Set but empty counts as not set, as ${NAME:-default} has it.
std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

std::vector<std::pair<std::string, std::string>> setting_variables() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos || text.substr(0, kTestPrefix.size()) == kTestPrefix) continue;
    found.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  // The order of the environment is nobody's intention; messages about it should not vary.
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

config::ComponentRegistry component_registry() {
  config::ComponentRegistry registry;
  registry.find = components::find_component;
  registry.names = components::component_names;
  return registry;
}

config::Substitutions process_substitutions() {
  config::Substitutions substitutions;
  substitutions.variable = [](std::string_view name) { return variable(std::string(name).c_str()); };
  substitutions.secret = [](std::string_view) -> Result<std::string> {
    return fail(ErrorCode::kNotFound, "this version has no secret store; use ${NAME} and an environment variable");
  };
  return substitutions;
}

bool LoadedPipelines::ok() const {
  return !config::has_errors(problems);
}

LoadedPipelines load_pipelines(const std::vector<std::string>& files) {
  LoadedPipelines loaded;
  TakenThings taken;
  for (size_t i = 0; i < files.size(); ++i) {
    if (std::find(files.begin(), files.begin() + static_cast<ptrdiff_t>(i), files[i]) !=
        files.begin() + static_cast<ptrdiff_t>(i)) {
      config::add_error(loaded.problems, mark_of(files[i]), "this file is given twice");
      continue;
    }
    loaded.pipelines.push_back(load_one(files[i], false, taken, loaded.problems));
  }
  refuse_second_names(loaded.pipelines, loaded.problems);
  refuse_forward_circle(loaded.pipelines, loaded.problems);
  return loaded;
}

LoadedPipelines load_offline_pipeline(const std::string& file) {
  LoadedPipelines loaded;
  TakenThings taken;
  loaded.pipelines.push_back(load_one(file, true, taken, loaded.problems));
  refuse_forward_circle(loaded.pipelines, loaded.problems);
  return loaded;
}

config::LoadedSettings load_process_settings(const std::optional<std::string>& environment,
                                             std::vector<std::pair<std::string, std::string>> flags,
                                             ConfigProblems& problems) {
  config::SettingsSources sources;
  const auto named = variable("COLLOQUIUM_CONFIG");
  const std::string file = named.value_or(kSettingsFile);
  sources.file = read_settings_file(file, named.has_value(), problems);
  const auto overlay = environment ? environment : variable("COLLOQUIUM_ENV");
  if (overlay) sources.overlay = read_settings_file(config::overlay_name(file, *overlay), true, problems);
  sources.variables = setting_variables();
  sources.flags = std::move(flags);
  sources.substitutions = process_substitutions();
  return config::load_settings(sources, problems);
}

}  // namespace colloquium::app
