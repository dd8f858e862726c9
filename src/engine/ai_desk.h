// AiDesk: the `ai` section of a pipeline at work: its providers with their keys, the connections to them, and the
// calls that go through them.
//
// A replay gives the answers that are recorded of the pipeline it replays, and pays for what is not; what it pays
// for is recorded under a name of its own.
//
// Ownership: what the environment refers to outlives it. Destroyed only when closed, or with the process's end.
// Thread safety: loop only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/config_spec.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "ai/access_reader.h"
#include "ai/budget_book.h"
#include "ai/call_settings.h"
#include "ai/calls.h"
#include "ai/child_transport.h"
#include "ai/transport.h"
#include "config/pipeline_config.h"
#include "engine/ai_metrics.h"
#include "engine/pipeline.h"

namespace colloquium::engine {

// What of the section only its files and providers can tell: that prices can be read, that models are of providers
// there are. Before anything starts.
void check_ai(const config::PipelineConfig& config, ConfigProblems& problems);

// The section for ai::OfflineCalls: as it is set, but for what a call would have to be sent with. REQUIRES:
// config.ai.
Result<ai::CallSettings> offline_ai(const config::PipelineConfig& config);

class AiDesk {
 public:
  // Reads the records of earlier runs, which blocks. REQUIRES: config.ai.
  static Result<std::unique_ptr<AiDesk>> create(const config::PipelineConfig& config, Environment& environment,
                                                log::Log* log);

  ~AiDesk();
  AiDesk(const AiDesk&) = delete;
  AiDesk& operator=(const AiDesk&) = delete;

  ai::Calls& calls() { return *calls_; }

  // Of the models that were asked: one that is left alone is not healthy.
  std::vector<ComponentHealth> health() const;

  // Behind everybody who asks.
  void close(Task closed);

 private:
  AiDesk() = default;
  Status take_providers(const config::PipelineConfig& config, const Environment& environment,
                        ai::CallSettings& settings);
  // Where the process has no transport for all.
  void take_program(const std::string& name, AiProgram program, const Environment& environment,
                    ai::ProviderSettings& provider);
  void close_programs(Task closed);

  std::vector<std::unique_ptr<ai::AccessReader>> access_;
  std::unique_ptr<ai::AiTransport> own_transport_;  // null where the process has one for all
  std::vector<std::unique_ptr<ai::ChildTransport>> programs_;
  std::unique_ptr<ai::BudgetBook> own_book_;  // likewise
  std::unique_ptr<AiMetrics> metrics_;        // null where nobody measures
  std::unique_ptr<ai::Calls> calls_;
};

}  // namespace colloquium::engine
