// log_simulator: the event log as it is shipped, on a disk, a clock and a scheduler that one seed decides.
//
//   log_simulator --seeds 1..100000          so many stories; the first that goes wrong is told and ends it
//   log_simulator --seeds 1..9999999 --states 1000000   as many as it takes
//   log_simulator --seeds 1..100 --every     every recovery is stopped at each of its operations
//   log_simulator --replay 4711 --verbose    one story, told
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/sim/log_run.h"

namespace colloquium::sim {
namespace {

struct Arguments {
  uint64_t first = 1, last = 1000;
  uint64_t states = ~uint64_t{0};
  RunSettings settings;
};

int usage() {
  std::fprintf(stderr, "usage: log_simulator [--seeds A..B] [--states N] [--replay SEED] [--every] [--verbose]\n");
  return 2;
}

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : "";
    if (flag == "--seeds") {
      const char* const dots = std::strstr(value, "..");
      if (dots == nullptr) return false;
      arguments.first = std::strtoull(value, nullptr, 10);
      arguments.last = std::strtoull(dots + 2, nullptr, 10);
      ++i;
    } else if (flag == "--replay") {
      arguments.first = arguments.last = std::strtoull(value, nullptr, 10);
      ++i;
    } else if (flag == "--states") {
      arguments.states = std::strtoull(value, nullptr, 10);
      ++i;
    } else if (flag == "--every") {
      arguments.settings.every = true;
    } else if (flag == "--verbose") {
      arguments.settings.verbose = true;
    } else {
      return false;
    }
  }
  return arguments.first > 0 && arguments.first <= arguments.last;
}

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return usage();
  Tally tally;
  for (uint64_t seed = arguments.first; seed <= arguments.last && tally.states < arguments.states; ++seed) {
    const std::string problem = LogRun(seed, arguments.settings, tally).run();
    if (problem.empty()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), problem.c_str());
    std::printf("replay it with --replay %llu --verbose\n", static_cast<unsigned long long>(seed));
    return 1;
  }
  tally.print();
  return tally.seeds > 0 ? 0 : 1;
}

}  // namespace
}  // namespace colloquium::sim

int main(int argc, char** argv) {
  return colloquium::sim::main(argc, argv);
}
