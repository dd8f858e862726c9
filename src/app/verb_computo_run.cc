// `computo run`: a Computo script by itself, over values given on the command line or lines of NDJSON.

#include <optional>
#include <ostream>
#include <string>
#include <utility>

#include "colloquium/batch.h"

#include "app/ndjson_reader.h"
#include "app/script_files.h"
#include "app/verb_computo.h"
#include "computo/program.h"
#include "io/file_system.h"
#include "json/walk.h"

namespace colloquium::app {
namespace {

constexpr size_t kInputLimitBytes = size_t{1} << 30;
// Results of fast scripts leave in pieces of this size.
constexpr size_t kFlushBytes = size_t{64} << 10;

// What the command line gave.
struct Options {
  std::optional<std::string> expression;
  std::optional<std::string> each;
  std::string array_key = "array";
  std::vector<std::string> arguments;
};

// Takes the script from -e, or from the first argument, which it removes.
Result<Script> take_script(Options& options) {
  if (options.expression) return Script{*options.expression, kInline};
  if (options.arguments.empty()) {
    return fail(ErrorCode::kInvalidConfig, "there is no script: name a SCRIPT file, or give one with -e");
  }
  const std::string path = options.arguments.front();
  options.arguments.erase(options.arguments.begin());
  TRY_ASSIGN(std::string text, io::read_file(io::posix_file_system(), path, kScriptLimitBytes));
  return Script{std::move(text), path};
}

// What tells errors: the script's own text shows the line, since a file may be another one by now.
class Teller {
 public:
  Teller(const Script& script, Console& console) : origin_(script.origin), console_(console) {
    lines_.add(script);
  }

  void tell(const computo::ScriptError& error, uint64_t input_line = 0) {
    const std::string note = input_line > 0 ? " (input line " + std::to_string(input_line) + ")" : "";
    console_.err << computo::error_text(error, origin_, lines_.reader(), note);
  }

 private:
  std::string origin_;
  SourceLines lines_;
  Console& console_;
};

// Null, after every error has been told.
computo::ProgramPtr compile(const Script& script, const std::string& array_key, Teller& teller) {
  const computo::CompileOptions options = script_options(script.origin, array_key);
  computo::CompileFailure failure;
  const auto sugar = computo::marked_sugar(script.text);
  const bool marked = sugar && script.origin == kInline;
  computo::ProgramPtr program = marked ? computo::compile_sugar(*sugar, options, failure)
                                       : computo::compile_source(script.text, options, failure);
  for (const computo::ScriptError& error : failure.errors) teller.tell(error);
  return program;
}

// An INPUT is a JSON text, or the name of a file that holds one.
Result<json::Document> read_input(const std::string& argument) {
  // JSON first: a name that is a JSON text as well ("12") can be given as "./12".
  auto document = json::parse(argument, "INPUT");
  if (document) return document;
  auto text = io::read_file(io::posix_file_system(), argument, kInputLimitBytes);
  if (text) return json::parse(*text, argument);
  return fail(ErrorCode::kInvalidInput, "INPUT '" + argument + "' is neither JSON (" +
                                            document.error().describe() + ") nor a file that can be read (" +
                                            text.error().describe() + ")");
}

Exit evaluate_once(const computo::ProgramPtr& program, const std::vector<std::string>& arguments, Teller& teller,
                   Console& console) {
  std::vector<json::Document> documents;
  for (const std::string& argument : arguments) {
    auto document = read_input(argument);
    if (!document) return refuse(console, document.error());
    documents.push_back(std::move(*document));
  }
  std::vector<json::ValueView> inputs;
  for (const json::Document& document : documents) {
    inputs.emplace_back(document.text.data(), document.tape.data(), 0);
  }
  computo::Evaluator evaluator(program);
  std::vector<char> bytes;
  if (!evaluator.evaluate(inputs) || !evaluator.write(bytes, nullptr)) {
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
  LineRunner(computo::ProgramPtr program, Teller& teller, Console& console)
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
      console_.err << input_name << ":" << number << ":" << bad.byte + 1 << ": error: " << bad.what << "\n";
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
  Teller& teller_;
  Console& console_;
  json::Walker walker_;
  std::vector<TapeToken> tape_;
  std::vector<char> bytes_;
  bool failed_ = false;
};

Exit evaluate_file(computo::ProgramPtr program, const std::string& path, Teller& teller, Console& console) {
  auto file = io::posix_file_system().open(path, io::OpenMode::kRead);
  if (!file) return refuse(console, file.error());
  uint64_t position = 0;
  // By position, because a File has none of its own.
  const auto read = [&](std::span<char> into) -> Result<size_t> {
    TRY_ASSIGN(const size_t got, (*file)->read_at(position, into));
    position += got;
    return got;
  };
  return LineRunner(std::move(program), teller, console).run(read, path);
}

Exit run(Options options, Console& console) {
  auto script = take_script(options);
  if (!script) return refuse(console, script.error());
  if (options.array_key.empty()) return refuse(console, "--array needs a key of at least one character");
  // Alone: beside other INPUTs a dash would be one of them, and a stream is no value.
  const bool from_stdin = options.arguments == std::vector<std::string>{"-"};
  if (options.each && !options.arguments.empty()) {
    return refuse(console, "--each takes its inputs from a file; leave out INPUT, or --each");
  }
  Teller teller(*script, console);
  computo::ProgramPtr program = compile(*script, options.array_key, teller);
  if (program == nullptr) return Exit::kFailed;
  if (from_stdin || options.each == "-") {
    return LineRunner(std::move(program), teller, console).run(console.in, "stdin");
  }
  if (options.each) return evaluate_file(std::move(program), *options.each, teller, console);
  return evaluate_once(program, options.arguments, teller, console);
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
  verb.arguments = "[SCRIPT] [INPUT…]";
  verb.options = {
      {"-e,--expression", "EXPR", "the script itself, in place of a SCRIPT file", &options->expression},
      {"--each", "FILE", "evaluate once for every line of this NDJSON file ('-': standard input)", &options->each},
      {"--array", "KEY", "the key that marks a literal array in a script; default 'array'", &options->array_key},
      {"ARGUMENT", "", "the SCRIPT file (unless -e is given), then the INPUTs", &options->arguments},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
