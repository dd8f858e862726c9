#include "tests/sim/pipeline_process.h"

#include <utility>

#include "base/assert.h"
#include "components/registry.h"
#include "config/pipeline_config.h"
#include "json/walk.h"

namespace colloquium::sim {
namespace {

constexpr int kStepsToClose = 200'000;
constexpr int64_t kIdleMs = 10;
constexpr int64_t kLogTickMs = 250;
constexpr int64_t kAtOnce = 0;
constexpr int64_t kStepNs = 20'000;  // work takes time, so that timers come due in the midst of it

}  // namespace

PipelineProcess::PipelineProcess(uint64_t seed, Disk& disk, ManualClock& clock, log::LogOptions options,
                                 std::vector<Descriptor> components)
    : clock_(clock),
      options_(std::move(options)),
      components_(std::move(components)),
      executor_(seed, clock, kStepNs * static_cast<int64_t>(1 + seed % 20)),
      loop_(clock),
      random_(seed + 1),
      chance_(seed + 2),
      workers_(executor_, 2) {
  options_.files = &disk.files();
  options_.executor = &executor_;
  options_.clock = &clock_;
  options_.random = &random_;
  options_.on_failure = [this](const Error& error) { failure_ = error; };
  options_.tape = [](std::string_view value, std::vector<TapeToken>& tape) {
    json::Walker().walk_unchecked(value, tape);
  };
  services_.provide<io::FileSystem>(&disk.files());
}

PipelineProcess::~PipelineProcess() {
  ASSERT(pipeline_ == nullptr && log_ == nullptr);
}

const Descriptor* PipelineProcess::find(ComponentKind kind, std::string_view name) const {
  for (const Descriptor& own : components_) {
    if (own.kind == kind && own.name == name) return &own;
  }
  return components::find_component(kind, name);
}

std::shared_ptr<const engine::Plan> PipelineProcess::compile(const std::string& yaml, std::string& problem) const {
  config::PipelineSurroundings surroundings;
  surroundings.registry.find = [this](ComponentKind kind, std::string_view name) { return find(kind, name); };
  surroundings.registry.names = components::component_names;
  ConfigProblems problems;
  auto plan = engine::Plan::compile(config::read_pipeline(yaml, "p.yaml", surroundings, problems), problems);
  for (const ConfigProblem& one : problems) problem += one.describe() + "\n";
  return plan;
}

Status PipelineProcess::open_log() {
  TRY_ASSIGN(log_, log::SegmentLog::open(options_));
  return {};
}

Status PipelineProcess::start(const std::string& yaml) {
  std::string problem;
  const auto plan = compile(yaml, problem);
  if (plan == nullptr) return fail(ErrorCode::kInvalidConfig, problem);
  TRY(open_log());
  TRY_ASSIGN(pipeline_, engine::Pipeline::create(plan, {.loop = loop_,
                                                        .executor = executor_,
                                                        .clock = clock_,
                                                        .random = random_,
                                                        .services = services_,
                                                        .workers = workers_,
                                                        .log = log_.get()}));
  return pipeline_->start([] {}, [this](Error error) { failure_ = std::move(error); });
}

bool PipelineProcess::is_finished(const std::string& source) const {
  for (const engine::ComponentHealth& health : pipeline_->health()) {
    if (health.name == "source " + source) return health.detail == "finished";
  }
  return false;
}

void PipelineProcess::step() {
  const uint64_t which = chance_.below(40);
  if (which == 0) {
    loop_.advance(static_cast<int64_t>(chance_.below(60)));
  } else if (which == 1) {
    // The shipped process has a timer for it.
    if (log_ != nullptr) log_->tick();
  } else if (which % 2 == 0 && loop_.run_turn()) {
    return;
  } else if (!executor_.step() && !loop_.run_turn()) {
    loop_.advance(kIdleMs);
    if (clock_.monotonic_ns() / 1'000'000 % kLogTickMs < kIdleMs && log_ != nullptr) log_->tick();
  }
}

void PipelineProcess::settle() {
  while (executor_.run_until_idle() > 0 || loop_.run_until_idle() > 0) {
  }
}

bool PipelineProcess::stop(int64_t deadline_ms) {
  if (pipeline_ == nullptr) return true;
  bool closed = false;
  pipeline_->stop(deadline_ms, [&closed] { closed = true; });
  for (int i = 0; i < kStepsToClose && !closed; ++i) step();
  if (!closed) return false;
  outcome_ = pipeline_->outcome();
  pipeline_.reset();
  settle();
  return true;
}

Status PipelineProcess::close_log() {
  ASSERT(pipeline_ == nullptr && log_ != nullptr);
  return log_->close();
}

void PipelineProcess::end() {
  const bool closed = stop(kAtOnce);
  ASSERT(closed);
  log_.reset();
  settle();
}

}  // namespace colloquium::sim
