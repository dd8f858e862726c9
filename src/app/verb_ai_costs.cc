// `ai costs`: what pipelines have paid for language models. Nothing here locks the data directory or writes to it.

#include <ostream>

#include "app/cost_report.h"
#include "app/log_keys.h"
#include "app/verb_ai.h"
#include "app/verb_log.h"
#include "base/system_clock.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::optional<std::string> pipeline, since, key_file;
  std::string by = kCostsBy;
  std::string format = "text";
};

Exit costs(const Options& options, Console& console) {
  const int64_t now_ms = SystemClock().wall_ms();
  const auto columns = CostColumns::parse(options.by);
  if (!columns) return refuse(console, columns.error());
  const auto since_ms = options.since ? parse_since(*options.since, now_ms) : Result<int64_t>(0);
  if (!since_ms) return refuse(console, since_ms.error());
  const auto keys = key_ring_for_reading({options.key_file, std::nullopt}, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto found = ai::read_costs(log_files(), options.data_dir, options.pipeline, *keys);
  if (!found && found.error().code == ErrorCode::kCorrupt) return fail_running(console, found.error());
  if (!found) return refuse(console, found.error());
  if (found->empty()) {
    return refuse(console, (options.pipeline ? "pipeline '" + *options.pipeline + "' has recorded no calls in "
                                             : "no pipeline has recorded calls of language models in ") +
                               options.data_dir);
  }
  const CostReport report = cost_report(*found, *columns, *since_ms, now_ms);
  if (options.format == "json") {
    console.out << costs_json(report);
  } else {
    print_costs(report, console.out);
  }
  return Exit::kDone;
}

}  // namespace

Verb ai_costs_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "costs";
  verb.summary = "Show what pipelines have paid for language models";
  verb.description =
      "Adds up the recorded calls, also beside a running process, as far as they are on disk. A call counts for\n"
      "the day, in UTC, on which it was sent. Calls that were sent and never answered are unknown: all that was\n"
      "reserved for them may have been paid. A replay that has asked models is a row of its own. Days older than\n"
      "two months are one, 'older'.";
  verb.example =
      "colloquium ai costs\n"
      "colloquium ai costs --by day,model --since 7d\n"
      "colloquium ai costs --pipeline triage --by stage,prompt,arm --format json";
  verb.options = {
      data_dir_option(options->data_dir),
      {"--pipeline", "NAME", "only this pipeline and its replays; default: all", &options->pipeline},
      {"--by", "LIST",
       "a row for each of these: day, pipeline, stage, provider, model, key, prompt, arm; default "
       "pipeline,provider,model",
       &options->by},
      {"--since", "DAY|7d", "only calls of this day or later, or of so many days up to today", &options->since},
      {"--format", "FORMAT", "for people, or one JSON object", &options->format, false, {"text", "json"}},
      {"--key-file", "FILE", "the keys of an encrypted log", &options->key_file},
  };
  verb.run = [options](Console& console) { return costs(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
