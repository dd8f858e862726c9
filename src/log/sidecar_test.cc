// The small files beside the segments: what is written is read back, and nothing else is believed.
#include "log/sidecar.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/manual_clock.h"
#include "io/checksum.h"
#include "io/memory_file_system.h"
#include "io/path.h"
#include "log/clean_marker.h"
#include "log/epochs.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/seal.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

const std::string kAnyBytes = [] {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += static_cast<char>(byte);
  return all;
}();

}  // namespace

TEST_CASE("lines come back with any bytes in their fields") {
  SidecarWriter writer("thing", 3);
  writer.line("one", {"plain", "", kAnyBytes, "a b%20\n", "%"});
  writer.line("two", {});
  writer.line("three", {"-5", "x7", ""});
  const auto parsed = parse_sidecar(writer.finish(), "thing", 3, "path");
  REQUIRE(parsed);
  CHECK(parsed->version == 3);
  REQUIRE(parsed->lines.size() == 3);
  CHECK(parsed->lines[0].fields == std::vector<std::string>{"plain", "", kAnyBytes, "a b%20\n", "%"});
  CHECK(parsed->lines[1].fields.empty());
  int number = 0;
  CHECK(parsed->lines[2].number(0, number));
  CHECK(number == -5);
  CHECK_FALSE(parsed->lines[2].number(1, number));
  CHECK_FALSE(parsed->lines[2].number(2, number));
  CHECK_FALSE(parsed->lines[2].number(9, number));
}

TEST_CASE("no flipped bit and no cut of a sidecar is believed [REQ-179]", "[REQ-179]") {
  SidecarWriter writer("thing", 1);
  writer.line("number", {"12345"});
  const std::string whole = writer.finish();
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto parsed = parse_sidecar(damaged, "thing", 1, "path");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::kCorrupt);  // the version, too: a repair may mend it
  }
  for (size_t length = 0; length < whole.size(); ++length) {
    CHECK_FALSE(parse_sidecar(whole.substr(0, length), "thing", 1, "path"));
  }
  CHECK(parse_sidecar(whole, "other", 1, "path").error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a line without a name is damage, whatever its checksum says") {
  for (const std::string_view field : {"", "5"}) {
    SidecarWriter writer("thing", 1);
    writer.line("", {field});
    const auto parsed = parse_sidecar(writer.finish(), "thing", 1, "path");
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().code == ErrorCode::kCorrupt);
  }
}

TEST_CASE("a newer version is refused with what to do, whatever else stands in the file") {
  const auto refused = parse_sidecar("colloquium thing 9\nin some other form", "thing", 1, "the/path");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidConfig);
  CHECK(refused.error().message.find("the/path") != std::string::npos);
  CHECK(refused.error().message.find("version 9") != std::string::npos);
  CHECK(refused.error().message.find("newer") != std::string::npos);
  SidecarWriter writer("thing", 9);
  writer.line("new", {"line"});
  CHECK(parse_sidecar(writer.finish(), "thing", 1, "the/path").error().code == ErrorCode::kInvalidConfig);
}

TEST_CASE("epochs say who wrote an offset") {
  EpochTable epochs;
  epochs.begin(0);
  epochs.begin(100);
  epochs.begin(250);
  CHECK(epochs.epoch_at(-1) == -1);
  CHECK(epochs.epoch_at(0) == 0);
  CHECK(epochs.epoch_at(99) == 0);
  CHECK(epochs.epoch_at(100) == 1);
  CHECK(epochs.epoch_at(249) == 1);
  CHECK(epochs.epoch_at(100000) == 2);
  CHECK(epochs.current() == 2);
  CHECK(epochs.current_start() == 250);
  // A cut takes incarnations away that wrote nothing that is left, but never gives their numbers again.
  epochs.begin(100);
  CHECK(epochs.entries().size() == 2);
  CHECK(epochs.current() == 3);
  CHECK(epochs.epoch_at(99) == 0);
  CHECK(epochs.epoch_at(100) == 3);

  io::MemoryFileSystem fs;
  REQUIRE(io::write_file_atomically(fs, "/epochs", epochs.text()));
  const auto read = EpochTable::read(fs, "/epochs");
  REQUIRE(read);
  CHECK(read->text() == epochs.text());
  CHECK(EpochTable::read(fs, "/none").error().code == ErrorCode::kNotFound);
}

TEST_CASE("epochs that do not rise are damaged") {
  io::MemoryFileSystem fs;
  SidecarWriter writer("epochs", 1);
  writer.line("epoch", {"1", "100"});
  writer.line("epoch", {"2", "100"});
  REQUIRE(io::write_file_atomically(fs, "/epochs", writer.finish()));
  CHECK(EpochTable::read(fs, "/epochs").error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a seal comes back whole") {
  Seal seal;
  seal.base_offset = 1234;
  seal.next_offset = 5678;
  seal.events_end = 5677;
  seal.size_bytes = uint64_t{1} << 40;
  seal.crc = 0xfedcba98;
  seal.first_time_ms = -5;
  seal.max_time_ms = 1'700'000'000'000;
  seal.first_epoch = 3;
  seal.last_epoch = 7;
  seal.sources["a source\n"] = {kAnyBytes, 2000, 99};
  seal.sources[""] = {"", 0, 0};
  io::MemoryFileSystem fs;
  REQUIRE(io::write_file_atomically(fs, "/s", seal_text(seal)));
  const auto read = read_seal(fs, "/s");
  REQUIRE(read);
  CHECK(seal_text(*read) == seal_text(seal));
  CHECK(read->sources.at("a source\n").cursor == kAnyBytes);
}

TEST_CASE("where a partition begins comes back whole, and is 0 without a file") {
  io::MemoryFileSystem fs;
  REQUIRE(fs.make_directories("/p"));
  CHECK(read_oldest(fs, "/p")->offset == 0);
  const Oldest oldest{4711, 1'700'000'000'000, {{"a source", {kAnyBytes, 2000, 99}}}};
  REQUIRE(io::write_file_atomically(fs, oldest_path("/p"), oldest_text(oldest)));
  const auto read = read_oldest(fs, "/p");
  REQUIRE(read);
  CHECK(oldest_text(*read) == oldest_text(oldest));
  CHECK(read->sources.at("a source").first_offset == 2000);
  for (const char* bad : {"0", "-5", "x", ""}) {
    SidecarWriter writer("oldest", 1);
    writer.line("offset", {bad});
    REQUIRE(io::write_file_atomically(fs, oldest_path("/p"), writer.finish()));
    CHECK(read_oldest(fs, "/p").error().code == ErrorCode::kCorrupt);
  }
  REQUIRE(io::write_file_atomically(fs, oldest_path("/p"), SidecarWriter("oldest", 1).finish()));
  CHECK(read_oldest(fs, "/p").error().code == ErrorCode::kCorrupt);
}

TEST_CASE("CLEAN comes back whole, and a damaged one counts as none") {
  CleanMarker marker;
  CleanEntry& entry = marker[{"orders", 3}];
  entry.end = {1000, 2000, true, 900, 4096, 0xabcdef01, 1500, 4, true};
  entry.sealed_bytes = 12345678901;
  entry.index_crc = 77;
  entry.sources["hook"] = {"cursor", 950, 1999};
  marker[{"", 0}].end.next_offset = 5;
  io::MemoryFileSystem fs;
  CHECK_FALSE(*read_clean(fs, "/CLEAN"));
  REQUIRE(io::write_file_atomically(fs, "/CLEAN", clean_text(marker)));
  const auto read = read_clean(fs, "/CLEAN");
  REQUIRE(read);
  REQUIRE(*read);
  CHECK(clean_text(**read) == clean_text(marker));
  CHECK((*read)->count({"", 0}) == 1);
  fs.flip("/CLEAN", 40, 1);
  CHECK_FALSE(*read_clean(fs, "/CLEAN"));
}

TEST_CASE("a stream's meta is fixed when it is made") {
  io::MemoryFileSystem fs;
  SeededRandom random(1);
  const StreamMeta meta{3, random_tag(random), "murmur2"};
  CHECK(meta.tag.size() == 8);
  CHECK(meta.tag != random_tag(random));
  REQUIRE(create_stream(fs, "data", "s", meta));
  const auto read = read_meta(fs, meta_path("data", "s"));
  REQUIRE(read);
  CHECK(read->partitions == 3);
  CHECK(read->tag == meta.tag);
  CHECK(fs.info(epochs_path(partition_directory("data", "s", 2))));
  CHECK(create_stream(fs, "data", "t", {5000, meta.tag, "murmur2"}).error().code == ErrorCode::kInvalidConfig);
  REQUIRE(create_stream(fs, "data", "u", {1, meta.tag, "other"}));
  CHECK(read_meta(fs, meta_path("data", "u")).error().code == ErrorCode::kInvalidConfig);
}

TEST_CASE("names that can't be folders are refused") {
  for (const char* good : {"orders", "orders.dead", "A-b_c.9", "..."}) CHECK(check_stream_name(good));
  for (const char* bad : {"", ".", "..", "a/b", "a b", "\xc3\xa4", "a\nb"}) {
    CHECK(check_stream_name(bad).error().code == ErrorCode::kInvalidConfig);
  }
  CHECK_FALSE(check_stream_name(std::string(201, 'a')));
}

TEST_CASE("segments are listed by their offsets and strangers passed over") {
  io::MemoryFileSystem fs;
  REQUIRE(fs.make_directories("/p"));
  for (const char* name : {"00000000000000000000.log", "00000000000000012345.log", "00000000000000012345.seal",
                           "123.log", "0000000000000000000x.log", "epochs", "99999999999999999999.log"}) {
    REQUIRE(fs.open(io::join("/p", name), io::OpenMode::kCreate));
  }
  CHECK(*list_segments(fs, "/p") == std::vector<int64_t>{0, 12345});
  CHECK(segment_path("/p", 12345, "seal") == "/p/00000000000000012345.seal");
}

}  // namespace colloquium::log
