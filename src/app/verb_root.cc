#include "app/verb.h"

namespace colloquium::app {

// In the order of the help: what runs things first, what tells about them last.
Verb root_verb() {
  Verb root;
  root.name = "colloquium";
  root.summary = "Event streams from sources to sinks, through a durable log and Computo scripts";
  root.example = "colloquium run orders.yaml";
  root.verbs = {run_verb(),     validate_verb(), test_verb(), log_verb(),    dead_verb(),
                computo_verb(), ai_verb(),       docs_verb(), schema_verb(), version_verb()};
  return root;
}

}  // namespace colloquium::app
