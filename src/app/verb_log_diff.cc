// `log diff`: what two versions of a pipeline make of the same events. No sink is touched, nothing is locked.

#include <charconv>
#include <ostream>
#include <utility>

#include "app/counted.h"
#include "app/data_directory.h"
#include "app/foundation.h"
#include "app/json_difference.h"
#include "app/output_difference.h"
#include "app/pipeline_files.h"
#include "app/recorded_calls.h"
#include "app/verb_log.h"
#include "config/problems.h"
#include "engine/dry_run.h"
#include "engine/plan_data.h"
#include "engine/replay_feed.h"
#include "json/escape.h"

namespace colloquium::app {
namespace {

constexpr size_t kShownLength = 200;  // of a value, in text
constexpr int64_t kProgressNs = 500'000'000;

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string stream;
  std::vector<std::string> pipelines;
  std::optional<std::string> partition, from, to, key_file;
  std::string show = "10";
  std::string format = "text";
};

struct Versions {
  LoadedPipeline old_version, new_version;
};

// Each by itself: as two pipelines of one process they would collide over names and files.
Result<LoadedPipeline> load(const std::string& file, Console& console) {
  const LoadedPipelines loaded = load_offline_pipeline(file);
  console.err << config::describe(loaded.problems);
  if (!loaded.ok()) return fail(ErrorCode::kInvalidConfig, "the pipeline of '" + file + "' can't run as it is");
  return loaded.pipelines.at(0);
}

Result<Versions> load_both(const Options& options, Console& console) {
  if (options.pipelines.size() != 2) {
    return fail(ErrorCode::kInvalidConfig,
                "give --pipeline twice: the old version first, as in --pipeline old.yaml --pipeline new.yaml");
  }
  Versions versions;
  TRY_ASSIGN(versions.old_version, load(options.pipelines[0], console));
  TRY_ASSIGN(versions.new_version, load(options.pipelines[1], console));
  return versions;
}

Result<size_t> shown_of(const Options& options) {
  size_t number = 0;
  const std::string& text = options.show;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && after == text.data() + text.size()) return number;
  return fail(ErrorCode::kInvalidConfig, "--show takes a number of differences; got '" + text + "'");
}

std::vector<std::string> sink_names(const engine::Plan& plan) {
  std::vector<std::string> names;
  for (const config::ComponentConfig& sink : plan.data().config.sinks) names.push_back(sink.name);
  return names;
}

std::string cut(const std::string& text) {
  return text.size() <= kShownLength ? text : text.substr(0, kShownLength) + "…";
}

// What both would ask models about, beyond what is recorded.
struct WouldAsk {
  RecordedCalls::Asked old_version, new_version;
};

// The versions as people see them: by their files.
class Report {
 public:
  Report(const Options& options, const OutputDifference& difference, uint64_t events, WouldAsk would_ask,
         Console& console)
      : options_(options), difference_(difference), events_(events), would_ask_(would_ask), console_(console) {}

  void print_text() const {
    console_.out << counted(events_, "event") << " of " << options_.stream << "\n";
    for (const OutputDifference::Counts& counts : difference_.sinks()) print_counts("sink " + counts.sink, counts);
    print_counts("dead letters", difference_.dead_letters());
    if (difference_.open() > 0) print_open();
    if (!difference_.shown().empty()) console_.out << "\n";
    for (const OutputDifference::Difference& one : difference_.shown()) print_difference(one);
    const uint64_t more = difference_.total() - difference_.shown().size();
    if (more > 0) console_.out << "and " << more << " more; --show N shows more of them\n";
  }

  void print_json() const {
    std::string out =
        "{\"stream\":" + json::quoted(options_.stream) + ",\"old\":" + json::quoted(options_.pipelines[0]) +
        ",\"new\":" + json::quoted(options_.pipelines[1]) + ",\"events\":" + std::to_string(events_) +
        ",\"equal\":" + (difference_.equal() ? "true" : "false") + ",\"sinks\":[";
    for (const OutputDifference::Counts& counts : difference_.sinks()) {
      if (out.back() != '[') out += ",";
      out += "{\"sink\":" + json::quoted(counts.sink) + "," + json_counts(counts) + "}";
    }
    out += "],\"dead_letters\":{" + json_counts(difference_.dead_letters()) + "}" + json_open() +
           ",\"differences\":[";
    for (const OutputDifference::Difference& one : difference_.shown()) {
      if (out.back() != '[') out += ",";
      out += "{\"id\":" + json::quoted(one.id) + (one.sink.empty() ? "" : ",\"sink\":" + json::quoted(one.sink));
      if (one.sink.empty()) out += ",\"dead_letter\":true";
      if (!one.old_value.empty()) out += ",\"old\":" + one.old_value;
      if (!one.new_value.empty()) out += ",\"new\":" + one.new_value;
      out += "}";
    }
    console_.out << out << "]}\n";
  }

 private:
  static std::string json_counts(const OutputDifference::Counts& counts) {
    return "\"equal\":" + std::to_string(counts.equal) + ",\"changed\":" + std::to_string(counts.changed) +
           ",\"only_old\":" + std::to_string(counts.only_old) + ",\"only_new\":" + std::to_string(counts.only_new);
  }

  void print_open() const {
    console_.out << "not compared: " << counted(difference_.open(), "event")
                 << " with questions to models whose answers are not recorded\n";
    const auto asks = [&](size_t version, const RecordedCalls::Asked& asked) {
      if (asked.calls == 0) return;
      console_.out << "  " << options_.pipelines[version] << " would ask: " << counted(asked.calls, "call") << ", "
                   << usd_text(asked.most) << " USD at most\n";
    };
    asks(0, would_ask_.old_version);
    asks(1, would_ask_.new_version);
  }

  std::string json_open() const {
    if (difference_.open() == 0) return {};
    const auto asked = [](const RecordedCalls::Asked& calls) {
      return "{\"calls\":" + std::to_string(calls.calls) + ",\"usd_at_most\":" + usd_text(calls.most) + "}";
    };
    return ",\"not_compared\":{\"events\":" + std::to_string(difference_.open()) +
           ",\"old_would_ask\":" + asked(would_ask_.old_version) +
           ",\"new_would_ask\":" + asked(would_ask_.new_version) + "}";
  }

  void print_counts(const std::string& what, const OutputDifference::Counts& counts) const {
    console_.out << what << ": " << counts.equal << " equal, " << counts.changed << " changed, " << counts.only_old
                 << " only old, " << counts.only_new << " only new";
    if (!counts.in_old) console_.out << " (" << options_.pipelines[0] << " has no such sink)";
    if (!counts.in_new) console_.out << " (" << options_.pipelines[1] << " has no such sink)";
    console_.out << "\n";
  }

  void print_difference(const OutputDifference::Difference& one) const {
    console_.out << one.id << " " << (one.sink.empty() ? "dead letter" : one.sink) << ": ";
    if (one.old_value.empty()) {
      console_.out << "only new: " << cut(one.new_value) << "\n";
    } else if (one.new_value.empty()) {
      console_.out << "only old: " << cut(one.old_value) << "\n";
    } else {
      console_.out << json_difference(one.old_value, one.new_value, {"old", "new"}) << "\n";
    }
  }

  const Options& options_;
  const OutputDifference& difference_;
  const uint64_t events_;
  const WouldAsk would_ask_;
  Console& console_;
};

// Both versions over every batch of the part, one after the other.
class Comparison {
 public:
  Comparison(const Options& options, Foundation& foundation, Console& console)
      : options_(options), foundation_(foundation), console_(console) {}

  Status run(const Versions& versions, const std::vector<engine::ReplaySpan>& spans,
             OutputDifference& difference) {
    TRY_ASSIGN(const auto keys, keys_of({versions.old_version.plan, versions.new_version.plan}, options_.key_file,
                                        foundation_.chance()));
    TRY_ASSIGN(const Version old_run, version(*versions.old_version.plan, keys));
    TRY_ASSIGN(const Version new_run, version(*versions.new_version.plan, keys));
    for (const engine::ReplaySpan& span : spans) {
      TRY_ASSIGN(auto reader, log::open_reader(log_files(), options_.data_dir, options_.stream, span.partition,
                                               span.from, keys, &stored_tapes(), true));
      engine::ReplayFeed feed(std::move(reader), span, nullptr, foundation_.clock());
      for (int64_t next = span.from;;) {
        TRY_ASSIGN(const auto item, feed.read(next));
        if (!item) break;
        difference.add(*item->batch, old_run.run->run(item->batch), new_run.run->run(item->batch));
        for (const Version* each : {&old_run, &new_run}) {
          if (each->calls->failure()) return fail(*each->calls->failure());
        }
        events_ += item->batch->size();
        next = item->next_sequence;
        show_progress();
      }
    }
    would_ask_ = {old_run.calls->asked(), new_run.calls->asked()};
    if (shown_ns_ != 0) console_.err << "\r\033[K" << std::flush;
    return {};
  }

  uint64_t events() const { return events_; }
  const WouldAsk& would_ask() const { return would_ask_; }

 private:
  struct Version {
    std::unique_ptr<RecordedCalls> calls;
    std::unique_ptr<engine::DryRun> run;
  };

  Result<Version> version(const engine::Plan& plan, const std::shared_ptr<const log::KeyRing>& keys) {
    Version made;
    TRY_ASSIGN(made.calls, RecordedCalls::create(plan, log_files(), options_.data_dir, options_.stream, keys));
    TRY_ASSIGN(made.run,
               engine::DryRun::create(plan, foundation_.environment(nullptr, false), made.calls->calls()));
    return made;
  }

  void show_progress() {
    const int64_t now_ns = foundation_.clock().monotonic_ns();
    if (!console_.err_is_terminal || now_ns < shown_ns_ + kProgressNs) return;
    shown_ns_ = now_ns;
    console_.err << "\r\033[K" << events_ << " events" << std::flush;
  }

  const Options& options_;
  Foundation& foundation_;
  Console& console_;
  uint64_t events_ = 0;
  WouldAsk would_ask_;
  int64_t shown_ns_ = 0;
};

struct Prepared {
  Versions versions;
  std::vector<engine::ReplaySpan> spans;
  size_t shown = 0;
  std::unique_ptr<Foundation> foundation;
};

Result<Prepared> prepare(const Options& options, Console& console) {
  Prepared prepared;
  TRY_ASSIGN(prepared.shown, shown_of(options));
  TRY_ASSIGN(prepared.versions, load_both(options, console));
  TRY_ASSIGN(const log::StreamInfo stream, find_stream(options.data_dir, options.stream));
  TRY_ASSIGN(prepared.spans,
             readable_spans(options.data_dir, stream, options.partition, options.from, options.to));
  TRY_ASSIGN(prepared.foundation, Foundation::create(log_files(), 1));
  return prepared;
}

Exit diff(const Options& options, Console& console) {
  const auto prepared = prepare(options, console);
  if (!prepared) return refuse(console, prepared.error());
  const Versions& versions = prepared->versions;
  OutputDifference difference(sink_names(*versions.old_version.plan), sink_names(*versions.new_version.plan),
                              prepared->shown);
  Comparison comparison(options, *prepared->foundation, console);
  const Status compared = comparison.run(versions, prepared->spans, difference);
  if (!compared) return fail_running(console, compared.error());
  const Report report(options, difference, comparison.events(), comparison.would_ask(), console);
  if (options.format == "json") {
    report.print_json();
  } else {
    report.print_text();
  }
  return difference.equal() ? Exit::kDone : Exit::kFailed;
}

std::vector<VerbOption> options_of(Options& options) {
  return {
      {"--pipeline", "FILE", "a version of the pipeline; given twice, the old one first", &options.pipelines,
       true},
      {"--from", "OFFSET|TIME|beginning", "the first event; a time is when it was appended; default: beginning",
       &options.from},
      {"--to", "OFFSET|TIME", "the first event not to look at; default: where the stream ends now", &options.to},
      {"--partition", "N", "only this partition; default: all, one after the other", &options.partition},
      {"--show", "N", "how many differences to show; default 10", &options.show},
      {"--format", "FORMAT", "for people, or one JSON object", &options.format, false, {"text", "json"}},
      {"--key-file", "FILE", "keys of an encrypted log; default: those that a pipeline names", &options.key_file},
      data_dir_option(options.data_dir),
      {"STREAM", "", "the stream; 'colloquium log ls' lists them", &options.stream, true},
  };
}

}  // namespace

Verb log_diff_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "diff";
  verb.summary = "Show what two versions of a pipeline make of the same events";
  verb.description =
      "Runs the stages of both, and the `when` of every sink, over a part of the stream, and compares what\n"
      "each sink would get. Nothing is delivered, nothing is locked. What models have answered is taken from\n"
      "the records; none is asked, and events with questions that are not recorded are told. Exits with 0 if\n"
      "nothing differs, with 1 if anything does, or may.";
  verb.example = "colloquium log diff orders --from 2026-11-01T00:00Z --pipeline old.yaml --pipeline new.yaml";
  verb.options = options_of(*options);
  verb.run = [options](Console& console) { return diff(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
