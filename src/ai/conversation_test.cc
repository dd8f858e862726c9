#include "ai/conversation.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

AiMessage called(const std::string& id, const std::string& tool) {
  return {AiRole::kAssistant, {AiToolCall{id, tool, "{}"}}};
}

AiMessage gave(const std::string& id) {
  return {AiRole::kUser, {AiToolResult{id, "1", false}}};
}

TEST_CASE("a result is of the last call with its id that stands before it") {
  AiRequest request;
  request.messages = {called("call-0", "look"), gave("call-0"), called("call-0", "ask"), gave("call-0"), gave("x")};
  CHECK(tool_of(request, request.messages[1], "call-0") == "look");
  CHECK(tool_of(request, request.messages[3], "call-0") == "ask");
  CHECK(tool_of(request, request.messages[4], "x").empty());
}

TEST_CASE("ids that are made are others in each turn, and the same for the same request") {
  AiRequest request;
  request.messages = {{AiRole::kUser, {AiText{"hi"}}}};
  CHECK(call_id_stem(request) == "call");
  request.tools.push_back({"look", "", "{}"});
  const std::string first = call_id_stem(request);
  CHECK(call_id_stem(request) == first);
  request.messages.push_back(called(first + "-0", "look"));
  request.messages.push_back(gave(first + "-0"));
  const std::string second = call_id_stem(request);
  CHECK(second != first);
  request.messages.push_back(called(second + "-0", "look"));
  request.messages.push_back(gave(second + "-0"));
  CHECK(call_id_stem(request) != second);
}

}  // namespace
}  // namespace colloquium::ai
