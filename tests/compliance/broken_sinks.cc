#include <charconv>
#include <deque>
#include <map>
#include <unistd.h>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"
#include "tests/compliance/broken_components.h"
#include "tests/compliance/component_world.h"

namespace colloquium::compliance {
namespace {

enum class Fault {
  kNone,
  kSwaps,          // the last write first
  kCountsWrong,    // an outcome too few
  kAnswersTwice,   // each write
  kLosesPutOff,    // says that what its peer refuses was written
  kPutsOffMutely,  // without a reason
  kGivesUp,        // what its peer puts off
  kAnswersEarly,   // before its peer has
  kForgetsOpen,    // closes without an answer to its writes
  kLiesAtClose,    // calls written what never arrived
  kClosesInCall,   // `closed` runs inside of close()
  kNeverCloses,    // never
  kForgetsToken,   // restores nothing
  kClaimsMore,     // its descriptor promises more than it does
  kHasNoMeans,     // says exactly once, with neither token nor progress
  kWaitsForPeer,   // closes only once its peer has answered
  kTellsSecret,    // in an outcome
  kLeavesMetric,   // behind
  kMetricOfOther,  // which carries another name
};

// The peer: what has arrived. By number, as settings can say it.
struct Box {
  std::vector<int64_t> delivered;
  bool refuses = false;
  bool holds = false;
  Task waiting;
};
std::map<int64_t, Box>& boxes() {
  static std::map<int64_t, Box> all;
  return all;
}

struct Config {
  int64_t box = 0;
  int64_t port = 0;
  Secret password;
};

class TwinSink final : public Sink {
  template <class Fn>
  auto guarded(Fn fn) {
    return [alive = std::weak_ptr<char>(alive_), fn = std::move(fn)]() mutable {
      if (!alive.expired()) fn();
    };
  }

 public:
  TwinSink(ComponentContext context, const Config& config, Fault fault)
      : context_(std::move(context)), config_(config), fault_(fault), box_(boxes()[config.box]) {}
  ~TwinSink() override {
    if (fd_ >= 0) ::close(fd_);
    // It goes in a later turn, still before the registry.
    if (fault_ == Fault::kLeavesMetric) context_.loop.post([held = metric_] {});
  }

  Guarantee guarantee() const override {
    return fault_ == Fault::kClaimsMore ? Guarantee::kAtLeastOnce : Guarantee::kExactlyOnce;
  }
  Status restore(const std::string& token) override {
    size_t count = 0;
    std::from_chars(token.data(), token.data() + token.size(), count);
    if (fault_ != Fault::kForgetsToken) box_.delivered.resize(std::min(count, box_.delivered.size()));
    return {};
  }
  Status start() override {
    if (config_.port > 0) fd_ = connect_to(config_.port);
    log_info("twin", "it was started");
    metric_ = TwinMetric::make(context_, fault_ == Fault::kMetricOfOther ? "other" : context_.name);
    return {};
  }
  bool has_token() const override { return fault_ != Fault::kHasNoMeans; }
  void token(TokenDone done) override {
    context_.loop.post([done = std::move(done), text = std::to_string(box_.delivered.size())]() mutable {
      done(std::move(text));
    });
  }

  void write(std::shared_ptr<const Batch> batch, WriteDone done) override {
    if (fault_ == Fault::kAnswersEarly) {
      done({});
      waiting_.push_back({std::move(batch), [](const auto&) {}});
    } else {
      waiting_.push_back({std::move(batch), std::move(done)});
    }
    pump();
  }

  void close(Task closed) override {
    if (fault_ != Fault::kLeavesMetric) metric_.reset();
    if (fault_ == Fault::kNeverCloses || (fault_ == Fault::kWaitsForPeer && fd_ >= 0)) {
      never_ = std::move(closed);
      return;
    }
    std::deque<Job> open = std::exchange(waiting_, {});
    if (fault_ == Fault::kForgetsOpen) {
      forgotten_ = std::move(open);
    } else {
      for (Job& job : open) answer(job, fault_ == Fault::kLiesAtClose ? Outcome::kOk : Outcome::kRetry);
    }
    if (fault_ == Fault::kClosesInCall) return closed();
    context_.loop.post(std::move(closed));
  }

 private:
  struct Job {
    std::shared_ptr<const Batch> batch;
    WriteDone done;
  };

  void pump() {
    if (busy_ || waiting_.empty() || fd_ >= 0) return;
    busy_ = true;
    context_.loop.post(guarded([this] { ask(); }));
  }

  void ask() {
    if (box_.holds) {
      box_.waiting = guarded([this] { ask(); });
      return;
    }
    busy_ = false;
    if (waiting_.empty()) return;
    const bool last = fault_ == Fault::kSwaps;
    Job job = std::move(last ? waiting_.back() : waiting_.front());
    last ? waiting_.pop_back() : waiting_.pop_front();
    if (!box_.refuses) {
      for (size_t i = 0; i < job.batch->size(); ++i) box_.delivered.push_back(job.batch->offset(i));
      answer(job, Outcome::kOk);
    } else if (fault_ == Fault::kLosesPutOff) {
      answer(job, Outcome::kOk);
    } else {
      answer(job, fault_ == Fault::kGivesUp ? Outcome::kDeadLetter : Outcome::kRetry);
    }
    pump();
  }

  void answer(Job& job, Outcome outcome) {
    const bool short_by_one = fault_ == Fault::kCountsWrong;
    std::vector<EventOutcome> outcomes;
    if (outcome != Outcome::kOk || short_by_one) {
      std::string why = fault_ == Fault::kPutsOffMutely ? "" : "the peer takes nothing";
      if (fault_ == Fault::kTellsSecret) why += " from " + config_.password.value;
      const Error error{ErrorCode::kUnavailable, why, true, {}};
      outcomes.assign(job.batch->size() - (short_by_one ? 1 : 0), {.outcome = outcome, .error = error});
    }
    job.done(outcomes);
    if (fault_ == Fault::kAnswersTwice) job.done(outcomes);
  }

  const ComponentContext context_;
  const Config config_;
  const Fault fault_;
  Box& box_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::shared_ptr<TwinMetric> metric_;
  std::deque<Job> waiting_, forgotten_;
  Task never_;
  int fd_ = -1;
  bool busy_ = false;
};

class BoxPeer final : public SinkPeer {
 public:
  BoxPeer() : number_(static_cast<int64_t>(boxes().size()) + 1), box_(boxes()[number_]) {}
  std::string settings() const override { return "{box: " + std::to_string(number_) + "}"; }
  std::vector<int64_t> delivered() override { return box_.delivered; }
  bool refuse(bool on) override {
    box_.refuses = on;
    return true;
  }
  bool hold(bool on) override {
    box_.holds = on;
    if (!on && box_.waiting) std::exchange(box_.waiting, nullptr)();
    return true;
  }
  bool is_holding() override { return static_cast<bool>(box_.waiting); }

 private:
  const int64_t number_;
  Box& box_;
};

Subject twin(Fault fault) {
  Descriptor& d = twin_descriptor(ComponentKind::kSink);
  d.delivery = Guarantee::kExactlyOnce;
  bind_spec(d, ConfigSpec<Config>()
                   .field("box", &Config::box, {.description = "Where it puts events."})
                   .field("port", &Config::port, {.description = "What it connects to."})
                   .field("password", &Config::password, {.description = "What it proves itself with."}));
  d.create_sink = [fault](const ParsedConfig& parsed, ComponentContext context) -> Result<std::unique_ptr<Sink>> {
    return std::make_unique<TwinSink>(std::move(context), config_of<Config>(parsed), fault);
  };
  return {.descriptor = &d,
          .sink = [](World&) { return std::make_unique<BoxPeer>(); },
          .connection =
              [](uint16_t port, const std::string& secret) {
                return "{port: " + std::to_string(port) + ", password: " + secret + "}";
              },
          .limit_ms = fault == Fault::kNone ? 20'000 : kTwinLimitMs};
}

}  // namespace

Subject honest_sink() {
  return twin(Fault::kNone);
}

std::vector<Twin> broken_sinks() {
  return {
      {"says nothing of a setting", "documented", "has no description", undocumented(twin(Fault::kNone))},
      {"never closes", "unused", "did not close", twin(Fault::kNeverCloses)},
      {"closes inside of close()", "unused", "before close() had returned", twin(Fault::kClosesInCall)},
      {"writes the last one first", "order", "came where", twin(Fault::kSwaps)},
      {"gives an outcome too few", "order", "6 outcomes for 7 events", twin(Fault::kCountsWrong)},
      {"answers twice", "order", "answered twice", twin(Fault::kAnswersTwice)},
      {"loses what its peer refuses", "put off", "everything was written", twin(Fault::kLosesPutOff)},
      {"puts off without a reason", "put off", "without a reason", twin(Fault::kPutsOffMutely)},
      {"gives up what its peer puts off", "put off", "was given up", twin(Fault::kGivesUp)},
      {"answers before its peer", "late answer", "before the peer had said so", twin(Fault::kAnswersEarly)},
      {"closes with writes open", "mid-flight", "not answered", twin(Fault::kForgetsOpen)},
      {"calls written what it drops at the end", "mid-flight", "never arrived", twin(Fault::kLiesAtClose)},
      {"forgets its token", "token", "after a restart", twin(Fault::kForgetsToken)},
      {"claims more than it does", "guarantee", "another guarantee", twin(Fault::kClaimsMore)},
      {"has no means for what it claims", "guarantee", "neither a token", twin(Fault::kHasNoMeans)},
      {"waits for its peer to close", "silent peer", "did not close", twin(Fault::kWaitsForPeer)},
      {"tells its password with an outcome", "secrets", "it says it", twin(Fault::kTellsSecret)},
      {"leaves a metric behind", "metrics", "still there", twin(Fault::kLeavesMetric)},
      {"counts for another component", "metrics", "has not its name", twin(Fault::kMetricOfOther)},
  };
}

}  // namespace colloquium::compliance
