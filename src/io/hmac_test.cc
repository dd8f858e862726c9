#include "io/hmac.h"

#include <catch2/catch.hpp>
#include <vector>

#include "io/aead.h"

namespace colloquium::io {
namespace {

std::string code_of(Hash hash, std::string_view key, std::string_view text) {
  Hmac hmac(hash, key);
  hmac.update(text);
  return to_hex(hmac.finish());
}

// RFC 2202 and RFC 4231, test case 2.
TEST_CASE("codes are those of the RFCs") {
  constexpr std::string_view kText = "what do ya want for nothing?";
  CHECK(code_of(Hash::kSha1, "Jefe", kText) == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  CHECK(code_of(Hash::kSha256, "Jefe", kText) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(code_of(Hash::kSha512, "Jefe", kText) ==
        "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
        "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST_CASE("it makes no difference in which parts the bytes come") {
  Hmac parts(Hash::kSha256, "Jefe");
  for (const std::string_view part : {"what do", "", " ya want for ", "nothing?"}) parts.update(part);
  CHECK(to_hex(parts.finish()) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("an empty key and an empty text are a key and a text") {
  CHECK(code_of(Hash::kSha256, {}, {}) == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("codes that are moved go on where they were") {
  Hmac one(Hash::kSha256, "Jefe");
  one.update("what do ya want ");
  std::vector<Hmac> kept;
  kept.push_back(std::move(one));
  kept.front().update("for nothing?");
  CHECK(to_hex(kept.front().finish()) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("secrets are equal if every byte is") {
  CHECK(equal_in_constant_time("", ""));
  CHECK(equal_in_constant_time("abc", "abc"));
  CHECK_FALSE(equal_in_constant_time("abc", "abd"));
  CHECK_FALSE(equal_in_constant_time("abc", "ab"));
  CHECK_FALSE(equal_in_constant_time("", "a"));
  CHECK_FALSE(equal_in_constant_time(std::string_view("a\0b", 3), std::string_view("a\0c", 3)));
}

TEST_CASE("digests and base64") {
  CHECK(to_hex(sha256("abc")) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d");
  CHECK(to_base64("") == "");
  CHECK(to_base64("f") == "Zg==");
  CHECK(to_base64("foob") == "Zm9vYg==");
  CHECK(to_base64("foobar") == "Zm9vYmFy");
}

}  // namespace
}  // namespace colloquium::io
