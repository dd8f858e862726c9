// `log import`: lines become events of a stream that no instance has open.

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <ostream>
#include <unistd.h>
#include <utility>

#include "app/counted.h"
#include "app/event_import.h"
#include "app/log_keys.h"
#include "app/script_session.h"
#include "app/verb_log.h"
#include "io/path.h"

namespace colloquium::app {
namespace {

// As much as one event may take in a line, escapes and all.
constexpr size_t kLineBytesMax = size_t{256} << 20;

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string stream;
  std::optional<std::string> file, partitions, source;
  bool plain = false, by_key = false, skip_bad = false, resume = false, again = false;
  KeyOptions keys;
};

Result<std::optional<int32_t>> asked_partitions(const Options& options) {
  if (!options.partitions) return std::optional<int32_t>();
  int32_t number = 0;
  const std::string& text = *options.partitions;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && after == text.data() + text.size() && number > 0) return std::optional(number);
  return fail(ErrorCode::kInvalidConfig, "--partitions takes a number above 0; got '" + text + "'");
}

bool reads_standard_input(const Options& options) {
  return !options.file || *options.file == "-";
}

// By what an import is known when it is resumed: the file by its whole path, from wherever it is named.
std::string source_of(const Options& options) {
  if (options.source) return "import:" + *options.source;
  if (reads_standard_input(options)) return "";
  std::array<char, PATH_MAX> here{};
  if (::getcwd(here.data(), here.size()) == nullptr) return "import:" + *options.file;
  return "import:" + io::beside(std::string(here.data()) + "/.", *options.file);
}

Status check_options(const Options& options) {
  if (options.resume && options.again) {
    return fail(ErrorCode::kInvalidConfig, "give --resume or --again, not both");
  }
  if ((options.resume || options.again) && source_of(options).empty()) {
    return fail(ErrorCode::kInvalidConfig,
                "what came from standard input is only known again by a name: give the same --source both times");
  }
  return {};
}

// The stream, made if it is not there.
Result<ImportRequest> request_of(const Options& options, OfflineLog& log) {
  ImportRequest request;
  TRY_ASSIGN(const std::optional<int32_t> asked, asked_partitions(options));
  request.partitions = asked.value_or(1);
  for (const log::StreamInfo& stream : log.log().streams()) {
    if (stream.name == options.stream && !asked)
      request.partitions = static_cast<int32_t>(stream.partitions.size());
  }
  TRY_ASSIGN(request.id, log.log().open_stream({options.stream, request.partitions, std::nullopt}));
  request.stream = options.stream;
  request.name = reads_standard_input(options) ? "<stdin>" : *options.file;
  request.source = source_of(options);
  request.plain = options.plain;
  request.by_key = options.by_key;
  request.skip_bad = options.skip_bad;
  return request;
}

void tell(const Options& options, const EventImport& import, std::ostream& out) {
  uint64_t events = 0;
  for (const ImportedPart& part : import.parts()) events += part.events;
  out << "imported " << counted(events, "event") << " into " << options.stream << "\n";
  for (size_t i = 0; i < import.parts().size(); ++i) {
    const ImportedPart& part = import.parts()[i];
    if (part.events == 0) continue;
    out << "partition " << i << ": " << counted(part.events, "event") << ", offsets "
        << part.first_offset << " to " << part.last_offset << "\n";
  }
  if (import.skipped_before() > 0) out << import.skipped_before() << " lines were imported before\n";
  if (options.skip_bad && import.bad_lines() > 0) out << import.bad_lines() << " bad lines were left out\n";
}

// What is appended stays appended whatever ends the rest; it is told in any case.
Exit run_import(const Options& options, const ReadBytes& read, OfflineLog& log, Console& console) {
  auto request = request_of(options, log);
  if (!request) return refuse(console, request.error());
  const bool resumable = !request->source.empty();
  EventImport import(std::move(*request), log, console);
  const Status begun = import.begin(options.resume, options.again);
  if (!begun) return refuse(console, begun.error());
  NdjsonReader reader(read, kLineBytesMax);
  const Status done = import.run(reader);
  tell(options, import, console.out);
  if (done) return Exit::kDone;
  fail_running(console, done.error());
  const auto has_events = [](const ImportedPart& part) { return part.events > 0; };
  const bool any = std::any_of(import.parts().begin(), import.parts().end(), has_events);
  if (resumable && any) console.err << "what is listed is in the stream; --resume goes on behind it\n";
  return Exit::kFailed;
}

Exit import_stream(const Options& options, Console& console) {
  if (const Status checked = check_options(options); !checked) return refuse(console, checked.error());
  const auto keys = key_ring_for_writing(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  // The file is opened first, so that a mistyped one, or a folder, makes no directory.
  if (const auto named = log_files().info(options.file.value_or("-")); named && named->is_directory) {
    return refuse(console, Error{ErrorCode::kInvalidInput,
                                 "cannot import '" + *options.file + "': it is a folder; name a file, or a pipe"});
  }
  auto bytes = reads_standard_input(options) ? Result<ReadBytes>(console.in) : open_bytes(*options.file, console);
  if (!bytes) return refuse(console, bytes.error());
  const auto log = OfflineLog::open(options.data_dir, *keys);
  if (!log) return refuse(console, log.error());
  const Exit exit = run_import(options, *bytes, **log, console);
  const Status closed = (*log)->close();
  if (!closed && exit == Exit::kDone) return fail_running(console, closed.error());
  return exit;
}

std::vector<VerbOption> options_of(Options& options) {
  std::vector<VerbOption> list = {
      data_dir_option(options.data_dir),
      {"--plain", "", "each line is the value of an event, and nothing else", &options.plain},
      {"--skip-bad", "", "leave bad lines out instead of ending there", &options.skip_bad},
      {"--partitions", "N", "how many partitions a stream gets that is made; default 1", &options.partitions},
      {"--by-key", "", "choose partitions by key, whatever the lines say", &options.by_key},
      {"--resume", "", "go on behind what an import of the same file has done", &options.resume},
      {"--again", "", "also if the file was imported before", &options.again},
      {"--source", "NAME", "by which an import is resumed; default: the file's path", &options.source},
  };
  for (VerbOption& option : key_options(options.keys)) list.push_back(std::move(option));
  list.push_back({"STREAM", "", "the stream; made if it is not there", &options.stream, true});
  list.push_back({"FILE", "", "the lines; default: standard input", &options.file});
  return list;
}

}  // namespace

Verb log_import_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "import";
  verb.summary = "Append the lines of 'log export' to a stream";
  verb.description =
      "Key, headers, time, value and partition are those of the line, offsets are new. No instance may have the\n"
      "data directory open. At a bad line it ends, and nothing behind that is imported. An import that was\n"
      "interrupted goes on with --resume, and each line is there once.";
  verb.example =
      "colloquium log import orders orders.ndjson --data-dir other\n"
      "zcat events.ndjson.gz | colloquium log import raw --plain --source 2026-03-01";
  verb.options = options_of(*options);
  verb.run = [options](Console& console) { return import_stream(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
