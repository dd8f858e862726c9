// Digests that stand for bytes where nobody may be able to make two of the same: SHA-256 (FIPS 180-4), its first
// half. OpenSSL's libcrypto is behind it; a failure of the library itself is a failed assertion.
//
// Thread safety: an object belongs to one thread at a time; it keeps the library's context between calls.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string_view>

namespace colloquium::io {

using Digest128 = std::array<uint64_t, 2>;

class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  Digest128 digest(std::string_view bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace colloquium::io
