#include "components/bedrock/aws_credentials_file.h"

#include <catch2/catch.hpp>

using namespace colloquium;
using namespace colloquium::components;

namespace {

constexpr char kFile[] =
    "# made by hand\n"
    "aws_access_key_id = outside\n"
    "[default]\n"
    "aws_access_key_id = AKIA1\r\n"
    "aws_secret_access_key=a/b+c==\n"
    "region = eu-west-1\n"
    "\n"
    "[ team a ]\n"
    "  aws_access_key_id=ASIA2\n"
    "; old\n"
    "aws_secret_access_key = s2\n"
    "aws_session_token = t2\n"
    "[half]\n"
    "aws_access_key_id = AKIA3\n"
    "no equals sign\n"
    "[broken\n"
    "aws_secret_access_key = s3";

}  // namespace

TEST_CASE("the keys of a profile are read out of AWS's file", "[REQ-060][REQ-082]") {
  const auto plain = parse_aws_credentials(kFile, "default");
  REQUIRE(plain);
  CHECK(plain->access_key_id == "AKIA1");
  CHECK(plain->secret_access_key == "a/b+c==");
  CHECK(plain->session_token.empty());
  const auto team = parse_aws_credentials(kFile, "team a");
  REQUIRE(team);
  CHECK(team->access_key_id == "ASIA2");
  CHECK(team->secret_access_key == "s2");
  CHECK(team->session_token == "t2");
}

TEST_CASE("a profile that is not there, or lacks a key, is told without what there is", "[REQ-060]") {
  CHECK(parse_aws_credentials(kFile, "none").error().message == "it has no profile 'none'");
  CHECK(parse_aws_credentials("", "default").error().message == "it has no profile 'default'");
  CHECK(parse_aws_credentials(kFile, "half").error().message ==
        "its profile 'half' needs aws_access_key_id and aws_secret_access_key");
}
