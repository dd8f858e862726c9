// A snapshot holds what was acknowledged when the backup began, commits whole or absent, whatever the process that
// owns the directory does meanwhile. Stopped, failed or full at any operation, a backup leaves nothing that is
// taken for a snapshot, and touches neither the directory nor older snapshots.
#include "log/backup.h"

#include <catch2/catch.hpp>

#include "io/path.h"
#include "log/backup_scene_test.h"
#include "log/watched_file_system_test.h"

namespace colloquium::log {
namespace {

constexpr int kSteps = 24;

}  // namespace

TEST_CASE("a backup taken at any operation of a run holds what was acknowledged by then [REQ-178]",
          "[REQ-178][backup]") {
  const bool encrypted = GENERATE(false, true);
  const auto run_with = [&](ScriptedRun& run, WatchedFileSystem* watched) {
    if (encrypted) run.encrypt();
    run.retain();
    run.compact();
    if (watched != nullptr) run.watch(*watched);
    run.run(kSteps);
    REQUIRE(run.failures().empty());
  };
  uint64_t operations = 0;
  {
    ScriptedRun whole(2);
    WatchedFileSystem counted(whole.files(), [&] { ++operations; });
    run_with(whole, &counted);
  }
  REQUIRE(operations > 500);
  size_t worth = 0, with_output = 0;
  for (uint64_t at = 0; at < operations; at += (encrypted ? 7 : 3) * kPlaceStep) {
    INFO("the backup is taken at operation " << at << " of " << operations);
    ScriptedRun run(2);
    uint64_t count = 0;
    std::optional<Result<BackupReport>> made;
    ScriptedRun::Promises promised;
    WatchedFileSystem watched(run.files(), [&] {
      if (count++ != at) return;
      promised = run.promises();
      made = back_up_of(run, at % 2 == 0);
    });
    run_with(run, &watched);
    REQUIRE(made);
    if (!*made) {
      INFO(made->error().describe());
      REQUIRE(made->error().code == ErrorCode::kNotFound);  // there was no data directory yet
      REQUIRE(promised.durable.empty());
      continue;
    }
    const auto restored = restore_for(run, "restored");
    INFO((restored ? std::string() : restored.error().describe()));
    REQUIRE(restored);
    REQUIRE(verify_problem(run, "restored") == "");
    REQUIRE(run.problem_in("restored", promised) == "");
    REQUIRE(run.problem() == "");
    if (!promised.durable.empty()) ++worth;
    if (promised.committed > 0) ++with_output;
  }
  CHECK(worth > 40 / kPlaceStep);
  CHECK(with_output > 30 / kPlaceStep);
}

TEST_CASE("backups beside a process that goes on hold what was acknowledged when each began [REQ-178]",
          "[REQ-178][backup]") {
  const bool encrypted = GENERATE(false, true);
  uint64_t linked = 0, removed = 0, compacted = 0, done = 0, too_busy = 0;
  for (uint64_t seed = 0; seed < 30; seed += kPlaceStep) {
    INFO("seed " << seed);
    ScriptedRun run(seed);
    SeededRandom chance(seed + 1000);
    if (encrypted) run.encrypt();
    run.retain();
    run.compact();
    run.run(9);
    int step = 9;
    const uint64_t pace = 3 + seed;
    int moves = 0;  // in this backup: it must not wait for ever
    // The process moves between any two operations of the backup.
    WatchedFileSystem busy(run.files(), [&] {
      if (moves == 80 || chance.next() % pace != 0) return;
      ++moves;
      if (chance.next() % 4 == 0) {
        run.take(step++);
      } else {
        for (int i = 0; i < 3; ++i) (void)run.executor().step();
      }
    });
    for (int round = 0; round < 4; ++round) {
      moves = 0;
      const ScriptedRun::Promises promised = run.promises();
      const auto made = back_up_of(run, seed % 2 == 0, &busy);
      INFO((made ? std::string() : made.error().describe()));
      if (!made) {  // the process is quicker than any backup
        REQUIRE(made.error().code == ErrorCode::kUnavailable);
        REQUIRE(pace < 20);
        ++too_busy;
        continue;
      }
      ++done;
      linked += made->linked_files;
      REQUIRE(failure_of(restore_for(run, "restored")) == "");
      REQUIRE(verify_problem(run, "restored") == "");
      REQUIRE(run.problem_in("restored", promised) == "");
      REQUIRE(io::remove_tree(run.files(), "restored"));
      run.take(step++);
    }
    run.settle();
    REQUIRE(run.failures().empty());
    REQUIRE(run.problem() == "");
    removed += run.removed_segments();
    compacted += run.compacted_segments();
    // None of the later backups has touched the first.
    if (!list_snapshots_if_any(run.files()).empty()) REQUIRE(failure_of(restore_for(run, "restored", 1)) == "");
  }
  CAPTURE(linked, removed, compacted, done, too_busy);
  CHECK(linked > 300 / kPlaceStep);
  CHECK(removed > 20 / kPlaceStep);
  CHECK(compacted > 20 / kPlaceStep);
  CHECK(done > 5 * too_busy);
}

TEST_CASE("a backup stopped at any operation leaves no snapshot, or a whole one [REQ-178]",
          "[REQ-178][backup][crash]") {
  const End how = GENERATE(End::kPowerLoss, End::kSomeSectors, End::kKilled);
  BackupScene scene;
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  scene.go_on();
  const std::string data = all_bytes(scene.files(), "data");
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  const std::string first = all_bytes(start, "backup/000001");
  const uint64_t operations = scene.operations_of([&] { REQUIRE(failure_of(back_up_of(scene.run())) == ""); });
  REQUIRE(operations > 60);
  size_t finished = 0;
  for (uint64_t stop = operations % kPlaceStep; stop <= operations; stop += kPlaceStep) {
    INFO("stopped at operation " << stop << " of " << operations);
    io::MemoryFileSystem& fs = scene.files();
    fs.copy_from(start);
    fs.halt_at(fs.operations() + stop);
    const bool told = back_up_of(scene.run()).has_value();
    scene.stop(how);
    REQUIRE((all_bytes(fs, "data") == data));
    REQUIRE((all_bytes(fs, "backup/000001") == first));
    REQUIRE(failure_of(restore_for(scene.run(), "first", 1)) == "");
    const auto second = restore_for(scene.run(), "second", 2);
    if (second) {
      ++finished;
      REQUIRE(scene.equals("second"));
    } else {
      REQUIRE_FALSE(told);
      REQUIRE(second.error().code == ErrorCode::kNotFound);
      REQUIRE_FALSE(fs.info("second"));
      // What was left is in nobody's way.
      const auto again = back_up_of(scene.run());
      INFO((again ? std::string() : again.error().describe()));
      REQUIRE(again);
      REQUIRE(again->number == 2);
      REQUIRE(failure_of(restore_for(scene.run(), "second")) == "");
      REQUIRE(scene.equals("second"));
    }
  }
  CHECK(finished >= 1);
}

TEST_CASE("a disk that fails or is full at any operation of a backup costs that backup alone [REQ-178]",
          "[REQ-178][backup][fault]") {
  const bool full = GENERATE(false, true);
  BackupScene scene;
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  scene.go_on();
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  const std::string data = all_bytes(start, "data");
  const std::string first = all_bytes(start, "backup/000001");
  const uint64_t operations = scene.operations_of([&] { REQUIRE(failure_of(back_up_of(scene.run())) == ""); });
  size_t failed = 0;
  for (uint64_t at = 0; at < operations; at += kPlaceStep) {
    INFO("operation " << at << " of " << operations << (full ? " finds the disk full" : " fails"));
    io::MemoryFileSystem& fs = scene.files();
    fs.copy_from(start);
    io::Fault fault{full ? Error{ErrorCode::kNoSpace, "injected: no space left", true}
                         : Error{ErrorCode::kIo, "injected I/O error"}};
    fault.written_bytes = at % 3 == 0 ? 20 : 0;
    fs.fail_at(fs.operations() + at, fault);
    const auto made = back_up_of(scene.run());
    if (!made) {
      ++failed;
      REQUIRE(made.error().message.find("injected") != std::string::npos);
      const auto snapshots = list_snapshots(fs, "backup");
      REQUIRE(snapshots);
      REQUIRE(snapshots->size() == 1);
      REQUIRE(failure_of(back_up_of(scene.run())) == "");
    }
    REQUIRE((all_bytes(fs, "data") == data));
    REQUIRE((all_bytes(fs, "backup/000001") == first));
    REQUIRE(failure_of(restore_for(scene.run(), "second", 2)) == "");
    REQUIRE(scene.equals("second"));
  }
  CHECK(failed > operations / kPlaceStep / 2);
}

TEST_CASE("a read that fails is told with its path, and leaves no snapshot", "[backup][fault]") {
  BackupScene scene;
  scene.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kRead || operation.path.find("data/streams/in/1") != 0)
      return std::nullopt;
    return io::Fault{Error{ErrorCode::kIo, "cannot read '" + operation.path + "': injected"}};
  });
  const auto made = back_up_of(scene.run());
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::kIo);
  CHECK(made.error().message.find("data/streams/in/1/") != std::string::npos);
  scene.files().set_hook(nullptr);
  CHECK(list_snapshots(scene.files(), "backup")->empty());
  CHECK(back_up_of(scene.run()));
}

TEST_CASE("a second snapshot shares what is finished with the first, and outlives it", "[backup]") {
  BackupScene scene;
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  scene.go_on();
  const auto second = back_up_of(scene.run());
  REQUIRE(second);
  CHECK(second->linked_files > 8);
  CHECK(second->linked_bytes > 1000);
  io::MemoryFileSystem& fs = scene.files();
  size_t shared = 0, sealed = 0;
  for (const auto& [path, file] : second->manifest.files) {
    const auto before = fs.info("backup/000001/" + path);
    const auto after = fs.info("backup/000002/" + path);
    REQUIRE(after);
    REQUIRE(after->inode != fs.info("data/" + path)->inode);
    if (before && before->inode == after->inode) ++shared;
    const bool has_seal =
        path.size() > 4 && second->manifest.files.count(path.substr(0, path.size() - 4) + ".seal") != 0;
    if (before && has_seal && second->manifest.files.count(path) != 0 && path.substr(path.size() - 4) == ".log") {
      const bool was_sealed = fs.info("backup/000001/" + path.substr(0, path.size() - 4) + ".seal").has_value();
      if (was_sealed) ++sealed;
      if (was_sealed) CHECK(before->inode == after->inode);
    }
  }
  CHECK(shared == second->linked_files);
  CHECK(sealed > 2);
  BackupOptions keep = backup_options(scene.run());
  keep.keep = 1;
  const auto third = back_up(keep);
  REQUIRE(third);
  CHECK(third->removed == std::vector<uint64_t>{1, 2});
  CHECK(third->removal_failure.empty());
  CHECK(*fs.list("backup") == std::vector<std::string>{"000003", "BACKUP", "LOCK"});
  REQUIRE(failure_of(restore_for(scene.run(), "third")) == "");
  CHECK(scene.equals("third"));
}

TEST_CASE("a full backup shares nothing, so that a file of the one before may rot", "[backup]") {
  BackupScene scene;
  REQUIRE(back_up_of(scene.run()));
  io::MemoryFileSystem& fs = scene.files();
  const std::vector<std::string> paths = files_below(fs, "backup/000001/streams");
  const auto seal =
      std::find_if(paths.begin(), paths.end(), [](const auto& path) { return path.ends_with(".seal"); });
  REQUIRE(seal != paths.end());
  const auto file = fs.open(seal->substr(0, seal->size() - 4) + "log", io::OpenMode::kReadWrite);
  REQUIRE(file);
  REQUIRE((*file)->write_at(70, "rot"));
  REQUIRE(back_up_of(scene.run()));
  CHECK(failure_of(restore_for(scene.run(), "linked")).find("--full") != std::string::npos);
  BackupOptions full = backup_options(scene.run());
  full.full = true;
  const auto made = back_up(full);
  REQUIRE(made);
  CHECK(made->linked_files == 0);
  CHECK(failure_of(restore_for(scene.run(), "whole")) == "");
}

TEST_CASE("a disk without links gets copies", "[backup][fault]") {
  BackupScene scene;
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  scene.files().set_hook([](const io::Operation& operation) -> std::optional<io::Fault> {
    if (operation.kind != io::OperationKind::kLink) return std::nullopt;
    return io::Fault{Error{ErrorCode::kPermission, "cannot link: not permitted"}};
  });
  const auto second = back_up_of(scene.run());
  REQUIRE(second);
  CHECK(second->linked_files == 0);
  scene.files().set_hook(nullptr);
  REQUIRE(failure_of(restore_for(scene.run(), "second")) == "");
  CHECK(scene.equals("second"));
}

TEST_CASE("what is damaged is not backed up, but named [REQ-178]", "[REQ-178][backup][damage]") {
  BackupScene scene;
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  size_t refused = 0, passed = 0;
  for (const std::string& path : files_below(start, "data")) {
    const uint64_t size = start.info(path)->size;
    for (uint64_t at = 0; at < size; at += 37 * kPlaceStep) {
      INFO("a bit of byte " << at << " of " << path << " flips");
      scene.files().copy_from(start);
      scene.files().flip(path, at, static_cast<uint8_t>(1u << at % 8));
      const auto made = back_up_of(scene.run());
      if (!made) {
        ++refused;
        REQUIRE((made.error().code == ErrorCode::kCorrupt || made.error().code == ErrorCode::kInvalidConfig));
        REQUIRE(made.error().message.find("data/") != std::string::npos);
        REQUIRE(list_snapshots_if_any(scene.files()).empty());
        continue;
      }
      // Nothing that counts: a rebuildable index, or bytes above everything that is known to be synced.
      ++passed;
      const auto restored = restore_for(scene.run(), "restored");
      INFO((restored ? std::string() : restored.error().describe()));
      REQUIRE(restored);
      if (path.find("index") != std::string::npos || path.find("CLEAN") != std::string::npos) {
        REQUIRE(scene.equals("restored"));
      }
    }
  }
  CHECK(refused > 50 / kPlaceStep);
  CHECK(passed > 5 / kPlaceStep);
  scene.files().copy_from(start);
  const std::string path = "data/streams/in/1/00000000000000000000.log";
  scene.files().flip(path, 70, 1);
  const auto made = back_up_of(scene.run());
  REQUIRE_FALSE(made);
  const std::string& message = made.error().message;
  CHECK(message.find("in/1: offset") != std::string::npos);
  CHECK(message.find("'" + path + "', bytes 0 to ") != std::string::npos);
  CHECK(message.find("checksum") != std::string::npos);
  CHECK(message.find("log repair") != std::string::npos);
}

TEST_CASE("a file that is missing for good is damage, and nothing to wait for", "[backup][damage]") {
  BackupScene scene;
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  size_t refused = 0;
  for (const std::string& path : files_below(start, "data")) {
    INFO(path << " is missing");
    scene.files().copy_from(start);
    REQUIRE(scene.files().remove(path));
    const auto made = back_up_of(scene.run());
    if (made) continue;
    ++refused;
    INFO(made.error().describe());
    CHECK_FALSE(made.error().retryable);
    CHECK(made.error().code != ErrorCode::kUnavailable);
    CHECK(made.error().message.find("data") != std::string::npos);
  }
  CHECK(refused > 8);
}

TEST_CASE("a segment that is missing is named by its offsets", "[backup][damage]") {
  BackupScene scene;
  const std::string folder = "data/streams/in/1";
  const std::vector<int64_t> bases = *list_segments(scene.files(), folder);
  REQUIRE(bases.size() > 3);
  REQUIRE(scene.files().remove(segment_path(folder, bases[1], "log")));
  const auto made = back_up_of(scene.run());
  REQUIRE_FALSE(made);
  CHECK(made.error().code == ErrorCode::kCorrupt);
  CHECK(made.error().message.find("in/1: offsets " + std::to_string(bases[1]) + " to " +
                                  std::to_string(bases[2] - 1)) != std::string::npos);
  CHECK(made.error().message.find("a segment is missing") != std::string::npos);
}

TEST_CASE("an encrypted directory is backed up without a key, and says which one a restore needs", "[backup]") {
  BackupScene scene(true);
  const auto made = back_up_of(scene.run(), false);
  REQUIRE(made);
  REQUIRE(made->manifest.keys.size() == 1);
  const std::string id = made->manifest.keys.begin()->first;
  CHECK(made->manifest.keys.begin()->second > 3);
  RestoreOptions without = restore_options(scene.run(), "restored");
  without.log.keys = nullptr;
  const auto refused = restore(without);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::kInvalidConfig);
  CHECK(refused.error().message.find(id) != std::string::npos);
  CHECK_FALSE(scene.files().info("restored"));
  REQUIRE(failure_of(restore_for(scene.run(), "restored")) == "");
  CHECK(scene.equals("restored"));
}

TEST_CASE("a backup goes only where backups of the same directory are, or nothing", "[backup]") {
  BackupScene scene;
  io::MemoryFileSystem& fs = scene.files();
  const auto refusal = [&](const std::string& folder) {
    BackupOptions options = backup_options(scene.run());
    options.folder = folder;
    const auto made = back_up(options);
    REQUIRE_FALSE(made);
    return made.error().message;
  };
  REQUIRE(fs.make_directories("mine"));
  REQUIRE(io::write_file_atomically(fs, "mine/letter", "dear"));
  CHECK(refusal("mine").find("it has no file BACKUP, and holds 'letter'") != std::string::npos);
  CHECK(*fs.list("mine") == std::vector<std::string>{"letter"});
  CHECK(refusal("data/backup").find("lies in the data directory") != std::string::npos);
  CHECK(refusal("data").find("lies in the data directory") != std::string::npos);
  REQUIRE(claim_after_making(fs, "other"));
  CHECK(refusal("other").find("holds backups of another data directory") != std::string::npos);
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  const auto lock = lock_backup_folder(fs, "backup");
  REQUIRE(lock);
  CHECK(refusal("backup").find("another backup or restore is at work") != std::string::npos);
  BackupOptions nowhere = backup_options(scene.run());
  nowhere.directory = "nowhere";
  CHECK(back_up(nowhere).error().code == ErrorCode::kNotFound);
}

TEST_CASE("when snapshots are thinned out, one that can't be restored does not count", "[backup]") {
  BackupScene scene;
  for (int i = 0; i < 4; ++i) REQUIRE(failure_of(back_up_of(scene.run())) == "");
  scene.files().flip("backup/000003/MANIFEST", 40, 1);
  BackupOptions options = backup_options(scene.run());
  options.keep = 3;
  const auto made = back_up(options);
  REQUIRE(made);
  CHECK(made->number == 5);
  CHECK(made->removed == std::vector<uint64_t>{1});
  CHECK(restore_for(scene.run(), "second", 2));
  const auto third = restore_for(scene.run(), "third", 3);
  REQUIRE_FALSE(third);
  CHECK(third.error().message.find("restore another snapshot: there are 000002, 000003, 000004, 000005") !=
        std::string::npos);
}

}  // namespace colloquium::log
