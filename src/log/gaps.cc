#include "log/gaps.h"

#include <algorithm>

#include "base/assert.h"
#include "log/sidecar.h"

namespace colloquium::log {
namespace {
constexpr int kVersion = 1;
}

const GapTable::Gap* GapTable::behind(int64_t offset) const {
  const auto found =
      std::partition_point(gaps_.begin(), gaps_.end(), [&](const Gap& g) { return g.from <= offset; });
  ASSERT(found == gaps_.end() || found->from > offset);
  return found == gaps_.end() ? nullptr : &*found;
}

const GapTable::Gap* GapTable::at(int64_t offset) const {
  const auto found =
      std::partition_point(gaps_.begin(), gaps_.end(), [&](const Gap& g) { return g.below <= offset; });
  ASSERT(found == gaps_.end() || found->below > offset);
  return found == gaps_.end() || found->from > offset ? nullptr : &*found;
}

int64_t GapTable::skip(int64_t offset) const {
  const Gap* gap = at(offset);
  ASSERT(gap == nullptr || gap->below > offset);
  return gap == nullptr ? offset : gap->below;
}

void GapTable::add(int64_t from, int64_t below) {
  ASSERT(from >= 0 && from < below);
  std::vector<Gap> kept;
  for (const Gap& gap : gaps_) {
    if (gap.below < from || gap.from > below) {
      kept.push_back(gap);
      continue;
    }
    from = std::min(from, gap.from);
    below = std::max(below, gap.below);
  }
  kept.push_back({from, below});
  std::sort(kept.begin(), kept.end(), [](const Gap& a, const Gap& b) { return a.from < b.from; });
  gaps_ = std::move(kept);
}

std::string GapTable::text() const {
  ASSERT_WHY(!gaps_.empty(), "a partition without gaps needs no such file");
  SidecarWriter writer("gaps", kVersion);
  for (const Gap& gap : gaps_) writer.line("gap", {std::to_string(gap.from), std::to_string(gap.below)});
  return writer.finish();
}

Result<GapTable> GapTable::read(const io::FileSystem& fs, const std::string& path) {
  const auto sidecar = read_sidecar(fs, path, "gaps", kVersion);
  if (!sidecar && sidecar.error().code == ErrorCode::kNotFound) return GapTable();
  if (!sidecar) return fail(sidecar.error());
  GapTable table;
  for (const SidecarLine& line : sidecar->lines) {
    Gap gap{};
    const int64_t end = table.empty() ? -1 : table.gaps_.back().below;
    if (line.name != "gap" || !line.number(0, gap.from) || !line.number(1, gap.below)) {
      return sidecar_damaged(path, "a line is not 'gap FROM BELOW'");
    }
    if (gap.from < 0 || gap.from <= end || gap.from >= gap.below)
      return sidecar_damaged(path, "its gaps do not rise");
    table.gaps_.push_back(gap);
  }
  if (table.empty()) return sidecar_damaged(path, "it names no gap");
  return table;
}

}  // namespace colloquium::log
