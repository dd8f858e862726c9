// RecordedCosts: what the calls of a data directory's pipelines have cost, whoever writes to it meanwhile: the
// sums that the leg `<records>/@ai` has stored, and the records of `<records>.calls` that came behind them.
//
// What is certainly on disk is seen, which is a second late on a quiet stream. So the end of a call may be counted
// and not seen yet; then the call is among those without an end, too, until that second has passed or, after a
// kill, the next start.
//
// Thread safety: functions and values. Memory: that of the sums, and of the calls without an end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "ai/ledger.h"
#include "base/money.h"
#include "io/file_system.h"
#include "log/key_ring.h"

namespace colloquium::ai {

struct RecordedCosts {
  std::string records;  // "<pipeline>"; of a replay of it "<pipeline>.replay-<generation>"
  Ledger ledger;
  // Calls without an end, and what is reserved for them. They are under way; or their process has ended, and the
  // next one will count them as unknown.
  int64_t open_calls = 0;
  NanoUsd open_reserved;
};

// By name; only those of `pipeline` and of its replays, if one is named. kNotFound if there is no such directory,
// kPermission where it is encrypted and no key opens it, kCorrupt for records that cannot be read.
Result<std::vector<RecordedCosts>> read_costs(io::FileSystem& fs, const std::string& directory,
                                              const std::optional<std::string>& pipeline,
                                              const std::shared_ptr<const log::KeyRing>& keys);

}  // namespace colloquium::ai
