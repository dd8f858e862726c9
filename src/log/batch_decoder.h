// BatchDecoder: bytes of the log back to a Batch of events.
//
// Used by readers, by accepted_since and by the in-memory fake. The bytes have passed their CRC, yet nothing
// here trusts them: a malformed record is kCorrupt.
// Thread safety: belongs to one thread; keeps its decompression contexts and buffers between calls.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "io/compress.h"
#include "log/log.h"
#include "log/record_batch.h"
#include "log/tape_builder.h"

namespace colloquium::log {

class BatchDecoder {
 public:
  // `origin` is the partition's: the source is filled in per batch. `tape` may be null: no tapes.
  BatchDecoder(std::shared_ptr<const BatchOrigin> origin, const TapeBuilder* tape);

  // REQUIRES: no control batch. `records` as stored, compressed.
  Result<std::shared_ptr<const Batch>> decode(const BatchHeader& header, std::string_view records);

  // Only what was stored with the batch's acceptance, read from no more of it than needed; nothing if it was
  // no accepted batch.
  Result<std::optional<AcceptInfo>> decode_accept(const BatchHeader& header, std::string_view records);

  // A batch as it came, with tapes where it lacks them.
  std::shared_ptr<const Batch> with_tapes(std::shared_ptr<const Batch> batch);

 private:
  Result<std::string_view> unpack(const BatchHeader& header, std::string_view records);
  void add(const BatchHeader& header, Record& record);
  std::shared_ptr<const BatchOrigin> origin_of(std::string_view source);

  std::shared_ptr<const BatchOrigin> origin_;  // the partition's, or the last one with a source
  const TapeBuilder* tape_;
  io::Decompressor decompressor_;
  std::string unpacked_;
  std::vector<TapeToken> tokens_;
  BatchBuilder builder_;
};

}  // namespace colloquium::log
