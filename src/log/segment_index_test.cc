#include "log/segment_index.h"

#include <catch2/catch.hpp>
#include <string>

#include "io/checksum.h"
#include "io/memory_file_system.h"
#include "log/layout.h"
#include "log/partition.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {

// A segment of batches of one record each, about 600 bytes long, in a file.
struct Batches {
  explicit Batches(int count) {
    REQUIRE(fs.make_directories("/p"));
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      RecordWriter writer;
      writer.add("k", std::string(500, 'v'));
      BatchHeader header;
      header.base_offset = 1000 + i;
      header.max_timestamp_ms = 5000 + i / 2;
      header.record_count = 1;
      const HeaderBytes head = put_header(header, writer.records().size(), io::crc32c(writer.records()));
      positions.push_back(bytes.size());
      bytes.append(head.data(), head.size()).append(writer.records());
      index.add({header.base_offset, positions.back(), header.max_timestamp_ms});
    }
    size = bytes.size();
    auto file = fs.open(segment_path("/p", 1000, "log"), io::OpenMode::kCreate);
    REQUIRE((*file)->write_at(0, bytes));
  }
  std::shared_ptr<const io::File> file() {
    return std::move(*fs.open(segment_path("/p", 1000, "log"), io::OpenMode::kRead));
  }

  io::MemoryFileSystem fs;
  std::vector<uint64_t> positions;
  SegmentIndex index;
  uint64_t size = 0;
};

}  // namespace

TEST_CASE("an index finds a place before, and holds one entry per four kilobytes") {
  Batches batches(100);
  CHECK(batches.index.size() > 10);
  CHECK(batches.index.size() < 20);
  CHECK(batches.index.before_offset(999) == nullptr);
  for (int i = 0; i < 100; ++i) {
    const SegmentIndex::Entry* entry = batches.index.before_offset(1000 + i);
    REQUIRE(entry != nullptr);
    CHECK(entry->offset <= 1000 + i);
    CHECK(entry->position == batches.positions[static_cast<size_t>(entry->offset - 1000)]);
    CHECK(batches.positions[static_cast<size_t>(i)] - entry->position < 5000);
  }
  CHECK(batches.index.before_time(5000) == nullptr);
  CHECK(batches.index.before_time(9999)->offset > 1080);
}

TEST_CASE("index files come back, and are rebuilt when they are missing, cut or nonsense") {
  Batches batches(100);
  REQUIRE(store_index(batches.fs, "/p", 1000, batches.index));
  const std::string index_path = segment_path("/p", 1000, "index");
  const auto load = [&] {
    const auto loaded = load_index(batches.fs, "/p", 1000, batches.file(), batches.size);
    REQUIRE(loaded);
    return loaded->index_bytes(1000) + loaded->time_index_bytes(1000);
  };
  const std::string expected = batches.index.index_bytes(1000) + batches.index.time_index_bytes(1000);
  CHECK(load() == expected);
  batches.fs.flip(index_path, 8 * 3 + 7, 0xff);
  batches.fs.flip(index_path, 8 * 3 + 4, 0xff);
  CHECK(load() == expected);
  auto file = batches.fs.open(index_path, io::OpenMode::kReadWrite);
  REQUIRE((*file)->truncate(20));
  CHECK(load() == expected);
  REQUIRE(batches.fs.remove(index_path));
  CHECK(load() == expected);
}

TEST_CASE("a cut takes entries away") {
  Batches batches(100);
  batches.index.cut(batches.positions[50]);
  CHECK(batches.index.before_offset(1099)->position < batches.positions[50]);
  batches.index.cut(0);
  CHECK(batches.index.size() == 0);
}

TEST_CASE("an index that points at other batches than it says is not followed") {
  Batches batches(100);
  // As if left from before a cut: every offset one lower than what stands there now.
  SegmentIndex stale;
  for (size_t i = 0; i + 1 < batches.positions.size(); ++i) {
    stale.add({1000 + static_cast<int64_t>(i), i == 0 ? 0 : batches.positions[i + 1], 5000});
  }
  REQUIRE(store_index(batches.fs, "/p", 1000, stale));
  Segment segment("/p", 1000, false);
  segment.set_readable_bytes(batches.size);
  for (int i = 0; i < 100; ++i) {
    const auto place = segment.place_before(batches.fs, 1000 + i);
    REQUIRE(place);
    CHECK(place->offset <= 1000 + i);
    CHECK(place->position == batches.positions[static_cast<size_t>(place->offset - 1000)]);
  }
}

TEST_CASE("a segment of damaged headers can't be indexed") {
  Batches batches(10);
  batches.fs.flip(segment_path("/p", 1000, "log"), batches.positions[4] + 16, 1);
  CHECK(SegmentIndex::rebuild(batches.file(), batches.size).error().code == ErrorCode::kCorrupt);
}

}  // namespace colloquium::log
