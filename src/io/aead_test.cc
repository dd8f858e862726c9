#include "io/aead.h"

#include <catch2/catch.hpp>

#include "base/manual_clock.h"

namespace colloquium::io {
namespace {

std::string bytes(const std::string& hex) {
  return from_hex(hex).value();
}

AeadNonce nonce_of(const std::string& hex) {
  AeadNonce nonce;
  const std::string text = bytes(hex);
  REQUIRE(text.size() == nonce.size());
  std::copy(text.begin(), text.end(), nonce.begin());
  return nonce;
}

constexpr const char* kKeyHex = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";

}  // namespace

TEST_CASE("AES-256-GCM gives the published vectors", "[aead]") {
  // McGrew and Viega, The Galois/Counter Mode of Operation, appendix B, test cases 13, 14 and 16.
  const SecretKey zero(std::string(32, '\0'));
  const AeadNonce zero_nonce{};
  std::string text;
  make_aes_256_gcm(zero)->seal(zero_nonce, "", text);
  CHECK(to_hex(text) == "530f8afbc74536b9a963b4f1c4cb738b");
  text = std::string(16, '\0');
  make_aes_256_gcm(zero)->seal(zero_nonce, "", text);
  CHECK(to_hex(text) == "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");

  const SecretKey key(bytes(kKeyHex));
  const AeadNonce nonce = nonce_of("cafebabefacedbaddecaf888");
  const std::string plain = bytes(
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0"
      "d"
      "e657ba637b39");
  const std::string associated = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const auto aead = make_aes_256_gcm(key);
  text = plain;
  aead->seal(nonce, associated, text);
  CHECK(to_hex(text) ==
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e639"
        "3ba"
        "7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
  std::string opened;
  REQUIRE(aead->open(nonce, associated, text, opened));
  CHECK(opened == plain);
}

TEST_CASE("a single flipped bit anywhere opens nothing", "[aead]") {
  const SecretKey key(bytes(kKeyHex));
  const auto aead = make_aes_256_gcm(key);
  const AeadNonce nonce = nonce_of("000000010000000000000007");
  const std::string associated = "header";
  std::string sealed = "what is secret";
  aead->seal(nonce, associated, sealed);
  std::string opened = "old";
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    std::string other = sealed;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE_FALSE(aead->open(nonce, associated, other, opened));
    REQUIRE(opened.empty());
  }
  for (size_t bit = 0; bit < associated.size() * 8; ++bit) {
    std::string other = associated;
    other[bit / 8] = static_cast<char>(other[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE_FALSE(aead->open(nonce, other, sealed, opened));
  }
  CHECK_FALSE(aead->open(nonce_of("000000010000000000000008"), associated, sealed, opened));
  for (size_t size = 0; size < sealed.size(); ++size) {
    REQUIRE_FALSE(aead->open(nonce, associated, std::string_view(sealed).substr(0, size), opened));
  }
  CHECK_FALSE(make_aes_256_gcm(SecretKey(std::string(32, 'k')))->open(nonce, associated, sealed, opened));
  // And an object that refused something still opens what is right.
  REQUIRE(aead->open(nonce, associated, sealed, opened));
  CHECK(opened == "what is secret");
}

TEST_CASE("a key is read from hex and base64, and from nothing else", "[aead]") {
  const std::string raw = bytes("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff");
  const std::string hex = to_hex(raw);
  const std::string base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHv8=";
  for (const std::string& text : {hex, hex + "\n", "  " + base64 + " \r\n", base64.substr(0, 43)}) {
    INFO(text);
    const auto key = parse_key(text);
    REQUIRE(key != nullptr);
    CHECK(key->bytes() == raw);
    CHECK(key->id() == SecretKey(raw).id());
  }
  for (const std::string& text : {std::string(), std::string("secret"), hex.substr(2), hex + "00", base64 + "AA",
                                  hex.substr(0, 63) + "g", base64.substr(0, 42), raw}) {
    INFO(text);
    CHECK(parse_key(text) == nullptr);
  }
}

TEST_CASE("a key's id tells keys apart and nothing of them", "[aead]") {
  const SecretKey one(std::string(32, '\1'));
  const SecretKey two(std::string(32, '\2'));
  CHECK(one.id() != two.id());
  CHECK(one.id().size() == 16);
  CHECK(one.id().find("0101") != 0);
}

TEST_CASE("random keys and nonces come from the Random given", "[aead]") {
  SeededRandom random(1);
  SeededRandom same(1);
  const SecretKey key(random);
  CHECK(key.bytes() == SecretKey(same).bytes());
  CHECK(key.bytes() != SecretKey(random).bytes());
  CHECK(random_nonce(random) != random_nonce(random));
}

TEST_CASE("what is wiped is zero", "[aead]") {
  std::string text = "secret";
  char* const at = text.data();
  wipe(text);
  CHECK(text.empty());
  CHECK(std::string(at, 6) == std::string(6, '\0'));
}

}  // namespace colloquium::io
