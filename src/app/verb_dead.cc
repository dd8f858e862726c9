// `dead`: the dead letters. Looking at them locks nothing; putting back and dropping write to the log.

#include <atomic>
#include <iomanip>
#include <ostream>
#include <utility>

#include "app/admin_client.h"
#include "app/counted.h"
#include "app/dead_settling.h"
#include "app/json_report.h"
#include "app/log_keys.h"
#include "app/offline_log.h"
#include "app/time_text.h"
#include "app/verb_log.h"
#include "base/thread_executor.h"
#include "engine/dead_letters.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

using engine::Letter;
using engine::LetterFilter;
using engine::LetterReader;

constexpr std::string_view kDeadSuffix = ".dead";
// How much of an error a line of the list shows.
constexpr size_t kErrorBytes = 100;

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::optional<std::string> stream;
  std::vector<std::string> ids;
  std::optional<std::string> stage, error, from, to, into;
  bool all = false, dry_run = false;
  std::string format = "text";
  KeyOptions keys;
};

Result<std::optional<int64_t>> time_of(const std::optional<std::string>& text, const char* flag) {
  if (!text) return std::optional<int64_t>();
  const auto time_ms = parse_time_ms(*text);
  if (time_ms) return time_ms;
  return fail(ErrorCode::kInvalidConfig,
              std::string(flag) + " takes a time such as 2026-03-01T12:00:00Z; got '" + *text + "'");
}

Result<LetterFilter> filter_of(const Options& options) {
  LetterFilter filter;
  filter.ids = options.ids;
  filter.stage = options.stage;
  filter.error = options.error;
  TRY_ASSIGN(filter.since_ms, time_of(options.from, "--from"));
  TRY_ASSIGN(filter.before_ms, time_of(options.to, "--to"));
  return filter;
}

bool has_filter(const Options& options) {
  return !options.ids.empty() || options.stage || options.error || options.from || options.to;
}

bool is_there(const std::vector<log::StreamInfo>& streams, const std::string& name) {
  for (const log::StreamInfo& stream : streams) {
    if (stream.name == name) return true;
  }
  return false;
}

// Beside whatever process is writing.
Result<LetterReader> open_letters(const Options& options, const std::string& stream,
                                  const std::shared_ptr<const log::KeyRing>& keys) {
  TRY_ASSIGN(const auto streams, log::list_data_directory(log_files(), options.data_dir));
  TRY_ASSIGN(auto letters, log::open_reader(log_files(), options.data_dir, stream, 0, 0, keys));
  std::unique_ptr<log::Reader> marks;
  const std::string name = engine::marks_stream(stream);
  if (is_there(streams, name)) {
    TRY_ASSIGN(marks, log::open_reader(log_files(), options.data_dir, name, 0, 0, keys));
  }
  return LetterReader::open(std::move(letters), std::move(marks));
}

// --- ls ------------------------------------------------------------------------------------------------------

struct Totals {
  uint64_t open = 0, replayed = 0, dropped = 0;
};

Result<Totals> count(const Options& options, const std::string& stream,
                     const std::shared_ptr<const log::KeyRing>& keys) {
  TRY_ASSIGN(LetterReader letters, open_letters(options, stream, keys));
  Totals totals;
  Letter letter;
  for (;;) {
    TRY_ASSIGN(const bool more, letters.next(letter));
    if (!more) return totals;
    totals.open += letter.state == engine::LetterState::kOpen;
    totals.replayed += letter.state == engine::LetterState::kReplayed;
    totals.dropped += letter.state == engine::LetterState::kDropped;
  }
}

Status list_streams(const Options& options, const std::shared_ptr<const log::KeyRing>& keys, std::ostream& out) {
  TRY_ASSIGN(const auto streams, log::list_data_directory(log_files(), options.data_dir));
  const bool json = options.format == "json";
  if (!json) {
    out << std::left << std::setw(32) << "STREAM" << std::right << std::setw(12) << "OPEN" << std::setw(12)
        << "REPLAYED" << std::setw(12) << "DROPPED"
        << "\n";
  }
  for (const log::StreamInfo& stream : streams) {
    if (!stream.name.ends_with(kDeadSuffix)) continue;
    TRY_ASSIGN(const Totals totals, count(options, stream.name, keys));
    if (json) {
      JsonReport line;
      line.put("stream", stream.name);
      line.put("open", totals.open);
      line.put("replayed", totals.replayed);
      line.put("dropped", totals.dropped);
      out << line.text();
    } else {
      out << std::left << std::setw(32) << stream.name << std::right << std::setw(12) << totals.open
          << std::setw(12) << totals.replayed << std::setw(12) << totals.dropped << "\n";
    }
  }
  return {};
}

void print_letter(const Letter& letter, bool json, std::ostream& out) {
  if (json) {
    JsonReport line;
    line.put("offset", letter.offset);
    line.put("time", format_time_ms(letter.time_ms));
    line.put("stage", letter.stage);
    line.put("attempts", letter.attempts);
    line.put("state", engine::to_string(letter.state));
    line.put("position", letter.position);
    line.put("error", letter.error);
    out << line.text();
    return;
  }
  std::string error = letter.error.substr(0, kErrorBytes);
  if (error.size() < letter.error.size()) error += "...";
  out << std::left << std::setw(10) << letter.offset << std::setw(26) << format_time_ms(letter.time_ms)
      << std::setw(16) << letter.stage << std::setw(9) << letter.attempts << std::setw(10)
      << engine::to_string(letter.state) << std::setw(34) << letter.position << " " << error << "\n";
}

Status list_letters(const Options& options, const std::shared_ptr<const log::KeyRing>& keys, std::ostream& out) {
  TRY_ASSIGN(LetterFilter filter, filter_of(options));
  filter.done = options.all;
  TRY_ASSIGN(LetterReader letters, open_letters(options, *options.stream, keys));
  const bool json = options.format == "json";
  if (!json) {
    out << std::left << std::setw(10) << "OFFSET" << std::setw(26) << "TIME" << std::setw(16) << "STAGE"
        << std::setw(9) << "ATTEMPTS" << std::setw(10) << " STATE" << std::setw(34) << "EVENT"
        << " ERROR\n";
  }
  Letter letter;
  for (;;) {
    TRY_ASSIGN(const bool more, letters.next(letter));
    if (!more || !out) return {};
    if (filter.matches(letter)) print_letter(letter, json, out);
  }
}

Exit list(const Options& options, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  if (options.stream) {
    if (const auto stream = find_stream(options.data_dir, *options.stream); !stream) {
      return refuse(console, stream.error());
    }
    if (const auto filter = filter_of(options); !filter) return refuse(console, filter.error());
  }
  const Status listed =
      options.stream ? list_letters(options, *keys, console.out) : list_streams(options, *keys, console.out);
  return listed ? Exit::kDone : fail_running(console, listed.error());
}

// --- show ----------------------------------------------------------------------------------------------------

Status show_letters(const Options& options, const std::shared_ptr<const log::KeyRing>& keys, Console& console,
                    uint64_t& shown) {
  TRY_ASSIGN(LetterFilter filter, filter_of(options));
  filter.done = true;
  TRY_ASSIGN(LetterReader letters, open_letters(options, *options.stream, keys));
  Letter letter;
  for (;;) {
    TRY_ASSIGN(const bool more, letters.next(letter));
    if (!more) return {};
    if (!filter.matches(letter)) continue;
    ++shown;
    console.out << letter.batch->value(letter.index) << "\n";
  }
}

Exit show(const Options& options, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto stream = find_stream(options.data_dir, *options.stream);
  if (!stream) return refuse(console, stream.error());
  uint64_t shown = 0;
  const Status done = show_letters(options, *keys, console, shown);
  if (!done) return fail_running(console, done.error());
  if (shown > 0) return Exit::kDone;
  return fail_running(console, Error{ErrorCode::kNotFound,
                                     "no letter of '" + *options.stream + "' has that offset or position; '" +
                                         "colloquium dead ls " + *options.stream + " --all' lists them",
                                     false,
                                     {}});
}

// --- replay and drop -----------------------------------------------------------------------------------------

// The pipeline's stream: its name is that of its letters, if no other was chosen.
Result<std::string> stream_for(const Options& options) {
  if (options.into) return *options.into;
  if (options.stream->ends_with(kDeadSuffix) && options.stream->size() > kDeadSuffix.size()) {
    return options.stream->substr(0, options.stream->size() - kDeadSuffix.size());
  }
  return fail(ErrorCode::kInvalidConfig,
              "whose letters '" + *options.stream + "' holds can't be told from its name; say it: --into STREAM");
}

Result<DeadRequest> request_of(const Options& options, bool replay) {
  DeadRequest request;
  request.replay = replay;
  request.letters = *options.stream;
  TRY_ASSIGN(request.filter, filter_of(options));
  if (!replay) return request;
  TRY_ASSIGN(request.into, stream_for(options));
  return request;
}

// By the process that has the data directory open.
Result<engine::LettersDone> settle_there(const std::string& address, const DeadRequest& request) {
  TRY_ASSIGN(const std::string answer, post_to_admin(address, "/api/v1/dead-letters", request.to_json()));
  TRY_ASSIGN(const json::Document document, json::parse(answer, "the answer of " + address));
  const json::ValueView root(document.text.data(), document.tape.data(), 0);
  const auto number = [&](std::string_view name) {
    const auto member = root.type() == TokenType::kObject ? root.member(name) : std::nullopt;
    return member && member->type() == TokenType::kInteger ? static_cast<uint64_t>(member->integer()) : 0;
  };
  return engine::LettersDone{number("events"), number("left")};
}

Result<engine::LettersDone> settle_here(OfflineLog& offline, const DeadRequest& request) {
  ThreadExecutor executor;
  const std::atomic<bool> stop{false};
  auto done = settle_dead(offline.log(), executor, request, stop);
  const Status closed = offline.close();
  if (done && !closed) return fail(closed.error());
  return done;
}

Status refuse_settling(const Options& options, bool replay) {
  TRY_ASSIGN(const log::StreamInfo letters, find_stream(options.data_dir, *options.stream));
  if (letters.partitions.size() != 1) {
    return fail(ErrorCode::kInvalidConfig, "'" + letters.name + "' is no stream of dead letters");
  }
  TRY_ASSIGN(const LetterFilter filter, filter_of(options));
  if (replay) {
    TRY_ASSIGN(const std::string into, stream_for(options));
    TRY(find_stream(options.data_dir, into));
  }
  if (!replay && !options.all && !has_filter(options)) {
    return fail(ErrorCode::kInvalidConfig,
                "say which letters are to be dropped (ids, --stage, --error, --from, --to), "
                "or --all");
  }
  return {};
}

void tell(const engine::LettersDone& done, const Options& options, bool replay, std::ostream& out) {
  if (replay) {
    out << "put back " << counted(done.events, "event") << " into " << *stream_for(options) << "\n";
    if (done.left > 0)
      out << counted(done.left, "event")
          << " can't be put back, as no JSON or of a stage that is gone, and stay; 'dead drop' drops them\n";
  } else {
    out << "dropped " << counted(done.events, "event") << "\n";
  }
}

Exit count_only(const Options& options, bool replay, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  auto letters = open_letters(options, *options.stream, *keys);
  if (!letters) return fail_running(console, letters.error());
  const LetterFilter filter = *filter_of(options);
  uint64_t events = 0;
  Letter letter;
  for (;;) {
    const auto more = letters->next(letter);
    if (!more) return fail_running(console, more.error());
    if (!*more) break;
    if (filter.matches(letter) && (!replay || !letter.event.empty())) ++events;
  }
  console.out << "would " << (replay ? "put back " : "drop ") << counted(events, "event") << "\n";
  return Exit::kDone;
}

Exit settle_letters(const Options& options, bool replay, Console& console) {
  if (const Status refused = refuse_settling(options, replay); !refused) return refuse(console, refused.error());
  if (options.dry_run) return count_only(options, replay, console);
  const auto request = request_of(options, replay);
  if (!request) return refuse(console, request.error());
  const auto keys = key_ring_for_writing(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto offline = OfflineLog::open(options.data_dir, *keys);
  const std::string address = log::read_lock_holder(log_files(), options.data_dir).admin_address;
  const bool held = !offline && offline.error().code == ErrorCode::kConflict && !address.empty();
  if (!offline && !held) return refuse(console, offline.error());
  const auto done = held ? settle_there(address, *request) : settle_here(**offline, *request);
  if (!done) return fail_running(console, done.error());
  tell(*done, options, replay, console.out);
  return Exit::kDone;
}

// --- the verbs -----------------------------------------------------------------------------------------------

std::vector<VerbOption> filter_options(Options& options) {
  std::vector<VerbOption> list = {
      data_dir_option(options.data_dir),
      {"--stage", "NAME", "only letters of this stage, sink or source", &options.stage},
      {"--error", "TEXT", "only those whose error has this text in it", &options.error},
      {"--from", "TIME", "only events of this time or later", &options.from},
      {"--to", "TIME", "only events before this time", &options.to},
  };
  for (VerbOption& option : key_options(options.keys)) list.push_back(std::move(option));
  return list;
}

VerbOption stream_option(Options& options, bool required) {
  return {"STREAM", "", required ? "the letters' stream" : "the letters' stream; default: what all of them hold",
          &options.stream, required};
}

Verb ls_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "ls";
  verb.summary = "List dead letters, or how many each pipeline has";
  verb.description = "Those about which nothing was done yet; --all lists the others, too.";
  verb.example =
      "colloquium dead ls\n"
      "colloquium dead ls orders.dead --stage http --from 2026-03-01T12:00:00Z";
  verb.options = filter_options(*options);
  verb.options.push_back({"--all", "", "also those that were put back or dropped", &options->all});
  verb.options.push_back(
      {"--format", "FORMAT", "for people, or a JSON object a line", &options->format, false, {"text", "json"}});
  verb.options.push_back(stream_option(*options, false));
  verb.run = [options](Console& console) { return list(*options, console); };
  verb.state = options;
  return verb;
}

Verb show_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "show";
  verb.summary = "Print dead letters whole, one a line";
  verb.description =
      "A letter has the event, or its bytes in base64 if they were no JSON, the error, the stage, how often it "
      "was\n"
      "tried, and the event's id.";
  verb.example = "colloquium dead show orders.dead orders.k3j9d2xq-0-1742";
  verb.options = filter_options(*options);
  verb.options.push_back(stream_option(*options, true));
  verb.options.push_back({"ID", "", "offsets, or ids of events; default: all", &options->ids});
  verb.run = [options](Console& console) { return show(*options, console); };
  verb.state = options;
  return verb;
}

Verb settling_verb(bool replay) {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.options = filter_options(*options);
  verb.options.push_back({"--dry-run", "", "only say how many that would be", &options->dry_run});
  verb.options.push_back(stream_option(*options, true));
  verb.options.push_back({"ID", "", "offsets, or ids of events; default: all that are open", &options->ids});
  verb.run = [options, replay](Console& console) { return settle_letters(*options, replay, console); };
  verb.state = options;
  if (replay) {
    verb.name = "replay";
    verb.summary = "Put the events of dead letters back into their pipeline";
    verb.description =
        "Each becomes a new event at the end of the pipeline's stream, and its letter is marked as done, both\n"
        "in one commit: so none is put back twice. What a sink gave up goes to that sink alone. Where a\n"
        "process has the data directory open, that one does it, asked over its admin port.";
    verb.example =
        "colloquium dead replay orders.dead\n"
        "colloquium dead replay orders.dead --stage http --error 'status 500' --dry-run";
    verb.options.push_back(
        {"--into", "STREAM", "the pipeline's stream; default: the letters' without .dead", &options->into});
  } else {
    verb.name = "drop";
    verb.summary = "Mark dead letters as done without putting their events back";
    verb.description = "They stay in their stream. A process that has the data directory open does it itself.";
    verb.example = "colloquium dead drop orders.dead --stage clean --to 2026-03-01";
    verb.options.push_back({"--all", "", "every letter that is open", &options->all});
  }
  return verb;
}

}  // namespace

Verb dead_verb() {
  Verb verb;
  verb.name = "dead";
  verb.summary = "Dead letters: events that failed for good, and what becomes of them";
  verb.example = "colloquium dead ls orders.dead";
  verb.verbs = {ls_verb(), show_verb(), settling_verb(true), settling_verb(false)};
  return verb;
}

}  // namespace colloquium::app
