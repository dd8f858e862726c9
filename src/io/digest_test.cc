#include "io/digest.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "io/aead.h"

namespace colloquium::io {

TEST_CASE("a digest is the first half of SHA-256", "[io]") {
  Digester digester;
  const auto hex = [&](std::string_view text) {
    const Digest128 digest = digester.digest(text);
    return to_hex({reinterpret_cast<const char*>(digest.data()), sizeof(digest)});
  };
  // FIPS 180-4's examples.
  CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223");
  CHECK(hex("") == "e3b0c44298fc1c149afbf4c8996fb924");
  CHECK(hex("abc") == "ba7816bf8f01cfea414140de5dae2223");
}

}  // namespace colloquium::io
