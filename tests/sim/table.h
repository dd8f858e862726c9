// Table: what was put into the stream of keys, and whether what is found after compaction keeps the promises.
//
// Every event has a number, which is its own time; number and seed of the story say its key and its value.
// Promised means: it is there as it was put and where it stood, or a newer one of its key is; a tombstone may go,
// but what it deleted never comes back; that holds for one that nobody was promised, too, if it was written and
// something behind it is there. A value: a copy is judged apart from its original.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "log/segment_log.h"
#include "tests/sim/model.h"

namespace colloquium::sim {

class Table {
 public:
  static constexpr const char* kName = "table";
  static log::Compaction compaction() { return {.on = true, .lag_ms = 0, .tombstone_ms = 3000}; }

  struct Put {
    int first;
    int count;
    log::AckLevel level;
  };
  Put put(int count, log::AckLevel level);
  std::shared_ptr<const Batch> make_batch(const Put& put) const;

  // A problem, if it could not have been promised; else empty.
  std::string told(const Put& put, const Result<log::AppendResult>& result);
  void power_lost();
  // What is found is the truth from then on. `allowance` as in Model::check.
  std::string check(log::SegmentLog& log, log::StreamId id, const Allowance& allowance);

  uint64_t acknowledged() const { return acknowledged_; }
  uint64_t excused() const { return excused_; }
  bool unreadable() const { return unreadable_; }
  uint64_t promises_checked() const { return promises_checked_; }

 private:
  enum class Fate : uint8_t { kOpen, kWritten, kPromised, kGone };
  struct Event {
    Fate fate = Fate::kOpen;
    int64_t offset = -1;     // once known
    bool refused = false;  // or the log failed
    bool queued = false;
    bool was_there = false;      // some time, for good
    bool may_have_been = false;  // of a tombstone that is gone
  };
  using Found = std::map<int, int64_t>;  // number and offset
  std::string take(const Batch& batch, size_t i, Found& found) const;
  std::string check_event(int number, const Found& found, const Allowance& allowance);
  bool replaced(int number, const Found& found) const;

  std::vector<Event> events_;
  uint64_t acknowledged_ = 0;
  uint64_t excused_ = 0;
  uint64_t promises_checked_ = 0;
  bool unreadable_ = false;
};

}  // namespace colloquium::sim
