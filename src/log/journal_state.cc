#include "log/journal_state.h"

#include <algorithm>

#include "base/assert.h"
#include "log/leg_state.h"

namespace colloquium::log {
namespace {

tl::unexpected<Error> unreadable(const std::string& folder, std::string_view what) {
  ASSERT(!what.empty());
  return fail(ErrorCode::kCorrupt, "the commit journal in '" + folder + "' can't be used: " + std::string(what) +
                                       "; nothing was changed; restore the data directory from a backup");
}

}  // namespace

Status JournalState::replay_record(const Record& record, bool first, const std::string& folder) {
  if (record.key == kCheckpointKey && record.value) {
    std::optional<Checkpoint> checkpoint = get_checkpoint(*record.value);
    if (!checkpoint) return unreadable(folder, "a checkpoint is malformed or of a newer version");
    legs_ = std::move(checkpoint->legs);
    committed_ends_ = std::move(checkpoint->committed_ends);
    outputs_.clear();
    return {};
  }
  if (first) return unreadable(folder, "its segment does not begin with a checkpoint");
  if (record.key != kCommitKey || !record.value) return {};  // of a later minor version: says nothing to us
  const std::optional<CommitRecord> commit = get_commit(*record.value);
  if (!commit) return unreadable(folder, "a commit is malformed or of a newer version");
  outputs_.insert(outputs_.end(), commit->outputs.begin(), commit->outputs.end());
  apply(*commit);
  return {};
}

Status JournalState::replay(std::shared_ptr<const io::File> file, uint64_t end, int64_t base_offset,
                            const std::string& folder, std::shared_ptr<const SegmentKey> key) {
  BatchCursor cursor(std::move(file), 0, end);
  BatchOpener opener;
  opener.enter(std::move(key));
  bool first = base_offset != 0;
  for (;;) {
    const auto item = cursor.next();
    if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
    if (!item) return unreadable(folder, item.error().message);
    if (!*item && first) return unreadable(folder, "its only segment is empty");
    if (!*item) return {};
    TRY(replay_batch(**item, opener, first, folder));
  }
}

Status JournalState::replay_batch(const BatchCursor::Item& item, BatchOpener& opener, bool& first,
                                  const std::string& folder) {
  ASSERT(item.bytes.size() >= kHeaderBytes);
  if (item.header.is_control()) return {};
  const auto records = opener.open(item);
  if (!records) return unreadable(folder, records.error().message);
  RecordReader reader(*records, item.header.record_count);
  Record record;
  while (reader.next(record)) {
    TRY(replay_record(record, first, folder));
    first = false;
  }
  return reader.ok() ? Status() : unreadable(folder, "a batch is malformed");
}

void JournalState::apply(const CommitRecord& commit) {
  ASSERT(!commit.leg.empty());
  if (commit.forgets) {
    legs_.erase(commit.leg);
    return;
  }
  merge_leg_state(commit.state, commit.has_token, legs_[commit.leg]);
  for (const OutputRef& output : commit.outputs) {
    int64_t& end = committed_ends_[{output.stream, output.partition}];
    end = std::max(end, output.last_offset + 1);
  }
}

const LegState* JournalState::leg(const std::string& name) const {
  const auto found = legs_.find(name);
  return found == legs_.end() ? nullptr : &found->second;
}

std::set<std::pair<std::string, int32_t>> JournalState::partitions() const {
  std::set<std::pair<std::string, int32_t>> named;
  for (const auto& [place, end] : committed_ends_) named.insert(place);
  for (const auto& [leg, state] : legs_) {
    ASSERT(!leg.empty());
    for (const auto& position : state.positions) named.insert({position.stream, position.partition});
  }
  return named;
}

Evidence JournalState::evidence_for(const std::string& stream, int32_t partition) const {
  ASSERT_WHY(!stream.empty(), "the journal does not vouch for itself");
  Evidence evidence;
  const auto end = committed_ends_.find({stream, partition});
  if (end != committed_ends_.end()) {
    evidence.committed_end = end->second;
    evidence.testify(end->second, "the commit journal says that they were committed");
  }
  for (const OutputRef& output : outputs_) {
    if (output.stream == stream && output.partition == partition) evidence.outputs[output.base_offset] = output;
  }
  // A commit follows the sync of everything its leg had read.
  for (const auto& [leg, state] : legs_) {
    for (const auto& position : state.positions) {
      if (position.stream != stream || position.partition != partition) continue;
      evidence.testify(position.next_offset, "leg '" + leg + "' has committed that it read them");
    }
  }
  return evidence;
}

}  // namespace colloquium::log
