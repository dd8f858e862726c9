// PartitionReader: a Reader over one Partition, from memory while it can, else from the segments.
//
// Thread safety: one thread at a time, any thread. Keeps the Partition alive.
#pragma once

#include <memory>
#include <optional>

#include "log/batch_crypt.h"
#include "log/batch_cursor.h"
#include "log/batch_decoder.h"
#include "log/log.h"
#include "log/partition.h"

namespace colloquium::log {

class PartitionReader final : public Reader {
 public:
  // `tape` may be null: no tapes.
  PartitionReader(std::shared_ptr<Partition> partition, int64_t from_offset, const TapeBuilder* tape);

  Result<std::shared_ptr<const Batch>> next() override;
  void seek(int64_t offset) override {
    offset_ = offset < 0 ? 0 : offset;
    sought_ = true;
  }
  int64_t offset() const override { return offset_; }

  // The next batch as stored, from the segments, control batches passed over; nothing at the readable end.
  Result<std::optional<BatchCursor::Item>> next_stored();
  // The compressed records of the batch that next_stored() gave last, decrypted if they have to be.
  Result<std::string_view> records(const BatchCursor::Item& item);

 private:
  // What of the batch stands at or after the offset, null if nothing does; it is followed by `end`.
  std::shared_ptr<const Batch> deliver(std::shared_ptr<const Batch> batch, int64_t end);
  Status find_place();
  Result<bool> open_segment();
  Result<bool> next_segment();
  Result<std::optional<BatchCursor::Item>> walk(int64_t end);
  tl::unexpected<Error> removed(int64_t oldest) const;
  tl::unexpected<Error> damaged(const std::string& what) const;

  const std::shared_ptr<Partition> partition_;
  int64_t offset_;
  bool sought_ = true;  // nothing was read since the caller chose the offset: it may be moved to the oldest
  BatchDecoder decoder_;

  // Where the disk was read last; absent until it is needed.
  std::shared_ptr<Segment> segment_;
  std::shared_ptr<const io::File> file_;
  std::optional<BatchCursor> cursor_;
  BatchOpener opener_;
  std::shared_ptr<const Segment> opens_;  // what opener_ has entered
  int64_t expected_ = -1;                 // the offset that has to follow at the cursor
};

}  // namespace colloquium::log
