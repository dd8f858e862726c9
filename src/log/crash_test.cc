// The power goes, or the process dies, at every operation of a scripted run, and again at every operation of the
// recovery. Acknowledged means there; commits are whole or absent; nothing else appears.
#include <catch2/catch.hpp>

#include "log/scripted_run_test.h"

namespace colloquium::log {
namespace {

constexpr int kSteps = 30;

uint64_t operations_of_whole_run(uint64_t seed, bool encrypted) {
  ScriptedRun run(seed);
  if (encrypted) run.encrypt();
  run.retain();
  run.compact();
  run.run(kSteps);
  REQUIRE(run.failures().empty());
  REQUIRE(run.removed_segments() > 2);
  REQUIRE(run.compacted_segments() > 4);
  REQUIRE(run.acknowledged() > 20);
  REQUIRE(run.problem() == "");
  REQUIRE((run.nonces().sealed() > 40) == encrypted);
  return run.files().operations();
}

// The run, stopped when operation `stop` is about to happen, and the machine or process gone.
void run_until(ScriptedRun& run, uint64_t stop, End how) {
  run.files().halt_at(stop);
  run.run(kSteps);
  run.end(how);
}

}  // namespace

TEST_CASE("a run stopped at any operation loses nothing it acknowledged [REQ-176]", "[REQ-176][REQ-009][crash]") {
  const End how = GENERATE(End::kPowerLoss, End::kSomeSectors, End::kKilled);
  const bool encrypted = GENERATE(false, true);
  const uint64_t seed = how == End::kSomeSectors ? 1 : 2;
  const uint64_t operations = operations_of_whole_run(seed, encrypted);
  size_t worth = 0;
  for (uint64_t stop = operations % kPlaceStep; stop <= operations; stop += kPlaceStep) {
    INFO("seed " << seed << ", stopped at operation " << stop << " of " << operations);
    ScriptedRun run(seed);
    if (encrypted) run.encrypt();
    run.retain();
    run.compact();
    run_until(run, stop, how);
    if (run.acknowledged() > 0) ++worth;
    const Status opened = run.open();
    INFO((opened ? std::string() : opened.error().describe()));
    REQUIRE(opened);
    REQUIRE(run.problem() == "");
    // And it goes on: more is taken, and found again after a clean stop.
    run.run(6);
    REQUIRE(run.failures().empty());
    REQUIRE(run.problem() == "");
    run.restart();
    REQUIRE(run.log() != nullptr);
    CHECK(run.log()->recovery().clean);
    CHECK(run.log()->recovery().notes.empty());
    REQUIRE(run.problem() == "");
  }
  CHECK(worth > operations / kPlaceStep / 2);
}

TEST_CASE("a recovery stopped at any operation is repeated to the same end [REQ-176]", "[REQ-176][crash]") {
  const End first = GENERATE(End::kPowerLoss, End::kSomeSectors, End::kKilled);
  const End second = GENERATE(End::kPowerLoss, End::kSomeSectors);
  const bool encrypted = GENERATE(false, true);
  const uint64_t seed = 3;
  const uint64_t operations = operations_of_whole_run(seed, encrypted);
  // Twice the runs in the same time: encrypted ones stop at every third of the others' places.
  for (uint64_t stop = operations / 4; stop <= operations; stop += (encrypted ? 87 : 29) * kPlaceStep) {
    uint64_t recovery_operations = 1;
    for (uint64_t again = 0; again < recovery_operations; ++again) {
      INFO("stopped at operation " << stop << ", its recovery at operation " << again);
      ScriptedRun run(seed);
      if (encrypted) run.encrypt();
      run.retain();
      run.compact();
      run_until(run, stop, first);
      const uint64_t before = run.files().operations();
      if (again == 0) {
        // Learn how many operations this recovery has.
        ScriptedRun whole(seed);
        if (encrypted) whole.encrypt();
        whole.retain();
        whole.compact();
        run_until(whole, stop, first);
        REQUIRE(whole.open());
        recovery_operations = whole.files().operations() - before;
      }
      run.files().halt_at(before + again);
      (void)run.open();
      run.end(second);
      const Status opened = run.open();
      INFO((opened ? std::string() : opened.error().describe()));
      REQUIRE(opened);
      REQUIRE(run.problem() == "");
    }
  }
}

}  // namespace colloquium::log
