// `computo migrate`: scripts written for the reference implementation.

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "app/script_files.h"
#include "app/verb_computo.h"
#include "computo/convert.h"
#include "computo/migrate.h"
#include "computo/notation.h"
#include "io/file_system.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string file;
  std::optional<std::string> output;
  std::string array_key = "array";
};

using computo::Migration;

// JSON with comments is no JSON to others, so what does not say that it is sugar is tried as JSON first.
std::optional<Migration> migrate(const Script& script, const computo::CompileOptions& options,
                                 computo::ScriptError& error) {
  const computo::ScriptText source = computo::script_text(script.origin, script.text);
  const bool sugar = source.notation == computo::Notation::kSugar;
  if (sugar && (source.marked || computo::notation_by_name(script.origin))) {
    return computo::migrate_sugar(source.text, options, error);
  }
  auto migrated = computo::migrate_json(source.text, options, error);
  if (migrated || !sugar || error.category != computo::Category::kParse) return migrated;
  return computo::migrate_sugar(source.text, options, error);
}

// How many are left to the author.
size_t tell(const Script& script, const Migration& migration, Console& console) {
  SourceLines lines;
  lines.add(script);
  size_t left = 0;
  for (const computo::MigrationNote& note : migration.notes) {
    console.err << script.origin << ":" << note.line << ":" << note.column << ": "
                << (note.rewritten ? "rewritten[" : "differs[") << note.code << "]: " << note.text << "\n";
    if (const auto line = lines.line(script.origin, note.line)) {
      console.err << computo::source_excerpt(*line, note.column);
    }
    if (!note.rewritten) ++left;
  }
  return left;
}

// What `computo check` would say about the result: an operator that there is not, for one.
size_t tell_errors(const Script& migrated, const computo::CompileOptions& options, Console& console) {
  computo::CompileOptions strict = options;
  strict.strict = true;
  computo::CompileFailure failure;
  computo::compile_source(migrated.text, strict, failure);
  SourceLines lines;
  lines.add(migrated);
  for (const computo::ScriptError& error : failure.errors) {
    console.err << computo::error_text(error, migrated.origin, lines.reader(), " (in the migrated script)");
  }
  return failure.errors.size();
}

Exit run(const Options& options, Console& console) {
  if (const Status key = check_array_key(options.array_key); !key) return refuse(console, key.error());
  const auto script = read_script(options.file, console);
  if (!script) return refuse(console, script.error());
  const computo::CompileOptions compile = script_options(script->origin, options.array_key);
  computo::ScriptError error;
  const auto migrated = migrate(*script, compile, error);
  if (!migrated) {
    SourceLines lines;
    lines.add(*script);
    console.err << computo::error_text(error, script->origin, lines.reader());
    return Exit::kFailed;
  }
  const size_t left =
      tell(*script, *migrated, console) + tell_errors({migrated->text, script->origin}, compile, console);
  if (!options.output) {
    console.out << migrated->text << (migrated->text.ends_with('\n') ? "" : "\n");
  } else if (const Status written =
                 io::write_file_atomically(io::posix_file_system(), *options.output, migrated->text);
             !written) {
    return fail_running(console, written.error());
  }
  return left == 0 ? Exit::kDone : Exit::kFailed;
}

}  // namespace

Verb computo_migrate_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "migrate";
  verb.summary = "Take over a script of the reference implementation";
  verb.description =
      "Looks for what means something else here than there. What can be written so that it means the same is\n"
      "rewritten, in JSON scripts, and told as 'rewritten'; the rest is told as 'differs', each with its\n"
      "place and the code of the difference, and left as it is. The result goes to standard output. Exits\n"
      "with 1 if anything is left to decide. Only the text is looked at: what depends on values is told where\n"
      "it may matter.";
  verb.example = "colloquium computo migrate old.json --output new.json";
  verb.options = {
      {"-o,--output", "FILE", "write there instead of to standard output", &options->output},
      array_key_option(options->array_key),
      {"FILE", "", "the script ('-': standard input)", &options->file, true},
  };
  verb.run = [options](Console& console) { return run(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
