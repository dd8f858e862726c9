// Evaluates one case of computo_cases.h a few times, for callgrind to count (instructions.py).
//
//   computo_count EVENTS.ndjson CASE
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/computo_cases.h"

namespace {

constexpr size_t kEvaluations = 40;

}  // namespace

// callgrind counts while this function runs, hence a name that nothing mangles.
extern "C" [[gnu::noinline]] size_t computo_counted(colloquium::bench::Case& work, std::vector<char>& bytes) {
  size_t done = 0;
  while (done < kEvaluations) {
    bytes.clear();
    done += work.run(bytes);
  }
  return done;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: computo_count EVENTS.ndjson CASE\n");
    return 2;
  }
  const auto events = colloquium::bench::load_events(argv[1]);
  for (auto& work : colloquium::bench::make_cases(events)) {
    if (work.name != argv[2]) continue;
    std::vector<char> bytes;
    work.run(bytes);  // memory that is kept from then on
    std::printf("%zu\n", computo_counted(work, bytes));
    return 0;
  }
  std::fprintf(stderr, "computo_count: no case %s\n", argv[2]);
  return 2;
}
