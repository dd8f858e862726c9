#include "engine/producer_sequences.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"

namespace colloquium::engine {

namespace {

// A partition that is read first may lack so many numbers that are in others.
constexpr int64_t kMostMissing = 1'000'000;

}  // namespace

ProducerSequences::ProducerSequences(uint64_t seed, int64_t window_ms, uint64_t max_producers)
    : DedupeTable(seed, window_ms),
      max_producers_(std::max<uint64_t>(1, max_producers)),
      cut_ms_(std::numeric_limits<int64_t>::min()),
      latest_ms_(std::numeric_limits<int64_t>::min()) {}

// Numbers that failed at the end are as if they had never come; a refused body would leave as many as it had.
void ProducerSequences::trim(Producer& producer) {
  while (!producer.missing.empty() && *producer.missing.rbegin() == producer.end - 1) {
    producer.missing.erase(--producer.end);
  }
}

DedupeTable::Claim ProducerSequences::claim(const IdHash& id, int64_t now_ms,
                                            const std::function<Settled()>& make_settled) {
  const auto number = static_cast<int64_t>(id[1]);
  std::lock_guard lock(mutex_);
  // Append time, which never goes back, whatever the clock does.
  latest_ms_ = std::max(latest_ms_, now_ms);
  expire(latest_ms_);
  Producer& producer = touch(id[0], number, latest_ms_);
  if (const auto found = producer.pending.find(number); found != producer.pending.end()) {
    found->second.push_back(make_settled());
    return Claim::kPending;
  }
  // What is missing comes first: a number that failed may not be stepped over.
  if (number != producer.next())
    return number < producer.end && !producer.missing.contains(number) ? Claim::kDurable : Claim::kGap;
  producer.missing.erase(number);
  producer.pending.try_emplace(producer.pending.end(), number);
  producer.end = std::max(producer.end, number + 1);
  return Claim::kNew;
}

void ProducerSequences::settle(const IdHash& id, bool durable) {
  std::vector<Settled> waiting;
  {
    std::lock_guard lock(mutex_);
    const auto found = producers_.find(id[0]);
    if (found == producers_.end()) return;
    Producer& producer = found->second;
    auto settled = producer.pending.extract(static_cast<int64_t>(id[1]));
    if (settled.empty()) return;
    waiting = std::move(settled.mapped());
    if (!durable) {
      producer.missing.insert(settled.key());
      trim(producer);
    }
  }
  // Outside the lock: what they do is the door's affair, and it may come back here.
  for (Settled& waiter : waiting) waiter(durable);
}

void ProducerSequences::confirm(const IdHash& id) {
  settle(id, true);
}
void ProducerSequences::release(const IdHash& id) {
  settle(id, false);
}

void ProducerSequences::restore(std::span<const Known> ids, bool) {
  std::lock_guard lock(mutex_);
  for (const Known& known : ids) restore_one(known.id, known.append_time_ms);
}

// Partitions are read one after the other, so numbers may be missing until the last of them has been. Numbers that
// lie too far apart for that are of a producer that was forgotten and began anew: the later ones count.
void ProducerSequences::restore_one(const IdHash& id, int64_t append_time_ms) {
  const auto number = static_cast<int64_t>(id[1]);
  latest_ms_ = std::max(latest_ms_, append_time_ms);
  const bool is_later = !producers_.contains(id[0]) || append_time_ms >= producers_.at(id[0]).last_ms;
  Producer& producer = touch(id[0], number, append_time_ms);
  const bool anew = number > producer.end + kMostMissing || (number < producer.first && is_later) ||
                    number < producer.first - kMostMissing;
  if (anew && !is_later) return;
  if (anew) {
    producer.missing.clear();
    producer.first = producer.end = number;
  }
  for (int64_t missing = producer.end; missing < number; ++missing) producer.missing.insert(missing);
  for (int64_t missing = number + 1; missing < producer.first; ++missing) producer.missing.insert(missing);
  producer.missing.erase(number);
  producer.first = std::min(producer.first, number);
  producer.end = std::max(producer.end, number + 1);
}

void ProducerSequences::visit_durable(const std::function<void(const IdHash&, int64_t)>& visit) const {
  std::vector<std::pair<IdHash, int64_t>> durable;
  {
    std::lock_guard lock(mutex_);
    for (const uint64_t hash : by_age_) {
      const Producer& producer = producers_.at(hash);
      const auto add = [&](int64_t number) {
        durable.push_back({{hash, static_cast<uint64_t>(number)}, producer.last_ms});
      };
      // One number stands for all below it; those between open ones stand for themselves.
      int64_t next = producer.next();
      if (!producer.pending.empty()) next = std::min(next, producer.pending.begin()->first);
      if (next > producer.first) add(next - 1);
      for (; next < producer.end; ++next) {
        if (!producer.open(next)) add(next);
      }
    }
  }
  for (const auto& [id, time_ms] : durable) visit(id, time_ms);
}

// The producer's entry, made with `first` as the number that may come, and moved to the young end.
ProducerSequences::Producer& ProducerSequences::touch(uint64_t hash, int64_t first, int64_t now_ms) {
  const auto [found, made] = producers_.try_emplace(hash);
  Producer& producer = found->second;
  if (made) {
    producer.first = producer.end = first;
    producer.age = by_age_.insert(by_age_.end(), hash);
  } else {
    by_age_.splice(by_age_.end(), by_age_, producer.age);
  }
  producer.last_ms = std::max(producer.last_ms, now_ms);
  return producer;
}

// One that is under way holds those behind it, and is settled soon.
void ProducerSequences::expire(int64_t now_ms) {
  while (!by_age_.empty()) {
    const auto oldest = producers_.find(by_age_.front());
    ASSERT(oldest != producers_.end());
    const bool silent = oldest->second.last_ms < now_ms - window_ms();
    const bool too_many = producers_.size() > max_producers_;
    if (!oldest->second.pending.empty() || (!silent && !too_many)) return;
    if (!silent) cut_ms_ = std::max(cut_ms_, oldest->second.last_ms);
    producers_.erase(oldest);
    by_age_.pop_front();
  }
}

uint64_t ProducerSequences::size() const {
  std::lock_guard lock(mutex_);
  return producers_.size();
}

int64_t ProducerSequences::horizon_ms(int64_t now_ms) const {
  std::lock_guard lock(mutex_);
  return std::max(now_ms - window_ms(), cut_ms_);
}

std::optional<int64_t> ProducerSequences::expected(const IdHash& id) const {
  std::lock_guard lock(mutex_);
  const auto found = producers_.find(id[0]);
  if (found == producers_.end()) return std::nullopt;
  return found->second.next();
}

}  // namespace colloquium::engine
