// GroupProgress: what a consumer group is told of the partitions that a source has.
//
// The group learns of offsets once nothing can lose what stands below them: every so often, before a partition is
// given up to another member, and at the end. A partition is given up only when all that was read of it is back
// and stored, or what the next member reads begins with events that are ours already; the group does not wait for
// that without end.
//
// Thread safety: the loop's. What waits for the brokers runs where the source runs it.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/counters.h"
#include "components/kafka/group_consumer.h"
#include "components/kafka/topic_part.h"

namespace colloquium::components {

// A partition as the source has it.
struct SourcePartition {
  explicit SourcePartition(std::string name) : part(std::move(name)) {}
  TopicPart part;
  Intake* intake = nullptr;
  bool ours = false;    // assigned, and not being given up
  bool moving = false;  // what comes is let go until it is read from another place
  bool asked_for_start = false;
  int64_t committed = -1;  // the last offset told to the group
};
using PartitionPlace = std::pair<std::string, int32_t>;  // topic and number
using SourcePartitions = std::map<PartitionPlace, SourcePartition>;

class GroupProgress {
 public:
  struct Hooks {
    // Runs `work` where it may wait for the brokers, then `done` with what it gave on the loop.
    std::function<void(std::function<Status(GroupConsumer&)> work, UniqueFunction<void(Status)> done)> on_thread;
    std::function<void(const Error&)> tell;
  };

  // The partitions are the source's, and none is ever removed. All but the hooks outlives this.
  GroupProgress(const ComponentContext& context, SourcePartitions& partitions, Hooks hooks);

  std::vector<TopicPartition> ours() const;
  // What of ours is safe and the group does not know.
  std::vector<TopicPartition> untold() const { return to_commit(ours()); }

  // Tells the group, unless it is being told.
  void commit();

  // They are another member's, once all of them is back. `lost`: they are already, and the group is told nothing.
  void give_up(std::vector<TopicPartition> partitions, bool lost);
  bool gives_up() const { return !giving_up_.empty(); }
  // While it gives up: something has come back.
  void look();

  // Nothing more is to be done, neither now nor later.
  void stop();

  const Counter& commits() const { return commits_; }

 private:
  // Behind what a crash of this process can't lose any more: with `log: off` the door's acknowledgement comes
  // before the sinks have stored anything.
  static std::optional<PartCursor> safe(const SourcePartition& partition);
  // Nothing of it is on its way any more.
  static bool is_back(const SourcePartition& partition);
  std::vector<TopicPartition> to_commit(const std::vector<TopicPartition>& partitions) const;
  void waited_too_long();

  const ComponentContext& context_;
  SourcePartitions& partitions_;
  const Hooks hooks_;
  Counter commits_;
  bool committing_ = false;
  std::vector<TopicPartition> giving_up_;  // revoked, while what they emitted is still under way
  bool lost_ = false;
  bool waits_ = false;
  std::unique_ptr<Timer> limit_;
  std::unique_ptr<Timer> next_look_;  // whether all of it is safe
};

}  // namespace colloquium::components
