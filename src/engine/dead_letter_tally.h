// DeadLetterTally: how many events a component gave up, by reason, and a line now and then that says so.
//
// Dead letters are kept, so nothing else would tell: one wrong field name can empty a stream into them while
// every part of the process is well. A receiver that refuses a million events may not write a million lines
// either, so a component says it once per ten seconds, with the count of those it did not tell.
//
// Thread safety: every method on any thread; the counts may be read while others add.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "colloquium/clock.h"
#include "colloquium/result.h"

#include "base/counters.h"
#include "engine/sparse_warnings.h"

namespace colloquium::engine {

class DeadLetterTally {
 public:
  // `who` stands before each line: "<pipeline>/<component>".
  DeadLetterTally(std::string who, const Clock& clock) : warnings_(std::move(who), clock) {}

  // `event` gives the event's id, or where its bytes stand; asked only if a line is written. `to`: the pipeline it
  // went to, if not to the dead letters.
  void add(const Error& error, const std::function<std::string()>& event, std::string_view to = {});

  // Without a line: for what is told in another way.
  void count(ErrorCode reason) { counts_.add(reason); }

  const ErrorCounters& counts() const { return counts_; }
  // Of them: those that went to another pipeline.
  uint64_t forwarded() const { return forwarded_.load(); }

 private:
  SparseWarnings warnings_;
  ErrorCounters counts_;
  std::atomic<uint64_t> forwarded_{0};
};

}  // namespace colloquium::engine
