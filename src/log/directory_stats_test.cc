// The numbers of a data directory, with and without reading what batches hold.
#include "log/directory_stats.h"

#include <catch2/catch.hpp>

#include "base/sim_executor.h"
#include "io/checksum.h"
#include "io/memory_file_system.h"
#include "log/layout.h"
#include "log/nonce_watch_test.h"
#include "log/segment_log.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

constexpr int64_t kHourMs = 3'600'000;

// A log of one stream of two partitions, in memory.
class Shelf {
 public:
  void open(const std::string& letters = "", uint64_t segment_bytes = 1 << 20) {
    LogOptions options;
    options.directory = "data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.segment_bytes = segment_bytes;
    options.keys = ring(letters);
    auto log = SegmentLog::open(std::move(options));
    REQUIRE(log);
    log_ = std::move(*log);
    stream_ = *log_->open_stream({"s", 2});
  }
  void close() {
    REQUIRE(log_->close());
    log_.reset();
  }
  std::shared_ptr<const KeyRing> ring(const std::string& letters) {
    return letters.empty() ? nullptr : nonces_.ring(letters, random_, true);
  }
  void append(int32_t partition, size_t events, Codec codec = Codec::kNone) {
    const std::vector<std::string> texts(events,
                                         "\"a text that is said over and over, over and over, over and over\"");
    REQUIRE(
        contract::append(*log_, executor_, stream_, partition, contract::encoded(contract::values(texts), codec)));
  }
  void commit(const std::string& leg, int32_t partition, int64_t next) {
    CommitRequest request;
    request.leg = leg;
    request.positions.push_back({stream_, partition, next, "", ""});
    REQUIRE(contract::commit(*log_, executor_, std::move(request)));
  }
  StreamStats stats(bool exact = false, const std::string& letters = "") {
    auto found = directory_stats(files_, "data", {"s", exact, ring(letters)});
    REQUIRE(found);
    REQUIRE(found->streams.size() == 1);
    return found->streams[0];
  }
  io::MemoryFileSystem& files() { return files_; }
  ManualClock& clock() { return clock_; }

 private:
  ManualClock clock_;
  SimExecutor executor_{1, clock_};
  SeededRandom random_{4};
  NonceWatch nonces_;
  io::MemoryFileSystem files_;
  std::unique_ptr<SegmentLog> log_;
  StreamId stream_ = 0;
};

}  // namespace

TEST_CASE("batches, events and times are counted from the headers alone", "[stats]") {
  Shelf shelf;
  shelf.open();
  const int64_t begin = shelf.clock().wall_ms();
  for (size_t events = 1; events <= 100; ++events) {
    shelf.append(0, events);
    shelf.clock().advance_ms(60'000);
  }
  shelf.append(1, 7);
  const int64_t end = shelf.clock().wall_ms();
  shelf.close();
  const StreamStats stream = shelf.stats();
  const PartitionStats& part = stream.partitions.at(0);
  CHECK(part.batches == 100);
  CHECK(part.events == 5050);
  CHECK(part.events_per_batch_max == 100);
  CHECK(part.events_per_batch_p99 >= 99);
  CHECK(part.events_per_batch_p99 <= 100);
  CHECK(part.first_append_ms == begin);
  CHECK(part.last_append_ms == end - 60'000);
  CHECK(part.codecs == std::map<Codec, uint64_t>{{Codec::kNone, 100}});
  CHECK(part.uncompressed_bytes == part.size_bytes);
  // Of the last hour before the stream's last append, minute by minute: the events 41 to 100 are in it.
  CHECK(part.events_last_hour >= 5050 - 41 * 42 / 2);
  CHECK(part.events_last_hour <= 5050 - 39 * 40 / 2);
  CHECK(part.events_last_minute <= 100);
  CHECK(stream.total.events == 5057);
  CHECK(stream.total.batches == 101);
  CHECK(stream.total.events_last_minute == part.events_last_minute + 7);
  CHECK(stream.partitions.at(1).events_per_second() == 7.0);
  CHECK(part.events_per_second() == Approx(5050.0 * 1000 / (99 * 60'000)));
  CHECK(part.events_per_second(part.events_last_hour, kHourMs) == Approx(part.events_last_hour / 3600.0));
}

TEST_CASE("a stream that was silent for years has no events of the last hour but the newest", "[stats]") {
  Shelf shelf;
  shelf.open();
  shelf.append(0, 5);
  shelf.clock().advance_ms(10000 * kHourMs);
  shelf.append(0, 3);
  shelf.clock().advance_ms(kHourMs - 2000);
  shelf.append(0, 1);
  shelf.close();
  const PartitionStats part = shelf.stats().partitions.at(0);
  CHECK(part.events_last_hour == 4);
  CHECK(part.events_last_minute == 1);
}

TEST_CASE("what is compressed tells its size, and reading everything finds the same", "[stats]") {
  Shelf shelf;
  shelf.open("", 4000);
  for (int i = 0; i < 5; ++i) {
    for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kLz4, Codec::kZstd}) shelf.append(0, 20, codec);
  }
  shelf.close();
  const PartitionStats told = shelf.stats().partitions.at(0);
  const PartitionStats read = shelf.stats(true).partitions.at(0);
  REQUIRE(told.uncompressed_bytes);
  CHECK(*told.uncompressed_bytes > 2 * told.size_bytes);
  CHECK(told.uncompressed_bytes == read.uncompressed_bytes);
  CHECK(told.codecs.size() == 4);
  CHECK(told.segments > 1);
  CHECK(told.segments == list_segments(shelf.files(), partition_directory("data", "s", 0))->size());
}

TEST_CASE("of an encrypted stream the size is known with the key and by reading everything", "[stats]") {
  Shelf shelf;
  shelf.open();
  shelf.append(0, 10);
  shelf.close();
  shelf.open("k");
  shelf.append(0, 20, Codec::kLz4);
  shelf.commit("p/leg", 0, 3);
  shelf.close();
  CHECK_FALSE(shelf.stats().partitions.at(0).uncompressed_bytes);
  CHECK_FALSE(shelf.stats(true).partitions.at(0).uncompressed_bytes);
  CHECK_FALSE(shelf.stats(false, "k").partitions.at(0).uncompressed_bytes);
  const PartitionStats read = shelf.stats(true, "k").partitions.at(0);
  CHECK(read.uncompressed_bytes > read.size_bytes);
  CHECK(read.events == 30);
  CHECK(read.codecs.at(Codec::kLz4) == 1);
  REQUIRE(read.keys.size() == 1);
  CHECK(read.keys.begin()->first == shelf.ring("k")->current());
  CHECK(read.keys.begin()->second == 1);
  // The journal is encrypted, too: without the key no leg is known, and that is said.
  CHECK(read.legs.size() == 1);
  CHECK(shelf.stats().partitions.at(0).legs.empty());
  CHECK_FALSE(directory_stats(shelf.files(), "data", {})->journal_closed.empty());
}

TEST_CASE("who wants everything read is told of a batch that does not unpack, whatever its checksum says",
          "[stats]") {
  Shelf shelf;
  shelf.open();
  shelf.append(0, 20, Codec::kLz4);
  shelf.close();
  const std::string path = segment_path(partition_directory("data", "s", 0), 0, "log");
  std::string batch = *io::read_file(shelf.files(), path, 1 << 20);
  batch.resize(get_header(batch).total_bytes());
  for (size_t at = kHeaderBytes; at < batch.size(); ++at) batch[at] = static_cast<char>(~batch[at]);
  const uint32_t sum = io::crc32c(std::string_view(batch).substr(21));
  for (size_t i = 0; i < 4; ++i) batch[17 + i] = static_cast<char>(sum >> (24 - 8 * i));
  REQUIRE((*shelf.files().open(path, io::OpenMode::kOpenOrCreate))->write_at(0, batch));
  CHECK(shelf.stats().partitions.at(0).events == 20);
  const auto exact = directory_stats(shelf.files(), "data", {"s", true, nullptr});
  REQUIRE_FALSE(exact);
  CHECK(exact.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a leg is behind by the events it has not committed, and as old as the first of them", "[stats]") {
  Shelf shelf;
  shelf.open();
  const int64_t begin = shelf.clock().wall_ms();
  for (int i = 0; i < 4; ++i) {
    shelf.append(0, 10);
    shelf.append(1, 1);
    shelf.clock().advance_ms(1000);
  }
  shelf.commit("p/half", 0, 15);
  shelf.commit("p/done", 0, 43);
  shelf.close();
  const StreamStats stream = shelf.stats();
  const auto& legs = stream.partitions.at(0).legs;
  REQUIRE(legs.size() == 2);
  CHECK(legs[0].leg == "p/done");
  CHECK(legs[0].events_behind == 0);
  CHECK(legs[0].oldest_ms == -1);
  CHECK(legs[1].leg == "p/half");
  CHECK(legs[1].next_offset == 15);
  // Offsets 0 to 9, a mark, 11 to 20, a mark, and so on.
  CHECK(legs[1].events_behind == 26);
  CHECK(legs[1].oldest_ms == begin + 1000);
  // It has committed nothing in the other partition: all of that is before it.
  REQUIRE(stream.partitions.at(1).legs.size() == 2);
  CHECK(stream.partitions.at(1).legs[1].events_behind == 4);
}

TEST_CASE("while the log is open, what is certainly synced is counted", "[stats]") {
  Shelf shelf;
  shelf.open();
  for (int i = 0; i < 10; ++i) shelf.append(0, 10);
  const uint64_t events = shelf.stats().partitions.at(0).events;
  CHECK(events >= 90);
  CHECK(events <= 100);
  shelf.close();
  CHECK(shelf.stats().partitions.at(0).events == 100);
}

TEST_CASE("no such stream, and a damaged header, are told", "[stats]") {
  Shelf shelf;
  shelf.open();
  shelf.append(0, 3);
  shelf.append(0, 3);
  shelf.close();
  CHECK(directory_stats(shelf.files(), "data", {"t", false, nullptr}).error().code == ErrorCode::kNotFound);
  CHECK(directory_stats(shelf.files(), "elsewhere", {}).error().code == ErrorCode::kNotFound);
  const std::string path = segment_path(partition_directory("data", "s", 0), 0, "log");
  auto file = shelf.files().open(path, io::OpenMode::kReadWrite);
  REQUIRE(file);
  REQUIRE((*file)->write_at(16, "\x07"));
  const auto damaged = directory_stats(shelf.files(), "data", {});
  REQUIRE_FALSE(damaged);
  CHECK(damaged.error().code == ErrorCode::kCorrupt);
  CHECK(damaged.error().message.find(path) != std::string::npos);
}

}  // namespace colloquium::log
