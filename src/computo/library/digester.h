// Digester: OpenSSL's message digests behind one adapter, with contexts that are made once and used again.
//
// Errors: an algorithm that the system's policy leaves out (FIPS has no MD5) gives no digest.
// Thread safety: belongs to one thread, as the Machine whose tool it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string_view>

#include "computo/prepared.h"

namespace colloquium::computo::ops {

enum class Digest : uint8_t { kMd5, kSha1, kSha256, kSha512 };
inline constexpr size_t kDigests = 4;
inline constexpr size_t kMostDigestBytes = 64;

struct DigestBytes {
  std::array<char, kMostDigestBytes> bytes{};
  size_t size = 0;
  std::string_view view() const { return {bytes.data(), size}; }
};

class Digester : public Tool {
 public:
  static constexpr std::string_view kKind = "digester";
  Digester();
  ~Digester() override;

  // Of the parts joined. False if the algorithm is not available.
  bool digest(Digest digest, std::initializer_list<std::string_view> parts, DigestBytes& out);
  // RFC 2104. REQUIRES: a digest of 64-byte blocks, that is, not SHA-512.
  bool hmac(Digest digest, std::string_view key, std::string_view text, DigestBytes& out);

 private:
  struct Context;
  std::array<std::unique_ptr<Context>, kDigests> contexts_;
};

}  // namespace colloquium::computo::ops
