// What tests of a Log, and of what stands on it, need again and again: batches, waiting for callbacks, reading
// everything back.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/executor.h"

#include "base/manual_clock.h"
#include "log/log.h"

namespace colloquium::log::contract {

// A value that a callback gives on another thread.
template <class T>
class Awaited {
 public:
  explicit Awaited(Executor& executor) : slot_(std::make_shared<Slot>()) {
    slot_->signal = executor.make_signal();
  }
  auto callback() {
    return [slot = slot_](T value) {
      slot->value = std::make_unique<T>(std::move(value));
      ++slot->calls;
      slot->signal->set();
    };
  }
  T& get() {
    REQUIRE(slot_->signal->wait(int64_t{30} * 1'000'000'000));
    return *slot_->value;
  }
  int calls() const { return slot_->calls; }

 private:
  struct Slot {
    std::shared_ptr<Signal> signal;
    std::unique_ptr<T> value;
    int calls = 0;
  };
  std::shared_ptr<Slot> slot_;
};

struct Event {
  std::string value;
  std::optional<std::string> key;
  std::vector<std::pair<std::string, std::string>> headers;
  int64_t timestamp_ms = 1'600'000'000'000;
  bool tombstone = false;
};

inline std::shared_ptr<const Batch> make_batch(const std::vector<Event>& events, const std::string& source = "") {
  BatchBuilder builder;
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    std::vector<std::pair<std::string_view, std::string_view>> headers(event.headers.begin(), event.headers.end());
    EventMeta meta;
    if (event.key) meta.key = *event.key;
    meta.headers = headers;
    meta.timestamp_ms = event.timestamp_ms;
    meta.offset_delta = static_cast<uint32_t>(i);
    if (event.tombstone) {
      builder.add_tombstone(meta);
    } else {
      builder.add(event.value, {}, meta);
    }
  }
  auto origin = std::make_shared<BatchOrigin>();
  origin->source = source;
  return builder.seal(std::move(origin), 0);
}

inline std::shared_ptr<const Batch> values(const std::vector<std::string>& texts) {
  std::vector<Event> events;
  for (const std::string& text : texts) events.push_back({text, {}, {}});
  return make_batch(events);
}

inline EncodedBatch encoded(std::shared_ptr<const Batch> batch, Codec codec = Codec::kNone,
                            const AcceptInfo* accept = nullptr) {
  Result<EncodedBatch> result = encode(std::move(batch), codec, accept);
  REQUIRE(result);
  return std::move(*result);
}

inline std::string one(int number) {
  return "{\"n\":" + std::to_string(number) + "}";
}

// What a reader finds from `from` on: offset and value of every event.
using Found = std::vector<std::pair<int64_t, std::string>>;
inline Found read_all(Log& log, StreamId stream, int32_t partition, int64_t from = 0) {
  auto reader = log.read(stream, partition, from, false);
  REQUIRE(reader);
  Found found;
  for (;;) {
    const Result<std::shared_ptr<const Batch>> batch = (*reader)->next();
    REQUIRE(batch);
    if (*batch == nullptr) return found;
    for (size_t i = 0; i < (*batch)->size(); ++i) found.emplace_back((*batch)->offset(i), (*batch)->value(i));
  }
}

inline std::vector<std::string> values_of(const Found& found) {
  std::vector<std::string> texts;
  for (const auto& [offset, value] : found) texts.push_back(value);
  return texts;
}

inline Result<AppendResult> append(Log& log, Executor& executor, StreamId stream, int32_t partition,
                                   EncodedBatch batch, AckLevel level = AckLevel::kDurable) {
  Awaited<Result<AppendResult>> done(executor);
  log.append(stream, partition, std::move(batch), level, done.callback());
  return done.get();
}

inline Status commit(Log& log, Executor& executor, CommitRequest request) {
  Awaited<Status> done(executor);
  log.commit(std::move(request), done.callback());
  return done.get();
}

}  // namespace colloquium::log::contract
