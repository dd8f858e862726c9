// `computo repl`: a prompt for expressions; where nobody types, a filter from lines to values.

#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include "app/line_editor.h"
#include "app/line_input.h"
#include "app/repl.h"
#include "app/verb_computo.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::app {
namespace {

struct Options {
  std::optional<std::string> input;
};

// In the user's state directory; empty if there is none.
std::string history_file() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  std::string folder;
  if (state != nullptr && *state == '/') {
    folder = io::join(state, "colloquium");
  } else if (home != nullptr && *home == '/') {
    folder = io::join(home, ".local/state/colloquium");
  }
  if (folder.empty() || !io::posix_file_system().make_directories(folder)) return {};
  return io::join(folder, "computo_history");
}

void talk(Repl& repl, Console& console) {
  console.out << "Computo; ':help' tells what to type, ':quit' leaves\n" << std::flush;
  LineEditor editor(history_file(), [&](std::string_view text) { return repl.completions(text); });
  Repl::State state = Repl::State::kReady;
  while (state != Repl::State::kOver) {
    const auto line = editor.read(state == Repl::State::kMore ? "    ...> " : "computo> ");
    if (!line) break;
    state = repl.take(*line);
    console.out.flush();
  }
  repl.finish();
}

void filter(Repl& repl, Console& console) {
  LineInput lines(console.in);
  while (const auto line = lines.next()) {
    if (repl.take(*line) == Repl::State::kOver) break;
    console.out.flush();
  }
  repl.finish();
}

Exit run(const Options& options, Console& console) {
  Repl repl(console.out, console.err);
  if (options.input) {
    repl.take(":input " + *options.input);
    if (repl.any_failed()) return Exit::kRefused;
  }
  if (console.in_is_terminal) {
    talk(repl, console);
    return Exit::kDone;
  }
  filter(repl, console);
  return repl.any_failed() ? Exit::kFailed : Exit::kDone;
}

}  // namespace

Verb computo_repl_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "repl";
  verb.summary = "Try expressions at a prompt";
  verb.description =
      "Evaluates what is typed, in sugar or JSON; `name = expression` keeps a value for the lines to come, and\n"
      "':help' lists the commands. Tab completes operators and names. The history is kept in the user's state\n"
      "directory. Where standard input is no terminal there is no prompt: a line in, its value out.";
  verb.example =
      "colloquium computo repl event.json\n"
      "printf 'x = 20\\nx * 2 + 2\\n' | colloquium computo repl";
  verb.options = {
      {"INPUT", "", "what $input is: a JSON value, or a file that holds one", &options->input},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
