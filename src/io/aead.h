// Authenticated encryption: AES-256-GCM (NIST SP 800-38D), and the keys for it.
//
// A key and a nonce may serve for one text only: with two, both texts and the power to forge lie open. Whoever
// seals answers for that; nothing here can see it. Keys are wrapped by sealing them, under a key-encryption key
// and a random nonce (NIST SP 800-38F, section 3.1 allows GCM for it), because that also binds a key to its place,
// which AES-KW (RFC 3394) can't.
//
// Aead is an interface so that a test can watch which nonces are used. OpenSSL's libcrypto is behind it; a
// failure of the library itself is a failed assertion.
// Thread safety: an Aead belongs to one thread at a time; keys are immutable; the rest are functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/clock.h"
#include "colloquium/result.h"

namespace colloquium::io {

inline constexpr size_t kAeadKeyBytes = 32;
inline constexpr size_t kAeadNonceBytes = 12;
inline constexpr size_t kAeadTagBytes = 16;

using AeadNonce = std::array<char, kAeadNonceBytes>;

// Overwrites `size` bytes in a way that no compiler leaves out.
void wipe(void* bytes, size_t size);
void wipe(std::string& text);

// 32 secret bytes, wiped when they go. Not copyable: share them.
class SecretKey {
 public:
  // REQUIRES: kAeadKeyBytes bytes.
  explicit SecretKey(std::string_view bytes);
  // Of an unpredictable Random: the process's own.
  explicit SecretKey(Random& random);
  ~SecretKey();
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;

  // Never to be printed or logged.
  std::string_view bytes() const { return {bytes_.data(), bytes_.size()}; }
  // What a key is called in messages and files: 16 hex digits, the first of the SHA-256 of a fixed text and the
  // key.
  std::string id() const;

 private:
  std::array<char, kAeadKeyBytes> bytes_;
};

// 64 hex digits, or base64 (with or without its padding), white space around it left out; null if it is neither of
// 32 bytes.
std::shared_ptr<const SecretKey> parse_key(std::string_view text);

class Aead {
 public:
  virtual ~Aead() = default;
  // Replaces `text` by its ciphertext and the tag, kAeadTagBytes longer. `associated` is bound to it, not stored.
  virtual void seal(const AeadNonce& nonce, std::string_view associated, std::string& text) = 0;
  // The text of what was sealed; false, with nothing in `text`, if a bit of nonce, associated or sealed is
  // another.
  virtual bool open(const AeadNonce& nonce, std::string_view associated, std::string_view sealed,
                    std::string& text) = 0;
};

using MakeAead = std::function<std::unique_ptr<Aead>(const SecretKey& key)>;
std::unique_ptr<Aead> make_aes_256_gcm(const SecretKey& key);

// `random`'s next kAeadNonceBytes bytes.
AeadNonce random_nonce(Random& random);

std::string to_hex(std::string_view bytes);
std::optional<std::string> from_hex(std::string_view text);

}  // namespace colloquium::io
