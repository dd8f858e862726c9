// SparseWarnings: a line in the log of the process for what may happen again and again: at most one in ten
// seconds, with the count of those that it did not tell.
//
// Thread safety: every method on any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

#include "colloquium/clock.h"

namespace colloquium::engine {

class SparseWarnings {
 public:
  // `who` stands before each line: "<pipeline>/<component>". The clock outlives it.
  SparseWarnings(std::string who, const Clock& clock) : who_(std::move(who)), clock_(clock) {}

  // `text` is asked for only if a line is written. `what`: of which there were more, "failed attempts "; may be
  // empty.
  void warn(const std::function<std::string()>& text, std::string_view what = {});

 private:
  const std::string who_;
  const Clock& clock_;
  std::atomic<int64_t> quiet_until_ns_{std::numeric_limits<int64_t>::min()};
  std::atomic<uint64_t> untold_{0};
};

}  // namespace colloquium::engine
