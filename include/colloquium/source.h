// Source: where events come from.
//
// A source hands bytes as it read them to its Intake (the door, src/engine/door.h), with the position it
// would have to resume from, and gets an acknowledgement back once they are as safe as `ack` declares. It
// never parses events and never touches the log.
//
// Life: create → start → stop_intake → (acknowledgements drain) → close → destroyed after `closed`.
// Thread safety: every method runs on the loop. Intake::emit may be called on any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/function.h"
#include "colloquium/result.h"

namespace colloquium {

// One message already cut by its protocol (an MQTT publish, a Kafka record).
struct RawMessage {
  std::string value;
  std::optional<std::string> key;
  std::vector<std::pair<std::string, std::string>> headers;
  std::optional<int64_t> timestamp_ms;  // arrival if absent
  bool tombstone = false;               // an event without value: it deletes its key
};

// How a body is to be cut into events.
enum class BodyFormat {
  kJson,       // one JSON value
  kJsonArray,  // a JSON array, an event per element
  kNdjson,     // a JSON value per line; blank lines are skipped
};

// What to do with an event that is no valid JSON or is too long.
enum class BadEventPolicy {
  kRejectAll,   // nothing of this RawBatch is kept; the acknowledgement says where the bad byte is
  kDeadLetter,  // the bad event goes to the dead letters, the others are kept
};

// Makes events of records that are no JSON (CSV, logfmt, syslog …): what a format is to the door.
//
// Thread safety: immutable; one decoder serves all door threads at once.
class RecordDecoder {
 public:
  struct Failure {
    std::string what;
    uint64_t byte = 0;  // of the record
  };
  virtual ~RecordDecoder() = default;

  // Takes the next record off the front of `rest`. False if there is none: what separates records is gone then,
  // too.
  virtual bool next(std::string_view& rest, std::string_view& record) const = 0;

  // Appends the event, one JSON value, to `out`. After a failure whatever was appended is taken away again.
  virtual std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const = 0;
};

// Bytes as read. Either `body` (cut by `format`, or by `decoder`) or `messages`.
struct RawBatch {
  std::shared_ptr<const std::string> body;  // complete events only: a reader keeps a partial last line back
  BodyFormat format = BodyFormat::kJson;
  // Set: cuts the body from `records_begin` on, and makes events of its records, or of each message's value.
  std::shared_ptr<const RecordDecoder> decoder;
  uint64_t records_begin = 0;
  std::vector<RawMessage> messages;
  BadEventPolicy bad_event = BadEventPolicy::kRejectAll;
  std::vector<std::pair<std::string, std::string>> headers;  // for every event of the body
  uint64_t order_key = 0;  // RawBatches of one order key keep their order (a connection, a file)

  // Position of the body's first byte (or the first message) in the source, rising over the source's life:
  // with `log: off` it becomes the event's offset and makes its id. Byte position for a file.
  int64_t position = 0;

  // What to store with these events so that the source can resume behind them; empty: it cannot be re-read.
  std::string cursor;

  // Runs before the acknowledgement, once, on whatever thread first knows that the ack level holds for all of it:
  // for a thread that waits for just that, and need not wait for the loop, too. Never if not all was kept. Set, it
  // also says that the thread that calls emit() has nothing else to do: the write may be done there, before emit()
  // returns, and callbacks of others run there. So it holds no lock that one of them takes. On the loop that is
  // never so.
  std::function<void()> kept = nullptr;
};

// How an emit ended.
struct Ack {
  uint64_t accepted = 0;
  uint64_t duplicates = 0;
  struct Range {
    int32_t partition;
    int64_t first;
    int64_t last;
  };
  // Where the accepted events stand: one per partition, and of a large request others' may stand between. Empty
  // with `log: off`.
  std::vector<Range> offsets;

  // Set if not everything was kept: nothing of a small request, of a large one perhaps its front. kInvalidInput:
  // nothing, and `bad_byte` and `bad_event` say where; kNoSpace and kUnavailable: try again after
  // `retry_after_ms`.
  std::optional<Error> error;
  uint64_t bad_byte = 0;   // byte offset in the body (in the message, with `messages`)
  uint64_t bad_event = 0;  // ordinal in the body
  int64_t retry_after_ms = 0;
};
using AckFn = UniqueFunction<void(Ack)>;

// The door, as a source sees it. Never blocks.
class Intake {
 public:
  virtual ~Intake() = default;

  // Takes `batch`; `ack` runs exactly once, on the loop, when the source's declared ack level holds or
  // nothing was kept. Acks may come in another order than emits. After an error on an emit that had a cursor,
  // every later emit of the source made before that ack arrived fails too, so that the source can go back to
  // the first one that failed and nothing is skipped or out of order.
  virtual void emit(RawBatch batch, AckFn ack) = 0;

  // False while the source should stop reading: the log's append queue (or, with `log: off`, the pipeline's
  // queue) is full, or much of this source is under way. What was read in whole before may still be emitted: it
  // is taken if log and memory allow. Loop only.
  virtual bool ready() const = 0;

  // Calls `resume` once on the loop when ready() becomes true again. Loop only.
  virtual void when_ready(Task resume) = 0;

  // A part of the source that is read and resumed by itself: a partition of a topic, a file of a folder. Its
  // positions, its cursor and what is said above of failed emits are its own; settings, dedupe and ready() are the
  // source's. The same name means the same part after a restart. Parts have no parts. The reference is good for as
  // long as the intake. Loop only, after the source was started.
  virtual Intake& part(const std::string& name) = 0;

  // What is stored for this part: behind it a run that begins now would read everything. When a source starts it
  // is what start() is given; with `log: off` it follows the sinks, not the acks. Empty: nothing. Loop only.
  virtual std::string stored_cursor() const = 0;

  // No event of this part is stored at this position or above. Events may be stored behind stored_cursor(), as a
  // cursor is known to be safe only with the batch after it, and what comes at their positions is taken for them:
  // a source whose peer may say something else the second time goes on from here. Loop only, from the start on.
  virtual int64_t free_position() const { return 0; }
};

class Source {
 public:
  virtual ~Source() = default;

  // `cursor`: the last one stored, empty if none. With SourceContext::from_start it is given all the same, so
  // that what is read again gets positions above those before. A failure stops the pipeline from starting.
  virtual Status start(std::string cursor) = 0;

  // No further emit after this returns, except of what a connection has already begun to send, and of what was
  // read before: see when_offered().
  virtual void stop_intake() = 0;

  // A source that cannot read again goes on after stop_intake() to offer what it has read and the door has not
  // taken. `offered` runs on the loop once nothing of it is left; after close() it does not. Called once at most.
  virtual void when_offered(Task offered) { offered(); }

  // Gives everything back; `closed` runs on the loop in a later turn, once.
  virtual void close(Task closed) = 0;
};

}  // namespace colloquium
