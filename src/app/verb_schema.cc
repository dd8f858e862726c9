// `schema`: JSON Schema for editors and other tools.

#include <ostream>

#include "app/pipeline_files.h"
#include "app/verb.h"
#include "config/schema.h"

namespace colloquium::app {
namespace {

// What the command line gave.
struct Options {
  std::string what = "pipeline";
};

}  // namespace

Verb schema_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "schema";
  verb.summary = "Print the JSON Schema of pipeline files";
  verb.example = "colloquium schema > pipeline.schema.json";
  verb.options = {{"--of", "WHAT", "whose schema", &options->what, false, {"pipeline", "settings"}}};
  verb.run = [options](Console& console) {
    console.out << (options->what == "settings" ? config::settings_schema_json()
                                                : config::pipeline_schema_json(component_registry()));
    return Exit::kDone;
  };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
