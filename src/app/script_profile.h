// ScriptProfile: where a script's time and memory go, by expression.
//
// What an expression does itself, without the expressions in it and the functions it calls, is its own ("self");
// its total is with them, counted once where it runs inside itself. The profiler's own time is left out, that of
// following the machine (a few nanoseconds an instruction) is not: compare expressions, not scripts.
//
// Thread safety: as a Tracer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/clock.h"

#include "computo/error_text.h"
#include "computo/trace.h"

namespace colloquium::app {

class ScriptProfile : public computo::Tracer {
 public:
  struct Row {
    uint32_t site = 0;
    uint64_t count = 0;
    int64_t self_ns = 0;
    int64_t total_ns = 0;
    int64_t self_bytes = 0;  // of values that were made
    int64_t total_bytes = 0;
  };

  // REQUIRES: compiled with CompileOptions::trace. `clock` outlives it.
  ScriptProfile(computo::ProgramPtr program, const Clock& clock);

  // What was evaluated; by own time, the longest first.
  std::vector<Row> rows() const;
  uint64_t evaluations() const { return evaluations_; }
  int64_t total_ns() const { return time_; }
  const computo::TraceSites& sites() const { return sites_; }

  bool enter(uint32_t site, const computo::Moment& moment) override;
  bool leave(uint32_t site, const computo::Moment& moment, const computo::TraceValue& value) override;
  bool failed(const computo::ScriptError& error, const computo::Moment& moment) override;
  bool call(uint32_t function, const computo::Moment& moment) override;
  void end_call(uint32_t function, const computo::Moment& moment) override;
  void abandon(uint32_t site, const computo::Moment& moment) override;

 private:
  struct Running {
    uint32_t site;
    int64_t time;  // what time_ and bytes_ were when it was entered
    int64_t bytes;
  };
  void stop_watch(const computo::Moment& moment);
  void start_watch(const computo::Moment& moment);
  void end(uint32_t site);

  computo::TraceSites sites_;
  const Clock& clock_;
  std::vector<Row> rows_;
  std::vector<uint32_t> nested_;  // how often each expression runs now
  std::vector<Running> running_;
  uint64_t evaluations_ = 0;
  int64_t time_ = 0;  // that was measured so far, and memory
  int64_t bytes_ = 0;
  int64_t watch_ns_ = 0;  // when the watch was started last
  uint64_t watch_bytes_ = 0;
};

// The rows as a table for people, or as one JSON object. `script` is what the script is called; its lines, and
// those of what it imports, come from `source`.
std::string profile_text(const ScriptProfile& profile, std::string_view script, const computo::SourceLine& source);
std::string profile_json(const ScriptProfile& profile, std::string_view script, const computo::SourceLine& source);

}  // namespace colloquium::app
