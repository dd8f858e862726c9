// `log stats`: what a data directory holds, in numbers. Nothing here locks it or writes to it.

#include <algorithm>
#include <array>
#include <cstdio>
#include <ostream>

#include "app/counted.h"
#include "app/json_report.h"
#include "app/log_keys.h"
#include "app/time_text.h"
#include "app/verb_log.h"
#include "base/system_clock.h"
#include "io/compress.h"
#include "log/directory_stats.h"

namespace colloquium::app {
namespace {

constexpr int64_t kHourMs = 3'600'000;
constexpr int64_t kMinuteMs = 60'000;
constexpr const char* kDeadSuffix = ".dead";

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::optional<std::string> stream;
  std::string format = "text";
  bool exact = false;
  KeyOptions keys;
};

// What the verb prints: the streams asked for, and how many dead letters each has.
struct Report {
  log::DirectoryStats stats;
  std::map<std::string, uint64_t> dead_letters;  // by the stream that has a stream of them
  int64_t now_ms = 0;
};

std::string codec_name(log::Codec codec) {
  return std::string(io::to_string(static_cast<io::Compression>(codec)));
}

double mean_events(const log::PartitionStats& stats) {
  return stats.batches == 0 ? 0 : static_cast<double>(stats.events) / static_cast<double>(stats.batches);
}

std::string decimal(double number) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

// How long ago, in the largest unit that leaves two digits or fewer.
std::string age_text(int64_t ms) {
  const int64_t seconds = std::max<int64_t>(0, ms) / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  return seconds < 2 * 86'400 ? std::to_string(seconds / 3600) + " h" : std::to_string(seconds / 86'400) + " d";
}

// --- for people ---------------------------------------------------------------------------------------------

class TextReport {
 public:
  TextReport(const Report& report, std::ostream& out) : report_(report), out_(out) {}

  void print() const {
    for (const log::StreamStats& stream : report_.stats.streams) print_stream(stream);
    out_ << "journal\n";
    line("on disk") << report_.stats.journal_bytes << " bytes\n";
    if (!report_.stats.journal_closed.empty()) line("legs") << "unknown: " << report_.stats.journal_closed << "\n";
  }

 private:
  std::ostream& line(const std::string& name) const {
    return out_ << "  " << name << std::string(name.size() < 14 ? 14 - name.size() : 1, ' ');
  }

  void print_stream(const log::StreamStats& stream) const {
    for (size_t i = 0; i < stream.partitions.size(); ++i) {
      const log::PartitionStats& part = stream.partitions[i];
      out_ << stream.name << "/" << i << "\n";
      line("offsets") << part.oldest_offset << " to " << part.next_offset << ", the next\n";
      print_numbers(part);
      for (const log::LegPosition& leg : part.legs) print_leg(leg);
    }
    if (stream.partitions.size() > 1) {
      out_ << stream.name << ", all partitions\n";
      print_numbers(stream.total);
    }
    const auto dead = report_.dead_letters.find(stream.name);
    if (dead == report_.dead_letters.end()) return;
    line("dead letters") << dead->second << " in " << stream.name << kDeadSuffix << "\n";
  }

  void print_numbers(const log::PartitionStats& stats) const {
    line("events") << stats.events << " in " << counted(stats.batches, "batch");
    if (stats.batches > 0) {
      out_ << " of " << decimal(mean_events(stats)) << " on average, 99 % of them of "
           << stats.events_per_batch_p99 << " at most";
    }
    out_ << "\n";
    line("on disk") << stats.size_bytes << " bytes in " << counted(stats.segments, "segment")
                    << uncompressed(stats) << codecs(stats) << "\n";
    if (stats.first_append_ms >= 0) {
      line("appended") << format_time_ms(stats.first_append_ms) << " to " << format_time_ms(stats.last_append_ms)
                       << "\n";
      line("events/s") << decimal(stats.events_per_second()) << "; in the last hour of it "
                       << decimal(stats.events_per_second(stats.events_last_hour, kHourMs))
                       << ", in the last minute "
                       << decimal(stats.events_per_second(stats.events_last_minute, kMinuteMs)) << "\n";
    }
    for (const auto& [key, segments] : stats.keys) {
      line("encrypted") << counted(segments, "segment") << " with the key " << key << "\n";
    }
  }

  static std::string uncompressed(const log::PartitionStats& stats) {
    if (!stats.uncompressed_bytes) return "; uncompressed size unknown";
    if (stats.size_bytes == 0) return "";
    const double ratio = static_cast<double>(*stats.uncompressed_bytes) / static_cast<double>(stats.size_bytes);
    return "; uncompressed " + std::to_string(*stats.uncompressed_bytes) + ", " + decimal(ratio) +
           " times as many";
  }

  static std::string codecs(const log::PartitionStats& stats) {
    std::string text;
    for (const auto& [codec, batches] : stats.codecs) {
      text += (text.empty() ? "; " : ", ") + codec_name(codec);
      if (stats.codecs.size() > 1) text += " (" + std::to_string(batches) + " batches)";
    }
    return text;
  }

  void print_leg(const log::LegPosition& leg) const {
    line("leg") << leg.leg << ": committed below " << leg.next_offset;
    if (leg.events_behind == 0) {
      out_ << ", everything\n";
      return;
    }
    out_ << ", " << counted(leg.events_behind, "event") << " behind, the oldest "
         << age_text(report_.now_ms - leg.oldest_ms) << " old\n";
  }

  const Report& report_;
  std::ostream& out_;
};

// --- for programs -------------------------------------------------------------------------------------------

std::optional<int64_t> known_time(int64_t time_ms) {
  return time_ms < 0 ? std::nullopt : std::optional(time_ms);
}

void put_counts(std::string_view name, const std::map<std::string, uint64_t>& counts, JsonReport& json) {
  json.begin_object(name);
  for (const auto& [key, count] : counts) json.put(key, count);
  json.end_object();
}

void put_numbers(const log::PartitionStats& stats, JsonReport& json) {
  std::map<std::string, uint64_t> codecs;
  for (const auto& [codec, batches] : stats.codecs) codecs[codec_name(codec)] = batches;
  json.put("events", stats.events);
  json.put("batches", stats.batches);
  json.put("events_per_batch_mean", mean_events(stats));
  json.put("events_per_batch_p99", stats.events_per_batch_p99);
  json.put("segments", stats.segments);
  json.put("size_bytes", stats.size_bytes);
  json.put("uncompressed_bytes", stats.uncompressed_bytes);
  put_counts("codecs", codecs, json);
  json.put("first_append_ms", known_time(stats.first_append_ms));
  json.put("last_append_ms", known_time(stats.last_append_ms));
  json.put("events_per_second", stats.events_per_second());
  json.put("events_per_second_last_hour", stats.events_per_second(stats.events_last_hour, kHourMs));
  json.put("events_per_second_last_minute", stats.events_per_second(stats.events_last_minute, kMinuteMs));
  put_counts("keys", stats.keys, json);
}

void put_partition(size_t number, const log::PartitionStats& part, int64_t now_ms, JsonReport& json) {
  json.begin_object();
  json.put("partition", number);
  json.put("oldest_offset", part.oldest_offset);
  json.put("next_offset", part.next_offset);
  put_numbers(part, json);
  json.begin_array("legs");
  for (const log::LegPosition& leg : part.legs) {
    json.begin_object();
    json.put("leg", leg.leg);
    json.put("next_offset", leg.next_offset);
    json.put("events_behind", leg.events_behind);
    const auto oldest_ms = known_time(leg.oldest_ms);
    json.put("behind_ms", oldest_ms ? std::optional(std::max<int64_t>(0, now_ms - *oldest_ms)) : std::nullopt);
    json.end_object();
  }
  json.end_array();
  json.end_object();
}

std::string json_text(const Report& report) {
  JsonReport json;
  json.begin_array("streams");
  for (const log::StreamStats& stream : report.stats.streams) {
    json.begin_object();
    json.put("stream", stream.name);
    json.put("tag", stream.tag);
    put_numbers(stream.total, json);
    const auto dead = report.dead_letters.find(stream.name);
    json.put("dead_letters", dead == report.dead_letters.end() ? std::nullopt : std::optional(dead->second));
    json.begin_array("partitions");
    for (size_t i = 0; i < stream.partitions.size(); ++i) {
      put_partition(i, stream.partitions[i], report.now_ms, json);
    }
    json.end_array();
    json.end_object();
  }
  json.end_array();
  json.put("journal_bytes", report.stats.journal_bytes);
  if (!report.stats.journal_closed.empty()) json.put("legs_unknown", report.stats.journal_closed);
  return json.text();
}

// A stream's dead letters are in a stream of its name and ".dead", unless the pipeline says another.
Status count_dead_letters(const Options& options, const log::StatsOptions& asked, Report& report) {
  for (const log::StreamStats& stream : report.stats.streams) {
    if (!stream.name.ends_with(kDeadSuffix)) continue;
    const std::string of = stream.name.substr(0, stream.name.size() - std::string_view(kDeadSuffix).size());
    report.dead_letters[of] = stream.total.events;
  }
  if (!options.stream) return {};
  log::StatsOptions dead = asked;
  dead.exact = false;
  dead.stream = *options.stream + kDeadSuffix;
  const auto found = log::directory_stats(log_files(), options.data_dir, dead);
  if (!found && found.error().code == ErrorCode::kNotFound) return {};
  if (!found) return fail(found.error());
  report.dead_letters[*options.stream] = found->streams.at(0).total.events;
  return {};
}

Exit stats(const Options& options, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  if (options.stream) {
    const auto stream = find_stream(options.data_dir, *options.stream);
    if (!stream) return refuse(console, stream.error());
  }
  const log::StatsOptions asked{options.stream, options.exact, *keys};
  auto found = log::directory_stats(log_files(), options.data_dir, asked);
  if (!found && found.error().code == ErrorCode::kCorrupt) return fail_running(console, found.error());
  if (!found) return refuse(console, found.error());
  Report report{std::move(*found), {}, SystemClock().wall_ms()};
  const Status counted = count_dead_letters(options, asked, report);
  if (!counted) return fail_running(console, counted.error());
  if (options.format == "json") {
    console.out << json_text(report);
  } else {
    TextReport(report, console.out).print();
  }
  return Exit::kDone;
}

}  // namespace

Verb log_stats_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "stats";
  verb.summary = "Show what the streams hold, how fast it came, and how far legs are behind";
  verb.description =
      "Counts by the headers of batches up to what is synced, also beside a running process. Rates end with the\n"
      "stream's last append. The uncompressed size of encrypted batches is only known with --exact and the key.";
  verb.example =
      "colloquium log stats orders\n"
      "colloquium log stats --format json --data-dir /var/lib/colloquium";
  verb.options = {
      data_dir_option(options->data_dir),
      {"--format", "FORMAT", "for people, or one JSON object", &options->format, false, {"text", "json"}},
      {"--exact", "", "read and decompress every batch", &options->exact},
      {"STREAM", "", "only this stream; default: all", &options->stream},
  };
  for (VerbOption& option : key_options(options->keys))
    verb.options.insert(verb.options.end() - 1, std::move(option));
  verb.run = [options](Console& console) { return stats(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
