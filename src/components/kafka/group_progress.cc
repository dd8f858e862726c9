#include "components/kafka/group_progress.h"

#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "kafka";
constexpr int64_t kGiveUpMs = 10'000;
constexpr int64_t kLookMs = 20;
constexpr int kGiveUpCommitMs = 5'000;
constexpr int kCommitMs = 2'000;

}  // namespace

GroupProgress::GroupProgress(const ComponentContext& context, SourcePartitions& partitions, Hooks hooks)
    : context_(context), partitions_(partitions), hooks_(std::move(hooks)) {}

std::optional<PartCursor> GroupProgress::safe(const SourcePartition& partition) {
  const auto& accepted = partition.part.accepted();
  if (!accepted || partition.intake == nullptr) return std::nullopt;
  const auto stored = PartCursor::decode(partition.intake->stored_cursor());
  if (!stored) return std::nullopt;
  return stored->position() < accepted->position() ? *stored : *accepted;
}

bool GroupProgress::is_back(const SourcePartition& partition) {
  if (partition.part.under_way() > 0) return false;
  const auto& accepted = partition.part.accepted();
  const auto stored = safe(partition);
  // With --from-start nothing of it may be stored yet, and nothing read.
  return !accepted || accepted->next == 0 || (stored && stored->position() == accepted->position());
}

std::vector<TopicPartition> GroupProgress::ours() const {
  std::vector<TopicPartition> list;
  for (const auto& [place, partition] : partitions_) {
    if (partition.ours) list.push_back({place.first, place.second});
  }
  return list;
}

std::vector<TopicPartition> GroupProgress::to_commit(const std::vector<TopicPartition>& partitions) const {
  std::vector<TopicPartition> offsets;
  for (const TopicPartition& one : partitions) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (found == partitions_.end()) continue;
    const auto at = safe(found->second);
    if (at && at->next != found->second.committed) offsets.push_back({one.topic, one.partition, at->next});
  }
  return offsets;
}

void GroupProgress::commit() {
  const std::vector<TopicPartition> offsets = untold();
  if (offsets.empty() || committing_) return;
  committing_ = true;
  hooks_.on_thread([offsets](GroupConsumer& consumer) { return consumer.commit(offsets, kCommitMs); },
                   [this, offsets](const Status& status) {
                     committing_ = false;
                     if (!status) return hooks_.tell(status.error());
                     commits_.add();
                     for (const TopicPartition& one : offsets) {
                       partitions_.at({one.topic, one.partition}).committed = one.offset;
                     }
                   });
}

void GroupProgress::give_up(std::vector<TopicPartition> partitions, bool lost) {
  for (const TopicPartition& one : partitions) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (found != partitions_.end()) found->second.ours = false;
    log_info(kComponent, "giving up " + one.topic + "-" + std::to_string(one.partition),
             {{"source", context_.name}, {"lost", lost}});
  }
  giving_up_ = std::move(partitions);
  lost_ = lost;
  waits_ = true;
  // Who waited longer would be thrown out of the group with all its partitions.
  limit_ = context_.loop.start_timer(kGiveUpMs, [this] { waited_too_long(); });
  look();
}

void GroupProgress::waited_too_long() {
  const auto fired = std::move(limit_);
  waits_ = false;
  log_warning(kComponent, "partitions are given up before all that was read of them is accepted and stored",
              {{"source", context_.name}});
  for (const TopicPartition& one : giving_up_) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (found != partitions_.end()) found->second.part.begin(found->second.part.accepted());
  }
  look();
}

void GroupProgress::look() {
  if (giving_up_.empty()) return;
  for (const TopicPartition& one : giving_up_) {
    const auto found = partitions_.find({one.topic, one.partition});
    if (!waits_ || found == partitions_.end() || is_back(found->second)) continue;
    // Nobody tells when the sinks have stored what the door has taken.
    if (found->second.part.under_way() == 0 && next_look_ == nullptr) {
      next_look_ = context_.loop.start_timer(kLookMs, [this] {
        const auto fired = std::move(next_look_);
        look();
      });
    }
    return;
  }
  limit_ = nullptr;
  next_look_ = nullptr;
  const std::vector<TopicPartition> partitions = std::exchange(giving_up_, {});
  const std::vector<TopicPartition> offsets = lost_ ? std::vector<TopicPartition>() : to_commit(partitions);
  hooks_.on_thread([offsets, partitions](
                       GroupConsumer& consumer) { return consumer.give_up(offsets, partitions, kGiveUpCommitMs); },
                   [this](const Status& status) {
                     if (!status) hooks_.tell(status.error());
                   });
}

void GroupProgress::stop() {
  limit_ = nullptr;
  next_look_ = nullptr;
  giving_up_.clear();
}

}  // namespace colloquium::components
