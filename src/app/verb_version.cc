#include <ostream>

#include "app/verb.h"
#include "app/version.h"

namespace colloquium::app {

Verb version_verb() {
  Verb verb;
  verb.name = "version";
  verb.summary = "Print the version";
  verb.example = "colloquium version";
  verb.run = [](Console& console) {
    console.out << "colloquium " << version() << "\n";
    return Exit::kDone;
  };
  return verb;
}

}  // namespace colloquium::app
