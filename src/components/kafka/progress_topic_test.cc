#include "components/kafka/progress_topic.h"

#include <catch2/catch.hpp>

namespace colloquium::components {
namespace {

TEST_CASE("progress reads back, with what was given up") {
  SinkProgress progress{"orders.abcdefgh-3", 1234, {{1200, "too \"large\""}, {1201, "no \xff UTF-8"}}};
  const auto read = decode_progress("orders.abcdefgh-3", encode_progress(progress));
  REQUIRE(read);
  CHECK(read->partition == "orders.abcdefgh-3");
  CHECK(read->next == 1234);
  REQUIRE(read->given_up.size() == 2);
  CHECK(read->given_up[0].offset == 1200);
  CHECK(read->given_up[0].error == "too \"large\"");
  CHECK(read->given_up[1].offset == 1201);
  CHECK(decode_owner(encode_owner("0123")).value() == "0123");
  CHECK(progress_key("p/out", "orders.abcdefgh-3") == "p/out/orders.abcdefgh-3");
}

TEST_CASE("a record of somebody else's is told with the setting to change") {
  for (const char* value : {"", "x", "[]", "{}", R"({"next":"1","given_up":[]})", R"({"next":1})",
                            R"({"next":1,"given_up":[{"offset":1}]})", R"({"next":1,"given_up":[[]]})"}) {
    INFO(value);
    const auto read = decode_progress("p", value);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().message, Catch::Contains("progress_topic"));
  }
  CHECK_FALSE(decode_owner("{}"));
}

}  // namespace
}  // namespace colloquium::components
