#include "tests/sim/receiver.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "colloquium/config_spec.h"
#include "colloquium/sink.h"

namespace colloquium::sim {
namespace {

constexpr uint64_t kAnswerMs = 30;  // at most

struct NoConfig {};

class ReceiverSink final : public Sink {
 public:
  ReceiverSink(ComponentContext context, Receiver& receiver, std::function<bool()> connected)
      : context_(std::move(context)), receiver_(receiver), connected_(std::move(connected)) {}

  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Status restore(const std::string&) override { return {}; }
  Status start() override { return {}; }
  bool has_token() const override { return false; }
  void token(TokenDone done) override { done(std::string()); }

  void write(std::shared_ptr<const Batch> batch, WriteDone done) override {
    auto call = std::make_unique<Call>();
    Call* const own = call.get();
    own->batch = std::move(batch);
    own->done = std::move(done);
    calls_.push_back(std::move(call));
    own->timer = context_.loop.start_timer(static_cast<int64_t>(context_.random.next() % kAnswerMs),
                                           [this, own] { answer(own); });
  }

  void close(Task closed) override {
    while (!calls_.empty()) finish(calls_.front().get(), all(Outcome::kRetry, calls_.front()->batch->size()));
    context_.loop.post(std::move(closed));
  }

 private:
  struct Call {
    std::shared_ptr<const Batch> batch;
    WriteDone done;
    std::unique_ptr<Timer> timer;
  };

  static std::vector<EventOutcome> all(Outcome outcome, size_t count) {
    EventOutcome one;
    one.outcome = outcome;
    if (outcome == Outcome::kRetry) one.error = Error{ErrorCode::kUnavailable, "no answer", true, {}};
    return std::vector<EventOutcome>(count, one);
  }

  void answer(Call* call) {
    const Batch& batch = *call->batch;
    std::vector<EventOutcome> outcomes = all(Outcome::kRetry, batch.size());
    for (size_t i = 0; i < batch.size() && connected_(); ++i) {
      const uint64_t fate = context_.random.next() % 16;
      // What stands behind one that is not answered waits, so that order holds.
      if (fate == 0) break;
      receiver_.take(batch.id(i), batch.value(i));
      if (fate == 1) break;  // the answer was lost
      outcomes[i] = EventOutcome{};
    }
    finish(call, std::move(outcomes));
  }

  void finish(Call* call, std::vector<EventOutcome> outcomes) {
    const auto found =
        std::find_if(calls_.begin(), calls_.end(), [call](const auto& c) { return c.get() == call; });
    const std::unique_ptr<Call> own = std::move(*found);
    calls_.erase(found);
    own->done(std::move(outcomes));
  }

  ComponentContext context_;
  Receiver& receiver_;
  const std::function<bool()> connected_;
  std::vector<std::unique_ptr<Call>> calls_;  // in the order they were made
};

}  // namespace

void Receiver::take(const std::string& id, std::string_view value) {
  const auto [at, fresh] = by_id_.try_emplace(id, value);
  if (fresh) {
    values_.emplace_back(value);
    return;
  }
  ++again_;
  if (at->second != value) problem_ = "id " + id + " is " + at->second + " and " + std::string(value);
}

Descriptor receiver_sink(Receiver& receiver, std::function<bool()> connected) {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "receiver";
  bind_spec(d, ConfigSpec<NoConfig>());
  d.create_sink = [&receiver, connected = std::move(connected)](
                      const ParsedConfig&, ComponentContext context) -> Result<std::unique_ptr<Sink>> {
    return std::make_unique<ReceiverSink>(std::move(context), receiver, connected);
  };
  return d;
}

}  // namespace colloquium::sim
