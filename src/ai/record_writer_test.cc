#include "ai/record_writer.h"

#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "log/fake_log.h"
#include "loop/test_loop.h"

namespace colloquium::ai {
namespace {

struct Scene {
  Scene() {
    log::FakeLogOptions options;
    log = std::make_unique<log::FakeLog>(executor, clock, std::move(options));
    log::StreamSpec spec;
    spec.name = "p.calls";
    stream = *log->open_stream(spec);
  }
  std::unique_ptr<RecordWriter> writer(bool with_log = true) {
    return std::make_unique<RecordWriter>(
        with_log ? log.get() : nullptr, stream, loop, clock,
        [this](const Records& records, std::optional<int64_t> first, log::AckLevel) {
          for (const CallRecord& record : records) placed += record.tags.call;
          if (first) CHECK(*first > std::exchange(last, *first));
        });
  }
  static Records of(const std::string& calls) {
    Records records;
    for (const char c : calls) {
      records.emplace_back();
      records.back().tags.call = c;
    }
    return records;
  }
  RecordWriter::Done note(const std::string& name) {
    return [this, name](const Status& status) { told += status ? name : "!" + name; };
  }
  size_t batches() {
    const auto reader = *log->read(stream, 0, 0, false);
    size_t count = 0;
    while (*reader->next() != nullptr) ++count;
    return count;
  }
  void run() {
    while (executor.run_until_idle() + loop.run_until_idle() > 0) {
    }
  }
  ManualClock clock;
  SimExecutor executor{1, clock};
  loop::TestLoop loop{clock};
  std::unique_ptr<log::FakeLog> log;
  log::StreamId stream = 0;
  std::string placed, told;
  int64_t last = -1;
};

TEST_CASE("what is appended is told, and placed in its order") {
  Scene scene;
  const auto writer = scene.writer();
  writer->append(Scene::of("ab"), log::AckLevel::kDurable, true, scene.note("1"));
  writer->append(Scene::of("c"), log::AckLevel::kWritten, false, scene.note("2"));
  CHECK(scene.told.empty());
  scene.run();
  CHECK(scene.told == "12");
  CHECK(scene.placed == "abc");
}

TEST_CASE("what comes in one turn is one batch for each way of appending it, and large ones are alone") {
  Scene scene;
  const auto writer = scene.writer();
  Records large = Scene::of("e");
  large.front().kind = RecordKind::kAnswer;
  large.front().content.text.assign(2 << 20, 'x');
  writer->append(Scene::of("a"), log::AckLevel::kDurable, true, scene.note("a"));
  writer->append(Scene::of("c"), log::AckLevel::kWritten, false, scene.note("c"));
  writer->append(Scene::of("b"), log::AckLevel::kDurable, true, scene.note("b"));
  writer->append(std::move(large), log::AckLevel::kWritten, false, scene.note("e"));
  writer->append(Scene::of("d"), log::AckLevel::kWritten, false, scene.note("d"));
  CHECK(scene.batches() == 0);
  scene.run();
  CHECK(scene.told == "abced");
  CHECK(scene.placed == "abced");
  CHECK(scene.batches() == 4);
}

TEST_CASE("what is patient waits for room, and the rest is refused") {
  Scene scene;
  const auto writer = scene.writer();
  scene.log->set_full(true);
  bool idle = false;
  writer->append(Scene::of("a"), log::AckLevel::kDurable, true, scene.note("1"));
  writer->append(Scene::of("b"), log::AckLevel::kWritten, false, scene.note("2"));
  scene.run();
  writer->when_idle([&idle] { idle = true; });
  CHECK(scene.told == "!2");
  scene.loop.advance(3500);
  scene.run();
  CHECK(scene.told == "!2");
  CHECK_FALSE(idle);
  scene.log->set_full(false);
  writer->append(Scene::of("c"), log::AckLevel::kDurable, true, scene.note("3"));
  scene.loop.advance(1000);
  scene.run();
  CHECK(scene.told == "!231");
  CHECK(scene.placed == "ca");
  CHECK(idle);
}

TEST_CASE("waiting may be given up, and an end that is no lack of room is one") {
  Scene scene;
  const auto writer = scene.writer();
  scene.log->set_full(true);
  writer->append(Scene::of("a"), log::AckLevel::kDurable, true, scene.note("1"));
  scene.run();
  writer->give_up_waiting();
  CHECK(scene.told == "!1");
  scene.log->set_full(false);
  scene.log->fail_for_good({ErrorCode::kIo, "gone", false, {}});
  const auto other = scene.writer();
  other->append(Scene::of("b"), log::AckLevel::kDurable, true, scene.note("2"));
  scene.run();
  CHECK(scene.told == "!1!2");
  CHECK(scene.placed.empty());
}

TEST_CASE("without a log all is well, in a later turn") {
  Scene scene;
  const auto writer = scene.writer(false);
  writer->append(Scene::of("a"), log::AckLevel::kDurable, true, scene.note("1"));
  CHECK(scene.told.empty());
  scene.run();
  CHECK(scene.told == "1");
  CHECK(scene.placed == "a");
}

TEST_CASE("nobody is told of what is under way when the writer goes") {
  Scene scene;
  auto writer = scene.writer();
  writer->append(Scene::of("a"), log::AckLevel::kDurable, true, scene.note("1"));
  writer = nullptr;
  scene.run();
  CHECK(scene.told.empty());
}

}  // namespace
}  // namespace colloquium::ai
