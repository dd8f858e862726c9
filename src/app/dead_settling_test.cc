#include "app/dead_settling.h"

#include <catch2/catch.hpp>

using namespace colloquium;
using namespace colloquium::app;

TEST_CASE("a request about dead letters reads back as it was") {
  DeadRequest request;
  request.replay = true;
  request.letters = "orders.dead";
  request.into = "orders";
  request.filter.ids = {"orders.k3j9d2xq-0-17", "4"};
  request.filter.stage = "http";
  request.filter.error = "status \"500\"";
  request.filter.since_ms = 0;
  request.filter.before_ms = 1'700'000'000'000;
  const auto read = read_dead_request(request.to_json());
  REQUIRE(read);
  CHECK(read->replay);
  CHECK(read->letters == request.letters);
  CHECK(read->into == request.into);
  CHECK(read->filter.ids == request.filter.ids);
  CHECK(read->filter.stage == request.filter.stage);
  CHECK(read->filter.error == request.filter.error);
  CHECK(read->filter.since_ms == request.filter.since_ms);
  CHECK(read->filter.before_ms == request.filter.before_ms);
  const auto drop = read_dead_request(R"({"action":"drop","letters":"a"})");
  REQUIRE(drop);
  CHECK_FALSE(drop->replay);
  CHECK(drop->filter.ids.empty());
  CHECK_FALSE(drop->filter.stage);
}

TEST_CASE("a request about dead letters that is none is refused with the reason") {
  for (const auto& [text, what] : std::vector<std::pair<std::string, std::string>>{
           {"", ""},
           {"[]", "object"},
           {"{}", "action"},
           {R"({"action":"eat","letters":"a"})", "action"},
           {R"({"action":"drop"})", "letters"},
           {R"({"action":"replay","letters":"a"})", "into"}}) {
    INFO(text);
    const auto read = read_dead_request(text);
    REQUIRE_FALSE(read);
    INFO(read.error().message);
    CHECK(read.error().code == ErrorCode::kInvalidInput);
    CHECK(read.error().message.find(what) != std::string::npos);
  }
}
