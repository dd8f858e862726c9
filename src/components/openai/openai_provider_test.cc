#include "components/openai/openai_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

namespace {

std::string problem(const std::string& settings) {
  return problem_of(openai_provider(), settings);
}

}  // namespace

TEST_CASE("OpenAI is where it is, with the key, the project and further headers", "[REQ-056]") {
  const AiConnection made = connection_of(
      openai_provider(), "{api_key: sk-1, organization: org-1, project: proj_1, headers: {X-Team: t}}");
  CHECK(made.key_file.empty());
  const AiHttpRequest http = asked(made);
  CHECK(http.url == "https://api.openai.com/v1/chat/completions");
  CHECK(header_of(http, "authorization") == "Bearer sk-1");
  CHECK(header_of(http, "openai-organization") == "org-1");
  CHECK(header_of(http, "openai-project") == "proj_1");
  CHECK(header_of(http, "x-team") == "t");
  CHECK(http.body.find("\"max_completion_tokens\":5") != std::string::npos);
  CHECK(http.body.find("include_usage") != std::string::npos);
}

TEST_CASE("a setting chooses the API, and switches are for servers that only speak alike", "[REQ-056]") {
  CHECK(asked(connection_of(openai_provider(), "{api_key: k, api: responses}")).url ==
        "https://api.openai.com/v1/responses");
  const AiConnection local = connection_of(
      openai_provider(), "{base_url: 'http://127.0.0.1:8000/v1/', old_max_tokens: true, stream_usage: false}");
  const AiHttpRequest http = asked(local);
  CHECK(http.url == "http://127.0.0.1:8000/v1/chat/completions");
  CHECK(header_of(http, "authorization") == "none");
  CHECK(http.body.find("\"max_tokens\":5") != std::string::npos);
  CHECK(http.body.find("include_usage") == std::string::npos);
}

TEST_CASE("a key file is found from the pipeline's folder", "[REQ-082]") {
  CHECK(connection_of(openai_provider(), "{api_key_file: keys/openai}").key_file == "/base/keys/openai");
  CHECK(connection_of(openai_provider(), "{api_key_file: /run/k}").key_file == "/run/k");
}

TEST_CASE("what OpenAI's settings can't be is told where it stands") {
  CHECK(problem("{}") == "p.yaml:1:1: error: openai needs api_key or api_key_file\n");
  CHECK(problem("{api_key: k, api_key_file: f}") == "p.yaml:1:28: error: give either api_key or api_key_file\n");
  CHECK(problem("{api_key: \"a\\nb\"}") == "p.yaml:1:11: error: api_key holds what no header can carry\n");
  CHECK(problem("{api_key: \"\"}") == "p.yaml:1:11: error: api_key is empty\n");
  CHECK(problem("{api_kee: k}").find("did you mean 'api_key'?") != std::string::npos);
  for (const char* bad :
       {"api.openai.com", "ftp://x", "https://", "https:///v1", "http://x?y=1", "http://x y"}) {
    INFO(bad);
    CHECK(
        problem("{api_key: k, base_url: '" + std::string(bad) + "'}").find("base_url must be http:// or https://") !=
        std::string::npos);
  }
  CHECK(problem("{api_key: k, headers: {'a b': c}}").find("'a b' and its value are no header") !=
        std::string::npos);
  CHECK(problem("{api_key: k, api: complete}").find("must be chat or responses") != std::string::npos);
  CHECK(problem("{api_key: k, api: responses, stream_usage: false}").find("stream_usage is for `api: chat`") !=
        std::string::npos);
}
