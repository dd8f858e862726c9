// Framing: where records end in bytes that come in pieces, for formats whose records are not simply lines.
//
// LineCutter asks it each time more bytes have come. The bytes it is shown begin with a record, and stay where
// they are until it has said where one ends.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "colloquium/result.h"
#include "colloquium/source.h"

namespace colloquium::formats {

class Framing {
 public:
  virtual ~Framing() = default;

  // How many of `bytes` are complete records; 0: none yet. What was looked at before is not looked at again.
  virtual size_t complete(std::string_view bytes) = 0;

  // The input rests: how many of `bytes` are to be taken as complete now, although more might come.
  virtual size_t complete_at_rest(std::string_view bytes) { return complete(bytes); }

  // The bytes shown next are others, and begin with a record.
  virtual void begin() = 0;

  // Of a record that is too long, more than `limit` bytes already: how many of `bytes` to take as one (bad)
  // record. 0: `limit` of them, and everything up to the next line break is skipped.
  virtual size_t cut_long(std::string_view bytes, size_t limit) {
    (void)bytes, (void)limit;
    return 0;
  }

  // Nothing ends before the input does, line breaks included.
  virtual bool is_whole() const { return false; }
};

// One record: the whole input.
std::unique_ptr<Framing> whole_framing();

// Lines whose quoted fields may hold line breaks (RFC 4180).
std::unique_ptr<Framing> quoted_framing(char delimiter);

// The end, line break included, of the first such line; all of `text` if it has none. The first line alone if a
// quote in it is never closed.
size_t quoted_record_end(std::string_view text, char delimiter);

// A record is a line that matches the pattern, and the lines behind it that do not.
class StartPattern {
 public:
  virtual ~StartPattern() = default;
  static Result<std::shared_ptr<const StartPattern>> create(const std::string& pattern);
  virtual bool matches(std::string_view line) const = 0;
};
std::unique_ptr<Framing> multiline_framing(std::shared_ptr<const StartPattern> start);

// Cuts such records, and has each made an event by `inner`.
std::shared_ptr<const RecordDecoder> multiline_decoder(std::shared_ptr<const StartPattern> start,
                                                       std::shared_ptr<const RecordDecoder> inner);

}  // namespace colloquium::formats
