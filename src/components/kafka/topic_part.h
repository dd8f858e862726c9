// TopicPart: one partition of a topic on its way through the door: cuts what comes into runs of contiguous
// offsets, and knows how far everything is accepted.
//
// A position is `base` + the Kafka offset. The base is 0 until offsets begin again below those we had (a topic
// made anew, --from-start): positions have to rise, or the door would take new events for old ones.
//
// Acknowledgements may come in any order. Once one says that nothing was kept, the part is broken off: it takes
// nothing more until all of them are back, and goes on at the first offset that was not accepted.
//
// Thread safety: none; the loop's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/source.h"

namespace colloquium::components {

// What is stored with the events: the next Kafka offset, and the base of positions. "1234", or "1234@5000".
struct PartCursor {
  int64_t next = 0;
  int64_t base = 0;

  std::string encode() const;
  static Result<PartCursor> decode(const std::string& text);
  int64_t position() const { return base + next; }
};

class TopicPart {
 public:
  explicit TopicPart(std::string name) : name_(std::move(name)) {}

  const std::string& name() const { return name_; }

  // Begins a time in which the partition is ours. `at`: where reading goes on, nothing if the group's offset or
  // `start` decides. Answers to what was emitted before are not ours to look at any more.
  void begin(std::optional<PartCursor> at);

  // Whether `offset` is wanted now: not one that we have, and the part is not broken off.
  bool wants(int64_t offset) const { return !broken_off_ && offset >= next_; }

  // Takes a message; gives the run before it if it does not follow on from that, or that is large enough.
  // REQUIRES: wants(offset).
  std::optional<RawBatch> add(int64_t offset, RawMessage message);
  // The run that has been begun, if any.
  std::optional<RawBatch> cut();

  // The number of the run that was cut last; acknowledged() takes it.
  uint64_t last_run() const { return first_run_ + runs_.size() - 1; }

  // `run` came back. True if that ends a breaking off: reading has to go on at resume_at().
  bool acknowledged(uint64_t run, bool accepted);

  bool broken_off() const { return broken_off_; }
  size_t under_way() const { return out_; }
  // The next offset to read; nothing if nobody knows yet.
  std::optional<int64_t> resume_at() const;
  // Reading goes on at `offset` (nothing: wherever the broker says), with what was broken off forgotten.
  void resume(std::optional<int64_t> offset);

  // The offsets begin anew below: from now on positions stand above all that were used, here or, as
  // Intake::free_position() knows, in a run before.
  void raise_base(int64_t free_position);

  // Behind all that is accepted in one piece; nothing if nothing was.
  const std::optional<PartCursor>& accepted() const { return accepted_; }

 private:
  struct Run {
    int64_t begin = 0;  // Kafka offsets: of its first message, and behind its last
    int64_t end = 0;
    int64_t base = 0;
    bool out = true;
    bool accepted = false;
  };
  void drop_accepted();

  std::string name_;
  int64_t base_ = 0;
  int64_t next_ = 0;     // the lowest offset that is still wanted
  bool placed_ = false;  // next_ is where reading goes on, not just a bound
  bool broken_off_ = false;
  std::optional<PartCursor> accepted_;
  RawBatch building_;
  size_t building_bytes_ = 0;
  std::deque<Run> runs_;    // emitted, from the first that is not accepted
  uint64_t first_run_ = 1;  // number of runs_.front(); numbers are never used twice
  size_t out_ = 0;          // of runs_, not yet back
};

}  // namespace colloquium::components
