// ScriptDebugger: runs a script and stops where it is told to, with commands as lines of text.
//
// It stops before an expression is evaluated, and where one fails. What a line means is in kCommands of the .cc;
// `help` prints it. Lines come from, and answers go to, whatever the host has: a terminal, a pipe, a test.
//
// Thread safety: one thread.
#pragma once

#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/bound_expression.h"
#include "app/debug_breakpoints.h"
#include "app/script_files.h"
#include "computo/trace.h"

namespace colloquium::app {

class ScriptDebugger : public computo::Tracer {
 public:
  // The next line, without its end; nothing at the end of the input.
  using ReadLine = std::function<std::optional<std::string>()>;

  // `program` was compiled from `script` with TraceInfo::kNames. `inputs` and `out` outlive it.
  ScriptDebugger(computo::ProgramPtr program, const Script& script, std::span<const json::ValueView> inputs,
                 ReadLine read, std::ostream& out);

  // Until the user leaves or the lines end.
  void run();

  bool enter(uint32_t site, const computo::Moment& moment) override;
  bool leave(uint32_t site, const computo::Moment& moment, const computo::TraceValue& value) override;
  bool failed(const computo::ScriptError& error, const computo::Moment& moment) override;

 private:
  // When to stop next, besides breakpoints and failures.
  enum class Until { kNextExpression, kSameLevel, kCaller, kNever };
  // Whether a command ends the stop.
  enum class Then { kAsk, kGoOn, kRestart, kQuit };
  using Words = std::string_view;
  struct Command {
    const char* name;
    const char* letter;
    const char* help;
    Then (ScriptDebugger::*act)(Words rest);
  };
  static const Command kCommands[];

  // Asks for commands until one ends the stop. False: this evaluation is to end.
  bool ask(const computo::Moment* moment);
  Then obey(const std::string& line);
  bool evaluate();

  Then step(Words rest);
  Then next(Words rest);
  Then out(Words rest);
  Then go_on(Words rest);
  Then add_break(Words rest);
  Then remove_break(Words rest);
  Then list_breaks(Words rest);
  Then print(Words rest);
  Then variables(Words rest);
  Then where(Words rest);
  Then list(Words rest);
  Then value(Words rest);
  Then restart(Words rest);
  Then quit(Words rest);
  Then help(Words rest);

  bool running();  // else says that the script has ended
  Then go(Until until);
  void show_place(uint32_t site);
  std::string describe(uint32_t site) const;
  std::vector<BoundName> names() const;

  const computo::ProgramPtr program_;
  const std::string origin_;
  const std::span<const json::ValueView> inputs_;
  const ReadLine read_;
  std::ostream& out_;
  SourceLines lines_;
  computo::TraceSites sites_;
  Breakpoints breakpoints_;
  std::string last_line_;  // what an empty line repeats

  // Of the evaluation.
  Until until_ = Until::kNextExpression;
  size_t calls_ = 0;  // how deep it was when the last command was given
  size_t expressions_ = 0;
  Then then_ = Then::kGoOn;
  const computo::Moment* moment_ = nullptr;  // null: it does not run
  std::optional<computo::TraceValue> last_value_;
  uint32_t last_site_ = computo::kNoSite;
  std::string ended_;  // with which value
};

}  // namespace colloquium::app
