#include "log/journal.h"

#include <algorithm>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/batch_cursor.h"
#include "log/layout.h"

namespace colloquium::log {
Result<std::unique_ptr<Journal>> Journal::examine(io::FileSystem& fs, const std::string& directory,
                                                  const CleanEntry* clean, uint64_t segment_bytes,
                                                  std::shared_ptr<const KeyRing> keys) {
  auto partition = std::make_shared<Partition>(fs, journal_directory(directory), "", "", 0, 0);
  partition->set_keys(std::move(keys));
  std::unique_ptr<Journal> journal(new Journal(std::move(partition), segment_bytes));
  TRY(journal->examine_segments(clean));
  return journal;
}

Result<bool> Journal::begins_with_checkpoint(int64_t base) {
  ASSERT(base > 0);
  io::FileSystem& fs = partition_->files();
  TRY_ASSIGN(std::unique_ptr<io::File> file,
             fs.open(segment_path(partition_->directory(), base, "log"), io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  BatchCursor cursor(std::move(file), 0, info.size);
  const auto first = cursor.next();
  if (!first && first.error().code != ErrorCode::kCorrupt) return fail(first.error());
  if (!first || !*first || (*first)->header.base_offset != base || (*first)->header.is_control()) return false;
  TRY_ASSIGN(auto key,
             read_segment_key(fs, partition_->keys(), {partition_->directory(), partition_->key_place(), base}));
  BatchOpener opener;
  opener.enter(std::move(key));
  TRY_ASSIGN(const std::string_view records, opener.open(**first));
  RecordReader reader(records, 1);
  Record record;
  return reader.next(record) && record.key == kCheckpointKey;
}

// A roll that a crash interrupted: the segment before it still holds everything.
Status Journal::judge_unfinished(int64_t base) {
  ASSERT(recovery_ == nullptr && writer_ == nullptr);
  io::FileSystem& fs = partition_->files();
  const std::string path = segment_path(partition_->directory(), base, "log");
  TRY_ASSIGN(const EpochTable epochs, EpochTable::read(fs, epochs_path(partition_->directory())));
  TRY_ASSIGN(const std::unique_ptr<io::File> file, fs.open(path, io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  TRY_ASSIGN(const auto mark, last_mark_behind(*file, 0, info.size, epochs));
  // While the segment before it is there, no commit was stored behind the checkpoint, and only a mark would say
  // otherwise: not the epochs, which follow what the older segment holds.
  if (!mark) return {};
  return judge_damage(partition_->name(), path, {0, base, "its checkpoint is not whole"}, {}, epochs, mark);
}

// Nothing is left of what was before a segment: so its checkpoint was durable, and damage of it is no crash's.
Status Journal::judge_first(int64_t base) {
  ASSERT(base >= 0);
  if (base == 0) return {};
  TRY_ASSIGN(const bool whole, begins_with_checkpoint(base));
  if (whole) return {};
  const std::string path = segment_path(partition_->directory(), base, "log");
  return fail(ErrorCode::kCorrupt,
              "the checkpoint at the beginning of '" + path +
                  "' can't be read, and no older segment of the commit journal is there; nothing was changed; "
                  "'colloquium log verify' lists every damaged place; restore the journal from a backup",
              partition_->name());
}

Status Journal::examine_segments(const CleanEntry* clean) {
  ASSERT(recovery_ == nullptr && writer_ == nullptr);
  io::FileSystem& fs = partition_->files();
  const std::string& folder = partition_->directory();
  auto listed = list_segments(fs, folder);
  if (!listed && listed.error().code != ErrorCode::kNotFound) return fail(listed.error());
  superfluous_ = listed ? *listed : std::vector<int64_t>();
  Evidence evidence;
  // The newest segment counts, and what it made superfluous is to be removed: unless it is not finished itself. So
  // may be several, if the disk was full when each was begun.
  size_t counts = superfluous_.empty() ? 0 : superfluous_.size() - 1;
  for (; counts > 0; --counts) {
    TRY_ASSIGN(const bool whole, begins_with_checkpoint(superfluous_[counts]));
    if (whole) break;
    unfinished_ = true;
    TRY(judge_unfinished(superfluous_[counts]));
    evidence.testify(superfluous_[counts], "a newer segment was begun behind them");
  }
  if (counts == 0 && !superfluous_.empty()) TRY(judge_first(superfluous_[0]));
  if (!superfluous_.empty()) superfluous_.erase(superfluous_.begin() + static_cast<ptrdiff_t>(counts));
  if (clean != nullptr)
    evidence.testify(clean->end.next_offset, "CLEAN says that they were there at the last stop");
  recovery_ = std::make_unique<PartitionRecovery>(fs, partition_, std::move(evidence),
                                                  RecoveryOptions{clean, false, superfluous_});
  TRY(recovery_->examine());
  const PartitionEnd& end = recovery_->end();
  if (!end.has_active) return {};
  TRY_ASSIGN(std::unique_ptr<io::File> file,
             fs.open(segment_path(folder, end.active_base, "log"), io::OpenMode::kRead));
  TRY_ASSIGN(auto key, partition_->key_of(*partition_->segment_of(end.active_base)));
  return state_.replay(std::move(file), end.active_bytes, end.active_base, folder, std::move(key));
}

Status Journal::apply(std::vector<RecoveryNote>& notes) {
  ASSERT_WHY(recovery_ != nullptr, "examine first");
  io::FileSystem& fs = partition_->files();
  const std::string& folder = partition_->directory();
  TRY(recovery_->apply(notes));
  writer_ = std::make_unique<PartitionWriter>(partition_, recovery_->end(), segment_bytes_);
  recovery_ = nullptr;
  if (unfinished_) notes.push_back({partition_->name(), "a segment that a crash left unfinished was removed"});
  for (const int64_t base : superfluous_) TRY(remove_segment(fs, folder, base));
  return {};
}

std::optional<LegState> Journal::leg_state(const std::string& leg) const {
  const std::lock_guard lock(mutex_);
  const LegState* state = state_.leg(leg);
  if (state == nullptr) return std::nullopt;
  return *state;
}

Needed Journal::needed_of(const std::string& stream, int32_t partition,
                          const std::vector<std::string>& legs) const {
  ASSERT(!stream.empty());
  const std::lock_guard lock(mutex_);
  return log::needed_of(state_.legs(), stream, partition, legs);
}

// One batch in a group of its own, durable when this returns.
Status Journal::write_batch(std::string_view key, const std::vector<std::string>& values, int64_t now_ms) {
  ASSERT(!values.empty() && (key == kCommitKey || key == kCheckpointKey));
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
  writer_->synced(writer_->next_offset());
  writer_->publish(writer_->next_offset());
  writer_->end_group();
  return {};
}

Status Journal::roll(int64_t now_ms) {
  ASSERT(writer_ != nullptr && !writer_->in_group());
  const PartitionEnd before = writer_->end();
  // Open before anything changes: to undo must not take a descriptor.
  io::FileSystem& fs = partition_->files();
  TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs.open_folder(partition_->directory()));
  if (Status started = writer_->start_segment(); !started) {
    // What is there of it would stand in the middle once a sync mark has gone to the segment before.
    const bool no_room = io::waits_for_room(started.error());
    if (no_room) TRY(remove_segment(fs, partition_->directory(), *folder, before.next_offset));
    return started;
  }
  Status written = write_batch(kCheckpointKey, {put_checkpoint(state_.checkpoint())}, now_ms);
  if (!written) {
    if (io::waits_for_room(written.error())) TRY(writer_->abandon_segment(before, *folder));
    return written;
  }
  return writer_->drop_segment(before.active_base, *folder);
}

Status Journal::append(const std::vector<CommitRecord>& commits, int64_t now_ms) {
  ASSERT_WHY(writer_ != nullptr, "apply first");
  ASSERT(!commits.empty());
  if (writer_->active_bytes() >= segment_bytes_ || writer_->must_roll()) TRY(roll(now_ms));
  std::vector<std::string> values;
  for (const CommitRecord& commit : commits) values.push_back(put_commit(commit));
  Status written = write_batch(kCommitKey, values, now_ms);
  if (!written) {
    if (io::waits_for_room(written.error()) && writer_->in_group()) TRY(writer_->cut_back_group());
    return written;
  }
  const std::lock_guard lock(mutex_);
  for (const CommitRecord& commit : commits) state_.apply(commit);
  return {};
}

}  // namespace colloquium::log
