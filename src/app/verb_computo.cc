// `computo`: the group of verbs that work with the language by itself.

#include "app/verb_computo.h"

namespace colloquium::app {

Verb computo_verb() {
  Verb verb;
  verb.name = "computo";
  verb.summary = "Work with the Computo language by itself";
  verb.example = "colloquium computo run -e '[\"+\", 1, 2]'";
  verb.verbs = {
      computo_run_verb(),     computo_check_verb(),   computo_fmt_verb(),   computo_convert_verb(),
      computo_migrate_verb(), computo_profile_verb(), computo_debug_verb(), computo_repl_verb(),
  };
  return verb;
}

}  // namespace colloquium::app
