#include <catch2/catch.hpp>
#include <string>

#include "base/manual_clock.h"
#include "io/checksum.h"
#include "io/compress.h"
#include "log/accept_header.h"
#include "log/batch_decoder.h"
#include "log/log.h"
#include "log/record_batch.h"

namespace colloquium::log {
namespace {

std::shared_ptr<const BatchOrigin> origin(const std::string& source = "") {
  auto made = std::make_shared<BatchOrigin>();
  made->stream = "s";
  made->tag = "abcdefgh";
  made->source = source;
  return made;
}

std::shared_ptr<const Batch> one_event(const EventMeta& meta = {}, const std::string& source = "") {
  BatchBuilder builder;
  builder.add("{}", {}, meta);
  return builder.seal(origin(source), 0);
}

BatchHeader header_of(const EncodedBatch& encoded) {
  BatchHeader header;
  header.attributes = static_cast<uint16_t>(encoded.codec);
  header.record_count = encoded.count;
  header.last_offset_delta = encoded.count - 1;
  header.base_timestamp_ms = encoded.base_timestamp_ms;
  return header;
}

}  // namespace

TEST_CASE("random batches come back equal through every codec [REQ-010]", "[REQ-010]") {
  SeededRandom random(GENERATE(1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u));
  const auto text = [&](uint64_t bound) {
    std::string made(random.below(bound), '\0');
    for (char& c : made) c = static_cast<char>(random.next());
    return made;
  };
  BatchBuilder builder;
  const size_t count = 1 + random.below(300);
  for (size_t i = 0; i < count; ++i) {
    std::vector<std::pair<std::string, std::string>> owned(random.below(4));
    for (auto& [name, value] : owned) {
      name = text(20);
      value = text(200);
    }
    const std::vector<std::pair<std::string_view, std::string_view>> headers(owned.begin(), owned.end());
    const std::string key = text(100);
    EventMeta meta;
    if (random.below(2) == 0) meta.key = key;
    const std::string id = text(60);
    if (random.below(3) == 0) meta.id = id;
    meta.headers = headers;
    meta.timestamp_ms = static_cast<int64_t>(random.next() >> random.below(60));
    meta.offset_delta = static_cast<uint32_t>(random.below(1000));
    meta.ordinal = static_cast<uint32_t>(random.below(3));
    if (random.below(8) == 0) {
      builder.add_tombstone(meta);
    } else {
      builder.add(text(random.below(20) == 0 ? 100000 : 300), {}, meta);
    }
  }
  const auto batch = builder.seal(origin(), 0);
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    const auto encoded = encode(batch, codec, nullptr);
    REQUIRE(encoded);
    CHECK(encoded->records_crc == io::crc32c(encoded->records));
    CHECK(encoded->count == static_cast<int32_t>(count));
    BatchDecoder decoder(origin(), nullptr);
    const auto decoded = decoder.decode(header_of(*encoded), encoded->records);
    REQUIRE(decoded);
    REQUIRE((*decoded)->size() == count);
    for (size_t i = 0; i < count; ++i) {
      REQUIRE((*decoded)->value(i) == batch->value(i));
      REQUIRE((*decoded)->is_tombstone(i) == batch->is_tombstone(i));
      REQUIRE((*decoded)->key(i) == batch->key(i));
      REQUIRE((*decoded)->headers(i) == batch->headers(i));
      REQUIRE((*decoded)->own_id(i) == batch->own_id(i));
      REQUIRE((*decoded)->entry(i).timestamp_ms == batch->entry(i).timestamp_ms);
      REQUIRE((*decoded)->entry(i).offset_delta == i);
      REQUIRE(encoded->batch->entry(i).offset_delta == i);
      REQUIRE(encoded->batch->entry(i).ordinal == 0);
    }
  }
}

TEST_CASE("what was accepted is stored in one reserved header and hidden from readers") {
  const AcceptInfo info{"hook", std::string("a\0b", 3), {{1, ~uint64_t{0}}}};
  const std::vector<std::pair<std::string_view, std::string_view>> own = {{"mine", "1"}};
  EventMeta meta;
  meta.headers = own;
  for (const Codec codec : {Codec::kNone, Codec::kGzip, Codec::kLz4, Codec::kZstd}) {
    const auto encoded = encode(one_event(meta), codec, &info);
    REQUIRE(encoded);
    CHECK(encoded->source == "hook");
    CHECK(encoded->cursor == info.cursor);
    BatchDecoder decoder(origin(), nullptr);
    const auto accept = decoder.decode_accept(header_of(*encoded), encoded->records);
    REQUIRE(accept);
    REQUIRE(*accept);
    CHECK((*accept)->source == "hook");
    CHECK((*accept)->cursor == info.cursor);
    CHECK((*accept)->id_hashes == info.id_hashes);
    const auto batch = decoder.decode(header_of(*encoded), encoded->records);
    REQUIRE(batch);
    CHECK((*batch)->origin().source == "hook");
    CHECK((*batch)->header_count(0) == 1);
    CHECK(encoded->batch->origin().source == "hook");
  }
}

TEST_CASE("the source of a leg's output is kept") {
  const auto encoded = encode(one_event({}, "files"), Codec::kNone, nullptr);
  REQUIRE(encoded);
  CHECK(encoded->source.empty());
  BatchDecoder decoder(origin(), nullptr);
  CHECK_FALSE(*decoder.decode_accept(header_of(*encoded), encoded->records));
  const auto batch = decoder.decode(header_of(*encoded), encoded->records);
  CHECK((*batch)->origin().source == "files");
  CHECK((*batch)->header_count(0) == 0);
}

TEST_CASE("the log's own header names are refused from outside, the engine's marks pass") {
  const std::vector<std::pair<std::string_view, std::string_view>> forged = {{"cq.accept", "x"}};
  EventMeta meta;
  meta.headers = forged;
  CHECK(encode(one_event(meta), Codec::kNone, nullptr).error().code == ErrorCode::kInvalidInput);
  const std::vector<std::pair<std::string_view, std::string_view>> id = {{"cq.id", "x"}};
  meta.headers = id;
  CHECK(encode(one_event(meta), Codec::kNone, nullptr).error().code == ErrorCode::kInvalidInput);
  const std::vector<std::pair<std::string_view, std::string_view>> mark = {{"cq.mark", "x"}};
  meta.headers = mark;
  const auto encoded = encode(one_event(meta), Codec::kNone, nullptr);
  REQUIRE(encoded);
  BatchDecoder decoder(origin(), nullptr);
  CHECK((*decoder.decode(header_of(*encoded), encoded->records))->header_count(0) == 1);
}

namespace {

// `count` events that share one value of a MiB, and one of `rest` bytes: what is encoded is far larger than this.
std::shared_ptr<const Batch> repeated(size_t count, size_t rest) {
  auto body = std::make_shared<BatchBody>();
  body->bytes.assign((size_t{1} << 20) + kBatchPadding, '1');
  const BatchEntry entry{0, 1 << 20, kNoMeta, kNoTape, 0, 0, 0};
  std::vector<BatchEntry> entries(count, entry);
  entries.push_back(entry);
  entries.back().value_length = static_cast<uint32_t>(rest);
  for (size_t i = 0; i < entries.size(); ++i) entries[i].offset_delta = static_cast<uint32_t>(i);
  return std::make_shared<const Batch>(std::move(body), std::move(entries), origin(), 0);
}

size_t encoded_bytes(size_t count, size_t rest) {
  const auto encoded = encode(repeated(count, rest), Codec::kNone, nullptr);
  REQUIRE(encoded);
  return encoded->records.size();
}

}  // namespace

TEST_CASE("what is stored can be read: a batch at the readers' limit is taken, one byte more is refused") {
  constexpr size_t kRest = 1 << 19;
  const size_t rest = kRest + kMaxRecordsBytes - encoded_bytes(255, kRest);
  const auto encoded = encode(repeated(255, rest), Codec::kLz4, nullptr);
  REQUIRE(encoded);
  BatchDecoder decoder(origin(), nullptr);
  const auto decoded = decoder.decode(header_of(*encoded), encoded->records);
  INFO((decoded ? std::string() : decoded.error().describe()));
  REQUIRE(decoded);
  CHECK((*decoded)->value(255).size() == rest);
  CHECK(encoded_bytes(255, rest) == kMaxRecordsBytes);
  for (const Codec codec : {Codec::kNone, Codec::kLz4}) {
    const auto refused = encode(repeated(255, rest + 1), codec, nullptr);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == ErrorCode::kLimit);
  }
}

TEST_CASE("what stands around an event counts towards the size of a batch, and so do ids") {
  // 100 MB of events, with 11 bytes around each of them and 16 of its id.
  auto body = std::make_shared<BatchBody>();
  body->bytes.assign(16 + kBatchPadding, '1');
  const BatchEntry entry{0, 16, kNoMeta, kNoTape, 0, 0, 0};
  constexpr size_t kEvents = 6'500'000;
  const auto batch =
      std::make_shared<const Batch>(std::move(body), std::vector<BatchEntry>(kEvents, entry), origin(), 0);
  AcceptInfo info;
  info.source = "hook";
  info.id_hashes.resize(kEvents, {1, 2});
  const auto refused = encode(batch, Codec::kLz4, &info);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kLimit);
}

TEST_CASE("an accept header of another version or cut short is not believed") {
  const std::string whole = put_accept({"source", "cursor", {{1, 2}, {3, 4}}});
  REQUIRE(get_accept(whole));
  for (size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(get_accept(whole.substr(0, length)));
  std::string newer = whole;
  newer[0] = 2;
  CHECK_FALSE(get_accept(newer));
  CHECK_FALSE(get_accept(whole + "x"));
}

TEST_CASE("tapes are made on request, for what lacks them") {
  const TapeBuilder builder = [](std::string_view value, std::vector<TapeToken>& tape) {
    tape.push_back({0, static_cast<uint32_t>(value.size()), 1, 0, 0, 0});
  };
  const auto encoded = encode(one_event(), Codec::kLz4, nullptr);
  BatchDecoder with(origin(), &builder);
  BatchDecoder without(origin(), nullptr);
  CHECK((*with.decode(header_of(*encoded), encoded->records))->tape(0).size() == 1);
  const auto bare = *without.decode(header_of(*encoded), encoded->records);
  CHECK(bare->tape(0).empty());
  CHECK(without.with_tapes(bare) == bare);
  const auto made = with.with_tapes(bare);
  CHECK(made->tape(0).size() == 1);
  CHECK(made->value(0) == bare->value(0));
  CHECK(with.with_tapes(made) == made);
}

TEST_CASE("records that decompress to nonsense are reported as corrupt") {
  auto encoded = encode(one_event(), Codec::kLz4, nullptr);
  REQUIRE(encoded);
  BatchDecoder decoder(origin(), nullptr);
  BatchHeader header = header_of(*encoded);
  header.record_count = 2;
  CHECK(decoder.decode(header, encoded->records).error().code == ErrorCode::kCorrupt);
  header.record_count = 1;
  CHECK(decoder.decode(header, encoded->records.substr(3)).error().code == ErrorCode::kCorrupt);
  CHECK(decoder.decode_accept(header, encoded->records.substr(3)).error().code == ErrorCode::kCorrupt);
  CHECK(decoder.decode(header, encoded->records));
}

}  // namespace colloquium::log
