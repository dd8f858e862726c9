// The contract of components: what every source, sink, stage and AI provider of the table promises, as checks.
//
// A check takes one component, made by its descriptor as a pipeline makes it, through a part of its life in a
// World of its own (component_world.h), and says whether it kept its word. A component takes part by a Subject:
// how to set it, and what stands in for its peer (enrolments.cc). A component of the table without a Subject fails
// the suite. Some peers can't be had inside of a test program (a database, a broker to write to): what needs one is Absent
// here, with the reason, and tests/acceptance/compliance_test.py does it with the real one.
//
// A check that nothing can fail proves nothing: each has broken components, its twins (broken_components.h), that
// break just this promise, and the suite fails if one of them passes, or if an honest one of the same making
// fails.
//
// Thread safety: everything on the test's own thread, on which the World's loop turns.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "colloquium/component.h"

namespace colloquium::compliance {

struct Verdict {
  enum class Kind { kHolds, kBroken, kAbsent };
  Kind kind = Kind::kHolds;
  std::string why;     // kBroken: what was done and what came of it; kAbsent: why nothing was done
  uint64_t count = 0;  // kHolds: of what was looked at (events, settings, turns)
};

inline Verdict holds(uint64_t count) {
  return {Verdict::Kind::kHolds, {}, count};
}
inline Verdict broken(std::string why) {
  return {Verdict::Kind::kBroken, std::move(why), 0};
}
inline Verdict absent(std::string why) {
  return {Verdict::Kind::kAbsent, std::move(why), 0};
}

class World;

// What a source reads from. Events are `{"n":NUMBER,…}`, numbered from 0.
class SourcePeer {
 public:
  virtual ~SourcePeer() = default;
  // As behind `<component>:` in a pipeline.
  virtual std::string settings() const = 0;
};
using MakeSourcePeer = std::function<std::unique_ptr<SourcePeer>(World&, int64_t events)>;

// What a sink writes to.
class SinkPeer {
 public:
  virtual ~SinkPeer() = default;
  virtual std::string settings() const = 0;
  // The numbers of the events that have arrived, in their order.
  virtual std::vector<int64_t> delivered() = 0;

  // Takes nothing for a while, and says so; and takes everything again. False: this peer can't.
  virtual bool refuse(bool on) {
    (void)on;
    return false;
  }
  // Answers nothing for a while; then all that waits. False: this peer can't.
  virtual bool hold(bool on) {
    (void)on;
    return false;
  }
  virtual bool is_holding() { return false; }  // something waits for its answer
};
using MakeSinkPeer = std::function<std::unique_ptr<SinkPeer>(World&)>;

struct Subject {
  const Descriptor* descriptor = nullptr;
  std::string variant;  // which way to set it; empty: the usual one
  std::string folder;   // where its README.md is; empty: it has none (a twin)

  // One of these, by kind. Null: it has a peer that can't be had here, and `why_no_peer` says which.
  MakeSourcePeer source;
  MakeSinkPeer sink;
  std::string stage;  // settings of a stage that turns {"n":1,…} into {"n":1,…} and fails for {"n":"bad"}
  std::string why_no_peer;

  // Settings with which it connects to a TCP port of this machine, and with `secret` wherever a secret may stand.
  // Null: it makes no connection.
  std::function<std::string(uint16_t port, const std::string& secret)> connection;

  // It is pushed to, so events may still come in from connections that have begun when it is told to stop.
  bool is_pushed_to = false;
  bool keeps_one_document = false;  // what it reads is replaced, not queued: fewer events, one at a time
  int64_t limit_ms = 20'000;        // for what has to happen; only a broken component waits for so long
};

struct Check {
  const char* name;     // a column of the table
  const char* promise;  // one sentence
  Verdict (*run)(const Subject&);
};

// In the order of the table's columns.
std::span<const Check> source_checks();
std::span<const Check> sink_checks();
std::span<const Check> stage_checks();
std::span<const Check> provider_checks();
std::span<const Check> checks_of(ComponentKind kind);

// The checks that do not depend on the kind (descriptor_checks.cc).
Verdict is_documented(const Subject& subject);
Verdict tells_no_secret(const Subject& subject);

// One for each way to set it that is another matter; none if nobody has enrolled it.
std::vector<Subject> enrolled(const Descriptor& descriptor);

}  // namespace colloquium::compliance
