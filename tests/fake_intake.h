// FakeIntake: a door that keeps what sources emit, for their tests.
//
// By default an emit is accepted in the next turn of the loop. With hold() a test answers each by itself.
//
// Thread safety: the loop's thread only, as no source under test emits elsewhere.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/loop.h"
#include "colloquium/source.h"

namespace colloquium {

class FakeIntake final : public Intake {
 public:
  explicit FakeIntake(Loop& loop) : loop_(loop) {}

  void emit(RawBatch batch, AckFn ack) override {
    emitted.push_back(batch);
    under_way_.emplace_back(std::move(batch), std::move(ack));
    if (!holding_) loop_.post([this] { accept(); });
  }
  bool ready() const override { return ready_; }
  void when_ready(Task resume) override { waiting_.push_back(std::move(resume)); }

  Intake& part(const std::string& name) override {
    std::unique_ptr<FakeIntake>& child = parts[name];
    if (child == nullptr) child = std::make_unique<FakeIntake>(loop_);
    return *child;
  }
  std::string stored_cursor() const override { return cursor; }
  int64_t free_position() const override { return free; }

  void hold() { holding_ = true; }
  size_t under_way() const { return under_way_.size(); }

  // Answers the oldest emit under way.
  void accept() {
    const RawBatch& batch = under_way_.front().first;
    if (batch.body != nullptr) accepted += *batch.body;
    if (!batch.cursor.empty()) cursor = batch.cursor;
    answer({.accepted = 1});
  }
  void refuse(ErrorCode code, int64_t retry_after_ms) {
    Ack ack;
    ack.error = Error{code, "refused by the test", true, {}};
    ack.retry_after_ms = retry_after_ms;
    answer(std::move(ack));
  }

  void set_ready(bool ready) {
    ready_ = ready;
    if (!ready) return;
    for (Task& resume : std::exchange(waiting_, {})) resume();
  }

  std::vector<RawBatch> emitted;  // all, accepted or not
  std::string accepted;           // bodies, joined in the order accepted
  std::string cursor;             // of the last one accepted; before the start, what was stored
  int64_t free = 0;               // free_position(); a test sets it
  std::map<std::string, std::unique_ptr<FakeIntake>> parts;  // by name

 private:
  void answer(Ack ack) {
    auto [batch, done] = std::move(under_way_.front());
    under_way_.pop_front();
    if (!ack.error && batch.kept) batch.kept();
    done(std::move(ack));
  }

  Loop& loop_;
  std::deque<std::pair<RawBatch, AckFn>> under_way_;
  std::vector<Task> waiting_;
  bool ready_ = true;
  bool holding_ = false;
};

}  // namespace colloquium
