#include "components/ollama/ollama_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

TEST_CASE("a server of one's own is asked without a key") {
  const AiHttpRequest http = asked(connection_of(ollama_provider(), "{}"));
  CHECK(http.url == "http://127.0.0.1:11434/api/chat");
  CHECK(header_of(http, "authorization") == "none");
  const AiConnection far =
      connection_of(ollama_provider(), "{base_url: 'https://ollama.example.org', api_key: k}");
  CHECK(asked(far).url == "https://ollama.example.org/api/chat");
  CHECK(header_of(asked(far), "authorization") == "Bearer k");
}

TEST_CASE("what Ollama's settings can't be is told where it stands") {
  CHECK(problem_of(ollama_provider(), "{base_url: localhost}").find("base_url must be http:// or https://") !=
        std::string::npos);
}
