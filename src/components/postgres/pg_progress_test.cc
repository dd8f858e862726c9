#include "components/postgres/pg_progress.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

TEST_CASE("what was given up is read back as it was stored") {
  const std::vector<SinkProgress::GivenUp> stored = {{5, "it \"broke\"\nthere"}, {900719925474099, ""}};
  const auto read = given_up_of(given_up_text(stored));
  REQUIRE(read);
  REQUIRE(read->size() == 2);
  CHECK((*read)[0].offset == 5);
  CHECK((*read)[0].error == stored[0].error);
  CHECK((*read)[1].offset == stored[1].offset);
  CHECK(given_up_text({}) == "[]");
}

TEST_CASE("a reason that jsonb would refuse, or a very long one, is made to fit") {
  const std::string with_nul("a\0b", 3);
  CHECK(given_up_of(given_up_text({{1, with_nul}}))->front().error == "a b");
  std::string wide;
  for (int i = 0; i < 400; ++i) wide += "\xC3\xA9";
  const std::string read = given_up_of(given_up_text({{1, wide}}))->front().error;
  CHECK(read.size() <= 500);
  CHECK(read.size() % 2 == 0);
  CHECK(read.size() > 490);
}

TEST_CASE("anything else in given_up is told and not guessed at") {
  for (const char* text : {"{}", "[1]", "[{}]", R"([{"offset":"1","error":"x"}])", R"([{"offset":1}])", "[", ""}) {
    INFO(text);
    CHECK_FALSE(given_up_of(text));
  }
}

TEST_CASE("what is settled is forgotten") {
  std::vector<SinkProgress::GivenUp> given_up = {{1, "a"}, {2, "b"}, {3, "c"}};
  forget_below(3, given_up);
  REQUIRE(given_up.size() == 1);
  CHECK(given_up[0].offset == 3);
}

}  // namespace
}  // namespace colloquium::components
