// PipelineSet: the pipelines of one process, from their start to the moment when all of them are closed.
//
// A pipeline that finishes by itself (finite sources) is closed at once, while the others go on. One that fails
// is closed too; the others go on as well, and the failure shows in the end and in the health meanwhile. When
// the last one is closed, `done` runs. A source that could not be read to its end, and events that were lost
// (`log: off`: given up, or left behind by a stop), count as failures too.
//
// Life: add … start → (stop) → done → destroyed. Thread safety: loop only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/function.h"
#include "colloquium/loop.h"

#include "admin/health.h"
#include "engine/pipeline.h"

namespace colloquium::app {

class PipelineSet {
 public:
  // `loop` outlives it. `done` is given the first failure of a running pipeline, if there was one.
  using Done = UniqueFunction<void(std::optional<Error> failure)>;
  PipelineSet(Loop& loop, int64_t drain_timeout_ms, Done done);
  ~PipelineSet();  // REQUIRES: every pipeline that was added is closed

  // REQUIRES: not started yet.
  void add(std::string name, std::unique_ptr<engine::Pipeline> pipeline);

  // Starts all. If one cannot start, its error comes back, all are closed without draining, and `done` runs.
  Status start();

  // Stops all that are still at work. May be called again; only the first call counts. With nothing to stop,
  // `done` runs in a later turn all the same.
  void stop();

  // A line for each pipeline, and one for each of its components while it is open.
  std::vector<admin::HealthEntry> health() const;

 private:
  // kCreated → kRunning → kClosing → kClosed; a failed start goes from kCreated to kClosing.
  enum class State { kCreated, kRunning, kClosing, kClosed };
  struct Unit {
    std::string name;
    std::unique_ptr<engine::Pipeline> pipeline;  // null once closed
    State state = State::kCreated;
    std::optional<Error> failure;
  };

  void finished(Unit& unit);
  void failed(Unit& unit, Error error);
  void note_failure(Unit& unit, Error error);
  void close(Unit& unit, int64_t deadline_ms);
  void closed(Unit& unit);
  void all_closed();

  Loop& loop_;
  const int64_t drain_timeout_ms_;
  Done done_;
  std::vector<std::unique_ptr<Unit>> units_;
  std::optional<Error> failure_;
  // Pipelines that were added and are not closed.
  size_t open_ = 0;
};

}  // namespace colloquium::app
