// JournalState: what the commits of the journal add up to, and what they prove about the streams.
//
// Thread safety: a value; Journal guards it.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "colloquium/result.h"

#include "log/batch_crypt.h"
#include "log/batch_cursor.h"
#include "log/journal_record.h"
#include "log/record_batch.h"
#include "log/segment_scan.h"

namespace colloquium::log {

class JournalState {
 public:
  // Takes the journal's records from [0, end) of a segment; one that does not begin at offset 0 has to begin
  // with a checkpoint. kCorrupt if the bytes do not make sense; `folder` is for its message. `key` is the
  // segment's, null if it is in the clear.
  Status replay(std::shared_ptr<const io::File> file, uint64_t end, int64_t base_offset, const std::string& folder,
                std::shared_ptr<const SegmentKey> key);

  // One batch of it; `opener` has entered its segment. `first`: nothing of a segment that has to begin with a
  // checkpoint was taken yet.
  Status replay_batch(const BatchCursor::Item& item, BatchOpener& opener, bool& first, const std::string& folder);

  void apply(const CommitRecord& commit);
  const LegState* leg(const std::string& name) const;
  const std::map<std::string, LegState>& legs() const { return legs_; }
  Checkpoint checkpoint() const { return {legs_, committed_ends_}; }

  // What the journal proves about a partition, for its recovery.
  Evidence evidence_for(const std::string& stream, int32_t partition) const;
  // Those it says anything of.
  std::set<std::pair<std::string, int32_t>> partitions() const;
  // The outputs named since the checkpoint; forgotten once the streams are recovered.
  const std::vector<OutputRef>& outputs() const { return outputs_; }
  void forget_outputs() { outputs_.clear(); }

 private:
  Status replay_record(const Record& record, bool first, const std::string& folder);

  std::map<std::string, LegState> legs_;
  std::map<std::pair<std::string, int32_t>, int64_t> committed_ends_;
  std::vector<OutputRef> outputs_;
};

}  // namespace colloquium::log
