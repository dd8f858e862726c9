#include "app/version.h"

namespace colloquium::app {

// The build defines it for this file alone, so that a new version compiles nothing else again.
const char* version() {
  return COLLOQUIUM_VERSION;
}

}  // namespace colloquium::app
