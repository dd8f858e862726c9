#include "log/epochs.h"

#include <algorithm>

#include "base/assert.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {
constexpr int kVersion = 1;
}

int32_t EpochTable::epoch_at(int64_t offset) const {
  ASSERT_WHY(!entries_.empty(), "a partition has an incarnation from its making on");
  const auto after = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const Entry& entry) { return entry.start <= offset; });
  return after == entries_.begin() ? -1 : std::prev(after)->epoch;
}

void EpochTable::begin(int64_t start) {
  ASSERT(start >= 0);
  const int32_t next = current() + 1;
  while (!entries_.empty() && entries_.back().start >= start) entries_.pop_back();
  entries_.push_back({next, start});
}

void EpochTable::add(const Entry& entry) {
  ASSERT(empty() || (entry.epoch > current() && entry.start > current_start()));
  entries_.push_back(entry);
}

std::string EpochTable::text() const {
  ASSERT(!entries_.empty());
  SidecarWriter writer("epochs", kVersion);
  for (const Entry& entry : entries_) {
    writer.line("epoch", {std::to_string(entry.epoch), std::to_string(entry.start)});
  }
  return writer.finish();
}

Result<EpochTable> EpochTable::read(const io::FileSystem& fs, const std::string& path) {
  TRY_ASSIGN(const Sidecar sidecar, read_sidecar(fs, path, "epochs", kVersion));
  EpochTable table;
  for (const SidecarLine& line : sidecar.lines) {
    Entry entry{};
    if (line.name != "epoch" || !line.number(0, entry.epoch) || !line.number(1, entry.start)) {
      return sidecar_damaged(path, "a line is not 'epoch NUMBER OFFSET'");
    }
    if (!table.empty() && (entry.epoch <= table.current() || entry.start <= table.current_start())) {
      return sidecar_damaged(path, "its epochs do not rise");
    }
    table.entries_.push_back(entry);
  }
  if (table.empty()) return sidecar_damaged(path, "it names no epoch");
  return table;
}

}  // namespace colloquium::log
