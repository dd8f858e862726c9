// `computo debug`: a script one expression at a time.

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "app/dead_events.h"
#include "app/line_input.h"
#include "app/log_keys.h"
#include "app/script_debugger.h"
#include "app/script_session.h"
#include "app/verb_computo.h"
#include "app/verb_log.h"

namespace colloquium::app {
namespace {

struct Options {
  ScriptArguments script;
  std::optional<std::string> from_dead, dead_stream;
  std::string data_dir = kDefaultDataDirectory;
  KeyOptions keys;
};

Result<ScriptInputs> read_inputs(const Options& options, const std::vector<std::string>& arguments) {
  TRY_ASSIGN(ScriptInputs inputs, ScriptInputs::read(arguments));
  if (!options.from_dead) return inputs;
  TRY_ASSIGN(const auto keys, key_ring_for_reading(options.keys, log_files()));
  TRY_ASSIGN(json::Document event,
             find_dead_event(options.data_dir, options.dead_stream, *options.from_dead, keys));
  inputs.add(std::move(event));
  return inputs;
}

Exit run(const Options& options, Console& console) {
  ScriptArguments given = options.script;
  auto script = take_script(given);
  if (!script) return refuse(console, script.error());
  ErrorTeller teller(*script, console);
  computo::CompileOptions compile = script_options(script->origin, given.array_key);
  compile.trace = computo::TraceInfo::kNames;
  compile.optimize = false;
  const computo::ProgramPtr program = compile_or_tell(*script, compile, teller);
  if (program == nullptr) return Exit::kFailed;
  const auto inputs = read_inputs(options, given.arguments);
  if (!inputs) return refuse(console, inputs.error());
  LineInput lines(console.in);
  // Nobody reads the prompts of a pipe.
  const auto read = [&] {
    if (console.in_is_terminal) console.out << "(debug) ";
    console.out.flush();
    return lines.next();
  };
  ScriptDebugger(program, *script, inputs->views(), read, console.out).run();
  return Exit::kDone;
}

}  // namespace

Verb computo_debug_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "debug";
  verb.summary = "Run a script one expression at a time, and look at what it does";
  verb.description =
      "Stops before the first expression, at breakpoints, and where an expression fails. Commands are lines\n"
      "on standard input, from a terminal or a pipe; 'help' lists them. Each INPUT is one JSON value, or the\n"
      "name of a file that holds one, such as an event that was captured; --from-dead takes one out of the\n"
      "dead letters.";
  verb.example =
      "colloquium computo debug orders.computo event.json\n"
      "printf 'break operator +\\ncontinue\\nbindings\\n' | colloquium computo debug orders.computo event.json\n"
      "colloquium computo debug orders.computo --from-dead orders.k3x9q2ab-0-17";
  verb.options = {
      {"--from-dead", "ID", "the input is the dead letter of the event with this id, its 'position'",
       &options->from_dead},
      {"--dead-stream", "STREAM", "the stream of dead letters; default: all whose names end in .dead",
       &options->dead_stream},
      data_dir_option(options->data_dir),
  };
  for (VerbOption& option : key_options(options->keys)) verb.options.push_back(std::move(option));
  add_script_options(verb, options->script);
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
