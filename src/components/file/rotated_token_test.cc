#include "components/file/rotated_token.h"

#include <catch2/catch.hpp>
#include <string>

namespace colloquium::components {

TEST_CASE("a token of several files reads back as it was") {
  const std::vector<RotatedEntry> entries = {{7, 100, 3, -5, false, "out/a b%.part", "out/a b%"},
                                             {8, 0, 0, 1, true, "\n", "\xc3\xa9"}};
  const auto back = decode_rotated(encode_rotated(entries));
  REQUIRE(back);
  REQUIRE(back->size() == 2);
  CHECK((*back)[0].part == "out/a b%.part");
  CHECK((*back)[0].opened_ms == -5);
  CHECK((*back)[0].length == 100);
  CHECK((*back)[1].closed);
  CHECK((*back)[1].part == "\n");
  CHECK((*back)[1].name == "\xc3\xa9");
  CHECK(decode_rotated("")->empty());
  CHECK(decode_rotated(encode_rotated({}))->empty());
}

TEST_CASE("what is no token of several files is refused") {
  for (const char* text :
       {"x", "files 2\n", "file 1 2 3", "files 1\n1 2 3 4 open a\n", "files 1\n1 2 3 4 shut a b\n",
        "files 1\n1 2 3 x open a b\n", "files 1\n1 2 3 4 open a%4 b\n", "files 1\n1 2 3 4 open a%zz b\n",
        "files 1\n-1 2 3 4 open a b\n"}) {
    INFO(text);
    const auto token = decode_rotated(text);
    REQUIRE_FALSE(token);
    CHECK(token.error().code == ErrorCode::kCorrupt);
  }
}

}  // namespace colloquium::components
