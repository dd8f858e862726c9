#include "components/azure/azure_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

namespace {

std::string problem(const std::string& settings) {
  return problem_of(azure_provider(), settings);
}

}  // namespace

TEST_CASE("a resource's deployment is asked with its key, or with a token", "[REQ-059]") {
  const AiConnection made =
      connection_of(azure_provider(),
                    "{resource: res, api_key: k, deployments: {gpt-4o: ours}, api_version: 2025-01-01-preview}");
  const AiHttpRequest http = asked(made, "gpt-4o");
  CHECK(http.url ==
        "https://res.openai.azure.com/openai/deployments/ours/chat/completions?api-version=2025-01-01-preview");
  CHECK(header_of(http, "api-key") == "k");
  const AiConnection token = connection_of(
      azure_provider(), "{base_url: 'http://here/', auth: bearer, api_key: t, old_max_tokens: true}");
  CHECK(asked(token).url == "http://here/openai/deployments/m/chat/completions?api-version=2024-10-21");
  CHECK(header_of(asked(token), "authorization") == "Bearer t");
  CHECK(asked(token).body.find("\"max_tokens\":5") != std::string::npos);
  CHECK(connection_of(azure_provider(), "{resource: res, api_key_file: t}").key_file == "/base/t");
}

TEST_CASE("what Azure's settings can't be is told where it stands", "[REQ-059]") {
  CHECK(problem("{api_key: k}") == "p.yaml:1:1: error: azure needs either resource or base_url\n");
  CHECK(problem("{api_key: k, resource: r, base_url: 'http://x'}").find("either resource or base_url") !=
        std::string::npos);
  CHECK(problem("{resource: r}") == "p.yaml:1:1: error: azure needs api_key or api_key_file\n");
  CHECK(problem("{api_key: k, resource: r.openai.azure.com}").find("an address goes into base_url") !=
        std::string::npos);
  CHECK(problem("{api_key: k, resource: r, api_version: 'a&b'}").find("api_version must be one such as") !=
        std::string::npos);
  CHECK(problem("{api_key: k, resource: r, deployments: {m: a/b}}").find("'a/b' is no name of a deployment") !=
        std::string::npos);
}
