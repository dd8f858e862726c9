#include "computo/output.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <string>

#include "computo/testing.h"

namespace colloquium::computo {

TEST_CASE("an output grows as needed and keeps what it has") {
  Output output;
  output.start(false);
  std::string wanted;
  for (int i = 0; i < 5000; ++i) {
    const std::string piece = std::to_string(i) + ",";
    output.put(piece);
    output.put(';');
    wanted += piece + ";";
  }
  char* room = output.room(100'000);
  std::memset(room, 'x', 100'000);
  output.commit(room + 50'000);
  CHECK(output.text() == wanted + std::string(50'000, 'x'));
  output.start(false);
  CHECK(output.size() == 0);
  output.put("again");
  CHECK(output.text() == "again");
}

TEST_CASE("tokens are written only if they are wanted") {
  Output output;
  output.start(false);
  const size_t without = output.open(TokenType::kArray);
  output.close(without, 0);
  output.leaf(TokenType::kNull, 0, 0);
  CHECK(output.tape().empty());
  CHECK(output.text() == "[");
  output.start(true);
  const size_t opened = output.open(TokenType::kObject);
  const size_t at = output.size();
  output.put("\"k\"");
  output.leaf(TokenType::kKey, at, 0);
  output.put(":1}");
  output.close(opened, 1);
  REQUIRE(output.tape().size() == 2);
  CHECK(output.tape()[0].length == 7);
  CHECK(output.tape()[0].next == 2);
  CHECK(output.tape()[0].count == 1);
  CHECK(output.tape()[1].offset == 1);
  CHECK(output.tape()[1].length == 3);
}

TEST_CASE("tokens of a copied value stand where its bytes stand now") {
  const testing::Text text(R"([0, {"a": [1e17, "x"]}, 2])");
  const json::ValueView part = *text.view().element(1);
  Output output;
  output.start(true);
  const size_t opened = output.open(TokenType::kArray);
  const size_t at = output.size();
  output.put(part.raw());
  output.copy_tokens(part, at, false);
  output.put(']');
  output.close(opened, 1);
  const testing::Text walked(output.text());
  REQUIRE(output.tape().size() == 6);
  for (uint32_t i = 0; i < 6; ++i) {
    INFO(i);
    const TapeToken& wanted = walked.view().root()[i];
    CHECK(output.tape()[i].offset == wanted.offset);
    CHECK(output.tape()[i].length == wanted.length);
    CHECK(output.tape()[i].next == wanted.next);
    CHECK(output.tape()[i].type() == wanted.type());
  }
}

TEST_CASE("a double that is spelled as an integer is one from then on") {
  // A literal's token keeps its own type inside the machine.
  TapeToken token{0, 18, 1, 0, 0, static_cast<uint32_t>(TokenType::kDouble)};
  const json::ValueView literal("100000000000000000", &token, 0);
  Output output;
  output.start(true);
  output.put(literal.raw());
  output.copy_tokens(literal, 0, true);
  CHECK(output.tape()[0].type() == TokenType::kInteger);
  output.start(true);
  output.put(literal.raw());
  output.copy_tokens(literal, 0, false);
  CHECK(output.tape()[0].type() == TokenType::kDouble);
}

}  // namespace colloquium::computo
