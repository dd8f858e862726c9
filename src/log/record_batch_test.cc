#include "log/record_batch.h"

#include <catch2/catch.hpp>
#include <string>

#include "io/checksum.h"

namespace colloquium::log {
namespace {

std::string batch_of(const RecordWriter& writer, BatchHeader header = {}) {
  header.record_count = writer.count();
  header.last_offset_delta = writer.count() - 1;
  const HeaderBytes head = put_header(header, writer.records().size(), io::crc32c(writer.records()));
  return std::string(head.data(), head.size()) + writer.records();
}

}  // namespace

TEST_CASE("varints are Kafka's zig-zag ones") {
  std::string bytes;
  for (const int64_t value : {0, -1, 1, -64, 64, 300}) append_varint(bytes, value);
  CHECK(bytes == std::string("\x00\x01\x02\x7f\x80\x01\xd8\x04", 8));
  for (const int64_t value :
       {int64_t{0}, int64_t{-1}, int64_t{63}, int64_t{64}, int64_t{-8193}, INT64_MAX, INT64_MIN}) {
    std::string encoded;
    append_varint(encoded, value);
    CHECK(encoded.size() == varint_size(value));
    ByteReader reader(encoded);
    CHECK(reader.varint() == value);
    CHECK((reader.ok() && reader.at_end()));
  }
}

TEST_CASE("a header survives the way to bytes and back") {
  BatchHeader header;
  header.base_offset = 0x0102030405060708;
  header.epoch = 77;
  header.attributes = kTransactional | kLogAppendTime | 4;
  header.last_offset_delta = 4;
  header.base_timestamp_ms = -5;
  header.max_timestamp_ms = 1'700'000'000'000;
  header.producer_id = 0x1122334455667788;
  header.producer_epoch = 9;
  header.record_count = 5;
  const HeaderBytes bytes = put_header(header, 100, 0);
  const BatchHeader back = get_header({bytes.data(), bytes.size()});
  CHECK(back.base_offset == header.base_offset);
  CHECK(back.batch_length == 49 + 100);
  CHECK(back.total_bytes() == 161);
  CHECK(back.epoch == 77);
  CHECK(back.magic == 2);
  CHECK(back.codec() == Codec::kZstd);
  CHECK(back.is_transactional());
  CHECK_FALSE(back.is_control());
  CHECK(back.last_offset() == header.base_offset + 4);
  CHECK(back.base_timestamp_ms == -5);
  CHECK(back.max_timestamp_ms == 1'700'000'000'000);
  CHECK(back.producer_id == header.producer_id);
  CHECK(back.producer_epoch == 9);
  CHECK(back.base_sequence >= 0);
}

TEST_CASE("the beginning of one batch and the rest of another are none, however alike [REQ-179]", "[REQ-179]") {
  RecordWriter writer;
  writer.add("key", "value");
  RecordWriter other;
  other.add("key", "other");
  BatchHeader header;
  header.base_offset = 5;
  const std::string first = batch_of(writer, header);
  header.base_offset = 6;
  const std::string second = batch_of(other, header);
  REQUIRE(first.size() == second.size());
  REQUIRE(batch_defect(first) == nullptr);
  REQUIRE(batch_defect(second) == nullptr);
  for (size_t i = 1; i < first.size(); ++i) {
    const bool same = first.substr(0, i) == second.substr(0, i) || first.substr(i) == second.substr(i);
    CHECK(same == (batch_defect(first.substr(0, i) + second.substr(i)) == nullptr));
  }
}

TEST_CASE("a batch of before its place had a checksum is read") {
  RecordWriter writer;
  writer.add("key", "value");
  std::string batch = batch_of(writer);
  for (size_t i = 53; i < 57; ++i) batch[i] = '\xff';
  const uint32_t crc = io::crc32c(std::string_view(batch).substr(kCrcBegin));
  for (size_t i = 0; i < 4; ++i) batch[17 + i] = static_cast<char>(crc >> (24 - 8 * i));
  CHECK(batch_defect(batch) == nullptr);
}

TEST_CASE("every flipped bit is seen [REQ-179]", "[REQ-179]") {
  RecordWriter writer;
  writer.add("key", "value");
  writer.add("", std::nullopt);
  const std::string whole = batch_of(writer);
  REQUIRE(batch_defect(whole) == nullptr);
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CHECK(batch_defect(damaged) != nullptr);
  }
  for (size_t length = 0; length < whole.size(); ++length) CHECK(batch_defect(whole.substr(0, length)) != nullptr);
}

TEST_CASE("records are read back with keys, nulls and headers") {
  RecordWriter writer;
  writer.add("a", "1");
  writer.add("", std::nullopt);
  RecordReader reader(writer.records(), 2);
  Record record;
  REQUIRE(reader.next(record));
  CHECK(record.key == "a");
  CHECK(record.value == "1");
  CHECK(record.offset_delta == 0);
  REQUIRE(reader.next(record));
  CHECK(record.key == "");
  CHECK_FALSE(record.value);
  CHECK(record.offset_delta == 1);
  CHECK_FALSE(reader.next(record));
  CHECK(reader.ok());
}

TEST_CASE("malformed records are refused at every cut and at every flipped bit without reading outside") {
  RecordWriter writer;
  for (int i = 0; i < 4; ++i) writer.add("key" + std::to_string(i), "some value");
  const std::string whole = writer.records();
  Record record;
  for (size_t length = 0; length < whole.size(); ++length) {
    const std::string cut = whole.substr(0, length);
    RecordReader reader(cut, 4);
    while (reader.next(record)) {
    }
    CHECK_FALSE(reader.ok());
  }
  for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    RecordReader reader(damaged, 4);
    int count = 0;
    while (reader.next(record)) ++count;
    CHECK(count <= 4);
  }
  RecordReader more(whole, 5);
  while (more.next(record)) {
  }
  CHECK_FALSE(more.ok());
  RecordReader fewer(whole, 3);
  while (fewer.next(record)) {
  }
  CHECK_FALSE(fewer.ok());
}

TEST_CASE("a sync mark is a control batch of one fixed size") {
  const auto bytes = put_sync_mark({1234, 5678}, 3, 99);
  const std::string_view whole(bytes.data(), bytes.size());
  CHECK(batch_defect(whole) == nullptr);
  const BatchHeader header = get_header(whole);
  CHECK(header.is_control());
  CHECK(header.producer_id == -1);
  CHECK(header.base_offset == 1234);
  CHECK(header.epoch == 3);
  CHECK(header.max_timestamp_ms == 99);
  const auto mark = get_sync_mark(whole);
  REQUIRE(mark);
  CHECK(mark->offset == 1234);
  CHECK(mark->position == 5678);
  RecordWriter writer;
  writer.add("x", "y");
  CHECK_FALSE(get_sync_mark(batch_of(writer)));
  CHECK_FALSE(get_sync_mark(whole.substr(1)));
}

}  // namespace colloquium::log
