#include "io/checksum.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::io {

TEST_CASE("crc32c has the check value of RFC 3720") {
  CHECK(crc32c("123456789") == 0xE3069283u);
  CHECK(crc32c("") == 0u);
  CHECK(crc32c(std::string(32, '\0')) == 0x8A9136AAu);
  CHECK(crc32c(std::string(32, '\xff')) == 0x62A8AB43u);
}

TEST_CASE("crc32c continues where another ended") {
  const std::string text = "the quick brown fox jumps over the lazy dog";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(crc32c(std::string_view(text).substr(cut), crc32c(std::string_view(text).substr(0, cut))) ==
          crc32c(text));
  }
}

TEST_CASE("crc32 has the check value of the catalogues, and continues where another ended") {
  CHECK(crc32("123456789") == 0xCBF43926u);
  CHECK(crc32("") == 0u);
  std::string text;
  for (int i = 0; i < 700; ++i) text += static_cast<char>(i * 7 + i / 251);
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(crc32(std::string_view(text).substr(cut), crc32(std::string_view(text).substr(0, cut))) == crc32(text));
  }
}

TEST_CASE("combining two CRCs gives that of both texts") {
  std::string text;
  for (int i = 0; i < 70000; ++i) text += static_cast<char>(i * 7 + i / 251);
  for (const size_t cut :
       {size_t{0}, size_t{1}, size_t{7}, size_t{255}, size_t{4096}, size_t{65537}, text.size()}) {
    const std::string_view whole = text;
    const std::string_view tail = whole.substr(cut);
    CHECK(crc32c_combine(crc32c(whole.substr(0, cut)), crc32c(tail), tail.size()) == crc32c(whole));
  }
}

TEST_CASE("xxh3 gives the published values") {
  // xxhash's own sanity values: the empty input, seed 0.
  CHECK(xxh3_64("") == 0x2D06800538D394C2ull);
  const auto empty = xxh3_128("");
  CHECK(empty[0] == 0x6001C324468D497Full);
  CHECK(empty[1] == 0x99AA06D3014798D8ull);
  CHECK(xxh3_64("a") != xxh3_64("b"));
  CHECK(xxh3_64("a", 1) != xxh3_64("a", 2));
}

}  // namespace colloquium::io
