#include "engine/door.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "engine/dedupe_checkpoint.h"
#include "engine/door_bench_test.h"
#include "engine/feed.h"
#include "io/memory_file_system.h"
#include "log/segment_log.h"

using namespace colloquium;
using namespace colloquium::engine;
using Bench = DoorBench;
using Setting = DoorSetting;

TEST_CASE("an event is acknowledged with its offset once it is stored, byte for byte") {
  Bench bench;
  const Ack ack = bench.one("  {\"b\": 1,  \"a\":2}\n");
  CHECK_FALSE(ack.error);
  CHECK(ack.accepted == 1);
  REQUIRE(ack.offsets.size() == 1);
  CHECK(ack.offsets[0].first == ack.offsets[0].last);
  CHECK(bench.stored() == std::vector<std::string>{"{\"b\": 1,  \"a\":2}"});
}

TEST_CASE("requests of one turn share a batch, and each keeps its own answer") {
  Bench bench;
  for (int i = 0; i < 5; ++i) bench.emit(std::to_string(i));
  bench.emit("{bad");
  bench.emit("5");
  bench.settle();
  REQUIRE(bench.acks.size() == 7);
  int refused = 0;
  for (const Ack& ack : bench.acks) refused += ack.error.has_value();
  CHECK(refused == 1);
  CHECK(bench.stored() == std::vector<std::string>{"0", "1", "2", "3", "4", "5"});
  CHECK(bench.batches == 1);
}

TEST_CASE("NDJSON is cut at line breaks; blank lines and carriage returns are no events") {
  Bench bench;
  const Ack ack = bench.one("{\"a\":1}\r\n\n  \n[2]\n3", BodyFormat::kNdjson);
  CHECK(ack.accepted == 3);
  CHECK(ack.offsets.at(0).last - ack.offsets.at(0).first == 2);
  CHECK(bench.stored() == std::vector<std::string>{"{\"a\":1}", "[2]", "3"});
}

TEST_CASE("an array is cut into its elements") {
  Bench bench;
  CHECK(bench.one(R"([{"a":[1,2]}, "x" , 3])", BodyFormat::kJsonArray).accepted == 3);
  CHECK(bench.stored() == std::vector<std::string>{R"({"a":[1,2]})", "\"x\"", "3"});
  const Ack refused = bench.one(R"({"a":1})", BodyFormat::kJsonArray);
  REQUIRE(refused.error);
  CHECK(refused.error->code == ErrorCode::kInvalidInput);
}

TEST_CASE("a bad event refuses its request whole and says where", "[REQ-046]") {
  Bench bench;
  const Ack ack = bench.one("{\"a\":1}\n{\"b\":}\n{\"c\":3}", BodyFormat::kNdjson);
  REQUIRE(ack.error);
  CHECK(ack.error->code == ErrorCode::kInvalidInput);
  CHECK(ack.bad_byte == 13);
  CHECK(ack.bad_event == 1);
  CHECK(bench.stored().empty());
}

TEST_CASE("an event over max_event is refused by its size") {
  Bench bench;
  const Ack ack = bench.one("\"" + std::string(2000, 'x') + "\"");
  REQUIRE(ack.error);
  CHECK(ack.error->code == ErrorCode::kLimit);
}

TEST_CASE("a source that prefers it gets bad events into the dead letters and keeps the others", "[REQ-021]") {
  Bench bench;
  bench.emit("1\nnonsense\n3\n", BodyFormat::kNdjson, BadEventPolicy::kDeadLetter);
  bench.settle();
  CHECK(bench.acks.back().accepted == 2);
  CHECK(bench.stored() == std::vector<std::string>{"1", "3"});
  const auto dead = bench.stored(*bench.options.dead_stream);
  REQUIRE(dead.size() == 1);
  const auto letter = nlohmann::json::parse(dead[0]);
  CHECK(letter["raw_base64"] == "bm9uc2Vuc2U=");
  CHECK(letter["stage"] == "hook");
  CHECK(bench.letters.counts().value(ErrorCode::kInvalidInput) == 1);
  CHECK(bench.letters.counts().total() == 1);
}

namespace {

// A record ends at ';' and is the content of a string; one that begins with '!' is bad at its second byte.
class Semicolons final : public RecordDecoder {
 public:
  bool next(std::string_view& rest, std::string_view& record) const override {
    if (rest.empty()) return false;
    const size_t end = std::min(rest.find(';'), rest.size());
    record = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return true;
  }
  std::optional<Failure> decode(std::string_view record, std::vector<char>& out) const override {
    out.push_back('"');
    out.insert(out.end(), record.begin(), record.end());
    if (record.starts_with('!')) return Failure{"an exclamation mark", 1};
    out.push_back('"');
    return std::nullopt;
  }
};

RawBatch records(const std::string& body, BadEventPolicy policy) {
  RawBatch raw;
  raw.body = std::make_shared<const std::string>(body);
  raw.decoder = std::make_shared<const Semicolons>();
  raw.records_begin = 5;
  raw.bad_event = policy;
  raw.position = 100;
  raw.cursor = "end";
  return raw;
}

}  // namespace

TEST_CASE("what ends a message's only record is not part of it, and of several the message is one") {
  Bench bench;
  RawBatch raw;
  raw.decoder = std::make_shared<const Semicolons>();
  for (const char* value : {"a;", "b", "c;d;", ""}) {
    RawMessage message;
    message.value = value;
    raw.messages.push_back(std::move(message));
  }
  bench.intake->emit(std::move(raw), [](Ack) {});
  bench.settle();
  CHECK(bench.stored() == std::vector<std::string>{"\"a\"", "\"b\"", "\"c;d;\"", "\"\""});
}

TEST_CASE("records that are no JSON are made events, and bad ones keep their bytes and their place", "[REQ-021]") {
  Setting setting;
  if (GENERATE(false, true)) setting.partition_by = R"(["$input"])";
  Bench bench(setting);
  Ack ack;
  bench.intake->emit(records("head;a;!x;\xff;b", BadEventPolicy::kDeadLetter),
                     [&](Ack got) { ack = std::move(got); });
  bench.settle();
  CHECK(ack.accepted == 2);
  CHECK(bench.stored() == std::vector<std::string>{"\"a\"", "\"b\""});
  const auto dead = bench.stored(*bench.options.dead_stream);
  REQUIRE(dead.size() == 2);
  const auto mark = nlohmann::json::parse(dead[0]);
  CHECK(mark["raw_base64"] == "IXg=");
  CHECK(mark["error"] == "an exclamation mark at byte 1");
  CHECK(mark["position"] == "hook@107");
  const auto no_utf8 = nlohmann::json::parse(dead[1]);
  CHECK(no_utf8["raw_base64"] == "/w==");
  CHECK(no_utf8["error"] == "the record is not valid UTF-8 at byte 0");
}

TEST_CASE("a bad record among others is answered with its byte in the body") {
  Bench bench;
  Ack ack;
  bench.intake->emit(records("head;a;!x", BadEventPolicy::kRejectAll), [&](Ack got) { ack = std::move(got); });
  bench.settle();
  REQUIRE(ack.error);
  CHECK(ack.bad_byte == 8);
  CHECK(ack.bad_event == 1);
  CHECK(bench.stored().empty());
}

TEST_CASE("large bodies are cut on a door thread, and order is kept with what follows from the same connection") {
  Bench bench;
  std::string body;
  for (int i = 0; i < 20'000; ++i) body += std::to_string(i) + "\n";
  bench.emit(body, BodyFormat::kNdjson);
  bench.emit("20000");
  bench.settle();
  const auto stored = bench.stored();
  REQUIRE(stored.size() == 20'001);
  for (int i = 0; i <= 20'000; ++i) REQUIRE(stored[static_cast<size_t>(i)] == std::to_string(i));
}

// Four door threads whose turns come in any order; each connection counts up in small bodies and large ones.
TEST_CASE("order is kept on every connection, however small and large bodies and turns of few and many mix",
          "[REQ-009]") {
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    Bench bench({.under_way_bytes = 64 << 20, .held_bytes_max = 64 << 20, .seed = seed, .workers = 4});
    std::mt19937_64 random(seed);
    std::array<uint64_t, 5> next{};
    for (int turn = 0; turn < 20; ++turn) {
      for (uint64_t requests = random() % 12; requests > 0; --requests) {
        const uint64_t connection = random() % next.size();
        RawBatch raw;
        std::string body;
        for (int events = random() % 20 == 0 ? 12'000 : 1; events > 0; --events)
          body += std::to_string(connection * 1'000'000 + next[connection]++) + "\n";
        raw.body = std::make_shared<const std::string>(std::move(body));
        raw.format = BodyFormat::kNdjson;
        raw.order_key = connection;
        bench.intake->emit(std::move(raw), [&](Ack ack) { bench.acks.push_back(std::move(ack)); });
      }
      bench.loop.run_turn();
      for (uint64_t steps = random() % 4; steps > 0; --steps) bench.executor.step();
    }
    bench.settle();
    for (const Ack& ack : bench.acks) {
      INFO((ack.error ? ack.error->describe() : ""));
      REQUIRE_FALSE(ack.error);
    }
    std::array<uint64_t, 5> seen{};
    bool in_order = true;
    for (const std::string& text : bench.stored()) {
      const uint64_t number = std::stoull(text);
      in_order = in_order && number % 1'000'000 == seen[number / 1'000'000]++;
    }
    REQUIRE(in_order);
    REQUIRE(seen == next);
  }
}

TEST_CASE("events of one key go to one partition, in order", "[REQ-009]") {
  Bench bench({.partitions = 4, .partition_by = R"(["$input","/k"])"});
  for (int i = 0; i < 40; ++i)
    bench.emit("{\"k\":\"" + std::to_string(i % 7) + "\",\"n\":" + std::to_string(i) + "}");
  bench.settle();
  std::map<std::string, int> home;
  int total = 0;
  for (int32_t p = 0; p < 4; ++p) {
    std::map<std::string, int> last;
    for (const std::string& text : bench.stored(bench.options.stream, p)) {
      const auto event = nlohmann::json::parse(text);
      const std::string key = event["k"];
      if (home.contains(key)) CHECK(home[key] == p);
      home[key] = p;
      if (last.contains(key)) CHECK(last[key] < event["n"]);
      last[key] = event["n"];
      ++total;
    }
  }
  CHECK(total == 40);
}

TEST_CASE("an id that comes again is acknowledged and not stored", "[REQ-008]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  CHECK(bench.one(R"({"id":"a"})").accepted == 1);
  const Ack again = bench.one(R"({"id":"a","more":1})");
  CHECK(again.accepted == 0);
  CHECK(again.duplicates == 1);
  // Also within a turn, where the first is still under way, and within one body.
  bench.emit(R"({"id":"b"})");
  bench.emit(R"({"id":"b"})");
  bench.emit("{\"id\":\"c\"}\n{\"id\":\"c\"}\n", BodyFormat::kNdjson);
  bench.settle();
  CHECK(bench.acks.size() == 5);
  for (const Ack& ack : bench.acks) CHECK_FALSE(ack.error);
  CHECK(bench.stored().size() == 3);
}

TEST_CASE("ids taken by a refused request are free again") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  CHECK(bench.one("{\"id\":1}\n{bad", BodyFormat::kNdjson).error);
  CHECK(bench.one("{\"id\":1}").accepted == 1);
}

TEST_CASE("a refused request of more ids than are remembered makes none be forgotten", "[REQ-008]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  CHECK(bench.one(R"({"id":"kept"})").accepted == 1);
  std::string body;
  for (int i = 0; i < 5000; ++i) body += "{\"id\":" + std::to_string(i) + "}\n";
  CHECK(bench.one(body + "{bad", BodyFormat::kNdjson).error);
  CHECK(bench.one(R"({"id":"kept"})").duplicates == 1);
}

TEST_CASE("an event without the id it needs is refused with the reason") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  const Ack ack = bench.one("{}");
  REQUIRE(ack.error);
  CHECK(ack.error->message.find("dedupe.key") != std::string::npos);
}

TEST_CASE("ids of different types are different ids", "[REQ-008]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  const std::vector<std::string> ids = {
      "1", "\"1\"", "true", "\"true\"", "[1]", "\"[1]\"", R"({"a":1})", "\"{\\\"a\\\":1}\"", "\"null\"", "\"\""};
  for (const std::string& id : ids) {
    INFO(id);
    CHECK(bench.one("{\"id\":" + id + "}").accepted == 1);
    CHECK(bench.one("{\"n\":2, \"id\": " + id + "}").duplicates == 1);
  }
  // One value however it is written.
  CHECK(bench.one(R"({"id":{ "a" : 1 }})").duplicates == 1);
  CHECK(bench.one(R"({"id":"\u0031"})").duplicates == 1);
  CHECK(bench.stored().size() == ids.size());
}

TEST_CASE("an id that is null is refused like one that is missing", "[REQ-008]") {
  Bench bench({.dedupe_key = R"(["$input","/id"])"});
  for (const char* body : {R"({"id":null,"a":1})", R"({"id":null,"a":2})"}) {
    const Ack ack = bench.one(body);
    REQUIRE(ack.error);
    CHECK(ack.error->code == ErrorCode::kInvalidInput);
    CHECK(ack.error->message == "dedupe.key: the event's id is null");
  }
  CHECK(bench.stored().empty());
  CHECK(bench.one(R"({"id":"null"})").accepted == 1);
}

namespace {

std::string numbered(const std::string& producer, int64_t number) {
  return R"({"who":")" + producer + R"(","n":)" + std::to_string(number) + "}";
}

Setting by_sequence() {
  return {.dedupe_key = R"(["$input","/who"])", .dedupe_sequence = R"(["$input","/n"])"};
}

}  // namespace

TEST_CASE("events that their producer numbers are stored once and without gaps, also after a restart",
          "[REQ-008]") {
  const Setting setting = by_sequence();
  {
    Bench bench(setting);
    CHECK(bench.one(numbered("a", 7)).accepted == 1);
    CHECK(bench.one(numbered("b", 1)).accepted == 1);
    const Ack gap = bench.one(numbered("a", 9));
    REQUIRE(gap.error);
    CHECK(gap.error->code == ErrorCode::kConflict);
    CHECK(gap.error->message == "dedupe.sequence: the producer's next number is 8; got 9");
    // A request is all or nothing, and what it took with it may come again.
    const Ack refused = bench.one(numbered("a", 8) + "\n" + numbered("a", 10), BodyFormat::kNdjson);
    REQUIRE(refused.error);
    CHECK(bench.one(numbered("a", 8) + "\n" + numbered("a", 9), BodyFormat::kNdjson).accepted == 2);
    CHECK(bench.one(numbered("a", 8)).duplicates == 1);
  }
  Bench bench(setting);
  CHECK(bench.one(numbered("a", 9)).duplicates == 1);
  CHECK(bench.one(numbered("b", 2)).accepted == 1);
  CHECK(bench.one(numbered("a", 11)).error);
  CHECK(bench.one(numbered("a", 10)).accepted == 1);
  CHECK(bench.stored() == std::vector<std::string>{numbered("a", 7), numbered("b", 1), numbered("a", 8),
                                                   numbered("a", 9), numbered("b", 2), numbered("a", 10)});
}

TEST_CASE("a body of a hundred thousand numbers is taken, also after it was refused", "[REQ-008]") {
  Setting setting = by_sequence();
  setting.held_bytes_max = setting.under_way_bytes = 64 << 20;
  Bench bench(setting);
  constexpr int64_t kNumbers = 100'000;
  std::string body;
  for (int64_t number = 1; number <= kNumbers; ++number) body += numbered("a", number) + "\n";
  CHECK(bench.one(body + "{bad", BodyFormat::kNdjson).error);
  CHECK(bench.one(body, BodyFormat::kNdjson).accepted == kNumbers);
  CHECK(bench.one(body, BodyFormat::kNdjson).duplicates == kNumbers);
}

TEST_CASE("a sequence number is an integer that is not negative", "[REQ-008]") {
  Bench bench(by_sequence());
  for (const char* number : {"-1", "1.0", "\"1\"", "null", "9223372036854775808", "[]"}) {
    const Ack ack = bench.one(R"({"who":"a","n":)" + std::string(number) + "}");
    REQUIRE(ack.error);
    CHECK(ack.error->code == ErrorCode::kInvalidInput);
    CHECK(ack.error->message.find("from 0 to 2^63 - 1; got ") != std::string::npos);
  }
  CHECK(bench.one(R"({"who":"a"})").error);
  CHECK(bench.one(R"({"who":"a","n":9223372036854775806})").accepted == 1);
}

TEST_CASE("ids that were stored under the other kind of dedupe are not taken for this one's", "[REQ-008]") {
  Setting setting = by_sequence();
  {
    Bench bench(setting);
    CHECK(bench.one(numbered("a", 7)).accepted == 1);
  }
  setting.dedupe_sequence.clear();
  {
    Bench bench(setting);
    CHECK(bench.one(numbered("a", 7)).accepted == 1);
  }
  Bench bench(by_sequence());
  CHECK(bench.one(numbered("a", 3)).accepted == 1);
}

TEST_CASE("a source counts the bytes of what it kept, not those of duplicates and refused requests", "[REQ-111]") {
  const std::string partition_by = GENERATE("", R"(["$input","/id"])");
  Bench bench({.partitions = partition_by.empty() ? 1 : 3,
               .partition_by = partition_by,
               .dedupe_key = R"(["$input","/id"])"});
  const std::string event = R"({"id":"a","pad":12345})";
  bench.one(event);
  CHECK(bench.counters.bytes_out.value() == event.size());
  bench.one(event);
  bench.one(R"({"id":"b"})"
            "\n{bad",
            BodyFormat::kNdjson);
  CHECK(bench.counters.bytes_out.value() == event.size());
  bench.one(R"({"id":"b"})"
            "\n"
            R"({"id":"c"})"
            "\n",
            BodyFormat::kNdjson);
  CHECK(bench.counters.bytes_out.value() == event.size() + 20);
  CHECK(bench.counters.bytes_in.value() > bench.counters.bytes_out.value());
}

TEST_CASE("ids survive a restart: they come back from the log", "[REQ-008]") {
  Setting setting{.dedupe_key = R"(["$input","/id"])"};
  {
    Bench bench(setting);
    bench.one(R"({"id":"a"})");
  }
  Bench bench(setting);
  CHECK(bench.one(R"({"id":"a"})").duplicates == 1);
  CHECK(bench.one(R"({"id":"b"})").accepted == 1);
}

TEST_CASE("an intake that closes stores the ids it knows, and the next one begins with them", "[REQ-008]") {
  const Setting setting{.partitions = 2, .dedupe_key = R"(["$input","/id"])"};
  const auto close = [](Bench& bench) {
    bool closed = false;
    bench.intake->close([&] { closed = true; });
    bench.settle();
    CHECK(closed);
  };
  std::string name;
  {
    Bench bench(setting);
    for (int i = 0; i < 5; ++i) bench.emit("{\"id\":" + std::to_string(i) + "}");
    close(bench);
    name = "dedupe/orders." + bench.options.tag + "/hook";
    const auto stored = bench.log->load_checkpoint(name);
    REQUIRE(stored);
    // With an id that no event has: who knows it has read the checkpoint.
    IdWindow table(5, 3'600'000, 1000);
    auto ends = restore_checkpoint(*stored, log::AcceptInfo::Ids::kHashes, {1000, 1000}, table);
    REQUIRE(ends);
    CHECK(table.size() == 5);
    table.restore(table.hash("marked"), bench.clock.wall_ms());
    REQUIRE(bench.log->store_checkpoint(name, encode_checkpoint(table, log::AcceptInfo::Ids::kHashes, *ends)));
  }
  {
    Bench bench(setting);
    CHECK(bench.one(R"({"id":"marked"})").duplicates == 1);
    for (int i = 0; i < 5; ++i) CHECK(bench.one("{\"id\":" + std::to_string(i) + "}").duplicates == 1);
    CHECK(bench.one(R"({"id":"new"})").accepted == 1);  // and the process dies
  }
  {
    Bench bench(setting);
    CHECK(bench.one(R"({"id":"new"})").duplicates == 1);  // from the log, behind what the checkpoint has
    CHECK(bench.one(R"({"id":"marked"})").duplicates == 1);
    // A log that was cut back: what the checkpoint knows beyond its end would keep out events that are gone.
    IdWindow table(5, 3'600'000, 1000);
    table.restore(table.hash("gone"), bench.clock.wall_ms());
    REQUIRE(bench.log->store_checkpoint(name, encode_checkpoint(table, log::AcceptInfo::Ids::kHashes, {1000, 0})));
  }
  Bench bench(setting);
  CHECK(bench.one(R"({"id":"gone"})").accepted == 1);
  CHECK(bench.one(R"({"id":"new"})").duplicates == 1);
}

TEST_CASE("a checkpoint of ids that is cut short, of the other kind or of other partitions is not used") {
  IdWindow table(1, 1000, 100);
  for (const char* id : {"a", "b"}) table.restore(table.hash(id), 5);
  using Ids = log::AcceptInfo::Ids;
  const std::string bytes = encode_checkpoint(table, Ids::kHashes, {7, 8});
  IdWindow other(1, 1000, 100);
  for (size_t length = 0; length < bytes.size(); ++length) {
    if (length != bytes.size() - 24 && length != bytes.size() - 48)
      CHECK_FALSE(restore_checkpoint(std::string_view(bytes).substr(0, length), Ids::kHashes, {7, 8}, other));
  }
  CHECK_FALSE(restore_checkpoint(bytes, Ids::kSequences, {7, 8}, other));
  CHECK_FALSE(restore_checkpoint(bytes, Ids::kHashes, {7}, other));
  CHECK_FALSE(restore_checkpoint(bytes, Ids::kHashes, {7, 7}, other));
  CHECK(other.size() == 0);
  CHECK(restore_checkpoint(bytes, Ids::kHashes, {9, 8}, other) == std::vector<int64_t>{7, 8});
  CHECK(other.size() == 2);
}

TEST_CASE("a source that resumes behind what was stored repeats nothing, in any partition", "[REQ-008]") {
  Setting setting{.partitions = 3, .partition_by = R"(["$input","/k"])"};
  auto chunk = [](int from) {
    std::string out;
    for (int i = from; i < from + 10; ++i) out += "{\"k\":" + std::to_string(i) + "}\n";
    return out;
  };
  {
    Bench bench(setting);
    bench.emit(chunk(0), BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "after-0");
    bench.settle();
    bench.emit(chunk(10), BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 1000, "after-10");
    bench.settle();
  }
  Bench bench(setting);
  // Only what was safe when the last batch was made is promised; the rest is read again and recognised.
  CHECK(bench.intake->stored_cursor() == "after-0");
  bench.emit(chunk(10), BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 1000, "after-10");
  bench.emit(chunk(20), BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 2000, "after-20");
  bench.settle();
  size_t total = 0;
  for (int32_t p = 0; p < 3; ++p) total += bench.stored(bench.options.stream, p).size();
  CHECK(total == 30);
}

TEST_CASE("after a clean stop the source resumes exactly behind its last event") {
  Setting setting;
  {
    Bench bench(setting);
    bench.emit("1\n", BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "end");
    bench.settle();
    bool stored = false;
    bench.intake->store_cursor([&](Status status) { stored = status.has_value(); });
    bench.settle();
    REQUIRE(stored);
  }
  Bench bench(setting);
  CHECK(bench.intake->stored_cursor() == "end");
}

TEST_CASE("a full disk delays the cursor of a source that ends, and fails nothing") {
  const ErrorCode why = GENERATE(ErrorCode::kNoSpace, ErrorCode::kUnavailable);
  Setting setting;
  {
    Bench bench(setting);
    bench.emit("1\n", BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "end");
    bench.settle();
    std::vector<Status> told;
    bench.log->set_commits_full(true, why);
    bench.intake->store_cursor([&](Status status) { told.push_back(std::move(status)); });
    for (int i = 0; i < 3; ++i) {
      bench.clock.advance_ms(1000);
      bench.settle();
      CHECK(told.empty());
    }
    bench.log->set_commits_full(false);
    bench.clock.advance_ms(1000);
    bench.settle();
    REQUIRE(told.size() == 1);
    CHECK(told[0]);
  }
  Bench bench(setting);
  CHECK(bench.intake->stored_cursor() == "end");
}

TEST_CASE("when an emit with a cursor fails, those behind it fail too, until all are answered") {
  Bench bench;
  const std::string first = "\"" + std::string(900, 'a') + "\"\n";
  std::string large;
  for (int i = 0; i < 100; ++i) large += first;
  bench.log->set_full(true);
  bench.emit(large, BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "a");
  bench.executor.run_until_idle();  // refused on the door thread; the source does not know yet
  bench.log->set_full(false);
  bench.emit(large, BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 1 << 20, "b");
  bench.settle();
  REQUIRE(bench.acks.size() == 2);
  CHECK(bench.acks[0].error);
  CHECK(bench.acks[1].error);
  CHECK(bench.stored().empty());
  bench.emit("1\n", BodyFormat::kNdjson, BadEventPolicy::kRejectAll, 0, "a");
  bench.settle();
  CHECK_FALSE(bench.acks.back().error);
}

TEST_CASE("a failed emit holds the stored cursor, whatever ends well behind it, until the source has gone back",
          "[REQ-008]") {
  Setting setting;
  const auto emit = [](Bench& bench, const std::string& body, int64_t position, const std::string& cursor) {
    bench.emit(body, BodyFormat::kNdjson, BadEventPolicy::kRejectAll, position, cursor);
  };
  const auto store = [](Bench& bench) {
    bool stored = false;
    bench.intake->store_cursor([&](const Status& status) { stored = status.has_value(); });
    bench.settle();
    REQUIRE(stored);
  };
  {
    Bench bench(setting);
    emit(bench, "1\n", 0, "behind 1");
    bench.loop.run_turn();  // it is at the log
    emit(bench, "{bad\n", 2, "behind bad");
    emit(bench, "\n", 7, "behind blank");  // nothing to store, so nothing can fail
    bench.settle();
    REQUIRE(bench.acks.size() == 3);
    CHECK(std::count_if(bench.acks.begin(), bench.acks.end(),
                        [](const Ack& ack) { return ack.error.has_value(); }) == 1);
    store(bench);
  }
  {
    Bench bench(setting);
    CHECK(bench.intake->stored_cursor() == "behind 1");
    // The same again in one life: a failure, then back to it, now with success.
    emit(bench, "{bad\n", 2, "behind bad");
    bench.settle();
    emit(bench, "2\n", 2, "behind 2");
    emit(bench, "\n", 7, "behind blank");
    bench.settle();
    store(bench);
  }
  Bench bench(setting);
  CHECK(bench.intake->stored_cursor() == "behind blank");
}

TEST_CASE("with the log off an event's offset is its place in the source, and the queue carries the cursor") {
  ManualClock clock;
  SimExecutor executor{1, clock};
  loop::TestLoop loop{clock};
  WorkerPool workers{executor, 1};
  QueueFeed queue(1 << 20);
  queue.set_wake([] {});
  queue.set_drained([] {});
  ComponentCounters counters;
  IntakeOptions options;
  options.source = "file";
  options.pipeline = "p";
  options.queue = &queue;
  options.tag = "abcdefgh";
  DeadLetterTally letters("p/hook", clock);
  options.counters = &counters;
  options.letters = &letters;
  SourceIntake intake(options, loop, clock, workers);
  RawBatch raw;
  raw.body = std::make_shared<const std::string>("{}\n\n[1]\n");
  raw.format = BodyFormat::kNdjson;
  raw.position = 500;
  raw.cursor = "at-508";
  std::optional<Ack> got;
  intake.emit(std::move(raw), [&](Ack ack) { got = std::move(ack); });
  loop.run_until_idle();
  REQUIRE(got);
  CHECK(got->accepted == 2);
  const auto item = queue.read(0);
  REQUIRE(item->has_value());
  CHECK((*item)->cursor == "at-508");
  CHECK((*item)->next_position == 508);
  CHECK((*item)->batch->offset(0) == 500);
  CHECK((*item)->batch->offset(1) == 504);
  CHECK((*item)->batch->id(1) == "file.abcdefgh-504");
}

TEST_CASE("a stored cursor reads back as it was, and rubbish is refused") {
  const StoredCursor cursor{123, "abc", -1, std::string("\0x", 2)};
  const auto back = StoredCursor::decode(cursor.encode());
  REQUIRE(back);
  CHECK(back->position == 123);
  CHECK(back->cursor == "abc");
  CHECK(back->safe_position == -1);
  CHECK(back->safe_cursor == std::string("\0x", 2));
  const std::string good = cursor.encode();
  for (size_t cut = 0; cut < 25; ++cut) CHECK_FALSE(StoredCursor::decode(good.substr(0, cut)));
  CHECK_FALSE(StoredCursor::decode("\x09" + good.substr(1)));
}

// Over a disk whose syncs fail: what was only written may be acknowledged as written, and as durable not.
TEST_CASE("a request is answered when the declared ack level holds, not before", "[REQ-008]") {
  for (const auto level : {log::AckLevel::kQueued, log::AckLevel::kWritten, log::AckLevel::kDurable}) {
    ManualClock clock;
    SimExecutor executor{1, clock};
    SeededRandom random{1};
    io::MemoryFileSystem files;
    loop::TestLoop loop{clock};
    WorkerPool workers{executor, 1};
    log::LogOptions log_options;
    log_options.directory = "data";
    log_options.files = &files;
    log_options.executor = &executor;
    log_options.clock = &clock;
    log_options.random = &random;
    auto log = log::SegmentLog::open(log_options);
    REQUIRE(log);
    ComponentCounters counters;
    DeadLetterTally letters("orders/hook", clock);
    IntakeOptions options;
    options.source = "hook";
    options.pipeline = "orders";
    options.log = log->get();
    options.stream = *(*log)->open_stream({.name = "orders", .partitions = 1});
    options.stream_name = "orders";
    options.ack = level;
    options.counters = &counters;
    options.letters = &letters;
    auto intake = std::make_unique<SourceIntake>(options, loop, clock, workers);
    REQUIRE(intake->restore());
    std::optional<Ack> got;
    bool kept = false;
    const auto emit = [&](const std::string& text) {
      RawBatch raw;
      raw.body = std::make_shared<const std::string>(text);
      raw.kept = [&] { kept = true; };
      intake->emit(std::move(raw), [&](Ack ack) { got = std::move(ack); });
      do {
        loop.run_until_idle();
      } while (executor.run_until_idle() > 0 || loop.can_move());
    };
    // The first makes the segment, which is synced whatever the level.
    emit("0");
    REQUIRE(got);
    REQUIRE_FALSE(got->error);
    got.reset();
    kept = false;
    files.set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
      if (operation.kind != io::OperationKind::kSync) return std::nullopt;
      return io::Fault{Error{ErrorCode::kIo, "injected", false}};
    });
    emit("1");
    REQUIRE(got);
    CHECK(got->error.has_value() == (level == log::AckLevel::kDurable));
    CHECK(kept == !got->error);
    intake.reset();
    files.set_hook(nullptr);
    CHECK_FALSE((*log)->close());
  }
}
