// KeyRing: the key-encryption keys that an operator gives; they wrap the data key of every encrypted segment.
//
// The first key wraps what is new, all of them unwrap what is there: so keys are rotated by putting a new one in
// front, and an old one is left out once no segment names it any more. Wrapping is AES-256-GCM under a random
// nonce (io/aead.h says why), bound to a context: wrapped bytes open in no other place than the one they were made
// for.
//
// Thread safety: immutable after construction; shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/clock.h"

#include "io/aead.h"

namespace colloquium::log {

class KeyRing {
 public:
  using Keys = std::vector<std::shared_ptr<const io::SecretKey>>;
  // `random` has to be unpredictable (the process's own is), and outlives the ring. `encrypt` false: what is
  // encrypted can be read, and new segments are written in the clear. REQUIRES: at least one key.
  KeyRing(Keys keys, Random& random, bool encrypt, io::MakeAead make_aead = io::make_aes_256_gcm);

  bool encrypts() const { return encrypt_; }
  Random& random_source() const { return random_; }
  // The id of the key that wraps.
  const std::string& current() const { return keys_.front().id; }
  bool has(std::string_view id) const { return find(id) != nullptr; }
  // All ids, for messages.
  std::string ids() const;

  std::string wrap(std::string_view secret, std::string_view context) const;
  // Nothing if the key of this id does not open it in this context. REQUIRES: has(id). Wipe what you get.
  std::optional<std::string> unwrap(std::string_view id, std::string_view wrapped, std::string_view context) const;

  std::unique_ptr<io::Aead> make_aead(const io::SecretKey& key) const { return make_aead_(key); }

 private:
  struct Named {
    std::string id;
    std::shared_ptr<const io::SecretKey> key;
  };
  const io::SecretKey* find(std::string_view id) const;

  std::vector<Named> keys_;
  Random& random_;
  const bool encrypt_;
  const io::MakeAead make_aead_;
};

}  // namespace colloquium::log
