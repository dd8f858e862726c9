#include "ai/event_answers.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

AiEvent event(int64_t offset, const std::string& partition = "in-0") {
  return {partition + "-" + std::to_string(offset), partition, offset};
}
io::Digest128 key(uint64_t number) {
  return {number, ~number};
}

TEST_CASE("what is unknown never takes the place of an answer", "[REQ-070]") {
  EventAnswers answers;
  answers.add(key(1), "a", event(5), {100, true});
  answers.add(key(1), "a", event(5), {101, false});
  CHECK_FALSE(answers.find(key(1))->unknown);
  answers.add(key(1), "a", event(5), {102, true});
  CHECK(answers.find(key(1))->offset == 101);
  answers.add(key(1), "a", event(5), {103, false});
  CHECK(answers.find(key(1))->offset == 103);
  CHECK(answers.lowest() == 103);
}

TEST_CASE("an answer is found until its event is settled") {
  EventAnswers answers;
  CHECK_FALSE(answers.lowest());
  answers.add(key(1), "a", event(5), {100, false});
  answers.add(key(2), "a", event(6), {90, false});
  answers.add(key(3), "b", event(5), {95, true});
  CHECK(answers.find(key(3))->unknown);
  CHECK(answers.lowest() == 90);
  answers.settle("a", "in-1", 10);
  answers.settle("a", "in-0", 6);
  CHECK_FALSE(answers.find(key(1)));
  CHECK(answers.find(key(2))->offset == 90);
  CHECK(answers.find(key(3)));
  answers.settle("a", "in-0", 7);
  CHECK(answers.lowest() == 95);
  answers.settle("b", "in-0", 6);
  CHECK_FALSE(answers.lowest());
  CHECK(answers.size() == 0);
}

TEST_CASE("what is newer takes the place of what is older, and what is settled stays so") {
  EventAnswers answers;
  answers.add(key(1), "a", event(5), {100, true});
  answers.add(key(1), "a", event(5), {120, false});
  CHECK(answers.size() == 1);
  CHECK(answers.lowest() == 120);
  CHECK_FALSE(answers.find(key(1))->unknown);
  answers.settle("a", "in-0", 8);
  answers.settle("a", "in-0", 3);
  answers.add(key(2), "a", event(7), {130, false});
  CHECK(answers.size() == 0);
  CHECK(answers.is_settled("a", event(7)));
  CHECK_FALSE(answers.is_settled("a", event(8)));
  CHECK_FALSE(answers.is_settled("b", event(7)));
}

TEST_CASE("an index finds the newest of each key") {
  AnswerIndex index;
  for (uint64_t i = 0; i < 1000; ++i) index.add(key((i * 7919) % 500), static_cast<int64_t>(i));
  index.sort();
  CHECK(index.size() == 500);
  for (uint64_t i = 500; i < 1000; ++i) CHECK(index.find(key((i * 7919) % 500)) == static_cast<int64_t>(i));
  CHECK_FALSE(index.find(key(500)));
  AnswerIndex none;
  none.sort();
  CHECK_FALSE(none.find(key(1)));
}

}  // namespace
}  // namespace colloquium::ai
