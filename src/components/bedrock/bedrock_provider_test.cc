#include "components/bedrock/bedrock_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

namespace {

std::string problem(const std::string& settings) {
  return problem_of(bedrock_provider(), settings);
}

}  // namespace

TEST_CASE("Bedrock is its region's, and what is sent to it is signed", "[REQ-060]") {
  AiConnection made = connection_of(
      bedrock_provider(), "{region: eu-west-1, access_key_id: AKIA, secret_access_key: s, session_token: t}");
  made.access.wall_ms = 1'440'938'160'000;
  const AiHttpRequest http = asked(made);
  CHECK(http.url == "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse-stream");
  CHECK(header_of(http, "authorization").find("Credential=AKIA/20150830/eu-west-1/bedrock/") != std::string::npos);
  CHECK(header_of(http, "x-amz-security-token") == "t");
  CHECK(connection_of(bedrock_provider(), "{region: cn-north-1, bearer_token: b}").access.base_url ==
        "https://bedrock-runtime.cn-north-1.amazonaws.com.cn");
}

TEST_CASE("a token is a bearer's, and keys may be in AWS's own file", "[REQ-060][REQ-082]") {
  const AiConnection bearer =
      connection_of(bedrock_provider(), "{region: us-east-1, bearer_token: b, base_url: 'http://x/'}");
  CHECK(asked(bearer).url == "http://x/model/m/converse-stream");
  CHECK(header_of(asked(bearer), "authorization") == "Bearer b");
  CHECK(connection_of(bedrock_provider(), "{region: us-east-1, bearer_token_file: t}").key_file == "/base/t");
  AiConnection file = connection_of(bedrock_provider(), "{region: us-east-1, credentials_file: /c, profile: p}");
  CHECK(file.key_file == "/c");
  REQUIRE(file.read_key);
  REQUIRE(file.read_key("[p]\naws_access_key_id=a\naws_secret_access_key=s\n", file.access));
  CHECK(file.access.signing->access_key_id == "a");
  CHECK_FALSE(file.read_key("[q]\n", file.access));
}

TEST_CASE("what Bedrock's settings can't be is told where it stands", "[REQ-060]") {
  CHECK(problem("{bearer_token: b}") == "p.yaml:1:1: error: missing key 'region' in bedrock\n");
  CHECK(problem("{region: US/1, bearer_token: b}").find("region must be one of AWS's") != std::string::npos);
  CHECK(problem("{region: r}").find("bedrock needs access_key_id and secret_access_key") != std::string::npos);
  CHECK(problem("{region: r, access_key_id: a}").find("go together") != std::string::npos);
  CHECK(problem("{region: r, secret_access_key: a}").find("go together") != std::string::npos);
  CHECK(problem("{region: r, bearer_token: b, credentials_file: c}").find("logs in one way") != std::string::npos);
  CHECK(problem("{region: r, bearer_token: b, session_token: t}").find("session_token is of an access_key_id") !=
        std::string::npos);
  CHECK(problem("{region: r, bearer_token: b, profile: p}").find("profile is of a credentials_file") !=
        std::string::npos);
  CHECK(problem("{region: r, bearer_token: \"a\\nb\"}").find("bearer_token holds what no header can carry") !=
        std::string::npos);
}
