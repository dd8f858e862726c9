// What the simulators share: the command line, and the way over a range of seeds.
//
//   --seeds 1..100000                 so many stories; the first that goes wrong is told and ends it
//   --seeds 1..9999999 --states 1000000   as many as it takes
//   --every                           every recovery is stopped at each of its operations, where a story has such
//   --replay 4711 --verbose           one story, told
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tests/sim/tally.h"

namespace colloquium::sim {

struct RunSettings {
  bool every = false;    // stop every recovery at each of its operations, not only at some
  bool verbose = false;  // tell the story
};

// One seed's story; returns what went wrong, or nothing.
using Story = std::function<std::string(uint64_t seed, RunSettings settings, Tally& tally)>;

// The process's exit status.
int simulate(const char* program, int argc, char** argv, const Story& story);

}  // namespace colloquium::sim
