#include "computo/library/digests.h"

#include <catch2/catch.hpp>

#include "computo/library/testing.h"

namespace colloquium::computo {

using testing::call;
using testing::outcome;
using testing::strict_problem;

TEST_CASE("digests are those of their standards", "[REQ-031]") {
  CHECK(call("md5", R"([""])") == R"("d41d8cd98f00b204e9800998ecf8427e")");
  CHECK(call("md5", R"(["message digest"])") == R"("f96b697d7cb7938d525a2f31aaf161d0")");
  CHECK(call("sha1", R"([""])") == R"("da39a3ee5e6b4b0d3255bfef95601890afd80709")");
  CHECK(call("sha1", R"(["abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"])") ==
        R"("84983e441c3bd26ebaae4aa1f95129e5e54670f1")");
  CHECK(call("sha256", R"([""])") == R"("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")");
  CHECK(call("sha256", "[\"" + std::string(1000000, 'a') + "\"]") ==
        R"("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")");
  CHECK(call("sha512", R"(["abc"])") == R"("ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a)"
                                        R"(2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f")");
  CHECK(call("sha256", R"(["\u00e9"])") ==
        R"("4a99557e4033c3539de2eb65472017cad5f9557f7a0625a09f1c3f6e2ba69c4c")");
  CHECK(call("sha256", "[null]") == "type /sha256/0");
}

TEST_CASE("authentication codes are those of RFC 4231 and RFC 2202") {
  CHECK(call("hmacSha256", R"(["Jefe","what do ya want for nothing?"])") ==
        R"("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")");
  CHECK(
      call(
          "hmacSha256",
          R"(["\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b\u000b","Hi There"])") ==
      R"("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")");
  CHECK(call("hmacSha1", R"(["Jefe","what do ya want for nothing?"])") ==
        R"("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79")");
  CHECK(call("hmacSha1", R"(["",""])") == R"("fbdb1d1b18aa6c08324b7d64b71fb76370690e1d")");
  // A key longer than a block counts as its digest.
  const std::string key(65, 'k');
  CHECK(call("hmacSha256", "[\"" + key + "\",\"x\"]") ==
        R"("75092ca3ee2b307470c227697b42b3e65376aa3bae98fb5a1f7b7536daa9588a")");
  CHECK(call("hmacSha256", R"([1,"x"])") == "type /hmacSha256/0");
}

TEST_CASE("hashes stay within the range they are documented with") {
  CHECK(call("crc32", R"([""])") == "0");
  CHECK(call("crc32", R"(["a"])") == "3904355907");
  CHECK(call("murmur2", R"(["21"])") == "-973932308");
  CHECK(call("murmur2", R"(["a-little-bit-longer-string"])") == "-1486304829");
  CHECK(call("xxhash64", R"([""])") == R"("ef46db3751d8e999")");
  CHECK(call("xxhash64", R"(["The quick brown fox jumps over the lazy dog"])") == R"("0b242d361fda71bc")");
  CHECK(call("crc32", "[1]") == "type /crc32/0");
}

TEST_CASE("names have UUIDs of version 5") {
  CHECK(call("uuidV5", R"(["6ba7b810-9dad-11d1-80b4-00c04fd430c8","www.example.com"])") ==
        R"("2ed6657d-e927-568b-95e1-2665a8aea6a2")");
  CHECK(call("uuidV5", R"(["6BA7B810-9DAD-11D1-80B4-00C04FD430C8","www.example.com"])") ==
        R"("2ed6657d-e927-568b-95e1-2665a8aea6a2")");
  CHECK(call("uuidV5", R"(["dns","python.org"])") == R"("886313e1-3b8a-5372-9b90-0c9aee199e5d")");
  CHECK(call("uuidV5", R"(["url",""])") == R"("1b4db7eb-4057-5ddf-91e0-36dec72071f5")");
  for (const char* bad : {"", "DNS", "6ba7b810-9dad-11d1-80b4-00c04fd430c", "6ba7b8109dad11d180b400c04fd430c8",
                          "6ba7b810-9dad-11d1-80b4-00c04fd430cg", "6ba7b810-9dad-11d1-80b4x00c04fd430c8"}) {
    INFO(bad);
    CHECK(call("uuidV5", "[\"" + std::string(bad) + "\",\"x\"]") == "value /uuidV5/0");
  }
  CHECK(strict_problem(R"(["uuidV5","dsn",["$input"]])").starts_with("value expected a UUID"));
  CHECK(strict_problem(R"(["uuidV5",["$input"],"x"])").empty());
}

TEST_CASE("addresses are told apart and found in networks") {
  CHECK(call("ipVersion", R"(["192.0.2.1"])") == "4");
  CHECK(call("ipVersion", R"(["::ffff:192.0.2.1"])") == "6");
  for (const char* bad :
       {"", "192.0.2", "192.0.2.256", "192.0.02.1", "1.2.3.4 ", "::1::", "fe80::1%eth0", "1.2.3.4/8", "\\u0000"}) {
    INFO(bad);
    CHECK(call("ipVersion", "[\"" + std::string(bad) + "\"]") == "null");
    CHECK(call("ipInCidr", "[\"" + std::string(bad) + "\",\"10.0.0.0/8\"]") == "value /ipInCidr/0");
  }
  const auto in = [](const char* address, const char* network) {
    return call("ipInCidr", "[\"" + std::string(address) + "\",\"" + network + "\"]");
  };
  CHECK(in("10.255.0.1", "10.0.0.0/8") == "true");
  CHECK(in("11.0.0.0", "10.0.0.0/8") == "false");
  CHECK(in("192.168.1.127", "192.168.1.0/25") == "true");
  CHECK(in("192.168.1.128", "192.168.1.0/25") == "false");
  CHECK(in("192.168.1.99", "192.168.1.1/24") == "true");
  CHECK(in("1.2.3.4", "0.0.0.0/0") == "true");
  CHECK(in("::1", "0.0.0.0/0") == "false");
  CHECK(in("1.2.3.4", "::/0") == "false");
  CHECK(in("2001:db8::1", "::/0") == "true");
  CHECK(in("1.2.3.4", "1.2.3.4") == "true");
  CHECK(in("1.2.3.4", "1.2.3.4/32") == "true");
  CHECK(in("1.2.3.5", "1.2.3.4/32") == "false");
  CHECK(in("::ffff:10.1.1.1", "10.0.0.0/8") == "true");
  CHECK(in("10.1.1.1", "::ffff:0:0/96") == "true");
  CHECK(in("2001:db8:0:1::5", "2001:db8::/47") == "true");
  CHECK(in("2001:db9::5", "2001:db8::/32") == "false");
  for (const char* bad :
       {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "x", "/8", "10.0.0.0/99999999999"}) {
    INFO(bad);
    CHECK(in("10.0.0.1", bad) == "value /ipInCidr/1");
  }
  CHECK(call("ipInCidr", R"(["10.0.0.1",["::/0","10.0.0.0/24"]])") == "true");
  CHECK(call("ipInCidr", R"(["10.0.0.1",[]])") == "false");
  CHECK(call("ipInCidr", R"(["10.0.0.1",["x"]])") == "value /ipInCidr/1");
  CHECK(call("ipInCidr", R"(["10.0.0.1",[1]])") == "type /ipInCidr/1");
  CHECK(call("ipInCidr", R"([1,"10.0.0.0/8"])") == "type /ipInCidr/0");
}

TEST_CASE("one machine's digests do not disturb each other") {
  CHECK(
      outcome(
          R"(["==",["map",["$input"],["lambda",["x"],[["md5",["$","/x"]],["sha1",["$","/x"]],["md5",["$","/x"]]]]],
                    ["map",["$input"],["lambda",["x"],[["md5",["$","/x"]],["sha1",["$","/x"]],["md5",["$","/x"]]]]]])",
          R"(["a","b"])") == "true");
}

}  // namespace colloquium::computo
