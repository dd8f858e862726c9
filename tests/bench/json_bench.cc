// How fast the checking walk is: GB/s and events/s of Walker, simdjson's DOM and nlohmann/json on the same
// events in the same run.
//
//   json_bench EVENTS.ndjson [SECONDS [CONTESTANT]]      (make_events 20000 > EVENTS.ndjson)
//
// The figure to read is the last column, the ratio to Walker. Every parser gets one event at a time with spare
// bytes behind it, as the door has it; the tape, the DOM and the tree are kept only until the next event. The
// Walker and simdjson reuse their memory. Each line is the best of several rounds that alternate, in processor
// time, so that a busy neighbour harms all alike and none much.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <functional>
#include <iterator>
#include <nlohmann/json.hpp>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <vector>

#include "json/view.h"
#include "json/walk.h"
#include "json/writer.h"

namespace {

using colloquium::TapeToken;
using colloquium::json::ValueView;
using colloquium::json::Walker;
using colloquium::json::WalkError;

struct Events {
  std::string text;  // all events, spare bytes behind the last
  std::vector<std::string_view> lines;
  size_t bytes = 0;
};

Events load(const char* path) {
  Events events;
  std::ifstream file(path, std::ios::binary);
  events.text.assign(std::istreambuf_iterator<char>(file), {});
  const size_t size = events.text.size();
  events.text.append(simdjson::SIMDJSON_PADDING + 64, '\0');
  for (size_t begin = 0; begin < size;) {
    const size_t end = std::min(events.text.find('\n', begin), size);
    if (end > begin) events.lines.emplace_back(events.text.data() + begin, end - begin);
    begin = end + 1;
  }
  for (const std::string_view line : events.lines) events.bytes += line.size();
  return events;
}

// One contestant: handles every event and returns a number that depends on the work.
struct Contestant {
  const char* name;
  std::function<size_t(const Events&)> run;
  double best_seconds = 1e30;
};

size_t walk_all(const Events& events) {
  static Walker walker;
  static std::vector<TapeToken> tape;
  size_t tokens = 0;
  for (const std::string_view line : events.lines) {
    WalkError error;
    tape.clear();
    if (!walker.walk(line, tape, error)) std::abort();
    tokens += tape.size();
  }
  return tokens;
}

size_t walk_unchecked_all(const Events& events) {
  static Walker walker;
  static std::vector<TapeToken> tape;
  size_t tokens = 0;
  for (const std::string_view line : events.lines) {
    tape.clear();
    walker.walk_unchecked(line, tape);
    tokens += tape.size();
  }
  return tokens;
}

// What a leg does with an event: walk, five look-ups, a new object written with its tape.
size_t walk_and_project(const Events& events) {
  static Walker walker;
  static std::vector<TapeToken> tape;
  static std::vector<char> out;
  static std::vector<TapeToken> out_tape;
  for (const std::string_view line : events.lines) {
    WalkError error;
    tape.clear();
    if (!walker.walk(line, tape, error)) std::abort();
    if (out.size() > (1u << 16)) out.clear();  // stays in the cache, which is not what is measured
    out_tape.clear();
    const ValueView event(line.data(), tape.data(), 0);
    colloquium::json::Writer writer(out, &out_tape);
    writer.begin_object();
    for (const char* name : {"id", "type", "customer", "total", "currency"}) {
      const auto value = event.member(name);
      if (!value) continue;
      writer.key(name);
      writer.raw(*value);
    }
    writer.end_object();
  }
  return out.size();
}

size_t utf8_all(const Events& events) {
  size_t valid = 0;
  for (const std::string_view line : events.lines) valid += simdjson::validate_utf8(line.data(), line.size());
  return valid;
}

size_t dom_all(const Events& events) {
  static simdjson::dom::parser parser;
  size_t objects = 0;
  for (const std::string_view line : events.lines) {
    simdjson::dom::element element;
    if (parser.parse(line.data(), line.size(), false).get(element)) std::abort();
    objects += element.is_object();
  }
  return objects;
}

size_t nlohmann_all(const Events& events) {
  size_t members = 0;
  for (const std::string_view line : events.lines) members += nlohmann::json::parse(line).size();
  return members;
}

// Time on the processor: on a busy machine most rounds are interrupted.
double thread_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double time_once(const Contestant& contestant, const Events& events, size_t& sink) {
  const double begin = thread_seconds();
  sink += contestant.run(events);
  return thread_seconds() - begin;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: json_bench EVENTS.ndjson [SECONDS [CONTESTANT]]\n");
    return 2;
  }
  const Events events = load(argv[1]);
  if (events.lines.empty()) {
    std::fprintf(stderr, "json_bench: %s holds no events\n", argv[1]);
    return 1;
  }
  const double budget_seconds = argc > 2 ? std::atof(argv[2]) : 3;
  std::vector<Contestant> contestants = {{"Walker::walk", walk_all},
                                         {"Walker::walk_unchecked", walk_unchecked_all},
                                         {"walk, project 5 fields", walk_and_project},
                                         {"simdjson UTF-8 check alone", utf8_all},
                                         {"simdjson DOM", dom_all},
                                         {"nlohmann::json", nlohmann_all}};
  if (argc > 3)
    std::erase_if(contestants, [argv](const Contestant& c) { return std::strcmp(c.name, argv[3]) != 0; });
  if (contestants.empty()) return 2;
  size_t sink = 0;
  double spent_seconds = 0;
  do {
    for (Contestant& contestant : contestants) {
      const double seconds = time_once(contestant, events, sink);
      contestant.best_seconds = std::min(contestant.best_seconds, seconds);
      spent_seconds += seconds;
    }
  } while (spent_seconds < budget_seconds);
  const double count = static_cast<double>(events.lines.size());
  const double bytes = static_cast<double>(events.bytes);
  std::printf("%zu events of %.0f bytes, one core, simdjson kernel %s (%zu)\n", events.lines.size(), bytes / count,
              simdjson::get_active_implementation()->name().c_str(), sink % 10);
  std::printf("%-28s %12s %8s %10s %10s\n", "", "k events/s", "GB/s", "ns/event", "x Walker");
  for (const Contestant& contestant : contestants) {
    const double seconds = contestant.best_seconds;
    std::printf("%-28s %12.0f %8.2f %10.0f %10.3f\n", contestant.name, count / seconds / 1e3,
                bytes / seconds / 1e9, seconds / count * 1e9, contestants[0].best_seconds / seconds);
  }
  return 0;
}
