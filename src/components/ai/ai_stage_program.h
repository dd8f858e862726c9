// AiStageProgram: an `ai` stage's settings, read to their end: prompts and schemas from their files, expressions
// compiled.
//
// Thread safety: immutable; the functions on any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/script_host.h"

#include "ai/json_schema.h"
#include "ai/prompt.h"
#include "components/ai/ai_stage_config.h"
#include "computo/program.h"
#include "io/file_system.h"

namespace colloquium::components {

struct AiStageProgram {
  // One, unless the stage experiments.
  struct Arm {
    std::string name;  // empty: there is no experiment
    double weight = 1;
    std::vector<AiModelChoice> models;
    ai::PromptText prompt;  // no messages: they are made by a script, or there are none
    std::string prompt_label;
  };
  AiStageTask task = AiStageTask::kChat;
  std::vector<Arm> arms;
  computo::ProgramPtr messages, input, cache_key, by;  // null: not given
  computo::ProgramPtr on_error;                        // may read $error
  AiRequest request;                                   // all of it that no event changes
  std::optional<ai::JsonSchema> schema;                // of answers
  std::vector<std::string> labels;
};

// Null with at least one problem added.
std::shared_ptr<const AiStageProgram> compile_ai_stage(const AiStageConfig& config, const ScriptNames& names,
                                                       const io::FileSystem& files, ConfigProblems& problems);

}  // namespace colloquium::components
