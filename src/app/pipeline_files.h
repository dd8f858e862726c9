// Pipeline files from disk to plans, for every verb that reads them; and the settings of the process.
//
// Everything wrong with all files comes back in one list. Thread safety: main thread only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/pipeline_config.h"
#include "config/settings.h"
#include "engine/pipeline.h"

namespace colloquium::app {

// The components this binary was built with.
config::ComponentRegistry component_registry();

// ${NAME} from the process's environment. This version keeps no secrets of its own.
config::Substitutions process_substitutions();

struct LoadedPipeline {
  std::string file;
  std::shared_ptr<const engine::Plan> plan;  // null if the file has errors
  std::string name;                          // of the pipeline, as far as it was read
};

struct LoadedPipelines {
  std::vector<LoadedPipeline> pipelines;  // one per file, in order
  ConfigProblems problems;                // of all files, in order

  bool ok() const;
};

// Also refuses a file given twice, two pipelines of one name, ones that forward what fails in a circle, and two
// components that take the same thing (a path of the ingest server, a file to write).
LoadedPipelines load_pipelines(const std::vector<std::string>& files);
// The same for whoever calls no AI provider: their keys may be missing.
LoadedPipelines load_offline_pipeline(const std::string& file);

// The settings that stand in colloquium.yaml (or the file $COLLOQUIUM_CONFIG names), its overlay for
// `environment` (or $COLLOQUIUM_ENV), variables and `flags`.
config::LoadedSettings load_process_settings(const std::optional<std::string>& environment,
                                             std::vector<std::pair<std::string, std::string>> flags,
                                             ConfigProblems& problems);

}  // namespace colloquium::app
