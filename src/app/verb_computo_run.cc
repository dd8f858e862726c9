// `computo run`: a Computo script by itself, over values given on the command line or lines of NDJSON.

#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "colloquium/batch.h"

#include "app/ndjson_reader.h"
#include "app/script_files.h"
#include "app/script_session.h"
#include "app/verb_computo.h"
#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

// Results of fast scripts leave in pieces of this size.
constexpr size_t kFlushBytes = size_t{64} << 10;

// What the command line gave.
struct Options {
  ScriptArguments script;
  std::optional<std::string> each;
};

Exit evaluate_once(const computo::ProgramPtr& program, const std::vector<std::string>& arguments,
                   ErrorTeller& teller, Console& console) {
  const auto inputs = ScriptInputs::read(arguments);
  if (!inputs) return refuse(console, inputs.error());
  computo::Evaluator evaluator(program);
  std::vector<char> bytes;
  if (!evaluator.evaluate(inputs->views()) || !evaluator.write(bytes, nullptr)) {
    teller.tell(evaluator.error());
    return Exit::kFailed;
  }
  bytes.push_back('\n');
  console.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return Exit::kDone;
}

// One evaluation a line. A line that fails is told on `err` and gives no result; the others go on.
class LineRunner {
 public:
  LineRunner(computo::ProgramPtr program, ErrorTeller& teller, Console& console)
      : evaluator_(std::move(program)), teller_(teller), console_(console) {}

  Exit run(const ReadBytes& read, const std::string& input_name) {
    // Results go out before each read, which may wait for a slow writer.
    NdjsonReader reader([&](std::span<char> into) {
      flush();
      return read(into);
    });
    std::string_view line;
    while (true) {
      auto more = reader.next(line);
      if (!more) {
        flush();
        return fail_running(console_, more.error());
      }
      if (!*more) break;
      if (!evaluate(line, reader.line(), input_name)) failed_ = true;
      if (bytes_.size() >= kFlushBytes) flush();
    }
    flush();
    return failed_ ? Exit::kFailed : Exit::kDone;
  }

 private:
  // False, with nothing added to the results, if the line is no JSON or the script fails on it.
  bool evaluate(std::string_view line, uint64_t number, const std::string& input_name) {
    tape_.clear();
    json::WalkError bad;
    if (!walker_.walk(line, tape_, bad)) {
      console_.err << input_name << ":" << number << ":" << bad.byte + 1 << ": error["
                   << computo::to_string(computo::Category::kParse) << "]: " << bad.what << "\n";
      return false;
    }
    const json::ValueView input(line.data(), tape_.data(), 0);
    const size_t before = bytes_.size();
    if (!evaluator_.evaluate({&input, 1}) || !evaluator_.write(bytes_, nullptr)) {
      bytes_.resize(before);
      teller_.tell(evaluator_.error(), number);
      return false;
    }
    bytes_.push_back('\n');
    return true;
  }

  void flush() {
    console_.out.write(bytes_.data(), static_cast<std::streamsize>(bytes_.size()));
    console_.out.flush();
    bytes_.clear();
  }

  computo::Evaluator evaluator_;
  ErrorTeller& teller_;
  Console& console_;
  json::Walker walker_;
  std::vector<TapeToken> tape_;
  std::vector<char> bytes_;
  bool failed_ = false;
};

Exit run(Options options, Console& console) {
  auto script = take_script(options.script);
  if (!script) return refuse(console, script.error());
  // Alone: beside other INPUTs a dash would be one of them, and a stream is no value.
  const bool from_stdin = options.script.arguments == std::vector<std::string>{"-"};
  if (options.each && !options.script.arguments.empty()) {
    return refuse(console, "--each takes its inputs from a file; leave out INPUT, or --each");
  }
  ErrorTeller teller(*script, console);
  computo::ProgramPtr program =
      compile_or_tell(*script, script_options(script->origin, options.script.array_key), teller);
  if (program == nullptr) return Exit::kFailed;
  if (!from_stdin && !options.each) return evaluate_once(program, options.script.arguments, teller, console);
  const std::string path = from_stdin ? "-" : *options.each;
  const auto lines = open_bytes(path, console);
  if (!lines) return refuse(console, lines.error());
  return LineRunner(std::move(program), teller, console).run(*lines, path == "-" ? kStandardInput : path);
}

}  // namespace

Verb computo_run_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "run";
  verb.summary = "Evaluate a Computo script";
  verb.description =
      "A script is JSON, or sugar: in a file whose name ends in .computo, or behind a '='.\n"
      "Each INPUT is one JSON value, or the name of a file that holds one; the first is $input, all of them are\n"
      "$inputs. The result is one line of JSON. A single '-', or --each, evaluates once for every line of NDJSON.";
  verb.example =
      "colloquium computo run total.json '{\"items\": [1, 2]}'\n"
      "colloquium computo run -e '= $input/id' - < events.ndjson";
  verb.options = {
      {"--each", "FILE", "evaluate once for every line of this NDJSON file ('-': standard input)", &options->each},
  };
  add_script_options(verb, options->script);
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
