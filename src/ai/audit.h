// AuditTrail: who asked which model for what, when, and what came of it: a record for each call's end in the
// stream `<records>.audit`, which has a retention of its own. Never a key; texts only if they are wanted, and then
// as they left: redacted.
//
//   {"at":…,"call":"…","who":"triage","event":"…","tenant":"…","provider":"…","model":"…","key":"team","outcome":"answer",
//    "failure":"","status":0,"input":31,"output":12,"cost":420,"estimated":false,"question":"91…","answer":"0a…",
//    "asked":[{"role":"user","text":"…"}],"answered":"…"}
//
// Audit records are written, not waited for, all of a turn of the loop together at its end: where the log has no
// room, they are left out and counted.
//
// Ownership: log, loop and clock outlive it. Thread safety: loop only; the counter may be read on any thread.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/ai_calls.h"
#include "colloquium/clock.h"
#include "colloquium/loop.h"
#include "colloquium/result.h"

#include "ai/call_record.h"
#include "ai/call_settings.h"
#include "base/counters.h"
#include "base/liveness.h"
#include "log/log.h"

namespace colloquium::ai {

class AuditTrail {
 public:
  static Result<std::unique_ptr<AuditTrail>> create(const std::string& records, const AuditSettings& settings,
                                                    log::Log& log, Loop& loop, const Clock& clock);

  // REQUIRES: an end or a reuse.
  void add(const CallRecord& record, const AiQuestion& question);
  uint64_t left_out() const { return left_out_->value(); }

 private:
  AuditTrail(const AuditSettings& settings, log::Log& log, log::StreamId stream, Loop& loop, const Clock& clock);
  void write();

  const AuditSettings settings_;
  log::Log& log_;
  const log::StreamId stream_;
  Loop& loop_;
  const Clock& clock_;
  std::vector<std::string> waiting_;  // for the end of the loop's turn
  size_t waiting_bytes_ = 0;
  const std::shared_ptr<Counter> left_out_;  // known to appends that are under way
  Liveness alive_;
};

}  // namespace colloquium::ai
