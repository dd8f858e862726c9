// `computo debug`: a script one expression at a time.

#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "app/line_input.h"
#include "app/script_debugger.h"
#include "app/script_session.h"
#include "app/verb_computo.h"

namespace colloquium::app {
namespace {

Exit run(ScriptArguments given, Console& console) {
  auto script = take_script(given);
  if (!script) return refuse(console, script.error());
  ErrorTeller teller(*script, console);
  computo::CompileOptions compile = script_options(script->origin, given.array_key);
  compile.trace = computo::TraceInfo::kNames;
  compile.optimize = false;
  const computo::ProgramPtr program = compile_or_tell(*script, compile, teller);
  if (program == nullptr) return Exit::kFailed;
  const auto inputs = ScriptInputs::read(given.arguments);
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
  auto given = std::make_shared<ScriptArguments>();
  Verb verb;
  verb.name = "debug";
  verb.summary = "Run a script one expression at a time, and look at what it does";
  verb.description =
      "Stops before the first expression, at breakpoints, and where an expression fails. Commands are lines\n"
      "on standard input, from a terminal or a pipe; 'help' lists them. Each INPUT is one JSON value, or the\n"
      "name of a file that holds one, such as an event that was captured.";
  verb.example =
      "colloquium computo debug orders.computo event.json\n"
      "printf 'break operator +\\ncontinue\\nbindings\\n' | colloquium computo debug orders.computo event.json";
  add_script_options(verb, *given);
  verb.run = [given](Console& console) { return run(*given, console); };
  verb.state = given;
  return verb;
}

}  // namespace colloquium::app
