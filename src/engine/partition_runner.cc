#include "engine/partition_runner.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/logging.h"
#include "engine/dead_letter.h"
#include "engine/dead_letter_tally.h"
#include "engine/dead_letters.h"

namespace colloquium::engine {

namespace {

// Bytes of results one leg may have under way per partition.
constexpr size_t kCreditBytes = 8u << 20;

// The events of `batch` at or after `position`.
std::shared_ptr<const Batch> from_position(const std::shared_ptr<const Batch>& batch, int64_t position) {
  if (position == 0) return batch;
  size_t first = 0;
  while (first < batch->size() && batch->offset(first) < position) ++first;
  return first == 0 ? batch : batch->tail(first);
}

// How long until a read that failed is tried again.
constexpr int64_t kReadRetryMs = 500;

// After this many batches the runner lets the worker's other partitions move.
constexpr int kBatchesPerStep = 4;

}  // namespace

PartitionRunner::PartitionRunner(size_t partition, TaskQueue& worker, Loop& loop, std::unique_ptr<Feed> feed,
                                 StageChain chain, std::vector<LegPort> legs, std::function<void(Error)> failed)
    : partition_(partition),
      worker_(worker),
      loop_(loop),
      feed_(std::move(feed)),
      failed_(std::move(failed)),
      chain_(std::move(chain)) {
  for (LegPort& port : legs) {
    auto leg = std::make_unique<Leg>();
    leg->port = std::move(port);
    leg->credit_bytes = kCreditBytes;
    legs_.push_back(std::move(leg));
  }
}
PartitionRunner::~PartitionRunner() = default;

void PartitionRunner::post(Task task) {
  const bool posted = worker_.post(std::move(task));
  ASSERT_WHY(posted, "a worker's queue takes one wake and the releases of bounded credit per partition");
}

void PartitionRunner::wake() {
  if (wake_posted_.exchange(true)) return;
  post([self = shared_from_this()] {
    // Before reading, not after: what comes in during the step wakes again.
    self->wake_posted_.store(false);
    self->step();
  });
}

void PartitionRunner::release(size_t leg, size_t bytes) {
  post([self = shared_from_this(), leg, bytes] {
    self->legs_[leg]->credit_bytes += bytes;
    self->step();
  });
}

void PartitionRunner::drain() {
  post([self = shared_from_this()] {
    self->draining_ = true;
    self->step();
  });
}

void PartitionRunner::close(Task closed) {
  post([self = shared_from_this(), closed = std::move(closed)]() mutable {
    self->closed_ = true;
    self->loop_.post([self, closed = std::move(closed)]() mutable {
      self->retry_timer_ = nullptr;
      closed();
    });
  });
}

void PartitionRunner::step() {
  for (int served = 0; !closed_ && serve_lowest();) {
    if (++served == kBatchesPerStep) {
      wake();
      return;
    }
  }
}

// Serves the legs that stand lowest among those with credit. False if there was nothing to do.
bool PartitionRunner::serve_lowest() {
  // From the lowest up: a leg that lags reads on, and one that has reached the end does not hide it.
  int64_t after = std::numeric_limits<int64_t>::min();
  while (true) {
    int64_t sequence = std::numeric_limits<int64_t>::max();
    for (const auto& leg : legs_) {
      // Legs without credit do not choose what is read; they catch up when it is given back.
      const bool hungry = leg->credit_bytes > 0 && !leg->end_delivered && leg->port.next_sequence > after;
      if (hungry) sequence = std::min(sequence, leg->port.next_sequence);
    }
    if (sequence == std::numeric_limits<int64_t>::max()) return false;
    // Once per place where legs stand, so the stages run once for all that stand there.
    auto item = feed_->read(sequence);
    if (!item && item.error().retryable) {
      read_later(item.error());
      return false;
    }
    if (!item) {
      fail_all(std::move(item).error());
      return false;
    }
    if (reads_again_) has_read();
    if (*item) {
      serve(**item, sequence);
      return true;
    }
    // Only now: "nothing there" is the end only once nobody adds any more.
    if (draining_ && feed_->ended()) end_legs_at(sequence);
    after = sequence;
  }
}

// No descriptor is free to open a segment with, say: nothing is lost by waiting.
void PartitionRunner::read_later(const Error& error) {
  if (!reads_again_) log_warning("pipeline", "reading is tried again until it succeeds: " + error.describe());
  reads_again_ = true;
  loop_.post([self = shared_from_this(), text = error.describe()]() mutable {
    self->obstacle_ = std::move(text);
    self->retry_timer_ = self->loop_.start_timer(kReadRetryMs, [weak = self->weak_from_this()] {
      const auto runner = weak.lock();
      if (runner == nullptr) return;
      runner->retry_timer_ = nullptr;
      runner->wake();
    });
  });
}

void PartitionRunner::has_read() {
  reads_again_ = false;
  loop_.post([self = shared_from_this()] { self->obstacle_.clear(); });
}

// Legs that resume at different positions of a source (`log: off`) see different parts of the item; every
// group runs the stages over its own part, so that no dead letter is stored twice.
void PartitionRunner::serve(const FeedItem& item, int64_t sequence) {
  std::vector<int64_t> skips;
  for (const auto& leg : legs_) {
    if (leg->port.next_sequence != sequence || leg->credit_bytes == 0) continue;
    const int64_t skip_below = leg->skip_below = skip_of(*leg, item);
    if (skip_below > 0 && skip_below >= item.next_position) {
      // The leg has all of it, and is not told: it would take the item as done, and commit a position that it is past.
      leg->port.next_sequence = item.next_sequence;
    } else if (std::find(skips.begin(), skips.end(), skip_below) == skips.end()) {
      skips.push_back(skip_below);
    }
  }
  for (int64_t skip_below : skips) {
    if (!closed_) serve_group(item, sequence, skip_below);
  }
  int64_t lowest = std::numeric_limits<int64_t>::max();
  for (const auto& leg : legs_) lowest = std::min(lowest, leg->port.next_sequence);
  feed_->release_below(lowest);
}

// 0: nothing of it is to be skipped, nor of what follows of its part.
int64_t PartitionRunner::skip_of(Leg& leg, const FeedItem& item) {
  const auto known = leg.port.skip_below.find(item.part);
  if (known == leg.port.skip_below.end()) return 0;
  int64_t first = item.batch->base_offset();
  if (item.refused != nullptr) first = std::min(first, item.refused->base_offset());
  // A source that stores no cursor begins anew: what was committed under its name was another's.
  if (known->second > first && (leg.port.skips_offsets || !item.cursor.empty())) return known->second;
  leg.port.skip_below.erase(known);
  return 0;
}

void PartitionRunner::serve_group(const FeedItem& item, int64_t sequence, int64_t skip_below) {
  ASSERT(dead_.empty());
  const auto input = from_position(item.batch, skip_below);
  const auto refused = item.refused == nullptr ? nullptr : from_position(item.refused, skip_below);
  const bool keeps_letters = std::any_of(legs_.begin(), legs_.end(), [&](const auto& leg) {
    return leg->port.takes_dead_letters && is_served(*leg, sequence, skip_below);
  });
  if (const auto only = leg_of(*input)) return serve_one(item, sequence, skip_below, std::string(*only));
  const auto result = chain_.run(input, keeps_letters ? &dead_ : nullptr);
  if (chain_.stopped()) {
    dead_.truncate(0);
    return fail_all(*chain_.stopped());
  }
  std::shared_ptr<const Batch> dead;
  if (!dead_.empty()) dead = dead_.seal(input->shared_origin(), 0);
  for (const auto& leg : legs_) {
    if (is_served(*leg, sequence, skip_below)) serve_leg(*leg, item, result, {refused.get(), dead.get()});
  }
}

// It was past the stages before it came to the dead letters; `when` may be what failed.
void PartitionRunner::serve_one(const FeedItem& item, int64_t sequence, int64_t skip_below,
                                std::string_view name) {
  const std::shared_ptr<const Batch> whole = without_leg(*from_position(item.batch, skip_below));
  const auto nothing = BatchBuilder().seal(whole->shared_origin(), whole->base_offset());
  const auto is_its = [&](const Leg& leg) { return leg.port.takes_own_batches && leg.port.name == name; };
  const bool known = std::any_of(legs_.begin(), legs_.end(), [&](const auto& leg) { return is_its(*leg); });
  for (const auto& leg : legs_) {
    if (!is_served(*leg, sequence, skip_below)) continue;
    LegItem out;
    out.partition = partition_;
    out.next_position = item.next_position;
    out.cursor = item.cursor;
    out.part = item.part;
    BatchBuilder dead;
    out.batch = is_its(*leg) ? select(*leg, whole, dead) : nothing;
    if (!known && leg->port.takes_dead_letters && leg->port.takes_own_batches) {
      const Error error{
          ErrorCode::kNotFound, "the pipeline has no sink '" + std::string(name) + "' any more", false, {}};
      for (size_t i = 0; i < whole->size(); ++i) add_dead_letter(*whole, i, error, name, name, 1, dead);
    }
    if (!dead.empty()) out.dead = dead.seal(whole->shared_origin(), 0);
    if (closed_) return;
    leg->port.next_sequence = item.next_sequence;
    deliver(*leg, std::move(out));
  }
}

bool PartitionRunner::is_served(const Leg& leg, int64_t sequence, int64_t skip_below) {
  // A leg served in an earlier group of this item has moved on and is not served twice.
  return leg.port.next_sequence == sequence && leg.skip_below == skip_below && leg.credit_bytes > 0;
}

void PartitionRunner::serve_leg(Leg& leg, const FeedItem& item, const std::shared_ptr<const Batch>& result,
                                std::initializer_list<const Batch*> letters) {
  LegItem out;
  out.partition = partition_;
  out.next_position = item.next_position;
  out.cursor = item.cursor;
  out.part = item.part;
  BatchBuilder dead;
  out.batch = select(leg, result, dead);
  for (const Batch* batch : letters) {
    if (batch == nullptr || !leg.port.takes_dead_letters) continue;
    for (size_t i = 0; i < batch->size(); ++i) dead.keep(*batch, i);
  }
  if (!dead.empty()) out.dead = dead.seal(item.batch->shared_origin(), 0);
  if (closed_) return;  // an event has ended the pipeline
  // Now, not when the sink is done: what is under way is the leg's, and only a restart reads it again.
  leg.port.next_sequence = item.next_sequence;
  deliver(leg, std::move(out));
}

std::shared_ptr<const Batch> PartitionRunner::select(Leg& leg, const std::shared_ptr<const Batch>& batch,
                                                     BatchBuilder& dead) {
  std::shared_ptr<const Batch> chosen = batch;
  if (leg.port.when != nullptr && !chosen->empty()) {
    leg.failed.clear();
    leg.port.when->run(*chosen, leg.selected, leg.failed);
    for (const FailedEvent& failure : leg.failed) {
      if (leg.port.then == config::FailureAction::kDrop) continue;
      if (leg.port.then == config::FailureAction::kStop) {
        fail_all(Error{failure.error.code,
                       "event " + chosen->id(failure.index) + " failed at `when` or `route` of sink '" +
                           leg.port.name + "', and errors.then is stop: " + failure.error.message,
                       false, failure.error.context});
        break;
      }
      add_dead_letter(*chosen, failure.index, failure.error, "when", leg.port.name, 1, dead, leg.port.to);
      if (leg.port.letters != nullptr)
        leg.port.letters->add(
            failure.error, [&] { return chosen->id(failure.index); }, leg.port.to);
    }
    chosen = leg.selected.seal(chosen->shared_origin(), chosen->base_offset());
  }
  return named(leg, chosen);
}

// Only where stages make events do ids name the leg; behind filters alone an event keeps its own everywhere.
std::shared_ptr<const Batch> PartitionRunner::named(const Leg& leg, const std::shared_ptr<const Batch>& chosen) {
  if (leg.port.origin_leg.empty()) return chosen;
  auto origin = std::make_shared<BatchOrigin>(chosen->origin());
  origin->leg = leg.port.origin_leg;
  return chosen->placed(std::move(origin), chosen->base_offset());
}

void PartitionRunner::deliver(Leg& leg, LegItem item) {
  if (item.batch != nullptr) {
    const size_t cost = item.batch->payload_bytes() + item.batch->size() * sizeof(BatchEntry) +
                        (item.dead == nullptr ? 0 : item.dead->payload_bytes());
    // A batch larger than the credit still goes, alone; every item costs something, so that empty ones are
    // bounded too.
    item.credit_bytes = std::min(leg.credit_bytes, std::max<size_t>(cost, 4096));
    leg.credit_bytes -= item.credit_bytes;
  }
  auto deliver = leg.port.deliver;
  loop_.post([deliver = std::move(deliver), item = std::move(item)]() mutable { deliver(std::move(item)); });
}

void PartitionRunner::end_legs_at(int64_t sequence) {
  for (const auto& leg : legs_) {
    if (leg->port.next_sequence != sequence || leg->end_delivered) continue;
    leg->end_delivered = true;
    LegItem end;
    end.partition = partition_;
    end.end = true;
    deliver(*leg, std::move(end));
  }
}

void PartitionRunner::fail_all(Error error) {
  // The worker's other partitions go on; the pipeline decides on the loop.
  closed_ = true;
  loop_.post([failed = failed_, error = std::move(error)]() mutable { failed(std::move(error)); });
}

}  // namespace colloquium::engine
