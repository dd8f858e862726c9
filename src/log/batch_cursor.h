// BatchCursor: reads a segment file batch by batch, checking each, through one buffer.
//
// It checks what a batch can prove of itself (length, form, checksum); that it stands where it should (offset,
// epoch) is place_defect's to say, because only the caller knows what has to come.
// Thread safety: belongs to one thread; the file may be written behind `end` meanwhile.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/record_batch.h"

namespace colloquium::log {

// Why a valid batch is not the one that has to stand here; null if it is.
const char* place_defect(const BatchHeader& header, int64_t expected_offset, int32_t expected_epoch);
// What to say of a batch that is marked as compacted in a segment that is not, or the other way round.
const char* mixed_compaction();

class BatchCursor {
 public:
  struct Item {
    BatchHeader header;
    uint64_t position;
    std::string_view bytes;  // the whole batch; valid until the next call
    std::string_view records() const { return bytes.substr(kHeaderBytes); }
  };

  // Reads [position, end) of `file`.
  BatchCursor(std::shared_ptr<const io::File> file, uint64_t position, uint64_t end);

  // The next batch; nothing exactly at the end. kCorrupt with the reason if there is no valid one, and then
  // position() is where it should have begun. With `check` false the records are neither read nor checked, and
  // `bytes` holds the header only: for hopping over a segment.
  Result<std::optional<Item>> next(bool check = true);

  uint64_t position() const { return position_; }
  void seek(uint64_t position) { position_ = position; }
  void set_end(uint64_t end) { end_ = end; }
  uint64_t end() const { return end_; }

 private:
  // Makes [position_, position_ + size) available; fewer bytes only at the end of the file.
  Result<std::string_view> fetch(size_t size);

  std::shared_ptr<const io::File> file_;
  uint64_t position_;
  uint64_t end_;
  std::unique_ptr<char[]> buffer_;
  size_t capacity_ = 0;
  uint64_t buffer_begin_ = 0;  // position of the buffer's first byte
  size_t buffer_used_ = 0;
};

}  // namespace colloquium::log
