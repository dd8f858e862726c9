#include "ai/call_record.h"

#include <catch2/catch.hpp>

namespace colloquium::ai {
namespace {

CallRecord answer() {
  CallRecord record;
  record.kind = RecordKind::kAnswer;
  record.tags = {"5f",
                 "triage",
                 AiEvent{"in.x-0-7", "in.x-0", 7},
                 {1, 2},
                 "eu",
                 "m",
                 "team",
                 "triage@3",
                 "b",
                 2,
                 1'764'000'000'000,
                 {1200},
                 31};
  record.cost = {420};
  record.estimated = true;
  record.usage = {1, 2, 3, 4, 5, 6};
  record.took_ms = 830;
  record.first_ms = 0;
  record.content = {
      "say \"hi\"\n", {{"id", "name", "{\"a\":1}"}}, {{0.5F, -1.25F}, {}}, {AiFinish::kLength, "max"}};
  record.cache = CacheMark{{3, 4}, 99};
  return record;
}

TEST_CASE("a record reads back as it was written") {
  const CallRecord record = answer();
  const auto read = parse_record(to_json(record));
  REQUIRE(read);
  CHECK(to_json(*read) == to_json(record));
  CHECK(read->tags.event->partition == "in.x-0");
  CHECK(read->tags.event->offset == 7);
  CHECK(read->tags.question == record.tags.question);
  CHECK(read->tags.attempt == 2);
  CHECK(read->tags.reserved == NanoUsd{1200});
  CHECK(read->usage == record.usage);
  CHECK(read->estimated);
  CHECK(read->first_ms == 0);
  CHECK(read->content.text == record.content.text);
  CHECK(read->content.tool_calls[0].arguments == "{\"a\":1}");
  CHECK(read->content.embeddings == record.content.embeddings);
  CHECK(read->content.finished.reason == AiFinish::kLength);
  CHECK(read->cache->key == record.cache->key);
  CHECK(read->cache->until_ms == 99);
}

TEST_CASE("each kind says what it is of, and no more") {
  CallRecord record = answer();
  record.kind = RecordKind::kFailure;
  record.failure = {AiFailureKind::kThrottled, "slow down", 5, 429};
  const auto failure = parse_record(to_json(record));
  REQUIRE(failure);
  CHECK(failure->failure.kind == AiFailureKind::kThrottled);
  CHECK(failure->failure.message == "slow down");
  CHECK(failure->failure.status == 429);
  CHECK_FALSE(failure->cache);
  record.kind = RecordKind::kReuse;
  record.from = AiAnswerFrom::kShared;
  CHECK(parse_record(to_json(record))->from == AiAnswerFrom::kShared);
  record.kind = RecordKind::kIntent;
  record.tags.event.reset();
  const auto intent = parse_record(to_json(record));
  REQUIRE(intent);
  CHECK_FALSE(intent->tags.event);
  CHECK(intent->content.text.empty());
  CHECK(intent->cost == NanoUsd{0});
}

TEST_CASE("a batch says where it is, and its calls name it", "[REQ-089]") {
  CallRecord record = answer();
  record.kind = RecordKind::kBatch;
  record.place = {AiBatchStep::kFetch, "file-1", "batch_1", {"file-2", "file-3"}};
  record.look_ms = 60'000;
  const auto batch = parse_record(to_json(record));
  REQUIRE(batch);
  CHECK(batch->place == record.place);
  CHECK(batch->look_ms == 60'000);
  CHECK(batch->content.text.empty());
  CallRecord intent;
  intent.tags = answer().tags;
  intent.tags.batch = "c0ffee";
  intent.tags.embeds = true;
  const auto read = parse_record(to_json(intent));
  REQUIRE(read);
  CHECK(read->tags.batch == "c0ffee");
  CHECK(read->tags.embeds);
  CHECK_FALSE(batch->tags.embeds);
}

TEST_CASE("what is no UTF-8 is written as text that is") {
  CallRecord record = answer();
  record.content.text =
      "a\xff\xfe"
      "b\xc3";
  CHECK(parse_record(to_json(record))->content.text ==
        "a\xef\xbf\xbd\xef\xbf\xbd"
        "b\xef\xbf\xbd");
}

TEST_CASE("what is no record is refused") {
  for (const char* text :
       {"", "[]", "{}", "{\"kind\":\"answer\"}", "{\"kind\":\"lunch\",\"call\":\"1\"}", "{\"kind\":3}"}) {
    const auto record = parse_record(text);
    REQUIRE_FALSE(record);
    CHECK(record.error().code == ErrorCode::kCorrupt);
  }
}

TEST_CASE("digests are text and back, and event keys depend on all of their parts") {
  CHECK(parse_digest(digest_text({5, UINT64_MAX})) == io::Digest128{5, UINT64_MAX});
  CHECK_FALSE(parse_digest("12"));
  const AiEvent event{"e", "p", 1};
  CHECK(event_key("a", event, {1, 2}) == event_key("a", event, {1, 2}));
  CHECK(event_key("a", event, {1, 2}) != event_key("b", event, {1, 2}));
  CHECK(event_key("a", event, {1, 2}) != event_key("a", event, {1, 3}));
  CHECK(event_key("a", AiEvent{"f", "p", 1}, {1, 2}) != event_key("a", event, {1, 2}));
}

TEST_CASE("an answer is given with what it cost") {
  const AiAnswer given = answer_of(answer(), AiAnswerFrom::kRecord);
  CHECK(given.call == "5f");
  CHECK(given.model.provider == "eu");
  CHECK(given.cost_nano_usd == 420);
  CHECK(given.usage.reasoning == 6);
  CHECK(given.from == AiAnswerFrom::kRecord);
}

}  // namespace
}  // namespace colloquium::ai
