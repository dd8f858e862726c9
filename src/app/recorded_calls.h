// RecordedCalls: what the models of a pipeline have answered, for one version of it over recorded events; and what
// that version would ask beyond them. Nothing is asked.
//
// Ownership: plan and file system outlive it. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "ai/offline_calls.h"
#include "ai/recorded_answers.h"
#include "ai/token_estimate.h"
#include "base/money.h"
#include "engine/pipeline.h"

namespace colloquium::app {

class RecordedCalls {
 public:
  // The answers are those of the pipeline itself, and of the one that `stream` is of.
  static Result<std::unique_ptr<RecordedCalls>> create(const engine::Plan& plan, io::FileSystem& fs,
                                                       const std::string& directory, const std::string& stream,
                                                       std::shared_ptr<const log::KeyRing> keys);

  // Null: the pipeline has no `ai` section.
  ai::OfflineCalls* calls() { return calls_.get(); }

  // Questions whose answers are not recorded: the first of each event, as the others follow from its answer.
  struct Asked {
    uint64_t calls = 0;
    NanoUsd most;  // what they cost at most, of the models that are asked first
  };
  const Asked& asked() const { return asked_; }

  // Why answers could not be read; what was made since then is not to be used.
  const std::optional<Error>& failure() const { return failure_; }

 private:
  RecordedCalls() = default;
  std::optional<AiOutcome> answer(const AiQuestion& question);
  void add(const AiQuestion& question);

  std::unique_ptr<ai::RecordedAnswers> recorded_;
  std::unique_ptr<ai::OfflineCalls> calls_;
  ai::TokenEstimates estimates_;
  Asked asked_;
  std::optional<Error> failure_;
};

}  // namespace colloquium::app
