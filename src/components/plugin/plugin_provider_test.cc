#include "components/plugin/plugin_provider.h"

#include "ai/provider_test.h"

using namespace colloquium;
using namespace colloquium::components;
using namespace colloquium::ai;

TEST_CASE("an endpoint is asked as it is set", "[REQ-090]") {
  const AiConnection far = connection_of(
      plugin_provider(), "{url: 'https://models.example.org/v1/ask', api_key: k, headers: {X-A: b}}");
  CHECK_FALSE(far.program);
  CHECK(asked(far).url == "https://models.example.org/v1/ask");
  CHECK(header_of(asked(far), "authorization") == "Bearer k");
  CHECK(header_of(asked(far), "x-a") == "b");
  CHECK(connection_of(plugin_provider(), "{url: 'http://here/', api_key_file: key}").key_file == "/base/key");
}

TEST_CASE("a program has its folder, its environment and its times", "[REQ-090]") {
  const AiConnection made = connection_of(
      plugin_provider(),
      "{command: [python3, model.py], directory: models, environment: {KEY: x}, restart: {initial: 2s, max: 1m}, "
      "stall_timeout: 10s, stop_timeout: 1s}");
  REQUIRE(made.program);
  CHECK(made.program->command == std::vector<std::string>{"python3", "model.py"});
  CHECK(made.program->directory == "/base/models");
  CHECK(made.program->environment == std::vector<std::pair<std::string, std::string>>{{"KEY", "x"}});
  CHECK(made.access.secrets == std::vector<std::string>{"x"});
  CHECK(made.program->restart_initial_ms == 2000);
  CHECK(made.program->restart_max_ms == 60'000);
  CHECK(made.program->stall_ms == 10'000);
  CHECK(made.program->stop_ms == 1000);
  const AiConnection usual = connection_of(plugin_provider(), "{command: [./model]}");
  CHECK(usual.program->directory == "/base");
  CHECK(usual.program->stall_ms == AiProgram().stall_ms);
}

TEST_CASE("what a plugin can't be is told where it stands") {
  const auto problem = [](const std::string& settings, const std::string& what) {
    INFO(problem_of(plugin_provider(), settings));
    CHECK(problem_of(plugin_provider(), settings).find(what) != std::string::npos);
  };
  problem("{}", "give `command` or `url`");
  problem("{command: [a], url: 'http://b'}", "give `command` or `url`");
  problem("{url: here}", "url must be http:// or https://");
  problem("{command: ['']}", "command begins with the name of a program");
  problem("{command: [a], api_key: k}", "api_key is of an endpoint");
  problem("{url: 'http://b', directory: c}", "directory is of a program");
  problem("{command: [a], environment: {'A=B': c}}", "'A=B' and its value are no variable");
  problem("{url: 'http://b', api_key: k, api_key_file: f}", "give either api_key or api_key_file");
}
