// Verb: one command of the program, as data. Parsing, help, and the reference page come from the same table.
//
// A verb file makes its Verb with a state object of its own; the options point into that state, which the verb
// keeps alive through `state`. CLI11 is behind command_line.cc and nowhere else, because its one header costs
// seconds to compile.
//
// Thread safety: used by the main thread only, before and while the verb runs.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "colloquium/result.h"

namespace colloquium::app {

// The process's exit codes. No other is used.
enum class Exit {
  kDone = 0,
  kFailed = 1,   // failed while running
  kRefused = 2,  // refused before starting: flags, unreadable files, invalid pipelines
};

// Fills a part of the span and says how much; 0 at the end. Waits while there is nothing yet.
using ReadBytes = std::function<Result<size_t>(std::span<char>)>;

// Where a verb reads and writes: results to `out`, messages to `err`.
struct Console {
  ReadBytes in;
  std::ostream& out;
  std::ostream& err;
  bool err_is_terminal = false;  // colour and progress are allowed on `err`
  bool in_is_terminal = false;   // somebody types on `in` and wants to be prompted
};

// Prints "error: …" and gives the exit code back, so that a verb can end with it.
// Before anything was started.
Exit refuse(const Console& console, const Error& error);
Exit refuse(const Console& console, const std::string& message);
// While it was running.
Exit fail_running(const Console& console, const Error& error);

// What an option writes to. A flag is a bool; the optional ones stay empty unless given.
using OptionTarget = std::variant<bool*, std::string*, std::optional<std::string>*, std::vector<std::string>*>;

struct VerbOption {
  std::string name;   // "--data-dir", "-e,--expression", or "FILE" for a positional
  std::string value;  // what stands for the value in the help: "DIR"; empty for a flag and a positional
  std::string help;
  OptionTarget target;
  bool required = false;
  std::vector<std::string> choices;  // if not empty, only these are taken
};

struct Verb {
  std::string name;
  std::string summary;      // one line, without full stop
  std::string description;  // a paragraph or more; may be empty
  std::string example;      // command lines, one a line; every verb has one
  std::string arguments;    // what the usage line says in place of the positionals; empty: their names
  std::vector<VerbOption> options;
  std::vector<Verb> verbs;  // if there are any, one of them must be chosen
  std::function<Exit(Console&)> run;
  std::shared_ptr<void> state;
};

// Each in its own verb_*.cc.
Verb run_verb();
Verb validate_verb();
Verb test_verb();
Verb log_verb();
Verb computo_verb();
Verb dead_verb();
Verb ai_verb();
Verb docs_verb();
Verb schema_verb();
Verb version_verb();

// The whole program: every verb above under the name "colloquium".
Verb root_verb();

}  // namespace colloquium::app
