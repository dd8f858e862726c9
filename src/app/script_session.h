// What the verbs that evaluate a script share: taking it from the command line, compiling it with every error
// told, and its inputs.
//
// Thread safety: main thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "app/script_files.h"
#include "app/verb.h"
#include "computo/program.h"
#include "json/walk.h"

namespace colloquium::app {

// What the command line of a verb that evaluates a script gives.
struct ScriptArguments {
  std::optional<std::string> expression;
  std::string array_key = "array";
  std::vector<std::string> arguments;  // SCRIPT, unless there is an expression, and INPUTs
};

// Adds their rows around the verb's own, and its usage line.
void add_script_options(Verb& verb, ScriptArguments& script);

// The script from -e, or from the file that is the first argument, which is removed.
Result<Script> take_script(ScriptArguments& given);

// Tells errors of one script. The script's own text shows the line, since a file may be another one by now.
class ErrorTeller {
 public:
  ErrorTeller(const Script& script, Console& console) : origin_(script.origin), console_(console) {
    lines_.add(script);
  }

  void tell(const computo::ScriptError& error, uint64_t input_line = 0);
  SourceLines& lines() { return lines_; }

 private:
  std::string origin_;
  SourceLines lines_;
  Console& console_;
};

// Null, after every error has been told.
computo::ProgramPtr compile_or_tell(const Script& script, const computo::CompileOptions& options,
                                    ErrorTeller& teller);

// The bytes of a file or a pipe, or of standard input for "-".
Result<ReadBytes> open_bytes(const std::string& path, Console& console);

// An INPUT is a JSON text, or the name of a file that holds one.
Result<json::Document> read_input(const std::string& argument);

// The inputs of one evaluation.
class ScriptInputs {
 public:
  static Result<ScriptInputs> read(const std::vector<std::string>& arguments);

  void add(json::Document document);
  void clear();
  size_t size() const { return views_.size(); }
  std::span<const json::ValueView> views() const { return views_; }

 private:
  std::vector<std::unique_ptr<const json::Document>> documents_;  // views point to them
  std::vector<json::ValueView> views_;
};

}  // namespace colloquium::app
