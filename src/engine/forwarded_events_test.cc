#include "engine/forwarded_events.h"

#include <catch2/catch.hpp>

#include "base/murmur2.h"
#include "engine/dead_letter.h"

namespace colloquium::engine {
namespace {

std::shared_ptr<const BatchOrigin> origin_of(const std::string& stream, int32_t partition) {
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = stream;
  origin->tag = "abcdefgh";
  origin->partition = partition;
  return origin;
}

ForwardTargets rescue(int32_t partitions) {
  return {{"rescue", ForwardTarget{7, partitions, origin_of("rescue", 0)}}};
}

std::string header(const Batch& batch, size_t i, std::string_view name) {
  std::string found = "none";
  int times = 0;
  for (const auto& [key, value] : batch.headers(i)) {
    if (key != name) continue;
    found = value;
    ++times;
  }
  CHECK(times <= 1);
  return found;
}

TEST_CASE("a forwarded event is as it was, and its headers say why it comes [REQ-021]", "[REQ-021]") {
  BatchBuilder builder;
  const std::vector<std::pair<std::string_view, std::string_view>> own = {{"x-id", "9"},
                                                                          {"colloquium-error", "of before"}};
  builder.add(R"({"b":1, "a":2})", {}, {.key = "k", .headers = own, .timestamp_ms = 1234});
  builder.add_tombstone({.key = "gone", .headers = {}, .timestamp_ms = 5, .offset_delta = 1});
  const auto batch = builder.seal(origin_of("orders", 2), 40);
  BatchBuilder letters;
  const Error error{ErrorCode::kInvalidInput, "no number", false, {}};
  add_dead_letter(*batch, 0, error, "clean", "", 2, letters, "rescue");
  add_dead_letter(*batch, 1, error, "when", "all", 1, letters, "rescue");
  add_dead_letter(*batch, 1, error, "when", "all", 1, letters);
  const auto sealed = letters.seal(batch->shared_origin(), 0);
  REQUIRE(sealed->size() == 3);
  CHECK(forwarded_to(*sealed, 0) == "rescue");
  CHECK(forwarded_to(*sealed, 1) == "rescue");
  CHECK_FALSE(forwarded_to(*sealed, 2));

  ForwardedEvents forwarded(rescue(1));
  forwarded.keep(*sealed, 0);
  forwarded.keep(*sealed, 1);
  CHECK(forwarded.byte_size() > 0);
  int calls = 0;
  forwarded.take([&](const Batch& events, log::StreamId stream, int32_t partition) {
    ++calls;
    CHECK(stream == 7);
    CHECK(partition == 0);
    REQUIRE(events.size() == 2);
    CHECK(events.value(0) == R"({"b":1, "a":2})");
    CHECK(events.key(0) == "k");
    CHECK(events.entry(0).timestamp_ms == 1234);
    CHECK(header(events, 0, "x-id") == "9");
    CHECK(header(events, 0, "colloquium-error") == error.describe());
    CHECK(header(events, 0, "colloquium-stage") == "clean");
    CHECK(header(events, 0, "colloquium-sink") == "none");
    CHECK(header(events, 0, "colloquium-attempts") == "2");
    CHECK(header(events, 0, "colloquium-event") == "orders.abcdefgh-2-40");
    CHECK(header(events, 0, "cq.to") == "none");
    CHECK(events.is_tombstone(1));
    CHECK(header(events, 1, "colloquium-sink") == "all");
  });
  CHECK(calls == 1);
  CHECK(forwarded.byte_size() == 0);
  forwarded.take([&](const Batch&, log::StreamId, int32_t) { ++calls; });
  CHECK(calls == 1);
}

TEST_CASE("forwarded events go to the partition of their key, as the door places them", "[REQ-021]") {
  BatchBuilder letters;
  BatchBuilder builder;
  for (const char* key : {"a", "b", "c", "d"}) builder.add("1", {}, {.key = key});
  builder.add("1", {}, {});
  const auto batch = builder.seal(origin_of("orders", 5), 0);
  for (size_t i = 0; i < batch->size(); ++i) {
    add_forwarded(*batch, i, Error{ErrorCode::kInvalidInput, "no", false, {}}, "s", "", 1, "rescue", letters);
  }
  const auto sealed = letters.seal(batch->shared_origin(), 0);
  ForwardedEvents forwarded(rescue(3));
  for (size_t i = 0; i < sealed->size(); ++i) forwarded.keep(*sealed, i);
  size_t found = 0;
  forwarded.take([&](const Batch& events, log::StreamId, int32_t partition) {
    for (size_t i = 0; i < events.size(); ++i, ++found) {
      CHECK(partition == (events.key(i) ? murmur2_partition(*events.key(i), 3) : 5 % 3));
    }
  });
  CHECK(found == 5);
}

}  // namespace
}  // namespace colloquium::engine
