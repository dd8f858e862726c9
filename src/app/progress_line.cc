#include "app/progress_line.h"

#include <ostream>

namespace colloquium::app {

void ProgressLine::show_share(uint64_t done, uint64_t total) {
  if (total == 0 || done >= total) return clear();
  show(static_cast<uint64_t>(static_cast<double>(done) * 100 / static_cast<double>(total)));
}

void ProgressLine::show(uint64_t count) {
  if (!console_.err_is_terminal || count == shown_) return;
  shown_ = count;
  visible_ = true;
  console_.err << "\r\033[K" << count << " " << what_ << std::flush;
}

void ProgressLine::clear() {
  if (visible_) console_.err << "\r\033[K" << std::flush;
  visible_ = false;
}

}  // namespace colloquium::app
