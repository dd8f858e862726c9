// Repl: what `computo repl` makes of the lines it is given. Expressions are evaluated and `name = expression`
// keeps a value for the lines to come; a line that begins with ':' is a command. Reading and editing lines is the
// host's.
//
// Thread safety: one thread.
#pragma once

#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "app/bound_expression.h"
#include "app/script_session.h"

namespace colloquium::app {

class Repl {
 public:
  // Results go to `out`, errors to `err`; both outlive it.
  Repl(std::ostream& out, std::ostream& err) : out_(out), err_(err) {}

  enum class State {
    kReady,  // for something new
    kMore,   // brackets are open: the next line goes on
    kOver,   // the user has had enough
  };
  State take(const std::string& line);

  // At the end of the lines: what is still open is evaluated as it is.
  void finish();

  bool any_failed() const { return failed_; }

  // What the last word of `text` may become: operators, names, commands. In byte order.
  std::vector<std::string> completions(std::string_view text) const;

 private:
  struct Command {
    const char* name;
    const char* operand;
    const char* help;
    void (Repl::*act)(const std::string& rest);
  };
  static const Command kCommands[];

  void run(const std::string& text);
  void command(std::string_view text);
  // An expression within the text that was typed.
  BoundResult evaluate(std::string_view typed, std::string_view expression);
  void complain(const std::string& message);

  void help(const std::string& rest);
  void load(const std::string& rest);
  void input(const std::string& rest);
  void type(const std::string& rest);
  void doc(const std::string& rest);
  void vars(const std::string& rest);
  void quit(const std::string& rest);

  std::ostream& out_;
  std::ostream& err_;
  std::string pending_;  // lines whose brackets are open
  std::vector<BoundName> names_;
  ScriptInputs inputs_;
  bool failed_ = false;
  bool over_ = false;
  int loading_ = 0;  // files within files
};

// How many brackets a text opens and does not close; texts and comments do not count.
int open_brackets(std::string_view text);

}  // namespace colloquium::app
