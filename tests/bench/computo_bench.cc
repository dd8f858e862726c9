// How fast scripts run, in one process, parsed and compiled as in production.
//
//   computo_bench EVENTS.ndjson [SECONDS]      (make_events 20000 > EVENTS.ndjson)
//
// Prints a line a case, its name and nanoseconds per evaluation: the best of several rounds that alternate, in
// processor time, so that a busy neighbour harms all alike and none much. Every evaluation writes its result, too.
// `simdjson` is a program written by hand for case e: it checks the whole event, takes the last of duplicate keys,
// and writes the same bytes but for the spelling of strings. `p99` is one event of case e, in time that passes.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <simdjson.h>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"

#include "computo/convert.h"
#include "computo/format.h"
#include "computo/program.h"
#include "tests/bench/computo_cases.h"

namespace {

using namespace colloquium::bench;
namespace computo = colloquium::computo;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

double passed_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

// The hand-written peer. The DOM checks everything; its objects keep duplicate keys in order.
class Handwritten {
 public:
  void run(std::string_view event, std::vector<char>& bytes) {
    simdjson::dom::element root;
    simdjson::dom::object object;
    if (parser_.parse(event.data(), event.size(), false).get(root) || root.get(object))
      die("simdjson refuses an event");
    simdjson::dom::element id, type, total, number, name;
    simdjson::dom::object customer;
    for (const auto field : object) {
      if (field.key == "id") id = field.value;
      if (field.key == "type") type = field.value;
      if (field.key == "total") total = field.value;
      if (field.key == "customer" && field.value.get(customer)) die("the customer is no object");
    }
    for (const auto field : customer) {
      if (field.key == "id") number = field.value;
      if (field.key == "name") name = field.value;
    }
    put("{\"customer\":", number, bytes);
    put(",\"id\":", id, bytes);
    put(",\"name\":", name, bytes);
    put(",\"total\":", total, bytes);
    put(",\"type\":", type, bytes);
    bytes.push_back('}');
  }

 private:
  void put(std::string_view before, simdjson::dom::element value, std::vector<char>& bytes) {
    bytes.insert(bytes.end(), before.begin(), before.end());
    writer_.clear();
    writer_.append(value);
    const std::string_view text = writer_.str();
    bytes.insert(bytes.end(), text.begin(), text.end());
  }

  simdjson::dom::parser parser_;
  simdjson::internal::string_builder<> writer_;
};

Case handwritten(const Events& events) {
  auto work = std::make_shared<Handwritten>();
  return {"simdjson", [&events, work](std::vector<char>& bytes) {
            for (const std::string_view event : events.lines) {
              work->run(event, bytes);
              bytes.push_back('\n');
            }
            return events.lines.size();
          }};
}

// Both programs of case e must do the same work.
void compare(const Events& events) {
  FromBytes ours;
  Handwritten theirs;
  for (const std::string_view event : events.lines) {
    std::vector<char> a, b;
    ours.run(event, a);
    theirs.run(event, b);
    a.resize(a.size() + colloquium::kBatchPadding);
    std::string text_a(a.begin(), a.end() - colloquium::kBatchPadding), text_b(b.begin(), b.end());
    simdjson::dom::parser parser_a, parser_b;
    const std::string minified_a = simdjson::minify(parser_a.parse(text_a));
    if (minified_a != simdjson::minify(parser_b.parse(text_b))) die("results differ: " + text_a + " " + text_b);
  }
}

void measure(std::vector<Case>& all, double seconds) {
  std::vector<char> bytes;
  const double end = cpu_seconds() + seconds;
  for (int round = 0; round < 3 || cpu_seconds() < end; ++round) {
    for (Case& contestant : all) {
      const double started = cpu_seconds();
      size_t count = 0;
      // Long enough for the clock.
      do {
        bytes.clear();
        count += contestant.run(bytes);
      } while (cpu_seconds() - started < 0.005);
      contestant.best_ns =
          std::min(contestant.best_ns, (cpu_seconds() - started) * 1e9 / static_cast<double>(count));
    }
  }
}

// The 99th hundredth of what single events took: of several rounds the best, since a neighbour disturbs some.
double p99_us(const Events& events) {
  FromBytes work;
  double best = 1e30;
  for (int round = 0; round < 5; ++round) {
    std::vector<double> times;
    std::vector<char> bytes;
    for (const std::string_view event : events.lines) {
      bytes.clear();
      const double started = passed_ns();
      work.run(event, bytes);
      times.push_back(passed_ns() - started);
    }
    std::sort(times.begin(), times.end());
    best = std::min(best, times[times.size() * 99 / 100] / 1e3);
  }
  return best;
}

// A script of about a thousand lines, as it is laid out for readers.
std::string long_script() {
  std::string text = "let\n";
  for (int i = 0; i < 330; ++i) {
    const std::string n = std::to_string(i);
    text += "a" + n + " = if $input/customer/id > " + n +
            " then map($input/items, (x) => {sku: x/sku, cost: x/price * x/qty + " + n +
            "}) else filter($input/items, (y) => y/qty > 2 and y/title != \"thing " + n + "\")\n";
    text += "b" + n + " = strConcat($input/id, \"-\", " + n + ", join($input/tags, \", \"))\n";
  }
  return text + "in {first: a0, last: b329}";
}

struct Script {
  std::string name;
  std::string text;
  bool sugar;
};

std::vector<Script> long_scripts() {
  computo::ScriptError error;
  const auto sugar = computo::format_sugar(long_script(), {}, error);
  const auto translated = computo::to_json(long_script(), {}, error);
  if (!sugar || !translated) die(error.message());
  const auto laid_out = computo::format_json(*translated, {}, error);
  if (!laid_out) die(error.message());
  return {{"compile_sugar", *sugar, true}, {"compile_json", *laid_out, false}};
}

// Milliseconds for a thousand lines.
double compile_ms(const Script& script) {
  computo::CompileOptions options;
  options.strict = true;
  const auto lines = static_cast<double>(std::count(script.text.begin(), script.text.end(), '\n') + 1);
  double best = 1e30;
  for (int round = 0; round < 20; ++round) {
    computo::CompileFailure failure;
    const double started = cpu_seconds();
    const auto program = script.sugar ? computo::compile_sugar(script.text, options, failure)
                                      : computo::compile_json(script.text, options, failure);
    best = std::min(best, cpu_seconds() - started);
    if (program == nullptr) die(failure.errors.front().message());
  }
  return best * 1e3 / lines * 1e3;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: computo_bench EVENTS.ndjson [SECONDS]\n");
    return 2;
  }
  const Events events = load_events(argv[1]);
  compare(events);
  std::vector<Case> all = make_cases(events);
  all.push_back(handwritten(events));
  measure(all, argc > 2 ? std::strtod(argv[2], nullptr) : 3);
  for (const Case& contestant : all) std::printf("%s %.1f\n", contestant.name.c_str(), contestant.best_ns);
  std::printf("p99_us %.2f\n", p99_us(events));
  for (const Script& script : long_scripts()) std::printf("%s_ms %.3f\n", script.name.c_str(), compile_ms(script));
  return 0;
}
