// ASSERT: checks for programmer errors. On in every build; a failure prints the place and aborts.
//
// Never on input, disk or network bytes: those are Errors.
#pragma once

namespace colloquium {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line, const char* why);
}  // namespace colloquium

#define ASSERT(...) ASSERT_INNER((__VA_ARGS__), #__VA_ARGS__, "")
// ASSERT_WHY(condition, "what a reader should know").
#define ASSERT_WHY(condition, why) ASSERT_INNER((condition), #condition, why)
#define ASSERT_INNER(condition, text, why)           \
  (__builtin_expect(static_cast<bool>(condition), 1) \
       ? void(0)                                     \
       : ::colloquium::assertion_failed(text, __FILE__, __LINE__, why))

// The first line of every method that only the loop's thread may call.
#define LOOP_ASSERT(loop) ASSERT_WHY((loop).is_current(), "called off the loop")
