// UncommittedLines: whether the lines a file held behind its committed length have all come again.
//
// After a crash they do, though over several partitions in another order. What does not come again was not ours.
//
// Lines are known by 64-bit hashes: two lines of one hash count as the same. Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace colloquium::components {

class UncommittedLines {
 public:
  // The next piece of what the file held; pieces may end in the middle of a line.
  void add(std::string_view piece);

  // Whole lines that were written now. Nothing is looked at any more once far more was written than was held.
  void came(std::string_view lines);

  // Whether there was anything, and all of it has come. A last line without its end has come when one that begins
  // with it has.
  bool all_came() const { return held_bytes_ > 0 && missing_.empty() && open_line_.empty(); }

 private:
  std::unordered_map<uint64_t, uint32_t> missing_;  // how many of each
  std::string open_line_;
  uint64_t held_bytes_ = 0;
  uint64_t came_bytes_ = 0;
};

}  // namespace colloquium::components
