// WriteQueue: the writes of the engine that wait for a sink which does several at once.
//
//   write(batch, done)   queue.push(…)
//   when it can write    WriteGroup group = queue.take(kGroupBytes); on its thread: sets the outcomes
//   back on the loop     group.answer()
//
// Whoever took a group sees to it that each of its writes is answered, by answer() or refuse().
//
// Thread safety: a queue belongs to the loop. A group is for one thread at a time; answer() and refuse() are the
// loop's, as they run what the engine gave.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/sink.h"

namespace colloquium {

// One write, and what became of it.
struct SinkWrite {
  std::shared_ptr<const Batch> batch;
  std::vector<EventOutcome> outcomes;  // as many as events, or none if all are kOk
};

class WriteGroup {
 public:
  bool empty() const { return writes.empty(); }

  // Tells the engine what became of each. Empty afterwards.
  void answer();
  // The same, with kRetry for every event.
  void refuse(const Error& error);

  std::vector<SinkWrite> writes;

 private:
  friend class WriteQueue;
  std::vector<WriteDone> done_;  // of each of them
};

class WriteQueue {
 public:
  void push(std::shared_ptr<const Batch> batch, WriteDone done);

  // The next ones: one, and more while their payloads together stay within `bytes_max`. Empty if none waits.
  WriteGroup take(size_t bytes_max);

  // What was taken and not tried is first again.
  void put_back(WriteGroup group);

  // Every one ends with kRetry.
  void refuse(const Error& error);

  bool empty() const { return waiting_.empty(); }
  size_t size() const { return waiting_.size(); }

 private:
  struct Waiting {
    std::shared_ptr<const Batch> batch;
    WriteDone done;
  };
  std::deque<Waiting> waiting_;
};

}  // namespace colloquium
