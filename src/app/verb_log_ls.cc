// `log ls`: the streams of a data directory, and the legs that read them. Nothing here locks it or writes to it.

#include <iomanip>
#include <ostream>

#include "app/json_report.h"
#include "app/log_keys.h"
#include "app/verb_log.h"
#include "log/journal_look.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string format = "text";
  KeyOptions keys;
};

// Columns for people, wide enough for offsets of a busy year.
void print_streams(const std::vector<log::StreamInfo>& streams, std::ostream& out) {
  out << std::left << std::setw(32) << "STREAM" << std::right << std::setw(10) << "PARTITION" << std::setw(18)
      << "OLDEST" << std::setw(18) << "NEXT" << std::setw(14) << "BYTES"
      << "\n";
  for (const log::StreamInfo& stream : streams) {
    for (size_t i = 0; i < stream.partitions.size(); ++i) {
      const log::PartitionInfo& partition = stream.partitions[i];
      out << std::left << std::setw(32) << stream.name << std::right << std::setw(10) << i << std::setw(18)
          << partition.oldest_offset << std::setw(18) << partition.next_offset << std::setw(14)
          << partition.size_bytes << "\n";
    }
  }
}

// One line a position. A leg may have none: a sink whose source is outside the log, a replay as a whole.
void print_legs(const log::JournalLook& journal, std::ostream& out) {
  if (!journal.closed.empty()) {
    out << "\nlegs are not known: " << journal.closed << "\n";
    return;
  }
  if (journal.state.legs().empty()) return;
  const auto row = [&out](const std::string& leg, const std::string& of, const std::string& partition, auto next) {
    out << std::left << std::setw(32) << leg << " " << std::setw(31) << of << std::right << std::setw(10)
        << partition << std::setw(18) << next << "\n";
  };
  out << "\n";
  row("LEG", "READS", "PARTITION", "COMMITTED");
  for (const auto& [leg, state] : journal.state.legs()) {
    for (const auto& at : state.positions) row(leg, at.stream, std::to_string(at.partition), at.next_offset);
    for (const auto& at : state.external) row(leg, "source " + at.source, "-", at.next_offset);
    if (state.positions.empty() && state.external.empty()) row(leg, "-", "-", "-");
  }
}

void put_stream(const log::StreamInfo& stream, JsonReport& json) {
  json.begin_object();
  json.put("stream", stream.name);
  json.put("tag", stream.tag);
  json.begin_array("partitions");
  for (size_t i = 0; i < stream.partitions.size(); ++i) {
    const log::PartitionInfo& partition = stream.partitions[i];
    json.begin_object();
    json.put("partition", i);
    json.put("oldest_offset", partition.oldest_offset);
    json.put("next_offset", partition.next_offset);
    json.put("size_bytes", partition.size_bytes);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

void put_leg(const std::string& leg, const log::LegState& state, JsonReport& json) {
  json.begin_object();
  json.put("leg", leg);
  json.begin_array("positions");
  for (const auto& at : state.positions) {
    json.begin_object();
    json.put("stream", at.stream);
    json.put("partition", at.partition);
    json.put("next_offset", at.next_offset);
    json.end_object();
  }
  json.end_array();
  json.begin_array("sources");
  for (const auto& at : state.external) {
    json.begin_object();
    json.put("source", at.source);
    json.put("next_offset", at.next_offset);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

std::string json_text(const std::vector<log::StreamInfo>& streams, const log::JournalLook& journal) {
  JsonReport json;
  json.begin_array("streams");
  for (const log::StreamInfo& stream : streams) put_stream(stream, json);
  json.end_array();
  json.begin_array("legs");
  for (const auto& [leg, state] : journal.state.legs()) put_leg(leg, state, json);
  json.end_array();
  if (!journal.closed.empty()) json.put("legs_unknown", journal.closed);
  return json.text();
}

Exit list(const Options& options, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto streams = log::list_data_directory(log_files(), options.data_dir);
  if (!streams) return refuse(console, streams.error());
  const auto journal = log::look_into_journal(log_files(), options.data_dir, *keys);
  if (!journal) return refuse(console, journal.error());
  if (options.format == "json") {
    console.out << json_text(*streams, *journal);
    return Exit::kDone;
  }
  print_streams(*streams, console.out);
  print_legs(*journal, console.out);
  return Exit::kDone;
}

}  // namespace

Verb log_ls_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "ls";
  verb.summary = "List the streams of a data directory, and the legs that read them";
  verb.description = "'colloquium log stats' says more of each, and reads more for it.";
  verb.example = "colloquium log ls --data-dir /var/lib/colloquium";
  verb.options = key_options(options->keys);
  verb.options.insert(
      verb.options.begin(),
      {data_dir_option(options->data_dir),
       {"--format", "FORMAT", "for people, or one JSON object", &options->format, false, {"text", "json"}}});
  verb.run = [options](Console& console) { return list(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
