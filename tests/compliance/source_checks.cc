// What colloquium/source.h asks of a source.
#include <algorithm>
#include <array>

#include "tests/compliance/component_world.h"
#include "tests/silent_port.h"

namespace colloquium::compliance {
namespace {

constexpr int64_t kEvents = 120;          // of 40 KB each: several bodies of every source
constexpr int64_t kMoreEvents = 600;      // more than any source takes within a turn of the loop
constexpr int64_t kDocuments = 12;        // of a source that is given one at a time
constexpr int kTurns = 50;                // enough for a source that would go on to do so
constexpr int64_t kMoreNs = 300'000'000;  // and for a peer on another thread to give it more
constexpr uint64_t kMostInHand = 8;       // emits of what was read before the door was shut

int64_t events_of(const Subject& subject) {
  return subject.keeps_one_document ? kDocuments : kEvents;
}

// A world, a door, a peer with events, and a source that was not started.
struct Scene {
  explicit Scene(const Subject& given, int64_t events)
      : subject(given), world(given.limit_ms), door(world), peer(given.source(world, events)) {
    make();
  }
  ~Scene() { run.reset(); }
  void make() { run.emplace(world, subject, peer->settings(), door); }

  const Subject& subject;
  World world;
  StrictDoor door;
  std::unique_ptr<SourcePeer> peer;
  std::optional<SourceRun> run;
};

// Waits until `count` events are accepted, and a finite source has said that it has ended.
std::string wait_for_events(Scene& scene, int64_t count) {
  const auto there = [&] {
    return scene.door.accepted().size() >= static_cast<size_t>(count) || scene.run->has_ended() ||
           !scene.door.violation().empty();
  };
  (void)scene.world.run_until(there);
  scene.world.turn(3);
  if (scene.run->failed()) return "it failed: " + scene.run->failed()->describe();
  if (!scene.door.violation().empty()) return scene.door.violation();
  return differs(scene.door.accepted(), count);
}

// With a peer, or towards one that is not there.
bool can_be_made(const Subject& subject) {
  return subject.source || (subject.connection && !subject.is_pushed_to);
}

Verdict closes_unused(const Subject& subject) {
  if (!can_be_made(subject)) return absent(subject.why_no_peer);
  if (!subject.source) {
    const SilentPort port(false);
    World world(subject.limit_ms);
    StrictDoor door(world);
    SourceRun unused(world, subject, subject.connection(port.number(), "s"), door);
    if (!unused.problem().empty()) return broken(unused.problem());
    const std::string wrong = unused.close();
    return wrong.empty() ? holds(1) : broken(wrong);
  }
  Scene scene(subject, 1);
  if (!scene.run->problem().empty()) return broken("it can't be made: " + scene.run->problem());
  scene.run->destroy();
  scene.make();
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return scene.door.emits() == 0 ? holds(2) : broken("it emitted before it was started");
}

Verdict stops_twice(const Subject& subject) {
  if (!subject.source) return absent(subject.why_no_peer);
  Scene scene(subject, subject.keeps_one_document ? kDocuments : kMoreEvents);
  // So that it is in the middle of its events when it is stopped.
  scene.door.hold_from(1);
  if (const Status started = scene.run->start(); !started) return broken(started.error().describe());
  if (!scene.world.run_until([&] { return scene.door.under_way() > 0; })) return broken("it emitted nothing more");
  scene.run->source().stop_intake();
  uint64_t emits = scene.door.emits();
  scene.run->source().stop_intake();
  bool offered = false;
  scene.run->source().when_offered([&] {
    offered = true;
    emits = scene.door.emits();
  });
  scene.door.release(true);
  if (!scene.world.run_until([&] { return offered; })) return broken("what it had read was never all offered");
  scene.world.turn(kTurns);
  const int64_t until_ns = scene.world.clock().monotonic_ns() + (subject.connection ? kMoreNs : 0);
  (void)scene.world.run_until(
      [&] { return scene.door.emits() > emits || scene.world.clock().monotonic_ns() >= until_ns; });
  if (scene.door.emits() > emits && !subject.is_pushed_to) return broken("it emitted after stop_intake()");
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  const uint64_t at_close = scene.door.emits();
  scene.run->destroy();
  scene.world.turn(kTurns);
  return scene.door.emits() == at_close ? holds(emits) : broken("it emitted after it was closed");
}

Verdict offers_again(const Subject& subject) {
  if (!subject.source) return absent(subject.why_no_peer);
  const int64_t count = events_of(subject);
  Scene scene(subject, count);
  scene.door.refuse_every(3);
  if (const Status started = scene.run->start(); !started) return broken(started.error().describe());
  if (std::string wrong = wait_for_events(scene, count); !wrong.empty()) return broken(wrong);
  if (scene.door.refused() == 0) return broken("it emitted nothing that could be turned away");
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(scene.door.refused());
}

Verdict keeps_order(const Subject& subject) {
  if (!subject.source) return absent(subject.why_no_peer);
  const int64_t count = events_of(subject);
  Scene scene(subject, count);
  scene.door.answer_backwards();
  if (const Status started = scene.run->start(); !started) return broken(started.error().describe());
  if (std::string wrong = wait_for_events(scene, count); !wrong.empty()) return broken(wrong);
  const Parsed parsed = parse_settings(*subject.descriptor, scene.peer->settings());
  const bool is_finite = subject.descriptor->source_traits(parsed.config).finite;
  if (is_finite && !scene.world.run_until([&] { return scene.run->finished() > 0; })) {
    return broken("it is finite and never said that it had ended");
  }
  scene.world.turn(kTurns);
  if (scene.run->finished() != (is_finite ? 1 : 0)) return broken("it said at the wrong time that it had ended");
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(static_cast<uint64_t>(count));
}

Verdict stops_with_acks_open(const Subject& subject) {
  if (!subject.source) return absent(subject.why_no_peer);
  uint64_t open = 0;
  for (const bool accept : {true, false}) {
    Scene scene(subject, events_of(subject));
    scene.door.hold();
    if (const Status started = scene.run->start(); !started) return broken(started.error().describe());
    if (!scene.world.run_until([&] { return scene.door.under_way() > 0; })) return broken("it emitted nothing");
    scene.run->source().stop_intake();
    if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
    scene.run->destroy();
    open += scene.door.under_way();
    const uint64_t emits = scene.door.emits();
    // Whoever is told now has gone.
    scene.door.release(accept);
    scene.world.turn(kTurns);
    if (scene.door.emits() > emits) return broken("it emitted after it was closed");
  }
  return holds(open);
}

Verdict waits_for_the_door(const Subject& subject) {
  if (!subject.source) return absent(subject.why_no_peer);
  const int64_t count = events_of(subject);
  Scene scene(subject, count);
  const auto asks = [&](uint64_t asked, uint64_t emits) {
    return scene.world.run_until(
        [&, asked, emits] { return scene.door.asked() > asked || scene.door.emits() > emits + kMostInHand; });
  };
  scene.door.shut();
  if (const Status started = scene.run->start(); !started) return broken(started.error().describe());
  if (!asks(0, 0)) return broken("it never asked to be told when the door opens");
  scene.world.turn(kTurns);
  if (scene.door.emits() > 0) return broken("it emitted although the door was shut before it began to read");
  scene.door.shut_after(1);
  const uint64_t asked = scene.door.asked();
  scene.door.open();
  if (!asks(asked, 1)) return broken("it did not go on when the door opened, or did not ask again");
  scene.world.turn(kTurns);
  const uint64_t in_hand = scene.door.emits() - 1;
  if (in_hand > kMostInHand) return broken("it emitted on and on while the door was shut");
  scene.door.open();
  if (std::string wrong = wait_for_events(scene, count); !wrong.empty()) return broken(wrong);
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  return holds(scene.door.emits());
}

Verdict resumes(const Subject& subject) {
  if (!subject.source) return absent(subject.why_no_peer);
  const int64_t count = events_of(subject);
  Scene scene(subject, count);
  const Parsed parsed = parse_settings(*subject.descriptor, scene.peer->settings());
  if (!subject.descriptor->source_traits(parsed.config).rereadable) return absent("it can't be read again");
  scene.door.hold_from(static_cast<size_t>(count) / 3);
  if (const Status started = scene.run->start(); !started) return broken(started.error().describe());
  const auto begun = [&] { return scene.door.accepted().size() >= static_cast<size_t>(count) / 3; };
  if (!scene.world.run_until(begun)) return broken("a third of the events never came");
  scene.run->source().stop_intake();
  if (std::string wrong = scene.run->close(); !wrong.empty()) return broken(wrong);
  const std::vector<int64_t> before = scene.door.accepted();
  StrictDoor after(scene.world);
  after.restore(scene.door);
  SourceRun second(scene.world, subject, scene.peer->settings(), after);
  if (const Status started = second.start(); !started) return broken(started.error().describe());
  const size_t missing = static_cast<size_t>(count) - before.size();
  (void)scene.world.run_until([&] { return after.accepted().size() >= missing || second.failed(); });
  scene.world.turn(3);
  std::vector<int64_t> all = before;
  all.insert(all.end(), after.accepted().begin(), after.accepted().end());
  if (std::string wrong = differs(all, count); !wrong.empty()) return broken("after a restart " + wrong);
  if (std::string wrong = second.close(); !wrong.empty()) return broken(wrong);
  return holds(missing);
}

Verdict closes_while_the_peer_is_silent(const Subject& subject) {
  if (!subject.connection || subject.is_pushed_to) return absent("it makes no connection");
  const SilentPort port(true);
  World world(subject.limit_ms);
  StrictDoor door(world);
  SourceRun run(world, subject, subject.connection(port.number(), "s"), door);
  if (!run.problem().empty()) return broken(run.problem());
  if (const Status started = run.start(); !started) return broken(started.error().describe());
  if (!world.run_until([&] { return port.is_called(); })) return broken("it never connected");
  world.turn(kTurns);
  run.source().stop_intake();
  const std::string wrong = run.close();
  return wrong.empty() ? holds(1) : broken(wrong);
}

Verdict takes_its_metrics_along(const Subject& subject) {
  if (!can_be_made(subject)) return absent(subject.why_no_peer);
  const SilentPort port(false);
  World world(subject.limit_ms);
  StrictDoor door(world);
  const std::unique_ptr<SourcePeer> peer = subject.source ? subject.source(world, 1) : nullptr;
  const std::string before = world.registry().text();
  SourceRun run(world, subject, peer ? peer->settings() : subject.connection(port.number(), "s"), door);
  if (!run.problem().empty()) return broken(run.problem());
  if (const Status started = run.start(); !started) return broken(started.error().describe());
  const std::string during = world.registry().text();
  if (std::string wrong = run.close(); !wrong.empty()) return broken(wrong);
  run.destroy();
  return judge_metrics(before, during, world.registry().text());
}

constexpr std::array kChecks = {
    Check{"documented", "Summary, trust, guarantee, README and every setting are described; each example parses.",
          is_documented},
    Check{"unused", "It may be destroyed, or closed, without ever being started.", closes_unused},
    Check{"stop twice",
          "After stop_intake(), however often, it emits what it has read, or nothing; it closes once.",
          stops_twice},
    Check{"refused", "What the door turns away is offered again, nothing is lost, doubled or out of order.",
          offers_again},
    Check{"order", "Events come in order, whatever order they are acknowledged in; a finite source ends once.",
          keeps_order},
    Check{"mid-flight", "It closes with acknowledgements open, and may be gone when they come.",
          stops_with_acks_open},
    Check{"backpressure", "Nothing is emitted while the door is shut, but what was read before.",
          waits_for_the_door},
    Check{"resume", "From its stored cursor it goes on behind what was accepted.", resumes},
    Check{"silent peer", "It closes although its peer has taken its connection and says nothing.",
          closes_while_the_peer_is_silent},
    Check{"secrets", "No secret stands in its settings as shown, in messages, errors or metrics.",
          tells_no_secret},
    Check{"metrics", "Each of its own metrics carries its name, and they go when it does.",
          takes_its_metrics_along},
};

}  // namespace

std::span<const Check> source_checks() {
  return kChecks;
}

}  // namespace colloquium::compliance
