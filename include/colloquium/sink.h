// Sink: where events go.
//
// The engine writes batches in order and asks for a token when it commits; the token is stored in the same
// commit as the position, and given back by restore() after a restart, so that a sink can put itself exactly
// where the commit left it.
//
// Life: create → restore → start → write/token … → close → destroyed after `closed`.
// Thread safety: every method and callback on the loop.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium {

enum class Outcome : uint8_t {
  kOk,
  kDrop,        // refused, and declared as to be dropped
  kRetry,       // not written; write it again later
  kDeadLetter,  // not written, and never will be
};

struct EventOutcome {
  Outcome outcome = Outcome::kOk;
  Error error;                 // for kRetry and kDeadLetter
  int64_t retry_after_ms = 0;  // kRetry: what the peer asked for, 0 if nothing
  // kRetry: the peer's answer was about this event, so it is one of the attempts the event has. Otherwise the
  // sink can write nothing now (no space, no connection, an overloaded peer): no event is to blame, and the
  // engine waits for as long as that lasts.
  bool is_attempt = false;
};

// One per event of the batch, or empty if every event is kOk.
using WriteDone = UniqueFunction<void(std::vector<EventOutcome>)>;
using TokenDone = UniqueFunction<void(Result<std::string>)>;

// How far a leg has come, as a ProgressKeeper has it.
struct SinkProgress {
  std::string partition;  // of the leg's input: the beginning of its events' ids, partition_id() (batch.h)
  int64_t next = 0;       // every event below this offset is written or given up
  struct GivenUp {
    int64_t offset = 0;
    std::string error;
  };
  std::vector<GivenUp> given_up;  // of those below `next`, at least what settled() was not told of
};
using ProgressDone = UniqueFunction<void(Result<std::vector<SinkProgress>>)>;

// A sink that keeps its leg's progress in its peer, in one transaction with what it writes, and so is exactly
// once.
//
// Such a sink has no token. Each write is one transaction, or a few: events, and the progress behind them. `done`
// comes when that is committed, or certainly is not. Outcomes are final up to the first kRetry, and all behind
// that are kRetry, too; events of one offset stay together. Whatever becomes of the process, what was committed is
// told by recover(), and the engine writes it no second time. Its own commit follows behind. Thread safety: loop
// only.
class ProgressKeeper {
 public:
  virtual ~ProgressKeeper() = default;

  // Called once, after start and before the first write: takes the place of any other process that wrote for `leg`
  // ("<pipeline>/<sink>") before, and tells what the peer knows of `partitions` and of their parts ("<partition>/…").
  // A peer that can't be reached is waited for; a failure ends the pipeline. After close() `done` need not run.
  virtual void recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) = 0;

  // The engine has given up an event whose last outcome was kRetry. It is among the `given_up` of the next write's
  // progress, just as those are to which the sink itself answered kDeadLetter. (kDrop leaves nothing to keep.)
  virtual void gave_up(const std::string& partition, int64_t offset, const std::string& error) = 0;

  // The engine has committed what stands below `offset`, and what of it was given up: that need not be kept any
  // more.
  virtual void settled(const std::string& partition, int64_t offset) = 0;
};

// What a sink can promise, as the start-up message says it.
enum class Guarantee { kExactlyOnce, kEffectivelyOnce, kAtLeastOnce };

// Up to what size items that wait for a sink become one write: only those of at most `item_bytes`, up to `bytes`
// and `events` together. A larger item is a write of its own. none(): each is.
struct JoinLimits {
  size_t item_bytes = size_t{128} << 10;
  size_t bytes = size_t{1} << 20;
  size_t events = 1000;

  static constexpr JoinLimits none() { return {0, 0, 0}; }
};

class Sink {
 public:
  virtual ~Sink() = default;

  virtual Guarantee guarantee() const = 0;

  // Puts the sink where `token` says (a file is cut back to the committed length). Called once, before
  // start; with an empty token if nothing was ever committed. A failure stops the pipeline from starting.
  virtual Status restore(const std::string& token) = 0;
  virtual Status start() = 0;

  // Several writes may be under way (one per partition); a sink with a token does them in call order, and
  // answers each whole: every event written, or none. `done` runs exactly once,
  // in a later turn or this one.
  virtual void write(std::shared_ptr<const Batch> batch, WriteDone done) = 0;

  // How much a write may hold of several batches of the log, as they wait together. Nothing, if what the sink
  // sends has to be the same again after a crash: the log's batches are, what waits together is not. Little, if it
  // waits for the peer after each event: positions are committed once the whole write is answered. Much, if a
  // write costs a round trip whatever it holds. Constant.
  virtual JoinLimits joins() const { return {}; }

  // Whether token() says anything. If not, the engine commits positions as writes complete.
  virtual bool has_token() const = 0;

  // Makes every write called before this durable, then yields what restore() needs to come back to exactly
  // this point. Later writes may be called meanwhile and are not covered. A failure fails the sink.
  virtual void token(TokenDone done) = 0;

  // The token is committed: whatever only mattered before (a finished name to publish) may be done now.
  virtual void committed(const std::string& token) { (void)token; }

  // Set by a sink that keeps its leg's progress in its peer; it is the sink's own.
  virtual ProgressKeeper* progress() { return nullptr; }

  // Set once the sink can never write again (the reader of a pipe has gone, a sync failed): no retry will
  // help, the pipeline has to end with this error.
  virtual std::optional<Error> broken() const { return std::nullopt; }

  // Gives everything back; writes under way end with kRetry. `closed` runs in a later turn, once.
  virtual void close(Task closed) = 0;
};

}  // namespace colloquium
