#include "base/base64.h"

#include <catch2/catch.hpp>

namespace colloquium {

TEST_CASE("base64 goes there and back, and refuses what is none (RFC 4648, section 10)") {
  const auto [plain, encoded] = GENERATE(table<std::string, std::string>(
      {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"foobar", "Zm9vYmFy"}}));
  std::string out;
  append_base64(plain, out);
  CHECK(out == encoded);
  CHECK(base64_decoded(encoded) == plain);
  CHECK_FALSE(base64_decoded("Zm9*"));
  CHECK_FALSE(base64_decoded("Zm9vY"));
}

}  // namespace colloquium
