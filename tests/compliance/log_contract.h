// The contract of Log as one test suite, for every implementation.
//
// A test file defines LOG_CONTRACT_FIXTURES, a comma-separated list of fixture types, and includes this. A
// fixture has
//   Log& log();          an open log with nothing in it at first
//   void reopen();       closes it and opens another over the same storage
//   Executor& executor();
//   ManualClock& clock();
// and may be default-constructed many times. Offsets may have gaps; nothing here assumes density.
#pragma once

#include "tests/compliance/log_helpers.h"

namespace colloquium::log::contract {

TEMPLATE_TEST_CASE("what is appended is read back as it was, in order [REQ-009]",
                   "[log][contract][REQ-009][REQ-010]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"orders", 2});
  const Codec codec = GENERATE(Codec::kNone, Codec::kGzip, Codec::kLz4, Codec::kZstd);
  const std::vector<Event> events = {
      {R"({"a":1})", "k1", {{"h", "v"}, {"h", ""}}, 1'500'000'000'123},
      {"", std::nullopt, {}, 1'500'000'000'100, true},
      {"[]", "", {}, 1'700'000'000'000},
      {"\"x\"", std::nullopt, {{"only", "header"}}, 0},
  };
  const auto result = append(t.log(), t.executor(), stream, 1, encoded(make_batch(events), codec));
  REQUIRE(result);
  CHECK(result->last_offset - result->first_offset == 3);
  if (GENERATE(false, true)) t.reopen();

  const StreamId again = *t.log().open_stream({"orders", 2});
  auto reader = t.log().read(again, 1, 0, false);
  REQUIRE(reader);
  const auto batch = (*reader)->next();
  REQUIRE(batch);
  REQUIRE(*batch != nullptr);
  REQUIRE((*batch)->size() == events.size());
  for (size_t i = 0; i < events.size(); ++i) {
    CHECK((*batch)->value(i) == events[i].value);
    CHECK((*batch)->is_tombstone(i) == events[i].tombstone);
    CHECK((*batch)->key(i).has_value() == events[i].key.has_value());
    CHECK((*batch)->key(i).value_or("") == events[i].key.value_or(""));
    CHECK((*batch)->entry(i).timestamp_ms == events[i].timestamp_ms);
    CHECK((*batch)->offset(i) == result->first_offset + static_cast<int64_t>(i));
    const auto headers = (*batch)->headers(i);
    REQUIRE(headers.size() == events[i].headers.size());
    for (size_t h = 0; h < headers.size(); ++h) {
      CHECK(headers[h].first == events[i].headers[h].first);
      CHECK(headers[h].second == events[i].headers[h].second);
    }
  }
  CHECK((*batch)->origin().stream == "orders");
  CHECK((*batch)->origin().partition == 1);
  CHECK((*batch)->origin().tag == t.log().stream_info(again)->tag);
  CHECK((*reader)->offset() == result->last_offset + 1);
  const auto end = (*reader)->next();
  REQUIRE(end);
  CHECK(*end == nullptr);
  CHECK(read_all(t.log(), again, 0).empty());
}

TEMPLATE_TEST_CASE("offsets rise in call order and stay after a restart [REQ-009][REQ-176]",
                   "[log][contract][REQ-009][REQ-176]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamId stream = *t.log().open_stream({"s", 1});
  std::vector<Awaited<Result<AppendResult>>> waiting;
  const auto level = GENERATE(AckLevel::kDurable, AckLevel::kWritten, AckLevel::kQueued);
  for (int i = 0; i < 200; ++i) {
    waiting.emplace_back(t.executor());
    t.log().append(stream, 0, encoded(values({one(2 * i), one(2 * i + 1)})), level, waiting.back().callback());
  }
  Found expected;
  int64_t last = -1;
  for (int i = 0; i < 200; ++i) {
    const auto& result = waiting[static_cast<size_t>(i)].get();
    REQUIRE(result);
    CHECK(result->first_offset > last);
    CHECK(result->last_offset == result->first_offset + 1);
    last = result->last_offset;
    expected.emplace_back(result->first_offset, one(2 * i));
    expected.emplace_back(result->last_offset, one(2 * i + 1));
  }
  t.reopen();
  stream = *t.log().open_stream({"s", 1});
  CHECK(read_all(t.log(), stream, 0) == expected);
  const auto next = append(t.log(), t.executor(), stream, 0, encoded(values({"1"})));
  REQUIRE(next);
  CHECK(next->first_offset > last);
}

TEMPLATE_TEST_CASE("what is acknowledged as durable is readable at once, and what is before it", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  for (int i = 0; i < 20; ++i) {
    const AckLevel level = i % 2 == 0 ? AckLevel::kWritten : AckLevel::kDurable;
    REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(values({one(i)})), level));
    if (i % 2 != 0) CHECK(read_all(t.log(), stream, 0).size() == static_cast<size_t>(i) + 1);
  }
}

TEMPLATE_TEST_CASE("what is acknowledged as written is readable soon, and its readers are told", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  std::vector<Awaited<bool>> readable;
  for (int i = 0; i < 20; ++i) readable.emplace_back(t.executor());
  t.log().subscribe(stream, [&, told = size_t{0}](int32_t) mutable {
    for (const size_t found = read_all(t.log(), stream, 0).size(); told < found; ++told)
      readable[told].callback()(true);
  });
  for (int i = 0; i < 20; ++i) {
    const AckLevel level = i % 3 == 0 ? AckLevel::kQueued : AckLevel::kWritten;
    REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(values({one(i)})), level));
    CHECK(readable[static_cast<size_t>(i)].get());
  }
}

TEMPLATE_TEST_CASE("who waits for an append is told as everybody is, in order", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  std::vector<std::pair<int64_t, std::string>> expected;
  for (int i = 0; i < 60; ++i) {
    EncodedBatch batch = encoded(values({one(i)}));
    batch.caller_waits = i % 5 != 0;
    batch.syncs_with_next = i % 4 == 0;
    const AckLevel level = i % 3 == 0 ? AckLevel::kDurable : i % 3 == 1 ? AckLevel::kWritten : AckLevel::kQueued;
    const auto result = append(t.log(), t.executor(), stream, 0, std::move(batch), level);
    REQUIRE(result);
    expected.emplace_back(result->first_offset, one(i));
  }
  REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(values({one(60)}))));
  auto found = read_all(t.log(), stream, 0);
  found.pop_back();
  CHECK(found == expected);
}

TEMPLATE_TEST_CASE("a reader starts anywhere and may be moved", "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamId stream = *t.log().open_stream({"s", 1});
  std::vector<int64_t> offsets;
  for (int i = 0; i < 10; ++i) {
    const auto result =
        append(t.log(), t.executor(), stream, 0, encoded(values({one(3 * i), one(3 * i + 1), one(3 * i + 2)})));
    for (int64_t offset = result->first_offset; offset <= result->last_offset; ++offset) offsets.push_back(offset);
  }
  if (GENERATE(false, true)) {
    t.reopen();
    stream = *t.log().open_stream({"s", 1});
  }
  auto reader = t.log().read(stream, 0, 0, false);
  REQUIRE(reader);
  for (size_t i = offsets.size(); i-- > 0;) {
    (*reader)->seek(offsets[i]);
    const auto batch = (*reader)->next();
    REQUIRE(batch);
    REQUIRE(*batch != nullptr);
    CHECK((*batch)->offset(0) == offsets[i]);
    CHECK((*batch)->value(0) == one(static_cast<int>(i)));
    CHECK((*reader)->offset() == (*batch)->offset((*batch)->size() - 1) + 1);
  }
  (*reader)->seek(offsets.back() + 1);
  CHECK(*(*reader)->next() == nullptr);
}

TEMPLATE_TEST_CASE("a stream keeps its partitions, its tag and its name", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 3});
  CHECK(*t.log().open_stream({"s", 3}) == stream);
  CHECK(*t.log().open_stream({"t", 1}) != stream);
  const auto info = t.log().stream_info(stream);
  REQUIRE(info);
  CHECK(info->name == "s");
  CHECK(info->tag.size() == 8);
  CHECK(info->partitions.size() == 3);
  const auto refused = t.log().open_stream({"s", 4});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidConfig);
  CHECK(refused.error().message.find("3") != std::string::npos);
  t.reopen();
  CHECK(t.log().open_stream({"s", 2}).error().code == ErrorCode::kInvalidConfig);
  const StreamId again = *t.log().open_stream({"s", 3});
  CHECK(t.log().stream_info(again)->tag == info->tag);
}

TEMPLATE_TEST_CASE("a commit stores positions, outputs and token together", "[log][contract][REQ-176]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamId in = *t.log().open_stream({"in", 2});
  StreamId out = *t.log().open_stream({"out", 1});
  CHECK_FALSE(t.log().leg_state("p/leg"));
  const auto fed = append(t.log(), t.executor(), in, 1, encoded(values({one(1), one(2)})));
  REQUIRE(fed);

  CommitRequest first;
  first.leg = "p/leg";
  first.positions.push_back({in, 1, fed->last_offset + 1, "", ""});
  first.positions.push_back({0, 0, 77, "file", "cursor-77"});
  first.outputs.push_back({out, 0, encoded(values({"\"o1\"", "\"o2\""}))});
  first.outputs.push_back({out, 0, encoded(values({"\"o3\""}))});
  first.sink_token = "token-1";
  REQUIRE(commit(t.log(), t.executor(), std::move(first)));
  CommitRequest second;
  second.leg = "p/leg";
  second.positions.push_back({in, 0, 0, "", ""});
  REQUIRE(commit(t.log(), t.executor(), std::move(second)));

  if (GENERATE(false, true)) {
    t.reopen();
    in = *t.log().open_stream({"in", 2});
    out = *t.log().open_stream({"out", 1});
  }
  CHECK(values_of(read_all(t.log(), out, 0)) == std::vector<std::string>{"\"o1\"", "\"o2\"", "\"o3\""});
  const std::optional<LegState> state = t.log().leg_state("p/leg");
  REQUIRE(state);
  std::map<std::pair<std::string, int32_t>, int64_t> positions;
  for (const auto& position : state->positions)
    positions[{position.stream, position.partition}] = position.next_offset;
  CHECK(positions ==
        std::map<std::pair<std::string, int32_t>, int64_t>{{{"in", 0}, 0}, {{"in", 1}, fed->last_offset + 1}});
  REQUIRE(state->external.size() == 1);
  CHECK(state->external[0].source == "file");
  CHECK(state->external[0].next_offset == 77);
  CHECK(state->external[0].cursor == "cursor-77");
  CHECK(state->sink_token == "token-1");
  CHECK_FALSE(t.log().leg_state("p/other"));
}

TEMPLATE_TEST_CASE("a commit may bring another leg's token, and forget legs", "[log][contract][REQ-007]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamId in = *t.log().open_stream({"in", 1});
  REQUIRE(append(t.log(), t.executor(), in, 0, encoded(values({one(1), one(2)}))));
  const auto position = [&](int64_t offset) { return Position{in, 0, offset, "", ""}; };
  CommitRequest running;
  running.leg = "p/sink";
  running.positions = {position(2)};
  running.sink_token = "100";
  REQUIRE(commit(t.log(), t.executor(), std::move(running)));
  CommitRequest replay;
  replay.leg = "p/sink@replay";
  replay.positions = {position(1)};
  replay.sink_token = "150";
  replay.token_leg = "p/sink";
  REQUIRE(commit(t.log(), t.executor(), std::move(replay)));
  if (GENERATE(false, true)) t.reopen();
  REQUIRE(t.log().leg_state("p/sink"));
  CHECK(t.log().leg_state("p/sink")->sink_token == "150");
  CHECK(t.log().leg_state("p/sink")->positions.at(0).next_offset == 2);
  REQUIRE(t.log().leg_state("p/sink@replay"));
  CHECK(t.log().leg_state("p/sink@replay")->sink_token.empty());
  CHECK(t.log().leg_state("p/sink@replay")->positions.at(0).next_offset == 1);

  in = *t.log().open_stream({"in", 1});
  CommitRequest end;
  end.leg = "p@replay";
  end.forgotten = {"p@replay", "p/sink@replay", "p/never"};
  REQUIRE(commit(t.log(), t.executor(), std::move(end)));
  if (GENERATE(false, true)) t.reopen();
  CHECK_FALSE(t.log().leg_state("p@replay"));
  CHECK_FALSE(t.log().leg_state("p/sink@replay"));
  CHECK(t.log().leg_state("p/sink")->sink_token == "150");
}

TEMPLATE_TEST_CASE("a commit of a position that can't have been read is refused", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId in = *t.log().open_stream({"in", 1});
  CommitRequest request;
  request.leg = "p/leg";
  request.positions.push_back({in, 0, 1000, "", ""});
  const Status refused = commit(t.log(), t.executor(), std::move(request));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInternal);
  CHECK_FALSE(t.log().leg_state("p/leg"));
}

TEMPLATE_TEST_CASE("commits of many legs do not mix", "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId out = *t.log().open_stream({"out", 1});
  std::vector<Awaited<Status>> waiting;
  for (int round = 0; round < 10; ++round) {
    for (int leg = 0; leg < 5; ++leg) {
      CommitRequest request;
      request.leg = "p/" + std::to_string(leg);
      request.positions.push_back({0, 0, round, "source", std::to_string(round)});
      request.outputs.push_back({out, 0, encoded(values({one(100 * leg + round)}))});
      waiting.emplace_back(t.executor());
      t.log().commit(std::move(request), waiting.back().callback());
    }
  }
  for (auto& done : waiting) CHECK(done.get());
  t.reopen();
  const StreamId again = *t.log().open_stream({"out", 1});
  std::map<int, std::vector<int>> rounds;
  for (const std::string& value : values_of(read_all(t.log(), again, 0))) {
    const int number = std::stoi(value.substr(5));
    rounds[number / 100].push_back(number % 100);
  }
  for (int leg = 0; leg < 5; ++leg) {
    CHECK(rounds[leg] == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
    const auto state = t.log().leg_state("p/" + std::to_string(leg));
    REQUIRE(state);
    CHECK(state->external.at(0).next_offset == 9);
  }
}

TEMPLATE_TEST_CASE("subscribers are woken for appends and for outputs", "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId in = *t.log().open_stream({"in", 2});
  const StreamId out = *t.log().open_stream({"out", 1});
  const auto in_woken = t.executor().make_signal();
  const auto out_woken = t.executor().make_signal();
  Log& log = t.log();
  log.subscribe(in, [&, in_woken](int32_t partition) {
    // Whoever is woken finds the records.
    if (partition == 1 && *(*log.read(in, 1, 0, false))->next() != nullptr) in_woken->set();
  });
  log.subscribe(out, [&, out_woken](int32_t partition) {
    if (partition == 0 && *(*log.read(out, 0, 0, false))->next() != nullptr) out_woken->set();
  });
  REQUIRE(append(log, t.executor(), in, 1, encoded(values({"1"}))));
  CHECK(in_woken->wait(int64_t{30} * 1'000'000'000));
  CommitRequest request;
  request.leg = "p/leg";
  request.outputs.push_back({out, 0, encoded(values({"2"}))});
  REQUIRE(commit(log, t.executor(), std::move(request)));
  CHECK(out_woken->wait(int64_t{30} * 1'000'000'000));
}

TEMPLATE_TEST_CASE("what was accepted is told again, with its source, cursor and hashes", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamId stream = *t.log().open_stream({"s", 1});
  const auto accept = [&](const AcceptInfo& info, int events) {
    std::vector<std::string> texts;
    for (int i = 0; i < events; ++i) texts.push_back(one(i));
    const Codec codec = events % 2 == 0 ? Codec::kLz4 : Codec::kNone;
    return append(t.log(), t.executor(), stream, 0, encoded(values(texts), codec, &info))->first_offset;
  };
  const int64_t old = accept({"files", "inode 1 at 10", {}}, 1);
  accept({"hook", "", {{1, 2}, {3, 4}}}, 2);
  const int64_t other = accept({"other", "", {}}, 1);
  t.clock().advance_ms(10'000);
  const int64_t since_ms = t.clock().wall_ms();
  const int64_t recent = accept({"hook", "", {{5, 6}, {~uint64_t{0}, 8}, {9, 9}}}, 3);
  if (GENERATE(false, true)) {
    t.reopen();
    stream = *t.log().open_stream({"s", 1});
  }
  std::map<int64_t, Log::Accepted> found;
  REQUIRE(t.log().accepted_since(stream, since_ms, {},
                                 [&](const Log::Accepted& a) { found.emplace(a.first_offset, a); }));
  REQUIRE(found.size() == 3);
  CHECK(found.at(other).info.source == "other");
  CHECK(found.at(old).info.source == "files");
  CHECK(found.at(old).info.cursor == "inode 1 at 10");
  CHECK(found.at(recent).info.source == "hook");
  CHECK(found.at(recent).info.id_hashes ==
        std::vector<std::array<uint64_t, 2>>{{5, 6}, {~uint64_t{0}, 8}, {9, 9}});
  CHECK(found.at(recent).append_time_ms >= since_ms);

  auto reader = t.log().read(stream, 0, recent, false);
  const auto batch = *(*reader)->next();
  REQUIRE(batch != nullptr);
  CHECK(batch->origin().source == "hook");
  CHECK(batch->header_count(0) == 0);
}

TEMPLATE_TEST_CASE("accept headers below what is known are left out, but for the last one of every source",
                   "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  const auto accept = [&](const AcceptInfo& info) {
    return append(t.log(), t.executor(), stream, 0, encoded(values({one(1)}), Codec::kLz4, &info))->first_offset;
  };
  const AcceptInfo::Ids kind = AcceptInfo::Ids::kSequences;
  accept({"hook", "a", {{1, 1}}, kind});
  const int64_t files = accept({"files", "b", {}});
  const int64_t last = accept({"hook", "c", {{1, 2}}, kind});
  const int64_t known = last + 1;
  std::vector<int64_t> found;
  const auto visit = [&](const Log::Accepted& a) { found.push_back(a.first_offset); };
  REQUIRE(t.log().accepted_since(stream, 0, std::vector<int64_t>{known}, visit));
  CHECK(found == std::vector<int64_t>{files, last});
  const int64_t newer = accept({"hook", "d", {{1, 3}}, kind});
  found.clear();
  const auto kinds = [&](const Log::Accepted& a) {
    visit(a);
    if (a.info.source == "hook") CHECK(a.info.ids == kind);
  };
  REQUIRE(t.log().accepted_since(stream, 0, std::vector<int64_t>{known}, kinds));
  CHECK(found == std::vector<int64_t>{files, newer});
}

TEMPLATE_TEST_CASE("a stream opened without a partition count has as many as it has, and is not made",
                   "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const auto none = t.log().open_stream({.name = "s", .partitions = 0});
  REQUIRE_FALSE(none);
  CHECK(none.error().code == ErrorCode::kNotFound);
  const StreamId made = *t.log().open_stream({.name = "s", .partitions = 3});
  CHECK(t.log().open_stream({.name = "s", .partitions = 0}) == made);
  CHECK_FALSE(t.log().open_stream({.name = "s", .partitions = 2}));
  CHECK(t.log().stream_info(made)->partitions.size() == 3);
}

TEMPLATE_TEST_CASE("a checkpoint is there after the log was opened again, and is replaced as a whole",
                   "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  CHECK_FALSE(t.log().load_checkpoint("dedupe/s.tag/hook"));
  REQUIRE(t.log().store_checkpoint("dedupe/s.tag/hook", "a long first one"));
  REQUIRE(t.log().store_checkpoint("dedupe/s.tag/hook", "second"));
  REQUIRE(t.log().store_checkpoint("other", std::string("\0", 1)));
  t.reopen();
  CHECK(t.log().load_checkpoint("dedupe/s.tag/hook") == "second");
  CHECK(t.log().load_checkpoint("other") == std::string("\0", 1));
}

// Events of a stream with this retention, one batch each, a second apart; what was removed when it was applied.
template <class Fixture>
std::vector<int64_t> fill(Fixture& t, StreamId stream, int32_t partition, int batches, const std::string& source) {
  std::vector<int64_t> offsets;
  for (int i = 0; i < batches; ++i) {
    // Big enough that few of them are a segment, where a log has such.
    const AcceptInfo accept{source, "cursor " + std::to_string(i), {}};
    std::string text(402, static_cast<char>('a' + i % 26));
    text.front() = text.back() = '"';
    const auto result =
        append(t.log(), t.executor(), stream, partition, encoded(values({text}), Codec::kNone, &accept));
    REQUIRE(result);
    offsets.push_back(result->first_offset);
    t.clock().advance_ms(1000);
  }
  return offsets;
}

inline void apply_retention(Log& log, Executor& executor) {
  Awaited<Status> done(executor);
  log.apply_retention(done.callback());
  REQUIRE(done.get());
}

TEMPLATE_TEST_CASE("what is older than the retention's time goes, and the rest is as it was",
                   "[log][contract][retention]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamSpec spec{"s", 1, Retention{.time_ms = 60'000}};
  StreamId stream = *t.log().open_stream(spec);
  fill(t, stream, 0, 60, "hook");
  const auto before = read_all(t.log(), stream, 0);
  apply_retention(t.log(), t.executor());
  CHECK(t.log().stream_info(stream)->partitions[0].oldest_offset == 0);
  t.clock().advance_ms(30'000);
  apply_retention(t.log(), t.executor());
  const int64_t oldest = t.log().stream_info(stream)->partitions[0].oldest_offset;
  CHECK(oldest > 0);
  const LogStats stats = t.log().stats();
  CHECK(stats.removed_segments > 0);
  CHECK(stats.removed_bytes > 0);
  CHECK(stats.removed_offsets == static_cast<uint64_t>(oldest));
  CHECK(stats.removed_unread_offsets == 0);
  if (GENERATE(false, true)) {
    t.reopen();
    stream = *t.log().open_stream(spec);
    CHECK(t.log().stream_info(stream)->partitions[0].oldest_offset == oldest);
  }
  // A suffix, with nothing that is younger than the time missing.
  const auto after = read_all(t.log(), stream, 0, oldest);
  REQUIRE(after.size() >= 29);
  REQUIRE(after.size() < before.size());
  CHECK(std::equal(after.rbegin(), after.rend(), before.rbegin()));
  CHECK(after.front().first >= oldest);
  // Whoever asks for what is gone begins at the oldest.
  CHECK(read_all(t.log(), stream, 0, 0) == after);

  // A source's last cursor outlives its events; and a stream nobody writes to becomes empty but for its newest.
  t.clock().advance_ms(3'600'000);
  REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(values({"1"}))));
  apply_retention(t.log(), t.executor());
  t.reopen();
  stream = *t.log().open_stream(spec);
  size_t told = 0;
  REQUIRE(t.log().accepted_since(stream, t.clock().wall_ms(), {}, [&](const Log::Accepted& accepted) {
    ++told;
    CHECK(accepted.info.source == "hook");
    CHECK(accepted.info.cursor == "cursor 59");
  }));
  CHECK(told == 1);
}

TEMPLATE_TEST_CASE("a stream is cut to its size from the oldest on, whatever partition that is in",
                   "[log][contract][retention]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 2, Retention{.size_bytes = 20'000}});
  fill(t, stream, 1, 60, "hook");
  fill(t, stream, 0, 60, "hook");
  apply_retention(t.log(), t.executor());
  const auto partitions = t.log().stream_info(stream)->partitions;
  // A log of large segments has nothing finished to remove.
  if (t.log().stats().removed_segments == 0) {
    CHECK(partitions[0].oldest_offset + partitions[1].oldest_offset == 0);
    return;
  }
  CHECK(partitions[1].oldest_offset > partitions[0].oldest_offset);
  CHECK(partitions[0].size_bytes + partitions[1].size_bytes <= 20'000);
  CHECK(partitions[0].size_bytes + partitions[1].size_bytes > 10'000);
}

TEMPLATE_TEST_CASE("what is within a lag begins at an offset, by size and by age", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamId stream = *t.log().open_stream({"s", 1});
  CHECK(t.log().first_within(stream, 0, {.bytes = 0, .since_ms = {}}).value() == 0);
  fill(t, stream, 0, 300, "hook");
  if (GENERATE(false, true)) {
    t.reopen();
    stream = *t.log().open_stream({"s", 1});
  }
  const auto all = read_all(t.log(), stream, 0);
  const uint64_t size = t.log().stream_info(stream)->partitions[0].size_bytes;
  REQUIRE(size > 20'000);
  const auto events_from = [&](int64_t offset) {
    return std::count_if(all.begin(), all.end(), [&](const auto& event) { return event.first >= offset; });
  };
  const auto within = [&](std::optional<uint64_t> bytes, std::optional<int64_t> since_ms) {
    const auto first = t.log().first_within(stream, 0, {.bytes = bytes, .since_ms = since_ms});
    REQUIRE(first);
    return events_from(*first);
  };
  CHECK(within({}, {}) == 300);
  CHECK(within(size * 2, {}) == 300);
  // 8 KiB either way: an index has an entry for every four.
  const auto slack = static_cast<int64_t>(300 * 8192 / size);
  for (const uint64_t part : {2, 4, 8}) {
    CHECK(std::abs(within(size / part, {}) - static_cast<int64_t>(300 / part)) <= slack);
  }
  CHECK(within(0, {}) <= slack);
  const int64_t now_ms = t.clock().wall_ms();
  CHECK(within({}, now_ms + 1) == 0);
  CHECK(within({}, now_ms - 100'500) == 100);
  CHECK(within(size * 2, now_ms - 100'500) == 100);
  CHECK(within(0, now_ms - 1'000'000) <= slack);
  CHECK_FALSE(t.log().first_within(stream, 7, {}));
}

TEMPLATE_TEST_CASE("retention never takes what a leg has not committed, unless it is told to",
                   "[log][contract][retention]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  Retention retention{.time_ms = 1000};
  retention.legs = {"p/new"};
  StreamId stream = *t.log().open_stream({"s", 1, retention});
  const auto offsets = fill(t, stream, 0, 60, "");
  const auto oldest = [&] {
    t.clock().advance_ms(60'000);
    apply_retention(t.log(), t.executor());
    return t.log().stream_info(stream)->partitions[0].oldest_offset;
  };
  const auto commit_to = [&](const std::string& leg, int64_t offset) {
    CommitRequest request;
    request.leg = leg;
    request.positions.push_back({stream, 0, offset, "", ""});
    REQUIRE(commit(t.log(), t.executor(), std::move(request)));
  };
  // One that never committed needs everything; one that did needs what is behind.
  CHECK(oldest() == 0);
  commit_to("p/new", offsets[50]);
  commit_to("p/old", offsets[30]);
  const int64_t first = oldest();
  CHECK(first > 0);
  CHECK(first <= offsets[30]);
  CHECK(read_all(t.log(), stream, 0, offsets[30]).size() == 30);
  // A leg of a pipeline that does not run counts too, and positions outlive a restart.
  t.reopen();
  stream = *t.log().open_stream({"s", 1, retention});
  CHECK(oldest() <= offsets[30]);
  commit_to("p/old", offsets[45]);
  const int64_t second = oldest();
  CHECK(second > first);
  CHECK(second <= offsets[45]);
  CHECK(t.log().stats().removed_unread_offsets == 0);
  // What a dedupe window asks for stays, also if legs have no say.
  retention.drop_unread = true;
  retention.keep_ms = 365 * 24 * 3'600'000LL;
  REQUIRE(t.log().open_stream({"s", 1, retention}));
  CHECK(oldest() == second);
  retention.keep_ms = 0;
  REQUIRE(t.log().open_stream({"s", 1, retention}));
  const int64_t third = oldest();
  CHECK(third > offsets[45]);
  CHECK(t.log().stats().removed_unread_offsets > 0);
  CHECK(t.log().leg_state("p/old")->positions.at(0).next_offset == offsets[45]);
}

TEMPLATE_TEST_CASE("a reader is told that what it would read next was removed", "[log][contract][retention]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1, Retention{.time_ms = 1000}});
  const auto offsets = fill(t, stream, 0, 60, "");
  auto reader = t.log().read(stream, 0, 0, false);
  REQUIRE(*(*reader)->next() != nullptr);
  t.clock().advance_ms(60'000);
  apply_retention(t.log(), t.executor());
  const int64_t oldest = t.log().stream_info(stream)->partitions[0].oldest_offset;
  REQUIRE(oldest > offsets[30]);
  // It may finish what it has open, and never passes over what it has not read.
  int64_t last = offsets[0];
  for (;;) {
    const auto batch = (*reader)->next();
    if (!batch) {
      CHECK(batch.error().code == ErrorCode::kNotFound);
      CHECK(batch.error().message.find("retention") != std::string::npos);
      break;
    }
    if (*batch == nullptr) break;  // it had all of it open
    const auto before = std::find(offsets.begin(), offsets.end(), last);
    CHECK((*batch)->offset(0) == *std::next(before));
    last = (*batch)->offset(0);
  }
  // Whoever asks for the same place again goes on at the oldest, as with any place below it.
  const bool from_the_same_place = GENERATE(true, false);
  (*reader)->seek(from_the_same_place ? (*reader)->offset() : oldest);
  const auto next = append(t.log(), t.executor(), stream, 0, encoded(values({"1"})));
  for (;;) {
    const auto batch = (*reader)->next();
    REQUIRE(batch);
    REQUIRE(*batch != nullptr);
    CHECK((*batch)->offset(0) >= oldest);
    if ((*batch)->offset(0) == next->first_offset) break;
  }
}

// --- compaction ----------------------------------------------------------------------------------------------

// An event as a reader finds it.
struct Stored {
  int64_t offset;
  Event event;
  std::string source;
  bool operator==(const Stored& other) const {
    return offset == other.offset && event.value == other.event.value && event.key == other.event.key &&
           event.headers == other.event.headers && event.timestamp_ms == other.event.timestamp_ms &&
           event.tombstone == other.event.tombstone && source == other.source;
  }
};

inline std::vector<Stored> read_stored(Log& log, StreamId stream, int64_t from = 0) {
  auto reader = log.read(stream, 0, from, false);
  REQUIRE(reader);
  std::vector<Stored> found;
  for (;;) {
    const auto batch = (*reader)->next();
    REQUIRE(batch);
    if (*batch == nullptr) return found;
    for (size_t i = 0; i < (*batch)->size(); ++i) {
      Stored stored{(*batch)->offset(i), {}, (*batch)->origin().source};
      stored.event.value = (*batch)->value(i);
      if (const auto key = (*batch)->key(i)) stored.event.key = std::string(*key);
      for (const auto& [name, value] : (*batch)->headers(i)) stored.event.headers.emplace_back(name, value);
      stored.event.timestamp_ms = (*batch)->entry(i).timestamp_ms;
      stored.event.tombstone = (*batch)->is_tombstone(i);
      CHECK(stored.offset >= from);
      CHECK((found.empty() || found.back().offset < stored.offset));
      found.push_back(std::move(stored));
    }
    CHECK((*reader)->offset() > found.back().offset);
  }
}

// Batches of three events of seven keys, every fourth batch's without one; a second apart.
template <class Fixture>
void fill_table(Fixture& t, StreamId stream, int first, int batches) {
  for (int i = first; i < first + batches; ++i) {
    std::vector<Event> events;
    for (int n = 3 * i; n < 3 * i + 3; ++n) {
      Event event{'"' + std::to_string(n) + std::string(80, 'v') + '"', "k" + std::to_string(n * n % 7), {}};
      if (i % 4 == 3) event.key.reset();
      if (n % 5 == 0) event.headers = {{"n", std::to_string(n)}, {"more", ""}};
      event.timestamp_ms += n;
      events.push_back(std::move(event));
    }
    const AcceptInfo accept{i % 2 == 0 ? "even" : "odd", "cursor " + std::to_string(i), {{1, 1}, {2, 2}, {3, 3}}};
    const Codec codec = i % 3 == 0 ? Codec::kLz4 : Codec::kNone;
    REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(make_batch(events, accept.source), codec, &accept)));
    t.clock().advance_ms(1000);
  }
}

// What is left is as it was, and lacks nothing but what a newer one of its key replaces.
inline void check_compacted(const std::vector<Stored>& before, const std::vector<Stored>& after) {
  std::map<std::string, int64_t> newest;
  for (const Stored& stored : before) {
    if (stored.event.key) newest[*stored.event.key] = stored.offset;
  }
  auto left = after.begin();
  for (const Stored& stored : before) {
    INFO("offset " << stored.offset);
    if (left != after.end() && left->offset == stored.offset) {
      CHECK(*left == stored);
      ++left;
      continue;
    }
    REQUIRE(stored.event.key);
    REQUIRE(newest[*stored.event.key] > stored.offset);
  }
  CHECK(left == after.end());
}

TEMPLATE_TEST_CASE("of the records of one key the newest stay, as they were and where they stood",
                   "[log][contract][compaction]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamSpec spec{"s", 1, std::nullopt, Compaction{.on = true}};
  StreamId stream = *t.log().open_stream(spec);
  fill_table(t, stream, 0, 60);
  const auto before = read_stored(t.log(), stream);
  REQUIRE(before.size() == 180);
  apply_retention(t.log(), t.executor());
  const LogStats stats = t.log().stats();
  auto after = read_stored(t.log(), stream);
  check_compacted(before, after);
  // A log of large segments has nothing finished to compact.
  const bool large = stats.compacted_segments == 0;
  if (large) {
    CHECK(after == before);
    return;
  }
  CHECK(after.size() < 110);
  CHECK(stats.compacted_records == before.size() - after.size());
  CHECK(stats.compacted_bytes > 0);
  CHECK(stats.removed_segments == 0);
  if (GENERATE(false, true)) {
    t.reopen();
    stream = *t.log().open_stream(spec);
    CHECK(read_stored(t.log(), stream) == after);
  }
  // From anywhere, also where nothing is any more.
  for (int64_t from = 0; from < before.back().offset + 2; from += 7) {
    const auto rest = read_stored(t.log(), stream, from);
    const auto first = std::find_if(after.begin(), after.end(), [&](const Stored& s) { return s.offset >= from; });
    CHECK(rest == std::vector<Stored>(first, after.end()));
  }
  // The cursor of every source is known, and what is new replaces what is there.
  std::map<std::string, std::string> cursors;
  REQUIRE(t.log().accepted_since(stream, INT64_MAX, {}, [&](const Log::Accepted& accepted) {
    cursors[accepted.info.source] = accepted.info.cursor;
  }));
  CHECK(cursors == std::map<std::string, std::string>{{"even", "cursor 58"}, {"odd", "cursor 59"}});
  fill_table(t, stream, 60, 60);
  const auto more = read_stored(t.log(), stream);
  apply_retention(t.log(), t.executor());
  const auto last = read_stored(t.log(), stream);
  check_compacted(more, last);
  CHECK(last.size() < more.size() - 80);
}

TEMPLATE_TEST_CASE("compaction leaves what a leg, a window or a time still asks for",
                   "[log][contract][compaction]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamSpec spec{"s", 1, Retention{}, Compaction{.on = true}};
  spec.retention->legs = {"p/leg"};
  const StreamId stream = *t.log().open_stream(spec);
  fill_table(t, stream, 0, 60);
  const auto before = read_stored(t.log(), stream);
  const auto compacted = [&] {
    apply_retention(t.log(), t.executor());
    return t.log().stats().compacted_records;
  };
  CHECK(compacted() == 0);
  CommitRequest request;
  request.leg = "p/leg";
  request.positions.push_back({stream, 0, before[90].offset, "", ""});
  REQUIRE(commit(t.log(), t.executor(), request));
  spec.compaction->lag_ms = 365 * 24 * 3'600'000LL;
  REQUIRE(t.log().open_stream(spec));
  CHECK(compacted() == 0);
  spec.compaction->lag_ms = 0;
  spec.retention->keep_ms = 365 * 24 * 3'600'000LL;
  REQUIRE(t.log().open_stream(spec));
  CHECK(compacted() == 0);
  spec.retention->keep_ms = 0;
  REQUIRE(t.log().open_stream(spec));
  compacted();
  const auto after = read_stored(t.log(), stream);
  check_compacted(before, after);
  // What the leg will read is all there: also what replaced nothing yet, because it was not read.
  CHECK(read_stored(t.log(), stream, before[90].offset) == std::vector<Stored>(before.begin() + 90, before.end()));
  check_compacted(std::vector<Stored>(before.begin(), before.begin() + 90),
                  std::vector<Stored>(after.begin(), after.end() - (180 - 90)));
  // Off, it leaves everything.
  request.positions[0].next_offset = before.back().offset + 1;
  REQUIRE(commit(t.log(), t.executor(), request));
  spec.compaction->on = false;
  REQUIRE(t.log().open_stream(spec));
  compacted();
  CHECK(read_stored(t.log(), stream) == after);
}

TEMPLATE_TEST_CASE("a tombstone takes what is older of its key, and goes when its time is over",
                   "[log][contract][compaction]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  StreamSpec spec{"s", 1, std::nullopt, Compaction{.on = true}};
  spec.compaction->tombstone_ms = 5000;
  const StreamId stream = *t.log().open_stream(spec);
  fill_table(t, stream, 0, 20);
  Event event;
  event.key = "k1";
  event.tombstone = true;
  REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(make_batch({event}))));
  // None of k1, behind it.
  for (int i = 0; i < 60; ++i) {
    std::string text(82, 'o');
    text.front() = text.back() = '"';
    const Event other{text, "other " + std::to_string(i % 3), {}};
    REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(make_batch({other}))));
  }
  const auto count = [&](bool tombstones) {
    size_t found = 0;
    for (const Stored& stored : read_stored(t.log(), stream)) {
      if (stored.event.key == "k1" && stored.event.tombstone == tombstones) ++found;
    }
    return found;
  };
  const size_t values_before = count(false);
  REQUIRE(values_before > 5);
  apply_retention(t.log(), t.executor());
  const bool large = t.log().stats().compacted_segments == 0;
  if (large) {
    CHECK(count(true) == 1);
    return;
  }
  CHECK(count(false) == 0);
  CHECK(count(true) == 1);
  t.clock().advance_ms(4999);
  apply_retention(t.log(), t.executor());
  CHECK(count(true) == 1);
  t.clock().advance_ms(1);
  apply_retention(t.log(), t.executor());
  CHECK(count(true) == 0);
  CHECK(count(false) == 0);
}

TEMPLATE_TEST_CASE("a full queue refuses, says so, and resumes", "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  CHECK_FALSE(t.log().full());
  // The queue holds 32 MiB by default; this is more, whatever the log does meanwhile.
  const EncodedBatch big = encoded(values({'"' + std::string(4 << 20, 'x') + '"'}));
  std::vector<Awaited<Result<AppendResult>>> waiting;
  std::atomic<bool> calling{false};
  std::atomic<int> refused_late{0};
  for (int i = 0; i < 60; ++i) {
    waiting.emplace_back(t.executor());
    calling = true;
    t.log().append(stream, 0, big, AckLevel::kDurable,
                   [&, done = waiting.back().callback()](Result<AppendResult> result) mutable {
                     if (!result && !calling) ++refused_late;
                     (void)t.log().full();  // it may be called from there
                     done(std::move(result));
                   });
    calling = false;
  }
  const auto resumed = t.executor().make_signal();
  t.log().when_not_full([resumed] { resumed->set(); });
  size_t stored = 0;
  for (auto& done : waiting) {
    const auto& result = done.get();
    if (result) {
      ++stored;
      continue;
    }
    CHECK(result.error().code == ErrorCode::kUnavailable);
    CHECK(result.error().retryable);
  }
  CHECK(resumed->wait(int64_t{30} * 1'000'000'000));
  CHECK_FALSE(t.log().full());
  CHECK(stored >= 8);
  // Whoever hears of it later may have appended what belongs behind it.
  CHECK(refused_late == 0);
  CHECK(read_all(t.log(), stream, 0).size() == stored);
}

TEMPLATE_TEST_CASE("a closed log refuses politely, and what was called before is done", "[log][contract]",
                   LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  std::vector<Awaited<Result<AppendResult>>> waiting;
  for (int i = 0; i < 50; ++i) {
    waiting.emplace_back(t.executor());
    t.log().append(stream, 0, encoded(values({one(i)})), AckLevel::kDurable, waiting.back().callback());
  }
  Awaited<Status> committed(t.executor());
  CommitRequest request;
  request.leg = "p/leg";
  t.log().commit(std::move(request), committed.callback());
  REQUIRE(t.log().close());
  for (auto& done : waiting) {
    CHECK(done.get());
    CHECK(done.calls() == 1);
  }
  CHECK(committed.get());
  const auto late = append(t.log(), t.executor(), stream, 0, encoded(values({"1"})));
  REQUIRE_FALSE(late);
  CHECK(late.error().code == ErrorCode::kCancelled);
  CHECK(commit(t.log(), t.executor(), {"p/leg", {}, {}, {}}).error().code == ErrorCode::kCancelled);
  CHECK(t.log().close());
}

TEMPLATE_TEST_CASE("reading a stream that is not there is an error", "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  CHECK(t.log().read(17, 0, 0, false).error().code == ErrorCode::kNotFound);
  CHECK(t.log().stream_info(17).error().code == ErrorCode::kNotFound);
}

TEMPLATE_TEST_CASE("statistics count what was done", "[log][contract]", LOG_CONTRACT_FIXTURES) {
  TestType t;
  const StreamId stream = *t.log().open_stream({"s", 1});
  REQUIRE(append(t.log(), t.executor(), stream, 0, encoded(values({"1", "2"}))));
  CommitRequest request;
  request.leg = "p/leg";
  REQUIRE(commit(t.log(), t.executor(), std::move(request)));
  const LogStats stats = t.log().stats();
  CHECK(stats.appended_batches == 1);
  CHECK(stats.appended_events == 2);
  CHECK(stats.appended_bytes > 0);
  CHECK(stats.commits == 1);
  CHECK(stats.errors == 0);
}

}  // namespace colloquium::log::contract
