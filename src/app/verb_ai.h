// The verbs of `ai` that have a file of their own.
//
// Thread safety: as verb.h says.
#pragma once

#include "app/verb.h"

namespace colloquium::app {

Verb ai_costs_verb();

}  // namespace colloquium::app
