// The door: where raw bytes become accepted events.
//
// One SourceIntake per source. It cuts a body into events, walks each once and completely, asks the dedupe
// table, chooses the partition, merges small requests of one turn of the loop into one batch per partition,
// seals, encodes, and appends to the log (or, with `log: off`, pushes to the source's queue). Each request
// keeps its own acknowledgement and offset ranges; a bad one is left out before sealing. A large request becomes
// several batches of a partition, which are appended once all of it was cut; where one is not stored, those behind
// it are not either.
//
// Threads. Small bodies are gathered until the turn's end and cut together: a few of them on the loop, more on
// the source's lane, one of the door threads, so that the loop is left to the sockets. A large body is cut alone,
// on the door thread of its RawBatch::order_key. Order per key is kept across all of these. A source that emits
// on its own thread has its bodies cut there.
//
// Memory. Two bounds per source. From `under_way_bytes` on ready() is false and the source stops reading; what
// it has read in whole by then it may still emit, and that is held, unanswered, like the rest: only a peer that
// is half way through a body can bring it. From `held_bytes_max` on emits are refused (kUnavailable). So a
// source holds less than `held_bytes_max` and one body more of raw bytes; what is made of them (a copy in
// the batch, sixteen bytes a token of tape, the encoded records) lives until the acknowledgement too.
//
// Cursors. Every accepted batch stores, per partition, the source's position and cursor behind it, and the
// last cursor below which everything was durable in all partitions. After a restart the source resumes from
// the latter, and what a partition has already is skipped by position: so a source that can be re-read is
// exactly once whichever of its parts a crash cut off.
//
// Parts. A part of a source has its own intake: positions, cursors, and what became of its emits are its own, and
// are stored under "<source>/<part>". Memory, dedupe, being idle and, with `log: off`, the queue are the source's,
// whose intake owns the parts and is asked for these (root()).
//
// Thread safety: emit on any thread, everything else on the loop. The object must outlive its emits: see
// idle().
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/source.h"

#include "computo/event_evaluator.h"
#include "computo/program.h"
#include "engine/dedupe_table.h"
#include "log/log.h"

namespace colloquium {
struct ComponentCounters;
}

namespace colloquium::log {
class PatientCommit;
}

namespace colloquium::engine {

class CommittedCursors;
class DeadLetterTally;
class QueueFeed;
class WorkerPool;

struct IntakeOptions {
  // Names as in the configuration. What is accepted is stored under the source's name, so renaming a source makes
  // it begin anew. Of a part: "<source>/<part>".
  std::string source;
  std::string part;  // its name; of the source itself empty
  std::string pipeline;
  uint64_t max_event_bytes = 1u << 20;
  uint64_t under_way_bytes = 32u << 20;  // raw, not acknowledged: beyond, the source is told to stop reading
  uint64_t held_bytes_max = 128u << 20;  // of these and, with `log: off`, of what waits in the queue
  // Null: events without a key of their own go round robin, a request as a whole; those of a source that can be
  // read again go by their position, so that a second reading puts them where the first one did.
  computo::ProgramPtr partition_by;
  // Both or neither (no dedupe). The table is this source's alone: two sources may use the same ids.
  computo::ProgramPtr dedupe_key;
  std::shared_ptr<DedupeTable> dedupe;
  // With it dedupe_key names a producer, and the table is a ProducerSequences.
  computo::ProgramPtr dedupe_sequence;
  // Of all expressions; null: their variables are null.
  std::shared_ptr<const computo::HostContext> script_context;
  // Added to an emit's order key to choose its door thread, so that sources spread too.
  size_t door_thread = 0;

  // Where bad events go under BadEventPolicy::kDeadLetter. Without it they are logged and gone.
  std::optional<log::StreamId> dead_stream;
  std::shared_ptr<const BatchOrigin> dead_origin;  // set with dead_stream

  // With a log:
  log::Log* log = nullptr;
  log::StreamId stream = 0;
  int32_t partitions = 1;
  log::Codec codec = log::Codec::kLz4;
  log::AckLevel ack = log::AckLevel::kDurable;
  std::string stream_name;

  // With `log: off`:
  QueueFeed* queue = nullptr;
  const CommittedCursors* committed = nullptr;  // null: nothing is ever committed

  // Part of every event's id. It outlives the process exactly where the positions do, or two events could get one
  // id.
  std::string tag;                        // of the stream, or of the data directory, or of this run
  ComponentCounters* counters = nullptr;  // never null
  DeadLetterTally* letters = nullptr;     // never null
};

// What an accepted batch stores for its source, beside the events. A versioned binary text; the log sees
// only bytes.
struct StoredCursor {
  int64_t position = 0;  // behind this batch
  std::string cursor;
  int64_t safe_position = 0;  // everything below was durable in every partition when the batch was made
  std::string safe_cursor;

  std::string encode() const;
  static Result<StoredCursor> decode(std::string_view bytes);
};

class SourceIntake final : public Intake {
 public:
  SourceIntake(IntakeOptions options, Loop& loop, const Clock& clock, WorkerPool& workers);
  ~SourceIntake() override;

  // Reads what the log knows of this source: cursors and, with dedupe, ids. Before the source starts.
  Status restore();

  void emit(RawBatch batch, AckFn ack) override;
  bool ready() const override;
  void when_ready(Task resume) override;
  Intake& part(const std::string& name) override;
  std::string stored_cursor() const override;
  int64_t free_position() const override;

  // Runs `task` once nothing is under way any more (every acknowledgement has gone out).
  // Everything may be destroyed then: no task of a door or log thread refers to the intake any more.
  void when_idle(Task task);

  // As when_idle; and with dedupe in the log the table is stored first, so that the next start need not gather it.
  void close(Task closed);

  // Stores the cursors behind everything acknowledged, so that a finite source knows it was read to its end. Waits
  // for room on a full disk.
  void store_cursor(UniqueFunction<void(Status)> done);

  // The log or the queue may have room again.
  void room();

  // While paused ready() is false; what was read in whole is still taken.
  void set_paused(bool on);

  // Raw bytes emitted and not acknowledged yet. Any thread.
  uint64_t bytes_under_way() const { return bytes_under_way_.load(); }

 private:
  struct Request;
  struct Part;
  struct OpenBatch;
  struct FullBatch;
  struct Scratch;
  class Cutter;
  using RequestPtr = std::shared_ptr<Request>;
  using Turn = std::vector<RequestPtr>;
  struct OnDoorThread {
    size_t thread;
    size_t requests;
  };
  // What the log has of a source, or a part, from before.
  struct Stored {
    std::vector<int64_t> accepted_position;  // per target
    int64_t safe_position = -1;
    std::string cursor;
  };

  SourceIntake(SourceIntake* root, IntakeOptions options, Loop& loop, const Clock& clock, WorkerPool& workers);
  SourceIntake& root() { return root_ != nullptr ? *root_ : *this; }
  const SourceIntake& root() const { return root_ != nullptr ? *root_ : *this; }
  IntakeOptions part_options(const std::string& name) const;
  std::shared_ptr<const BatchOrigin> make_origin(size_t target) const;
  // Null: what was accepted is not of this source.
  Stored* stored_of(std::string_view accepted_by, bool dead);
  Status restore_accepted(const log::Log::Accepted& accepted, bool dead);
  void take_stored(Stored stored);
  void add_position(log::CommitRequest& request) const;

  // Cuts requests in their order, and appends what they held. Any thread; settling them is the loop's.
  void cut_turn(const Turn& turn);
  void settle_turn(const Turn& turn);
  void schedule_turn_end();
  void end_turn();
  void take_on_door_thread(const RequestPtr& request);
  void left_door_thread(uint64_t key);
  // Seals what is open and hands it on. On the thread that owns `open`; encoding, the dearest part, happens there.
  void flush(Scratch& scratch);
  // `follows`: what was cut with it was appended just before it.
  void append(size_t target, OpenBatch batch, bool follows);
  // Why `batch` may not be appended any more. REQUIRES: poison_mutex_ held.
  std::optional<Error> held_back(const OpenBatch& batch) const;
  void enqueue(std::vector<OpenBatch>& open);
  // Runs before the loop hears of it, so that a duplicate that comes in between already finds its first durable.
  void appended(size_t target, OpenBatch& batch, const Result<log::AppendResult>& result);
  void began(const RequestPtr& request);
  // Why a request that comes now is not looked at; nothing: it is.
  std::optional<Error> refusal_of(const Request& request) const;
  void refuse_unread(const RequestPtr& request, Error error);
  uint64_t held_bytes() const;
  void cut_alone(const RequestPtr& request);
  std::string commit_name() const;
  // The request ends with the last of the things it waits for, whichever that is; its acknowledgement runs inside.
  void settle(const RequestPtr& request);
  void finish(const RequestPtr& request);
  void advance_safe_cursor(const RequestPtr& request);
  void watch_log();
  // Any thread, hence the mutex: a door thread asks while the loop moves the safe cursor on.
  StoredCursor stored_cursor(const OpenBatch& batch) const;
  // One per thread that cuts at the same time, kept for ever: their number is bounded by the door threads plus
  // loop.
  std::unique_ptr<Scratch> borrow_scratch();
  void return_scratch(std::unique_ptr<Scratch> scratch);
  // A target is a partition, by its number, or behind the last one the dead letters, if there are any.
  size_t target_count() const;
  log::AcceptInfo::Ids ids_kind() const;
  // The table of ids: read at start as far as a checkpoint has it, stored again now and then. Blocking, so on a
  // door thread; the intake is not idle meanwhile.
  Result<std::vector<int64_t>> restore_ids();
  Status leave_out_known(int64_t since_ms, std::vector<int64_t>& known_below);
  void store_ids_if_due();
  void store_ids();
  void write_ids();
  std::string checkpoint_name() const;
  bool idle() const;
  void tell_idle();
  size_t dead_target() const { return static_cast<size_t>(options_.partitions); }
  std::shared_ptr<const BatchOrigin> origin_of(size_t target) const { return origins_[target]; }

  // Constant after construction. Everything referred to outlives the intake.
  SourceIntake* const root_;  // of a part; else null
  const IntakeOptions options_;
  Loop& loop_;
  const Clock& clock_;
  WorkerPool& workers_;
  std::vector<std::shared_ptr<const BatchOrigin>> origins_;

  // Self-synchronised: any thread.

  // Counted from emit() to the acknowledgement, on whichever thread emits: refusing may not wait for the loop. The
  // root's, for its parts as well.
  std::atomic<uint64_t> bytes_under_way_{0};
  // An emit with a cursor failed; others fail until none is under way. Atomic, as a failure on one door thread
  // must stop what another is about to append before the loop hears of either.
  std::atomic<bool> poisoned_{false};
  // Held over looking at it, or at Request::failed, and appending, and over setting them. Recursive, as the log
  // tells of what it refuses at once before append() returns.
  std::recursive_mutex poison_mutex_;
  std::atomic<uint32_t> round_robin_{0};
  std::atomic<int64_t> next_own_position_{0};  // `log: off` without cursors
  // Held for a push or a pop only.
  std::mutex scratch_mutex_;
  std::vector<std::unique_ptr<Scratch>> scratch_;
  mutable std::mutex position_mutex_;       // guards the four below
  std::vector<int64_t> accepted_position_;  // per target: positions below are stored already
  int64_t safe_position_ = 0;
  std::string safe_cursor_;
  std::map<uint64_t, std::pair<int64_t, std::string>> finished_behind_;  // by emit number: not yet contiguous
  // The root's: per partition, the ids of all events below are confirmed.
  std::mutex ids_mutex_;
  std::vector<int64_t> ids_end_;  // guarded by it

  // Loop only.
  std::map<std::string, Stored, std::less<>> stored_;  // the root's, until it is taken; its own has no name
  std::map<std::string, std::unique_ptr<SourceIntake>> parts_;
  Turn turn_;  // small requests of this turn, not cut yet
  bool turn_end_scheduled_ = false;
  std::deque<std::shared_ptr<const Turn>> in_lane_;  // oldest first
  bool watching_log_ = false;
  bool paused_ = false;   // the root's
  uint64_t new_ids_ = 0;  // since the table was stored
  bool storing_ids_ = false;
  bool gathered_ids_ = false;  // at start, from the log, as no stored table had them
  std::unique_ptr<log::PatientCommit> cursor_commit_;
  // The same once the failed emit's turn has come: the safe cursor stays until the source has gone back.
  bool held_ = false;
  std::shared_ptr<char> alive_ = std::make_shared<char>();  // for callbacks that may come after the end
  std::atomic<uint64_t> emits_under_way_ = 0;
  // Emits with a cursor are numbered in the order the loop hears of them. The safe cursor follows these numbers,
  // not the order in which emits end: it may only pass an emit when everything before that has ended too.
  uint64_t next_emit_ = 0;
  uint64_t next_finish_ = 0;                          // emit number below which everything has finished
  std::map<uint64_t, OnDoorThread> on_door_threads_;  // by order key: large bodies, and what came behind them
  // Both are emptied before what is in them runs, as that may come back and wait again.
  std::vector<Task> waiting_ready_;
  std::vector<Task> waiting_idle_;
};

}  // namespace colloquium::engine
