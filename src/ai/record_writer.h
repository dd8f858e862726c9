// RecordWriter: appends records to a stream of calls, and tells in what order they became part of it.
//
// What comes in one turn of the loop is handed to the log together at its end: a log takes one batch of many
// records much faster than as many batches. What is appended is acknowledged in two ways: to whoever asked, as
// soon as it is as safe as asked; and in the order of the stream (`Placed`), so that sums over a stream may be
// kept that are exact for a place in it.
//
// Without a log everything is acknowledged in the next turn, and has no place.
//
// Ownership: log, loop and `placed`'s captures outlive it. It may be destroyed while appends are under way: nobody
// is told then. Thread safety: loop only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "ai/call_record.h"
#include "base/liveness.h"
#include "log/log.h"

namespace colloquium::ai {

using Records = std::vector<CallRecord>;

class RecordWriter {
 public:
  using Done = UniqueFunction<void(Status)>;
  // The records of one append and the place of their first; in the order of the stream, none left out but those
  // that failed.
  using Placed = std::function<void(const Records&, std::optional<int64_t> first_offset, log::AckLevel)>;

  // `log` may be null.
  RecordWriter(log::Log* log, log::StreamId stream, Loop& loop, const Clock& clock, Placed placed);

  // All of them at once, or none, and so do those that go with them. What is `patient` is tried again until the
  // log has room for it; else it is refused.
  void append(Records records, log::AckLevel level, bool patient, Done done);

  // From here on nothing is tried again; what waits for room fails.
  void give_up_waiting();
  // Once nothing is under way any more; in a later turn.
  void when_idle(Task idle);
  size_t under_way() const { return flights_.size(); }

 private:
  struct Flight {
    Records records;
    log::AckLevel level;
    bool patient;
    Done done;
    std::unique_ptr<Timer> retry;
  };
  // A batch that is in the log's hands, or was, while one before it still is.
  struct Turn {
    std::vector<uint64_t> flights;
    log::AckLevel level;
    bool ended = false;
    Records records;  // once it is acknowledged; none if it failed
    std::optional<int64_t> first_offset;
  };
  using Placing = Result<std::optional<int64_t>>;  // where the first record is, with a log

  void send(uint64_t number);
  void send_waiting();
  std::vector<uint64_t> take_together(BatchBuilder& builder);
  void hand_over(std::vector<uint64_t> flights, BatchBuilder& builder);
  void acknowledged(uint64_t turn, Placing result);
  void refused(uint64_t number, const Error& error);
  void end(uint64_t number, Status status);
  void place();
  void tell_idle();

  log::Log* const log_;
  const log::StreamId stream_;
  Loop& loop_;
  const Clock& clock_;
  const Placed placed_;
  std::map<uint64_t, std::unique_ptr<Flight>> flights_;
  std::vector<uint64_t> waiting_;  // for the end of the loop's turn
  std::deque<Turn> turns_;
  uint64_t first_turn_ = 0;  // the number of turns_.front(); they count up
  uint64_t next_ = 1;
  bool patient_ = true;
  Task idle_;
  Liveness alive_;
};

}  // namespace colloquium::ai
