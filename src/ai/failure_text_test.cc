#include "ai/failure_text.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

std::string shown(const std::string& message) {
  AiFailure failure;
  failure.message = message;
  AiAccess access{"http://here", "sk-a-long-secret", {{"X-Team", "another-secret"}, {"X-Short", "a"}}};
  access.signing = AiSigningKeys{"AKID", "signing-secret", "session-secret"};
  make_presentable(failure, access);
  return failure.message;
}

TEST_CASE("what a provider was logged in with is in no message", "[REQ-083]") {
  CHECK(shown("no such key: Bearer sk-a-long-secret") == "no such key: Bearer [key]");
  CHECK(shown("sk-a-long-secretsk-a-long-secret another-secret") == "[key][key] [key]");
  CHECK(shown("signing-secret, session-secret") == "[key], [key]");
  CHECK(shown("a short word stays") == "a short word stays");
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
