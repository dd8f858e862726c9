// `log replay`: a part of a stream once more through a pipeline.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <ostream>
#include <utility>

#include "app/pipeline_files.h"
#include "app/replay_run.h"
#include "app/verb_log.h"
#include "base/logging.h"
#include "config/problems.h"
#include "engine/plan_data.h"
#include "engine/replay_pace.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string stream;
  std::optional<std::string> pipeline, data_dir, partition, from, to, rate, speed, resume, key_file, workers,
      environment;
  bool yes = false;
  bool fresh_ai = false;
};

// A positive number; `suffix` may stand behind it.
Result<double> positive(const std::string& text, std::string_view suffix, const char* flag, const char* example) {
  std::string_view digits = text;
  if (digits.ends_with(suffix)) digits.remove_suffix(suffix.size());
  double number = 0;
  const auto [after, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error == std::errc() && after == digits.data() + digits.size() && number > 0 && std::isfinite(number)) {
    return number;
  }
  return fail(ErrorCode::kInvalidConfig, std::string(flag) + " takes a number above 0, as in " + flag + " " +
                                             example + "; got '" + text + "'");
}

Result<std::shared_ptr<engine::ReplayPace>> pace_of(const Options& options) {
  if (options.rate && options.speed) {
    return fail(ErrorCode::kInvalidConfig, "give --rate or --speed, not both: each says when events go");
  }
  if (options.rate) {
    TRY_ASSIGN(const double rate, positive(*options.rate, "", "--rate", "1000"));
    return std::make_shared<engine::ReplayPace>(rate, 0);
  }
  if (!options.speed) return std::shared_ptr<engine::ReplayPace>();
  TRY_ASSIGN(const double speed, positive(*options.speed, "x", "--speed", "10x"));
  return std::make_shared<engine::ReplayPace>(0, speed);
}

Status check_resume(const Options& options) {
  if (!options.resume) return {};
  if (!options.from && !options.to && !options.partition) return {};
  return fail(ErrorCode::kInvalidConfig,
              "--resume goes on with the part that was chosen then: leave out --from, --to and --partition");
}

// The pipeline named with --pipeline; else the one of colloquium.yaml that has the stream's name.
Result<LoadedPipeline> choose_pipeline(const Options& options, const config::Settings& settings,
                                       Console& console) {
  const std::vector<std::string> files =
      options.pipeline ? std::vector<std::string>{*options.pipeline} : settings.pipelines;
  const LoadedPipelines loaded = load_pipelines(files);
  if (!loaded.ok() || options.pipeline) console.err << config::describe(loaded.problems);
  if (!loaded.ok()) return fail(ErrorCode::kInvalidConfig, "the pipeline can't run as it is");
  for (const LoadedPipeline& pipeline : loaded.pipelines) {
    if (options.pipeline || pipeline.name == options.stream) return pipeline;
  }
  return fail(ErrorCode::kInvalidConfig,
              "name the pipeline to replay through with --pipeline FILE: colloquium.yaml "
              "lists none of the name '" +
                  options.stream + "'");
}

// What would be there twice is said before anything is delivered. A replay that goes on was agreed to when it
// began.
Status ask(const Options& options, const engine::Plan& plan, Console& console) {
  bool repeats = false;
  for (const config::ComponentConfig& sink : plan.data().config.sinks) {
    const std::string what = sink.descriptor->repeats
                                 ? sink.descriptor->repeats(sink.parsed, plan.data().config.base_dir)
                                 : "delivers each event again";
    if (what.empty() || options.yes || options.resume) continue;
    console.err << "sink " << sink.name << " " << what << "\n";
    repeats = true;
  }
  if (!repeats) return {};
  return fail(ErrorCode::kInvalidConfig,
              "this replay delivers what may have been delivered before; if that is "
              "what you want, add --yes");
}

config::LoadedSettings settings_of(const Options& options, ConfigProblems& problems) {
  std::vector<std::pair<std::string, std::string>> flags;
  if (options.data_dir) flags.emplace_back("data-dir", *options.data_dir);
  if (options.workers) flags.emplace_back("workers", *options.workers);
  return load_process_settings(options.environment, std::move(flags), problems);
}

Result<ReplayRequest> request_of(const Options& options, config::Settings settings, Console& console) {
  ReplayRequest request;
  TRY(check_resume(options));
  TRY_ASSIGN(request.pace, pace_of(options));
  TRY_ASSIGN(const LoadedPipeline pipeline, choose_pipeline(options, settings, console));
  TRY(ask(options, *pipeline.plan, console));
  request.settings = std::move(settings);
  request.plan = pipeline.plan;
  request.pipeline_file = pipeline.file;
  request.stream = options.stream;
  request.partition = options.partition;
  request.from = options.from;
  request.to = options.to;
  request.resume = options.resume;
  request.key_file = options.key_file;
  request.fresh_ai = options.fresh_ai;
  return request;
}

Exit replay(const Options& options, Console& console) {
  ConfigProblems problems;
  config::LoadedSettings settings = settings_of(options, problems);
  console.err << config::describe(problems);
  if (config::has_errors(problems)) return Exit::kRefused;
  set_log_level(settings.settings.log_level);
  set_log_format(settings.settings.log_format);
  auto request = request_of(options, std::move(settings.settings), console);
  if (!request) return refuse(console, request.error());
  return ReplayRun(std::move(*request), log_files(), console).run();
}

std::vector<VerbOption> options_of(Options& options) {
  return {
      {"--pipeline", "FILE",
       "the pipeline to replay through; default: the one of colloquium.yaml with STREAM's name",
       &options.pipeline},
      {"--from", "OFFSET|TIME|beginning", "the first event; a time is when it was appended; default: beginning",
       &options.from},
      {"--to", "OFFSET|TIME", "the first event not to replay; default: where the stream ends now", &options.to},
      {"--partition", "N", "only this partition; default: all, at once", &options.partition},
      {"--rate", "N", "at most so many events a second", &options.rate},
      {"--speed", "N", "as the events came, so many times as fast (10x)", &options.speed},
      {"--fresh-ai", "", "ask models again, and pay again, where answers are recorded", &options.fresh_ai},
      {"--yes", "", "also where a sink would deliver events again", &options.yes},
      {"--resume", "GENERATION", "go on with a replay that was interrupted", &options.resume},
      {"--data-dir", "DIR", "the data directory; default ./colloquium-data", &options.data_dir},
      {"--key-file", "FILE", "keys of an encrypted log; default: those that the pipeline names",
       &options.key_file},
      {"--workers", "N", "threads that run scripts; default: one less than there are cores", &options.workers},
      {"--env", "NAME", "also read colloquium.NAME.yaml", &options.environment},
      {"STREAM", "", "the stream; 'colloquium log ls' lists them", &options.stream, true},
  };
}

}  // namespace

Verb log_replay_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "replay";
  verb.summary = "Run a part of a stream through a pipeline once more";
  verb.description =
      "Reads the stream instead of the pipeline's sources, up to where it ends now, and runs stages and sinks.\n"
      "Events keep their ids, the running pipeline keeps its positions. Works beside a running process, too; "
      "while\n"
      "the data directory is free, progress is kept in it, and an interrupted replay can go on.";
  verb.example =
      "colloquium log replay orders --from 2026-11-01T00:00Z --pipeline new.yaml\n"
      "colloquium log replay orders --from 1200 --to 1300 --pipeline orders.yaml --yes";
  verb.options = options_of(*options);
  verb.run = [options](Console& console) { return replay(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
