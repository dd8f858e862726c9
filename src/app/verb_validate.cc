// `validate`: everything that can be told about pipeline files without starting them.

#include <ostream>

#include "app/pipeline_files.h"
#include "app/script_files.h"
#include "app/verb.h"
#include "json/writer.h"

namespace colloquium::app {
namespace {

// What the command line gave.
struct Options {
  std::vector<std::string> files;
  std::string format = "text";
  bool explain = false;
};

// Problems are messages; that a file is fine is the result.
void print_text(const LoadedPipelines& loaded, bool explain, Console& console) {
  console.err << describe_with_source(loaded.problems);
  for (const LoadedPipeline& pipeline : loaded.pipelines) {
    if (pipeline.plan == nullptr) continue;
    console.out << pipeline.file << ": ok\n";
    if (explain) console.out << pipeline.plan->explain();
  }
}

// The same fields as the line of text, so that an editor need not take it apart.
void write_problem(const ConfigProblem& problem, json::Writer& writer) {
  writer.begin_object();
  writer.key("file");
  writer.string(problem.mark.file == nullptr ? "" : *problem.mark.file);
  writer.key("line");
  writer.integer(problem.mark.line);
  writer.key("column");
  writer.integer(problem.mark.column);
  writer.key("severity");
  writer.string(problem.warning ? "warning" : "error");
  writer.key("message");
  writer.string(problem.message);
  writer.end_object();
}

// As JSON the problems are the result themselves: a list, empty if all is well.
void print_json(const LoadedPipelines& loaded, Console& console) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  writer.begin_array();
  for (const ConfigProblem& problem : loaded.problems) write_problem(problem, writer);
  writer.end_array();
  bytes.push_back('\n');
  console.out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

Exit run(const Options& options, Console& console) {
  const bool as_json = options.format == "json";
  if (as_json && options.explain) return refuse(console, "--explain prints text; leave out --format json");
  const LoadedPipelines loaded = load_pipelines(options.files);
  if (as_json) {
    print_json(loaded, console);
  } else {
    print_text(loaded, options.explain, console);
  }
  return loaded.ok() ? Exit::kDone : Exit::kRefused;
}

}  // namespace

Verb validate_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "validate";
  verb.summary = "Check pipeline files without starting anything";
  verb.description =
      "Reports every problem of every file with its line and column; exits with 2 if one of them is an error.";
  verb.example = "colloquium validate orders.yaml --explain";
  verb.options = {
      {"--format", "FORMAT", "how problems are printed", &options->format, false, {"text", "json"}},
      {"--explain", "", "also print the legs each pipeline is compiled into", &options->explain},
      {"FILE", "", "the pipeline files", &options->files, true},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
