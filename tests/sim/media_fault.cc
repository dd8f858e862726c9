#include <algorithm>

#include "io/path.h"
#include "log/epochs.h"
#include "log/layout.h"
#include "log/record_batch.h"
#include "tests/sim/log_run.h"

namespace colloquium::sim {
namespace {

constexpr size_t kWhole = size_t{1} << 30;

// The highest sync mark that is still whole, looked for at every byte; −1: none.
int64_t last_mark_of(std::string_view bytes) {
  int64_t last = -1;
  for (size_t at = 0; at + log::kSyncMarkBytes <= bytes.size(); ++at) {
    if (bytes[at + 16] != 2) continue;
    const auto mark = log::get_sync_mark(bytes.substr(at, log::kSyncMarkBytes));
    if (mark && mark->position == at) last = std::max(last, mark->offset);
  }
  return last;
}

// How many records of a segment stand at `offset` or behind it.
int64_t records_from(std::string_view bytes, int64_t offset) {
  int64_t count = 0;
  for (size_t at = 0; at + log::kHeaderBytes <= bytes.size();) {
    const log::BatchHeader header = log::get_header(bytes.substr(at));
    if (log::header_defect(header) != nullptr || header.total_bytes() > bytes.size() - at) break;
    if (header.base_offset >= offset) count += header.record_count;
    at += header.total_bytes();
  }
  return count;
}

}  // namespace

std::vector<std::string> MediaFault::files_below(const std::string& folder) const {
  const io::MemoryFileSystem& fs = run_.machine_.disk.files();
  std::vector<std::string> found;
  const auto names = fs.list(folder);
  if (!names) return found;
  for (const std::string& name : *names) {
    const std::string path = io::join(folder, name);
    const auto info = fs.info(path);
    if (info->is_directory) {
      const std::vector<std::string> inside = files_below(path);
      found.insert(found.end(), inside.begin(), inside.end());
    } else if (info->size > 0 && !path.ends_with(".torn") && !path.ends_with(".tmp") && !path.ends_with("LOCK")) {
      found.push_back(path);
    }
  }
  return found;
}

// What may be missing if this file is damaged, or read wrongly: what no sync mark is left for.
Allowance MediaFault::allowance_of(const std::string& path, const io::MemoryFileSystem& damaged) const {
  Allowance allowance;
  const bool segment = path.ends_with(".log");
  if (!segment && !path.ends_with(".seal")) return allowance;
  const io::MemoryFileSystem& fs = run_.machine_.disk.files();
  const std::string folder = io::parent_of(path);
  const int64_t mark = last_mark_of(*io::read_file(damaged, path, kWhole));
  if (folder == log::journal_directory("data")) {
    allowance.journal_entries = records_from(*io::read_file(fs, path, kWhole), mark);
    return allowance;
  }
  const auto bases = log::list_segments(fs, folder);
  const auto epochs = log::EpochTable::read(fs, log::epochs_path(folder));
  const bool newest = segment && bases && path == log::segment_path(folder, bases->back(), "log");
  const bool sealed = fs.info(path.substr(0, path.size() - 3) + "seal").has_value();
  // A finished segment is never cut: it can only be found damaged when it is read.
  const int64_t from = newest && !sealed && epochs ? std::max(mark, epochs->current_start()) : INT64_MAX;
  allowance.table_hit = folder == log::partition_directory("data", Table::kName, 0);
  allowance.table_from = from;
  for (size_t stream = 0; stream < kStreams.size(); ++stream) {
    for (int32_t partition = 0; partition < run_.model_.partitions()[stream]; ++partition) {
      if (folder != log::partition_directory("data", kStreams[stream], partition)) continue;
      allowance.hit = Place{static_cast<int>(stream), partition};
      allowance.from_offset = from;
    }
  }
  return allowance;
}

std::string MediaFault::all_bytes(const Machine& machine) const {
  std::string all;
  for (const std::string& path : files_below("data")) {
    all += path + "\n" + io::read_file(machine.disk.files(), path, kWhole).value_or("(none)");
  }
  return all;
}

std::string MediaFault::choose() {
  const std::vector<std::string> files = files_below("data");
  std::vector<std::string> segments;
  for (const std::string& path : files) {
    if (path.ends_with(".log")) segments.push_back(path);
  }
  const std::vector<std::string>& from = segments.empty() || run_.chance_.below(4) == 0 ? files : segments;
  if (from.empty()) return {};
  return from[run_.chance_.below(from.size())];
}

// A flipped bit, a sector that was written elsewhere, or one that holds something else.
void MediaFault::damage(const std::string& path, io::MemoryFileSystem& files) {
  const uint64_t size = files.info(path)->size;
  const uint64_t at = run_.chance_.below(size);
  const uint64_t which = run_.chance_.below(4);
  if (which < 2) return files.flip(path, at, static_cast<uint8_t>(1u << run_.chance_.below(8)));
  const std::string whole = *io::read_file(files, path, kWhole);
  const uint64_t begin = at / 512 * 512;
  const uint64_t other = run_.chance_.below(size) / 512 * 512;
  for (uint64_t i = begin; i < std::min(begin + 512, size); ++i) {
    const char there = which == 2 ? whole[(other + i - begin) % size] : '\0';
    const auto mask = static_cast<uint8_t>(whole[i] ^ there);
    if (mask != 0) files.flip(path, i, mask);
  }
}

FaultPlan MediaFault::misread() const {
  FaultPlan plan;
  plan.read_fault_after = run_.chance_.below(40);
  plan.read_fault = io::Fault{Error{ErrorCode::kIo, "injected"}};
  plan.read_fault.misread = static_cast<io::Misread>(1 + run_.chance_.below(3));
  plan.read_fault.where = run_.chance_.next() % 20000;
  return plan;
}

// Loud, and nothing changed: without the damage everything is there.
std::string MediaFault::judge_refused(const Error& error, Machine& machine, const std::string& before) {
  ++run_.tally_.media["refused, nothing changed"];
  // What is read from a wrong place may look like a newer version of a file, which nobody is to read.
  if (error.code != ErrorCode::kCorrupt && error.code != ErrorCode::kInvalidConfig) {
    return "damage is refused as something else: " + error.describe();
  }
  // A stream that is opened behind the start may be refused alone.
  if (machine.log == nullptr && all_bytes(machine) != before)
    return "a refused start has changed files: " + error.describe();
  return run_.start();
}

std::string MediaFault::judge(const Status& opened, Machine& machine, const Allowance& allowance,
                              const std::string& before) {
  if (!opened) return judge_refused(opened.error(), machine, before);
  Model model = run_.model_;
  Table table = run_.table_;
  if (std::string wrong = run_.check(machine, model, table, allowance); !wrong.empty()) return wrong;
  if (model.excused() + table.excused() == 0) {
    const bool unreadable = model.unreadable() || table.unreadable();
    ++run_.tally_.media[unreadable ? "told when it is read" : "nothing lost"];
    return {};
  }
  ++run_.tally_.media["cut as torn above the last sync mark"];
  const bool told = !machine.log->recovery().notes.empty();
  return told ? std::string() : "what was acknowledged is cut off without a word";
}

std::string MediaFault::run() {
  run_.readers_.clear();
  if (run_.machine_.log != nullptr) {
    run_.machine_.disk.arm({});
    const bool clean = run_.chance_.below(3) == 0 && run_.machine_.log->close().has_value();
    const End how = run_.random_end();
    run_.machine_.end(how);
    if (how != End::kKilled && !clean) run_.power_lost();
  }
  ++run_.tally_.states;
  std::string path = choose();
  if (path.empty()) return {};
  Machine machine(run_.machine_, run_.seed_ + 1);
  const bool at_rest = run_.chance_.below(2) == 0;
  if (at_rest) damage(path, machine.disk.files());
  Allowance allowance = at_rest ? allowance_of(path, machine.disk.files()) : Allowance{};
  const std::string before = all_bytes(machine);
  machine.disk.arm(at_rest ? FaultPlan{} : misread());
  const Status opened = machine.open(run_.late_);
  if (!at_rest) {
    path = machine.disk.faulted_path();
    allowance = allowance_of(path, run_.machine_.disk.files());
  }
  machine.disk.arm({});
  run_.tell((at_rest ? "damage at rest in " : "a wrong read of ") + path + ": " +
            (opened ? std::string("starts") : opened.error().describe()));
  const std::string wrong = judge(opened, machine, allowance, before);
  return wrong.empty() ? wrong : (at_rest ? "damaged '" : "read wrongly '") + path + "': " + wrong;
}

}  // namespace colloquium::sim
