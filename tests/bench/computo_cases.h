// The cases that the speed of scripts is measured by: what computo_bench times and computo_count counts.
//
// Scripts are compiled strictly and evaluated by EventEvaluator, as stages do it; every evaluation writes its
// result. Thread safety: belongs to one thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::bench {

[[noreturn]] void die(const std::string& what);

struct Events {
  std::string text;  // all events, spare bytes behind the last
  std::vector<std::string_view> lines;
};

// NDJSON; ends the process if there is none.
Events load_events(const char* path);

// Something to measure: makes some evaluations and says how many; `bytes` takes what they write.
struct Case {
  std::string name;
  std::function<size_t(std::vector<char>& bytes)> run;
  double best_ns = 1e30;
};

// a: projection of 5 fields, b: filter and map over 100 objects, c: reduce over 1,000 numbers, d: strings and
// nested lets, all over events that are parsed; e: FromBytes. `events` outlives them.
std::vector<Case> make_cases(const Events& events);

// Case e: what a projection costs from the bytes of an event to the bytes of its result.
class FromBytes {
 public:
  FromBytes();
  void run(std::string_view event, std::vector<char>& bytes);

 private:
  computo::Evaluator evaluator_;
  json::Walker walker_;
  std::vector<TapeToken> tape_;
};

}  // namespace colloquium::bench
