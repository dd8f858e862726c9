// Log: the event log as everything above src/log sees it.
//
// Streams of partitions of records; appends that are acknowledged once they are as safe as asked; and
// commits: {positions, outputs, sink tokens} of a leg, all or nothing. The contract is one that a Kafka
// cluster could serve: append is asynchronous, offsets rise with gaps (control batches take some), nothing
// above this interface sees a control batch, and whoever opens a log has it alone (here by a lock on its folder;
// what a process wrote bears its incarnation). One contract suite (tests/compliance/log_contract.h) runs over
// every implementation: SegmentLog here and FakeLog (log/fake_log.h), which makes gaps and delays.
//
// Durability: AckLevel says what an append's callback means, and a commit's callback means durable, always. What a
// reader is given is durable whatever its level: what a sink has once got may not be undone.
// After a failed write or sync of the data directory the log is failed for good: every later call ends with
// the same error and the process has to exit (the pages may be gone although a retry would "succeed").
//
// Thread safety: every method on any thread. Callbacks run on the log's own thread and must be short: post
// elsewhere what takes time. The log must be closed before its Executor and FileSystem go.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

#include "base/counters.h"

namespace colloquium::log {

enum class Codec : uint8_t { kNone = 0, kGzip = 1, kLz4 = 3, kZstd = 4 };

enum class AckLevel {
  kDurable,  // written and synced
  kWritten,  // handed to the kernel: survives the process, not the machine
  kQueued,   // in this process's memory
};

// How much of a stream is kept. Whole finished segments go, the oldest first, once their newest event was
// appended longer ago than `time_ms`, or while the stream is larger than `size_bytes`; but nothing that a leg
// which reads the stream has not committed yet, unless `drop_unread`, and nothing that is younger than `keep_ms`.
struct Retention {
  int64_t time_ms = 0;            // 0: age alone removes nothing
  uint64_t size_bytes = 0;        // of all partitions together; 0: size alone removes nothing
  int64_t keep_ms = 0;            // what a source's dedupe window still asks for
  bool drop_unread = false;       // a leg that lags behind loses what is removed
  std::vector<std::string> legs;  // that read the stream, also those that never committed

  bool removes() const { return time_ms > 0 || size_bytes > 0; }
};

// Compaction by key, as Kafka's cleanup.policy=compact: of the records of one key the newest stays, older ones go
// from finished segments in time. Records without a key stay. A record that is left keeps its offset, and what is
// gone leaves a gap. Nothing goes that a leg which reads the stream (Retention::legs) has not committed yet, so a
// leg that lags misses nothing; one that comes later sees the newest of each key, and older ones as far as they
// are still there. With retention, both remove.
struct Compaction {
  bool on = false;
  int64_t lag_ms = 0;                       // what was appended more recently is left alone, and replaces nothing
  int64_t tombstone_ms = 24 * 3'600'000LL;  // how long one stays when everything older of its key has gone
};

// How a stream is to be, given when it is opened. A stream that exists keeps its partition count; another
// count is refused with what to do.
struct StreamSpec {
  std::string name;
  int32_t partitions = 1;              // 0: as many as it has; it is not made then
  std::optional<Retention> retention;  // unset: as it was told before to this Log; at first everything is kept
  std::optional<Compaction> compaction = {};  // likewise; at first it is off
};

using StreamId = int32_t;  // of this Log object; never stored

// A reserved header of the engine's: in every event of a batch that only one leg is to take, the sink's name.
inline constexpr std::string_view kLegHeader = "cq.leg";
// Headers with these names are ours; none comes in from outside.
inline constexpr std::string_view kReservedHeaders = "cq.";

// What the door stores with an accepted batch, in a reserved record header, so that accepting needs no
// journal entry.
struct AcceptInfo {
  // What the numbers of id_hashes mean: the door's affair, which tells by it what it wrote under other settings.
  enum class Ids : uint8_t { kHashes = 0, kSequences = 1 };

  std::string source;                              // source name
  std::string cursor;                              // empty: the source cannot be re-read
  std::vector<std::array<uint64_t, 2>> id_hashes;  // one per event, or none (no dedupe)
  Ids ids = Ids::kHashes;
};

// Records encoded, compressed and summed by whoever made the batch; the log thread adds the batch header.
struct EncodedBatch {
  std::string records;       // after compression
  uint32_t records_crc = 0;  // CRC-32C of `records`
  Codec codec = Codec::kNone;
  int32_t count = 0;
  int64_t base_timestamp_ms = 0;
  std::string source, cursor;          // of the AcceptInfo, if there was one
  std::shared_ptr<const Batch> batch;  // the events, kept in memory for readers that keep up; may be null
  // Belongs behind one that append() has just taken: a full queue does not refuse it. Whoever sets it bounds how
  // much that is.
  bool follows = false;
  // Whoever appends has nothing else to do until it is told. Where the log has nothing else to do either, that
  // happens on the calling thread, before append() returns, others' callbacks included: it holds no lock that one of
  // them takes. A sync is never waited for there.
  bool caller_waits = false;
  // Nobody waits for it to be readable: it is synced with what is appended behind it, with a commit, or at the
  // next tick.
  bool syncs_with_next = false;
};

// Any thread. `accept` may be null (outputs of a leg). kLimit if no reader would take a batch so large.
Result<EncodedBatch> encode(std::shared_ptr<const Batch> batch, Codec codec, const AcceptInfo* accept);

struct AppendResult {
  int64_t first_offset = 0;
  int64_t last_offset = 0;
};
using AppendDone = UniqueFunction<void(Result<AppendResult>)>;

struct Position {
  StreamId stream = 0;  // ignored with `external`
  int32_t partition = 0;
  int64_t next_offset = 0;
  std::string external;  // `log: off`: the source's name; next_offset is then the source's position
  std::string cursor;    // `log: off`: the source's cursor
};

struct Output {
  StreamId stream = 0;
  int32_t partition = 0;
  EncodedBatch batch;
};

// Everything a leg's progress consists of. Replaces the leg's earlier positions for the partitions named.
struct CommitRequest {
  std::string leg;  // "<pipeline>/<leg>"
  std::vector<Position> positions;
  std::vector<Output> outputs;
  std::optional<std::string> sink_token;
  // Whose token that is, if not the leg's: a replay has positions of its own, and its sink is another leg's.
  std::string token_leg = {};
  // Legs that are done for good. Nothing is kept of them; this leg may be one.
  std::vector<std::string> forgotten = {};
};
using CommitDone = UniqueFunction<void(Status)>;

// What was committed last for a leg.
struct LegState {
  struct StreamPosition {
    std::string stream;
    int32_t partition = 0;
    int64_t next_offset = 0;
  };
  struct ExternalPosition {
    std::string source;
    int64_t next_offset = 0;
    std::string cursor;
  };
  std::vector<StreamPosition> positions;
  std::vector<ExternalPosition> external;
  std::string sink_token;
};

struct PartitionInfo {
  int64_t oldest_offset = 0;
  int64_t next_offset = 0;    // of the next record to be appended
  int64_t synced_offset = 0;  // everything below is durable
  uint64_t size_bytes = 0;
  int64_t trailing_gap = 0;  // so many offsets before next_offset were given up: nothing is there, or ever will be
};

struct StreamInfo {
  std::string name;
  std::string tag;  // 8 random characters, made with the stream
  std::vector<PartitionInfo> partitions;
};

// Reads one partition in order. One thread at a time; any thread.
class Reader {
 public:
  virtual ~Reader() = default;

  // The next batch of records at or after the reader's offset, or null at the acknowledged end (durable,
  // or written with the weaker ack levels). Offsets rise, with gaps between batches, and within one that was
  // compacted; a reader that was in a segment when that was compacted may still see what it held. An offset that
  // was asked for and is below the oldest is moved there; kNotFound if retention removed, while it was being read,
  // what would follow: seek() goes on behind it. Its events carry origin, offsets and time; with `tape` set when
  // the reader was made, tapes too. Batches from memory come as they were appended; from disk they are read,
  // checked and walked.
  virtual Result<std::shared_ptr<const Batch>> next() = 0;

  virtual void seek(int64_t offset) = 0;
  virtual int64_t offset()
      const = 0;  // of the next record wanted: above the last one given, and not above the next
};

struct LogStats {
  uint64_t appended_batches = 0, appended_events = 0, appended_bytes = 0;
  uint64_t groups = 0, syncs = 0, commits = 0, errors = 0;
  uint64_t queue_bytes = 0;  // encoded bytes that wait for the log thread
  // Removed by retention, since the Log was opened. Offsets count what the log writes for itself too.
  uint64_t removed_segments = 0, removed_bytes = 0, removed_offsets = 0;
  uint64_t removed_unread_offsets = 0;  // of those: what some leg had not committed (Retention::drop_unread)
  // By compaction, since then: segments written anew, records that they lost, bytes that they are smaller by.
  uint64_t compacted_segments = 0, compacted_records = 0, compacted_bytes = 0;
};

// How long the log's work takes; for metrics.
struct LogTimes {
  Histogram append;  // from append() until it is acknowledged
  Histogram sync;    // of the files of one group, all at once
};

// How far something may be behind the end of a partition. What is not set does not count.
struct LagLimit {
  std::optional<uint64_t> bytes;
  std::optional<int64_t> since_ms;  // what was appended before then is too old
};

class Log {
 public:
  virtual ~Log() = default;

  // Opens the stream, making it if it is not there. kInvalidConfig for another partition count; kNotFound if it is
  // not there and no count is given.
  virtual Result<StreamId> open_stream(const StreamSpec& spec) = 0;
  virtual Result<StreamInfo> stream_info(StreamId stream) const = 0;

  // Appends in call order per partition. Refused with kUnavailable if the append queue is full (but not what
  // `follows`), with kNoSpace if the disk is at its reserve: `done` then runs on the calling thread before
  // append() returns, so that the caller can hold back what belongs behind it, and may call the log from there. An
  // append that the log thread finds no space for fails together with everything queued behind it, and full() is
  // true from before those callbacks on.
  virtual void append(StreamId stream, int32_t partition, EncodedBatch batch, AckLevel level, AppendDone done) = 0;

  // True while append() would be refused for a full queue or disk; `resume` runs once when it is not so
  // any more.
  virtual bool full() const = 0;
  virtual void when_not_full(Task resume) = 0;

  virtual void commit(CommitRequest request, CommitDone done) = 0;

  // The state last committed; nothing if the leg never committed.
  virtual std::optional<LegState> leg_state(const std::string& leg) const = 0;

  virtual Result<std::unique_ptr<Reader>> read(StreamId stream, int32_t partition, int64_t from_offset,
                                               bool with_tape) = 0;

  // Runs `wake` (on the log thread) whenever records of the stream become readable, until the Log closes.
  virtual void subscribe(StreamId stream, UniqueFunction<void(int32_t partition)> wake) = 0;

  // The accept headers stored in a stream, oldest first, from those appended at or after `since_ms` on, but those
  // of partition p below known_below[p] left out (empty: none); and in any case, whatever its age and place, the
  // last one of every source in every partition. For the door at start.
  struct Accepted {
    int32_t partition;
    int64_t first_offset;
    int64_t append_time_ms;
    AcceptInfo info;
  };
  virtual Status accepted_since(StreamId stream, int64_t since_ms, std::span<const int64_t> known_below,
                                UniqueFunction<void(const Accepted&)> visit) = 0;

  // The first offset of what `limit` allows: of readable records there are at most so many bytes from there on, to
  // some KiB, and none too old. The readable end if all is. May read files: not on the loop.
  virtual Result<int64_t> first_within(StreamId stream, int32_t partition, const LagLimit& limit) const = 0;

  // A checkpoint: what its owner could gather again from the streams, only not quickly. It is replaced as a whole:
  // a crash leaves the old one or the new one. One that is damaged, or of a stream made anew, is not there. Both
  // block: neither on the loop nor on the log's thread.
  virtual Status store_checkpoint(const std::string& name, std::string bytes) = 0;
  virtual std::optional<std::string> load_checkpoint(const std::string& name) const = 0;

  // Removes now what retention lets go of, and compacts what may be compacted; both also happen by themselves,
  // compaction once half of a partition's finished segments is new to it. `done` runs when that is over, on a
  // thread of the log's.
  virtual void apply_retention(UniqueFunction<void(Status)> done) = 0;

  // Commits and appends called before are finished first; a final sync mark and CLEAN are written. Called again it
  // tells the same.
  virtual Status close() = 0;

  // 8 random characters made with the data directory: part of the ids of events that never enter a stream.
  virtual std::string data_tag() const = 0;

  virtual LogStats stats() const = 0;

  // Lives as long as the Log; null if it takes no times.
  virtual const LogTimes* times() const { return nullptr; }
};

}  // namespace colloquium::log
