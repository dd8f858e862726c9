#include "components/kafka/progress_topic.h"

#include <algorithm>
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

TEST_CASE("what is given up for few reasons takes little room, however much it is") {
  SinkProgress progress{"p", 4'000'200'000, {}};
  for (int64_t i = 0; i < 200'000; ++i) {
    // Runs of one for two reasons in turn, then one long run.
    const bool odd = i < 100'000 && i % 2 == 1;
    progress.given_up.push_back({4'000'000'000 + i, std::string(500, odd ? 'a' : 'b')});
  }
  const std::string text = encode_progress(progress);
  CHECK(text.size() < 500'000);
  const auto read = decode_progress("p", text);
  REQUIRE(read);
  REQUIRE(read->given_up.size() == progress.given_up.size());
  const auto same = [](const auto& a, const auto& b) { return a.offset == b.offset && a.error == b.error; };
  CHECK(std::equal(read->given_up.begin(), read->given_up.end(), progress.given_up.begin(), same));
  CHECK(encode_progress({"p", 1234, {{1200, "x"}, {1201, "x"}, {1202, "x"}, {1220, "x"}}}) ==
        R"({"given_up":[{"error":"x","offsets":[1200,3,17,1]}],"next":1234})");
}

TEST_CASE("what is given up for as many reasons as there are events fits into a message, too") {
  SinkProgress progress{"p", 200'000, {}};
  for (int64_t i = 0; i < 100'000; ++i) {
    progress.given_up.push_back({2 * i, "field $input/customer gave " + std::to_string(i) + std::string(60, '"')});
  }
  const std::string text = encode_progress(progress);
  CHECK(text.size() < 1'000'000);
  const auto read = decode_progress("p", text);
  REQUIRE(read);
  REQUIRE(read->given_up.size() == progress.given_up.size());
  const auto same_place = [](const auto& a, const auto& b) { return a.offset == b.offset; };
  CHECK(std::equal(read->given_up.begin(), read->given_up.end(), progress.given_up.begin(), same_place));
  CHECK(read->given_up[1'000].error == progress.given_up[1'000].error);
  CHECK_THAT(read->given_up.back().error, Catch::Contains("too many"));
}

TEST_CASE("a record that names each event is read, too") {
  const auto read =
      decode_progress("p", R"({"next":9,"given_up":[{"offset":3,"error":"a"},{"offset":1,"error":"b"}]})");
  REQUIRE(read);
  REQUIRE(read->given_up.size() == 2);
  CHECK(read->given_up[0].offset == 1);
  CHECK(read->given_up[1].error == "a");
}

TEST_CASE("a record of somebody else's is told with the setting to change") {
  for (const char* value : {"", "x", "[]", "{}", R"({"next":"1","given_up":[]})", R"({"next":1})",
                            R"({"next":1,"given_up":[{"offset":1}]})", R"({"next":1,"given_up":[[]]})",
                            R"({"next":1,"given_up":[{"error":"x","offsets":[1]}]})",
                            R"({"next":1,"given_up":[{"error":"x","offsets":[1,0]}]})",
                            R"({"next":1,"given_up":[{"error":"x","offsets":[-1,1]}]})",
                            R"({"next":1,"given_up":[{"error":"x","offsets":[1,99999999999]}]})",
                            R"({"next":1,"given_up":[{"error":"x","offsets":["1",1]}]})"}) {
    INFO(value);
    const auto read = decode_progress("p", value);
    REQUIRE_FALSE(read);
    CHECK_THAT(read.error().message, Catch::Contains("progress_topic"));
  }
  CHECK_FALSE(decode_owner("{}"));
}

}  // namespace
}  // namespace colloquium::components
