// How much less a test does where a sanitizer watches it, as everything takes so many times as long there.
#pragma once

namespace colloquium {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr int kSlower = 10;
#else
inline constexpr int kSlower = 1;
#endif

}  // namespace colloquium
