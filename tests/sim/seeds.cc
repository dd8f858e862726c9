#include "tests/sim/seeds.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace colloquium::sim {
namespace {

struct Arguments {
  uint64_t first = 1, last = 1000;
  uint64_t states = ~uint64_t{0};
  RunSettings settings;
};

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

}  // namespace

int simulate(const char* program, int argc, char** argv, const Story& story) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) {
    std::fprintf(stderr, "usage: %s [--seeds A..B] [--states N] [--replay SEED] [--every] [--verbose]\n", program);
    return 2;
  }
  Tally tally;
  for (uint64_t seed = arguments.first; seed <= arguments.last && tally.states < arguments.states; ++seed) {
    const std::string problem = story(seed, arguments.settings, tally);
    if (problem.empty()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed), problem.c_str());
    std::printf("replay it with --replay %llu --verbose\n", static_cast<unsigned long long>(seed));
    return 1;
  }
  tally.print();
  return tally.seeds > 0 ? 0 : 1;
}

}  // namespace colloquium::sim
