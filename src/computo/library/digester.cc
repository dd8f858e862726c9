#include "computo/library/digester.h"

#include <algorithm>
#include <openssl/evp.h>

#include "base/assert.h"

namespace colloquium::computo::ops {

namespace {
constexpr const char* kNames[kDigests] = {"MD5", "SHA1", "SHA256", "SHA512"};
constexpr size_t kBlock = 64;
}  // namespace

// Fetching an algorithm looks it up by its name under a lock; so that is done once, at first use.
struct Digester::Context {
  explicit Context(const char* name) : digest(EVP_MD_fetch(nullptr, name, nullptr)), context(EVP_MD_CTX_new()) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    EVP_MD_CTX_free(context);
    EVP_MD_free(digest);
  }
  EVP_MD* digest;
  EVP_MD_CTX* context;
};

Digester::Digester() = default;
Digester::~Digester() = default;

bool Digester::digest(Digest digest, std::initializer_list<std::string_view> parts, DigestBytes& out) {
  auto& slot = contexts_[static_cast<size_t>(digest)];
  if (slot == nullptr) slot = std::make_unique<Context>(kNames[static_cast<size_t>(digest)]);
  if (slot->digest == nullptr || slot->context == nullptr) return false;
  if (EVP_DigestInit_ex2(slot->context, slot->digest, nullptr) != 1) return false;
  for (const std::string_view part : parts) {
    if (EVP_DigestUpdate(slot->context, part.data(), part.size()) != 1) return false;
  }
  unsigned int size = 0;
  if (EVP_DigestFinal_ex(slot->context, reinterpret_cast<unsigned char*>(out.bytes.data()), &size) != 1)
    return false;
  ASSERT(size <= kMostDigestBytes);
  out.size = size;
  return true;
}

// A key longer than a block is replaced by its digest.
bool Digester::hmac(Digest digest, std::string_view key, std::string_view text, DigestBytes& out) {
  ASSERT(digest != Digest::kSha512);
  DigestBytes shorter;
  if (key.size() > kBlock) {
    if (!this->digest(digest, {key}, shorter)) return false;
    key = shorter.view();
  }
  char inner[kBlock] = {};
  char outer[kBlock] = {};
  std::copy(key.begin(), key.end(), inner);
  std::copy(key.begin(), key.end(), outer);
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  DigestBytes first;
  return this->digest(digest, {{inner, kBlock}, text}, first) &&
         this->digest(digest, {{outer, kBlock}, first.view()}, out);
}

}  // namespace colloquium::computo::ops
