#include "colloquium/batch.h"

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

namespace colloquium {
namespace {

using Header = std::pair<std::string_view, std::string_view>;

std::shared_ptr<const BatchOrigin> origin(std::string leg = {}) {
  return std::make_shared<const BatchOrigin>(BatchOrigin{"orders", "ab12cd34", "hook", std::move(leg), 2});
}

TapeToken token(TokenType type, uint32_t offset, uint32_t length, uint32_t next) {
  TapeToken t{};
  t.offset = offset;
  t.length = length;
  t.next = next;
  t.type_bits = static_cast<uint32_t>(type) & 0x3f;
  return t;
}

// The tape of [1].
std::vector<TapeToken> list_tape() {
  return {token(TokenType::kArray, 0, 3, 2), token(TokenType::kInteger, 1, 1, 2)};
}

// Three events: one with key and headers, one bare, one tombstone with a key.
std::shared_ptr<const Batch> sample() {
  BatchBuilder builder;
  const std::vector<Header> headers = {{"trace", "t-1"}, {"trace", ""}};
  builder.add("[1]", list_tape(), {.key = "k1", .headers = headers, .timestamp_ms = 10, .offset_delta = 0});
  builder.add("true", {}, {.timestamp_ms = 20, .offset_delta = 1});
  builder.add_tombstone({.key = "", .timestamp_ms = 30, .offset_delta = 5});
  return builder.seal(origin(), 100);
}

TEST_CASE("a batch gives back what was added") {
  auto batch = sample();
  REQUIRE(batch->size() == 3);
  CHECK(batch->value(0) == "[1]");
  CHECK(batch->key(0) == "k1");
  CHECK(batch->header_count(0) == 2);
  CHECK(batch->headers(0) == std::vector<Header>{{"trace", "t-1"}, {"trace", ""}});
  CHECK(batch->entry(0).timestamp_ms == 10);
  REQUIRE(batch->tape(0).size() >= 2);
  CHECK(batch->tape(0)[0].type() == TokenType::kArray);
  CHECK(batch->value(1) == "true");
  CHECK_FALSE(batch->key(1).has_value());
  CHECK(batch->headers(1).empty());
  CHECK(batch->tape(1).empty());
  CHECK(batch->entry(1).meta_offset == kNoMeta);
  CHECK(batch->offset(2) == 105);
}

TEST_CASE("a tombstone is not an empty value and an empty key is not a missing one") {
  auto batch = sample();
  CHECK(batch->is_tombstone(2));
  CHECK_FALSE(batch->is_tombstone(1));
  CHECK(batch->value(2).empty());
  CHECK(batch->key(2) == "");
}

TEST_CASE("long keys and many headers survive the encoding") {
  BatchBuilder builder;
  const std::string key(70'000, 'k');
  std::vector<std::string> texts;
  for (int i = 0; i < 200; ++i) texts.push_back("header-" + std::string(static_cast<size_t>(i), 'x'));
  std::vector<Header> headers;
  for (const std::string& text : texts) headers.emplace_back(text, text);
  builder.add("1", {}, {.key = key, .headers = headers});
  auto batch = builder.seal(origin(), 0);
  CHECK(batch->key(0) == key);
  CHECK(batch->headers(0) == headers);
}

TEST_CASE("payload_bytes counts values, keys and headers that entries refer to") {
  auto batch = sample();
  CHECK(batch->payload_bytes() == 3 + 2 + 8 + 5 + 4 + 0 + 0);
  CHECK(batch->tail(1)->payload_bytes() == 4);
  BatchBuilder builder;
  builder.keep(*batch, 0);
  CHECK(builder.seal(origin(), 0)->payload_bytes() == 18);
}

TEST_CASE("padding of zero bytes follows the content") {
  BatchBuilder builder;
  builder.add("12345", {}, {});
  auto batch = builder.seal(origin(), 0);
  const std::vector<char>& bytes = batch->body()->bytes;
  const size_t end = batch->entry(0).value_offset + batch->entry(0).value_length;
  REQUIRE(bytes.size() >= end + kBatchPadding);
  for (size_t i = end; i < end + kBatchPadding; ++i) CHECK(bytes[i] == 0);
}

TEST_CASE("ids name stream, tag, partition and offset, and leg and ordinal behind a leg") {
  auto batch = sample();
  CHECK(batch->id(2) == "orders.ab12cd34-2-105");
  BatchBuilder builder;
  builder.begin_value();
  builder.bytes().push_back('7');
  builder.finish_from(*batch, 1, 3);
  CHECK(builder.seal(origin("clean"), 100)->id(0) == "orders.ab12cd34-2-101-clean-3");
}

TEST_CASE("an event may have an id of its own, which is no header and goes with it") {
  BatchBuilder builder;
  const std::vector<Header> headers = {{"trace", "t-1"}};
  builder.add("1", {}, {.headers = headers, .id = "orders.ab12cd34-2-7-triage-0"});
  builder.add("2", {}, {.key = "k", .offset_delta = 1, .id = ""});
  builder.add("3", {}, {.offset_delta = 2});
  const auto batch = builder.seal(origin("slack"), 100);
  CHECK(batch->id(0) == "orders.ab12cd34-2-7-triage-0-slack-0");
  CHECK(batch->headers(0) == headers);
  CHECK(batch->header_count(0) == 1);
  CHECK(batch->own_id(1) == "");
  CHECK(batch->key(1) == "k");
  CHECK(batch->header_count(1) == 0);
  CHECK_FALSE(batch->own_id(2).has_value());
  CHECK(batch->entry(2).meta_offset == kNoMeta);
  CHECK(batch->payload_bytes() == 1 + 1 + 1 + 28 + 8 + 1);

  builder.keep(*batch, 0);
  builder.keep(*sample(), 1);
  builder.begin_value();
  builder.bytes().push_back('4');
  builder.finish_from(*batch, 0, 2);
  const auto copied = builder.seal(origin("slack"), 0);
  CHECK(copied->id(0) == batch->id(0));
  CHECK(copied->headers(0) == headers);
  CHECK(copied->id(2) == "orders.ab12cd34-2-7-triage-0-slack-2");
}

TEST_CASE("keeping events of one body shares it") {
  auto batch = sample();
  BatchBuilder builder;
  builder.keep(*batch, 0);
  builder.keep(*batch, 2);
  CHECK(builder.byte_size() == 3);
  auto kept = builder.seal(origin(), 100);
  CHECK(kept->body() == batch->body());
  CHECK(kept->offset(1) == 105);
  CHECK(kept->is_tombstone(1));
  CHECK(builder.empty());
}

TEST_CASE("adding behind kept events copies them, tapes and meta data included") {
  auto batch = sample();
  BatchBuilder builder;
  builder.keep(*batch, 0);
  builder.keep(*batch, 2);
  builder.add("{}", {}, {.key = "new"});
  builder.keep(*batch, 1);
  auto mixed = builder.seal(origin(), 100);
  REQUIRE(mixed->size() == 4);
  CHECK(mixed->body() != batch->body());
  CHECK(mixed->value(0) == "[1]");
  CHECK(mixed->headers(0) == batch->headers(0));
  REQUIRE(mixed->tape(0).size() == 2);
  CHECK(mixed->tape(0)[1].offset == 1);
  CHECK(mixed->is_tombstone(1));
  CHECK(mixed->key(1) == "");
  CHECK(mixed->value(2) == "{}");
  CHECK(mixed->key(2) == "new");
  CHECK(mixed->value(3) == "true");
  CHECK(mixed->entry(3).timestamp_ms == 20);
}

TEST_CASE("keeping events of two bodies copies both") {
  auto first = sample();
  auto second = sample();
  BatchBuilder builder;
  builder.keep(*first, 0);
  builder.keep(*second, 0);
  auto both = builder.seal(origin(), 0);
  CHECK(both->value(0) == "[1]");
  CHECK(both->value(1) == "[1]");
  CHECK(both->tape(1)[0].next == 2);
  CHECK(both->body() != first->body());
  CHECK(both->body() != second->body());
}

TEST_CASE("a value written in place takes time, key, headers and place from its input event") {
  auto batch = sample();
  BatchBuilder builder;
  builder.add("0", {}, {});
  builder.begin_value();
  const std::string text = "[1]";
  builder.bytes().insert(builder.bytes().end(), text.begin(), text.end());
  for (const TapeToken& t : list_tape()) builder.tokens().push_back(t);
  builder.finish_from(*batch, 0, 4);
  auto made = builder.seal(origin("leg"), 100);
  CHECK(made->value(1) == "[1]");
  CHECK(made->headers(1) == batch->headers(0));
  CHECK(made->key(1) == "k1");
  CHECK(made->entry(1).ordinal == 4);
  CHECK(made->entry(1).timestamp_ms == 10);
  CHECK(made->offset(1) == 100);
  CHECK(made->tape(1)[0].length == 3);
}

TEST_CASE("an abandoned value leaves no trace and kept events shared") {
  auto batch = sample();
  BatchBuilder builder;
  builder.keep(*batch, 1);
  builder.begin_value();
  builder.bytes().push_back('9');
  builder.tokens().push_back(list_tape()[0]);
  builder.abandon();
  builder.keep(*batch, 0);
  auto kept = builder.seal(origin(), 0);
  CHECK(kept->body() == batch->body());
  CHECK(kept->size() == 2);
}

TEST_CASE("a value finished behind kept events keeps every event right") {
  auto batch = sample();
  BatchBuilder builder;
  builder.keep(*batch, 0);
  builder.begin_value();
  builder.bytes().push_back('9');
  builder.finish({.key = "k"});
  builder.add("8", {}, {});
  SECTION("when sealed") {}
  SECTION("when the last is cut off") {
    builder.truncate(2);
  }
  SECTION("when the finished value is cut off, although it stands before the copies") {
    builder.truncate(1);
    builder.add("7", {}, {});
  }
  auto made = builder.seal(origin(), 0);
  CHECK(made->value(0) == "[1]");
  CHECK(made->headers(0).size() == 2);
  CHECK(made->tape(0)[1].type() == TokenType::kInteger);
  CHECK((made->value(1) == "9" || made->value(1) == "7"));
  if (made->value(1) == "9") CHECK(made->key(1) == "k");
}

TEST_CASE("truncating drops events, their bytes and their tokens") {
  BatchBuilder builder;
  builder.add("[1]", list_tape(), {.key = "a"});
  const size_t bytes = builder.byte_size();
  builder.add("[1]", list_tape(), {.key = "b"});
  builder.add_tombstone({.key = "c"});
  builder.truncate(1);
  CHECK(builder.size() == 1);
  CHECK(builder.byte_size() == bytes);
  CHECK(builder.tokens().size() == 2);
  builder.truncate(5);
  builder.add("[1]", list_tape(), {.key = "d"});
  auto batch = builder.seal(origin(), 0);
  CHECK(batch->key(0) == "a");
  CHECK(batch->key(1) == "d");
}

TEST_CASE("truncating kept events to none makes the builder empty") {
  auto batch = sample();
  BatchBuilder builder;
  builder.keep(*batch, 0);
  builder.keep(*batch, 1);
  builder.truncate(1);
  CHECK(builder.byte_size() == 3);
  builder.truncate(0);
  CHECK(builder.byte_size() == 0);
  builder.add("1", {}, {});
  CHECK(builder.seal(origin(), 0)->value(0) == "1");
}

TEST_CASE("a builder is reusable and an empty batch has padding too") {
  BatchBuilder builder;
  auto empty = builder.seal(origin(), 0);
  CHECK(empty->empty());
  CHECK(empty->body()->bytes.size() == kBatchPadding);
  builder.add("1", {}, {});
  auto first = builder.seal(origin(), 0);
  builder.add("2", {}, {});
  auto second = builder.seal(origin(), 0);
  CHECK(first->value(0) == "1");
  CHECK(second->value(0) == "2");
}

TEST_CASE("a small batch after a large one does not hold on to its memory") {
  BatchBuilder builder;
  const std::string large(1 << 20, '1');
  for (int i = 0; i < 3; ++i) builder.add(large, list_tape(), {});
  CHECK(builder.seal(origin(), 0)->payload_bytes() == 3 * large.size());
  for (int i = 0; i < 3; ++i) {
    builder.add("[1]", list_tape(), {.key = "k"});
    const auto small = builder.seal(origin(), 0);
    CHECK(small->value(0) == "[1]");
    CHECK(small->key(0) == "k");
    CHECK(small->tape(0).size() == 2);
    CHECK(small->body()->bytes.capacity() < (1 << 16));
  }
}

TEST_CASE("ordinals can be counted anew per input event") {
  auto batch = sample();
  BatchBuilder builder;
  for (const size_t from : {0, 0, 1}) {
    builder.begin_value();
    builder.bytes().push_back('7');
    builder.finish_from(*batch, from, 9);
  }
  const auto made = builder.seal(origin("leg"), 100)->renumbered();
  CHECK(made->id(0) == "orders.ab12cd34-2-100-leg-0");
  CHECK(made->id(1) == "orders.ab12cd34-2-100-leg-1");
  CHECK(made->id(2) == "orders.ab12cd34-2-101-leg-0");
}

TEST_CASE("a batch can be placed elsewhere and cut from the front, sharing its body") {
  auto batch = sample();
  auto other = std::make_shared<const BatchOrigin>(BatchOrigin{"next", "t", "s", "", 0});
  auto moved = batch->placed(other, 7);
  CHECK(moved->id(0) == "next.t-0-7");
  CHECK(moved->body() == batch->body());
  CHECK(moved->payload_bytes() == batch->payload_bytes());
  CHECK(batch->id(0) == "orders.ab12cd34-2-100");
  auto tail = batch->tail(1);
  CHECK(tail->size() == 2);
  CHECK(tail->offset(1) == 105);
  CHECK(batch->tail(3)->empty());
}

}  // namespace
}  // namespace colloquium

namespace colloquium {

TEST_CASE("renumbered events of one offset have ordinals of their own") {
  BatchBuilder builder;
  for (const uint32_t offset : {0u, 0u, 0u, 4u, 5u, 5u}) {
    builder.add("1", {}, {.key = {}, .headers = {}, .timestamp_ms = 0, .offset_delta = offset, .ordinal = 0});
  }
  const auto batch = builder.seal(std::make_shared<const BatchOrigin>(), 10)->renumbered();
  std::vector<uint32_t> ordinals;
  for (const BatchEntry& entry : batch->entries()) ordinals.push_back(entry.ordinal);
  CHECK(ordinals == std::vector<uint32_t>{0, 1, 2, 0, 0, 1});
  CHECK(batch->offset(4) == 15);
}

}  // namespace colloquium
