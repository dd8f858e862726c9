#include "engine/dead_letter.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace colloquium;
using namespace colloquium::engine;

TEST_CASE("an envelope holds the event, the reason, the stage, the attempts and the position", "[REQ-021]") {
  const std::string text = dead_letter_json({.event = R"({"b":1, "a":2})",
                                             .error = "no \"x\"",
                                             .stage = "clean",
                                             .attempts = 3,
                                             .position = "orders.t-0-7"});
  const auto json = nlohmann::json::parse(text);
  CHECK(json["event"] == nlohmann::json::parse(R"({"b":1,"a":2})"));
  CHECK(json["error"] == "no \"x\"");
  CHECK(json["stage"] == "clean");
  CHECK(json["attempts"] == 3);
  CHECK(json["position"] == "orders.t-0-7");
  CHECK_FALSE(json.contains("raw_base64"));
  // The event's bytes are kept as they were.
  CHECK(text.find(R"({"b":1, "a":2})") != std::string::npos);
}

TEST_CASE("bytes that are no JSON are kept in base64") {
  const auto encoded = [](std::string_view bytes) {
    return nlohmann::json::parse(dead_letter_json({.event = bytes, .is_json = false}))["raw_base64"]
        .get<std::string>();
  };
  // RFC 4648, section 10.
  CHECK(encoded("") == "");
  CHECK(encoded("f") == "Zg==");
  CHECK(encoded("fo") == "Zm8=");
  CHECK(encoded("foo") == "Zm9v");
  CHECK(encoded("foob") == "Zm9vYg==");
  CHECK(encoded("fooba") == "Zm9vYmE=");
  CHECK(encoded("foobar") == "Zm9vYmFy");
}

TEST_CASE("an error text with hostile bytes still gives valid JSON") {
  const std::string text = dead_letter_json({.event = "1", .error = "bad \xff\x01 byte", .stage = "s"});
  CHECK_NOTHROW(nlohmann::json::parse(text));
}

TEST_CASE("an error text keeps its letters, and only what is no text becomes a question mark") {
  const auto kept = [](std::string_view error) {
    const std::string text = dead_letter_json({.event = "1", .error = std::string(error), .stage = "s"});
    return nlohmann::json::parse(text)["error"].get<std::string>();
  };
  CHECK(kept("no city 'Zürich', 東京 or 🚀") == "no city 'Zürich', 東京 or 🚀");
  CHECK(kept("a\xff\x01z") == "a??z");
  CHECK(kept("\xc3") == "?");
  CHECK(kept("\xed\xa0\x80") == "???");          // a surrogate
  CHECK(kept("\xf0\x9f\x9a - \xf0\x9f\x9a\x80") == "??? - 🚀");  // cut short
  CHECK(kept("a\x1b[2J\x7f \xc2\x9b" "2J") == "a?[2J? ?2J");
  CHECK(kept("") == "");
}

TEST_CASE("a dead letter of a batch keeps key, headers and time of its event") {
  BatchBuilder builder;
  const std::pair<std::string_view, std::string_view> header{"x-id", "9"};
  builder.add(R"({"a":1})", {}, {.key = "k", .headers = {&header, 1}, .timestamp_ms = 1234});
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = "orders";
  origin->tag = "abcdefgh";
  const auto batch = builder.seal(origin, 40);
  BatchBuilder dead;
  add_dead_letter(*batch, 0, Error{ErrorCode::kInvalidInput, "no", false, {}}, "clean", "", 2, dead);
  const auto letters = dead.seal(origin, 0);
  REQUIRE(letters->size() == 1);
  CHECK(letters->key(0) == "k");
  CHECK(letters->headers(0).at(0).second == "9");
  CHECK(letters->entry(0).timestamp_ms == 1234);
  const auto json = nlohmann::json::parse(letters->value(0));
  CHECK(json["position"] == "orders.abcdefgh-0-40");
  CHECK(json["attempts"] == 2);
}
