// A digest as 32 hexadecimal digits.
//
// Thread safety: pure function.
#pragma once

#include <string>

#include "io/digest.h"

namespace colloquium::components {

inline std::string digest_text(const io::Digest128& digest) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const uint64_t half : digest) {
    for (int shift = 60; shift >= 0; shift -= 4) out += kDigits[(half >> shift) & 15];
  }
  return out;
}

}  // namespace colloquium::components
