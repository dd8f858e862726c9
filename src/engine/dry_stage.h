// DryStage: an asynchronous stage over batches, one event after the other, with answers that are there at once.
//
// An event that fails is tried again as often as the pipeline would, without waiting; what is given up is a dead
// letter, whatever `errors.then` says. What the pipeline would have waited for is asked for again, so whoever
// answers has to come to an end: with an answer, or none.
//
// Ownership: the calls outlive it. Thread safety: one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/stage.h"

#include "ai/offline_calls.h"
#include "engine/made_events.h"
#include "engine/retry_policy.h"

namespace colloquium::engine {

class DryStage {
 public:
  // REQUIRES: the stage asks models only (Descriptor), and `calls`.
  DryStage(std::string name, std::unique_ptr<AsyncStage> stage, ai::OfflineCalls& calls, const RetryPolicy& retry);
  ~DryStage();
  DryStage(const DryStage&) = delete;
  DryStage& operator=(const DryStage&) = delete;

  // What the stage makes of `input`, at the places of the events that it was made of. An event whose question had
  // no answer is left out, and its place joins `open`.
  std::shared_ptr<const Batch> run(const std::shared_ptr<const Batch>& input, BatchBuilder& dead,
                                   std::vector<int64_t>& open);

 private:
  AsyncOutput process(const std::shared_ptr<const Batch>& input, size_t event);

  const std::string name_;
  const std::unique_ptr<AsyncStage> stage_;
  ai::OfflineCalls& calls_;
  const RetryPolicy retry_;
  MadeEvents made_;
  BatchBuilder out_;
};

}  // namespace colloquium::engine
