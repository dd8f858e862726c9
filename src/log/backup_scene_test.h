// What the tests of backups and of restores need: a data directory with several segments, and what is in it.
#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "io/path.h"
#include "log/backup.h"
#include "log/copy_files_test.h"
#include "log/layout.h"
#include "log/restore.h"
#include "log/scripted_run_test.h"
#include "log/verify.h"

namespace colloquium::log {

inline BackupOptions backup_options(ScriptedRun& run, bool with_keys = true) {
  BackupOptions options;
  options.directory = "data";
  options.folder = "backup";
  options.files = &run.files();
  options.clock = &run.clock();
  if (with_keys) options.keys = run.options().keys;
  return options;
}

// `files`: what the backup sees of them, if not the files themselves.
inline Result<BackupReport> back_up_of(ScriptedRun& run, bool with_keys = true, io::FileSystem* files = nullptr) {
  BackupOptions options = backup_options(run, with_keys);
  if (files != nullptr) options.files = files;
  return back_up(options);
}

// What went wrong; empty if nothing did.
template <class T>
std::string failure_of(const Result<T>& result) {
  return result ? std::string() : result.error().describe();
}

inline RestoreOptions restore_options(ScriptedRun& run, const std::string& directory) {
  RestoreOptions options;
  options.folder = "backup";
  options.log.directory = directory;
  options.log.files = &run.files();
  options.log.clock = &run.clock();
  options.log.random = &run.random();
  options.log.keys = run.options().keys;
  return options;
}

inline Result<RestoreReport> restore_for(ScriptedRun& run, const std::string& directory,
                                         std::optional<uint64_t> number = std::nullopt) {
  RestoreOptions options = restore_options(run, directory);
  options.number = number;
  return restore(options);
}

inline std::string verify_problem(ScriptedRun& run, const std::string& directory) {
  const auto report = verify_data_directory(run.files(), directory, nullptr, run.options().keys);
  if (!report) return report.error().describe();
  return report->problems.empty() ? std::string() : report->problems.front().describe();
}

inline std::vector<Snapshot> list_snapshots_if_any(const io::FileSystem& fs) {
  auto snapshots = list_snapshots(fs, "backup");
  return snapshots ? *snapshots : std::vector<Snapshot>();
}

inline Status claim_after_making(io::FileSystem& fs, const std::string& folder) {
  TRY(fs.make_directories(folder));
  return claim_backup_folder(fs, folder, "otherone");
}

// A data directory as a power loss left it, with several finished segments.
class BackupScene {
 public:
  explicit BackupScene(bool encrypted = false, int steps = 20) : run_(4) {
    run_.options().segment_bytes = 900;
    if (encrypted) run_.encrypt();
    run_.retain();
    run_.run(steps);
    REQUIRE(run_.failures().empty());
    run_.end(End::kPowerLoss);
    remember();
  }

  ScriptedRun& run() { return run_; }
  io::MemoryFileSystem& files() { return run_.files(); }

  // More is written, and the power goes again.
  void go_on() {
    REQUIRE(run_.open());
    run_.run(11);
    REQUIRE(run_.failures().empty());
    run_.end(End::kPowerLoss);
    remember();
  }

  // As the process ends that does a backup or a restore.
  void stop(End how) {
    if (how == End::kKilled) {
      files().kill();
    } else {
      files().crash(how == End::kSomeSectors ? &chance_ : nullptr);
    }
  }

  template <class Work>
  uint64_t operations_of(const Work& work) {
    const uint64_t before = files().operations();
    work();
    return files().operations() - before;
  }

  // Whether a copy of the directory opens, is clean and holds the same.
  bool equals(const std::string& directory) {
    const std::string problem = verify_problem(run_, directory);
    UNSCOPED_INFO(problem);
    return problem.empty() && contents(directory) == contents_;
  }

 private:
  using Contents = std::map<std::string, contract::Found>;

  void remember() {
    io::MemoryFileSystem before;
    before.copy_from(files());
    contents_ = contents("data");
    REQUIRE(contents_.at("in/0").size() > 3);
    REQUIRE(contents_.at("in/1").size() > 30);
    REQUIRE(contents_.at("out/0").size() > 3);
    files().copy_from(before);
  }

  Contents contents(const std::string& directory) {
    LogOptions options = run_.options();
    options.directory = directory;
    options.files = &files();
    options.executor = &run_.executor();
    options.clock = &run_.clock();
    options.random = &run_.random();
    auto log = SegmentLog::open(options);
    UNSCOPED_INFO((log ? std::string() : log.error().describe()));
    REQUIRE(log);
    Contents all;
    for (const auto& [name, partitions] : {std::pair<std::string, int32_t>{"in", 2}, {"out", 1}}) {
      const StreamId stream = *(*log)->open_stream({name, partitions});
      for (int32_t i = 0; i < partitions; ++i) {
        all[name + "/" + std::to_string(i)] = contract::read_all(**log, stream, i);
      }
    }
    for (const char* leg : {"p/even", "p/odd", "p/leg"}) {
      const auto state = (*log)->leg_state(leg);
      std::string text = state ? state->sink_token : "none";
      if (state && !state->positions.empty()) text += " at " + std::to_string(state->positions[0].next_offset);
      all[leg] = {{0, text}};
    }
    log->reset();
    run_.settle();
    return all;
  }

  ScriptedRun run_;
  SeededRandom chance_{99};
  Contents contents_;
};

}  // namespace colloquium::log
