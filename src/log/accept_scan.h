// Searching a partition by append time: for accepted_since and for positions given as a time.
//
// Thread safety: functions, on any thread.
#pragma once

#include <functional>
#include <memory>

#include "log/log.h"
#include "log/partition.h"

namespace colloquium::log {

// The first offset appended at or after `time_ms`; the readable end if there is none.
Result<int64_t> offset_at_time(const std::shared_ptr<Partition>& partition, int64_t time_ms);

// The first offset from which at most `bytes` are stored, but for what stands between two entries of an index.
Result<int64_t> offset_before_end(Partition& partition, uint64_t bytes);

// What Log::accepted_since says, for one partition.
Status visit_accepted(const std::shared_ptr<Partition>& partition, int64_t since_ms, int64_t known_below,
                      const std::function<void(const Log::Accepted&)>& visit);

}  // namespace colloquium::log
