#include "app/log_metrics.h"

#include <algorithm>
#include <utility>

namespace colloquium::app {
namespace {

using metrics::Family;
using metrics::Labels;

// Asked anew at each scrape: a stream's numbers change with every group. A stream that is gone reads as zeros.
log::PartitionInfo partition_of(const log::Log& log, log::StreamId stream, size_t partition) {
  const auto info = log.stream_info(stream);
  if (!info || partition >= info->partitions.size()) return {};
  return info->partitions[partition];
}

// Whether the partition has an event at or after `offset`. What can't be read counts as one.
bool has_event(log::Log& log, log::StreamId stream, size_t partition, int64_t offset) {
  auto reader = log.read(stream, static_cast<int32_t>(partition), offset, false);
  if (!reader) return true;
  const auto batch = (*reader)->next();
  return !batch || *batch != nullptr;
}

// Records between what a leg has committed and the end of the partition. Offsets have gaps (control batches
// take some), so this is an upper bound; but a leg that has everything is behind by nothing. Only the last
// offset has to be looked at for that: a control batch takes one, and none stands beside another.
double lag_of(log::Log& log, log::StreamId stream, const std::string& name, size_t partition,
              const std::string& leg) {
  const log::PartitionInfo info = partition_of(log, stream, partition);
  // A leg that never committed is behind by all there still is, not by what retention has removed.
  int64_t committed = info.oldest_offset;
  if (const auto state = log.leg_state(leg)) {
    for (const log::LegState::StreamPosition& position : state->positions) {
      if (position.stream == name && position.partition == static_cast<int32_t>(partition)) {
        committed = std::max(committed, position.next_offset);
      }
    }
  }
  const int64_t lag = std::max<int64_t>(info.next_offset - info.trailing_gap - committed, 0);
  if (lag == 1 && !has_event(log, stream, partition, committed)) return 0;
  return static_cast<double>(lag);
}

void register_partition(log::Log& log, log::StreamId stream, size_t partition, const Labels& labels,
                        metrics::Registry& registry, Registrations& registrations) {
  const auto gauge = [&](const Family& family, auto read) {
    registrations.push_back(registry.gauge(family, labels, [&log, stream, partition, read] {
      return static_cast<double>(read(partition_of(log, stream, partition)));
    }));
  };
  gauge({"colloquium_stream_size_bytes", "Bytes a partition of a stream takes on disk."},
        [](const log::PartitionInfo& info) { return info.size_bytes; });
  gauge({"colloquium_stream_oldest_offset", "Offset of the oldest event a partition still has."},
        [](const log::PartitionInfo& info) { return info.oldest_offset; });
  gauge({"colloquium_stream_next_offset", "Offset the next event of a partition will get."},
        [](const log::PartitionInfo& info) { return info.next_offset; });
  gauge({"colloquium_stream_synced_offset", "Everything below this offset of a partition is on disk."},
        [](const log::PartitionInfo& info) { return info.synced_offset; });
}

}  // namespace

Registrations register_log(const log::Log& log, metrics::Registry& registry) {
  Registrations registrations;
  const auto count = [&](const Family& family, uint64_t log::LogStats::*member) {
    registrations.push_back(
        registry.counter(family, {}, [&log, member] { return static_cast<double>(log.stats().*member); }));
  };
  count({"colloquium_log_appended_batches_total", "Batches appended to the event log."},
        &log::LogStats::appended_batches);
  count({"colloquium_log_appended_events_total", "Events appended to the event log."},
        &log::LogStats::appended_events);
  count({"colloquium_log_appended_bytes_total", "Bytes appended to the event log, as stored."},
        &log::LogStats::appended_bytes);
  count({"colloquium_log_groups_total", "Groups the log thread wrote and synced at once."},
        &log::LogStats::groups);
  count({"colloquium_log_syncs_total", "Syncs of files of the event log."}, &log::LogStats::syncs);
  count({"colloquium_log_commits_total", "Commits of legs."}, &log::LogStats::commits);
  count({"colloquium_log_removed_segments_total", "Segments that retention removed."},
        &log::LogStats::removed_segments);
  count({"colloquium_log_removed_bytes_total", "Bytes that retention removed, as stored."},
        &log::LogStats::removed_bytes);
  count({"colloquium_log_removed_offsets_total",
         "Offsets that retention removed: events, and what the log writes "
         "for itself."},
        &log::LogStats::removed_offsets);
  count({"colloquium_log_removed_unread_offsets_total",
         "Offsets that retention removed before a leg had committed "
         "them (drop_unread)."},
        &log::LogStats::removed_unread_offsets);
  count({"colloquium_log_compacted_segments_total", "Segments that compaction wrote anew."},
        &log::LogStats::compacted_segments);
  count({"colloquium_log_compacted_events_total",
         "Events that compaction removed: a newer one of their key is "
         "there, or was deleted."},
        &log::LogStats::compacted_records);
  count({"colloquium_log_compacted_bytes_total", "Bytes that compaction made segments smaller by, as stored."},
        &log::LogStats::compacted_bytes);
  count({"colloquium_log_errors_total", "Appends and commits the event log failed."}, &log::LogStats::errors);
  registrations.push_back(registry.gauge({"colloquium_log_queue_bytes", "Bytes that wait for the log thread."}, {},
                                         [&log] { return static_cast<double>(log.stats().queue_bytes); }));
  if (const log::LogTimes* times = log.times()) {
    registrations.push_back(registry.histogram(
        {"colloquium_log_append_seconds", "Time from an append to its acknowledgement."}, {}, times->append));
    registrations.push_back(registry.histogram(
        {"colloquium_log_sync_seconds", "Time a group's files took to sync, all at once."}, {}, times->sync));
  }
  return registrations;
}

Result<Registrations> register_stream(log::Log& log, const log::StreamSpec& stream, const std::string& pipeline,
                                      const std::vector<std::string>& legs, metrics::Registry& registry) {
  TRY_ASSIGN(const log::StreamId id, log.open_stream(stream));
  Registrations registrations;
  for (size_t partition = 0; partition < static_cast<size_t>(stream.partitions); ++partition) {
    Labels labels{.pipeline = pipeline, .component = stream.name, .kind = "stream"};
    labels.partition = std::to_string(partition);
    register_partition(log, id, partition, labels, registry, registrations);
    for (const std::string& leg : legs) {
      labels.component = leg;
      labels.kind = "leg";
      registrations.push_back(
          registry.gauge({"colloquium_leg_lag_events", "Offsets of a partition a leg has not committed yet."},
                         labels, [&log, id, name = stream.name, partition, leg = pipeline + "/" + leg] {
                           return lag_of(log, id, name, partition, leg);
                         }));
    }
  }
  return registrations;
}

}  // namespace colloquium::app
