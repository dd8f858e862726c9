// StageLeg's inside: one partition's way through the leg; for stage_leg.cc alone.
//
// Thread safety: loop only.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/loop.h"

#include "engine/partition_runner.h"
#include "engine/stage_leg.h"

namespace colloquium::engine {

// From when it is begun until it is released.
struct StageLeg::Event {
  std::shared_ptr<const Batch> batch;
  size_t index = 0;
  int64_t begun_ns = 0;
  int64_t first_begun_ns = -1;
  int64_t attempts = 0;  // failures that were about it
  int64_t outage = 0;    // those that were not
  bool failing = false;
  std::unique_ptr<Timer> timer = nullptr;  // while it waits to be tried again
  bool done = false;
  std::shared_ptr<const Batch> made = nullptr;    // what the stage made of it …
  std::shared_ptr<const Batch> letter = nullptr;  // … or it was given up, and is to be kept

  int64_t offset() const { return batch->offset(index); }
  // A stage before may have made several events of one.
  bool is_last_of_offset() const { return index + 1 == batch->size() || batch->offset(index + 1) != offset(); }
};

// What the runner delivered, until all its events are released.
struct StageLeg::Item {
  explicit Item(LegItem delivered) : input(std::move(delivered)) {}
  LegItem input;
  size_t begun = 0;
  size_t released = 0;
  BatchBuilder out;  // what its released events became, and is not handed on
  std::vector<std::shared_ptr<const Batch>> letters = {};
};

// Events on their way into the stream, until a commit takes them.
class StageOutputs {
 public:
  void add(const Batch& made, size_t i) {
    // Of one source, and not too large for one batch of the log.
    if (!builder_.empty() && (made.origin().source != source_ || builder_.byte_size() >= kBatchBytes)) seal();
    source_ = made.origin().source;
    builder_.keep(made, i);
  }

  std::vector<std::shared_ptr<const Batch>> take(const std::string& stream, const std::string& tag,
                                                 int32_t partition) {
    seal();
    auto batches = std::exchange(sealed_, {});
    for (auto& batch : batches) {
      auto origin = std::make_shared<BatchOrigin>();
      origin->stream = stream;
      origin->tag = tag;
      origin->source = batch->origin().source;
      origin->partition = partition;
      batch = batch->placed(std::move(origin), 0);
    }
    return batches;
  }

 private:
  static constexpr size_t kBatchBytes = size_t{1} << 20;

  void seal() {
    if (builder_.empty()) return;
    auto origin = std::make_shared<BatchOrigin>();
    origin->source = source_;
    sealed_.push_back(builder_.seal(std::move(origin), 0));
  }

  BatchBuilder builder_;
  std::string source_;
  std::vector<std::shared_ptr<const Batch>> sealed_;
};

struct StageLeg::Lane {
  size_t index = 0;
  std::deque<Item> items;                     // in order; the front is being released
  size_t all_begun = 0;                       // of items, those of which every event is begun
  std::deque<std::unique_ptr<Event>> window;  // begun and not released, in order
  std::deque<Event*> due;                     // of the window, those that have waited to be tried again
  size_t in_flight = 0;
  bool pumping = false;
  bool ended = false;
  StageOutputs out;
  std::optional<int64_t> done;  // the next commit says: everything below is through

  // The first of which an event is not begun; null if there is none.
  Item* next_item() {
    for (; all_begun < items.size() && !items[all_begun].input.end; ++all_begun) {
      Item& item = items[all_begun];
      if (item.begun < item.input.batch->size()) return &item;
    }
    return nullptr;
  }
  void pop_item() {
    items.pop_front();
    if (all_begun > 0) --all_begun;
  }
};

}  // namespace colloquium::engine
