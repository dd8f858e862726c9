#include "log/directory_stats.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/assert.h"
#include "io/compress.h"
#include "log/batch_crypt.h"
#include "log/batch_cursor.h"
#include "log/data_directory.h"
#include "log/inspect.h"
#include "log/journal_look.h"
#include "log/layout.h"
#include "log/partition.h"
#include "log/repair_plan.h"
#include "log/stream_list.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

constexpr int64_t kHourSeconds = 3600;
constexpr int64_t kMinuteSeconds = 60;
// Enough for the head of every compressed form.
constexpr size_t kHeadBytes = 20;
constexpr size_t kTailBytes = 4;

// How many numbers of which size there were: one count each below 64, then 32 to the octave.
class Distribution {
 public:
  void add(uint64_t number) {
    ++counts_[bucket_of(number)];
    ++total_;
    max_ = std::max(max_, number);
  }
  void add(const Distribution& other) {
    for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    max_ = std::max(max_, other.max_);
  }
  uint64_t max() const { return max_; }
  // Of all numbers, `percent` in a hundred are not above it.
  uint64_t percentile(uint64_t percent) const {
    ASSERT(percent <= 100);
    const uint64_t wanted = (total_ * percent + 99) / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted) return std::min(highest_of(i), max_);
    }
    return max_;
  }

 private:
  static constexpr unsigned kExact = 64;
  static constexpr unsigned kSteps = 32;
  static constexpr unsigned kBuckets = kExact + (64 - 6) * kSteps;

  static size_t bucket_of(uint64_t number) {
    if (number < kExact) return number;
    const auto octave = static_cast<unsigned>(std::bit_width(number)) - 6;
    const size_t bucket = kExact + (octave - 1) * kSteps + ((number >> octave) - kSteps);
    ASSERT(bucket < kBuckets);
    return bucket;
  }
  static uint64_t highest_of(size_t bucket) {
    if (bucket < kExact) return bucket;
    const uint64_t octave = (bucket - kExact) / kSteps + 1;
    return ((kSteps + (bucket - kExact) % kSteps + 1) << octave) - 1;
  }

  std::array<uint64_t, kBuckets> counts_{};
  uint64_t total_ = 0;
  uint64_t max_ = 0;
};

// The events of the newest hour, by the second.
class RecentEvents {
 public:
  void add(int64_t time_ms, uint64_t events) {
    const int64_t second = time_ms / 1000;
    if (second <= newest_ - kHourSeconds) return;
    // Whatever lies between has had no events; a jump of more than an hour clears everything once.
    for (int64_t s = std::max(newest_ + 1, second - kHourSeconds + 1); s <= second; ++s) at(s) = 0;
    newest_ = std::max(newest_, second);
    at(second) += events;
  }
  uint64_t within(int64_t seconds, int64_t end_ms) const {
    ASSERT(seconds <= kHourSeconds);
    const int64_t end = end_ms / 1000;
    uint64_t events = 0;
    const int64_t begin = std::max(end - seconds, newest_ - kHourSeconds) + 1;
    for (int64_t s = begin; s <= std::min(end, newest_); ++s) events += counts_[slot(s)];
    return events;
  }

 private:
  static size_t slot(int64_t second) {
    return static_cast<size_t>((second % kHourSeconds + kHourSeconds) % kHourSeconds);
  }
  uint64_t& at(int64_t second) { return counts_[slot(second)]; }

  std::array<uint64_t, kHourSeconds> counts_{};
  int64_t newest_ = -kHourSeconds;
};

// One partition, batch by batch.
class PartitionWalk {
 public:
  PartitionWalk(io::FileSystem& fs, const StatsOptions& options) : fs_(fs), options_(options) {}

  Status run(const std::string& directory, const std::string& stream, const std::string& tag, int32_t number,
             const std::map<std::string, LegState>& legs);

  PartitionStats& stats() { return stats_; }
  const Distribution& sizes() const { return sizes_; }
  const RecentEvents& recent() const { return recent_; }

 private:
  void find_legs(const std::string& stream, int32_t number, const std::map<std::string, LegState>& legs);
  Status walk_segment(Segment& segment);
  Status note_key(const Segment& segment);
  Status open_for_contents(Segment& segment);
  Status take(const io::File& file, const BatchCursor::Item& item);
  Status measure(const io::File& file, const BatchCursor::Item& item);
  Result<std::optional<uint64_t>> declared_bytes(const io::File& file, const BatchCursor::Item& item) const;
  Result<uint64_t> unpacked_bytes(const BatchCursor::Item& item);
  tl::unexpected<Error> damaged(const Segment& segment, uint64_t position, const std::string& what) const;

  io::FileSystem& fs_;
  const StatsOptions& options_;
  std::shared_ptr<Partition> partition_;
  PartitionStats stats_;
  Distribution sizes_;
  RecentEvents recent_;
  int64_t expected_ = -1;  // the offset that has to follow; −1: any
  BatchOpener opener_;
  bool opened_ = false;  // the segment's batches can be looked into
  io::Decompressor decompressor_;
  const Segment* segment_ = nullptr;  // that is walked
  std::string unpacked_;
};

// A leg that has committed in another partition of the stream reads this one, too.
void PartitionWalk::find_legs(const std::string& stream, int32_t number,
                              const std::map<std::string, LegState>& legs) {
  ASSERT(!stream.empty());
  for (const auto& [name, state] : legs) {
    bool reads = false;
    LegPosition found{name, stats_.oldest_offset, 0, -1};
    for (const LegState::StreamPosition& position : state.positions) {
      reads = reads || position.stream == stream;
      if (position.stream == stream && position.partition == number) found.next_offset = position.next_offset;
    }
    if (reads) stats_.legs.push_back(std::move(found));
  }
}

tl::unexpected<Error> PartitionWalk::damaged(const Segment& segment, uint64_t position,
                                             const std::string& what) const {
  ASSERT(!what.empty());
  return fail(ErrorCode::kCorrupt, "'" + segment_path(partition_->directory(), segment.base_offset(), "log") +
                                       "' is damaged at byte " + std::to_string(position) + ": " + what +
                                       "; 'colloquium log verify' lists every damaged place");
}

Status PartitionWalk::run(const std::string& directory, const std::string& stream, const std::string& tag,
                          int32_t number, const std::map<std::string, LegState>& legs) {
  TRY_ASSIGN(partition_, inspect_partition(fs_, directory, stream, tag, number, options_.keys));
  const PartitionInfo info = partition_->info();
  stats_.oldest_offset = info.oldest_offset;
  stats_.next_offset = info.next_offset;
  find_legs(stream, number, legs);
  for (const auto& segment : partition_->segments()) {
    const Status walked = walk_segment(*segment);
    if (walked) continue;
    if (!removed_since(fs_, partition_->directory(), segment->base_offset(), walked.error())) return walked;
    // Removed by retention since we looked: what is left begins behind it.
    expected_ = -1;
  }
  stats_.events_per_batch_p99 = sizes_.percentile(99);
  stats_.events_per_batch_max = sizes_.max();
  ASSERT(stats_.batches <= stats_.events);
  return {};
}

Status PartitionWalk::note_key(const Segment& segment) {
  const SegmentName name{partition_->directory(), partition_->key_place(), segment.base_offset()};
  TRY_ASSIGN(const auto stored, find_stored_key(fs_, name));
  if (stored) ++stats_.keys[stored->kek_id];
  return {};
}

// A key that is not given leaves sizes unknown and is no failure.
Status PartitionWalk::open_for_contents(Segment& segment) {
  opened_ = false;
  if (!options_.exact) return {};
  auto key = partition_->key_of(segment);
  if (!key && key.error().code == ErrorCode::kInvalidConfig) return {};
  if (!key) return fail(key.error());
  opener_.enter(std::move(*key));
  opened_ = true;
  return {};
}

Status PartitionWalk::walk_segment(Segment& segment) {
  TRY_ASSIGN(const auto file, segment.file(fs_));
  segment_ = &segment;
  TRY(note_key(segment));
  TRY(open_for_contents(segment));
  const uint64_t end = segment.readable_bytes();
  const int64_t base = segment.base_offset();
  if (expected_ < 0) expected_ = stats_.oldest_offset = base;
  expected_ = partition_->gaps().skip(expected_);
  ++stats_.segments;
  BatchCursor cursor(file, 0, end);
  for (;;) {
    const auto item = cursor.next(opened_);
    if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
    if (!item) return damaged(segment, cursor.position(), item.error().message);
    if (!*item) break;
    const BatchHeader& header = (*item)->header;
    if (const char* what = place_defect(header, expected_, partition_->epochs()->epoch_at(expected_))) {
      return damaged(segment, (*item)->position, what);
    }
    expected_ = header.last_offset() + 1;
    TRY(take(*file, **item));
  }
  ASSERT(cursor.position() == end);
  return {};
}

Status PartitionWalk::take(const io::File& file, const BatchCursor::Item& item) {
  const BatchHeader& header = item.header;
  const size_t bytes = header.total_bytes();
  stats_.size_bytes += bytes;
  if (header.is_control() || header.record_count == 0) {
    if (stats_.uncompressed_bytes) *stats_.uncompressed_bytes += bytes;
    return {};
  }
  const auto events = static_cast<uint64_t>(header.record_count);
  ASSERT(events > 0);
  ++stats_.batches;
  stats_.events += events;
  ++stats_.codecs[header.codec()];
  sizes_.add(events);
  recent_.add(header.max_timestamp_ms, events);
  if (stats_.first_append_ms < 0) stats_.first_append_ms = header.max_timestamp_ms;
  stats_.last_append_ms = header.max_timestamp_ms;
  for (LegPosition& leg : stats_.legs) {
    if (header.last_offset() < leg.next_offset) continue;
    if (leg.oldest_ms < 0) leg.oldest_ms = header.max_timestamp_ms;
    const int64_t first = std::max(leg.next_offset, header.base_offset);
    leg.events_behind += std::min(events, static_cast<uint64_t>(header.last_offset() - first + 1));
  }
  return measure(file, item);
}

// Adds what the batch would take without compression.
Status PartitionWalk::measure(const io::File& file, const BatchCursor::Item& item) {
  if (!stats_.uncompressed_bytes) return {};
  std::optional<uint64_t> bytes;
  if (opened_) {
    TRY_ASSIGN(bytes, unpacked_bytes(item));
  } else {
    TRY_ASSIGN(bytes, declared_bytes(file, item));
  }
  if (bytes) *stats_.uncompressed_bytes += kHeaderBytes + *bytes;
  if (!bytes) stats_.uncompressed_bytes.reset();
  return {};
}

// From the head or the tail of the compressed records, which say it; an encrypted batch says nothing.
Result<std::optional<uint64_t>> PartitionWalk::declared_bytes(const io::File& file,
                                                              const BatchCursor::Item& item) const {
  const uint64_t size = item.header.total_bytes() - kHeaderBytes;
  if (item.header.is_encrypted()) return std::optional<uint64_t>();
  if (item.header.codec() == Codec::kNone) return std::optional<uint64_t>(size);
  std::array<char, kHeadBytes> head{};
  std::array<char, kTailBytes> tail{};
  const uint64_t begin = item.position + kHeaderBytes;
  const std::span<char> wanted(head.data(), std::min<uint64_t>(head.size(), size));
  TRY_ASSIGN(const size_t read, file.read_at(begin, wanted));
  if (item.header.codec() == Codec::kGzip && size >= tail.size()) {
    TRY_ASSIGN(const size_t count, file.read_at(begin + size - tail.size(), tail));
    if (count < tail.size()) return std::optional<uint64_t>();
  }
  return io::declared_size(static_cast<io::Compression>(item.header.codec()), {head.data(), read},
                           {tail.data(), tail.size()});
}

// Who wants every batch read is told of the one that can't be.
Result<uint64_t> PartitionWalk::unpacked_bytes(const BatchCursor::Item& item) {
  ASSERT(opened_ && segment_ != nullptr);
  const auto records = opener_.open(item);
  if (!records) return damaged(*segment_, item.position, records.error().message);
  const auto compression = static_cast<io::Compression>(item.header.codec());
  const Status unpacked = decompressor_.decompress(compression, *records, kMaxRecordsBytes, unpacked_);
  if (!unpacked) return damaged(*segment_, item.position, unpacked.error().message);
  return unpacked_.size();
}

// Adds a partition to its stream's total.
void add_up(const PartitionStats& part, PartitionStats& total) {
  total.segments += part.segments;
  total.batches += part.batches;
  total.events += part.events;
  total.size_bytes += part.size_bytes;
  if (!part.uncompressed_bytes) total.uncompressed_bytes.reset();
  if (total.uncompressed_bytes) *total.uncompressed_bytes += *part.uncompressed_bytes;
  for (const auto& [codec, batches] : part.codecs) total.codecs[codec] += batches;
  for (const auto& [key, segments] : part.keys) total.keys[key] += segments;
  total.last_append_ms = std::max(total.last_append_ms, part.last_append_ms);
  if (part.first_append_ms < 0) return;
  const bool earlier = total.first_append_ms < 0 || part.first_append_ms < total.first_append_ms;
  if (earlier) total.first_append_ms = part.first_append_ms;
  ASSERT(total.first_append_ms <= part.first_append_ms);
}

Result<StreamStats> stream_stats(io::FileSystem& fs, const std::string& directory, const std::string& name,
                                 const StreamMeta& meta, const StatsOptions& options,
                                 const std::map<std::string, LegState>& legs) {
  StreamStats stream{name, meta.tag, {}, {}};
  std::vector<std::unique_ptr<RecentEvents>> recent;
  Distribution sizes;
  for (int32_t number = 0; number < meta.partitions; ++number) {
    PartitionWalk walk(fs, options);
    TRY(walk.run(directory, name, meta.tag, number, legs));
    sizes.add(walk.sizes());
    recent.push_back(std::make_unique<RecentEvents>(walk.recent()));
    add_up(walk.stats(), stream.total);
    stream.partitions.push_back(std::move(walk.stats()));
  }
  PartitionStats& total = stream.total;
  total.events_per_batch_p99 = sizes.percentile(99);
  total.events_per_batch_max = sizes.max();
  ASSERT(recent.size() == stream.partitions.size());
  // Rates of all partitions are of the same time, or they could not be added.
  for (size_t i = 0; i < recent.size(); ++i) {
    PartitionStats& part = stream.partitions[i];
    part.events_last_hour = recent[i]->within(kHourSeconds, total.last_append_ms);
    part.events_last_minute = recent[i]->within(kMinuteSeconds, total.last_append_ms);
    total.events_last_hour += part.events_last_hour;
    total.events_last_minute += part.events_last_minute;
  }
  return stream;
}

}  // namespace

double PartitionStats::events_per_second() const {
  return events_per_second(events, last_append_ms - first_append_ms);
}

double PartitionStats::events_per_second(uint64_t events_within, int64_t window_ms) const {
  const int64_t lived_ms = last_append_ms - first_append_ms;
  const int64_t counted_ms = std::max<int64_t>(1000, std::min(window_ms, lived_ms));
  return static_cast<double>(events_within) * 1000 / static_cast<double>(counted_ms);
}

Result<DirectoryStats> directory_stats(io::FileSystem& fs, const std::string& directory,
                                       const StatsOptions& options) {
  ASSERT(!directory.empty());
  TRY(read_format(fs, directory));
  TRY(refuse_unfinished(fs, directory));
  TRY_ASSIGN(const JournalLook journal, look_into_journal(fs, directory, options.keys));
  DirectoryStats stats{{}, journal.size_bytes, journal.closed};
  TRY_ASSIGN(const std::vector<std::string> names, list_streams(fs, directory));
  for (const std::string& name : names) {
    if (options.stream && name != *options.stream) continue;
    TRY_ASSIGN(const StreamMeta meta, read_meta(fs, meta_path(directory, name)));
    TRY_ASSIGN(StreamStats stream, stream_stats(fs, directory, name, meta, options, journal.state.legs()));
    stats.streams.push_back(std::move(stream));
  }
  if (!options.stream || !stats.streams.empty()) return stats;
  return fail(ErrorCode::kNotFound, "there is no stream '" + *options.stream + "' in '" + directory +
                                        "'; 'colloquium log ls' lists those there are");
}

}  // namespace colloquium::log
