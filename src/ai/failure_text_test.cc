#include "ai/failure_text.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

std::string shown(const std::string& message) {
  AiFailure failure;
  failure.message = message;
  AiAccess access{"http://here",
                  "sk-a-long-secret",
                  {{"X-Team", "another-secret"}, {"X-Short", "a"}, {"Proxy-Authorization", "Bearer  topsecret"}}};
  access.secrets = {"of the program"};
  access.signing = AiSigningKeys{"AKID", "signing-secret", "session-secret"};
  make_presentable(failure, access);
  return failure.message;
}

TEST_CASE("what a provider was logged in with is in no message", "[REQ-083]") {
  CHECK(shown("no such key: Bearer sk-a-long-secret") == "no such key: Bearer [key]");
  CHECK(shown("sk-a-long-secretsk-a-long-secret another-secret") == "[key][key] [key]");
  CHECK(shown("signing-secret, session-secret") == "[key], [key]");
  CHECK(shown("a short word stays") == "a short word stays");
  CHECK(shown("what is of the program") == "what is [key]");
}

TEST_CASE("a key is hidden without the word before it, and where a message was cut", "[REQ-083]") {
  CHECK(shown("bad token topsecret") == "bad token [key]");
  CHECK(shown("bad header Bearer  topsecret!") == "bad header [key]!");
  CHECK(shown("bad key sk-a-long-secre") == "bad key [key]");
  CHECK(shown("bad key sk-a-lon") == "bad key [key]");
}

TEST_CASE("a message is text, wherever it was cut") {
  CHECK(shown("it said \xc3\xa9\xc3") == "it said \xc3\xa9\xef\xbf\xbd");
  CHECK(shown("\xff\xfe") == "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("a short key is not looked for in words") {
  AiFailure failure;
  failure.message = "key is wrong";
  make_presentable(failure, AiAccess{"http://here", "k", {}});
  CHECK(failure.message == "key is wrong");
}

}  // namespace
}  // namespace colloquium::ai
