#include "log/key_ring.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::log {

KeyRing::KeyRing(Keys keys, Random& random, bool encrypt, io::MakeAead make_aead)
    : random_(random), encrypt_(encrypt), make_aead_(std::move(make_aead)) {
  ASSERT_WHY(!keys.empty(), "without a key there is no ring");
  for (auto& key : keys) {
    ASSERT(key != nullptr);
    std::string id = key->id();
    keys_.push_back({std::move(id), std::move(key)});
  }
}

const io::SecretKey* KeyRing::find(std::string_view id) const {
  ASSERT(!keys_.empty());
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const Named& key) { return key.id == id; });
  return found == keys_.end() ? nullptr : found->key.get();
}

std::string KeyRing::ids() const {
  ASSERT(!keys_.empty());
  std::string text;
  for (const Named& key : keys_) text += (text.empty() ? "" : ", ") + key.id;
  return text;
}

std::string KeyRing::wrap(std::string_view secret, std::string_view context) const {
  ASSERT(!context.empty());
  const io::AeadNonce nonce = io::random_nonce(random_);
  std::string wrapped(secret);
  wrapped.reserve(secret.size() + io::kAeadTagBytes);  // so that no copy of the secret is left behind
  make_aead_(*keys_.front().key)->seal(nonce, context, wrapped);
  return std::string(nonce.data(), nonce.size()) + wrapped;
}

std::optional<std::string> KeyRing::unwrap(std::string_view id, std::string_view wrapped,
                                           std::string_view context) const {
  const io::SecretKey* const key = find(id);
  ASSERT_WHY(key != nullptr, "unwrap with a key that is there");
  io::AeadNonce nonce;
  if (wrapped.size() < nonce.size() + io::kAeadTagBytes) return std::nullopt;
  std::copy_n(wrapped.begin(), nonce.size(), nonce.begin());
  std::string secret;
  if (!make_aead_(*key)->open(nonce, context, wrapped.substr(nonce.size()), secret)) return std::nullopt;
  return secret;
}

}  // namespace colloquium::log
