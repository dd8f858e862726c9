#include "log/pruner.h"

#include <algorithm>

#include "base/assert.h"
#include "log/layout.h"
#include "log/oldest.h"

namespace colloquium::log {

Pruner::Pruner(io::FileSystem& fs, Clock& clock, const Journal& journal, PruneCounters& counters, Tell tell)
    : fs_(fs), clock_(clock), journal_(journal), counters_(counters), tell_(std::move(tell)) {}

void Pruner::tell_once(const std::string& key, const std::string& warning) {
  ASSERT(!warning.empty());
  if (told_.insert(key).second && tell_) tell_(warning);
}

void Pruner::see(const Front& front) {
  ASSERT(front.count == 0);
  std::map<int64_t, int64_t> seen;
  std::map<int64_t, int64_t>& before = seen_ms_[front.partition->directory()];
  for (const auto& segment : front.segments) {
    const auto known = before.find(segment->base_offset());
    seen[segment->base_offset()] = known == before.end() ? now_ms_ : std::min(known->second, now_ms_);
  }
  before = std::move(seen);
}

// When the newest batch of front.next was appended.
int64_t Pruner::newest_ms(const Front& front, const Seal& seal) {
  if (seal.max_time_ms <= now_ms_) return seal.max_time_ms;
  ASSERT(front.count + 1 < front.segments.size());
  tell_once("future " + front.partition->name(),
            "events of '" + front.partition->name() + "' up to offset " + std::to_string(seal.next_offset - 1) +
                " and more bear append times in the future: the clock was ahead then. They stay as they are, and "
                "retention takes their age from when it finds them");
  return seen_ms_[front.partition->directory()].at(front.segments[front.count + 1]->base_offset());
}

// The dedupe window and the legs, in this order: whoever is told that a leg holds back can do something about it.
bool Pruner::is_needed(const PrunedStream& stream, const Front& front, const Seal& seal) {
  ASSERT(seal.next_offset > seal.base_offset);
  if (newest_ms(front, seal) + stream.retention.keep_ms > now_ms_) return true;
  if (stream.retention.drop_unread || front.needed.offset >= seal.events_end) return false;
  tell_once("held " + front.partition->name() + " " + front.needed.leg,
            "retention cannot remove offsets " + std::to_string(seal.base_offset) + " to " +
                std::to_string(seal.next_offset - 1) + " of '" + front.partition->name() + "': '" +
                front.needed.leg + "' has only committed those below " + std::to_string(front.needed.offset) +
                "; they stay until it has, or until retention has drop_unread: true");
  return true;
}

// What is behind the segments chosen so far: removable, or nothing.
void Pruner::look_at_next(Front& front) {
  front.next.reset();
  if (front.count + 1 >= front.segments.size()) return;
  const int64_t base = front.segments[front.count]->base_offset();
  const std::string path = segment_path(front.partition->directory(), base, "seal");
  auto known = seals_.find(path);
  if (known == seals_.end()) {
    auto read = read_seal(fs_, path);
    if (!read) {
      if (io::waits_for_room(read.error())) return;
      tell_once(path, "retention cannot remove a segment: " + read.error().message);
      return;
    }
    known = seals_.emplace(path, std::move(*read)).first;
  }
  ASSERT(known->second.base_offset == base);
  front.next = known->second;
}

Pruner::Front Pruner::front_of(const PrunedStream& stream, const std::shared_ptr<Partition>& partition) {
  ASSERT(partition != nullptr);
  Front front;
  front.partition = partition;
  front.segments = partition->segments();
  front.needed = journal_.needed_of(stream.name, partition->number(), stream.retention.legs);
  see(front);
  look_at_next(front);
  return front;
}

void Pruner::take(Front& front) {
  ASSERT(front.next.has_value());
  seals_.erase(segment_path(front.partition->directory(), front.next->base_offset, "seal"));
  front.last = std::move(front.next);
  front.bytes += front.last->size_bytes;
  ++front.count;
  look_at_next(front);
}

void Pruner::choose(const PrunedStream& stream, std::vector<Front>& fronts) {
  const Retention& retention = stream.retention;
  ASSERT(retention.removes());
  uint64_t size_bytes = 0;
  for (Front& front : fronts) {
    const int64_t before_ms = now_ms_ - retention.time_ms;
    while (retention.time_ms > 0 && front.next && newest_ms(front, *front.next) < before_ms &&
           !is_needed(stream, front, *front.next)) {
      take(front);
    }
    size_bytes += front.partition->info().size_bytes - front.bytes;
  }
  // The stream's oldest first, wherever it is.
  while (retention.size_bytes > 0 && size_bytes > retention.size_bytes) {
    Front* oldest = nullptr;
    for (Front& front : fronts) {
      if (!front.next || (oldest != nullptr && oldest->next->max_time_ms <= front.next->max_time_ms)) continue;
      if (!is_needed(stream, front, *front.next)) oldest = &front;
    }
    if (oldest == nullptr) return;
    size_bytes -= oldest->next->size_bytes;
    take(*oldest);
  }
}

void Pruner::count_unread(const PrunedStream& stream, const Front& front, int64_t oldest) {
  ASSERT(front.last.has_value());
  const int64_t unread_from = std::max(front.needed.offset, oldest);
  if (unread_from >= front.last->events_end) return;
  ASSERT_WHY(stream.retention.drop_unread, "only drop_unread removes what a leg has not committed");
  counters_.unread_offsets += static_cast<uint64_t>(front.last->events_end - unread_from);
  tell_once("lost " + front.partition->name() + " " + front.needed.leg,
            "retention with drop_unread: true removes offsets " + std::to_string(unread_from) + " to " +
                std::to_string(front.last->events_end - 1) + " of '" + front.partition->name() + "', which '" +
                front.needed.leg + "' has not committed: it loses them, and what it is too slow for from here on");
}

Status Pruner::remove(const PrunedStream& stream, const Front& front) {
  ASSERT(front.count > 0 && front.count < front.segments.size());
  Partition& partition = *front.partition;
  const int64_t before = front.segments.front()->base_offset();
  const int64_t oldest = front.segments[front.count]->base_offset();
  TRY(io::write_file_atomically(fs_, oldest_path(partition.directory()),
                                oldest_text({oldest, front.last->max_time_ms, front.last->sources})));
  count_unread(stream, front, before);
  partition.hide_below(oldest, front.bytes);
  counters_.segments += front.count;
  counters_.bytes += front.bytes;
  counters_.offsets += static_cast<uint64_t>(oldest - before);
  hidden_[partition.directory()] = oldest;
  return delete_hidden();
}

// What is not used any more. What can't be deleted for want of a descriptor stays noted for the next pass.
Status Pruner::delete_hidden() {
  while (!hidden_.empty()) {
    const auto& [directory, oldest] = *hidden_.begin();
    size_t left = 0;
    TRY(remove_segments_below(fs_, directory, oldest, left));
    ASSERT(oldest > 0);
    if (left > 0) {
      tell_once("left " + directory,
                "files of removed segments in '" + directory + "' can't be deleted; they are not used any more");
    }
    hidden_.erase(hidden_.begin());
  }
  return {};
}

Status Pruner::run(const std::vector<PrunedStream>& streams) {
  now_ms_ = clock_.wall_ms();
  if (const Status deleted = delete_hidden(); !deleted) {
    return io::waits_for_room(deleted.error()) ? Status() : deleted;
  }
  for (const PrunedStream& stream : streams) {
    ASSERT(stream.retention.removes());
    std::vector<Front> fronts;
    for (const auto& partition : stream.partitions) fronts.push_back(front_of(stream, partition));
    choose(stream, fronts);
    for (const Front& front : fronts) {
      if (front.count == 0) continue;
      const Status removed = remove(stream, front);
      if (!removed && removed.error().code == ErrorCode::kNoSpace) {
        tell_once("full",
                  "retention can remove nothing, because the disk is too full to say what goes: free a few "
                  "kilobytes on it (" +
                      removed.error().message + ")");
      }
      if (!removed && io::waits_for_room(removed.error())) return {};
      if (!removed) return removed;
    }
  }
  return {};
}

}  // namespace colloquium::log
