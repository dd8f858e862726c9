// log_simulator: the event log as it is shipped, on a disk, a clock and a scheduler that one seed decides.
// Arguments: see seeds.h.
#include "tests/sim/log_run.h"
#include "tests/sim/seeds.h"

int main(int argc, char** argv) {
  using namespace colloquium::sim;
  return simulate("log_simulator", argc, argv, [](uint64_t seed, RunSettings settings, Tally& tally) {
    return LogRun(seed, settings, tally).run();
  });
}
