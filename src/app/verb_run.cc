// `run`: pipelines until they are stopped, or until every finite source is drained.

#include <cstdlib>
#include <ostream>
#include <utility>

#include "app/foundation.h"
#include "app/pipeline_files.h"
#include "app/process_run.h"
#include "app/verb.h"
#include "base/logging.h"
#include "config/problems.h"
#include "config/redact.h"
#include "io/forgetful_file_system.h"

namespace colloquium::app {
namespace {

// Not a flag: nobody should find it in the help and think it a mode of operation.
constexpr const char* kForgetVariable = "COLLOQUIUM_TEST_FORGET_UNSYNCED";

struct Options {
  std::vector<std::string> files;
  std::optional<std::string> data_dir, listen, admin, tls_certificate, tls_key, tls_client_ca, tls_minimum,
      workers, environment, log_level, log_format, drain_timeout;
  std::vector<std::string> sets;
  bool dry_run = false;
  bool from_start = false;
};

using Flags = std::vector<std::pair<std::string, std::string>>;

// As settings know them. --set comes last, and so wins over the flag of the same setting.
Result<Flags> flags_of(const Options& options) {
  Flags flags;
  const auto put = [&](const char* name, const std::optional<std::string>& value) {
    if (value) flags.emplace_back(name, *value);
  };
  put("data-dir", options.data_dir);
  put("listen", options.listen);
  put("admin", options.admin);
  put("tls-certificate", options.tls_certificate);
  put("tls-key", options.tls_key);
  put("tls-client-ca", options.tls_client_ca);
  put("tls-minimum", options.tls_minimum);
  put("workers", options.workers);
  put("log-level", options.log_level);
  put("log-format", options.log_format);
  put("drain-timeout", options.drain_timeout);
  for (const std::string& set : options.sets) {
    const size_t equals = set.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(ErrorCode::kInvalidConfig,
                  "--set takes KEY=VALUE, as in --set drain_timeout=10s; got '" + set + "'");
    }
    flags.emplace_back(set.substr(0, equals), set.substr(equals + 1));
  }
  return flags;
}

// Everything a start would do, without doing it.
Exit print_plan(const std::vector<LoadedPipeline>& pipelines, const config::LoadedSettings& settings,
                Console& console) {
  for (const LoadedPipeline& pipeline : pipelines) console.out << pipeline.plan->explain();
  console.out << "settings\n";
  for (const config::SettingOrigin& setting : settings.origins) {
    // 0 stands for a number that depends on the machine; what counts is which.
    const bool chosen_here = setting.name == "workers" && settings.settings.workers == 0;
    console.out << "  " << setting.name << ": "
                << (chosen_here ? std::to_string(default_workers()) : setting.value) << " (" << setting.origin
                << ")\n";
  }
  return Exit::kDone;
}

// From here on things are opened.
Exit start(const Options& options, const config::Settings& settings, const std::vector<LoadedPipeline>& pipelines,
           Console& console) {
  RunRequest request{settings, {}, options.from_start};
  for (const LoadedPipeline& pipeline : pipelines) request.plans.push_back(pipeline.plan);
  if (std::getenv(kForgetVariable) == nullptr) {
    return ProcessRun(std::move(request), io::posix_file_system(), console).run();
  }
  console.err << "warning: " << kForgetVariable
              << " is set: everything not synced is LOST when this process is killed. For tests only.\n";
  io::ForgetfulFileSystem forgetful(io::posix_file_system(), settings.data_dir + ".unsynced");
  return ProcessRun(std::move(request), forgetful, console).run();
}

Exit run(const Options& options, Console& console) {
  auto flags = flags_of(options);
  if (!flags) return refuse(console, flags.error());
  // Settings and pipelines are read before either is judged: all problems at once.
  ConfigProblems problems;
  const config::LoadedSettings settings = load_process_settings(options.environment, std::move(*flags), problems);
  const std::vector<std::string>& files = options.files.empty() ? settings.settings.pipelines : options.files;
  LoadedPipelines loaded = load_pipelines(files);
  problems.insert(problems.end(), loaded.problems.begin(), loaded.problems.end());
  console.err << config::describe(problems);
  if (config::has_errors(problems)) return Exit::kRefused;
  if (files.empty()) {
    return refuse(console, "there is no pipeline to run: name a FILE, or list 'pipelines' in colloquium.yaml");
  }
  if (options.dry_run) return print_plan(loaded.pipelines, settings, console);
  set_log_level(settings.settings.log_level);
  set_log_format(settings.settings.log_format);
  return start(options, settings.settings, loaded.pipelines, console);
}

// Texts, not numbers: settings parse and check them, and name the flag in their messages.
std::vector<VerbOption> options_of(Options& options) {
  return {
      {"--data-dir", "DIR", "where the event log is; default ./colloquium-data", &options.data_dir},
      {"--listen", "ADDRESS", "where http sources listen; default 127.0.0.1:8080; port 0 takes a free one",
       &options.listen},
      {"--admin", "ADDRESS", "where metrics and health are; default 127.0.0.1:9464; 'off' for none",
       &options.admin},
      {"--tls-certificate", "FILE", "certificate of --listen, which then speaks TLS only; SIGHUP reads it again",
       &options.tls_certificate},
      {"--tls-key", "FILE", "its private key", &options.tls_key},
      {"--tls-client-ca", "FILE", "take only clients with a certificate of these authorities",
       &options.tls_client_ca},
      {"--tls-minimum", "VERSION", "TLSv1.2 or TLSv1.3; default TLSv1.2", &options.tls_minimum},
      {"--workers", "N", "threads that run scripts; default: one less than there are cores", &options.workers},
      {"--env", "NAME", "also read colloquium.NAME.yaml", &options.environment},
      {"--set", "KEY=VALUE", "any setting of colloquium.yaml; may be repeated", &options.sets},
      {"--log-level", "LEVEL", "debug, info, warning, error or off; default info", &options.log_level},
      {"--log-format", "FORMAT", "console or json; default console", &options.log_format},
      {"--drain-timeout", "TIME", "how long a stop waits for what was accepted; default 30s",
       &options.drain_timeout},
      {"--dry-run", "", "check everything, print the legs and settings, and start nothing", &options.dry_run},
      {"--from-start", "", "read files, finished ones too, and Kafka topics again from their start", &options.from_start},
      {"FILE", "", "pipeline files; default: those listed in colloquium.yaml", &options.files},
  };
}

}  // namespace

Verb run_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "run";
  verb.summary = "Run pipelines";
  verb.description =
      "Runs until SIGTERM or SIGINT, or until every source is read to its end and committed. The first signal\n"
      "stops intake and drains; a second one ends the process at once. Nothing acknowledged is lost either\n"
      "way.";
  verb.example = "colloquium run orders.yaml --data-dir /var/lib/colloquium --listen 0.0.0.0:8080";
  verb.options = options_of(*options);
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
