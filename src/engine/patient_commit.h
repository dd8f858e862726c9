// PatientCommit: a commit that a full disk, or no descriptor for the files of the log, delays and does not end.
// One at a time.
//
// Thread safety: loop only. May be destroyed while a commit is under way: nothing is told any more then.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "colloquium/function.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "base/liveness.h"
#include "log/log.h"

namespace colloquium::engine {

class PatientCommit {
 public:
  // `who` is named when it has to wait. The log and the loop outlive it.
  PatientCommit(log::Log& log, Loop& loop, std::string who) : log_(log), loop_(loop), who_(std::move(who)) {}

  // `done` runs on the loop: the commit is there, or the log refuses it for another reason than want of room.
  void commit(log::CommitRequest request, UniqueFunction<void(Status)> done);

 private:
  void send();
  void answered(Status status);

  log::Log& log_;
  Loop& loop_;
  const std::string who_;
  std::optional<log::CommitRequest> request_;  // under way
  UniqueFunction<void(Status)> done_;
  std::unique_ptr<Timer> timer_;
  bool waits_ = false;
  Liveness alive_;
};

}  // namespace colloquium::engine
