// The verbs of `computo`, each in its own verb_computo_*.cc.
//
// Thread safety: as verb.h says.
#pragma once

#include "app/verb.h"

namespace colloquium::app {

Verb computo_run_verb();
Verb computo_check_verb();
Verb computo_fmt_verb();
Verb computo_convert_verb();
Verb computo_migrate_verb();
Verb computo_profile_verb();
Verb computo_debug_verb();
Verb computo_repl_verb();

}  // namespace colloquium::app
