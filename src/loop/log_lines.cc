#include "loop/log_lines.h"

#include <algorithm>
#include <utility>

namespace colloquium::loop {

void LogLines::add(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t room = kMostBytes - line_.size();
    const size_t end = bytes.substr(0, room).find('\n');
    line_ += bytes.substr(0, std::min(end, room));
    bytes.remove_prefix(end == bytes.npos ? std::min(room, bytes.size()) : end + 1);
    if (end != bytes.npos || line_.size() == kMostBytes) finish();
  }
}

void LogLines::finish() {
  const std::string line = std::exchange(line_, {});
  if (!line.empty()) tell_(line);
}

}  // namespace colloquium::loop
