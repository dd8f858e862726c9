// LegCommits: when a leg commits what it has done: some time after something was done, or once that is so many
// bytes, one commit at a time. What a commit says is the leg's matter; it begins one when it is told that one is
// due.
//
// Thread safety: loop only. May be destroyed while a commit is at the log: nothing is told any more then.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>

#include "colloquium/function.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "engine/leg.h"
#include "log/patient_commit.h"

namespace colloquium::engine {

class LegCommits {
 public:
  using Done = log::PatientCommit::Done;

  // `due`: begin() a commit; may be called inside of done() and go_on(). `waiting`: a commit found no room.
  // Everything given outlives it.
  LegCommits(const LegOptions& options, const LegLetters& kept, Loop& loop, std::function<void()> due,
             std::function<void(const Error&)> waiting);

  // Something more is done. Without a log nothing is ever due.
  void done(size_t bytes);
  // A commit has ended, and its end is dealt with: what was done meanwhile has its turn.
  void go_on() {
    if (dirty_) done(0);
  }

  bool dirty() const { return dirty_; }  // something is done and in no commit
  // Of that, together with what waits in `kept`: more than one commit is to hold.
  bool is_full() const;
  bool are_letters_full() const { return under_way_ && kept_.byte_size() > kLetterBytes; }

  // From here on one is under way, until it is stored or given up.
  void begin();
  bool under_way() const { return under_way_; }
  // All that is done is in its request.
  void collected();
  void store(log::CommitRequest request, Done stored);
  void give_up() { under_way_ = false; }

  // Nothing is due any more.
  void stop();
  // Nor does a commit wait for room on the disk.
  void give_up_waiting();
  bool waits_for_room() const { return commit_ && commit_->waits(); }

 private:
  const LegOptions& options_;
  const LegLetters& kept_;
  Loop& loop_;
  const std::function<void()> due_;
  std::optional<log::PatientCommit> commit_;  // nothing without a log
  std::unique_ptr<Timer> timer_;              // while something is done and its commit not yet due
  size_t bytes_ = 0;
  bool dirty_ = false;
  bool under_way_ = false;
  bool stopped_ = false;
};

}  // namespace colloquium::engine
