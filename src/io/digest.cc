#include "io/digest.h"

#include <cstring>
#include <openssl/evp.h>

#include "base/assert.h"

namespace colloquium::io {

struct Digester::Context {
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA-256", nullptr);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Context() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(sha256);
  }
};

Digester::Digester() : context_(std::make_unique<Context>()) {
  ASSERT_WHY(context_->sha256 != nullptr && context_->context != nullptr, "libcrypto has SHA-256");
}
Digester::~Digester() = default;

Digest128 Digester::digest(std::string_view bytes) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> whole;
  unsigned int size = 0;
  const bool done = EVP_DigestInit_ex2(context_->context, context_->sha256, nullptr) == 1 &&
                    EVP_DigestUpdate(context_->context, bytes.data(), bytes.size()) == 1 &&
                    EVP_DigestFinal_ex(context_->context, whole.data(), &size) == 1;
  ASSERT_WHY(done && size == 32, "libcrypto digests");
  Digest128 half;
  static_assert(sizeof(half) == 16);
  std::memcpy(half.data(), whole.data(), sizeof(half));
  return half;
}

}  // namespace colloquium::io
