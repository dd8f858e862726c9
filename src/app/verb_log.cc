// `log ls|cat|verify`: looking into a data directory. Nothing here locks it or writes to it.

#include <charconv>
#include <iomanip>
#include <limits>
#include <ostream>
#include <utility>

#include "app/time_text.h"
#include "app/verb.h"
#include "base/names.h"
#include "formats/line_writer.h"
#include "json/writer.h"
#include "log/data_directory.h"
#include "log/verify.h"

namespace colloquium::app {
namespace {

constexpr const char* kDefaultDirectory = "./colloquium-data";

struct Options {
  std::string data_dir = kDefaultDirectory;
  std::string stream;
  std::optional<std::string> partition, from, to;
  std::string format = "ndjson";
};

// Reading verbs see the real disk; only `run` can be told to forget.
io::FileSystem& files() {
  return io::posix_file_system();
}

VerbOption data_dir_option(Options& options) {
  return {"--data-dir", "DIR", "the data directory; default ./colloquium-data", &options.data_dir, false, {}};
}

// One line a partition; columns for people, wide enough for offsets of a busy year.
Exit list(const Options& options, Console& console) {
  const auto streams = log::list_data_directory(files(), options.data_dir);
  if (!streams) return refuse(console, streams.error());
  console.out << std::left << std::setw(32) << "STREAM" << std::right << std::setw(10) << "PARTITION"
              << std::setw(14) << "OLDEST" << std::setw(14) << "NEXT" << std::setw(14) << "BYTES"
              << "\n";
  for (const log::StreamInfo& stream : *streams) {
    for (size_t i = 0; i < stream.partitions.size(); ++i) {
      const log::PartitionInfo& partition = stream.partitions[i];
      console.out << std::left << std::setw(32) << stream.name << std::right << std::setw(10) << i << std::setw(14)
                  << partition.oldest_offset << std::setw(14) << partition.next_offset << std::setw(14)
                  << partition.size_bytes << "\n";
    }
  }
  return Exit::kDone;
}

// A line of `--format full`: what a script sees as $event_metadata, and the value.
void write_full(const Batch& batch, size_t i, std::vector<char>& out) {
  json::Writer writer(out, nullptr);
  const auto text = [&](std::string_view name, std::string_view value) {
    writer.key(name);
    writer.string(value);
  };
  const auto number = [&](std::string_view name, int64_t value) {
    writer.key(name);
    writer.integer(value);
  };
  writer.begin_object();
  text("stream", batch.origin().stream);
  number("partition", batch.origin().partition);
  number("offset", batch.offset(i));
  text("id", batch.id(i));
  number("timestamp", batch.entry(i).timestamp_ms);
  if (!batch.origin().source.empty()) text("source", batch.origin().source);
  if (const auto key = batch.key(i)) text("key", *key);
  if (batch.header_count(i) > 0) {
    writer.key("headers");
    writer.begin_object();
    for (const auto& [name, value] : batch.headers(i)) text(name, value);
    writer.end_object();
  }
  writer.key(batch.is_tombstone(i) ? "tombstone" : "value");
}

// A value may hold line breaks between its tokens; a line may not.
void append_line(const Batch& batch, size_t i, bool full, std::string& out) {
  std::vector<char> head;
  if (full) write_full(batch, i, head);
  out.append(head.begin(), head.end());
  if (full && batch.is_tombstone(i)) {
    out += "true";
  } else if (batch.is_tombstone(i)) {
    out += "null";
  } else {
    formats::append_compact(batch.value(i), out);
  }
  out += full ? "}\n" : "\n";
}

// Which part of a partition to read.
struct Span {
  int64_t from;
  int64_t to;  // exclusive
};

// An offset, or the offset of the first event appended at or after a time.
Result<int64_t> resolve(const Options& options, int32_t partition, const std::string& text, const char* flag) {
  int64_t offset = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  if (error == std::errc() && after == text.data() + text.size() && offset >= 0) return offset;
  if (const auto time_ms = parse_time_ms(text)) {
    return log::find_offset(files(), options.data_dir, options.stream, partition, *time_ms);
  }
  return fail(ErrorCode::kInvalidConfig, std::string(flag) + " takes an offset, or a time such as " +
                                             "2026-03-01T12:00:00Z; got '" + text + "'");
}

Result<Span> span_of(const Options& options, int32_t partition) {
  Span span{0, std::numeric_limits<int64_t>::max()};
  if (options.from) {
    TRY_ASSIGN(span.from, resolve(options, partition, *options.from, "--from"));
  }
  if (options.to) {
    TRY_ASSIGN(span.to, resolve(options, partition, *options.to, "--to"));
  }
  return span;
}

// A stream that is not there is refused before anything is printed.
Result<log::StreamInfo> find_stream(const Options& options) {
  TRY_ASSIGN(const std::vector<log::StreamInfo> streams, log::list_data_directory(files(), options.data_dir));
  std::vector<std::string> names;
  for (const log::StreamInfo& stream : streams) {
    if (stream.name == options.stream) return stream;
    names.push_back(stream.name);
  }
  const std::string nearest = closest_name(options.stream, names);
  return fail(ErrorCode::kNotFound, "there is no stream '" + options.stream + "' in " + options.data_dir +
                                        (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

// The partitions asked for: one, or all.
Result<std::vector<int32_t>> partitions_of(const Options& options, const log::StreamInfo& stream) {
  std::vector<int32_t> numbers;
  const auto count = static_cast<int32_t>(stream.partitions.size());
  if (!options.partition) {
    for (int32_t i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
  }
  int32_t number = 0;
  const std::string& text = *options.partition;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || after != text.data() + text.size() || number < 0 || number >= count) {
    return fail(ErrorCode::kInvalidConfig, "stream '" + stream.name + "' has the partitions 0 to " +
                                               std::to_string(count - 1) + "; got --partition " + text);
  }
  return std::vector<int32_t>{number};
}

Status print_partition(const Options& options, int32_t partition, const Span& span, Console& console) {
  TRY_ASSIGN(const auto reader, log::open_reader(files(), options.data_dir, options.stream, partition, span.from));
  std::string lines;
  while (true) {
    TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
    if (batch == nullptr) return {};
    lines.clear();
    for (size_t i = 0; i < batch->size(); ++i) {
      if (batch->offset(i) < span.from || batch->offset(i) >= span.to) continue;
      append_line(*batch, i, options.format == "full", lines);
    }
    console.out << lines;
    if (!batch->empty() && batch->offset(batch->size() - 1) >= span.to) return {};
    if (!console.out) return {};  // the reader of our output has gone; main() tells
  }
}

Exit cat(const Options& options, Console& console) {
  const auto stream = find_stream(options);
  if (!stream) return refuse(console, stream.error());
  const auto partitions = partitions_of(options, *stream);
  if (!partitions) return refuse(console, partitions.error());
  // Every flag is resolved before the first line is printed, so that a wrong one prints nothing.
  std::vector<Span> spans;
  for (int32_t partition : *partitions) {
    const auto span = span_of(options, partition);
    if (!span) return refuse(console, span.error());
    spans.push_back(*span);
  }
  for (size_t i = 0; i < partitions->size(); ++i) {
    const Status printed = print_partition(options, (*partitions)[i], spans[i], console);
    if (!printed) return fail_running(console, printed.error());
  }
  return Exit::kDone;
}

// A line that overwrites itself, for a person who waits; a file or a pipe gets none of it.
log::VerifyProgress progress_of(Console& console) {
  if (!console.err_is_terminal) return nullptr;
  return [&console, shown = uint64_t{101}](uint64_t done_bytes, uint64_t total_bytes) mutable {
    const uint64_t percent = total_bytes == 0 ? 100 : done_bytes * 100 / total_bytes;
    if (percent == shown) return;
    shown = percent;
    console.err << "\r\033[K" << (percent < 100 ? std::to_string(percent) + " % verified" : "") << std::flush;
  };
}

// What a crash left above everything acknowledged is told but is no failure: the next start mends it.
Exit verify(const Options& options, Console& console) {
  const auto report = log::verify_data_directory(files(), options.data_dir, progress_of(console));
  if (!report) return refuse(console, report.error());
  for (const log::VerifyProblem& problem : report->problems) console.out << problem.describe() << "\n";
  console.out << report->events << " events in " << report->batches << " batches of " << report->partitions
              << " partitions, and the commit journal; " << report->bytes << " bytes in " << report->segments
              << " segments: " << report->problems.size() << " problems\n";
  return report->corrupt() ? Exit::kFailed : Exit::kDone;
}

Verb ls_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "ls";
  verb.summary = "List the streams of a data directory";
  verb.example = "colloquium log ls --data-dir /var/lib/colloquium";
  verb.options = {data_dir_option(*options)};
  verb.run = [options](Console& console) { return list(*options, console); };
  verb.state = options;
  return verb;
}

Verb cat_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "cat";
  verb.summary = "Print the events of a stream, one a line";
  verb.description =
      "Reads up to what is synced, also beside a running process. An offset or a time chooses the part.";
  verb.example =
      "colloquium log cat orders --from 2026-03-01T12:00:00Z\n"
      "colloquium log cat orders.dead --format full";
  verb.options = {
      data_dir_option(*options),
      {"--partition", "N", "only this partition; default: all, one after the other", &options->partition},
      {"--from", "OFFSET|TIME", "the first event to print; a time is when it was appended", &options->from},
      {"--to", "OFFSET|TIME", "the first event not to print", &options->to},
      {"--format",
       "FORMAT",
       "values alone, or with place, id, time, key and headers",
       &options->format,
       false,
       {"ndjson", "full"}},
      {"STREAM", "", "the stream; 'colloquium log ls' lists them", &options->stream, true},
  };
  verb.run = [options](Console& console) { return cat(*options, console); };
  verb.state = options;
  return verb;
}

Verb verify_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "verify";
  verb.summary = "Check every batch of a data directory";
  verb.description =
      "Reads every byte, and says where something is damaged; exits with 1 if anything acknowledged is. What a "
      "crash\n"
      "left half written is told too, as torn: the next start cuts it off.";
  verb.example = "colloquium log verify --data-dir /var/lib/colloquium";
  verb.options = {data_dir_option(*options)};
  verb.run = [options](Console& console) { return verify(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace

Verb log_verb() {
  Verb verb;
  verb.name = "log";
  verb.summary = "Look into the event log";
  verb.example = "colloquium log cat orders";
  verb.verbs = {ls_verb(), cat_verb(), verify_verb()};
  return verb;
}

}  // namespace colloquium::app
