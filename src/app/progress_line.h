// ProgressLine: how far a verb is, in a line that overwrites itself, for a person who waits at a terminal. A file
// or a pipe gets none of it.
//
// Thread safety: one thread.
#pragma once

#include <cstdint>
#include <string>

#include "app/verb.h"

namespace colloquium::app {

class ProgressLine {
 public:
  // `what` stands behind the number: "% verified", "events".
  ProgressLine(Console& console, std::string what) : console_(console), what_(std::move(what)) {}
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // In percent, each of which is shown once.
  void show_share(uint64_t done, uint64_t total);
  // A count, of which the caller shows no more than a few a second.
  void show(uint64_t count);
  // Before anything else is written to the terminal.
  void clear();

 private:
  Console& console_;
  const std::string what_;
  uint64_t shown_ = UINT64_MAX;
  bool visible_ = false;
};

}  // namespace colloquium::app
