#include <charconv>
#include <deque>
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
  kLosesRefused,     // what is turned away is not offered again
  kSkipsAhead,       // what is turned away is offered again behind what follows
  kDoubles,          // offers again what was accepted, too
  kSwaps,            // two events in the wrong order
  kEndsTwice,        // says twice that it has ended
  kEmitsAfterStop,   // stop_intake() is not the end
  kClosesInCall,     // `closed` runs inside of close()
  kClosesTwice,      // and a second time
  kNeverCloses,      // never
  kWaitsForAcks,     // closes only once everything is acknowledged
  kTouchesAfterEnd,  // does with a late acknowledgement what it does with any
  kIgnoresDoor,      // never asks whether the door is open
  kReadsOn,          // asks once
  kForgetsCursor,    // begins anew
  kWaitsForPeer,     // closes only once its peer has answered
  kTellsSecret,      // in a message
  kShowsSecret,      // in its settings
  kLeavesMetric,     // behind
  kMetricOfOther,    // which carries another name
};

constexpr size_t kWindow = 4;  // emits under way

struct Config {
  int64_t events = 0;
  int64_t port = 0;
  std::string password;
};

class TwinSource final : public Source {
  template <class Fn>
  auto guarded(Fn fn) {
    return [alive = std::weak_ptr<char>(alive_), fn = std::move(fn)](auto&&... args) mutable {
      if (!alive.expired()) fn(std::forward<decltype(args)>(args)...);
    };
  }

 public:
  TwinSource(SourceContext context, Config config, Fault fault)
      : context_(std::move(context)), config_(std::move(config)), fault_(fault) {}
  ~TwinSource() override {
    if (fd_ >= 0) ::close(fd_);
    // It goes in a later turn, still before the registry.
    if (fault_ == Fault::kLeavesMetric) context_.loop.post([held = metric_] {});
  }

  Status start(std::string cursor) override {
    if (!cursor.empty() && fault_ != Fault::kForgetsCursor) {
      std::from_chars(cursor.data(), cursor.data() + cursor.size(), next_);
      accepted_ = next_;
    }
    if (config_.port > 0) fd_ = connect_to(config_.port);
    log_warning("twin",
                "my password is " + (fault_ == Fault::kTellsSecret ? config_.password : std::string("***")));
    metric_ = TwinMetric::make(context_, fault_ == Fault::kMetricOfOther ? "other" : context_.name);
    context_.loop.post(guarded([this] { pump(); }));
    return {};
  }

  void stop_intake() override { stopped_ = fault_ != Fault::kEmitsAfterStop; }

  void close(Task closed) override {
    if (fault_ != Fault::kEmitsAfterStop) stopped_ = true;
    if (fault_ != Fault::kLeavesMetric) metric_.reset();
    if (fault_ == Fault::kNeverCloses || (fault_ == Fault::kWaitsForPeer && fd_ >= 0)) {
      never_ = std::move(closed);
      return;
    }
    if (fault_ == Fault::kClosesInCall) return closed();
    if (fault_ == Fault::kWaitsForAcks && under_way_ > 0) {
      never_ = std::move(closed);
      return;
    }
    context_.loop.post([twice = fault_ == Fault::kClosesTwice, closed = std::move(closed)]() mutable {
      closed();
      if (twice) closed();
    });
  }

 private:
  // The events in the order in which this one gives them.
  int64_t number_at(int64_t at) const {
    if (fault_ != Fault::kSwaps || (at ^ 1) >= config_.events) return at;
    return at ^ 1;
  }

  void pump() {
    if (stopped_ || waits_) return;
    while (under_way_ < kWindow && (next_ < config_.events || !again_.empty())) {
      const bool asks = fault_ != Fault::kIgnoresDoor && !(fault_ == Fault::kReadsOn && emitted_ > 0);
      if (asks && !context_.intake.ready()) {
        waits_ = true;
        return context_.intake.when_ready(guarded([this] {
          waits_ = false;
          pump();
        }));
      }
      emit(next_ < config_.events ? next_++ : take_again());
    }
    end_if_done();
  }

  int64_t take_again() {
    const int64_t at = again_.front();
    again_.pop_front();
    return at;
  }

  void emit(int64_t at) {
    RawBatch batch;
    batch.body = std::make_shared<const std::string>(event_text(number_at(at), 10));
    batch.position = at;
    // Of what is offered behind what follows, the cursor would be a lie.
    if (fault_ != Fault::kSkipsAhead) batch.cursor = std::to_string(at + 1);
    ++under_way_;
    ++emitted_;
    auto ack = [this, at](const Ack& answer) { acknowledged(at, answer); };
    if (fault_ == Fault::kTouchesAfterEnd) {
      // As one would who holds nothing back: the test's door must see it, and nothing may crash.
      context_.intake.emit(std::move(batch),
                           [guard = guarded(ack), &loop = context_.loop, &intake = context_.intake,
                            alive = std::weak_ptr<char>(alive_)](const Ack& answer) mutable {
                             if (!alive.expired()) return guard(answer);
                             RawBatch late;
                             late.body = std::make_shared<const std::string>(event_text(0, 10));
                             intake.emit(std::move(late), [](const Ack&) {});
                           });
      return;
    }
    context_.intake.emit(std::move(batch), guarded(std::move(ack)));
  }

  void acknowledged(int64_t at, const Ack& answer) {
    --under_way_;
    if (answer.error) {
      if (fault_ == Fault::kSkipsAhead) again_.push_back(at);
      if (fault_ != Fault::kLosesRefused && fault_ != Fault::kSkipsAhead) refused_ = true;
    } else {
      accepted_ = std::max(accepted_, at + 1);
    }
    if (fault_ == Fault::kLosesRefused) accepted_ = std::max(accepted_, at + 1);
    if (refused_ && under_way_ == 0) {
      refused_ = false;
      // Back to the first one that was not taken.
      next_ = fault_ == Fault::kDoubles && accepted_ > 0 ? accepted_ - 1 : accepted_;
    }
    if (!refused_) pump();
  }

  void end_if_done() {
    if (next_ < config_.events || under_way_ > 0 || !again_.empty() || refused_ || std::exchange(ended_, true))
      return;
    context_.finished();
    if (fault_ == Fault::kEndsTwice) context_.finished();
  }

  SourceContext context_;
  const Config config_;
  const Fault fault_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
  std::shared_ptr<TwinMetric> metric_;
  Task never_;
  int fd_ = -1;
  int64_t next_ = 0, accepted_ = 0;
  std::deque<int64_t> again_;
  size_t under_way_ = 0, emitted_ = 0;
  bool stopped_ = false, waits_ = false, refused_ = false, ended_ = false;
};

class TwinPeer final : public SourcePeer {
 public:
  explicit TwinPeer(int64_t events) : events_(events) {}
  std::string settings() const override { return "{events: " + std::to_string(events_) + "}"; }

 private:
  const int64_t events_;
};

ConfigSpec<Config> spec(bool is_open) {
  return ConfigSpec<Config>()
      .field("events", &Config::events, {.description = "How many there are."})
      .field("port", &Config::port, {.description = "What it connects to."})
      .field("password", &Config::password, {.description = "What it proves itself with.", .secret = !is_open});
}

Subject twin(Fault fault) {
  Descriptor& d = twin_descriptor(ComponentKind::kSource);
  bind_spec(d, spec(fault == Fault::kShowsSecret));
  d.source_traits = [](const ParsedConfig&) { return SourceTraits{.rereadable = true, .finite = true}; };
  d.create_source = [fault](const ParsedConfig& parsed, SourceContext context) -> Result<std::unique_ptr<Source>> {
    return std::make_unique<TwinSource>(std::move(context), config_of<Config>(parsed), fault);
  };
  return {.descriptor = &d,
          .source = [](World&, int64_t events) { return std::make_unique<TwinPeer>(events); },
          .connection =
              [](uint16_t port, const std::string& secret) {
                return "{port: " + std::to_string(port) + ", password: " + secret + "}";
              },
          .limit_ms = fault == Fault::kNone ? 20'000 : kTwinLimitMs};
}

}  // namespace

Subject honest_source() {
  return twin(Fault::kNone);
}

std::vector<Twin> broken_sources() {
  return {
      {"says nothing of a setting", "documented", "has no description", undocumented(twin(Fault::kNone))},
      {"has an example that does not parse", "documented", "unknown key", with_broken_example(twin(Fault::kNone))},
      {"never closes", "unused", "did not close", twin(Fault::kNeverCloses)},
      {"closes inside of close()", "unused", "before close() had returned", twin(Fault::kClosesInCall)},
      {"closes twice", "unused", "more than once", twin(Fault::kClosesTwice)},
      {"emits after it was stopped", "stop twice", "after stop_intake()", twin(Fault::kEmitsAfterStop)},
      {"loses what is turned away", "refused", "events came of", twin(Fault::kLosesRefused)},
      {"overtakes what is turned away", "refused", "came where", twin(Fault::kSkipsAhead)},
      {"offers again what was accepted", "refused", "position", twin(Fault::kDoubles)},
      {"swaps two events", "order", "event 1 came where 0 was due", twin(Fault::kSwaps)},
      {"ends twice", "order", "at the wrong time", twin(Fault::kEndsTwice)},
      {"waits for acknowledgements to close", "mid-flight", "did not close", twin(Fault::kWaitsForAcks)},
      {"emits when a late acknowledgement comes", "mid-flight", "after it was closed",
       twin(Fault::kTouchesAfterEnd)},
      {"does not look at the door", "backpressure", "although the door was shut", twin(Fault::kIgnoresDoor)},
      {"looks at the door once", "backpressure", "while the door was shut", twin(Fault::kReadsOn)},
      {"forgets where it was", "resume", "after a restart", twin(Fault::kForgetsCursor)},
      {"waits for its peer to close", "silent peer", "did not close", twin(Fault::kWaitsForPeer)},
      {"logs its password", "secrets", "it says it", twin(Fault::kTellsSecret)},
      {"shows its password", "secrets", "the settings show it", twin(Fault::kShowsSecret)},
      {"leaves a metric behind", "metrics", "still there", twin(Fault::kLeavesMetric)},
      {"counts for another component", "metrics", "has not its name", twin(Fault::kMetricOfOther)},
  };
}

}  // namespace colloquium::compliance
