#include "components/exec/exec_sink.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "formats/line_writer.h"
#include "loop/uv_loop.h"

namespace colloquium {

template <>
struct ConfigEnum<components::ExecAcknowledge> {
  static constexpr std::pair<std::string_view, components::ExecAcknowledge> values[] = {
      {"written", components::ExecAcknowledge::kWritten}, {"line", components::ExecAcknowledge::kLine}};
};

namespace components {
namespace {

constexpr char kComponent[] = "exec";
constexpr int64_t kNsPerMs = 1'000'000;
constexpr int64_t kWatchesPerTimeout = 4;

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  TRY_ASSIGN(loop::UvLoop* const loop, required_service<loop::UvLoop>(context, "an exec sink", "event loop"));
  return std::make_unique<ExecSink>(std::move(context), config_of<ExecSinkConfig>(parsed), *loop);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "exec";
  d.summary = "Runs a program and writes one line per event to its standard input.";
  d.description =
      "An event is written as its bytes; where they hold a line break, white space between tokens is stripped. A "
      "tombstone is written as null. With `acknowledge: line` the program writes a line, whatever it holds, to "
      "its "
      "standard output for each event it is done with, in their order; what it said nothing of when it ended is "
      "written "
      "to the next one again. With `acknowledge: written` an event is done when its line is in the pipe: what the "
      "program "
      "had not read when it died is lost, and what it says goes to the log. Its standard error always does.\n\n"
      "A program that ends is started again, and so is one that takes and says nothing for `timeout` while events "
      "wait for it: it is killed. When the pipeline stops, its input ends; if it has not ended by "
      "itself "
      "after `stop_timeout`, it gets SIGTERM, and SIGKILL after as long again.";
  d.input_trust =
      "Events are valid JSON by then; nothing in one can make a second line. The program has all our rights.";
  d.guarantee = "At least once with `acknowledge: line`; else at least once as far as the pipe to the program.";
  d.delivery = Guarantee::kAtLeastOnce;
  d.examples = {{"Into a program that only reads", "exec: {command: [logger, --tag, shop]}"},
                {"Into a program that answers each event", "exec: {command: [./load.py], acknowledge: line}"}};
  bind_spec(
      d,
      ConfigSpec<ExecSinkConfig>()
          .field("command", &ExecSinkConfig::command, config::command_field(true))
          .field("directory", &ExecSinkConfig::directory, config::directory_field())
          .field("acknowledge", &ExecSinkConfig::acknowledge,
                 {.description = "When an event is done: `line`, when the program has written a line for it; "
                                 "`written`, when its line is in the pipe."})
          .field("restart", &ExecSinkConfig::restart, {.description = "The pause before it is started again."})
          .field(
              "timeout", &ExecSinkConfig::timeout,
              {.description = "How long the program may take no byte and write no line while events wait for it, "
                              "its start included, before it is killed and started again.",
               .minimum = 1,
               .maximum = 86'400'000})
          .field("stop_timeout", &ExecSinkConfig::stop_timeout, config::stop_timeout_field()),
      [](const ExecSinkConfig& config, const ConfigNode& node, ConfigProblems& problems) {
        config::check_command(config.command, node, problems);
      });
  d.create_sink = create;
  d.repeats = [](const ParsedConfig&, const std::string&) -> std::string {
    return "writes each line to the program again";
  };
  return d;
}

}  // namespace

const Descriptor& exec_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

ExecSink::ExecSink(ComponentContext context, const ExecSinkConfig& config, loop::UvLoop& loop)
    : context_(std::move(context)),
      config_(config),
      output_([this](std::string_view line) {
        log_info(kComponent, line, {{"component", context_.pipeline + "/" + context_.name}});
      }),
      child_(loop, context_.clock, {kComponent, context_.pipeline + "/" + context_.name},
             child_settings(config.command, config.directory, context_.base_dir),
             {config.restart.initial.ms, config.restart.max.ms},
             {[this](std::string_view bytes) { has_output(bytes); }, [this] { pump(); },
              [this](loop::ChildExit exit) { has_ended(exit); }}) {}

ExecSink::~ExecSink() {
  ASSERT_WHY(!under_way_ && waiting_.empty(), "close() ends the writes");
}

Status ExecSink::restore(const std::string& token) {
  ASSERT_WHY(token.empty(), "an exec sink has no token");
  return {};
}

void ExecSink::token(TokenDone) {
  ASSERT_WHY(false, "an exec sink has no token");
}

Status ExecSink::start() {
  LOOP_ASSERT(context_.loop);
  return child_.start();
}

void ExecSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "no write after close");
  if (batch->empty()) return done({});
  waiting_.push_back({std::move(batch), std::move(done)});
  pump();
}

void ExecSink::pump() {
  if (under_way_ || waiting_.empty() || closing_) return;
  if (child_.child() == nullptr) return refuse_waiting();
  under_way_ = std::move(waiting_.front());
  waiting_.pop_front();
  ++job_number_;
  in_pipe_ = false;
  acknowledged_ = 0;
  auto lines = std::make_shared<std::string>();
  formats::append_lines(*under_way_->batch, *lines);
  child_.child()->write(std::move(lines),
                        alive_.guard([this, job = job_number_](bool written) { has_written(job, written); }));
  moved_ns_ = context_.clock.monotonic_ns();
  unwritten_ = child_.child()->unwritten_bytes();
  if (watch_timer_ == nullptr) watch_later();
}

void ExecSink::watch_later() {
  const int64_t wait_ms = std::max<int64_t>(config_.timeout.ms / kWatchesPerTimeout, 1);
  watch_timer_ = context_.loop.start_timer(wait_ms, [this] {
    const auto fired = std::move(watch_timer_);
    watch();
  });
}

// A pipe tells of what was taken only by what it still has to take.
void ExecSink::watch() {
  if (!under_way_ || hung_ || closing_) return;
  ASSERT(child_.child() != nullptr);
  const int64_t now_ns = context_.clock.monotonic_ns();
  if (const size_t unwritten = child_.child()->unwritten_bytes(); unwritten != unwritten_) {
    unwritten_ = unwritten;
    moved_ns_ = now_ns;
  }
  if (now_ns - moved_ns_ < config_.timeout.ms * kNsPerMs) return watch_later();
  hung_ = true;
  child_.child()->signal(SIGKILL);
}

// Of a job that ended otherwise (the child did) this comes late.
void ExecSink::has_written(uint64_t job, bool written) {
  if (!under_way_ || job != job_number_ || !written) return;
  in_pipe_ = true;
  moved_ns_ = context_.clock.monotonic_ns();
  if (!by_line() || acknowledged_ == under_way_->batch->size()) job_done();
}

void ExecSink::has_output(std::string_view bytes) {
  const auto lines = static_cast<size_t>(std::count(bytes.begin(), bytes.end(), '\n'));
  if (lines > 0) moved_ns_ = context_.clock.monotonic_ns();
  if (!by_line()) return output_.add(bytes);
  const size_t missing = under_way_ ? under_way_->batch->size() - acknowledged_ : 0;
  if (lines > missing && !std::exchange(told_of_extra_, true)) {
    log_warning(kComponent,
                "the program writes more lines than it was given events; with acknowledge: line each stands "
                "for one event",
                {{"component", context_.pipeline + "/" + context_.name}});
  }
  acknowledged_ += std::min(lines, missing);
  if (under_way_ && in_pipe_ && acknowledged_ == under_way_->batch->size()) job_done();
}

void ExecSink::job_done() {
  Job job = std::move(*under_way_);
  under_way_.reset();
  job.done({});
  pump();
}

void ExecSink::give_back(Job job, size_t acknowledged) {
  std::vector<EventOutcome> outcomes(job.batch->size());
  for (size_t i = acknowledged; i < outcomes.size(); ++i) outcomes[i] = {Outcome::kRetry, away_, 0};
  job.done(std::move(outcomes));
}

void ExecSink::refuse_waiting() {
  for (Job& job : std::exchange(waiting_, {})) give_back(std::move(job), 0);
}

void ExecSink::has_ended(loop::ChildExit exit) {
  const std::string name = "'" + config_.command[0] + "'";
  const std::string hung = name + " took and answered nothing for " + std::to_string(config_.timeout.ms) +
                           " ms and was killed; if it needs longer, raise `timeout`";
  const std::string why = std::exchange(hung_, false) ? hung : name + " ended with " + exit.describe();
  watch_timer_ = nullptr;
  away_ = {ErrorCode::kUnavailable, why + "; it is started again", true, {}};
  child_.restart_later(why);
  if (under_way_) {
    Job job = std::move(*under_way_);
    under_way_.reset();
    give_back(std::move(job), acknowledged_);
  }
  refuse_waiting();
}

void ExecSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  watch_timer_ = nullptr;
  away_ = {ErrorCode::kCancelled, "the sink is being closed", true, {}};
  if (under_way_) {
    Job job = std::move(*under_way_);
    under_way_.reset();
    give_back(std::move(job), acknowledged_);
  }
  refuse_waiting();
  child_.stop(true, config_.stop_timeout.ms, std::move(closed));
}

}  // namespace components
}  // namespace colloquium
