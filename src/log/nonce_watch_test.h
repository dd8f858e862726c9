// An AEAD seam that remembers what was sealed, so that a test can say that no key and nonce ever served for two
// texts: with GCM that gives both texts away, and the power to forge. For tests.
//
// Thread safety: as an Aead's, but for reused(), which may be asked when nothing is sealed.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/manual_clock.h"
#include "io/aead.h"
#include "log/key_ring.h"

namespace colloquium::log {

class NonceWatch {
 public:
  NonceWatch() = default;
  // Knows what the other has seen, and shares nothing with it: for a future of its own of a machine that is
  // copied.
  NonceWatch(const NonceWatch& other) : seen_(std::make_shared<Seen>()) {
    const std::lock_guard lock(other.seen_->mutex);
    seen_->texts = other.seen_->texts;
    seen_->reused = other.seen_->reused;
  }
  NonceWatch& operator=(const NonceWatch&) = delete;

  // Keys made of one letter each; the first wraps.
  std::shared_ptr<const KeyRing> ring(const std::string& letters, Random& random, bool encrypt = true) {
    KeyRing::Keys keys;
    for (const char letter : letters) keys.push_back(test_key(letter));
    return std::make_shared<const KeyRing>(std::move(keys), random, encrypt, maker());
  }
  static std::shared_ptr<const io::SecretKey> test_key(char letter) {
    return std::make_shared<const io::SecretKey>(std::string(io::kAeadKeyBytes, letter));
  }

  bool reused() const { return seen_->reused; }
  size_t sealed() const { return seen_->texts.size(); }

 private:
  struct Seen {
    std::mutex mutex;
    std::map<std::string, std::string> texts;  // by key and nonce: what was sealed, with what was bound to it
    bool reused = false;
  };

  class Watched final : public io::Aead {
   public:
    Watched(const io::SecretKey& key, std::shared_ptr<Seen> seen)
        : key_(key.bytes()), aead_(io::make_aes_256_gcm(key)), seen_(std::move(seen)) {}
    void seal(const io::AeadNonce& nonce, std::string_view associated, std::string& text) override {
      const std::string all = std::to_string(associated.size()) + ":" + std::string(associated) + text;
      {
        const std::lock_guard lock(seen_->mutex);
        const auto [at, added] = seen_->texts.emplace(key_ + std::string(nonce.data(), nonce.size()), all);
        if (!added && at->second != all) seen_->reused = true;
      }
      aead_->seal(nonce, associated, text);
    }
    bool open(const io::AeadNonce& nonce, std::string_view associated, std::string_view sealed,
              std::string& text) override {
      return aead_->open(nonce, associated, sealed, text);
    }

   private:
    const std::string key_;
    const std::unique_ptr<io::Aead> aead_;
    const std::shared_ptr<Seen> seen_;
  };

  io::MakeAead maker() const {
    return [seen = seen_](const io::SecretKey& key) { return std::make_unique<Watched>(key, seen); };
  }

  std::shared_ptr<Seen> seen_ = std::make_shared<Seen>();
};

}  // namespace colloquium::log
