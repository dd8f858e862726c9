// LogLines: what a child says to its standard error, a message a line.
//
// Thread safety: loop only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace colloquium::loop {

class LogLines {
 public:
  // A line longer than this is told in pieces.
  static constexpr size_t kMostBytes = 4096;

  explicit LogLines(std::function<void(std::string_view)> tell) : tell_(std::move(tell)) {}

  void add(std::string_view bytes);
  // What stands behind the last line break is a line, too.
  void finish();

 private:
  const std::function<void(std::string_view)> tell_;
  std::string line_;
};

}  // namespace colloquium::loop
