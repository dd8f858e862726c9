#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace colloquium {

void assertion_failed(const char* expression, const char* file, int line, const char* why) {
  std::fprintf(stderr, "%s:%d: assertion failed: %s %s\n", file, line, expression, why);
  std::abort();
}

}  // namespace colloquium
