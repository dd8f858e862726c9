#include "log/journal.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/batch_cursor.h"
#include "log/layout.h"
#include "log/leg_state.h"

namespace colloquium::log {
namespace {

tl::unexpected<Error> unreadable(const std::string& directory, std::string_view what) {
  return fail(ErrorCode::kCorrupt, "the commit journal in '" + directory +
                                       "' can't be used: " + std::string(what) +
                                       "; nothing was changed; restore the data directory from a backup");
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(io::FileSystem& fs, const std::string& directory,
                                               const CleanEntry* clean, uint64_t segment_bytes,
                                               std::vector<RecoveryNote>& notes) {
  const std::string folder = journal_directory(directory);
  TRY(fs.make_directories(folder));
  auto partition = std::make_shared<Partition>(fs, folder, "", "", 0, 0);
  std::unique_ptr<Journal> journal(new Journal(std::move(partition), segment_bytes));
  TRY(journal->recover(clean, notes));
  return journal;
}

Result<bool> Journal::begins_with_checkpoint(int64_t base) {
  io::FileSystem& fs = partition_->files();
  TRY_ASSIGN(std::unique_ptr<io::File> file,
             fs.open(segment_path(partition_->directory(), base, "log"), io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  BatchCursor cursor(std::move(file), 0, info.size);
  const auto first = cursor.next();
  if (!first && first.error().code != ErrorCode::kCorrupt) return fail(first.error());
  if (!first || !*first || (*first)->header.base_offset != base) return false;
  RecordReader reader((*first)->records(), 1);
  Record record;
  return reader.next(record) && record.key == kCheckpointKey;
}

// A roll that a crash interrupted: the segment before it still holds everything.
Status Journal::discard_unfinished(int64_t base, std::vector<RecoveryNote>& notes) {
  io::FileSystem& fs = partition_->files();
  const std::string path = segment_path(partition_->directory(), base, "log");
  TRY_ASSIGN(const EpochTable epochs, EpochTable::read(fs, epochs_path(partition_->directory())));
  TRY_ASSIGN(const io::FileInfo info, fs.info(path));
  {
    TRY_ASSIGN(const std::unique_ptr<io::File> file, fs.open(path, io::OpenMode::kRead));
    TRY_ASSIGN(const auto mark, last_mark_behind(*file, 0, info.size, epochs));
    const Damage damage{0, base, "its checkpoint is not whole"};
    TRY(judge_damage(partition_->name(), path, damage, {}, epochs, mark));
  }
  TRY(fs.remove(path));
  TRY(fs.sync_directory(partition_->directory()));
  notes.push_back({partition_->name(), "a journal segment that a crash left unfinished was removed"});
  return {};
}

Status Journal::recover(const CleanEntry* clean, std::vector<RecoveryNote>& notes) {
  io::FileSystem& fs = partition_->files();
  const std::string& folder = partition_->directory();
  TRY_ASSIGN(std::vector<int64_t> bases, list_segments(fs, folder));
  Evidence evidence;
  if (bases.size() > 1) {
    TRY_ASSIGN(const bool whole, begins_with_checkpoint(bases.back()));
    if (!whole) {
      TRY(discard_unfinished(bases.back(), notes));
      evidence.testify(bases.back(), "a newer segment was begun behind them");
      bases.pop_back();
    }
  }
  if (clean != nullptr)
    evidence.testify(clean->end.next_offset, "CLEAN says that they were there at the last stop");
  TRY_ASSIGN(Recovered recovered, recover_partition(fs, *partition_, evidence, {clean, false, {}}));
  notes.insert(notes.end(), recovered.notes.begin(), recovered.notes.end());
  writer_ = std::make_unique<PartitionWriter>(partition_, recovered.end, segment_bytes_);
  TRY(replay(recovered.end));
  // What the checkpoint has made superfluous, and a crash kept from being deleted.
  for (size_t i = 0; i + 1 < bases.size(); ++i) TRY(fs.remove(segment_path(folder, bases[i], "log")));
  return bases.size() > 1 ? fs.sync_directory(folder) : Status();
}

Status Journal::replay_record(const Record& record, bool first) {
  if (record.key == kCheckpointKey && record.value) {
    std::optional<Checkpoint> checkpoint = get_checkpoint(*record.value);
    if (!checkpoint) return unreadable(partition_->directory(), "a checkpoint is malformed or of a newer version");
    legs_ = std::move(checkpoint->legs);
    committed_ends_ = std::move(checkpoint->committed_ends);
    outputs_.clear();
    return {};
  }
  if (first) return unreadable(partition_->directory(), "its segment does not begin with a checkpoint");
  if (record.key != kCommitKey || !record.value) return {};  // of a later minor version: says nothing to us
  const std::optional<CommitRecord> commit = get_commit(*record.value);
  if (!commit) return unreadable(partition_->directory(), "a commit is malformed or of a newer version");
  outputs_.insert(outputs_.end(), commit->outputs.begin(), commit->outputs.end());
  apply(*commit);
  return {};
}

Status Journal::replay(const PartitionEnd& end) {
  if (!end.has_active || end.active_bytes == 0) {
    if (end.active_base == 0) return {};
    return unreadable(partition_->directory(), "its only segment is empty");
  }
  TRY_ASSIGN(std::unique_ptr<io::File> file,
             partition_->files().open(segment_path(partition_->directory(), end.active_base, "log"),
                                      io::OpenMode::kRead));
  BatchCursor cursor(std::move(file), 0, end.active_bytes);
  bool first = end.active_base != 0;
  for (;;) {
    const auto item = cursor.next();
    if (!item && item.error().code != ErrorCode::kCorrupt) return fail(item.error());
    if (!item) return unreadable(partition_->directory(), item.error().message);
    if (!*item) return {};
    if ((*item)->header.is_control()) continue;
    RecordReader reader((*item)->records(), (*item)->header.record_count);
    Record record;
    while (reader.next(record)) {
      TRY(replay_record(record, first));
      first = false;
    }
    if (!reader.ok()) return unreadable(partition_->directory(), "a batch is malformed");
  }
}

void Journal::apply(const CommitRecord& commit) {
  const std::lock_guard lock(mutex_);
  merge_leg_state(commit.state, commit.has_token, legs_[commit.leg]);
  for (const OutputRef& output : commit.outputs) {
    ASSERT(output.last_offset >= output.base_offset);
    int64_t& end = committed_ends_[{output.stream, output.partition}];
    end = std::max(end, output.last_offset + 1);
  }
}

std::optional<LegState> Journal::leg_state(const std::string& leg) const {
  const std::lock_guard lock(mutex_);
  const auto found = legs_.find(leg);
  if (found == legs_.end()) return std::nullopt;
  return found->second;
}

Evidence Journal::evidence_for(const std::string& stream, int32_t partition) const {
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

// One batch in a group of its own, durable when this returns.
Status Journal::write_batch(std::string_view key, const std::vector<std::string>& values, int64_t now_ms) {
  RecordWriter records;
  for (const std::string& value : values) records.add(key, value);
  EncodedBatch batch;
  batch.records = records.records();
  batch.records_crc = io::crc32c(batch.records);
  batch.count = records.count();
  batch.base_timestamp_ms = now_ms;
  TRY(writer_->begin(now_ms, false));
  writer_->add(std::move(batch), -1, now_ms);
  TRY(writer_->write());
  TRY(writer_->sync());
  writer_->synced();
  writer_->publish(writer_->next_offset());
  writer_->end_group();
  return {};
}

Status Journal::roll(int64_t now_ms) {
  const PartitionEnd before = writer_->end();
  TRY(writer_->start_segment());
  Status written = write_batch(kCheckpointKey, {put_checkpoint({legs_, committed_ends_})}, now_ms);
  if (!written) {
    if (written.error().code == ErrorCode::kNoSpace) TRY(writer_->abandon_segment(before));
    return written;
  }
  return writer_->drop_segment(before.active_base);
}

Status Journal::append(const std::vector<CommitRecord>& commits, int64_t now_ms) {
  ASSERT(!commits.empty());
  if (writer_->active_bytes() >= segment_bytes_) TRY(roll(now_ms));
  std::vector<std::string> values;
  for (const CommitRecord& commit : commits) values.push_back(put_commit(commit));
  Status written = write_batch(kCommitKey, values, now_ms);
  if (!written) {
    if (written.error().code == ErrorCode::kNoSpace && writer_->in_group()) TRY(writer_->cut_back_group());
    return written;
  }
  for (const CommitRecord& commit : commits) apply(commit);
  return {};
}

}  // namespace colloquium::log
