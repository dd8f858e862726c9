// `computo fmt`: scripts laid out in the one way.

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "app/script_files.h"
#include "app/verb_computo.h"
#include "computo/format.h"
#include "io/file_system.h"

namespace colloquium::app {
namespace {

struct Options {
  std::vector<std::string> files;
  bool check = false;
};

// In place, so that the file keeps its permissions and whatever links to it.
Status overwrite(const std::string& path, const std::string& text) {
  TRY_ASSIGN(const auto file, io::posix_file_system().open(path, io::OpenMode::kReadWrite));
  TRY(file->write_at(0, text));
  TRY(file->truncate(text.size()));
  return file->sync();
}

// Nothing, after the reason has been told, if the script cannot be laid out.
std::optional<std::string> formatted(const Script& script, Console& console) {
  computo::ScriptError error;
  computo::CompileOptions options;
  options.origin = script.origin;
  auto text = computo::format_source(script.text, options, error);
  if (text) {
    if (!text->ends_with('\n')) text->push_back('\n');
    return text;
  }
  SourceLines lines;
  lines.add(script);
  console.err << computo::error_text(error, script.origin, lines.reader());
  return std::nullopt;
}

Exit format_file(const std::string& file, bool check, Console& console) {
  const auto script = read_script(file, console);
  if (!script) return refuse(console, script.error());
  const auto text = formatted(*script, console);
  if (!text) return Exit::kRefused;
  if (file == "-" && !check) {
    console.out << *text;
    return Exit::kDone;
  }
  if (*text == script->text) return Exit::kDone;
  if (check) {
    console.out << script->origin << "\n";
    return Exit::kFailed;
  }
  const Status written = overwrite(file, *text);
  if (!written) return fail_running(console, written.error());
  console.err << file << ": laid out\n";
  return Exit::kDone;
}

// Every file is looked at; what is worst decides.
Exit run(const Options& options, Console& console) {
  Exit worst = Exit::kDone;
  for (const std::string& file : options.files) {
    worst = std::max(worst, format_file(file, options.check, console));
  }
  return worst;
}

}  // namespace

Verb computo_fmt_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "fmt";
  verb.summary = "Lay out scripts";
  verb.description =
      "Rewrites scripts, JSON or sugar, in the one layout; comments stay, the meaning stays, and what is laid\n"
      "out already is left alone. A script that is wrong is left as it is and told, with exit code 2. With\n"
      "--check nothing is written: files that are not laid out are listed, with exit code 1.";
  verb.example = "colloquium computo fmt --check scripts/*.computo";
  verb.options = {
      {"--check", "", "write nothing, list what is not laid out", &options->check},
      {"FILE", "", "the scripts ('-': standard input to standard output)", &options->files, true},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
