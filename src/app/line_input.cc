#include "app/line_input.h"

#include <array>

namespace colloquium::app {

std::optional<std::string> LineInput::next() {
  size_t end = rest_.find('\n');
  while (end == std::string::npos && !at_end_) {
    std::array<char, 4096> piece;
    const auto got = read_(piece);
    at_end_ = !got || *got == 0;
    if (!at_end_) rest_.append(piece.data(), *got);
    end = rest_.find('\n');
  }
  if (end == std::string::npos && rest_.empty()) return std::nullopt;
  std::string line = rest_.substr(0, end);
  rest_.erase(0, end == std::string::npos ? rest_.size() : end + 1);
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

}  // namespace colloquium::app
