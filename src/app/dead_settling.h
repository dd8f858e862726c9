// Settling dead letters: putting events back, or dropping them, in a log that this process has open.
//
// A verb does it itself where no process runs, and else asks the one that does: the request travels as JSON.
// Thread safety: settle_dead blocks, and is not for the loop; the log is safe on any thread.
#pragma once

#include <atomic>
#include <string>
#include <string_view>

#include "colloquium/executor.h"
#include "colloquium/result.h"

#include "engine/dead_letters.h"
#include "log/segment_log.h"

namespace colloquium::app {

struct DeadRequest {
  bool replay = true;   // false: drop
  std::string letters;  // the letters' stream
  std::string into;     // replay: the pipeline's stream
  engine::LetterFilter filter;

  // {"action":"replay","letters":…,"into":…,"ids":[…],"stage":…,"error":…,"since_ms":…,"before_ms":…}
  std::string to_json() const;
};
// kInvalidInput, with what is wrong.
Result<DeadRequest> read_dead_request(std::string_view json);

// kNotFound if a stream is not there; kCancelled once `stop` is set.
Result<engine::LettersDone> settle_dead(log::SegmentLog& log, Executor& executor, const DeadRequest& request,
                                        const std::atomic<bool>& stop);

}  // namespace colloquium::app
