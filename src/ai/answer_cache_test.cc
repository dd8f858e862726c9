#include "ai/answer_cache.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

std::shared_ptr<const CallRecord> answer(uint64_t key, int64_t at_ms, int64_t until_ms, size_t bytes = 10) {
  auto record = std::make_shared<CallRecord>();
  record->kind = RecordKind::kAnswer;
  record->tags.at_ms = at_ms;
  record->content.text = std::string(bytes, 'x');
  record->cache = CacheMark{{key, key}, until_ms};
  return record;
}

TEST_CASE("an answer is there until its time is over, or that of whoever asks", "[REQ-072]") {
  AnswerCache cache(100'000);
  cache.put(answer(1, 1000, 2000));
  CHECK(cache.find({1, 1}, 5000, 1999) != nullptr);
  CHECK(cache.find({1, 1}, 500, 1499) != nullptr);
  CHECK(cache.find({1, 1}, 500, 1500) == nullptr);
  CHECK(cache.size() == 1);
  CHECK(cache.find({2, 2}, 5000, 1000) == nullptr);
  CHECK(cache.find({1, 1}, 5000, 2000) == nullptr);
  CHECK(cache.size() == 0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("what was asked for longest ago goes first") {
  AnswerCache cache(3 * 1600);
  for (uint64_t key = 1; key <= 3; ++key) cache.put(answer(key, 0, 9000, 1000));
  CHECK(cache.size() == 3);
  CHECK(cache.find({1, 1}, 9000, 1) != nullptr);
  cache.put(answer(4, 0, 9000, 1000));
  CHECK(cache.find({2, 2}, 9000, 1) == nullptr);
  CHECK(cache.find({1, 1}, 9000, 1) != nullptr);
  CHECK(cache.bytes() <= 3 * 1600);
  cache.put(answer(5, 0, 9000, 10'000));
  CHECK(cache.find({5, 5}, 9000, 1) == nullptr);
  CHECK(cache.size() == 3);
}

TEST_CASE("a newer answer takes the place of the older") {
  AnswerCache cache(100'000);
  cache.put(answer(1, 0, 9000, 10));
  cache.put(answer(1, 0, 9000, 20));
  CHECK(cache.size() == 1);
  CHECK(cache.find({1, 1}, 9000, 1)->content.text.size() == 20);
}

}  // namespace
}  // namespace colloquium::ai
