#include "io/hmac.h"

#include <array>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <utility>

#include "base/assert.h"

namespace colloquium::io {
namespace {

// Fetched once: looking an algorithm up costs more than signing a small body.
EVP_MAC* hmac_algorithm() {
  static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, OSSL_MAC_NAME_HMAC, nullptr);
  ASSERT_WHY(algorithm != nullptr, "libcrypto has HMAC");
  return algorithm;
}

const char* name_of(Hash hash) {
  switch (hash) {
    case Hash::kSha1:
      return "SHA1";
    case Hash::kSha256:
      return "SHA256";
    case Hash::kSha512:
      return "SHA512";
  }
  return "";
}

const unsigned char* bytes_of(std::string_view text) {
  // An empty view may have no pointer, which the library takes for "no key given".
  return reinterpret_cast<const unsigned char*>(text.data() == nullptr ? "" : text.data());
}

std::string digest_of(const EVP_MD* algorithm, std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  const bool done = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr) == 1;
  ASSERT_WHY(done && size > 0, "libcrypto has SHA-1 and SHA-256");
  return std::string(reinterpret_cast<const char*>(digest.data()), size);
}

}  // namespace

struct Hmac::Context {
  EVP_MAC_CTX* mac = EVP_MAC_CTX_new(hmac_algorithm());
  ~Context() { EVP_MAC_CTX_free(mac); }
};

Hmac::Hmac(Hash hash, std::string_view key) : context_(std::make_unique<Context>()) {
  ASSERT_WHY(context_->mac != nullptr, "libcrypto has memory");
  const std::array<OSSL_PARAM, 2> parameters = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, const_cast<char*>(name_of(hash)), 0),
      OSSL_PARAM_construct_end()};
  const bool started = EVP_MAC_init(context_->mac, bytes_of(key), key.size(), parameters.data()) == 1;
  ASSERT_WHY(started, "libcrypto knows these digests");
}
Hmac::Hmac(Hmac&&) noexcept = default;
Hmac& Hmac::operator=(Hmac&&) noexcept = default;
Hmac::~Hmac() = default;

void Hmac::update(std::string_view bytes) {
  const bool done = EVP_MAC_update(context_->mac, bytes_of(bytes), bytes.size()) == 1;
  ASSERT_WHY(done, "libcrypto digests");
}

std::string Hmac::finish() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code;
  size_t size = 0;
  const bool done = EVP_MAC_final(context_->mac, code.data(), &size, code.size()) == 1;
  ASSERT_WHY(done, "libcrypto digests");
  return std::string(reinterpret_cast<const char*>(code.data()), size);
}

std::string sha256(std::string_view bytes) {
  return digest_of(EVP_sha256(), bytes);
}

std::string sha1(std::string_view bytes) {
  return digest_of(EVP_sha1(), bytes);
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string to_base64(std::string_view bytes) {
  // The library adds a zero byte.
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes_of(bytes),
                                     static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

}  // namespace colloquium::io
