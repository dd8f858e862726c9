// Parts of a source: each has positions and a cursor of its own; what is not a part's is the source's.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>

#include "engine/committed_cursors.h"
#include "engine/door.h"
#include "engine/door_bench_test.h"
#include "engine/feed.h"

using namespace colloquium;
using namespace colloquium::engine;
using Bench = DoorBench;
using Setting = DoorSetting;

namespace {

RawBatch messages_of(const std::string& prefix, int64_t from, int64_t to) {
  RawBatch raw;
  raw.position = from;
  raw.cursor = std::to_string(to);
  for (int64_t i = from; i < to; ++i) {
    RawMessage message;
    message.value = R"({"k":")" + prefix + std::to_string(i) + "\"}";
    raw.messages.push_back(std::move(message));
  }
  return raw;
}

void emit(Bench& bench, const std::string& part, int64_t from, int64_t to) {
  bench.intake->part(part).emit(messages_of(part + ":", from, to),
                                [&bench](Ack ack) { bench.acks.push_back(std::move(ack)); });
}

std::vector<std::string> all_stored(Bench& bench) {
  std::vector<std::string> all;
  for (int32_t p = 0; p < bench.options.partitions; ++p) {
    for (std::string& value : bench.stored(bench.options.stream, p)) all.push_back(std::move(value));
  }
  std::sort(all.begin(), all.end());
  return all;
}

// Per part, in every partition.
bool in_order(Bench& bench) {
  for (int32_t p = 0; p < bench.options.partitions; ++p) {
    std::map<char, int> last;
    for (const std::string& value : bench.stored(bench.options.stream, p)) {
      const int number = std::stoi(value.substr(8));  // {"k":"a:17"}
      const auto before = last.find(value[6]);
      if (before != last.end() && before->second >= number) return false;
      last[value[6]] = number;
    }
  }
  return true;
}

void store_cursors(Bench& bench) {
  bool stored = false;
  bench.intake->store_cursor([&](const Status& status) { stored = status.has_value(); });
  bench.settle();
  REQUIRE(stored);
}

}  // namespace

TEST_CASE("each part resumes behind its own last event, whatever the others did", "[REQ-008]") {
  Setting setting;
  {
    Bench bench(setting);
    emit(bench, "t-0", 0, 3);
    emit(bench, "t-1", 100, 102);
    bench.settle();
    emit(bench, "t-0", 3, 5);
    bench.settle();
    CHECK(&bench.intake->part("t-0") == &bench.intake->part("t-0"));
    store_cursors(bench);
  }
  Bench bench(setting);
  CHECK(bench.intake->part("t-0").stored_cursor() == "5");
  CHECK(bench.intake->part("t-1").stored_cursor() == "102");
  CHECK(bench.intake->part("t").stored_cursor().empty());
  CHECK(bench.intake->part("t").free_position() == 0);
  CHECK(bench.intake->part("t-10").stored_cursor().empty());
  CHECK(bench.intake->stored_cursor().empty());
}

TEST_CASE("a part that reads again what was stored repeats nothing, in any partition", "[REQ-008]") {
  Setting setting{.partitions = 3, .partition_by = R"(["$input","/k"])"};
  {
    Bench bench(setting);
    for (int64_t i = 0; i < 40; i += 10) {
      emit(bench, "a", i, i + 10);
      emit(bench, "b", i, i + 10);
      bench.settle();
    }
  }
  Bench bench(setting);
  std::vector<std::string> expected;
  for (const std::string part : {"a", "b"}) {
    // Only what was safe when the last batch was made is promised.
    CHECK(bench.intake->part(part).stored_cursor() == "30");
    // What is stored nevertheless can be told from what was never seen.
    CHECK(bench.intake->part(part).free_position() == 40);
    for (int64_t i = 30; i < 60; i += 10) emit(bench, part, i, i + 10);
    for (int64_t i = 0; i < 60; ++i) expected.push_back(R"({"k":")" + part + ":" + std::to_string(i) + "\"}");
  }
  bench.settle();
  std::sort(expected.begin(), expected.end());
  CHECK(all_stored(bench) == expected);
}

// Lives of random length, and emits of random parts that overlap.
TEST_CASE("through many lives every message of every part is stored once and in its order", "[REQ-008]") {
  for (uint64_t seed = 1; seed <= 150; ++seed) {
    INFO("seed " << seed);
    std::mt19937_64 random(seed);
    Setting setting{.partitions = 2, .partition_by = R"(["$input","/k"])", .seed = seed, .workers = 2};
    std::map<std::string, int64_t> wanted;
    for (int life = 0; life < 5; ++life) {
      Bench bench(setting);
      std::map<std::string, int64_t> next;
      for (const std::string part : {"a", "b", "c"}) {
        const std::string cursor = bench.intake->part(part).stored_cursor();
        next[part] = cursor.empty() ? 0 : std::stoll(cursor);
      }
      for (uint64_t emits = random() % 20; emits > 0; --emits) {
        const std::string part(1, static_cast<char>('a' + random() % 3));
        const int64_t to = next[part] + 1 + static_cast<int64_t>(random() % 4);
        emit(bench, part, next[part], to);
        next[part] = to;
        for (uint64_t steps = random() % 3; steps > 0; --steps) bench.executor.step();
        if (random() % 3 == 0) bench.loop.run_turn();
      }
      for (const auto& [part, end] : next) wanted[part] = std::max(wanted[part], end);
    }
    Bench bench(setting);
    REQUIRE(in_order(bench));
    std::vector<std::string> expected;
    for (const auto& [part, end] : wanted) {
      for (int64_t i = 0; i < end; ++i) expected.push_back(R"({"k":")" + part + ":" + std::to_string(i) + "\"}");
    }
    std::sort(expected.begin(), expected.end());
    REQUIRE(all_stored(bench) == expected);
  }
}

TEST_CASE("a failed emit of a part holds back that part and no other") {
  Bench bench;
  const auto refused = [&](const std::string& part, std::string text, int64_t position) {
    RawBatch raw = messages_of(part, position, position + 1);
    raw.messages[0].value = std::move(text);
    bench.intake->part(part).emit(std::move(raw), [&](Ack ack) { bench.acks.push_back(std::move(ack)); });
  };
  refused("a", "{bad", 0);
  emit(bench, "a", 1, 2);
  emit(bench, "b", 0, 2);
  bench.settle();
  REQUIRE(bench.acks.size() == 3);
  CHECK(std::count_if(bench.acks.begin(), bench.acks.end(),
                      [](const Ack& ack) { return ack.error.has_value(); }) == 2);
  CHECK(all_stored(bench) == std::vector<std::string>{R"({"k":"b:0"})", R"({"k":"b:1"})"});
}

TEST_CASE("all parts share the source's dedupe, memory and end", "[REQ-008]") {
  Setting setting{.dedupe_key = R"(["$input","/id"])", .under_way_bytes = 400};
  const auto with_id = [](Bench& bench, const std::string& part, int64_t position, const std::string& id) {
    RawBatch raw = messages_of(part, position, position + 1);
    raw.messages[0].value = R"({"id":")" + id + R"(","pad":")" + std::string(200, 'p') + "\"}";
    bench.intake->part(part).emit(std::move(raw), [&bench](Ack ack) { bench.acks.push_back(std::move(ack)); });
  };
  {
    Bench bench(setting);
    with_id(bench, "a", 0, "one");
    CHECK(bench.intake->part("b").ready());
    with_id(bench, "b", 0, "two");
    CHECK_FALSE(bench.intake->part("c").ready());
    CHECK_FALSE(bench.intake->ready());
    bool idle = false, ready = false;
    bench.intake->when_idle([&] {
      idle = true;
      CHECK(bench.acks.size() == 2);
    });
    bench.intake->part("c").when_ready([&] { ready = true; });
    bench.loop.run_turn();
    bench.settle();
    CHECK(idle);
    CHECK(ready);
    with_id(bench, "c", 0, "one");
    bench.settle();
    CHECK(bench.acks.back().duplicates == 1);
    bool closed = false;
    bench.intake->close([&] { closed = true; });
    bench.settle();
    CHECK(closed);
  }
  Bench bench(setting);
  with_id(bench, "d", 0, "two");
  bench.settle();
  CHECK(bench.acks.back().duplicates == 1);
}

TEST_CASE("an event without value is a tombstone of its key, and stands in its key's partition") {
  Setting setting{.partitions = 4};
  Bench bench(setting);
  RawBatch raw = messages_of("k", 0, 2);
  for (RawMessage& message : raw.messages) message.key = "the key";
  raw.messages[1].tombstone = true;
  raw.messages[1].value.clear();
  bench.intake->part("a").emit(std::move(raw), [&](Ack ack) { bench.acks.push_back(std::move(ack)); });
  bench.settle();
  REQUIRE_FALSE(bench.acks.at(0).error);
  CHECK(bench.acks[0].accepted == 2);
  REQUIRE(bench.acks[0].offsets.size() == 1);
  auto reader = bench.log->read(bench.options.stream, bench.acks[0].offsets[0].partition, 0, false);
  const auto batch = (*reader)->next();
  REQUIRE(*batch != nullptr);
  REQUIRE((*batch)->size() == 2);
  CHECK_FALSE((*batch)->is_tombstone(0));
  CHECK((*batch)->is_tombstone(1));
  CHECK((*batch)->key(1) == "the key");
  CHECK((*batch)->origin().source == "hook/a");
}

TEST_CASE("an event without value has no id among those that have one, and stands in its place") {
  const auto emit = [](Bench& bench, int64_t first) {
    RawBatch raw = messages_of("k", first, first + 6);
    for (size_t i = 0; i < raw.messages.size(); ++i) {
      raw.messages[i].tombstone = i % 3 == 1;
      raw.messages[i].value = i % 3 == 1 ? "" : "{\"id\":" + std::to_string(i) + "}";
      raw.messages[i].key = std::to_string(i);
    }
    bench.intake->part("a").emit(std::move(raw), [&](Ack ack) { bench.acks.push_back(std::move(ack)); });
    bench.settle();
  };
  Setting setting{.dedupe_key = R"(["$input","/id"])"};
  {
    Bench bench(setting);
    emit(bench, 0);
    REQUIRE_FALSE(bench.acks.at(0).error);
    CHECK(bench.acks[0].accepted == 6);
    std::string keys;
    auto reader = bench.log->read(bench.options.stream, 0, 0, false);
    for (auto batch = (*reader)->next(); *batch != nullptr; batch = (*reader)->next()) {
      for (size_t i = 0; i < (*batch)->size(); ++i) {
        keys += std::string(*(*batch)->key(i)) + ((*batch)->is_tombstone(i) ? "-" : " ");
      }
    }
    CHECK(keys == "0 1-2 3 4-5 ");
  }
  // The ids are those of their events, after a start as well.
  Bench bench(setting);
  emit(bench, 6);
  CHECK(bench.acks.at(0).duplicates == 4);
  CHECK(bench.acks[0].accepted == 2);
}

namespace {

// The door of a source without a log.
struct QueueBench {
  QueueBench() {
    queue.set_wake([] {});
    queue.set_drained([] {});
    options.source = "hook";
    options.pipeline = "orders";
    options.queue = &queue;
    options.committed = &committed;
    options.held_bytes_max = 5000;
    options.tag = "tagtagta";
    options.counters = &counters;
    options.letters = &letters;
    intake = std::make_unique<SourceIntake>(options, loop, clock, workers);
  }
  void settle() {
    do {
      loop.run_until_idle();
    } while (executor.run_until_idle() > 0 || loop.can_move());
  }
  void emit(Intake& to, const std::string& prefix, int64_t from, int64_t end) {
    to.emit(messages_of(prefix, from, end), [this](Ack ack) { acks.push_back(std::move(ack)); });
  }
  // "<part> <cursor>: <offsets>" of each item.
  std::vector<std::string> items() {
    std::vector<std::string> out;
    for (int64_t sequence = 0;; ++sequence) {
      const auto item = queue.read(sequence);
      REQUIRE(item);
      if (!item->has_value()) return out;
      std::string text = (*item)->part + " " + (*item)->cursor + ":";
      for (size_t i = 0; i < (*item)->batch->size(); ++i) text += " " + std::to_string((*item)->batch->offset(i));
      out.push_back(std::move(text));
    }
  }

  ManualClock clock;
  SimExecutor executor{1, clock};
  loop::TestLoop loop{clock};
  WorkerPool workers{executor, 1};
  ComponentCounters counters;
  DeadLetterTally letters{"orders/hook", clock};
  QueueFeed queue{1 << 20};
  CommittedCursors committed{2};
  IntakeOptions options;
  std::unique_ptr<SourceIntake> intake;
  std::vector<Ack> acks;
};

}  // namespace

TEST_CASE("with the log off each part has positions, a cursor and ids of its own in the queue", "[REQ-008]") {
  QueueBench bench;
  for (const std::string part : {"a", "b"}) bench.emit(bench.intake->part(part), part, 7, 9);
  bench.settle();
  bench.emit(bench.intake->part("a"), "a", 9, 10);
  bench.settle();
  CHECK(bench.items() == std::vector<std::string>{"a 9: 7 8", "b 9: 7 8", "a 10: 9"});
  CHECK((*bench.queue.read(0))->batch->id(0) == "hook.tagtagta/a-7");
  CHECK((*bench.queue.read(1))->batch->id(0) == "hook.tagtagta/b-7");
  // Read again while it is still in the queue, it is dropped, and what is new is not.
  bench.emit(bench.intake->part("a"), "a", 8, 12);
  bench.settle();
  CHECK(bench.items().back() == "a 12: 10 11");
  CHECK(bench.intake->part("a").free_position() == 12);
}

TEST_CASE("with the log off a part's stored cursor is what every leg has committed") {
  QueueBench bench;
  bench.committed.set(0, "a", 40, "at 40");
  CHECK(bench.intake->part("a").stored_cursor().empty());
  bench.committed.set(1, "a", 30, "at 30");
  bench.committed.set(0, "", 3, "at 3");
  bench.committed.set(1, "", 3, "at 3");
  CHECK(bench.intake->part("a").stored_cursor() == "at 30");
  CHECK(bench.intake->part("a").free_position() == 40);
  CHECK(bench.intake->part("b").stored_cursor().empty());
  CHECK(bench.intake->stored_cursor() == "at 3");
  CHECK(bench.committed.positions(1) == std::map<std::string, int64_t>{{"", 3}, {"a", 30}});
  bench.committed.set(1, "a", 50, "at 50");
  CHECK(bench.intake->part("a").stored_cursor() == "at 40");
}

TEST_CASE("with the log off an emit that follows a refused one is refused with it", "[REQ-008]") {
  QueueBench bench;
  Intake& part = bench.intake->part("a");
  int64_t taken = 0;
  for (; bench.queue.depth_bytes() < 4500; ++taken) {
    bench.emit(part, "a", taken, taken + 1);
    bench.loop.run_until_idle();
  }
  bench.acks.clear();
  bench.emit(part, std::string(600, 'x'), taken, taken + 1);
  bench.emit(part, "a", taken + 1, taken + 2);
  REQUIRE(bench.acks.size() == 1);
  CHECK(bench.acks[0].error);  // for want of memory; by the time of the next there is room
  bench.queue.release_below(taken);
  bench.emit(part, "a", taken + 2, taken + 3);
  bench.settle();
  REQUIRE(bench.acks.size() == 3);
  REQUIRE(bench.acks[1].error);
  CHECK_THAT(bench.acks[1].error->message, Catch::Contains("earlier part"));
  CHECK_FALSE(bench.acks[2].error);
  bench.emit(part, "a", taken + 1, taken + 3);
  bench.settle();
  CHECK_FALSE(bench.acks.back().error);
  CHECK((*bench.queue.read(taken + 1))->batch->size() == 2);
  CHECK_FALSE(bench.queue.read(taken + 2)->has_value());
}
