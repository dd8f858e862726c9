#include "components/exec/exec_source.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "loop/uv_loop.h"
#include "metrics/source_drops.h"

namespace colloquium {

template <>
struct ConfigEnum<components::ExecRestartPolicy> {
  static constexpr std::pair<std::string_view, components::ExecRestartPolicy> values[] = {
      {"always", components::ExecRestartPolicy::kAlways},
      {"on_failure", components::ExecRestartPolicy::kOnFailure},
      {"never", components::ExecRestartPolicy::kNever}};
};

template <>
struct ConfigObject<components::ExecRestartConfig> {
  static ConfigSpec<components::ExecRestartConfig> spec() {
    using components::ExecRestartConfig;
    return ConfigSpec<ExecRestartConfig>()
        .field(
            "policy", &ExecRestartConfig::policy,
            {.description = "`on_failure`: again unless it ended with exit status 0, which ends the source. "
                            "`always`: again however it ended. `never`: its end is the source's, and anything but "
                            "exit status 0 an error."})
        .field("initial", &ExecRestartConfig::initial, config::first_wait_field())
        .field("max", &ExecRestartConfig::max, config::longest_wait_field())
        .shorthand("policy");
  }
};

namespace components {
namespace {

constexpr char kComponent[] = "exec";
constexpr size_t kMostWaiting = 2;  // bodies; each has at most what one read gives, and a line
// Of a program that was told to end, and is not made to wait lest it could not.
constexpr uint64_t kLastWordsBytes = uint64_t{16} << 20;

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(loop::UvLoop* const loop, required_service<loop::UvLoop>(context, "an exec source", "event loop"));
  return std::make_unique<ExecSource>(std::move(context), config_of<ExecSourceConfig>(parsed), *loop);
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "exec";
  d.summary = "Runs a program and reads the NDJSON lines of its standard output.";
  d.description =
      "One JSON value per line; blank lines are skipped. What the program says to its standard error goes to the "
      "log. "
      "While the pipeline takes nothing, its output is not read, so it has to wait, unless `overflow` says "
      "otherwise. It runs in a process group of "
      "its "
      "own with our environment; when the pipeline stops, the group gets SIGTERM, and SIGKILL after "
      "`stop_timeout`. A "
      "last line without line break counts if the program ended with exit status 0, and else is left out.";
  d.input_trust =
      "Any bytes may come in: a line that is no JSON, or is longer than max_event, goes to the dead letters. The "
      "program "
      "itself runs with all our rights.";
  d.guarantee =
      "A program's output cannot be read again: with the log nothing accepted is lost; what was read and not yet "
      "accepted is gone after a crash.";
  d.examples = {{"What a program prints, once", "exec: {command: [./list-orders, --json]}"},
                {"A program that is to run for ever",
                 "exec:\n  command: [journalctl, --follow, --output=json]\n  restart: always"},
                {"One that cannot wait, and whose newest words count",
                 "exec: {command: [./read-sensors], overflow: drop_old}"}};
  bind_spec(
      d,
      ConfigSpec<ExecSourceConfig>()
          .field("command", &ExecSourceConfig::command, config::command_field(true))
          .field("directory", &ExecSourceConfig::directory, config::directory_field())
          .field("restart", &ExecSourceConfig::restart, {.description = "What its end means."})
          .field("stop_timeout", &ExecSourceConfig::stop_timeout, config::stop_timeout_field())
          .field("overflow", &ExecSourceConfig::overflow, config::overflow_field())
          .field("max_event", &ExecSourceConfig::max_event,
                 {.description = "How much of a line is read; a longer one is cut there and goes to the dead "
                                 "letters.",
                  .advanced = true,
                  .minimum = 1,
                  .maximum = 64 << 20}),
      [](const ExecSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
        config::check_command(config.command, node, problems);
      });
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    const auto& config = config_of<ExecSourceConfig>(parsed);
    return SourceTraits{.rereadable = false,
                        .finite = config.restart.policy != ExecRestartPolicy::kAlways,
                        .max_event_bytes = config.max_event.bytes};
  };
  return d;
}

}  // namespace

const Descriptor& exec_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

ExecSource::ExecSource(SourceContext context, const ExecSourceConfig& config, loop::UvLoop& loop)
    : context_(std::move(context)),
      config_(config),
      cutter_(static_cast<size_t>(config.max_event.bytes), 0),
      queue_(context_.loop, context_.intake, {kComponent, context_.name, "", 1, config.overflow.value()},
             [this] { pump(); }),
      child_(loop, context_.clock, {kComponent, context_.pipeline + "/" + context_.name},
             child_settings(config.command, config.directory, context_.base_dir),
             {config.restart.initial.ms, config.restart.max.ms},
             {[this](std::string_view bytes) { has_output(bytes); }, [] {},
              [this](loop::ChildExit exit) { has_ended(exit); }}) {}

Status ExecSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  drops_ = metrics::register_drops(context_, "exec_source", queue_);
  left_ = metrics::register_left(context_, "exec_source", queue_);
  return child_.start();
}

void ExecSource::push(const formats::Lines& lines) {
  RawBatch batch;
  batch.body = lines.body;
  batch.format = BodyFormat::kNdjson;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = static_cast<int64_t>(lines.begin);
  const bool too_much = stopped_ && !queue_.drops() && queue_.waiting_bytes() >= kLastWordsBytes;
  if (closing_ || too_much) return queue_.leave(batch);
  queue_.push(std::move(batch));
}

void ExecSource::has_output(std::string_view bytes) {
  std::copy(bytes.begin(), bytes.end(), cutter_.room(bytes.size()).begin());
  cutter_.added(bytes.size());
  while (const auto lines = cutter_.take()) push(*lines);
  pump();
}

// Half a line may well be another valid event; of a clean end it is the last one.
void ExecSource::take_last_line(bool clean) {
  auto last = cutter_.finish();
  if (last && clean) {
    push(*last);
  } else if (last) {
    log_warning(kComponent, "the last line had no end and is left out",
                {{"source", context_.name}, {"bytes", last->body->size()}});
  }
}

void ExecSource::has_ended(loop::ChildExit exit) {
  take_last_line(exit.is_clean());
  const ExecRestartPolicy policy = config_.restart.policy;
  const std::string why = "'" + config_.command[0] + "' ended with " + exit.describe();
  const bool again =
      policy == ExecRestartPolicy::kAlways || (policy == ExecRestartPolicy::kOnFailure && !exit.is_clean());
  if (again && !stopped_) {
    child_.restart_later(why);
  } else {
    over_ = true;
    if (!exit.is_clean()) {
      failure_ = Error{ErrorCode::kUnavailable,
                       why + "; see what it wrote to its standard error, or set restart: on_failure",
                       false,
                       {}};
    }
  }
  pump();
}

void ExecSource::pump() {
  if (closing_) return;
  queue_.pump();
  if (stopped_) return tell_offered();
  if (child_.child() != nullptr) child_.child()->pause_output(!queue_.drops() && queue_.size() >= kMostWaiting);
  if (!over_ || !queue_.empty() || std::exchange(told_, true)) return;
  if (failure_) return context_.failed(*failure_);
  context_.finished();
}

void ExecSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  child_.stop(false, config_.stop_timeout.ms, alive_.guard([this] { child_is_gone(); }));
}

void ExecSource::child_is_gone() {
  gone_ = true;
  take_last_line(false);
  if (closed_) context_.loop.post(std::move(closed_));
  tell_offered();
}

void ExecSource::when_offered(Task offered) {
  LOOP_ASSERT(context_.loop);
  offered_ = std::move(offered);
  tell_offered();
}

void ExecSource::tell_offered() {
  if (!offered_ || !gone_ || !queue_.empty()) return;
  Task offered = std::exchange(offered_, nullptr);
  offered();
}

void ExecSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  closing_ = true;
  offered_ = nullptr;
  queue_.stop();
  if (gone_) {
    context_.loop.post(std::move(closed));
  } else {
    closed_ = std::move(closed);
  }
}

}  // namespace components
}  // namespace colloquium
