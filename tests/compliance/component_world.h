// World: everything of a process that a component can see, on the test's own thread. StrictDoor: an Intake that
// holds its caller to every word of colloquium/source.h. SourceRun and SinkRun: one life of a component.
//
// What a component leaves behind is found when the World ends: the loop asserts that every handle is closed. A
// component that does not close is abandoned together with its World, so that the check can say so.
//
// Thread safety: the test's thread only, but what is logged may come from any.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/liveness.h"
#include "base/manual_clock.h"
#include "base/system_clock.h"
#include "base/thread_executor.h"
#include "log/fake_log.h"
#include "loop/uv_loop.h"
#include "metrics/registry.h"
#include "net/http_server.h"
#include "tests/compliance/component_contract.h"
#include "tests/temporary_directory.h"

namespace colloquium::compliance {

class World {
 public:
  explicit World(int64_t limit_ms);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Turns the loop until `done`; false once the limit has passed.
  bool run_until(std::function<bool()> done);
  // So many turns in which everything that is ready happens.
  void turn(int count);
  void abandon() { abandoned_ = true; }

  loop::UvLoop& loop() { return *parts_->loop; }
  const Clock& clock() const { return parts_->clock; }
  metrics::Registry& registry() { return parts_->registry; }
  net::HttpServer& server() { return *parts_->server; }
  log::FakeLog& log() { return *parts_->log; }
  const std::string& folder() const { return parts_->folder.path(); }
  ComponentContext context();

  // Every line that was logged since the World began.
  std::string said() const;

 private:
  struct Parts {
    SystemClock clock;
    SeededRandom random{1};
    ThreadExecutor executor;
    TemporaryDirectory folder;
    metrics::Registry registry;
    Services services;
    std::unique_ptr<loop::UvLoop> loop = loop::UvLoop::create(executor).value();
    std::unique_ptr<net::HttpServer> server;
    std::unique_ptr<log::FakeLog> log;
  };
  struct Said {
    std::mutex mutex;
    std::string text;
  };

  std::unique_ptr<Parts> parts_;
  std::shared_ptr<Said> said_ = std::make_shared<Said>();
  const int64_t limit_ms_;
  bool abandoned_ = false;
};

// A component's settings, parsed. What is wrong with them is `problem`.
struct Parsed {
  ParsedConfig config;
  ConfigNode node;
  std::string problem;
};
Parsed parse_settings(const Descriptor& descriptor, const std::string& settings);

// An event as peers make it, about 40 KB long so that a few dozen fill more than one body, or without padding.
std::string event_text(int64_t number, size_t padding = 40'000);
// Of the events in a text, in their order.
std::vector<int64_t> numbers_in(std::string_view text);
// Nothing if `found` is 0 … count - 1; else where it first differs.
std::string differs(const std::vector<int64_t>& found, int64_t count);

// What came of a component's own metrics, by the texts of the registry before, during and after its life; absent
// if it has none: then what the engine counts of it is all there is.
Verdict judge_metrics(const std::string& before, const std::string& during, const std::string& after);

class StrictDoor {
 public:
  explicit StrictDoor(World& world) : world_(world) {}

  Intake& intake() { return part(""); }
  Intake& part(const std::string& name);
  // As after a restart: with the cursors that `before` has stored.
  void restore(const StrictDoor& before);
  std::string stored_cursor() { return part_of("").stored; }

  // Of the emits, every `n`th is turned away, the first one among them; 0: none.
  void refuse_every(uint64_t n) { refuse_every_ = n; }
  // Those of one turn are answered the last one first.
  void answer_backwards() { backwards_ = true; }
  // None is answered, until release().
  void hold() { holding_ = true; }
  void release(bool accept);
  // Holds from this many accepted events on.
  void hold_from(size_t events) { hold_from_ = events; }
  void shut() { ready_ = false; }
  // After so many emits the door is shut.
  void shut_after(uint64_t emits) { shut_after_ = emits; }
  void open();

  uint64_t emits() const { return emits_; }
  size_t under_way() const { return pending_.size(); }
  uint64_t refused() const { return refused_; }
  uint64_t asked() const { return asked_; }  // to be told when it is open
  const std::vector<int64_t>& accepted() const { return accepted_; }
  // What a caller did against the contract, first of all.
  const std::string& violation() const { return violation_; }

 private:
  struct Part;
  struct Pending {
    Part* part;
    RawBatch batch;
    AckFn ack;
    bool doomed;
  };
  struct Part final : Intake {
    explicit Part(StrictDoor& owner) : door(owner) {}
    void emit(RawBatch batch, AckFn ack) override { door.take(*this, std::move(batch), std::move(ack)); }
    bool ready() const override { return door.ready_; }
    void when_ready(Task resume) override;
    Intake& part(const std::string& name) override { return door.part(name); }
    std::string stored_cursor() const override { return stored; }

    StrictDoor& door;
    std::string stored;
    int64_t next_position = -1;
    int failing = 0;  // acknowledgements with an error that are on their way to a source with cursors
  };

  Part& part_of(const std::string& name);
  void take(Part& part, RawBatch batch, AckFn ack);
  void answer();
  Ack decide(Pending& one, bool accept);
  void accept(Part& part, const RawBatch& batch, Ack& ack);

  World& world_;
  std::map<std::string, std::unique_ptr<Part>> parts_;
  std::deque<Pending> pending_;
  std::vector<Task> waiting_;
  std::vector<int64_t> accepted_;
  std::string violation_;
  uint64_t refuse_every_ = 0, shut_after_ = 0;
  uint64_t emits_ = 0, decided_ = 0, refused_ = 0, asked_ = 0;
  size_t hold_from_ = SIZE_MAX;
  bool ready_ = true, holding_ = false, backwards_ = false, answering_ = false;
  Liveness alive_;  // one who does not stop may emit until the door goes, before the loop does
};

class SourceRun {
 public:
  SourceRun(World& world, const Subject& subject, const std::string& settings, StrictDoor& door);
  ~SourceRun();

  Status start();
  // Nothing, or what was wrong with the way in which it closed.
  std::string close();
  void destroy() { source_.reset(); }

  Source& source() { return *source_; }
  const std::string& problem() const { return problem_; }  // why there is none
  bool has_ended() const { return finished_ > 0 || failed_.has_value(); }
  int finished() const { return finished_; }
  const std::optional<Error>& failed() const { return failed_; }

 private:
  World& world_;
  StrictDoor& door_;
  std::string problem_;
  std::unique_ptr<Source> source_;
  int finished_ = 0;
  std::optional<Error> failed_;
  bool closed_ = false;
};

// A batch of events with consecutive numbers.
std::shared_ptr<const Batch> batch_of(int64_t first, int64_t count, int32_t partition = 0);

class SinkRun {
 public:
  struct Write {
    std::shared_ptr<const Batch> batch;
    std::vector<EventOutcome> outcomes;
    int answers = 0;
    bool is_ok(size_t i) const { return answers > 0 && (outcomes.empty() || outcomes[i].outcome == Outcome::kOk); }
    bool is_ok() const;
  };

  SinkRun(World& world, const Subject& subject, const std::string& settings);
  ~SinkRun();

  // Restores, starts, and recovers the progress if it keeps that. Nothing, or what went wrong.
  std::string start(const std::string& token = {});
  Write& write(std::shared_ptr<const Batch> batch);
  // Waits for every answer, and gives what was wrong with one of them.
  std::string wait_for_answers();
  Result<std::string> token();
  std::string close();
  void destroy() { sink_.reset(); }

  Sink& sink() { return *sink_; }
  const Parsed& parsed() const { return parsed_; }
  const std::string& problem() const { return problem_; }
  std::deque<Write>& writes() { return writes_; }

 private:
  World& world_;
  Parsed parsed_;
  std::string problem_;
  std::unique_ptr<Sink> sink_;
  std::deque<Write> writes_;  // stay where they are
  bool closed_ = false;
};

}  // namespace colloquium::compliance
