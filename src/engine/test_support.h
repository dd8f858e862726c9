// What the tests of src/engine share: batches from texts, a sink that does as it is told.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/loop.h"
#include "colloquium/sink.h"

#include "json/walk.h"

namespace colloquium::engine {

inline std::shared_ptr<const BatchOrigin> test_origin(int32_t partition = 0) {
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->tag = "tagtagta";
  origin->source = "hook";
  origin->partition = partition;
  return origin;
}

// One event per text, with tapes, at offsets from `base_offset` on.
inline std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& texts, int64_t base_offset = 0) {
  BatchBuilder builder;
  json::Walker walker;
  for (size_t i = 0; i < texts.size(); ++i) {
    std::string padded = texts[i] + std::string(kBatchPadding, '\0');
    std::vector<TapeToken> tape;
    json::WalkError error;
    walker.walk({padded.data(), texts[i].size()}, tape, error);
    builder.add(texts[i], tape,
                {.key = {}, .headers = {}, .timestamp_ms = 1, .offset_delta = static_cast<uint32_t>(i)});
  }
  return builder.seal(test_origin(), base_offset);
}

// Keeps what it is given. `answer` decides each write's outcome; while `hold` is set writes wait for finish().
class FakeSink final : public Sink {
 public:
  explicit FakeSink(bool token) : token_(token) {}

  Guarantee guarantee() const override { return token_ ? Guarantee::kExactlyOnce : Guarantee::kAtLeastOnce; }
  Status restore(const std::string& token) override {
    restored = token;
    return {};
  }
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override {
    auto finish = [this, batch, done = std::make_shared<WriteDone>(std::move(done))] {
      auto outcomes = answer ? answer(*batch) : std::vector<EventOutcome>();
      for (size_t i = 0; i < batch->size(); ++i) {
        if (outcomes.empty() || outcomes[i].outcome == Outcome::kOk) written.emplace_back(batch->value(i));
      }
      (*done)(std::move(outcomes));
    };
    ++writes;
    if (hold) {
      held.push_back(std::move(finish));
    } else {
      finish();
    }
  }
  std::optional<Error> broken() const override { return broken_error; }
  ProgressKeeper* progress() override { return keeper; }
  JoinLimits joins() const override { return may_join ? JoinLimits() : JoinLimits::none(); }
  bool has_token() const override { return token_; }
  void token(TokenDone done) override {
    ++tokens;
    if (token_error) return done(fail(*token_error));
    done(std::to_string(written.size()));
  }
  void committed(const std::string& token) override { committed_tokens.push_back(token); }
  void close(Task closed) override {
    while (!held.empty()) finish();
    closed();
  }
  void finish() {
    auto next = std::move(held.front());
    held.pop_front();
    next();
  }

  std::function<std::vector<EventOutcome>(const Batch&)> answer;
  bool hold = false;
  bool may_join = true;
  std::optional<Error> token_error;
  std::optional<Error> broken_error;
  ProgressKeeper* keeper = nullptr;
  std::deque<std::function<void()>> held;
  std::vector<std::string> written;
  std::vector<std::string> committed_tokens;
  std::string restored;
  int writes = 0;
  int tokens = 0;  // how often it was asked for one

 private:
  const bool token_;
};

}  // namespace colloquium::engine
