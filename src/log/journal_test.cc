#include "log/journal.h"

#include <catch2/catch.hpp>
#include <string>

#include "io/memory_file_system.h"
#include "log/journal_record.h"
#include "log/layout.h"
#include "log/leg_state.h"

namespace colloquium::log {
namespace {

CommitRecord sample_commit(int number) {
  CommitRecord commit;
  commit.leg = "orders/all";
  commit.state.positions.push_back({"orders", 2, 1000 + number});
  commit.state.external.push_back({"files", number, std::string("cur\0sor", 7)});
  commit.state.sink_token = "token " + std::to_string(number);
  commit.has_token = true;
  commit.outputs.push_back({"orders.out", 1, 10 * number, 10 * number + 9, 0xdeadbeef});
  return commit;
}

std::unique_ptr<Journal> open(io::MemoryFileSystem& fs, uint64_t segment_bytes = 1 << 20) {
  auto journal = Journal::examine(fs, "data", nullptr, segment_bytes);
  REQUIRE(journal);
  std::vector<RecoveryNote> notes;
  REQUIRE((*journal)->apply(notes));
  return std::move(*journal);
}

}  // namespace

TEST_CASE("commits and checkpoints survive the way to bytes and back") {
  const CommitRecord commit = sample_commit(7);
  const std::string bytes = put_commit(commit);
  const auto back = get_commit(bytes);
  REQUIRE(back);
  CHECK(put_commit(*back) == bytes);
  CHECK(back->state.external[0].cursor == commit.state.external[0].cursor);
  CHECK(back->outputs[0].crc == 0xdeadbeef);
  CommitRecord without = commit;
  without.has_token = false;
  CHECK_FALSE(get_commit(put_commit(without))->has_token);
  CHECK_FALSE(back->forgets);
  CommitRecord last;
  last.leg = "orders/all";
  last.forgets = true;
  CHECK(get_commit(put_commit(last))->forgets);

  Checkpoint checkpoint;
  checkpoint.legs["a"] = commit.state;
  checkpoint.legs["b"] = {};
  checkpoint.committed_ends[{"orders.out", 1}] = 1234567890123;
  const std::string whole = put_checkpoint(checkpoint);
  REQUIRE(get_checkpoint(whole));
  CHECK(put_checkpoint(*get_checkpoint(whole)) == whole);

  for (size_t length = 0; length < bytes.size(); ++length) CHECK_FALSE(get_commit(bytes.substr(0, length)));
  for (size_t length = 0; length < whole.size(); ++length) CHECK_FALSE(get_checkpoint(whole.substr(0, length)));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto read = get_commit(damaged);  // must not read outside or take for ever
    if (read) CHECK(read->outputs.size() <= bytes.size());
  }
}

TEST_CASE("what nobody can have committed is no commit and no checkpoint") {
  for (const int64_t last : {-3, 3}) {
    CommitRecord commit = sample_commit(7);
    commit.outputs[0].last_offset = last;  // before its first
    CHECK_FALSE(get_commit(put_commit(commit)));
  }
  CommitRecord commit = sample_commit(0);
  commit.state.positions[0].partition = -1;
  CHECK_FALSE(get_commit(put_commit(commit)));
  Checkpoint checkpoint;
  checkpoint.committed_ends[{"orders", 0}] = -1;
  CHECK_FALSE(get_checkpoint(put_checkpoint(checkpoint)));
}

TEST_CASE("a later commit replaces what it names and keeps the rest") {
  LegState state;
  merge_leg_state({{{"s", 0, 5}, {"s", 1, 7}}, {{"f", 1, "c1"}}, "t1"}, true, state);
  merge_leg_state({{{"s", 1, 9}, {"u", 0, 1}}, {{"g", 2, ""}}, ""}, false, state);
  REQUIRE(state.positions.size() == 3);
  CHECK(state.positions[0].next_offset == 5);
  CHECK(state.positions[1].next_offset == 9);
  CHECK(state.external.size() == 2);
  CHECK(state.sink_token == "t1");
  merge_leg_state({{}, {}, ""}, true, state);
  CHECK(state.sink_token.empty());
}

TEST_CASE("the journal keeps itself small and forgets nothing") {
  io::MemoryFileSystem fs;
  {
    auto journal = open(fs, 2000);
    for (int i = 0; i < 500; ++i) {
      CommitRecord commit = sample_commit(i);
      commit.leg += std::to_string(i % 3);
      REQUIRE(journal->append({commit}, i));
    }
  }
  const auto bases = list_segments(fs, journal_directory("data"));
  REQUIRE(bases);
  CHECK(bases->size() == 1);
  CHECK(bases->front() > 0);
  CHECK(fs.info(segment_path(journal_directory("data"), bases->front(), "log"))->size < 4000);
  auto journal = open(fs, 2000);
  for (int leg = 0; leg < 3; ++leg) {
    const auto state = journal->leg_state("orders/all" + std::to_string(leg));
    REQUIRE(state);
    CHECK(state->external[0].next_offset >= 497);
  }
  const Evidence evidence = journal->state().evidence_for("orders.out", 1);
  CHECK(evidence.committed_end == 5000);
  CHECK(evidence.synced_below == 5000);
  CHECK(journal->state().evidence_for("orders", 2).synced_below >= 1497);
  CHECK(journal->state().evidence_for("orders", 0).synced_below == 0);
}

TEST_CASE("several commits of a group stand or fall together") {
  io::MemoryFileSystem fs;
  {
    auto journal = open(fs);
    REQUIRE(journal->append({sample_commit(1)}, 0));
    REQUIRE(journal->append({sample_commit(2), sample_commit(3)}, 0));
  }
  const std::string path = segment_path(journal_directory("data"), 0, "log");
  auto file = fs.open(path, io::OpenMode::kReadWrite);
  REQUIRE((*file)->truncate(fs.info(path)->size - 1));
  auto journal = open(fs);
  CHECK(journal->leg_state("orders/all")->sink_token == "token 1");
}

TEST_CASE("a journal whose checkpoint is lost is refused") {
  io::MemoryFileSystem fs;
  {
    auto journal = open(fs, 500);
    for (int i = 0; i < 20; ++i) REQUIRE(journal->append({sample_commit(i)}, i));
  }
  const auto bases = *list_segments(fs, journal_directory("data"));
  const std::string path = segment_path(journal_directory("data"), bases.back(), "log");
  fs.flip(path, 70, 1);
  const auto refused = Journal::examine(fs, "data", nullptr, 500);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kCorrupt);
}

TEST_CASE("a commit for which there is no space changes nothing, and the next one is stored") {
  io::MemoryFileSystem fs;
  auto journal = open(fs, 600);
  REQUIRE(journal->append({sample_commit(1)}, 0));
  for (int round = 0; round < 30; ++round) {
    const uint64_t at = fs.operations() + static_cast<uint64_t>(round % 7);
    io::Fault fault{Error{ErrorCode::kNoSpace, "full", true}};
    fault.written_bytes = 50;
    fs.set_hook([=](const io::Operation& operation) -> std::optional<io::Fault> {
      if (operation.index != at || operation.kind == io::OperationKind::kSync ||
          operation.kind == io::OperationKind::kSyncDirectory) {
        return std::nullopt;
      }
      return fault;
    });
    const Status failed = journal->append({sample_commit(100 + round)}, 0);
    fs.set_hook(nullptr);
    if (!failed) {
      CHECK(failed.error().code == ErrorCode::kNoSpace);
      REQUIRE(journal->append({sample_commit(100 + round)}, 0));
    }
    CHECK(journal->leg_state("orders/all")->sink_token == "token " + std::to_string(100 + round));
    fs.kill();
    journal = open(fs, 600);
    CHECK(journal->leg_state("orders/all")->sink_token == "token " + std::to_string(100 + round));
  }
}

}  // namespace colloquium::log
