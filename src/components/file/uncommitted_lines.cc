#include "components/file/uncommitted_lines.h"

#include "base/assert.h"
#include "io/checksum.h"

namespace colloquium::components {
namespace {

// What was in flight at a crash comes again among the first: behind so much more, nothing of it will.
constexpr uint64_t kPatienceBytes = uint64_t{256} << 20;

}  // namespace

void UncommittedLines::add(std::string_view piece) {
  held_bytes_ += piece.size();
  while (true) {
    const size_t end = piece.find('\n');
    if (end == piece.npos) break;
    open_line_.append(piece.substr(0, end + 1));
    ++missing_[io::xxh3_64(open_line_)];
    open_line_.clear();
    piece.remove_prefix(end + 1);
  }
  open_line_.append(piece);
}

void UncommittedLines::came(std::string_view lines) {
  ASSERT(lines.empty() || lines.back() == '\n');
  if (all_came() || came_bytes_ > held_bytes_ + kPatienceBytes) return;
  came_bytes_ += lines.size();
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n') + 1);
    lines.remove_prefix(line.size());
    if (const auto found = missing_.find(io::xxh3_64(line)); found != missing_.end()) {
      if (--found->second == 0) missing_.erase(found);
    } else if (!open_line_.empty() && line.starts_with(open_line_)) {
      open_line_.clear();
    }
  }
}

}  // namespace colloquium::components
