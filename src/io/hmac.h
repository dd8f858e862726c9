// Hmac: keyed digests of bytes that come in parts (RFC 2104), for signatures of requests; and comparing secrets so
// that the time it takes says nothing of them.
//
// OpenSSL's libcrypto is behind it; a failure of the library itself is a failed assertion. Keys are copied into
// the library's memory, which it wipes. Thread safety: an Hmac belongs to one thread at a time; functions are
// pure.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace colloquium::io {

enum class Hash { kSha1, kSha256, kSha512 };

class Hmac {
 public:
  Hmac(Hash hash, std::string_view key);
  Hmac(Hmac&&) noexcept;
  Hmac& operator=(Hmac&&) noexcept;
  ~Hmac();

  void update(std::string_view bytes);
  // The code, as bytes: 20, 32 or 64. Nothing may be called after it.
  std::string finish();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string sha256(std::string_view bytes);
// For protocols that name it; nothing may depend on its strength.
std::string sha1(std::string_view bytes);

// The time depends on the lengths alone.
bool equal_in_constant_time(std::string_view a, std::string_view b);

// RFC 4648, with padding.
std::string to_base64(std::string_view bytes);

}  // namespace colloquium::io
