// What the segment log does beyond the contract: levels, marks, memory, time, and what others may read.
#include "log/segment_log.h"

#include <catch2/catch.hpp>
#include <set>

#include "base/sim_executor.h"
#include "io/forgetful_file_system.h"
#include "io/memory_file_system.h"
#include "io/path.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/segment_scan.h"
#include "log/verify.h"
#include "tests/compliance/log_helpers.h"
#include "tests/temporary_directory.h"

namespace colloquium::log {
namespace {

using contract::encoded;
using contract::values;

struct Bench {
  ManualClock clock;
  SimExecutor executor{3, clock};
  SeededRandom random{9};
  io::MemoryFileSystem files;
  LogOptions options;
  std::unique_ptr<SegmentLog> log;

  Bench() {
    options.directory = "data";
    options.files = &files;
    options.executor = &executor;
    options.clock = &clock;
    options.random = &random;
  }
  Status open() {
    log.reset();
    LogOptions copy = options;
    TRY_ASSIGN(log, SegmentLog::open(std::move(copy)));
    return {};
  }
  AppendResult append(StreamId stream, const std::string& value, AckLevel level = AckLevel::kDurable) {
    const auto result = contract::append(*log, executor, stream, 0, encoded(values({value})), level);
    REQUIRE(result);
    return *result;
  }
};

std::string padded(int number) {
  return "{\"n\":" + std::to_string(number) + ",\"p\":\"" + std::string(300, 'x') + "\"}";
}

}  // namespace

TEST_CASE("who waits for a write has it done on the own thread, but waits for no sync there") {
  Bench bench;
  bench.options.segment_bytes = 4000;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  bool inside = false;  // of append()
  int synced_inside = 0;
  bench.files.set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (inside && operation.kind == io::OperationKind::kSync) ++synced_inside;
    return std::nullopt;
  });
  const auto append = [&](AckLevel level) {
    EncodedBatch batch = encoded(values({"1"}));
    batch.caller_waits = true;
    bool told = false;
    bool told_inside = false;
    inside = true;
    bench.log->append(stream, 0, std::move(batch), level, [&](const Result<AppendResult>& result) {
      told = result.has_value();
      told_inside = inside;
    });
    inside = false;
    bench.executor.run_until_idle();
    CHECK(told);
    return told_inside;
  };
  // The first makes the segment, and others begin the next one.
  CHECK_FALSE(append(AckLevel::kWritten));
  int at_once = 0;
  for (int i = 0; i < 200; ++i) at_once += append(AckLevel::kWritten) ? 1 : 0;
  CHECK(at_once > 100);
  CHECK(bench.files.list("data/streams/s/0")->size() > 4);
  CHECK_FALSE(append(AckLevel::kDurable));
  // Behind what has to be synced it is no longer the caller's matter.
  bench.log->append(stream, 0, encoded(values({"2"})), AckLevel::kDurable, [](const Result<AppendResult>&) {});
  CHECK_FALSE(append(AckLevel::kWritten));
  CHECK(synced_inside == 0);
}

TEST_CASE("what nobody waits to read is synced with what comes behind it, or at the next tick") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  const StreamId other = *bench.log->open_stream({"o", 1});
  bench.append(stream, "0");
  bench.append(other, "0");
  int64_t syncs = 0;
  bench.files.set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind == io::OperationKind::kSync) ++syncs;
    return std::nullopt;
  });
  const auto write = [&](StreamId id) {
    EncodedBatch batch = encoded(values({"1"}));
    batch.syncs_with_next = true;
    bool told = false;
    bench.log->append(id, 0, std::move(batch), AckLevel::kWritten,
                      [&](const Result<AppendResult>& result) { told = result.has_value(); });
    bench.executor.run_until_idle();
    CHECK(told);
  };
  const auto readable = [&] { return contract::read_all(*bench.log, stream, 0).size(); };
  write(stream);
  CHECK(syncs == 0);
  CHECK(readable() == 1);
  // What others have synced is theirs.
  bench.append(other, "2");
  bench.append(other, "3", AckLevel::kWritten);
  bench.executor.run_until_idle();
  CHECK(syncs > 0);
  CHECK(readable() == 1);
  const bool ticks = GENERATE(false, true);
  if (ticks) bench.log->tick();
  if (!ticks) bench.append(stream, "2");
  bench.executor.run_until_idle();
  CHECK(readable() == (ticks ? 2 : 3));
}

TEST_CASE("what nobody waits for is synced at most once a millisecond") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  bench.append(stream, "0");
  int64_t syncs = 0;
  bench.files.set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind == io::OperationKind::kSync) ++syncs;
    return std::nullopt;
  });
  const int64_t first_ns = bench.clock.monotonic_ns();
  for (int i = 0; i < 300; ++i) {
    bench.append(stream, std::to_string(i), AckLevel::kWritten);
    bench.clock.advance_ns(100'000);
  }
  const int64_t ms = (bench.clock.monotonic_ns() - first_ns) / 1'000'000;
  CHECK(syncs > 10);
  CHECK(syncs <= ms + 1);
}

TEST_CASE("each level is acknowledged at its own moment") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  std::vector<std::string> order;
  bench.files.set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.path.find("streams/s/0/00") == std::string::npos) return std::nullopt;
    if (operation.kind == io::OperationKind::kWrite) order.emplace_back("write");
    if (operation.kind == io::OperationKind::kSync) order.emplace_back("sync");
    return std::nullopt;
  });
  bench.append(stream, "0");  // makes the segment
  order.clear();
  const auto done = [&](const char* what) {
    return [&order, what](Result<AppendResult> result) { order.push_back(result ? what : "failed"); };
  };
  bench.log->append(stream, 0, encoded(values({"1"})), AckLevel::kQueued, done("queued"));
  bench.log->append(stream, 0, encoded(values({"2"})), AckLevel::kWritten, done("written"));
  bench.log->append(stream, 0, encoded(values({"3"})), AckLevel::kDurable, done("durable"));
  bench.executor.run_until_idle();
  CHECK(order == std::vector<std::string>{"queued", "write", "written", "sync", "durable"});
}

TEST_CASE("a folder whose sync failed for a checkpoint is not synced again, and the log goes on") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  size_t syncs = 0;
  bool fails = true;
  bench.files.set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kSyncDirectory) return std::nullopt;
    ++syncs;
    if (!fails) return std::nullopt;
    return io::Fault{Error{ErrorCode::kIo, "injected I/O error"}};
  });
  const Status failed = bench.log->store_checkpoint("ids", "1");
  REQUIRE_FALSE(failed);
  CHECK(syncs == 1);
  CHECK_FALSE(bench.log->store_checkpoint("ids", "2"));
  CHECK(syncs == 1);
  fails = false;
  bench.append(stream, "0");
  // What it syncs now, the data directory for one, has not failed before.
  REQUIRE(bench.log->close());
  REQUIRE(bench.open());
  CHECK(bench.log->store_checkpoint("ids", "3"));
}

TEST_CASE("a group is one write and one sync per partition") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 4});
  for (int32_t p = 0; p < 4; ++p) {
    REQUIRE(contract::append(*bench.log, bench.executor, stream, p, encoded(values({"0"}))));
  }
  size_t writes = 0;
  size_t syncs = 0;
  bench.files.set_hook([&](const io::Operation& operation) -> std::optional<io::Fault> {
    writes += operation.kind == io::OperationKind::kWrite;
    syncs += operation.kind == io::OperationKind::kSync;
    return std::nullopt;
  });
  int told = 0;
  for (int i = 0; i < 400; ++i) {
    bench.log->append(stream, i % 4, encoded(values({"1"})), AckLevel::kDurable, [&](Result<AppendResult> result) {
      REQUIRE(result);
      ++told;
    });
  }
  bench.executor.run_until_idle();
  CHECK(told == 400);
  CHECK(writes == 4);
  CHECK(syncs == 4);
}

TEST_CASE("after a second of idleness a sync mark ends every partition, once") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 2});
  bench.append(stream, "1");
  const int64_t end = bench.log->stream_info(stream)->partitions[0].next_offset;
  const auto tick = [&] {
    bench.log->tick();
    bench.executor.run_until_idle();
    return bench.log->stream_info(stream)->partitions[0].next_offset;
  };
  CHECK(tick() == end);
  bench.clock.advance_ms(1100);
  CHECK(tick() == end + 1);
  bench.clock.advance_ms(5000);
  CHECK(tick() == end + 1);
  CHECK(bench.log->stream_info(stream)->partitions[1].next_offset == 0);
  // Without the process, a reader of the files gets everything: the mark says it is synced.
  bench.log.reset();
  bench.files.kill();
  auto reader = open_reader(bench.files, "data", "s", 0, 0);
  REQUIRE(reader);
  const auto batch = (*reader)->next();
  REQUIRE(batch);
  REQUIRE(*batch != nullptr);
  CHECK((*batch)->value(0) == "1");
}

TEST_CASE("a quiet partition gets its sync mark while others are busy [REQ-179]", "[REQ-179]") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId quiet = *bench.log->open_stream({"quiet", 1});
  const StreamId busy = *bench.log->open_stream({"busy", 1});
  bench.append(quiet, "1");
  const int64_t end = bench.log->stream_info(quiet)->partitions[0].next_offset;
  for (int i = 0; i < 6; ++i) {
    bench.clock.advance_ms(250);
    bench.append(busy, "2");
    bench.log->tick();
    bench.executor.run_until_idle();
  }
  CHECK(bench.log->stream_info(quiet)->partitions[0].next_offset == end + 1);
}

TEST_CASE("the newest events come from memory, as they were appended, older ones from disk") {
  Bench bench;
  bench.options.memory_bytes = 3000;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  std::vector<std::weak_ptr<const BatchBody>> bodies;  // not addresses: those of the dead are used again
  for (int i = 0; i < 30; ++i) {
    auto one = encoded(values({padded(i)}));
    bodies.emplace_back(one.batch->body());
    REQUIRE(contract::append(*bench.log, bench.executor, stream, 0, std::move(one)));
  }
  auto reader = bench.log->read(stream, 0, 0, false);
  size_t from_memory = 0;
  for (size_t i = 0; i < 30; ++i) {
    const auto batch = (*reader)->next();
    REQUIRE(*batch != nullptr);
    CHECK((*batch)->value(0) == padded(static_cast<int>(i)));
    const bool same = (*batch)->body() == bodies[i].lock();
    from_memory += same;
    if (i == 0) CHECK_FALSE(same);
    if (i == 29) CHECK(same);
  }
  CHECK(from_memory > 3);
  CHECK(from_memory < 12);
}

TEST_CASE("a batch that is not kept in memory is read from disk in its turn") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  for (int i = 0; i < 9; ++i) {
    auto one = encoded(values({contract::one(i)}));
    if (i % 3 == 1) one.batch = nullptr;
    REQUIRE(contract::append(*bench.log, bench.executor, stream, 0, std::move(one)));
  }
  const auto found = contract::read_all(*bench.log, stream, 0);
  REQUIRE(found.size() == 9);
  for (int i = 0; i < 9; ++i) CHECK(found[static_cast<size_t>(i)].second == contract::one(i));
}

TEST_CASE("readers get tapes from memory and from disk when they ask") {
  Bench bench;
  bench.options.tape = [](std::string_view value, std::vector<TapeToken>& tape) {
    tape.push_back({0, static_cast<uint32_t>(value.size()), 1, 0, 0, 0});
  };
  bench.options.memory_bytes = 600;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  for (int i = 0; i < 10; ++i) bench.append(stream, padded(i));
  for (const bool wanted : {true, false}) {
    auto reader = bench.log->read(stream, 0, 0, wanted);
    for (int i = 0; i < 10; ++i) CHECK((*(*reader)->next())->tape(0).empty() != wanted);
  }
}

TEST_CASE("times find offsets, in the log and in its files, across segments") {
  Bench bench;
  bench.options.segment_bytes = 3000;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  const int64_t begin_ms = bench.clock.wall_ms();
  std::vector<std::pair<int64_t, int64_t>> placed;  // time, offset
  for (int i = 0; i < 60; ++i) {
    bench.clock.advance_ms(10);
    placed.emplace_back(bench.clock.wall_ms(), bench.append(stream, padded(i)).first_offset);
  }
  REQUIRE(list_segments(bench.files, partition_directory("data", "s", 0))->size() > 4);
  CHECK(*bench.log->offset_at(stream, 0, 0) == placed.front().second);
  CHECK(*bench.log->offset_at(stream, 0, begin_ms + 100'000) ==
        bench.log->stream_info(stream)->partitions[0].next_offset);
  // The simulated time moves a little with every step, so each time is looked up just before it.
  for (size_t i = 1; i < placed.size(); ++i)
    CHECK(*bench.log->offset_at(stream, 0, placed[i].first) == placed[i].second);
  REQUIRE(bench.log->close());
  for (const auto& [time_ms, offset] : placed) CHECK(*find_offset(bench.files, "data", "s", 0, time_ms) == offset);
}

TEST_CASE("a clock that jumps back does not take append time with it") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  bench.append(stream, "1");
  const int64_t before_ms = bench.clock.wall_ms();
  bench.clock.set_wall_ms(before_ms - 3'600'000);
  const AcceptInfo accept{"hook", "", {{1, 1}}};
  const auto result =
      contract::append(*bench.log, bench.executor, stream, 0, encoded(values({"2"}), Codec::kNone, &accept));
  REQUIRE(result);
  std::vector<int64_t> times;
  REQUIRE(bench.log->accepted_since(stream, 0, {},
                                    [&](const Log::Accepted& a) { times.push_back(a.append_time_ms); }));
  REQUIRE(times.size() == 1);
  CHECK(times[0] >= before_ms - 1000);
}

TEST_CASE("another process may list, read and verify while the log is written") {
  Bench bench;
  bench.options.segment_bytes = 2000;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 2});
  for (int i = 0; i < 20; ++i) bench.append(stream, padded(i));
  const auto streams = list_data_directory(bench.files, "data");
  REQUIRE(streams);
  REQUIRE(streams->size() == 1);
  CHECK(streams->front().name == "s");
  CHECK(streams->front().tag == bench.log->stream_info(stream)->tag);
  REQUIRE(streams->front().partitions.size() == 2);
  const int64_t end = bench.log->stream_info(stream)->partitions[0].next_offset;
  // Up to the last mark: the last group itself is not vouched for yet.
  CHECK(streams->front().partitions[0].synced_offset < end);
  CHECK(streams->front().partitions[0].synced_offset >= end - 3);
  auto reader = open_reader(bench.files, "data", "s", 0, 0);
  REQUIRE(reader);
  int seen = 0;
  for (;;) {
    const auto batch = (*reader)->next();
    REQUIRE(batch);
    if (*batch == nullptr) break;
    CHECK((*batch)->value(0) == padded(seen++));
  }
  CHECK(seen >= 18);
  const auto report = verify_data_directory(bench.files, "data", nullptr);
  REQUIRE(report);
  CHECK(report->problems.empty());
  CHECK(report->events == 20);

  CHECK(open_reader(bench.files, "data", "t", 0, 0).error().code == ErrorCode::kNotFound);
  CHECK(open_reader(bench.files, "data", "s", 2, 0).error().code == ErrorCode::kNotFound);
  CHECK(open_reader(bench.files, "data", "../s", 0, 0).error().code == ErrorCode::kInvalidConfig);
  CHECK_FALSE(list_data_directory(bench.files, "nowhere"));
}

TEST_CASE("a data directory of another format is refused with what to do") {
  Bench bench;
  REQUIRE(bench.open());
  CHECK(bench.log->data_tag().size() == 8);
  const std::string tag = bench.log->data_tag();
  REQUIRE(bench.log->close());
  REQUIRE(bench.open());
  CHECK(bench.log->data_tag() == tag);
  bench.log.reset();
  REQUIRE(io::write_file_atomically(bench.files, "data/FORMAT", "colloquium data 2\nwhatever"));
  const Status newer = bench.open();
  REQUIRE_FALSE(newer);
  CHECK(newer.error().code == ErrorCode::kInvalidConfig);
  CHECK(newer.error().message.find("newer") != std::string::npos);
  REQUIRE(bench.files.make_directories("data/streams/s"));
  REQUIRE(bench.files.remove("data/FORMAT"));
  CHECK(bench.open().error().code == ErrorCode::kInvalidConfig);
}

TEST_CASE("a folder is taken as data directory only if it holds nothing of anybody else") {
  const TemporaryDirectory directory;
  io::FileSystem& fs = io::posix_file_system();
  const std::string path = directory.path() + "/data";
  const auto lock = [&] { return lock_data_directory(fs, path, ""); };
  // What makers of file systems and interrupted starts leave behind is nobody's.
  REQUIRE(fs.make_directories(path + "/lost+found"));
  CHECK(lock());
  REQUIRE(io::write_file_atomically(fs, path + "/FORMAT.tmp", "half"));
  REQUIRE(fs.make_directories(path + "/streams"));
  CHECK(lock());
  REQUIRE(io::write_file_atomically(fs, path + "/notes", "mine"));
  const auto refused = lock();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidConfig);
  CHECK(refused.error().message.find("notes") != std::string::npos);
  // Once it is ours, what else is put there is its owner's business.
  REQUIRE(fs.remove(path + "/notes"));
  SeededRandom random(1);
  REQUIRE(open_format(fs, path, random));
  REQUIRE(io::write_file_atomically(fs, path + "/notes", "mine"));
  CHECK(lock());
}

TEST_CASE("a stream whose making was interrupted is made again") {
  Bench bench;
  REQUIRE(bench.open());
  REQUIRE(bench.log->close());
  REQUIRE(bench.files.make_directories("data/streams/s/0"));
  REQUIRE(bench.open());
  CHECK(bench.log->streams().empty());
  CHECK(bench.log->open_stream({"s", 2}));
  CHECK(bench.log->streams().size() == 1);
  CHECK(bench.log->open_stream({"a/b", 1}).error().code == ErrorCode::kInvalidConfig);
}

TEST_CASE("two processes can't write one data directory") {
  const TemporaryDirectory directory;
  io::FileSystem& fs = io::posix_file_system();
  auto first = lock_data_directory(fs, directory.path(), "127.0.0.1:9464");
  REQUIRE(first);
  const auto second = lock_data_directory(fs, directory.path(), "");
  REQUIRE_FALSE(second);
  CHECK(second.error().code == ErrorCode::kConflict);
  CHECK(second.error().message.find("127.0.0.1:9464") != std::string::npos);
  CHECK(second.error().message.find("process ") != std::string::npos);
  REQUIRE(first->set_admin_address("127.0.0.1:5"));
  CHECK(read_lock_holder(fs, directory.path()).admin_address == "127.0.0.1:5");
  { const auto released = std::move(*first); }
  CHECK(lock_data_directory(fs, directory.path(), ""));
}

TEST_CASE("who deletes LOCK lets nobody in, and the process that held it notices") {
  const TemporaryDirectory directory;
  io::FileSystem& fs = io::posix_file_system();
  const std::string path = directory.path() + "/LOCK";
  auto first = lock_data_directory(fs, directory.path(), "");
  REQUIRE(first);
  CHECK(first->check());
  REQUIRE(fs.remove(path));
  CHECK(first->check().error().message.find("was deleted while this process held it") != std::string::npos);
  CHECK(lock_data_directory(fs, directory.path(), "").error().code == ErrorCode::kConflict);
  CHECK_FALSE(fs.info(path));
  REQUIRE(io::write_file_atomically(fs, path, "pid 1"));
  CHECK(first->check().error().code == ErrorCode::kConflict);
  CHECK(hold_still(fs, directory.path()).error().code == ErrorCode::kConflict);
  { const auto released = std::move(*first); }
  const auto still = hold_still(fs, directory.path());
  REQUIRE(still);
  CHECK(*still != nullptr);
  CHECK(*io::read_file(fs, path, 100) == "pid 1");
}

TEST_CASE("a process that forgets un-synced bytes keeps what was durable [REQ-176]", "[REQ-176]") {
  const TemporaryDirectory directory;
  ManualClock clock;
  SimExecutor executor(1, clock);
  SeededRandom random(1);
  io::ForgetfulFileSystem forgetful(io::posix_file_system());
  LogOptions options;
  options.directory = directory.path() + "/data";
  options.executor = &executor;
  options.clock = &clock;
  options.random = &random;
  options.files = &forgetful;
  StreamId stream = 0;
  {
    auto log = SegmentLog::open(options);
    REQUIRE(log);
    stream = *(*log)->open_stream({"s", 1});
    for (int i = 0; i < 10; ++i) {
      REQUIRE(contract::append(**log, executor, stream, 0, encoded(values({contract::one(i)}))));
    }
  }
  options.files = &io::posix_file_system();
  auto log = SegmentLog::open(options);
  REQUIRE(log);
  CHECK_FALSE((*log)->recovery().clean);
  stream = *(*log)->open_stream({"s", 1});
  CHECK(contract::read_all(**log, stream, 0).size() == 10);
}

TEST_CASE("every batch bears the incarnation that wrote it, and a clean stop keeps it") {
  Bench bench;
  REQUIRE(bench.open());
  const StreamId stream = *bench.log->open_stream({"s", 1});
  const std::string path = epochs_path(partition_directory("data", "s", 0));
  const auto current = [&] { return EpochTable::read(bench.files, path)->current(); };
  bench.append(stream, "1");
  CHECK(current() == 0);
  REQUIRE(bench.log->close());
  REQUIRE(bench.open());
  CHECK(bench.log->recovery().clean);
  CHECK(current() == 0);
  bench.log.reset();
  bench.files.kill();
  REQUIRE(bench.open());
  CHECK_FALSE(bench.log->recovery().clean);
  CHECK(current() == 1);
  bench.append(*bench.log->open_stream({"s", 1}), "2");
  REQUIRE(bench.log->close());
  std::set<int32_t> epochs;
  auto file = bench.files.open(segment_path(partition_directory("data", "s", 0), 0, "log"), io::OpenMode::kRead);
  BatchCursor cursor(std::move(*file), 0,
                     bench.files.info(segment_path(partition_directory("data", "s", 0), 0, "log"))->size);
  for (auto item = cursor.next(); item && *item; item = cursor.next()) epochs.insert((*item)->header.epoch);
  CHECK(epochs == std::set<int32_t>{0, 1});
}

}  // namespace colloquium::log
