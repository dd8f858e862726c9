// `log verify`: every byte of a data directory. Nothing here locks it or writes to it.

#include <ostream>

#include "app/counted.h"
#include "app/json_report.h"
#include "app/log_keys.h"
#include "app/progress_line.h"
#include "app/verb_log.h"
#include "base/thread_executor.h"
#include "log/verify.h"

namespace colloquium::app {
namespace {

// A look at what a running process is about to finish, and the next.
constexpr int64_t kPauseNs = 50'000'000;

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string format = "text";
  KeyOptions keys;
};

void print_text(const log::VerifyReport& report, std::ostream& out) {
  if (!report.unfinished.empty()) {
    out << report.unfinished << "; what follows is how the directory stands in the middle of it\n";
  }
  for (const log::VerifyProblem& problem : report.problems) out << problem.describe() << "\n";
  for (const std::string& note : report.notes) out << "note: " << note << "\n";
  for (const auto& [key, segments] : report.keys_needed) {
    out << counted(segments, "segment") << (segments == 1 ? " is" : " are") << " encrypted with the key " << key
        << ", which is not given: what their batches hold was not checked; give it with --key-file\n";
  }
  out << counted(report.events, "event") << " in " << counted(report.batches, "batch") << " of "
      << counted(report.partitions, "partition") << ", and the commit journal; " << counted(report.bytes, "byte")
      << " in " << counted(report.segments, "segment") << ": " << counted(report.problems.size(), "problem") << "\n";
}

void put_problem(const log::VerifyProblem& problem, JsonReport& json) {
  const auto known = [](int64_t offset) { return offset < 0 ? std::nullopt : std::optional(offset); };
  json.begin_object();
  json.put("stream", problem.stream.empty() ? std::nullopt : std::optional(problem.stream));
  json.put("partition", problem.partition);
  json.put("file", problem.file);
  json.put("position", problem.position);
  json.put("first_offset", known(problem.first_offset));
  json.put("last_offset", known(problem.last_offset));
  json.put("torn", problem.torn);
  json.put("what", problem.what);
  json.end_object();
}

std::string json_text(const log::VerifyReport& report) {
  JsonReport json;
  json.put("damaged", report.corrupt());
  json.put("unfinished", report.unfinished.empty() ? std::nullopt : std::optional(report.unfinished));
  json.put("partitions", report.partitions);
  json.put("segments", report.segments);
  json.put("batches", report.batches);
  json.put("events", report.events);
  json.put("bytes", report.bytes);
  json.begin_array("problems");
  for (const log::VerifyProblem& problem : report.problems) put_problem(problem, json);
  json.end_array();
  json.begin_array("notes");
  for (const std::string& note : report.notes) json.add(note);
  json.end_array();
  json.begin_object("keys_needed");
  for (const auto& [key, segments] : report.keys_needed) json.put(key, segments);
  json.end_object();
  return json.text();
}

// What a crash left above everything acknowledged is told but is no failure: the next start mends it.
Exit verify(const Options& options, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  ThreadExecutor executor;
  const auto pause = [&executor] { (void)executor.make_signal()->wait(kPauseNs); };
  ProgressLine progress(console, "% verified");
  const auto show = [&progress](uint64_t done, uint64_t total) { progress.show_share(done, total); };
  const auto report = log::verify_data_directory(log_files(), options.data_dir, show, *keys, pause);
  progress.clear();
  if (!report) return refuse(console, report.error());
  if (options.format == "json") {
    console.out << json_text(*report);
  } else {
    print_text(*report, console.out);
  }
  return report->corrupt() || !report->unfinished.empty() ? Exit::kFailed : Exit::kDone;
}

}  // namespace

Verb log_verify_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "verify";
  verb.summary = "Check every batch of a data directory";
  verb.description =
      "Reads every byte, and says where something is damaged; exits with 1 if anything acknowledged is. What\n"
      "a crash left half written is told too, as torn: the next start cuts it off. Works beside a running "
      "process,\n"
      "too: what that is about to write is waited for.";
  verb.example = "colloquium log verify --data-dir /var/lib/colloquium";
  verb.options = key_options(options->keys);
  verb.options.insert(
      verb.options.begin(),
      {data_dir_option(options->data_dir),
       {"--format", "FORMAT", "for people, or one JSON object", &options->format, false, {"text", "json"}}});
  verb.run = [options](Console& console) { return verify(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
