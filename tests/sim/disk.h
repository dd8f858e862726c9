// Disk: the simulated file system of one machine, with a plan of what goes wrong on it, and a watch over what is
// written: rules of the log that can only be seen there.
//
//   - An incarnation and an offset name bytes that are written once (encryption will make its nonce of them).
//   - A failed sync, of a file or a folder, is never repeated, and nothing is acknowledged as durable behind it.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "base/manual_clock.h"
#include "io/memory_file_system.h"

namespace colloquium::sim {

// "write segment", "sync journal": what an operation does, for the tables.
std::string operation_name(io::OperationKind kind, const std::string& path);

// A failure that comes with some of what was asked for done, or none; ENOSPC likewise; a read that gives something
// else.
io::Fault io_error(SeededRandom& chance);
io::Fault no_space(SeededRandom& chance);
io::Fault wrong_read(SeededRandom& chance);

// At most one of each; indexes count as MemoryFileSystem's do.
struct FaultPlan {
  static constexpr uint64_t kNever = ~uint64_t{0};
  uint64_t halt_at = kNever;  // nothing happens from this operation on
  uint64_t fail_at = kNever;  // this one fails
  io::Fault fault;
  uint64_t read_fault_after = kNever;  // the read behind so many from now on
  io::Fault read_fault;
};

class Disk {
 public:
  Disk();
  explicit Disk(const Disk& other);  // its files, and nothing else
  Disk& operator=(const Disk&) = delete;

  io::MemoryFileSystem& files() { return files_; }
  const io::MemoryFileSystem& files() const { return files_; }

  // Asked which thread an operation is of.
  void set_who(std::function<std::string()> who) { who_ = std::move(who); }
  void arm(const FaultPlan& plan);
  // Nothing more happens, from now on.
  void halt();
  void crash(Random* chance);
  void kill();

  bool halted() const { return !halted_before_.empty(); }
  const std::string& halted_before() const { return halted_before_; }  // the operation's name
  // What failed or read wrong, since arm(); empty: nothing did.
  const std::string& faulted() const { return faulted_; }
  // Whatever fails now has no reason but a disk that is full, and that ends nothing.
  bool undisturbed() const { return faulted_.empty() && !halted(); }
  const std::string& faulted_path() const { return faulted_path_; }
  // In this life; but for those of the log's upkeep, as of compaction: that has a thread of its own, and what it
  // meets is the log's end a little later than its own.
  bool sync_failed() const { return sync_failed_; }
  bool lost_dirty() const { return lost_dirty_; }
  // The first rule that was broken.
  const std::string& problem() const { return problem_; }
  uint64_t used_bytes() const;

 private:
  std::optional<io::Fault> on(const io::Operation& operation);
  void watch_write(const io::Operation& operation);
  void begin_life();

  io::MemoryFileSystem files_;
  FaultPlan plan_;
  std::string halted_before_;
  std::string faulted_, faulted_path_;
  bool lost_dirty_ = false;
  std::set<std::string> failed_syncs_;
  bool sync_failed_ = false;
  std::function<std::string()> who_;
  // Folder, incarnation and offset of every batch ever written, and its checksum.
  std::map<std::tuple<std::string, int32_t, int64_t>, uint32_t> written_;
  std::string problem_;
};

}  // namespace colloquium::sim
