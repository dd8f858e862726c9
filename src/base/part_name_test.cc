#include "base/part_name.h"

#include <catch2/catch.hpp>
#include <vector>

namespace colloquium {

TEST_CASE("a part is known by the name of its whole") {
  CHECK(part_name("files", "a") == "files/a");
  CHECK(part_name("files", "") == "files");
  CHECK(is_of_whole("files", "files"));
  CHECK(is_of_whole("files/a", "files"));
  CHECK_FALSE(is_of_whole("files-2/a", "files"));
  CHECK_FALSE(is_of_whole("file", "files"));
  const std::vector<std::string> wholes = {"hook", "files"};
  CHECK(is_of_any("files/a", wholes));
  CHECK_FALSE(is_of_any("other/a", wholes));
}

}  // namespace colloquium
