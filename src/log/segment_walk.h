// SegmentWalk: the batches of one finished segment of a shared partition, checked as a reader checks them, with
// all there is in them: for compaction, which must not write anew what is damaged.
//
// Thread safety: belongs to one thread; the segment is shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "io/compress.h"
#include "log/batch_crypt.h"
#include "log/batch_cursor.h"
#include "log/partition.h"

namespace colloquium::log {

class SegmentWalk {
 public:
  static Result<SegmentWalk> begin(Partition& partition, Segment& segment);

  // The next batch, control batches too; nothing at the end. kCorrupt if it is not what has to stand there.
  Result<std::optional<BatchCursor::Item>> next();
  // The records of the batch that next() gave last, decrypted: as they were compressed, and uncompressed. Valid
  // until the next call. REQUIRES: no control batch.
  Result<std::string_view> stored(const BatchCursor::Item& item);
  Result<std::string_view> unpacked(const BatchCursor::Item& item);

  const std::shared_ptr<const io::File>& file() const { return file_; }
  // Of everything walked over so far.
  uint32_t crc() const { return crc_; }
  uint64_t bytes() const { return cursor_->position(); }
  int64_t next_offset() const { return expected_; }
  // What the batches are encrypted with; null: nothing, as far as was seen.
  const std::shared_ptr<const SegmentKey>& key() const { return opener_->used(); }

 private:
  SegmentWalk() = default;

  std::shared_ptr<const io::File> file_;
  std::shared_ptr<const EpochTable> epochs_;
  std::unique_ptr<BatchCursor> cursor_;
  std::unique_ptr<BatchOpener> opener_;
  std::unique_ptr<io::Decompressor> decompressor_;
  std::string unpacked_;
  bool compacted_ = false;
  int64_t expected_ = 0;
  uint32_t crc_ = 0;
};

}  // namespace colloquium::log
