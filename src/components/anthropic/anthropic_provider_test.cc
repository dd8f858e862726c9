#include "components/anthropic/anthropic_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

TEST_CASE("Claude is asked in the version that is set, with the key as it has it", "[REQ-057]") {
  const AiHttpRequest older = asked(connection_of(anthropic_provider(), "{api_key: k}"));
  CHECK(older.url == "https://api.anthropic.com/v1/messages");
  CHECK(header_of(older, "anthropic-version") == "2023-06-01");
  CHECK(header_of(older, "x-api-key") == "k");
  const AiHttpRequest newer = asked(connection_of(anthropic_provider(), "{api_key: k, version: '2026-10-21'}"));
  CHECK(header_of(newer, "anthropic-version") == "2026-10-21");
  CHECK(header_of(newer, "authorization") == "Bearer k");
  CHECK(header_of(newer, "x-api-key") == "none");
  const auto with_auth = [](const std::string& settings) {
    return asked(connection_of(anthropic_provider(), "{api_key: k, " + settings + "}"));
  };
  CHECK(header_of(with_auth("auth: bearer"), "authorization") == "Bearer k");
  CHECK(header_of(with_auth("version: '2026-10-21', auth: api_key"), "x-api-key") == "k");
}

TEST_CASE("what Anthropic's settings can't be is told where it stands") {
  CHECK(problem_of(anthropic_provider(), "{}") == "p.yaml:1:1: error: anthropic needs api_key or api_key_file\n");
  CHECK(problem_of(anthropic_provider(), "{base_url: 'http://here'}").empty());
  CHECK(problem_of(anthropic_provider(), "{api_key: k, version: '2023/06/01'}") ==
        "p.yaml:1:23: error: version must be a date such as 2023-06-01\n");
  CHECK_FALSE(problem_of(anthropic_provider(), "{api_key: k, auth: basic}").empty());
}
