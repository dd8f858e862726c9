#include "components/google/google_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

TEST_CASE("Gemini is where it is, with the key in Google's header", "[REQ-058]") {
  const AiHttpRequest http = asked(connection_of(google_provider(), "{api_key: k}"));
  CHECK(http.url.starts_with("https://generativelanguage.googleapis.com/v1beta/models/m:"));
  CHECK(header_of(http, "x-goog-api-key") == "k");
  CHECK(asked(connection_of(google_provider(), "{base_url: 'http://here/'}"))
            .url.starts_with("http://here/v1beta/"));
}

TEST_CASE("what Google's settings can't be is told where it stands") {
  CHECK(problem_of(google_provider(), "{}") == "p.yaml:1:1: error: google needs api_key or api_key_file\n");
  CHECK_FALSE(problem_of(google_provider(), "{api_key: k, version: 1}").empty());
}
