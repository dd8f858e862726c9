#include "ai/call_price.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

struct Call {
  AiUsage said;
  CallContent content;
  size_t reasoning_bytes = 0;
  bool complete = false;

  Took took() const {
    const TokenEstimates estimates;
    return ai::took(said, content, reasoning_bytes, complete, AiRequest{}, {"openai", "p", "gpt-4o"}, 7,
                    estimates);
  }
};

TEST_CASE("what a provider said of an answer that is complete is what it took") {
  const Took took =
      Call{.said = {.input = 3, .output = 5, .reasoning = 2}, .reasoning_bytes = 999, .complete = true}.took();
  CHECK_FALSE(took.estimated);
  CHECK(took.usage.input == 3);
  CHECK(took.usage.total_output() == 7);
}

TEST_CASE("thoughts of an answer that broke off count as they were heard") {
  Call call{.said = {.input = 3, .output = 1}, .reasoning_bytes = 4000};
  const Took thought = call.took();
  CHECK(thought.estimated);
  CHECK(thought.usage.input == 3);
  CHECK(thought.usage.total_output() == 1000);
  call.content.text = "one two three";
  CHECK(call.took().usage.total_output() == 1003);
}

TEST_CASE("of an answer that broke off the larger counts, of what was said and what came, and is an estimate") {
  Call call{.said = {.input = 3, .output = 500, .reasoning = 20}, .reasoning_bytes = 400};
  call.content.text = "one two three";
  CHECK(call.took().estimated);
  CHECK(call.took().usage.output == 500);
  CHECK(call.took().usage.reasoning == 20);
  call.said = {};
  CHECK(call.took().usage.input == 7);
  CHECK(call.took().usage.total_output() == 103);
}

}  // namespace
}  // namespace colloquium::ai
