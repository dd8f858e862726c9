// What the door builds on its way from a body to an append. Private to src/engine/door*.cc.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/source.h"

#include "engine/door.h"
#include "engine/event_expression.h"
#include "formats/cut.h"
#include "json/walk.h"

namespace colloquium::engine {

// One emit from its arrival to its acknowledgement.
struct SourceIntake::Request {
  // Kept until the acknowledgement although it is cut long before: its cursor is asked for then.
  RawBatch raw;
  AckFn ack;
  uint64_t number = 0;  // among the emits that have a cursor, in their order
  // What it counts for in bytes_under_way_.
  uint64_t bytes = 0;
  int64_t end_position = 0;
  int64_t started_ns = 0;
  // One for whoever is cutting, one per batch that holds a part, one per duplicate that waits for its first.
  std::atomic<int> outstanding{1};
  // The same until they are kept; what is not kept stays among them.
  std::atomic<int> unkept{1};

  void one_more() {
    outstanding.fetch_add(1);
    unkept.fetch_add(1);
  }
  // Any thread. One thing the request waited for is as safe as its ack level wants it.
  void kept_one() {
    if (unkept.fetch_sub(1) == 1 && raw.kept) raw.kept();
  }

  // Written by whoever is cutting (error, duplicates), then by the loop (error, accepted, offsets).
  Ack result;
  uint64_t kept_bytes = 0;  // of the events that are no duplicates; the same
  bool split = false;       // it fills more than one batch; the cutting thread's
  // A batch with events of it was not stored. Set under poison_mutex_.
  std::atomic<bool> failed{false};
};

// The events of one request in one batch.
struct SourceIntake::Part {
  RequestPtr request;
  // Events of the batch, so also its offsets once the log has said where the batch stands.
  size_t first;
  size_t count;
};

// A batch being built for one target: a partition, or the dead letters.
struct SourceIntake::OpenBatch {
  // Behind a pointer: a builder does not move, and an OpenBatch goes to the log's callback.
  std::unique_ptr<BatchBuilder> builder = std::make_unique<BatchBuilder>();
  std::vector<Part> parts;
  std::vector<IdHash> ids;    // with dedupe: one per event
  int64_t base_position = 0;  // of the first event, in its source
  // What of the source is stored with this batch: behind the last request that has a cursor, or where the next
  // batch goes on with that request. The cursor is the request's, so never safe before all of it is.
  int64_t position = 0;
  std::string cursor;
};

// A batch that took as many events as it may; the request that filled it goes on in the next one.
struct SourceIntake::FullBatch {
  size_t target;
  OpenBatch batch;
  size_t first;           // the request's first event in it
  int64_t next_position;  // of the next event for the target
};

// What one thread needs to cut; borrowed for one emit, so that memory is reused whichever thread it is.
struct SourceIntake::Scratch {
  explicit Scratch(const IntakeOptions& options);

  // For partition_by, which has to be known before the event's batch is: the event is walked here and copied.
  json::Walker walker;
  std::vector<char> bytes;
  std::vector<TapeToken> tape;
  std::vector<formats::Piece> pieces;
  std::unique_ptr<EventExpression> partition_by;
  std::unique_ptr<EventExpression> dedupe_key;
  std::unique_ptr<EventExpression> dedupe_sequence;

  // Per target. Empty when it is given back; a stream of many partitions would else make as many builders a turn.
  std::vector<OpenBatch> open;
  std::vector<FullBatch> full;  // in their order; all go before those that are open
  // Of the request being cut; see Cutter.
  std::vector<size_t> first;
  std::vector<int64_t> accepted_position;
  std::vector<std::pair<std::string_view, std::string_view>> headers;
};

// Cuts one request into events and adds them to the open batches.
class SourceIntake::Cutter {
 public:
  Cutter(SourceIntake& intake, RequestPtr request, Scratch& scratch);

  // On a bad event under kRejectAll everything the request added is taken back and its result has the error.
  void run();

 private:
  // Where an event stands: its text, its position in the source, and its byte in the body, for messages.
  struct Place {
    std::string_view text;
    int64_t position;
    uint64_t byte;                                 // of the text in the body
    const std::vector<TapeToken>* tape = nullptr;  // the event's, if cutting has walked it already
  };
  // Each stops at the first bad event under kRejectAll: nothing is kept anyway.
  void cut_body(std::string_view body);
  void cut_array(std::string_view body);
  void cut_records(std::string_view body);
  void cut_messages();
  std::string_view value_of(const RawMessage& message) const;
  // False, and the event is bad, if the decoder can make nothing of it.
  bool append_text(const Place& place, std::vector<char>& bytes);
  void bad_json(const Place& place, const json::WalkError& error);
  void add(const Place& place, const EventMeta& meta);
  void add_tombstone(int64_t position, EventMeta meta);
  // Walked in the batch's own memory: the usual way, and the only one without a second copy.
  bool add_directly(size_t target, const Place& place, const EventMeta& meta);
  void add_by_key(const Place& place, EventMeta meta);
  bool walk(const Place& place, std::string_view text, std::vector<TapeToken>& tape, json::WalkError& error);
  // Nothing, and the event is bad, if it has none.
  std::optional<IdHash> id_of(const json::ValueView& value, const Place& place);
  std::optional<int64_t> sequence_of(const json::ValueView& value, const Place& place);
  // Counts duplicates; pending ones make the request wait for their first.
  bool claim(const json::ValueView& value, const Place& place, OpenBatch& open);
  bool seen(size_t target, int64_t position) const;
  size_t default_target(int64_t position) const;
  uint32_t next_delta(OpenBatch& open, int64_t position) const;
  void bad(const Place& place, ErrorCode code, const std::string& what, uint64_t byte);
  void refuse(const Place& place, ErrorCode code, const std::string& what);
  // Where the event at `position` goes: one that is full is put aside first; so is one whose events have ids, or
  // have none, unlike this one: a batch stores an id for each event or for none.
  OpenBatch& batch_for(size_t target, int64_t position, bool has_id);
  void take_back();
  void take_back(OpenBatch& batch, size_t first);
  void close_parts();
  void close_part(OpenBatch& batch, size_t first, int64_t position);

  SourceIntake& intake_;
  const RequestPtr request_;
  std::vector<OpenBatch>& open_;
  Scratch& scratch_;
  // Everything behind these marks is the request's own, and is what take_back() takes back.
  std::vector<size_t>& first_;  // per target: where this request begins
  const size_t first_full_;     // the first that this request filled
  // A copy: appends end on the log thread meanwhile. An event seen too late as accepted would be stored twice only
  // if the source emitted it twice, and it does so only after every answer. Empty without a cursor.
  std::vector<int64_t>& accepted_position_;
  // Made once per request, not per event: most events are no duplicates.
  std::function<DedupeTable::Settled()> make_settled_;
  EventMeta meta_;
  size_t batch_target_ = 0;
  uint64_t ordinal_ = 0;
  bool rejected_ = false;
};

}  // namespace colloquium::engine
