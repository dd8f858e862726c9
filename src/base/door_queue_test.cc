#include "base/door_queue.h"

#include <catch2/catch.hpp>
#include <deque>
#include <string>
#include <vector>

#include "base/logging.h"
#include "base/manual_clock.h"
#include "loop/test_loop.h"
#include "tests/fake_intake.h"

namespace colloquium {
namespace {

RawBatch body(const std::string& text, int64_t position = 0) {
  RawBatch batch;
  batch.body = std::make_shared<const std::string>(text);
  batch.format = BodyFormat::kNdjson;
  batch.position = position;
  batch.cursor = "behind " + text;
  return batch;
}

RawBatch message(const std::string& text, int64_t position) {
  RawBatch batch;
  batch.messages.push_back({.value = text, .key = {}, .headers = {}, .timestamp_ms = {}});
  batch.position = position;
  batch.cursor = "behind " + text;
  return batch;
}

class Fixture {
 public:
  explicit Fixture(size_t at_door_max = 1, Overflow overflow = {}) {
    set_log_writer([this](std::string_view line) { log.emplace_back(line); });
    queue = std::make_unique<DoorQueue>(loop, intake, DoorQueueOptions{"kind", "in", "", at_door_max, overflow},
                                        [this] { ++moved; });
  }
  ~Fixture() { set_log_writer(nullptr); }

  void push(const std::string& text) { queue->push(body(text)); }
  std::string offered() const {
    std::string all;
    for (const RawBatch& batch : intake.emitted) all += *batch.body;
    return all;
  }

  ManualClock clock;
  loop::TestLoop loop{clock};
  FakeIntake intake{loop};
  std::vector<std::string> log;
  int moved = 0;
  std::unique_ptr<DoorQueue> queue;
};

TEST_CASE("what is pushed goes to the door in order, one at a time, and is gone when it was accepted") {
  Fixture f;
  f.intake.hold();
  f.push("a");
  f.push("b");
  CHECK(f.intake.emitted.empty());
  f.queue->pump();
  CHECK(f.offered() == "a");
  CHECK(f.queue->size() == 2);
  CHECK(f.queue->waiting() == 1);
  CHECK(f.queue->waiting_bytes() == 1);
  CHECK(f.moved == 0);
  f.intake.accept();
  CHECK(f.offered() == "ab");
  CHECK(f.moved == 1);
  f.intake.accept();
  CHECK(f.queue->empty());
  CHECK(f.intake.accepted == "ab");
  CHECK(f.moved == 2);
}

TEST_CASE("a door that is not ready is waited for, and the source is told when something went there") {
  Fixture f;
  f.intake.hold();
  f.intake.set_ready(false);
  f.push("a");
  f.queue->pump();
  f.queue->pump();
  CHECK(f.intake.emitted.empty());
  f.intake.set_ready(true);
  CHECK(f.offered() == "a");
  CHECK(f.moved == 1);
}

TEST_CASE("what was turned away is offered again after the wait that was asked for, before what is behind it") {
  Fixture f;
  f.intake.hold();
  f.push("a");
  f.push("b");
  f.queue->pump();
  f.intake.refuse(ErrorCode::kUnavailable, 300);
  f.queue->pump();
  f.loop.advance(299);
  CHECK(f.offered() == "a");
  CHECK(f.queue->waiting_bytes() == 2);
  f.loop.advance(1);
  CHECK(f.offered() == "aa");
  f.intake.accept();
  f.intake.accept();
  CHECK(f.intake.accepted == "ab");
}

TEST_CASE("without a wait asked for it is a second, and one message tells of all refusals in a row") {
  Fixture f;
  f.intake.hold();
  f.push("a");
  f.queue->pump();
  for (int i = 0; i < 3; ++i) {
    f.intake.refuse(ErrorCode::kNoSpace, 0);
    f.loop.advance(999);
    CHECK(f.intake.under_way() == 0);
    f.loop.advance(1);
  }
  f.intake.accept();
  REQUIRE(f.log.size() == 1);
  CHECK(f.log[0].find("not accepted, offered again until it is") != std::string::npos);
  CHECK(f.log[0].find("source=in") != std::string::npos);
  f.push("b");
  f.queue->pump();
  f.intake.refuse(ErrorCode::kNoSpace, 0);
  CHECK(f.log.size() == 2);
}

TEST_CASE("of several at the door all come back before the first that failed is offered again") {
  Fixture f(4);
  f.intake.hold();
  for (const char* text : {"a", "b", "c", "d", "e"}) f.push(text);
  f.queue->pump();
  CHECK(f.offered() == "abcd");
  f.intake.accept();
  CHECK(f.offered() == "abcde");
  CHECK(f.queue->cursor() == "behind a");
  f.intake.refuse(ErrorCode::kUnavailable, 200);
  f.intake.refuse(ErrorCode::kUnavailable, 700);
  f.intake.refuse(ErrorCode::kUnavailable, 100);
  f.loop.advance(5000);
  CHECK(f.offered() == "abcde");
  f.intake.refuse(ErrorCode::kUnavailable, 100);
  f.loop.advance(699);
  CHECK(f.offered() == "abcde");
  f.loop.advance(1);
  CHECK(f.offered() == "abcdebcde");
  while (f.intake.under_way() > 0) f.intake.accept();
  CHECK(f.intake.accepted == "abcde");
  CHECK(f.queue->cursor() == "behind e");
  CHECK(f.queue->empty());
}

// Answers in whatever order a test asks for, or inside emit().
class OtherDoor final : public Intake {
 public:
  void emit(RawBatch batch, AckFn ack) override {
    bodies += *batch.body;
    if (full > 0) {
      --full;
      Ack refusal;
      refusal.error = Error{ErrorCode::kUnavailable, "too much is under way", true, {}};
      return ack(std::move(refusal));
    }
    if (at_once) return ack({.accepted = 1});
    acks.push_back(std::move(ack));
  }
  bool ready() const override { return true; }
  void when_ready(Task) override {}
  Intake& part(const std::string&) override { return *this; }
  std::string stored_cursor() const override { return {}; }

  std::string bodies;
  std::deque<AckFn> acks;
  bool at_once = false;
  int full = 0;
};

TEST_CASE("acknowledgements may overtake each other: position and cursor stay behind what is still out") {
  ManualClock clock;
  loop::TestLoop loop{clock};
  OtherDoor door;
  DoorQueue queue(loop, door, {"kind", "in", "", 3}, [] {});
  queue.push(body("aa", 10));
  queue.push(body("bbb", 12));
  queue.pump();
  door.acks[1]({.accepted = 1});
  CHECK(queue.size() == 2);
  CHECK(queue.position() == 0);
  CHECK(queue.cursor().empty());
  door.acks[0]({.accepted = 1});
  CHECK(queue.empty());
  CHECK(queue.position() == 15);
  CHECK(queue.cursor() == "behind bbb");
}

TEST_CASE("a door that answers inside emit is neither overrun nor forgotten") {
  ManualClock clock;
  loop::TestLoop loop{clock};
  OtherDoor door;
  door.at_once = true;
  door.full = 1;
  int moved = 0;
  DoorQueue queue(loop, door, {"kind", "in", "", 3}, [&] { ++moved; });
  for (const char* text : {"a", "b", "c"}) queue.push(body(text));
  queue.pump();
  CHECK(door.bodies == "a");
  loop.advance(1000);
  CHECK(door.bodies == "aabc");
  CHECK(queue.empty());
  CHECK(moved == 1);
}

TEST_CASE("after a stop nothing goes to the door, and what was there counts when it is accepted") {
  Fixture f;
  f.intake.hold();
  f.push("a");
  f.push("b");
  f.queue->pump();
  f.queue->stop();
  f.intake.accept();
  f.queue->pump();
  f.loop.advance(10'000);
  CHECK(f.offered() == "a");
  CHECK(f.queue->cursor() == "behind a");
  CHECK(f.moved == 0);
  CHECK(f.log.empty());
}

TEST_CASE("a stop ends the waiting for another attempt, and for the door") {
  Fixture f;
  f.intake.hold();
  f.push("a");
  f.queue->pump();
  f.intake.refuse(ErrorCode::kUnavailable, 100);
  f.queue->stop();
  CHECK(f.loop.open_timers() == 0);
  f.intake.set_ready(false);
  Fixture g;
  g.intake.set_ready(false);
  g.push("a");
  g.queue->pump();
  g.queue->stop();
  g.intake.set_ready(true);
  CHECK(g.intake.emitted.empty());
  CHECK(g.moved == 0);
}

TEST_CASE("a refusal that comes after the stop is not said") {
  Fixture f;
  f.intake.hold();
  f.push("a");
  f.queue->pump();
  f.queue->stop();
  f.intake.refuse(ErrorCode::kCancelled, 0);
  CHECK(f.log.empty());
  CHECK(f.loop.open_timers() == 0);
}

TEST_CASE("what a stop leaves of what can't be read again is counted and said") {
  Fixture f;
  f.intake.hold();
  for (const std::string text : {"1\n2\n", "3\n", "4\n5\n6\n"}) {
    f.queue->push({.body = std::make_shared<const std::string>(text), .format = BodyFormat::kNdjson});
  }
  f.push("can be read again");
  f.queue->pump();
  f.queue->stop();
  CHECK(f.queue->left().value() == 4);
  REQUIRE(f.log.size() == 1);
  CHECK_THAT(f.log[0], Catch::Contains("stopped before") && Catch::Contains("dropped=4"));
  // What was at the door counts when it is turned away.
  f.intake.refuse(ErrorCode::kUnavailable, 0);
  CHECK(f.queue->left().value() == 6);
  f.queue->leave(message("late", 9));
  CHECK(f.queue->left().value() == 7);
  CHECK(f.log.size() == 3);
  CHECK(f.queue->dropped().value() == 0);
}

TEST_CASE("acknowledgements and an opening door that come after the end find nobody") {
  Fixture f(2);
  f.intake.hold();
  f.push("a");
  f.push("b");
  f.queue->pump();
  Fixture g;
  g.intake.set_ready(false);
  g.push("a");
  g.queue->pump();
  f.queue.reset();
  g.queue.reset();
  f.intake.accept();
  f.intake.refuse(ErrorCode::kUnavailable, 0);
  g.intake.set_ready(true);
  f.loop.run_until_idle();
  CHECK(f.moved == 0);
  CHECK(g.moved == 0);
  CHECK(g.intake.emitted.empty());
}

TEST_CASE("messages that come one by one while the door is busy travel together") {
  Fixture f;
  f.intake.hold();
  f.queue->push_message(message("a", 5));
  f.queue->pump();
  for (int i = 0; i < 3; ++i) f.queue->push_message(message(std::string(1, static_cast<char>('b' + i)), 6 + i));
  CHECK(f.queue->size() == 2);
  CHECK(f.queue->waiting_bytes() == 3 * (sizeof(RawMessage) + 1));
  f.intake.accept();
  REQUIRE(f.intake.emitted.size() == 2);
  CHECK(f.intake.emitted[1].position == 6);
  CHECK(f.intake.emitted[1].messages.size() == 3);
  CHECK(f.intake.emitted[1].cursor == "behind d");
  f.intake.refuse(ErrorCode::kUnavailable, 0);
  // What was offered stays as it was.
  f.queue->push_message(message("e", 9));
  f.loop.advance(1000);
  CHECK(f.intake.emitted.back().messages.size() == 3);
  f.intake.accept();
  CHECK(f.intake.emitted.back().position == 9);
  CHECK(f.queue->position() == 9);
  f.intake.accept();
  CHECK(f.queue->position() == 10);
}

TEST_CASE("with drop_new what comes while the buffer is full is dropped, and what waits stays") {
  Fixture f(1, {OverflowPolicy::kDropNew, 4});
  f.intake.hold();
  for (const char* text : {"1\n", "2\n", "3\n", "4\n", "5\n"}) {
    f.push(text);
    f.queue->pump();
  }
  CHECK(f.queue->size() == 3);
  CHECK(f.queue->waiting_bytes() == 4);
  CHECK(f.queue->dropped().value() == 2);
  f.intake.accept();
  f.push("6\n");
  while (f.intake.under_way() > 0) f.intake.accept();
  CHECK(f.intake.accepted == "1\n2\n3\n6\n");
  CHECK(f.queue->dropped().value() == 2);
}

TEST_CASE("with drop_old what has waited longest makes room, and what is at the door stays") {
  Fixture f(2, {OverflowPolicy::kDropOld, 6});
  f.intake.hold();
  for (const char* text : {"1\n", "2\n", "3\n", "4\n", "5\n", "6\n", "77\n"}) {
    f.push(text);
    f.queue->pump();
  }
  CHECK(f.offered() == "1\n2\n");
  CHECK(f.queue->waiting_bytes() == 5);
  CHECK(f.queue->dropped().value() == 3);
  while (f.intake.under_way() > 0) f.intake.accept();
  CHECK(f.intake.accepted == "1\n2\n6\n77\n");
  CHECK(f.queue->cursor() == "behind 77\n");
  CHECK(f.queue->empty());
}

TEST_CASE("what the door turned away may be the oldest, and order holds for the others") {
  Fixture f(2, {OverflowPolicy::kDropOld, 4});
  f.intake.hold();
  for (const char* text : {"1\n", "2\n", "3\n"}) {
    f.push(text);
    f.queue->pump();
  }
  f.intake.refuse(ErrorCode::kUnavailable, 100);
  f.intake.refuse(ErrorCode::kUnavailable, 100);
  CHECK(f.queue->size() == 3);
  f.push("4\n");
  CHECK(f.queue->dropped().value() == 2);
  f.loop.advance(100);
  while (f.intake.under_way() > 0) f.intake.accept();
  CHECK(f.intake.accepted == "3\n4\n");
  CHECK(f.queue->empty());
}

TEST_CASE("one that is larger than the buffer may wait alone") {
  for (const OverflowPolicy policy : {OverflowPolicy::kDropNew, OverflowPolicy::kDropOld}) {
    Fixture f(1, {policy, 4});
    f.intake.hold();
    f.push("1\n");
    f.queue->pump();
    f.push("2222222\n");
    CHECK(f.queue->waiting() == 1);
    CHECK(f.queue->dropped().value() == 0);
    f.push("3\n");
    CHECK(f.queue->waiting() == 1);
    CHECK(f.queue->dropped().value() == 1);
    while (f.intake.under_way() > 0) f.intake.accept();
    CHECK(f.intake.accepted == (policy == OverflowPolicy::kDropNew ? "1\n2222222\n" : "1\n3\n"));
  }
}

// Records of two bytes, the first of which is no record but a header.
class PairDecoder final : public RecordDecoder {
 public:
  bool next(std::string_view& rest, std::string_view& record) const override {
    if (rest.empty()) return false;
    record = rest.substr(0, 2);
    rest.remove_prefix(record.size());
    return true;
  }
  std::optional<Failure> decode(std::string_view, std::vector<char>&) const override { return std::nullopt; }
};

TEST_CASE("drops are counted in events, as the door would have cut them") {
  Fixture f(1, {OverflowPolicy::kDropNew, 1});
  f.intake.set_ready(false);
  f.push("waits\n");
  RawBatch lines = body("1\r\n\n  \n2\n3");
  f.queue->push(lines);
  CHECK(f.queue->dropped().value() == 3);
  RawBatch records = body("hhaabb");
  records.decoder = std::make_shared<PairDecoder>();
  records.records_begin = 2;
  f.queue->push(records);
  CHECK(f.queue->dropped().value() == 5);
  f.queue->push(message("m", 0));
  CHECK(f.queue->dropped().value() == 6);
}

TEST_CASE("drops are told at once, then at most every ten seconds, and at the end") {
  Fixture f(1, {OverflowPolicy::kDropNew, 1});
  f.intake.set_ready(false);
  f.push("waits\n");
  for (int i = 0; i < 100; ++i) f.push("1\n");
  REQUIRE(f.log.size() == 1);
  CHECK(f.log[0].find("new events are dropped") != std::string::npos);
  f.loop.advance(9'999);
  CHECK(f.log.size() == 1);
  f.loop.advance(1);
  REQUIRE(f.log.size() == 2);
  CHECK(f.log[1].find("dropped=99") != std::string::npos);
  f.loop.advance(10'000);
  CHECK(f.log.size() == 2);
  f.push("1\n");
  CHECK(f.log.size() == 3);
  f.push("1\n");
  f.queue->stop();
  CHECK(f.log.size() == 4);
  CHECK(f.loop.open_timers() == 0);
}

TEST_CASE("of messages that come one by one a part is dropped, and positions have gaps there") {
  Fixture f(1, {OverflowPolicy::kDropOld, 64 * (sizeof(RawMessage) + 1)});
  f.intake.hold();
  for (int i = 0; i < 200; ++i) {
    f.queue->push_message(message("m", i));
    f.queue->pump();
  }
  CHECK(f.queue->waiting_bytes() <= 64 * (sizeof(RawMessage) + 1));
  uint64_t accepted = 0;
  while (f.intake.under_way() > 0) f.intake.accept();
  int64_t next = 0;
  for (const RawBatch& batch : f.intake.emitted) {
    CHECK(batch.position >= next);
    next = batch.position + static_cast<int64_t>(batch.messages.size());
    accepted += batch.messages.size();
  }
  CHECK(next == 200);
  CHECK(accepted + f.queue->dropped().value() == 200);
  CHECK(accepted > 50);
}

}  // namespace
}  // namespace colloquium
