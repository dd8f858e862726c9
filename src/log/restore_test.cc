// A restore gives the directory that was backed up, or none that opens: stopped at any operation it is begun
// again, and of a damaged backup it takes nothing.
#include "log/restore.h"

#include <catch2/catch.hpp>

#include "log/backup_scene_test.h"
#include "log/data_directory.h"

namespace colloquium::log {
namespace {

// What opening it says; nothing if it opens.
std::optional<ErrorCode> refusal_of(BackupScene& scene, const std::string& directory) {
  LogOptions options = scene.run().options();
  options.directory = directory;
  options.files = &scene.files();
  options.executor = &scene.run().executor();
  options.clock = &scene.run().clock();
  options.random = &scene.run().random();
  const auto log = SegmentLog::open(options);
  if (log) return std::nullopt;
  return log.error().code;
}

PartitionInfo inspect(ScriptedRun& run, const std::string& directory, const RestoreReport::Partition& partition) {
  const auto streams = list_data_directory(run.files(), directory);
  REQUIRE(streams);
  for (const StreamInfo& stream : *streams) {
    if (stream.name == partition.stream) return stream.partitions.at(static_cast<size_t>(partition.number));
  }
  FAIL("no stream " << partition.stream);
  return {};
}

void append_one(ScriptedRun& run, const std::string& directory) {
  LogOptions options = run.options();
  options.directory = directory;
  options.files = &run.files();
  options.executor = &run.executor();
  options.clock = &run.clock();
  options.random = &run.random();
  const auto log = SegmentLog::open(options);
  REQUIRE(log);
  const StreamId stream = *(*log)->open_stream({"in", 2});
  const int64_t next = (*log)->stream_info(stream)->partitions[0].next_offset;
  const auto placed =
      contract::append(**log, run.executor(), stream, 0, contract::encoded(contract::values({"1"})));
  REQUIRE(placed);
  CHECK(placed->first_offset >= next);
  REQUIRE((*log)->close());
}

}  // namespace

TEST_CASE("a restore stopped at any operation is begun again, and nothing opens what it left [REQ-178]",
          "[REQ-178][backup][crash]") {
  const End how = GENERATE(End::kPowerLoss, End::kSomeSectors, End::kKilled);
  BackupScene scene(how == End::kKilled);
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  const std::string backup = all_bytes(start, "backup");
  const uint64_t operations =
      scene.operations_of([&] { REQUIRE(failure_of(restore_for(scene.run(), "restored")) == ""); });
  REQUIRE(operations > 100);
  size_t refused = 0;
  for (uint64_t stop = operations % kPlaceStep; stop <= operations; stop += kPlaceStep) {
    INFO("stopped at operation " << stop << " of " << operations);
    io::MemoryFileSystem& fs = scene.files();
    fs.copy_from(start);
    fs.halt_at(fs.operations() + stop);
    const bool told = restore_for(scene.run(), "restored").has_value();
    scene.stop(how);
    REQUIRE((all_bytes(fs, "backup") == backup));
    const auto found = list_data_directory(fs, "restored");
    if (fs.info(restoring_path("restored"))) {
      REQUIRE_FALSE(told);
      ++refused;
      const auto code = refusal_of(scene, "restored");
      REQUIRE(code);
      REQUIRE(*code == ErrorCode::kConflict);
      REQUIRE(found.error().message.find("was interrupted; 'colloquium log restore'") != std::string::npos);
      const auto verified = verify_data_directory(fs, "restored", nullptr);
      REQUIRE((!verified || !verified->unfinished.empty()));
      // Else it is the log itself that refuses.
      if (!fs.info(format_path("restored"))) {
        const auto lock = lock_data_directory(fs, "restored", "");
        REQUIRE(lock.error().message.find("was interrupted") != std::string::npos);
      }
    }
    if (!found) {
      REQUIRE_FALSE(told);
      const auto again = restore_for(scene.run(), "restored");
      INFO((again ? std::string() : again.error().describe()));
      REQUIRE(again);
    }
    REQUIRE(scene.equals("restored"));
  }
  CHECK(refused > operations / kPlaceStep / 2);
}

TEST_CASE("a disk that fails or is full at any operation of a restore is told, and a second one does it [REQ-178]",
          "[REQ-178][backup][fault]") {
  const bool full = GENERATE(false, true);
  BackupScene scene;
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  const uint64_t operations =
      scene.operations_of([&] { REQUIRE(failure_of(restore_for(scene.run(), "restored")) == ""); });
  for (uint64_t at = 0; at < operations; at += kPlaceStep) {
    INFO("operation " << at << " of " << operations);
    io::MemoryFileSystem& fs = scene.files();
    fs.copy_from(start);
    fs.fail_at(fs.operations() + at, io::Fault{full ? Error{ErrorCode::kNoSpace, "injected: no space left", true}
                                                    : Error{ErrorCode::kIo, "injected I/O error"}});
    const auto made = restore_for(scene.run(), "restored");
    if (!made && list_data_directory(fs, "restored")) {
      REQUIRE(at + 1 == operations);  // the last sync: that it is no more being restored may not be durable
    } else if (!made) {
      REQUIRE(failure_of(restore_for(scene.run(), "restored")) == "");
    }
    REQUIRE(scene.equals("restored"));
  }
}

TEST_CASE("whatever bit of a backup flips, a restore refuses or gives the same [REQ-178]",
          "[REQ-178][backup][damage]") {
  BackupScene scene(false, 8);
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  io::MemoryFileSystem& fs = scene.files();
  RestoreOptions check = restore_options(scene.run(), "restored");
  check.check_only = true;
  REQUIRE(restore(check));
  size_t flips = 0, harmless = 0;
  for (const std::string& path : files_below(fs, "backup")) {
    const uint64_t size = fs.info(path)->size;
    for (uint64_t at = 0; at < size; ++at) {
      for (int bit = 0; bit < 8; bit += kPlaceStep) {
        INFO("bit " << bit << " of byte " << at << " of " << path);
        const auto mask = static_cast<uint8_t>(1u << bit);
        fs.flip(path, at, mask);
        const auto checked = restore(check);
        if (checked) ++harmless;
        if (!checked) REQUIRE(checked.error().message.find("backup/") != std::string::npos);
        if (++flips % 499 == 0) {
          const auto made = restore_for(scene.run(), "restored");
          REQUIRE(made.has_value() == checked.has_value());
          if (made) REQUIRE(scene.equals("restored"));
          REQUIRE(io::remove_tree(fs, "restored"));
        }
        fs.flip(path, at, mask);
      }
    }
  }
  CHECK(flips > 20000 / kPlaceStep);
  CHECK(harmless == 0);
  REQUIRE(failure_of(restore_for(scene.run(), "restored")) == "");
  CHECK(scene.equals("restored"));
}

TEST_CASE("a file of a backup that is missing or cut is named", "[backup][damage]") {
  BackupScene scene;
  REQUIRE(failure_of(back_up_of(scene.run())) == "");
  io::MemoryFileSystem start;
  start.copy_from(scene.files());
  for (const std::string& path : files_below(start, "backup/000001")) {
    INFO(path);
    for (const bool cut : {false, true}) {
      scene.files().copy_from(start);
      if (cut) {
        auto file = scene.files().open(path, io::OpenMode::kReadWrite);
        REQUIRE((*file)->truncate(start.info(path)->size / 2));
      } else {
        REQUIRE(scene.files().remove(path));
      }
      const auto made = restore_for(scene.run(), "restored");
      if (path.find("MANIFEST") != std::string::npos && !cut) {
        REQUIRE(made.error().message.find("there is no finished snapshot") != std::string::npos);
      } else if (start.info(path)->size > 0 || !cut) {
        REQUIRE_FALSE(made);
        REQUIRE(made.error().code == ErrorCode::kCorrupt);
        REQUIRE(made.error().message.find(path) != std::string::npos);
        REQUIRE(refusal_of(scene, "restored") == (path.find("MANIFEST") == std::string::npos
                                                      ? std::optional(ErrorCode::kConflict)
                                                      : std::optional<ErrorCode>()));
      }
    }
  }
}

TEST_CASE("a restored partition goes on where no offset was given out before, every time", "[backup]") {
  const bool encrypted = GENERATE(false, true);
  BackupScene scene(encrypted);
  ScriptedRun& run = scene.run();
  REQUIRE(failure_of(back_up_of(run)) == "");
  const auto first = restore_for(run, "first");
  REQUIRE(first);
  REQUIRE(first->partitions.size() == 3);
  for (const RestoreReport::Partition& partition : first->partitions) {
    CHECK(partition.next_offset == run.clock().wall_ms() * 1000);
    CHECK(partition.end_offset < 1000);
    const PartitionInfo info = inspect(run, "first", partition);
    CHECK(info.next_offset == partition.next_offset);
    CHECK(info.next_offset - info.trailing_gap == partition.end_offset);
  }
  run.clock().advance_ms(1);
  const auto second = restore_for(run, "second");
  REQUIRE(second);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(second->partitions[i].next_offset > first->partitions[i].next_offset);
    CHECK(second->partitions[i].end_offset == first->partitions[i].end_offset);
  }
  // What was restored is backed up and restored in its turn, before and after something was written.
  for (const bool written : {false, true}) {
    if (written) append_one(run, "second");
    BackupOptions options = backup_options(run);
    options.directory = "second";
    const auto made = back_up(options);
    INFO((made ? std::string() : made.error().describe()));
    REQUIRE(made);
    run.clock().advance_ms(1000);
    const std::string target = written ? "fourth" : "third";
    const auto again = restore_for(run, target);
    INFO((again ? std::string() : again.error().describe()));
    REQUIRE(again);
    CHECK(verify_problem(run, target) == "");
    CHECK(scene.equals(target) == !written);
    CHECK(again->partitions[0].next_offset > second->partitions[0].next_offset);
  }
}

TEST_CASE("a clock that was put back gives no offset out again", "[backup]") {
  BackupScene scene;
  ScriptedRun& run = scene.run();
  REQUIRE(failure_of(back_up_of(run)) == "");
  const auto first = restore_for(run, "first");
  REQUIRE(first);
  append_one(run, "first");
  BackupOptions options = backup_options(run);
  options.directory = "first";
  REQUIRE(failure_of(back_up(options)) == "");
  run.clock().advance_ms(-3'600'000);
  const auto second = restore_for(run, "second");
  REQUIRE(second);
  CHECK(second->partitions[0].next_offset > first->partitions[0].next_offset + 1'000'000);
}

TEST_CASE("a restore wants a folder that is empty or not there, and a snapshot that is finished", "[backup]") {
  BackupScene scene;
  ScriptedRun& run = scene.run();
  io::MemoryFileSystem& fs = scene.files();
  CHECK(restore_for(run, "restored").error().message.find("there are no backups in 'backup'") !=
        std::string::npos);
  REQUIRE(failure_of(back_up_of(run)) == "");
  const std::string before = all_bytes(fs, "data");
  CHECK(restore_for(run, "data").error().message.find("cannot restore into 'data': it holds 'FORMAT'") !=
        std::string::npos);
  CHECK((all_bytes(fs, "data") == before));
  CHECK(restore_for(run, "backup/data").error().message.find("lies in the folder of the backups") !=
        std::string::npos);
  CHECK(restore_for(run, "restored", 7)
            .error()
            .message.find("there is no finished snapshot 000007 in 'backup'; "
                          "there are 000001") != std::string::npos);
  CHECK_FALSE(fs.info("restored"));
  REQUIRE(fs.make_directories("restored"));
  {
    const auto held = fs.lock("restored/LOCK");
    REQUIRE(held);
    CHECK(restore_for(run, "restored").error().code == ErrorCode::kConflict);
  }
  CHECK(restore_for(run, "restored"));
  CHECK(scene.equals("restored"));
}

}  // namespace colloquium::log
