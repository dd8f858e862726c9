// `log cat`: the events of a stream, one a line. Nothing here locks the data directory or writes to it.

#include <ostream>
#include <utility>

#include "app/event_lines.h"
#include "app/log_keys.h"
#include "app/verb_log.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string stream;
  std::optional<std::string> partition, from, to;
  std::string format = "ndjson";
  KeyOptions keys;
};

Status print_partition(const Options& options, int32_t partition, const OffsetSpan& span,
                       const std::shared_ptr<const log::KeyRing>& keys, Console& console) {
  TRY_ASSIGN(const auto reader,
             log::open_reader(log_files(), options.data_dir, options.stream, partition, span.from, keys));
  std::string lines;
  while (true) {
    TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
    if (batch == nullptr) return {};
    lines.clear();
    for (size_t i = 0; i < batch->size(); ++i) {
      if (batch->offset(i) < span.from || batch->offset(i) >= span.to) continue;
      append_event_line(*batch, i, options.format == "full", lines);
    }
    console.out << lines;
    if (!batch->empty() && batch->offset(batch->size() - 1) >= span.to) return {};
    if (!console.out) return {};  // the reader of our output has gone; main() tells
  }
}

Exit cat(const Options& options, Console& console) {
  const auto stream = find_stream(options.data_dir, options.stream);
  if (!stream) return refuse(console, stream.error());
  const auto partitions = partitions_of(options.partition, *stream);
  if (!partitions) return refuse(console, partitions.error());
  // Every flag is resolved before the first line is printed, so that a wrong one prints nothing.
  std::vector<OffsetSpan> spans;
  for (int32_t partition : *partitions) {
    const auto span = offset_span(options.data_dir, options.stream, partition, options.from, options.to);
    if (!span) return refuse(console, span.error());
    spans.push_back(*span);
  }
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  for (size_t i = 0; i < partitions->size(); ++i) {
    const Status printed = print_partition(options, (*partitions)[i], spans[i], *keys, console);
    if (!printed) return fail_running(console, printed.error());
  }
  return Exit::kDone;
}

}  // namespace

Verb log_cat_verb() {
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
      data_dir_option(options->data_dir),
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
  for (VerbOption& option : key_options(options->keys))
    verb.options.insert(verb.options.end() - 1, std::move(option));
  verb.run = [options](Console& console) { return cat(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
