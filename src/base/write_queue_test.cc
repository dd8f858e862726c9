#include "base/write_queue.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

namespace colloquium {
namespace {

std::shared_ptr<const Batch> batch_of(const std::vector<std::string>& values) {
  BatchBuilder builder;
  for (const std::string& value : values) builder.add(value, {}, {});
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

// Pushes writes and keeps the answers, as "ok", or a letter per event: o, r.
class Fixture {
 public:
  void push(const std::vector<std::string>& values) {
    const size_t number = answers.size();
    answers.emplace_back();
    queue.push(batch_of(values), [this, number](std::vector<EventOutcome> outcomes) {
      CHECK(answers[number].empty());
      if (outcomes.empty()) answers[number] = "ok";
      for (const EventOutcome& one : outcomes) answers[number] += one.outcome == Outcome::kOk ? 'o' : 'r';
    });
  }
  WriteQueue queue;
  std::vector<std::string> answers;
};

TEST_CASE("a group has one write at least, and more while they stay within the bytes") {
  Fixture f;
  f.push({"1234567890", "1234567890"});
  f.push({"12345"});
  f.push({"12345"});
  f.push({"1"});
  WriteGroup first = f.queue.take(8);
  CHECK(first.writes.size() == 1);
  WriteGroup second = f.queue.take(10);
  CHECK(second.writes.size() == 2);
  WriteGroup third = f.queue.take(0);
  CHECK(third.writes.size() == 1);
  CHECK(f.queue.take(100).empty());
  for (WriteGroup* group : {&first, &second, &third}) group->answer();
  CHECK(f.answers == std::vector<std::string>{"ok", "ok", "ok", "ok"});
}

TEST_CASE("each write is told its own outcomes, and nothing more where all is well") {
  Fixture f;
  f.push({"1", "2"});
  f.push({"3", "4"});
  WriteGroup group = f.queue.take(100);
  group.writes[0].outcomes.resize(2);
  group.writes[1].outcomes.resize(2);
  group.writes[1].outcomes[1].outcome = Outcome::kRetry;
  group.answer();
  CHECK(group.empty());
  CHECK(f.answers == std::vector<std::string>{"ok", "or"});
}

TEST_CASE("what is put back is first again, in its order") {
  Fixture f;
  f.push({"1"});
  f.push({"2"});
  f.push({"3"});
  f.queue.put_back(f.queue.take(2));
  CHECK(f.queue.size() == 3);
  WriteGroup group = f.queue.take(100);
  REQUIRE(group.writes.size() == 3);
  CHECK(group.writes[0].batch->value(0) == "1");
  CHECK(group.writes[2].batch->value(0) == "3");
  group.answer();
}

TEST_CASE("what is refused ends with a retry, also what waits") {
  Fixture f;
  f.push({"1", "2"});
  f.push({"3"});
  WriteGroup group = f.queue.take(2);
  group.refuse({ErrorCode::kCancelled, "closed", true, {}});
  f.queue.refuse({ErrorCode::kCancelled, "closed", true, {}});
  CHECK(f.queue.empty());
  CHECK(f.answers == std::vector<std::string>{"rr", "r"});
}

TEST_CASE("a write that comes while others are answered is kept") {
  WriteQueue queue;
  int answered = 0;
  queue.push(batch_of({"1"}), [&](std::vector<EventOutcome>) {
    queue.push(batch_of({"2"}), [&](std::vector<EventOutcome>) { ++answered; });
    ++answered;
  });
  queue.refuse({ErrorCode::kCancelled, "closed", true, {}});
  CHECK(answered == 1);
  CHECK(queue.size() == 1);
  queue.take(1).answer();
  CHECK(answered == 2);
}

}  // namespace
}  // namespace colloquium
