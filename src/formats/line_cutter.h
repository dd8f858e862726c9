// LineCutter: bytes of a file or a pipe as they come, to bodies of whole lines, or of whatever records a Framing
// finds.
//
//   read into room(n), say added(got), then take() until it gives nothing; at the end of the input finish().
//
// A partial last line is kept back until the rest of it has come. A line that grows beyond `max_line_bytes`
// without a line break in sight is cut there, one byte 0x01 is put behind it, and the rest up to its line
// break is skipped: such a body is no JSON whatever it began with, so the door refuses it as one bad event
// and memory stays bounded.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "formats/framing.h"

namespace colloquium::formats {

// Whole lines, their line breaks included (the last of an input may have none).
struct Lines {
  std::shared_ptr<const std::string> body;
  uint64_t begin = 0;  // position of the body's first byte in the input
  uint64_t end = 0;    // position behind everything the body stands for
};

class LineCutter {
 public:
  // `position` is that of the first byte to come.
  LineCutter(size_t max_line_bytes, uint64_t position, std::unique_ptr<Framing> framing = nullptr);

  // Where the next `size` bytes may be written; valid until the next call.
  std::span<char> room(size_t size);
  void added(size_t size);

  std::optional<Lines> take();

  // The input rests: what may be taken as complete although more might come.
  std::optional<Lines> take_at_rest();

  // Whether bytes are kept back.
  bool holds_any() const { return filled_ > 0 || skipping_; }

  // The input has ended: what is left, if anything. Call take() until it gives nothing before.
  std::optional<Lines> finish();

  // Of the next byte to be read.
  uint64_t position() const { return begin_ + filled_; }

 private:
  std::optional<Lines> take_framed();
  std::optional<Lines> take_skipped();
  Lines split(size_t at);
  void cut_long_line();

  const size_t max_line_bytes_;
  std::unique_ptr<Framing> framing_;  // null: lines
  std::string buffer_;                // the first filled_ bytes are content
  size_t filled_ = 0;
  size_t scanned_ = 0;  // no line break below
  uint64_t begin_ = 0;  // position of buffer_[0]
  std::string cut_;     // the head of a line that is too long, while the rest of it is skipped
  uint64_t cut_begin_ = 0;
  bool skipping_ = false;
};

}  // namespace colloquium::formats
