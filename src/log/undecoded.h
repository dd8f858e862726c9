// Undecoded: batches whose checksum holds and whose records nobody can read all the same: they are encrypted with
// another key, larger than readers take, or malformed.
//
// Fed with every batch that a survey finds, it looks into each as a reader would, and then makes lost ranges of
// what can't be decoded: a repair cuts it out of its segment like any other damage. Segments whose key is lost or
// was not given are not looked into: see LostKeys.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/batch_crypt.h"
#include "log/batch_cursor.h"
#include "log/batch_decoder.h"
#include "log/key_ring.h"
#include "log/survey.h"

namespace colloquium::log {

class Undecoded {
 public:
  // `partition` as key_place() makes it. `keys` may be null.
  static Result<Undecoded> begin(const io::FileSystem& fs, std::string folder, std::string partition,
                                 std::shared_ptr<const KeyRing> keys);

  // Every intact batch, in order. A failure is an I/O error, or want of memory.
  Status see(const BatchCursor::Item& item);
  // Makes what can't be decoded a loss in `survey`, which is of the same partition, but for what is lost there
  // already. Leaves the losses in the order of their offsets.
  void judge(PartitionSurvey& survey);

 private:
  Undecoded(const io::FileSystem& fs, std::string folder, std::string partition,
            std::shared_ptr<const KeyRing> keys);
  Status enter(int64_t base);
  Result<std::string> defect_of(const BatchCursor::Item& item);
  void note(const BatchCursor::Item& item, std::string what);
  static bool cut(SegmentSurvey& segment, const LostRange& range);

  const io::FileSystem& fs_;
  const std::string folder_, partition_;
  const std::shared_ptr<const KeyRing> keys_;
  std::vector<int64_t> bases_;  // of the segments
  int64_t entered_ = -1;        // base of the segment whose batches come
  bool readable_ = false;       // its key is there, or it has none
  BatchOpener opener_;
  std::unique_ptr<BatchDecoder> decoder_;
  std::vector<LostRange> ranges_;
  int64_t time_ms_ = -1;  // of the last batch that can be decoded
};

}  // namespace colloquium::log
