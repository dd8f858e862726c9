// Encrypting the records of batches, and getting at the records of stored ones, encrypted or not.
//
// An encrypted batch has the codec 7, which no reader of Kafka's format knows, and its true codec in bits 8–10 of
// the attributes. Behind its header stand the ciphertext of the compressed records and the tag. Nonce: incarnation
// ‖ base offset. Associated: the segment's UUID and the header without its CRC. Sync marks stay in the clear: they
// hold nothing but an offset and a position, and recovery has to find them without a key.
//
// Thread safety: an object belongs to one thread at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "colloquium/result.h"

#include "io/aead.h"
#include "log/batch_cursor.h"
#include "log/record_batch.h"
#include "log/segment_key.h"

namespace colloquium::log {

// For the segment that is written.
class BatchSealer {
 public:
  explicit BatchSealer(std::shared_ptr<const SegmentKey> key);
  // Encrypts `records` in place; the header they get. Never twice for one incarnation and offset.
  HeaderBytes seal(BatchHeader header, std::string& records);

 private:
  const std::shared_ptr<const SegmentKey> key_;
  const std::unique_ptr<io::Aead> aead_;
};

// For segments that are read, one after the other.
class BatchOpener {
 public:
  // Begins with a segment. Null: it is in the clear.
  void enter(std::shared_ptr<const SegmentKey> key);
  // The records as they were compressed; valid until the next call, as `item` is. kCorrupt if they can't be proved
  // to be what was written here. REQUIRES: no control batch.
  Result<std::string_view> open(const BatchCursor::Item& item);
  // The key that opened the last batch; null: it was in the clear, or none was opened.
  const std::shared_ptr<const SegmentKey>& used() const { return used_; }

 private:
  bool open_with(const std::shared_ptr<const SegmentKey>& key, io::Aead& aead, const BatchCursor::Item& item);

  std::shared_ptr<const SegmentKey> key_;
  std::unique_ptr<io::Aead> aead_;
  std::unique_ptr<io::Aead> older_;  // of the key that the segment had before it was compacted
  std::shared_ptr<const SegmentKey> used_;
  std::string plain_;
};

}  // namespace colloquium::log
