// PatientCommit: a commit that a full disk, or no descriptor for the files of the log, delays and does not end.
// One at a time.
//
// Thread safety: loop only. May be destroyed while a commit is under way: nothing is told any more then.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "colloquium/function.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "base/liveness.h"
#include "log/log.h"

namespace colloquium::log {

class PatientCommit {
 public:
  using Done = UniqueFunction<void(Status, CommitRequest)>;

  // `who` is named in the log of the process when a commit has to wait, `waiting` told each time that it found no
  // room. The log and the loop outlive this.
  PatientCommit(Log& log, Loop& loop, std::string who, std::function<void(const Error&)> waiting = nullptr)
      : log_(log), loop_(loop), who_(std::move(who)), waiting_(std::move(waiting)) {}

  // `done` gets the request back, on the loop: the commit is there, or the log refuses it for another reason than
  // want of room.
  void commit(CommitRequest request, Done done);

  // From here on, want of room ends a commit too, with that error; one that waits for room ends at once.
  void give_up_waiting();

  bool waits() const { return waits_; }

 private:
  void send();
  void answered(Status status);
  void end(Status status);

  Log& log_;
  Loop& loop_;
  const std::string who_;
  const std::function<void(const Error&)> waiting_;
  std::optional<CommitRequest> request_;  // under way
  Done done_;
  std::unique_ptr<Timer> timer_;  // while no try of it is at the log
  bool patient_ = true;
  bool waits_ = false;
  Liveness alive_;
};

}  // namespace colloquium::log
