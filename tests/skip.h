// SKIP_TEST: ends a test case that cannot run here (data or a tool is absent), visibly.
//
// ctest counts it as skipped because of the line it prints (cmake/Modules.cmake). Catch2 2.13 has no skipping
// of its own. Only directly in a test case: it returns.
#pragma once

#define SKIP_TEST(why)        \
  do {                        \
    WARN("SKIPPED: " << why); \
    return;                   \
  } while (false)
