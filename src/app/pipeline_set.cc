#include "app/pipeline_set.h"

#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::app {
namespace {

// For a pipeline that never ran: see Pipeline::stop.
constexpr int64_t kWithoutDraining = -1;

Error lost(uint64_t events, const std::string& why) {
  const std::string what = events == 1 ? " event was" : " events were";
  return Error{ErrorCode::kUnavailable,
               std::to_string(events) + what + " lost: " + why + ", and with log: off nothing keeps them",
               false,
               {}};
}

}  // namespace

PipelineSet::PipelineSet(Loop& loop, int64_t drain_timeout_ms, Done done)
    : loop_(loop), drain_timeout_ms_(drain_timeout_ms), done_(std::move(done)) {}

PipelineSet::~PipelineSet() {
  ASSERT(open_ == 0);
}

void PipelineSet::add(std::string name, std::unique_ptr<engine::Pipeline> pipeline) {
  LOOP_ASSERT(loop_);
  ASSERT(pipeline != nullptr);
  auto unit = std::make_unique<Unit>();
  unit->name = std::move(name);
  unit->pipeline = std::move(pipeline);
  units_.push_back(std::move(unit));
  ++open_;
}

Status PipelineSet::start() {
  LOOP_ASSERT(loop_);
  ASSERT(open_ > 0);
  for (const auto& owned : units_) {
    Unit& unit = *owned;
    unit.state = State::kRunning;
    // A pipeline may finish inside start(); closing it there would pull it away from under itself.
    Status started = unit.pipeline->start([this, &unit] { loop_.post([this, &unit] { finished(unit); }); },
                                          [this, &unit](Error error) { failed(unit, std::move(error)); });
    if (started) continue;
    for (const auto& other : units_) close(*other, kWithoutDraining);
    return started;
  }
  return {};
}

void PipelineSet::stop() {
  LOOP_ASSERT(loop_);
  for (const auto& unit : units_) close(*unit, drain_timeout_ms_);
  if (open_ > 0) return;
  loop_.post([this] {
    if (open_ == 0) all_closed();
  });
}

void PipelineSet::all_closed() {
  if (!done_) return;
  Done done = std::move(done_);
  done_ = nullptr;
  done(failure_);
}

void PipelineSet::finished(Unit& unit) {
  if (unit.state != State::kRunning) return;  // a stop came first
  const engine::PipelineOutcome outcome = unit.pipeline->outcome();
  if (outcome.source_error) {
    note_failure(unit, *outcome.source_error);
    log_error(unit.name, "a source could not be read to its end; what came before is committed");
  } else if (outcome.given_up > 0) {
    note_failure(unit, lost(outcome.given_up, "given up"));
    log_error(unit.name, "every source is read to its end, but not every event was written");
  } else if (outcome.dead_letters > 0) {
    log_info(unit.name, "every source is read to its end and committed; some events are dead letters",
             {{"dead_letters", outcome.dead_letters}, {"stream", outcome.dead_stream}});
  } else if (outcome.forwarded > 0) {
    log_info(unit.name,
             "every source is read to its end and committed; some events failed and went to another pipeline",
             {{"forwarded", outcome.forwarded}});
  } else {
    log_info(unit.name, "every source is read to its end and committed");
  }
  close(unit, 0);
}

// The first failure of all is how the process ends; each pipeline shows its own.
void PipelineSet::note_failure(Unit& unit, Error error) {
  if (!failure_) failure_ = error;
  if (!unit.failure) unit.failure = std::move(error);
}

void PipelineSet::failed(Unit& unit, Error error) {
  note_failure(unit, std::move(error));
  // The pipeline is in the middle of something; it is closed from a turn of its own.
  loop_.post([this, &unit] { close(unit, 0); });
}

void PipelineSet::close(Unit& unit, int64_t deadline_ms) {
  if (unit.state == State::kClosing || unit.state == State::kClosed) return;
  unit.state = State::kClosing;
  // `closed` runs inside the pipeline, which therefore dies in a later turn.
  unit.pipeline->stop(deadline_ms, [this, &unit] { loop_.post([this, &unit] { closed(unit); }); });
}

void PipelineSet::closed(Unit& unit) {
  ASSERT(open_ > 0);
  unit.state = State::kClosed;
  const uint64_t left_behind = unit.pipeline->outcome().left_behind;
  if (left_behind > 0) {
    Error error = lost(left_behind, "not written in time");
    log_error(unit.name, error.message);
    note_failure(unit, std::move(error));
  }
  unit.pipeline.reset();
  if (--open_ == 0) all_closed();
}

std::vector<admin::HealthEntry> PipelineSet::health() const {
  LOOP_ASSERT(loop_);
  std::vector<admin::HealthEntry> entries;
  for (const auto& unit : units_) {
    admin::HealthEntry entry{"pipeline " + unit->name, admin::HealthStatus::kOk, ""};
    if (unit->failure) {
      entry = {entry.name, admin::HealthStatus::kFailed, unit->failure->describe()};
    } else if (unit->state == State::kClosed) {
      entry.detail = "finished";
      // Not ready: what watches /readyz should send no more here.
    } else if (unit->state == State::kClosing) {
      entry = {entry.name, admin::HealthStatus::kStarting, "stopping"};
    } else if (!unit->pipeline->ready()) {
      entry.status = admin::HealthStatus::kStarting;
    }
    entries.push_back(std::move(entry));
    if (unit->pipeline == nullptr) continue;
    for (engine::ComponentHealth& component : unit->pipeline->health()) {
      entries.push_back({unit->name + ": " + component.name,
                         component.healthy ? admin::HealthStatus::kOk : admin::HealthStatus::kDegraded,
                         std::move(component.detail)});
    }
  }
  return entries;
}

}  // namespace colloquium::app
