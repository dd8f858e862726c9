// Model: what a log was asked to keep, what it promised, and whether what is found keeps the promises.
//
// Every batch of events has a number, and every event is made from that number and its place in the batch: what
// is found tells which call it came from. A value: a copy is judged apart from its original, so that many
// recoveries can be tried from one state.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "log/segment_log.h"

namespace colloquium::sim {

inline const std::vector<std::string> kStreams = {"in", "out", "late"};

struct Place {
  int stream = 0;  // in kStreams
  int32_t partition = 0;
  auto operator<=>(const Place&) const = default;
};

// What damage of one place excuses; rule 4 of the log: above the last sync mark it looks like a crash's.
struct Allowance {
  std::optional<Place> hit;  // of this partition some may be unreadable, told when it is read …
  int64_t from_offset = 0;  // … and what stands from here on may be missing, if the log says that it cut something
  int64_t journal_entries = 0;  // so many of the newest commits may be missing, likewise
  bool table_hit = false;       // the same for the table (table.h)
  int64_t table_from = 0;
};

class Model {
 public:
  explicit Model(std::vector<int> partitions) : partitions_(std::move(partitions)) {}

  // --- what is asked ----------------------------------------------------------------------------------------
  int new_batch(Place place, int count, log::AckLevel level, int commit = -1);
  int new_commit(int leg, std::vector<std::pair<Place, int64_t>> positions, bool with_token);
  std::shared_ptr<const Batch> make_batch(int number) const;
  log::AcceptInfo accept_of(int number) const;

  // --- what is promised -------------------------------------------------------------------------------------
  // A problem, if it could not have been promised; else empty.
  std::string told(int number, const Result<log::AppendResult>& result);
  void told_commit(int commit, const Status& result);
  // The log has failed: what it refused last for want of space may be there all the same.
  void log_failed();
  // A reader was given this; only `durable` ends of partitions are shown to it.
  std::string seen(Place place, const Batch& batch);
  // What was only handed to the kernel is promised no more.
  void power_lost();

  // --- what is found ----------------------------------------------------------------------------------------
  // Everything promised is there, once, and nothing else is; else what is wrong. From then on what is there is
  // the truth: it must stay, and what is not must not come back. `notes` of the log's recovery.
  std::string check(log::SegmentLog& log, const std::vector<log::StreamId>& ids, const Allowance& allowance);
  // The accept headers found are those of the batches that check() found.
  std::string check_accepted(log::SegmentLog& log, const std::vector<log::StreamId>& ids) const;

  int64_t commits_of(int leg) const;  // made so far
  int64_t readable_end(Place place) const;
  int64_t reader_at(Place place) const;  // what a reader of this life has to be given next, or later
  uint64_t acknowledged() const { return acknowledged_; }  // events and commits
  uint64_t excused() const { return excused_; }            // promises that the allowance had to excuse
  bool unreadable() const { return unreadable_; }
  uint64_t promises_checked() const { return promises_checked_; }
  const std::vector<int>& partitions() const { return partitions_; }
  static std::string leg_name(int leg) { return "p/leg" + std::to_string(leg); }

 private:
  enum class Fate : uint8_t { kOpen, kWritten, kPromised, kGone };
  struct Sent {
    Place place;
    int count;
    log::AckLevel level;
    int commit;  // −1: an append
    Fate fate = Fate::kOpen;
    int64_t first_offset = -1;  // once known
    bool told = false;
  };
  struct Commit {
    int leg;
    std::vector<std::pair<Place, int64_t>> positions;
    bool with_token;
    std::vector<int> outputs;
    Fate fate = Fate::kOpen;
  };
  struct Found {
    int number;
    int64_t first_offset;
  };
  struct PartitionFound {
    std::vector<Found> batches;
    std::optional<int64_t> unreadable_from;
  };

  std::string take_event(Place place, int64_t offset, const Batch& batch, size_t i, std::vector<Found>& found,
                         int& next_place) const;
  std::string read(log::SegmentLog& log, log::StreamId id, Place place, bool may_fail,
                   PartitionFound& found) const;
  std::string check_order(const std::vector<Found>& found) const;
  std::string check_legs(log::SegmentLog& log, const Allowance& allowance);
  std::string check_leg(const std::vector<int>& commits, const std::optional<log::LegState>& state) const;
  std::string check_batch(int number, const std::map<int, int64_t>& where, const Allowance& allowance);
  bool damaged(Place place) const;
  std::string value_of(int number, int i) const;

  std::vector<int> partitions_;  // of each stream
  std::vector<Sent> sent_;
  std::vector<Commit> commits_;
  std::map<int, std::vector<int>> by_leg_;
  std::map<Place, PartitionFound> found_;
  std::map<Place, int64_t> readable_;
  std::vector<int> refused_now_;  // batches refused since something was last acknowledged
  std::map<Place, int64_t> reader_at_;
  uint64_t acknowledged_ = 0;
  uint64_t promises_checked_ = 0;
  uint64_t excused_ = 0;
  bool unreadable_ = false;
};

}  // namespace colloquium::sim
