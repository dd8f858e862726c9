// CallRecords: the stream of a pipeline's calls, `<records>.calls`, and what a restart has to know of it.
//
// A call's intent is written before the call is sent; its end is durable before anybody is given the answer. The
// leg `<records>/@ai` commits a position below which nothing is needed to go on: the lowest of the intents that
// have no end and of the answers whose event is not settled. So retention keeps what a restart needs. It commits
// at most once a second, and more rarely where its token is large: that is a CountedLedger.
//
// Recovery reads from the position on. Intents without an end are told: `unknown`, and those of a batch that had
// not been made yet `unsent`; whoever recovers writes their records. What is in a batch that had been made goes
// on.
//
// Without a log nothing is kept but the ledger, for as long as the process runs.
//
// Ownership: log, loop and clock outlive it. Destroyed only when closed, or with the process's end. Thread safety:
// loop only. Blocks in create(), which reads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "ai/call_record.h"
#include "ai/event_answers.h"
#include "ai/ledger.h"
#include "ai/record_writer.h"
#include "base/liveness.h"
#include "log/log.h"
#include "log/patient_commit.h"

namespace colloquium::ai {

inline constexpr std::string_view kCallsSuffix = ".calls";
inline constexpr std::string_view kCallsLegSuffix = "/@ai";

struct CallRecordsOptions {
  std::string records;                 // the stream is "<records>.calls"
  std::vector<std::string> replay_of;  // whose answers are given, too
  // Who may ask: what is recorded for others is nobody's any more. None: anybody may.
  std::vector<std::string> askers = {};
  int64_t retention_ms = 0;
  uint64_t retention_bytes = 0;
  int64_t cache_ttl_max_ms = 0;  // 0: no answer is read for the cache
};

// Calls that an earlier run has sent together, and that have no end yet.
struct OpenBatch {
  CallRecord place;  // where their batch was, at last
  Records calls;     // their intents
};

class CallRecords {
 public:
  // What was found: the ends of calls that have none, which whoever recovers is to write, batches that go on, and
  // answers that a cache may give again, oldest first.
  struct Recovered {
    Records unknown;
    Records unsent;
    std::vector<OpenBatch> batches;
    // Told of each as it is read; may be empty.
    std::function<void(CallRecord answer)> cacheable;
  };

  static Result<std::unique_ptr<CallRecords>> create(const CallRecordsOptions& options, log::Log* log, Loop& loop,
                                                     const Clock& clock, Recovered& recovered);

  // kWritten: a machine that dies within the next few hundred milliseconds may forget them. Refused where the log
  // has no room.
  void intents(Records records, RecordWriter::Done done);
  // kDurable, as nobody would pay for a batch twice that may be there. Refused likewise. REQUIRES: where a batch
  // is.
  void place(CallRecord record, RecordWriter::Done done);
  // kDurable, all of them at once. Waits for room.
  void end(Records records, RecordWriter::Done done);

  // Nobody is to be told anything else of a call whose unknown end is about to be written.
  void lost(const CallRecord& unknown);
  // Makes an unknown call of one that was recovered without an end: nobody is given its answer from here on.
  void give_up(CallRecord& intent, const std::string& why);

  struct Found {
    log::StreamId stream = 0;
    int64_t offset = 0;
    bool unknown = false;
  };
  // What is recorded for whoever asks this for the event.
  std::optional<Found> find(const io::Digest128& event_key) const;
  // An error where it can't be read now.
  void read(const Found& found, UniqueFunction<void(Result<CallRecord>)> done);

  // See AiCalls::settled.
  void settle(const std::string& who, const std::string& partition, int64_t offset);

  const Ledger& ledger() const { return sums_.ledger; }
  // Counts what leaves no record: a client that was given an answer from memory.
  void count_hit(const CallRecord& reuse);

  // Below it nothing is needed; of the records that are acknowledged.
  int64_t position() const;
  // Nobody waits for room any more: what waits for it is not recorded, and unknown to the next run.
  void give_up_waiting();
  // What is under way is finished, and the position committed. `closed` runs once.
  void close(Task closed);

 private:
  CallRecords(const CallRecordsOptions& options, log::Log* log, log::StreamId stream, Loop& loop,
              const Clock& clock);

  Status recover(const CallRecordsOptions& options, Recovered& recovered);
  Result<int64_t> read_state(const CallRecordsOptions& options);
  // What a recovery has read so far, by the id of the call, or of the batch.
  struct Unended {
    std::map<std::string, CallRecord> calls;
    std::map<std::string, CallRecord> batches;
  };
  void recall(const CallRecord& record, int64_t offset, int64_t position, Unended& open);
  void sort_out(Unended open, Recovered& recovered);
  Status index_replay(const std::string& of);
  void placed(const Records& records, std::optional<int64_t> first_offset, log::AckLevel level);
  void fold_when_due();
  void has_read();
  void end_writing();
  void commit_later();
  void commit();
  void committed();
  bool may_ask(const std::string& who) const;

  log::Log* const log_;
  const log::StreamId stream_;
  const std::string leg_;
  const std::vector<std::string> askers_;
  Loop& loop_;
  const Clock& clock_;

  RecordWriter writer_;
  EventAnswers answers_;
  std::vector<std::pair<log::StreamId, AnswerIndex>> replays_;
  std::map<std::string, int64_t> open_;  // calls with an intent and no end: where the intent is
  CountedLedger sums_;
  int64_t folded_ms_ = 0;

  std::unique_ptr<log::PatientCommit> commit_;  // null without a log
  std::unique_ptr<Timer> timer_;
  int64_t pause_ms_;    // between commits
  size_t reading_ = 0;  // on the offload pool
  bool waits_for_reads_ = false;
  bool committing_ = false;
  bool changed_ = false;
  bool closing_ = false;
  Task closed_;
  Liveness alive_;
};

}  // namespace colloquium::ai
