#include "tests/sim/disk.h"

#include <string_view>

#include "io/path.h"
#include "log/record_batch.h"

namespace colloquium::sim {
namespace {

std::string_view verb(io::OperationKind kind) {
  switch (kind) {
    case io::OperationKind::kOpen:
      return "create";
    case io::OperationKind::kWrite:
      return "write";
    case io::OperationKind::kSync:
      return "sync";
    case io::OperationKind::kTruncate:
      return "truncate";
    case io::OperationKind::kRename:
      return "rename";
    case io::OperationKind::kLink:
      return "link";
    case io::OperationKind::kRemove:
      return "remove";
    case io::OperationKind::kMakeDirectory:
      return "make";
    case io::OperationKind::kSyncDirectory:
      return "sync";
    case io::OperationKind::kRead:
      return "read";
  }
  return "?";
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_of_sink(std::string_view path) {
  return path == "/out" || path.starts_with("/out/");
}

std::string_view what_file(std::string_view path) {
  if (path.ends_with(".log")) return contains(path, "journal/") ? "journal" : "segment";
  if (path.ends_with(".torn")) return "torn bytes";
  if (contains(path, ".ndjson")) return "sink's file";
  for (const std::string_view kind :
       {"epochs", ".seal", ".timeindex", ".index", "meta", "CLEAN", "FORMAT", "LOCK"}) {
    if (contains(path, kind)) return kind[0] == '.' ? kind.substr(1) : kind;
  }
  return "folder";
}

}  // namespace

io::Fault io_error(SeededRandom& chance) {
  io::Fault fault{Error{ErrorCode::kIo, "injected I/O error"}};
  fault.written_bytes = chance.below(2) == 0 ? 0 : chance.below(300);
  fault.loses_dirty = chance.below(2) == 0;
  return fault;
}

io::Fault no_space(SeededRandom& chance) {
  io::Fault fault{Error{ErrorCode::kNoSpace, "injected: no space left", true}};
  fault.written_bytes = chance.below(300);
  return fault;
}

io::Fault wrong_read(SeededRandom& chance) {
  io::Fault fault{Error{ErrorCode::kIo, "injected read error"}};
  fault.misread = static_cast<io::Misread>(chance.below(4));
  fault.where = chance.next() % 20000;
  return fault;
}

std::string operation_name(io::OperationKind kind, const std::string& path) {
  const bool folder = kind == io::OperationKind::kMakeDirectory || kind == io::OperationKind::kSyncDirectory;
  return std::string(verb(kind)) + " " + std::string(folder ? "folder" : what_file(path));
}

Disk::Disk() {
  begin_life();
}

Disk::Disk(const Disk& other) {
  files_.copy_from(other.files_);
  begin_life();
}

void Disk::begin_life() {
  plan_ = {};
  failed_syncs_.clear();
  sync_failed_ = false;
  files_.set_hook([this](const io::Operation& operation) { return on(operation); });
}

void Disk::arm(const FaultPlan& plan) {
  plan_ = plan;
  halted_before_.clear();
  faulted_.clear();
  faulted_path_.clear();
  lost_dirty_ = false;
}

void Disk::halt() {
  plan_.halt_at = 0;
}

void Disk::crash(Random* chance) {
  files_.crash(chance);
  begin_life();
}

void Disk::kill() {
  files_.kill();
  begin_life();
}

uint64_t Disk::used_bytes() const {
  return *files_.total_bytes("/") - *files_.free_bytes("/");
}

std::optional<io::Fault> Disk::on(const io::Operation& operation) {
  const bool read = operation.kind == io::OperationKind::kRead;
  // A read bears the index of what comes next, which has not been tried yet.
  if (operation.index >= plan_.halt_at && (!read || halted() || plan_.halt_at == 0)) {
    if (halted_before_.empty() && !read) halted_before_ = operation_name(operation.kind, operation.path);
    return io::Fault{Error{ErrorCode::kIo, "the simulated process has died"}};
  }
  const bool segment = operation.path.ends_with(".log");
  // What fails on a sink's disk is that sink's; another one that writes to the same folder has its own say.
  const bool sync = !is_of_sink(operation.path) && (operation.kind == io::OperationKind::kSync ||
                                                    operation.kind == io::OperationKind::kSyncDirectory);
  if (sync && failed_syncs_.count(operation.path) != 0) {
    problem_ = "a failed sync of '" + operation.path + "' is repeated";
  }
  const bool due = read ? plan_.read_fault_after != FaultPlan::kNever && plan_.read_fault_after-- == 0
                        : operation.index == plan_.fail_at;
  if (due) {
    if (read) plan_.read_fault_after = FaultPlan::kNever;
    const io::Fault& fault = read ? plan_.read_fault : plan_.fault;
    faulted_ = operation_name(operation.kind, operation.path);
    faulted_path_ = operation.path;
    lost_dirty_ = lost_dirty_ || (operation.kind == io::OperationKind::kSync && fault.loses_dirty);
    if (sync) {
      failed_syncs_.insert(operation.path);
      sync_failed_ = sync_failed_ || !who_ || who_() != "log-upkeep";
    }
    if (segment && operation.kind == io::OperationKind::kWrite && fault.written_bytes > 0) watch_write(operation);
    return fault;
  }
  if (segment && operation.kind == io::OperationKind::kWrite) watch_write(operation);
  return std::nullopt;
}

// Batches come whole, each beginning with a piece of its own.
void Disk::watch_write(const io::Operation& operation) {
  const std::string folder = io::parent_of(operation.path);
  uint64_t left = 0;  // of the batch under way
  for (const std::string_view piece : operation.pieces) {
    if (left == 0) {
      if (piece.size() < log::kHeaderBytes) {
        problem_ = "something that is no batch is written to '" + operation.path + "'";
        return;
      }
      const log::BatchHeader header = log::get_header(piece);
      const auto [at, fresh] = written_.try_emplace({folder, header.epoch, header.base_offset}, header.crc);
      if (!fresh && at->second != header.crc) {
        problem_ = "incarnation " + std::to_string(header.epoch) + " writes offset " +
                   std::to_string(header.base_offset) + " of '" + folder + "' a second time, with other bytes";
      }
      left = header.total_bytes();
    }
    if (piece.size() > left) {
      problem_ = "a batch of '" + operation.path + "' is longer than its header says";
      return;
    }
    left -= piece.size();
  }
}

}  // namespace colloquium::sim
