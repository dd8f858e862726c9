// What a backup says of a data directory that it can't copy, because something in it is damaged.
//
// Thread safety: functions.
#pragma once

#include <cstdint>

#include "colloquium/result.h"

#include "io/file_system.h"
#include "log/data_instant.h"
#include "log/seal.h"
#include "log/segment_scan.h"
#include "log/survey.h"

namespace colloquium::log {

// Each fails, mostly with kCorrupt: which offsets, which bytes of which file, what is wrong, and what to do.
Status refuse_damaged(const PartitionInstant& place, LostRange range);
// A finished segment that is not as its seal says; `scan` is of its `size` bytes.
Status refuse_broken_seal(const PartitionInstant& place, const Seal& seal, const io::File& file, uint64_t size,
                          const SegmentScan& scan);
// A segment whose valid part ends, although everything below the offset `limit` was synced.
Status refuse_cut_short(const PartitionInstant& place, const io::File& file, uint64_t size,
                        const SegmentScan& scan, int64_t limit);

}  // namespace colloquium::log
