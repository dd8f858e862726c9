// The log encrypted at rest: what is needed to open it, what a changed byte does, and what the disk tells.
#include <catch2/catch.hpp>
#include <set>

#include "base/sim_executor.h"
#include "io/checksum.h"
#include "io/compress.h"
#include "io/memory_file_system.h"
#include "io/path.h"
#include "log/copy_files_test.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/nonce_watch_test.h"
#include "log/record_batch.h"
#include "log/segment_log.h"
#include "log/verify.h"
#include "tests/compliance/log_helpers.h"

namespace colloquium::log {
namespace {

constexpr const char* kSecret = "a text that nobody else may read";

// A log over files in memory, opened with one ring of keys or another.
class Box {
 public:
  io::MemoryFileSystem& files() { return files_; }
  NonceWatch& nonces() { return nonces_; }
  SegmentLog& log() { return *log_; }
  std::shared_ptr<const KeyRing> ring(const std::string& letters, bool encrypt = true) {
    return letters.empty() ? nullptr : nonces_.ring(letters, random_, encrypt);
  }

  Status open(std::shared_ptr<const KeyRing> keys, uint64_t segment_bytes = 1 << 20) {
    LogOptions options;
    options.directory = "data";
    options.files = &files_;
    options.executor = &executor_;
    options.clock = &clock_;
    options.random = &random_;
    options.keys = std::move(keys);
    options.segment_bytes = segment_bytes;
    TRY_ASSIGN(log_, SegmentLog::open(std::move(options)));
    TRY_ASSIGN(stream_, log_->open_stream({"s", 2}));
    return {};
  }
  void close() {
    REQUIRE(log_->close());
    log_.reset();
  }
  void append(int32_t partition, const std::string& value) {
    contract::Event event{'"' + value + '"', value + " key", {{value + " name", value + " header"}}};
    const AcceptInfo accept{"hook", "", {}};
    REQUIRE(contract::append(*log_, executor_, stream_, partition,
                             contract::encoded(contract::make_batch({event}), Codec::kLz4, &accept)));
  }
  void commit(const std::string& token) {
    CommitRequest request;
    request.leg = "p/leg";
    request.sink_token = token;
    REQUIRE(contract::commit(*log_, executor_, std::move(request)));
  }
  std::vector<std::string> found(int32_t partition) {
    return contract::values_of(contract::read_all(*log_, stream_, partition));
  }

  static std::string folder(int32_t partition) { return partition_directory("data", "s", partition); }
  std::string path(int32_t partition, size_t i, const char* suffix) {
    return segment_path(folder(partition), list_segments(files_, folder(partition))->at(i), suffix);
  }
  std::string content(const std::string& path) { return *io::read_file(files_, path, 1 << 24); }
  void put(const std::string& path, const std::string& content) {
    auto file = files_.open(path, io::OpenMode::kOpenOrCreate);
    REQUIRE(file);
    REQUIRE((*file)->truncate(0));
    REQUIRE((*file)->write_at(0, content));
    REQUIRE((*file)->sync());
  }
  // The first failure of reading a partition without the log; nothing if all of it can be read.
  std::optional<Error> read_failure(int32_t partition, const std::shared_ptr<const KeyRing>& keys) {
    auto reader = open_reader(files_, "data", "s", partition, 0, keys);
    if (!reader) return reader.error();
    for (;;) {
      const auto batch = (*reader)->next();
      if (!batch) return batch.error();
      if (*batch == nullptr) return std::nullopt;
    }
  }

 private:
  ManualClock clock_;
  SimExecutor executor_{1, clock_};
  SeededRandom random_{4};
  NonceWatch nonces_;
  io::MemoryFileSystem files_;
  std::unique_ptr<SegmentLog> log_;
  StreamId stream_ = 0;
};

// Three encrypted segments in s/0, one in s/1, a commit in the journal, cleanly closed.
void fill(Box& box, const std::string& letters = "k") {
  for (int i = 0; i < 3; ++i) {
    REQUIRE(box.open(box.ring(letters)));
    box.append(0, std::string(kSecret) + std::to_string(i));
    if (i == 0) box.append(1, std::string(kSecret) + "0");
    box.commit(kSecret);
    box.close();
  }
}

bool names_it(const Error& error, const std::string& part) {
  INFO(error.describe());
  CHECK(error.message.find(part) != std::string::npos);
  return error.message.find(part) != std::string::npos;
}

// The CRC of a batch is made to hold again, as whoever changes it on purpose would.
void fix_crc(std::string& file, size_t batch, size_t size) {
  std::string crc;
  append_be32(crc, io::crc32c(std::string_view(file).substr(batch + kCrcBegin, size - kCrcBegin)));
  file.replace(batch + kCrcBegin - 4, 4, crc);
}

}  // namespace

TEST_CASE("nothing of an event or a commit can be read from the disk", "[encryption]") {
  Box box;
  fill(box);
  // What stands in the clear is compressed here: so the test's text would be found if it were.
  std::string bytes;
  REQUIRE(io::Compressor().compress(io::Compression::kLz4, std::string(kSecret), bytes));
  REQUIRE(bytes.find("nobody else may read") != std::string::npos);
  CHECK(all_bytes(box.files(), "data").find("nobody else may read") == std::string::npos);
  CHECK(all_bytes(box.files(), "data").find(std::string(8, 'k')) == std::string::npos);

  REQUIRE(box.open(box.ring("k")));
  CHECK(box.found(0).size() == 3);
  CHECK(box.found(0)[1].find(kSecret) == 1);
  CHECK(box.log().leg_state("p/leg")->sink_token == kSecret);
  CHECK_FALSE(box.nonces().reused());
}

TEST_CASE("an encrypted batch has the codec that no reader of Kafka's format knows", "[encryption]") {
  Box box;
  fill(box);
  const BatchHeader header = get_header(box.content(box.path(0, 0, "log")));
  CHECK((header.attributes & kCodecMask) == 7);
  CHECK(header.is_encrypted());
  CHECK(header.codec() == Codec::kLz4);
}

TEST_CASE("a process writes with keys of its own, and so never twice with one nonce", "[encryption]") {
  Box box;
  REQUIRE(box.open(box.ring("k")));
  box.append(0, "first");
  box.close();
  // A copy is put back after more was written: the same offsets, in the same incarnation, with other bytes.
  io::MemoryFileSystem copy;
  copy_files(box.files(), copy, "data");
  REQUIRE(box.open(box.ring("k")));
  box.append(0, "one history");
  box.close();
  const std::vector<std::string> names = *box.files().list(Box::folder(0));
  for (const std::string& name : names) {
    REQUIRE(box.files().remove(io::join(Box::folder(0), name)));
  }
  copy_files(copy, box.files(), "data");
  REQUIRE(box.open(box.ring("k")));
  box.append(0, "another one");
  CHECK(box.found(0) == std::vector<std::string>{"\"first\"", "\"another one\""});
  CHECK_FALSE(box.nonces().reused());
}

TEST_CASE("without the right key a start is refused, says which is needed, and changes nothing", "[encryption]") {
  Box box;
  fill(box);
  const std::string before = all_bytes(box.files(), "data");
  const std::string letters = GENERATE("", "x", "xy");
  const Status opened = box.open(box.ring(letters));
  REQUIRE_FALSE(opened);
  CHECK(opened.error().code == ErrorCode::kInvalidConfig);
  CHECK(names_it(opened.error(), "encrypted with the key " + NonceWatch::test_key('k')->id()));
  CHECK(names_it(opened.error(), "log.encryption"));
  if (!letters.empty()) CHECK(names_it(opened.error(), NonceWatch::test_key('x')->id()));
  CHECK(all_bytes(box.files(), "data") == before);
  CHECK(box.read_failure(0, box.ring(letters))->code == ErrorCode::kInvalidConfig);
  REQUIRE(box.open(box.ring("k")));
  CHECK(box.found(0).size() == 3);
}

TEST_CASE("a new key in front wraps what is new, and the old one opens what is old", "[encryption]") {
  Box box;
  fill(box, "k");
  REQUIRE(box.open(box.ring("nk")));
  box.append(0, "after the rotation");
  CHECK(box.found(0).size() == 4);
  box.close();
  CHECK(box.content(box.path(0, 0, "key")).find(NonceWatch::test_key('k')->id()) != std::string::npos);
  CHECK(box.content(box.path(0, 3, "key")).find(NonceWatch::test_key('n')->id()) != std::string::npos);
  REQUIRE_FALSE(box.open(box.ring("n")));
  REQUIRE(box.open(box.ring("nk")));
  CHECK(box.found(0).size() == 4);
  CHECK_FALSE(box.nonces().reused());
}

TEST_CASE("a log in the clear is encrypted from its next segment on, and back only where asked for",
          "[encryption]") {
  Box box;
  REQUIRE(box.open(nullptr));
  box.append(0, "in the clear");
  box.commit("t1");
  box.close();
  REQUIRE(box.open(box.ring("k")));
  box.append(0, kSecret);
  box.commit("t2");
  box.close();
  REQUIRE(list_segments(box.files(), Box::folder(0))->size() == 2);
  CHECK_FALSE(box.files().info(box.path(0, 0, "key")));
  CHECK(box.files().info(box.path(0, 1, "key")));

  REQUIRE_FALSE(box.open(nullptr));
  REQUIRE(box.open(box.ring("k", false)));
  box.append(0, "in the clear again");
  box.commit("t3");
  box.close();
  CHECK(box.content(box.path(0, 1, "log")).find("nobody else") == std::string::npos);
  CHECK(box.content(box.path(0, 2, "log")).find("in the clear again") != std::string::npos);
  CHECK_FALSE(box.files().info(box.path(0, 2, "key")));
  REQUIRE(box.open(box.ring("k", false)));
  CHECK(box.found(0) ==
        std::vector<std::string>{"\"in the clear\"", '"' + std::string(kSecret) + '"', "\"in the clear again\""});
  CHECK(box.log().leg_state("p/leg")->sink_token == "t3");
}

TEST_CASE("a damaged, lost or exchanged key file is told, and no batch is read with it", "[encryption][damage]") {
  Box box;
  fill(box);
  const auto refused = [&](const std::string& part) {
    const std::string before = all_bytes(box.files(), "data");
    const Status opened = box.open(box.ring("k"));
    REQUIRE_FALSE(opened);
    INFO(opened.error().describe());
    CHECK(opened.error().code == ErrorCode::kCorrupt);
    CHECK(opened.error().message.find(part) != std::string::npos);
    CHECK(all_bytes(box.files(), "data") == before);
    const auto report = verify_data_directory(box.files(), "data", nullptr, box.ring("k"));
    REQUIRE(report);
    CHECK(report->corrupt());
  };
  const std::string first = box.path(0, 0, "key");
  const std::string last = box.path(0, 2, "key");
  const std::string good = box.content(first);
  SECTION("any byte of it is another") {
    for (size_t at = 0; at < good.size(); at += 3) {
      INFO("byte " << at);
      box.put(first, good.substr(0, at) + static_cast<char>(good[at] ^ 1) + good.substr(at + 1));
      const Status opened = box.open(box.ring("k"));
      REQUIRE_FALSE(opened);
      const bool newer = opened.error().code == ErrorCode::kInvalidConfig;  // the version's digit
      REQUIRE((newer || opened.error().code == ErrorCode::kCorrupt));
    }
  }
  SECTION("two segments of a partition have each other's") {
    box.put(first, box.content(last));
    refused("it belongs to the segment at offset");
  }
  SECTION("two partitions have each other's") {
    box.put(first, box.content(box.path(1, 0, "key")));
    refused("belongs to another segment");
  }
  SECTION("it is missing") {
    // The newest segment is read at a start that follows no clean stop; an older one when it is read.
    REQUIRE(box.files().remove(last));
    REQUIRE(box.files().remove(clean_path("data")));
    refused("key file is missing");
    box.put(last, "");
    REQUIRE(box.files().remove(last));
    const auto failure = box.read_failure(0, box.ring("k"));
    REQUIRE(failure);
    CHECK(names_it(*failure, "key file is missing"));
  }
}

TEST_CASE("a batch changed by someone who mends its checksum is never read", "[encryption][damage]") {
  Box box;
  fill(box);
  const std::string path = box.path(0, 0, "log");
  const std::string whole = box.content(path);
  const size_t size = get_header(whole).total_bytes();
  const auto keys = box.ring("k");
  REQUIRE_FALSE(box.read_failure(0, keys));
  for (size_t bit = 0; bit < size * 8; ++bit) {
    if (bit / 8 >= kCrcBegin - 4 && bit / 8 < kCrcBegin) continue;  // the checksum itself
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    std::string changed = whole;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
    fix_crc(changed, 0, size);
    box.put(path, changed);
    const auto failure = box.read_failure(0, keys);
    REQUIRE(failure);
    REQUIRE(failure->code == ErrorCode::kCorrupt);
  }
}

TEST_CASE("a whole batch of another segment or partition is not taken for the one that stood there",
          "[encryption][damage]") {
  Box box;
  fill(box);
  // In both partitions the first batch has the same offset, incarnation, time and size: all but the key is alike.
  const std::string mine = box.path(0, 0, "log");
  const std::string whole = box.content(mine);
  const std::string other = box.content(box.path(1, 0, "log"));
  const size_t size = get_header(whole).total_bytes();
  REQUIRE(get_header(other).total_bytes() == size);
  box.put(mine, other.substr(0, size) + whole.substr(size));
  const auto failure = box.read_failure(0, box.ring("k"));
  REQUIRE(failure);
  CHECK(names_it(*failure, "can't be decrypted"));
  CHECK(names_it(*failure, mine));
  const auto report = verify_data_directory(box.files(), "data", nullptr, box.ring("k"));
  REQUIRE(report);
  CHECK(report->corrupt());
  // The whole segment with its key and its seal, moved to the other partition: bound to its place.
  for (const char* suffix : {"log", "key"}) box.put(box.path(0, 0, suffix), box.content(box.path(1, 0, suffix)));
  CHECK(names_it(*box.read_failure(0, box.ring("k")), "belongs to another segment"));
}

TEST_CASE("a batch in the clear is not read in an encrypted segment", "[encryption][damage]") {
  Box box;
  fill(box);
  Box plain;
  REQUIRE(plain.open(nullptr));
  plain.append(0, "forged");
  plain.close();
  box.put(box.path(0, 2, "log"), plain.content(plain.path(0, 0, "log")));
  box.put(box.path(0, 0, "log"), plain.content(plain.path(0, 0, "log")));
  REQUIRE(box.files().remove(box.path(0, 0, "seal")));
  auto reader = open_reader(box.files(), "data", "s", 0, 0, box.ring("k"));
  REQUIRE(reader);
  const auto batch = (*reader)->next();
  REQUIRE_FALSE(batch);
  CHECK(names_it(batch.error(), "in the clear although its segment is encrypted"));
}

TEST_CASE("verify without the key checks all that needs none, and says which key it lacked", "[encryption]") {
  Box box;
  fill(box);
  const auto open = verify_data_directory(box.files(), "data", nullptr, box.ring("k"));
  REQUIRE(open);
  CHECK(open->problems.empty());
  CHECK(open->keys_needed.empty());
  const auto closed = verify_data_directory(box.files(), "data", nullptr);
  REQUIRE(closed);
  CHECK(closed->problems.empty());
  CHECK(closed->events == open->events);
  REQUIRE(closed->keys_needed.size() == 1);
  CHECK(closed->keys_needed.begin()->first == NonceWatch::test_key('k')->id());
  CHECK(closed->keys_needed.begin()->second == closed->segments);
  CHECK(list_data_directory(box.files(), "data"));

  box.files().flip(box.path(0, 1, "log"), 80, 1);
  const auto damaged = verify_data_directory(box.files(), "data", nullptr);
  REQUIRE(damaged);
  CHECK(damaged->corrupt());
}

TEST_CASE("key files that a crash left behind are removed by the next start", "[encryption]") {
  Box box;
  fill(box);
  const std::string lost = segment_path(Box::folder(0), 1000, "key");
  box.put(lost, "half a key file");
  REQUIRE(box.files().remove(clean_path("data")));
  REQUIRE(box.open(box.ring("k")));
  CHECK_FALSE(box.files().info(lost));
  CHECK(box.found(0).size() == 3);
}

}  // namespace colloquium::log
