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
  CHECK(redacted("::1, [::1]:80, ::ffff:192.168.0.1 and ::a:b2 or 2001:db8::7") ==
        "[ip], [[ip]]:80, [ip] and [ip] or [ip]");
  CHECK(redacted("::dead:beef:1a2b") == "[ip]");
  CHECK(redacted("from 192.168.10.1 and 2001:db8:0:0:0:0:0:1") == "from [ip] and [ip]");
}

TEST_CASE("what stands before or behind hides nothing", "[REQ-083]") {
  CHECK(redacted("4111 1111 1111 1111 123") == "[card] 123");
  CHECK(redacted("4111111111111111 12/27") == "[card] 12/27");
  CHECK(redacted("1 5500-0000-0000-0004") == "1 [card]");
  CHECK(redacted("12 35 5500-0000-0000-0004 56") == "12 35 [card] 56");
  CHECK(redacted("BE68 5390 0754 7034 EUR") == "[iban] EUR");
  CHECK(redacted("XY98 BE68 5390 0754 7034 EUR") == "XY98 [iban] EUR");
  // By chance "12 34 5500-0000-0000" has the form of a card, too: nothing of either is left.
  CHECK(redacted("12 34 5500-0000-0000-0004 56") == "[card] 56");
  CHECK(redacted("to m\u00fcller@ex\u00e4mple.de now") == "to [email] now");
  CHECK(redacted("to \u674e@\u4f8b\u5b50.\u4e2d\u56fd") == "to [email]");
}

TEST_CASE("what only looks alike is left") {
  for (const std::string text :
       {"order 4111 1111 1111 1112", "to GB81WEST12345698765432", "version 1.2.3", "in 2026", "a@b", "12:30:45",
        "no 300.1.1.1 here", "", "1234567", "std::1", "::add", "a :: b", "::"}) {
    CHECK(redacted(text) == text);
  }
}

TEST_CASE("expressions of a user's own go first", "[REQ-083]") {
  const auto redaction = Redaction::create({"email"}, {{"ticket", "T-[0-9]+"}, {"xs", "x+"}});
  REQUIRE(redaction);
  CHECK((**redaction)("T-17 of a@b.org, axx") == "[ticket] of [email], a[xs]");
}

TEST_CASE("what is no redaction is told") {
  CHECK_THAT(Redaction::create({"emial"}, {}).error().message, Catch::Contains("did you mean 'email'"));
  CHECK_THAT(Redaction::create({}, {{"bad", "("}}).error().message, Catch::Contains("redaction 'bad'"));
}

TEST_CASE("an expression that finds nothing, everywhere, is refused") {
  for (const char* expression :
       {"x*", "", "(?:a|b?)", "\\b", "\\B", "^", "(?m)$", "(?m)^(?:T-)?", "\\b(?:foo)?"}) {
    INFO(expression);
    const auto made = Redaction::create({}, {{"mine", expression}});
    REQUIRE_FALSE(made);
    CHECK_THAT(made.error().message, Catch::Contains("redaction 'mine' also matches the empty text"));
  }
  CHECK(Redaction::create({}, {{"mine", "\\bT-?[0-9]*"}}));
}

TEST_CASE("hostile text takes no longer") {
  const std::string text(1 << 20, '1');
  CHECK(redacted(text) == text);
  // Every place may be the beginning of a card, and none is.
  std::string ones;
  for (int i = 0; i < 100'000; ++i) ones += "1 ";
  CHECK(redacted(ones).size() <= ones.size());
  std::string colons;
  for (int i = 0; i < 200'000; ++i) colons += "a:";
  CHECK_FALSE(redacted(colons).empty());
}

TEST_CASE("every text of a request is redacted", "[REQ-083]") {
  AiRequest request;
  request.messages.push_back({AiRole::kUser,
                              {AiText{"a"}, AiToolCall{"a", "a", R"({"a": ["a", {"b": "a"}], "c": 17})"},
                               AiToolResult{"a", "a", false}}});
  request.messages.push_back(
      {AiRole::kUser, {AiImage{"a", "", ""}, AiImage{"Data:a", "", ""}, AiImage{"", "image/png", "a"}}});
  request.inputs = {"a"};
  request.tools = {{"a", "a", R"({"a": "a"})"}};
  request.output_schema = R"({"a": ["a"]})";
  request.parameters.stop = {"a"};
  request.parameters.extra = R"({"a": "a"})";
  redact_texts(request, [](const std::string& text) {
    return text == "a" || text == "17" || text == "Data:a" ? "[x]" : text;
  });
  CHECK(std::get<AiImage>(request.messages[1].parts[0]).url == "[x]");
  CHECK(std::get<AiImage>(request.messages[1].parts[1]).url == "Data:a");
  CHECK(std::get<AiImage>(request.messages[1].parts[2]).base64 == "a");
  CHECK(std::get<AiText>(request.messages[0].parts[0]).text == "[x]");
  CHECK(std::get<AiToolCall>(request.messages[0].parts[1]).arguments ==
        R"({"[x]":["[x]",{"b":"[x]"}],"c":"[x]"})");
  CHECK(std::get<AiToolCall>(request.messages[0].parts[1]).name == "a");
  CHECK(std::get<AiToolResult>(request.messages[0].parts[2]).content == "[x]");
  CHECK(request.inputs[0] == "[x]");
  CHECK(request.tools[0].name == "a");
  CHECK(request.tools[0].description == "[x]");
  CHECK(request.tools[0].parameters == R"({"a":"[x]"})");
  CHECK(request.output_schema == R"({"a":["[x]"]})");
  CHECK(request.parameters.stop[0] == "[x]");
  CHECK(request.parameters.extra == R"({"a":"[x]"})");
}

TEST_CASE("what JSON says with escapes is redacted, and JSON stays JSON", "[REQ-083]") {
  const auto redaction = *Redaction::create({"email", "card"}, {{"pin", R"("pin": *"[0-9]+")"}});
  const auto redact = [&](const std::string& arguments) {
    AiRequest request;
    request.messages = {
        {AiRole::kAssistant, {AiToolCall{"i", "n", arguments}, AiToolResult{"i", arguments, false}}}};
    redact_texts(request, [&](const std::string& text) { return (*redaction)(text); });
    return std::pair(std::get<AiToolCall>(request.messages[0].parts[0]).arguments,
                     std::get<AiToolResult>(request.messages[0].parts[1]).content);
  };
  const std::string mail = R"({"to":"[email]","n":1.50})";
  CHECK(redact(R"({"to": "bob\u0040x.com", "n": 1.50})") == std::pair(mail, mail));
  CHECK(redact(R"({"card": 4111111111111111})").first == R"({"card":"[card]"})");
  CHECK(redact(R"({"bob@x.com": null})").first == R"({"[email]":null})");
  CHECK(redact(R"({"pin": "1234"})").first == R"({"_raw":"{[pin]}"})");
  CHECK(redact(R"({"left": "as \u0069t is"})").first == R"({"left": "as \u0069t is"})");
  CHECK(redact("bob@x.com, {").first == "[email], {");
}

TEST_CASE("the settings know the same redactions") {
  CHECK(std::vector<std::string_view>(std::begin(config::kRedactions), std::end(config::kRedactions)) ==
        redaction_kinds());
}

}  // namespace
}  // namespace colloquium::ai
