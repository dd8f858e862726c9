// `computo check`: everything that can be told about scripts without evaluating them.

#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "app/script_files.h"
#include "app/verb_computo.h"
#include "computo/expression.h"
#include "json/writer.h"

namespace colloquium::app {
namespace {

struct Options {
  std::vector<std::string> files;
  std::vector<std::string> variables;
  std::string format = "text";
  std::string array_key = "array";
};

// What is wrong with one file: that it cannot be read, or errors of the script.
struct Checked {
  std::string file;
  std::string unreadable;
  std::vector<computo::ScriptError> errors;

  bool ok() const { return unreadable.empty() && errors.empty(); }
};

// Strictly, as a pipeline that starts compiles it.
Checked check(const std::string& file, const Options& options, SourceLines& lines, Console& console) {
  if (file.ends_with(".yaml") || file.ends_with(".yml")) {
    return {file, "this is no script; 'colloquium validate' checks pipelines", {}};
  }
  auto script = read_script(file, console);
  if (!script) return {file, script.error().message, {}};
  lines.add(*script);
  computo::CompileOptions compile = script_options(script->origin, options.array_key);
  compile.strict = true;
  compile.variables = computo::host_variables();
  compile.variables.insert(compile.variables.end(), options.variables.begin(), options.variables.end());
  computo::CompileFailure failure;
  computo::compile_source(script->text, compile, failure);
  return {script->origin, {}, std::move(failure.errors)};
}

void print_text(const std::vector<Checked>& files, SourceLines& lines, Console& console) {
  for (const Checked& file : files) {
    if (!file.unreadable.empty()) console.err << file.file << ": error: " << file.unreadable << "\n";
    for (const computo::ScriptError& error : file.errors) {
      console.err << computo::error_text(error, file.file, lines.reader());
    }
    if (file.ok()) console.out << file.file << ": ok\n";
  }
}

void write_member(json::Writer& writer, std::string_view key, std::string_view text) {
  writer.key(key);
  writer.string(text);
}

void write_error(const std::string& file, const computo::ScriptError& error, json::Writer& writer) {
  writer.begin_object();
  write_member(writer, "file", error.origin.empty() ? file : error.origin);
  writer.key("line");
  writer.integer(error.line);
  writer.key("column");
  writer.integer(error.column);
  write_member(writer, "severity", "error");
  write_member(writer, "category", computo::to_string(error.category));
  write_member(writer, "path", error.path);
  write_member(writer, "message", error.problem);
  write_member(writer, "suggestion", error.hint);
  writer.end_object();
}

// The same fields as those of `validate`, and what only scripts have.
void print_json(const std::vector<Checked>& files, Console& console) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  writer.begin_array();
  for (const Checked& file : files) {
    computo::ScriptError unreadable;
    unreadable.category = computo::Category::kParse;
    unreadable.problem = file.unreadable;
    if (!file.unreadable.empty()) write_error(file.file, unreadable, writer);
    for (const computo::ScriptError& error : file.errors) write_error(file.file, error, writer);
  }
  writer.end_array();
  bytes.push_back('\n');
  console.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Exit run(const Options& options, Console& console) {
  if (const Status key = check_array_key(options.array_key); !key) return refuse(console, key.error());
  SourceLines lines;
  std::vector<Checked> files;
  bool ok = true;
  for (const std::string& file : options.files) {
    files.push_back(check(file, options, lines, console));
    ok = ok && files.back().ok();
  }
  if (options.format == "json") {
    print_json(files, console);
  } else {
    print_text(files, lines, console);
  }
  return ok ? Exit::kDone : Exit::kRefused;
}

}  // namespace

Verb computo_check_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "check";
  verb.summary = "Check scripts without evaluating them";
  verb.description =
      "Reports all problems of every script and of what it imports, each with line and column: text that is\n"
      "no script, unknown operators and variables, wrong numbers of arguments, and whatever else can only\n"
      "fail. Exits with 2 if there is one. Scripts may read what every stage's script may (event_metadata,\n"
      "stream_metadata, pipeline_config) and the names of --variable, which a pipeline gives in its context.";
  verb.example = "colloquium computo check scripts/*.computo --format json";
  verb.options = {
      {"--format", "FORMAT", "how problems are printed", &options->format, false, {"text", "json"}},
      {"--variable", "NAME", "a variable that the host gives; may be repeated", &options->variables},
      array_key_option(options->array_key),
      {"FILE", "", "the scripts ('-': standard input)", &options->files, true},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
