// Repairing a data directory: what a start would mend by itself, side files that can be made again, and, only if
// that is asked for, going on without events that are lost.
//
// Everything is surveyed before anything is changed. Damage above what was synced was left by a crash and is cut
// off. Damage below it is a loss: then nothing is changed, unless `accept_loss`; with it the damaged segments go
// to <directory>/quarantine, what is intact of them stays readable, and the missing offsets are recorded as a gap
// (log/gaps.h). A repair that is interrupted is finished by the next one, and no log opens the directory before.
//
// Thread safety: functions. The caller holds the directory's lock.
#pragma once

#include <string>
#include <vector>

#include "colloquium/result.h"

#include "log/segment_log.h"
#include "log/survey.h"

namespace colloquium::log {

struct RepairOptions {
  bool dry_run = false;
  bool accept_loss = false;
};

struct RepairReport {
  std::vector<std::string> hopeless;      // what no repair can mend; nothing was changed
  std::vector<LostRange> lost;            // what is lost; nothing was changed unless that is accepted
  std::vector<std::string> consequences;  // of the loss, for legs and commits
  std::vector<std::string> actions;       // done, or with dry_run what would be

  bool refused = false;  // nothing was changed because of `hopeless` or `lost`
};

// `log`: the directory, its files, clock and random numbers, as for opening it. A failure is an I/O error or a
// directory that is none of ours.
Result<RepairReport> repair_data_directory(const LogOptions& log, const RepairOptions& options);

}  // namespace colloquium::log
