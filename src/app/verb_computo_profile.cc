// `computo profile`: where a script's time and memory go.

#include <charconv>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "app/ndjson_reader.h"
#include "app/script_profile.h"
#include "app/script_session.h"
#include "app/verb_computo.h"
#include "base/system_clock.h"

namespace colloquium::app {
namespace {

struct Options {
  ScriptArguments script;
  std::optional<std::string> each;
  std::string repeat = "1";
  std::string format = "text";
};

// The evaluations to measure.
class Measured {
 public:
  Measured(computo::ProgramPtr program, ScriptProfile& profile, ErrorTeller& teller)
      : evaluator_(std::move(program)), profile_(profile), teller_(teller) {}

  void evaluate(std::span<const json::ValueView> inputs, uint64_t line) {
    if (evaluator_.evaluate_traced(inputs, {}, profile_)) return;
    teller_.tell(evaluator_.error(), line);
    failed_ = true;
  }

  bool failed() const { return failed_; }

 private:
  computo::Evaluator evaluator_;
  ScriptProfile& profile_;
  ErrorTeller& teller_;
  bool failed_ = false;
};

Result<std::vector<std::string>> read_lines(const std::string& path, Console& console) {
  TRY_ASSIGN(ReadBytes bytes, open_bytes(path, console));
  NdjsonReader reader(std::move(bytes));
  std::vector<std::string> lines;
  std::string_view line;
  while (true) {
    TRY_ASSIGN(const bool more, reader.next(line));
    if (!more) return lines;
    lines.emplace_back(line);
  }
}

// Each element is the inputs of one evaluation. They are read before anything is measured.
Result<std::vector<ScriptInputs>> read_events(const Options& options, Console& console) {
  std::vector<ScriptInputs> events;
  if (!options.each) {
    TRY_ASSIGN(ScriptInputs inputs, ScriptInputs::read(options.script.arguments));
    events.push_back(std::move(inputs));
    return events;
  }
  TRY_ASSIGN(const std::vector<std::string> lines, read_lines(*options.each, console));
  for (size_t i = 0; i < lines.size(); ++i) {
    TRY_ASSIGN(json::Document document, json::parse(lines[i], *options.each + ":" + std::to_string(i + 1)));
    events.emplace_back().add(std::move(document));
  }
  return events;
}

std::optional<uint64_t> read_count(const std::string& text) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size() || count == 0) return std::nullopt;
  return count;
}

Exit run(Options options, Console& console) {
  auto script = take_script(options.script);
  if (!script) return refuse(console, script.error());
  if (options.each && !options.script.arguments.empty()) {
    return refuse(console, "--each takes its inputs from a file; leave out INPUT, or --each");
  }
  const auto repeat = read_count(options.repeat);
  if (!repeat) return refuse(console, "--repeat takes a number from 1, not '" + options.repeat + "'");
  ErrorTeller teller(*script, console);
  computo::CompileOptions compile = script_options(script->origin, options.script.array_key);
  compile.trace = computo::TraceInfo::kPlaces;
  const computo::ProgramPtr program = compile_or_tell(*script, compile, teller);
  if (program == nullptr) return Exit::kFailed;
  const auto events = read_events(options, console);
  if (!events) return refuse(console, events.error());
  const SystemClock clock;
  ScriptProfile profile(program, clock);
  Measured measured(program, profile, teller);
  for (uint64_t i = 0; i < *repeat; ++i) {
    for (size_t k = 0; k < events->size(); ++k) measured.evaluate((*events)[k].views(), options.each ? k + 1 : 0);
  }
  const bool json = options.format == "json";
  console.out << (json ? profile_json(profile, script->origin, teller.lines().reader()) + "\n"
                       : profile_text(profile, script->origin, teller.lines().reader()));
  return measured.failed() ? Exit::kFailed : Exit::kDone;
}

}  // namespace

Verb computo_profile_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "profile";
  verb.summary = "Tell where a script's time and memory go, by expression";
  verb.description =
      "Evaluates the script and lists its expressions, those with the most time of their own first: that time, "
      "its\n"
      "share, the time with everything in it, how often it was evaluated, the bytes of values it made, and where\n"
      "it stands. What the compiler worked out ahead is one expression. Following the script takes time too, so\n"
      "compare expressions with each other; `computo run` is faster.";
  verb.example =
      "colloquium computo profile orders.computo '{\"items\": [1, 2]}' --repeat 1000\n"
      "colloquium computo profile orders.computo --each events.ndjson --format json";
  verb.options = {
      {"--each", "FILE", "evaluate once for every line of this NDJSON file ('-': standard input)", &options->each},
      {"--repeat", "COUNT", "do all of it that often; default 1", &options->repeat},
      {"--format", "FORMAT", "how to print it; default text", &options->format, false, {"text", "json"}},
  };
  add_script_options(verb, options->script);
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
