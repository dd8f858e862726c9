// LostKeys: segments whose batches are whole and that nobody can read, because their key file is damaged or gone.
//
// Fed with every batch that a survey finds, it then says of each segment whether its key is there, and makes a
// lost range of what it holds if not: a repair sets such a segment aside and goes on behind it, as behind any
// other damage. A key that was not given is not lost.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/batch_cursor.h"
#include "log/key_ring.h"
#include "log/segment_key.h"
#include "log/survey.h"

namespace colloquium::log {

class LostKeys {
 public:
  // `partition` as key_place() makes it. `keys` may be null.
  LostKeys(const io::FileSystem& fs, std::string folder, std::string partition,
           std::shared_ptr<const KeyRing> keys)
      : fs_(fs), folder_(std::move(folder)), partition_(std::move(partition)), keys_(std::move(keys)) {}

  // Every intact batch, in order.
  void see(const BatchCursor::Item& item);
  // Makes what can't be read a loss in `survey`, which is of the same partition.
  Status judge(PartitionSurvey& survey) const;

 private:
  struct Batches {
    int64_t next_offset = 0;
    int64_t first_ms = -1, last_ms = -1;
    bool encrypted = false;
  };
  Result<std::string> defect_of(int64_t base, bool encrypted) const;
  Batches in_segment(int64_t base, int64_t next_base) const;
  void give_up(PartitionSurvey& survey, SegmentSurvey& segment, const Batches& batches, std::string what) const;

  const io::FileSystem& fs_;
  const std::string folder_, partition_;
  const std::shared_ptr<const KeyRing> keys_;
  std::map<int64_t, Batches> seen_;  // by first offset: stretches of batches of one kind
};

}  // namespace colloquium::log
