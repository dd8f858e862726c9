// `computo convert`: scripts from one notation to the other.

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "app/script_files.h"
#include "app/verb_computo.h"
#include "computo/convert.h"
#include "computo/format.h"
#include "computo/notation.h"
#include "computo/sugar_tree.h"
#include "io/file_system.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string file;
  std::optional<std::string> to;
  std::optional<std::string> output;
  std::string array_key = "array";
};

using computo::Notation;

// The comments of sugar, which have no place in JSON.
std::vector<computo::SugarComment> comments_of(const std::string& text) {
  std::vector<computo::SugarComment> comments;
  computo::SugarError error;
  computo::parse_sugar(text, error, computo::kSugarDepth, &comments);
  return comments;
}

void tell_comments(const std::string& sugar, const std::string& origin, Console& console) {
  const auto comments = comments_of(sugar);
  if (comments.empty()) return;
  const std::string_view before = std::string_view(sugar).substr(0, comments.front().begin);
  const size_t line = static_cast<size_t>(std::count(before.begin(), before.end(), '\n')) + 1;
  console.err << origin << ":" << line << ": warning: JSON has no comments: " << comments.size()
              << (comments.size() == 1 ? " is" : " are") << " left out\n";
}

void tell_fractions(const computo::ScriptText& script, const computo::CompileOptions& options, Console& console) {
  const computo::LostFractions lost = computo::lost_fractions(script.text, options);
  if (lost.count == 0) return;
  console.err << options.origin << ":" << lost.line << ":" << lost.column << ": warning: sugar has " << lost.first
              << " as an integer, which calculates exactly";
  if (lost.count > 1) console.err << "; so it has " << lost.count - 1 << " more";
  console.err << "\n";
}

// Laid out, so that what comes out is what `computo fmt` leaves alone.
std::optional<std::string> convert(const computo::ScriptText& script, const computo::CompileOptions& options,
                                   computo::ScriptError& error) {
  const bool sugar = script.notation == Notation::kSugar;
  const auto text =
      sugar ? computo::to_json(script.text, options, error) : computo::to_sugar(script.text, options, error);
  if (!text) return std::nullopt;
  return sugar ? computo::format_json(*text, {}, error) : computo::format_sugar(*text, {}, error);
}

Exit write(const std::string& text, const Options& options, Console& console) {
  if (!options.output) {
    console.out << text;
    return Exit::kDone;
  }
  const Status written = io::write_file_atomically(io::posix_file_system(), *options.output, text);
  return written ? Exit::kDone : fail_running(console, written.error());
}

Exit run(const Options& options, Console& console) {
  if (const Status key = check_array_key(options.array_key); !key) return refuse(console, key.error());
  const auto script = read_script(options.file, console);
  if (!script) return refuse(console, script.error());
  const computo::CompileOptions compile = script_options(script->origin, options.array_key);
  const computo::ScriptText source = computo::script_text(script->origin, script->text);
  const Notation from = source.notation;
  const Notation to = from == Notation::kSugar ? Notation::kJson : Notation::kSugar;
  if (options.to && (*options.to == "json") != (to == Notation::kJson)) {
    return refuse(console, script->origin + " is " + *options.to + " already");
  }
  computo::ScriptError error;
  auto text = convert(source, compile, error);
  if (!text) {
    SourceLines lines;
    lines.add(*script);
    console.err << computo::error_text(error, script->origin, lines.reader());
    return Exit::kFailed;
  }
  if (!text->ends_with('\n')) text->push_back('\n');
  if (from == Notation::kSugar) tell_comments(source.text, script->origin, console);
  if (from == Notation::kJson) tell_fractions(source, compile, console);
  return write(*text, options, console);
}

}  // namespace

Verb computo_convert_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "convert";
  verb.summary = "Rewrite a script in the other notation";
  verb.description =
      "JSON becomes sugar and sugar becomes JSON, laid out, with the same meaning. Comments of sugar are left\n"
      "out of JSON, and numbers such as 0.0 become integers in sugar, each with a warning. The few JSON scripts\n"
      "that have no sugar form are told, with exit code 1.";
  verb.example = "colloquium computo convert orders.json --output orders.computo";
  verb.options = {
      {"--to", "NOTATION", "what must come out", &options->to, false, {"json", "sugar"}},
      {"-o,--output", "FILE", "write there instead of to standard output", &options->output},
      array_key_option(options->array_key),
      {"FILE", "", "the script ('-': standard input)", &options->file, true},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
