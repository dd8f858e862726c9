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

// What a sink can promise, as the start-up message says it.
enum class Guarantee { kExactlyOnce, kEffectivelyOnce, kAtLeastOnce };

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

  // Whether token() says anything. If not, the engine commits positions as writes complete.
  virtual bool has_token() const = 0;

  // Makes every write called before this durable, then yields what restore() needs to come back to exactly
  // this point. Later writes may be called meanwhile and are not covered. A failure fails the sink.
  virtual void token(TokenDone done) = 0;

  // The token is committed: whatever only mattered before (a finished name to publish) may be done now.
  virtual void committed(const std::string& token) { (void)token; }

  // Set once the sink can never write again (the reader of a pipe has gone, a sync failed): no retry will
  // help, the pipeline has to end with this error.
  virtual std::optional<Error> broken() const { return std::nullopt; }

  // Gives everything back; writes under way end with kRetry. `closed` runs in a later turn, once.
  virtual void close(Task closed) = 0;
};

}  // namespace colloquium
