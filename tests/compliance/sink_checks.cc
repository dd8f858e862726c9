// What colloquium/sink.h asks of a sink.
#include <algorithm>
#include <array>

#include "tests/compliance/component_world.h"
#include "tests/silent_port.h"

namespace colloquium::compliance {
namespace {

constexpr int64_t kWrites = 6;
constexpr int64_t kEvents = 7;  // of a write
constexpr int kTurns = 50;      // enough for a sink that would go on to do so

struct Scene {
  explicit Scene(const Subject& given) : subject(given), world(given.limit_ms), peer(given.sink(world)) { make(); }
  ~Scene() { run.reset(); }
  void make() { run.emplace(world, subject, peer->settings()); }
  // As the engine: one write at a time of each partition, several of one only to a sink with a token.
  void write_all() {
    const bool of_one = run->sink().has_token();
    for (int32_t i = 0; i < kWrites; ++i) run->write(batch_of(i * kEvents, kEvents, of_one ? 0 : i));
  }
  // Commits, where that is what makes the events readable.
  std::string commit() {
    if (!run->sink().has_token()) return {};
    const Result<std::string> token = run->token();
    if (!token) return "token: " + token.error().describe();
    run->sink().committed(*token);
    return {};
  }
  // Waits until so many have arrived; what is wrong with them.
  std::string arrived(int64_t count) {
    (void)world.run_until([&] { return peer->delivered().size() >= static_cast<size_t>(count); });
    return differs(peer->delivered(), count);
  }
  // The same for what write_all() wrote.
  std::string all_arrived() {
    constexpr int64_t kAll = kWrites * kEvents;
    if (run->sink().has_token()) return arrived(kAll);
    (void)world.run_until([&] { return peer->delivered().size() >= static_cast<size_t>(kAll); });
    std::vector<int64_t> found = peer->delivered();
    // Order holds within a partition.
    std::stable_sort(found.begin(), found.end(), [](int64_t a, int64_t b) { return a / kEvents < b / kEvents; });
    return differs(found, kAll);
  }

  const Subject& subject;
  World world;
  std::unique_ptr<SinkPeer> peer;
  std::optional<SinkRun> run;
};

Verdict closes_unused(const Subject& subject) {
  const SilentPort port(false);
  for (const bool close : {false, true}) {
    World world(subject.limit_ms);
    const std::unique_ptr<SinkPeer> peer = subject.sink ? subject.sink(world) : nullptr;
    SinkRun run(world, subject, peer ? peer->settings() : subject.connection(port.number(), "s"));
    if (!run.problem().empty()) return broken("it can't be made: " + run.problem());
    if (!close) {
      run.destroy();
      continue;
    }
    if (std::string wrong = run.close(); !wrong.empty()) return broken(wrong);
  }
  return holds(2);
}

Verdict writes_in_order(const Subject& subject) {
  if (!subject.sink) return absent(subject.why_no_peer);
  Scene scene(subject);
  if (std::string wrong = scene.run->start(); !wrong.empty()) return broken(wrong);
  scene.write_all();
  if (std::string wrong = scene.run->wait_for_answers(); !wrong.empty()) return broken(wrong);
  for (const SinkRun::Write& one : scene.run->writes()) {
    if (!one.is_ok()) return broken("a write failed: " + one.outcomes.front().error.describe());
  }
  if (std::string wrong = scene.commit(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.all_arrived(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(kWrites * kEvents);
}

// Offers what was put off again, in order, as the engine does, until all is written.
std::string write_until_done(Scene& scene, uint64_t& put_off) {
  const int64_t end_ns = scene.world.clock().monotonic_ns() + scene.subject.limit_ms * 1'000'000;
  for (int64_t next = 0; next < kWrites; ++next) {
    std::shared_ptr<const Batch> batch = batch_of(next * kEvents, kEvents);
    while (batch != nullptr && !batch->empty()) {
      SinkRun::Write& write = scene.run->write(batch);
      if (std::string wrong = scene.run->wait_for_answers(); !wrong.empty()) return wrong;
      size_t done = 0;
      while (done < batch->size() && write.is_ok(done)) ++done;
      if (done == batch->size()) break;
      const EventOutcome& first = write.outcomes[done];
      if (first.outcome != Outcome::kRetry) return "an event was given up: " + first.error.describe();
      if (first.error.message.empty()) return "an event was put off without a reason";
      if (put_off++ == 2) (void)scene.peer->refuse(false);
      if (scene.world.clock().monotonic_ns() > end_ns)
        return "nothing was written although the peer was there again";
      batch = batch->tail(done);
      // The engine's pause before it tries again.
      (void)scene.world.run_until([turns = 0]() mutable { return ++turns > 2; });
    }
  }
  return {};
}

Verdict puts_off(const Subject& subject) {
  if (!subject.sink) return absent(subject.why_no_peer);
  Scene scene(subject);
  if (!scene.peer->refuse(true)) return absent("its peer refuses nothing here");
  if (std::string wrong = scene.run->start(); !wrong.empty()) return broken(wrong);
  uint64_t put_off = 0;
  if (std::string wrong = write_until_done(scene, put_off); !wrong.empty()) return broken(wrong);
  if (put_off == 0) return broken("it said that everything was written while its peer took nothing");
  if (std::string wrong = scene.arrived(kWrites * kEvents); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(put_off);
}

Verdict answers_when_it_is_done(const Subject& subject) {
  if (!subject.sink) return absent(subject.why_no_peer);
  Scene scene(subject);
  if (!scene.peer->hold(true)) return absent("its peer does not answer");
  if (std::string wrong = scene.run->start(); !wrong.empty()) return broken(wrong);
  scene.write_all();
  if (!scene.world.run_until([&] { return scene.peer->is_holding(); })) return broken("nothing came to the peer");
  scene.world.turn(kTurns);
  const auto& writes = scene.run->writes();
  const auto early = std::count_if(writes.begin(), writes.end(), [](const auto& one) { return one.answers > 0; });
  (void)scene.peer->hold(false);
  if (early > 0) return broken("a write was called done before the peer had said so");
  if (std::string wrong = scene.run->wait_for_answers(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.all_arrived(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(kWrites);
}

// Closes with writes open; what was called written has arrived.
Verdict closes_mid_flight(const Subject& subject) {
  const SilentPort port(true);
  World world(subject.limit_ms);
  const std::unique_ptr<SinkPeer> peer = subject.sink ? subject.sink(world) : nullptr;
  if (peer) (void)peer->hold(true);
  SinkRun run(world, subject, peer ? peer->settings() : subject.connection(port.number(), "s"));
  if (!run.problem().empty()) return broken(run.problem());
  if (!run.sink().restore("") || !run.sink().start()) return broken("it did not start");
  ProgressKeeper* const keeper = run.sink().progress();
  const auto recovered = std::make_shared<bool>(false);
  if (keeper != nullptr) keeper->recover("p/subject", {}, [recovered](const auto&) { *recovered = true; });
  if (keeper != nullptr && peer) (void)world.run_until([&] { return *recovered; });
  for (int32_t i = 0; i < kWrites; ++i) run.write(batch_of(i * kEvents, kEvents, i));
  const auto under_way = std::count_if(run.writes().begin(), run.writes().end(),
                                       [](const SinkRun::Write& one) { return one.answers == 0; });
  if (std::string wrong = run.close(); !wrong.empty()) return broken(wrong);
  run.destroy();
  if (under_way == 0) return absent("it answers at once: nothing is ever under way");
  std::vector<int64_t> done;
  for (const SinkRun::Write& one : run.writes()) {
    if (one.answers != 1) return broken("a write was answered " + std::to_string(one.answers) + " times");
    for (size_t i = 0; i < one.batch->size(); ++i) {
      if (one.is_ok(i)) done.push_back(one.batch->offset(i));
      if (!one.outcomes.empty() && one.outcomes[i].outcome == Outcome::kDeadLetter) {
        return broken("an event was given up because the sink was closed");
      }
    }
  }
  if (peer) (void)peer->hold(false);
  const std::vector<int64_t> arrived = peer ? peer->delivered() : std::vector<int64_t>();
  for (const int64_t number : done) {
    if (std::find(arrived.begin(), arrived.end(), number) == arrived.end()) {
      return broken("event " + std::to_string(number) + " was called written and never arrived");
    }
  }
  return holds(static_cast<uint64_t>(under_way * kEvents));
}

Verdict comes_back_to_its_token(const Subject& subject) {
  if (!subject.sink) return absent(subject.why_no_peer);
  Scene scene(subject);
  if (!scene.run->sink().has_token()) return absent("it has no token");
  if (std::string wrong = scene.run->start(); !wrong.empty()) return broken(wrong);
  scene.run->write(batch_of(0, kEvents));
  if (std::string wrong = scene.run->wait_for_answers(); !wrong.empty()) return broken(wrong);
  const Result<std::string> token = scene.run->token();
  if (!token) return broken("token: " + token.error().describe());
  // Written, and never committed: it comes a second time.
  scene.run->write(batch_of(kEvents, kEvents));
  if (std::string wrong = scene.run->wait_for_answers(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  scene.make();
  if (std::string wrong = scene.run->start(*token); !wrong.empty()) return broken(wrong);
  scene.run->write(batch_of(kEvents, kEvents));
  if (std::string wrong = scene.run->wait_for_answers(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.commit(); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.arrived(2 * kEvents); !wrong.empty()) return broken("after a restart " + wrong);
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(2 * kEvents);
}

Verdict promises_what_it_says(const Subject& subject) {
  const SilentPort port(false);
  World world(subject.limit_ms);
  const std::unique_ptr<SinkPeer> peer = subject.sink ? subject.sink(world) : nullptr;
  SinkRun run(world, subject, peer ? peer->settings() : subject.connection(port.number(), "s"));
  if (!run.problem().empty()) return broken(run.problem());
  const Descriptor& d = *subject.descriptor;
  const Guarantee declared = d.delivery_of ? d.delivery_of(run.parsed().config) : d.delivery;
  if (run.sink().guarantee() != declared) return broken("its descriptor declares another guarantee than it gives");
  const bool exact = declared == Guarantee::kExactlyOnce;
  const bool able = run.sink().has_token() || run.sink().progress() != nullptr;
  if (exact && !able) return broken("it says exactly once and keeps neither a token nor its progress");
  return holds(1);
}

Verdict closes_while_the_peer_is_silent(const Subject& subject) {
  if (!subject.connection) return absent("it makes no connection");
  const SilentPort port(true);
  World world(subject.limit_ms);
  SinkRun run(world, subject, subject.connection(port.number(), "s"));
  if (!run.problem().empty()) return broken(run.problem());
  if (!run.sink().restore("") || !run.sink().start()) return broken("it did not start");
  if (run.sink().progress() != nullptr) run.sink().progress()->recover("p/subject", {}, [](const auto&) {});
  SinkRun::Write& write = run.write(batch_of(0, kEvents));
  if (!world.run_until([&] { return port.is_called(); })) return broken("it never connected");
  world.turn(kTurns);
  if (write.is_ok()) return broken("it called written what its peer never answered");
  const std::string wrong = run.close();
  return wrong.empty() ? holds(1) : broken(wrong);
}

Verdict takes_its_metrics_along(const Subject& subject) {
  const SilentPort port(false);
  World world(subject.limit_ms);
  const std::unique_ptr<SinkPeer> peer = subject.sink ? subject.sink(world) : nullptr;
  const std::string before = world.registry().text();
  SinkRun run(world, subject, peer ? peer->settings() : subject.connection(port.number(), "s"));
  if (!run.problem().empty()) return broken(run.problem());
  if (!run.sink().restore("") || !run.sink().start()) return broken("it did not start");
  const std::string during = world.registry().text();
  if (std::string wrong = run.close(); !wrong.empty()) return broken(wrong);
  run.destroy();
  return judge_metrics(before, during, world.registry().text());
}

constexpr std::array kChecks = {
    Check{"documented", "Summary, trust, guarantee, README and every setting are described; each example parses.",
          is_documented},
    Check{"unused", "It may be destroyed, or closed, without ever being started.", closes_unused},
    Check{"order", "Several writes at once arrive whole and in order, each answered once.", writes_in_order},
    Check{"put off",
          "What its peer does not take is put off, with a reason, and arrives once when it is offered "
          "again.",
          puts_off},
    Check{"late answer", "Nothing is called written before the peer has said so.", answers_when_it_is_done},
    Check{"mid-flight",
          "It closes with writes open: each is answered once, and what it called written has arrived.",
          closes_mid_flight},
    Check{"token", "Restored from its token it goes on exactly there.", comes_back_to_its_token},
    Check{"guarantee", "It gives the guarantee that its descriptor declares, and has the means.",
          promises_what_it_says},
    Check{"silent peer", "It closes although its peer has taken its connection and says nothing.",
          closes_while_the_peer_is_silent},
    Check{"secrets", "No secret stands in its settings as shown, in messages, errors or metrics.",
          tells_no_secret},
    Check{"metrics", "Each of its own metrics carries its name, and they go when it does.",
          takes_its_metrics_along},
};

}  // namespace

std::span<const Check> sink_checks() {
  return kChecks;
}

}  // namespace colloquium::compliance
