// The `ai` stage: asks a model about each event, and puts the answer into it.
//
// What of it costs something is behind AiCalls: an event that is processed again, after a crash or in a replay,
// asks the same and is given what is recorded. So what is asked may depend on nothing but the event and the
// settings; the arm of an experiment follows from the event, too.
//
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/component.h"
#include "colloquium/stage.h"

#include "ai/prompt.h"
#include "components/ai/ai_stage_config.h"
#include "components/ai/ai_stage_program.h"
#include "computo/event_evaluator.h"

namespace colloquium::components {

const Descriptor& ai_stage();

class AiStage final : public AsyncStage {
 public:
  // `calls` outlives it. kInvalidConfig for what one of the models can't be asked.
  static Result<std::unique_ptr<AiStage>> create(const AiStageConfig& config,
                                                 std::shared_ptr<const AiStageProgram> program, std::string name,
                                                 const std::shared_ptr<const computo::HostContext>& context,
                                                 AiCalls& calls);

  size_t concurrency() const override;
  void process(std::shared_ptr<const Batch> batch, size_t event, UniqueFunction<void(AsyncOutput)> done) override;
  void settled(const std::string& partition, int64_t offset) override;
  void wind_down() override;
  void close(Task closed) override;

 private:
  // An event from when it comes until it is done.
  struct Asking {
    std::shared_ptr<const Batch> batch;
    size_t event = 0;
    UniqueFunction<void(AsyncOutput)> done;
    const AiStageProgram::Arm* arm = nullptr;
    AiQuestion question;
    bool list_of_inputs = false;
    int repairs = 0;
    AiCalls::Number number = 0;  // of the question that is asked; 0: none yet
  };
  struct Arm {
    const AiStageProgram::Arm* plan;
    std::optional<ai::Prompt> prompt;
  };

  AiStage(const AiStageConfig& config, std::shared_ptr<const AiStageProgram> program, std::string name,
          const std::shared_ptr<const computo::HostContext>& context, AiCalls& calls);
  Status check() const;
  AiQuestion question_of(const AiStageProgram::Arm& arm) const;

  Result<Arm*> arm_of(const Batch& batch, size_t event);
  Status fill(Asking& asking, Arm& arm);
  Status fill_inputs(Asking& asking);
  void ask(uint64_t id);
  void answered(uint64_t id, AiOutcome outcome);
  void take_back(std::map<uint64_t, Asking>::iterator asking);
  bool repair(Asking& asking, const AiAnswer& answer, const std::string& problem);
  // Both end it.
  Result<std::string> with_answer(const Batch& batch, size_t event, const std::string& value,
                                  const std::string& details) const;
  void succeed(uint64_t id, const std::string& value, const std::string& details);
  void fail_with(uint64_t id, AsyncOutput output);
  void give(uint64_t id, AsyncOutput output);
  static AsyncOutput output_of(const AiRefusal& refusal);

  const AiStageConfig config_;
  const std::shared_ptr<const AiStageProgram> program_;
  const std::string name_;
  AiCalls& calls_;
  std::vector<std::string> into_, details_;  // decoded pointers
  std::vector<Arm> arms_;
  double weights_ = 0;
  std::optional<computo::EventEvaluator> messages_, input_, cache_key_, by_, on_error_;
  std::map<uint64_t, Asking> asking_;
  uint64_t next_ = 1;
  bool closing_ = false;
};

}  // namespace colloquium::components
