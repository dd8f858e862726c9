// pipeline_simulator: a whole pipeline as it is shipped (door, log, stages, legs, file sinks), on a disk, a clock
// and a scheduler that one seed decides. Arguments: see seeds.h.
#include "base/logging.h"
#include "tests/sim/pipeline_story.h"
#include "tests/sim/seeds.h"

int main(int argc, char** argv) {
  using namespace colloquium;
  using namespace colloquium::sim;
  return simulate("pipeline_simulator", argc, argv, [](uint64_t seed, RunSettings settings, Tally& tally) {
    set_log_level(settings.verbose ? LogLevel::kDebug : LogLevel::kOff);
    return PipelineStory(seed, settings, tally).run();
  });
}
