// Tally: what a range of seeds went through, and the tables printed of it.
//
// Thread safety: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace colloquium::sim {

struct Tally {
  uint64_t seeds = 0;
  uint64_t idle_seeds = 0;   // acknowledged nothing: they do not count
  uint64_t media_seeds = 0;  // with damage at rest or a wrong read while starting; judged with rule 4
  uint64_t encrypted_seeds = 0;
  uint64_t states = 0;        // states of the disk that a log was started from, and judged
  uint64_t acknowledged = 0;  // events and commits
  uint64_t compacted_segments = 0;
  uint64_t promises_checked = 0;                     // each as often as it was looked for
  std::map<std::string, uint64_t> crashes;           // by the operation that did not happen
  std::map<std::string, uint64_t> recovery_crashes;  // the same, while a log was starting
  std::map<std::string, uint64_t> faults;            // by what failed
  std::map<std::string, uint64_t> media;             // by what came of it

  void add(const Tally& other);
  void print() const;
};

}  // namespace colloquium::sim
