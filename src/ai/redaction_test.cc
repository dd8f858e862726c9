#include "ai/redaction.h"

#include <catch2/catch.hpp>

#include "config/ai_config.h"

namespace colloquium::ai {
namespace {

std::string redacted(const std::string& text) {
  static const auto kAll = *Redaction::create({"email", "card", "iban", "phone", "ip"}, {});
  return (*kAll)(text);
}

TEST_CASE("what has the form of a person's data is taken out", "[REQ-083]") {
  CHECK(redacted("mail ann.b+c@mail.example.org now") == "mail [email] now");
  CHECK(redacted("card 4111 1111 1111 1111, please") == "card [card], please");
  CHECK(redacted("card 5500-0000-0000-0004") == "card [card]");
  CHECK(redacted("to DE89 3704 0044 0532 0130 00 by noon") == "to [iban] by noon");
  CHECK(redacted("to GB82WEST12345698765432.") == "to [iban].");
  CHECK(redacted("call +49 30 901820-0 or 0171 2345678") == "call [phone] or [phone]");
  CHECK(redacted("from 192.168.10.1 and 2001:db8:0:0:0:0:0:1") == "from [ip] and [ip]");
}

TEST_CASE("what only looks alike is left") {
  for (const std::string text : {"order 4111 1111 1111 1112", "to GB81WEST12345698765432", "version 1.2.3",
                                 "in 2026", "a@b", "12:30:45", "no 300.1.1.1 here", "", "1234567"}) {
    CHECK(redacted(text) == text);
  }
}

TEST_CASE("expressions of a user's own go first", "[REQ-083]") {
  const auto redaction = Redaction::create({"email"}, {{"ticket", "T-[0-9]+"}, {"nothing", "x*"}});
  REQUIRE(redaction);
  CHECK((**redaction)("T-17 of a@b.org, axx") == "[ticket] of [email], a[nothing]");
}

TEST_CASE("what is no redaction is told") {
  CHECK_THAT(Redaction::create({"emial"}, {}).error().message, Catch::Contains("did you mean 'email'"));
  CHECK_THAT(Redaction::create({}, {{"bad", "("}}).error().message, Catch::Contains("redaction 'bad'"));
}

TEST_CASE("hostile text takes no longer") {
  const std::string text(1 << 20, '1');
  CHECK(redacted(text) == text);
  std::string colons;
  for (int i = 0; i < 200'000; ++i) colons += "a:";
  CHECK_FALSE(redacted(colons).empty());
}

TEST_CASE("every text of a request is redacted") {
  AiRequest request;
  request.messages.push_back(
      {AiRole::kUser, {AiText{"a"}, AiToolCall{"a", "a", "a"}, AiToolResult{"a", "a", false}}});
  request.inputs = {"a"};
  redact_texts(request, [](const std::string& text) { return text + "!"; });
  CHECK(std::get<AiText>(request.messages[0].parts[0]).text == "a!");
  CHECK(std::get<AiToolCall>(request.messages[0].parts[1]).arguments == "a!");
  CHECK(std::get<AiToolCall>(request.messages[0].parts[1]).name == "a");
  CHECK(std::get<AiToolResult>(request.messages[0].parts[2]).content == "a!");
  CHECK(request.inputs[0] == "a!");
}

TEST_CASE("the settings know the same redactions") {
  CHECK(std::vector<std::string_view>(std::begin(config::kRedactions), std::end(config::kRedactions)) ==
        redaction_kinds());
}

}  // namespace
}  // namespace colloquium::ai
