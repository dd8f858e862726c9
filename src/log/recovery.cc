#include "log/recovery.h"

#include <algorithm>

#include "base/assert.h"
#include "log/accept_header.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

std::string range(int64_t from, int64_t below) {
  ASSERT(from >= 0);
  if (below <= from + 1) return "offset " + std::to_string(from);
  return "offsets " + std::to_string(from) + " to " + std::to_string(below - 1);
}

tl::unexpected<Error> corrupt(const std::string& place, std::string message) {
  return fail(ErrorCode::kCorrupt,
              std::move(message) +
                  "; nothing was changed; 'colloquium log verify' lists every damaged place; restore "
                  "the partition from a backup",
              place);
}

// A seal that is not there or can't be believed is made again; any other failure is one.
Result<std::optional<Seal>> find_seal(const io::FileSystem& fs, const std::string& path) {
  const auto seal = read_seal(fs, path);
  if (seal) return std::optional<Seal>(*seal);
  const ErrorCode code = seal.error().code;
  if (code == ErrorCode::kNotFound || code == ErrorCode::kCorrupt) return std::optional<Seal>();
  return fail(seal.error());
}

}  // namespace

PartitionRecovery::PartitionRecovery(io::FileSystem& fs, std::shared_ptr<Partition> partition, Evidence evidence,
                                     RecoveryOptions options)
    : fs_(fs),
      partition_(std::move(partition)),
      directory_(partition_->directory()),
      evidence_(std::move(evidence)),
      options_(std::move(options)) {}

PartitionRecovery::~PartitionRecovery() = default;

// --- examine -------------------------------------------------------------------------------------------------

Status PartitionRecovery::load_epochs(bool has_segments) {
  ASSERT(epochs_.empty());
  auto read = EpochTable::read(fs_, epochs_path(directory_));
  if (read) {
    epochs_ = std::move(*read);
    return {};
  }
  if (read.error().code != ErrorCode::kNotFound || has_segments) {
    return corrupt(partition_->name(), "the epochs of the partition can't be read: " + read.error().message);
  }
  epochs_.begin(0);
  new_epochs_ = true;
  return {};
}

// All of them, so that a key that is missing is missed at the start, and not when the segment is read.
Status PartitionRecovery::load_keys(const std::vector<int64_t>& bases) {
  ASSERT(keys_.empty());
  const auto files = list_key_files(fs_, directory_);
  if (!files && files.error().code != ErrorCode::kNotFound) return fail(files.error());
  if (!files) return {};
  const auto& passed_over = options_.passed_over;
  for (const int64_t base : *files) {
    if (std::find(passed_over.begin(), passed_over.end(), base) != passed_over.end()) continue;
    if (base < oldest_.offset) continue;  // goes with the segment
    if (!std::binary_search(bases.begin(), bases.end(), base)) {
      lost_keys_.push_back(base);
      continue;
    }
    TRY_ASSIGN(keys_[base],
               read_segment_key(fs_, partition_->keys(), {directory_, partition_->key_place(), base}));
  }
  return {};
}

std::shared_ptr<const SegmentKey> PartitionRecovery::key_of(int64_t base) const {
  ASSERT(base >= 0);
  const auto found = keys_.find(base);
  return found == keys_.end() ? nullptr : found->second;
}

// What retention has removed is told by the oldest file, which is on the disk before the first of it goes.
Status PartitionRecovery::load_oldest(std::vector<int64_t>& bases) {
  ASSERT_WHY(options_.seals, "the journal's front is removed by the journal");
  auto read = read_oldest(fs_, directory_);
  if (!read) {
    return corrupt(partition_->name(), "where the partition begins can't be read: " + read.error().message);
  }
  oldest_ = std::move(*read);
  sources_ = oldest_.sources;
  end_.max_time_ms = oldest_.max_time_ms;
  const auto first = std::lower_bound(bases.begin(), bases.end(), oldest_.offset);
  bases.erase(bases.begin(), first);
  // Also the front may have been given up.
  const int64_t begin = gaps().skip(oldest_.offset);
  if (bases.empty() ? begin == 0 || begin > oldest_.offset : bases.front() == begin) return {};
  return corrupt(
      partition_->name(),
      "a segment is missing: " + range(oldest_.offset, bases.empty() ? oldest_.offset + 1 : bases.front()) +
          " are in none of the files of '" + directory_ + "', and nothing says that they were removed");
}

Status PartitionRecovery::take_sealed(int64_t base, const Seal& seal) {
  ASSERT_WHY(options_.seals, "the journal has no seals");
  // What a compaction has committed is there under another name as long as that is unfinished.
  const Seal* const committed = compactions_.find(base);
  // By the seal that was read then: this is the file's second reading, and may give something else.
  const std::string path = committed != nullptr ? compacted_path(directory_, base, committed->compacted.generation)
                                                : segment_path(directory_, base, "log");
  TRY_ASSIGN(const io::FileInfo info, fs_.info(path));
  if (info.size != seal.size_bytes || seal.base_offset != base) {
    return corrupt(partition_->name(), "'" + path + "' has " + std::to_string(info.size) +
                                           " bytes and was sealed with " + std::to_string(seal.size_bytes) +
                                           ": of " + range(base, seal.next_offset) + " some are lost");
  }
  partition_->add_segment(std::make_shared<Segment>(directory_, base, true));
  sealed_bytes_ += seal.size_bytes;
  sources_ = seal.sources;
  end_ = {};
  end_.next_offset = seal.next_offset;
  end_.max_time_ms = seal.max_time_ms;
  return {};
}

Status PartitionRecovery::note_accept(const BatchCursor::Item& item) {
  if (item.header.is_control() || item.header.record_count == 0 || !options_.seals) return {};
  const auto records = opener_.open(item);
  if (!records) {
    return corrupt(partition_->name(), "'" + directory_ + "', " +
                                           range(item.header.base_offset, item.header.last_offset() + 1) + ": " +
                                           records.error().message);
  }
  if (decoder_ == nullptr) decoder_ = std::make_unique<BatchDecoder>(partition_->origin(), nullptr);
  const auto info = decoder_->decode_accept(item.header, *records);
  // Records that do not decode although the checksum holds are reported when they are read.
  if (!info || !*info) return {};
  sources_[(*info)->source] = {(*info)->cursor, item.header.base_offset, item.header.max_timestamp_ms};
  return {};
}

Result<SegmentScan> PartitionRecovery::scan(int64_t base, uint64_t size) {
  TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(segment_path(directory_, base, "log"), io::OpenMode::kRead));
  const auto visit = [this](const BatchCursor::Item& item) { return note_accept(item); };
  opener_.enter(key_of(base));
  return scan_segment(std::move(file), {0, base}, size, epochs_, evidence_, visit);
}

// A finished segment: trusted if it was left cleanly or has a seal that fits; else it must be wholly valid,
// because everything below the next segment's first offset was synced before that was made.
Status PartitionRecovery::take_older(int64_t base, int64_t next) {
  ASSERT(base < next);
  if (!unclean_) {
    partition_->add_segment(std::make_shared<Segment>(directory_, base, true));
    return {};
  }
  TRY_ASSIGN(std::optional<Seal> seal, find_seal(fs_, segment_path(directory_, base, "seal")));
  if (!seal) {
    const std::string path = segment_path(directory_, base, "log");
    TRY_ASSIGN(const io::FileInfo info, fs_.info(path));
    TRY_ASSIGN(const SegmentScan found, scan(base, info.size));
    if (found.damage || found.uncommitted || gaps().skip(found.end.next_offset) != next) {
      return corrupt(partition_->name(), "the finished segment '" + path + "' has no seal and is damaged: " +
                                             range(found.end.next_offset, next) + " can't be read");
    }
    const PartitionEnd& end = found.end;
    seal = Seal{base,
                end.next_offset,
                end.mark_last ? end.next_offset - 1 : end.next_offset,
                end.active_bytes,
                end.active_crc,
                end.first_time_ms,
                end.max_time_ms,
                end.first_epoch,
                found.last_epoch,
                sources_,
                {found.compacted ? 1 : 0, 0, 0, 0}};
    lost_seals_.push_back(*seal);
  }
  TRY(take_sealed(base, *seal));
  if (gaps().skip(end_.next_offset) == next) return {};
  return corrupt(partition_->name(), "a segment is missing: " + range(end_.next_offset, next) +
                                         " are in none of the files of '" + directory_ + "'");
}

Status PartitionRecovery::take_clean(int64_t base, uint64_t size) {
  ASSERT(options_.clean != nullptr && !unclean_);
  end_ = options_.clean->end;
  ASSERT(end_.active_bytes == size && end_.active_base == base);
  auto segment = std::make_shared<Segment>(directory_, base, false);
  segment->set_readable_bytes(size);
  SegmentIndex index;
  if (size > 0) {
    TRY_ASSIGN(std::unique_ptr<io::File> opened,
               fs_.open(segment_path(directory_, base, "log"), io::OpenMode::kRead));
    const std::shared_ptr<const io::File> file = std::move(opened);
    if (index_files_crc(fs_, directory_, base) == options_.clean->index_crc) {
      TRY_ASSIGN(index, load_index(fs_, directory_, base, file, size));
    } else {
      TRY_ASSIGN(index, SegmentIndex::rebuild(file, size));
    }
  }
  segment->set_index(std::move(index));
  partition_->add_segment(std::move(segment));
  return {};
}

Status PartitionRecovery::take_scanned(int64_t base, uint64_t size) {
  ASSERT(unclean_ && !damage_);
  TRY_ASSIGN(SegmentScan found, scan(base, size));
  const std::string path = segment_path(directory_, base, "log");
  if (found.compacted) {
    return corrupt(partition_->name(), "'" + path + "' was compacted, and so others followed it: " +
                                           range(found.end.next_offset, found.end.next_offset + 1) +
                                           " and what stood behind are lost");
  }
  if (found.damage) {
    TRY_ASSIGN(const std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kRead));
    TRY_ASSIGN(const auto mark, last_mark_behind(*file, found.damage->position, size, epochs_));
    TRY(judge_damage(partition_->name(), path, *found.damage, evidence_, epochs_, mark));
    // The mark may be the very batch that can't stand behind outputs nobody committed.
    if (mark && found.uncommitted) found.mark_offset = std::max(found.mark_offset, mark->offset);
  }
  const int64_t before_ms = end_.max_time_ms;
  end_ = found.uncommitted ? *found.uncommitted : found.end;
  end_.max_time_ms = std::max(before_ms, end_.max_time_ms);
  if (found.mark_offset >= end_.next_offset) {
    return corrupt(partition_->name(),
                   "outputs from offset " + std::to_string(end_.next_offset) +
                       " on are not in the commit journal, yet a sync mark behind them says that "
                       "they were committed: the journal has lost entries");
  }
  damage_ = found.damage;
  takes_back_ = found.uncommitted.has_value();
  last_size_ = size;
  found.index.cut(end_.active_bytes);
  auto segment = std::make_shared<Segment>(directory_, base, false);
  segment->set_readable_bytes(end_.active_bytes);
  segment->set_index(std::move(found.index));
  partition_->add_segment(std::move(segment));
  return {};
}

Status PartitionRecovery::take_last(int64_t base) {
  // What was written before offsets were given up is finished: no segment has a gap inside.
  if (const GapTable::Gap* gap = gaps().behind(base)) return take_older(base, gap->below);
  TRY_ASSIGN(const io::FileInfo info, fs_.info(segment_path(directory_, base, "log")));
  if (!unclean_) return take_clean(base, info.size);
  if (options_.seals) {
    TRY_ASSIGN(const std::optional<Seal> seal, find_seal(fs_, segment_path(directory_, base, "seal")));
    if (seal) return take_sealed(base, *seal);
  }
  return take_scanned(base, info.size);
}

// Whatever was promised elsewhere has to be there, even if the files look whole.
Status PartitionRecovery::check_end() const {
  const int64_t end = end_.next_offset;
  if (evidence_.synced_below > end) {
    return corrupt(partition_->name(), range(end, evidence_.synced_below) + " are missing: " + evidence_.witness);
  }
  if (epochs_.current_start() > end) {
    return corrupt(partition_->name(), range(end, epochs_.current_start()) +
                                           " are missing: the epochs file says that they were synced");
  }
  return {};
}

// CLEAN is believed if the files are as it says; otherwise it still bears witness (as evidence).
bool PartitionRecovery::left_clean(const std::vector<int64_t>& bases) const {
  if (options_.clean == nullptr) return false;
  const PartitionEnd& end = options_.clean->end;
  if (!end.has_active) return bases.empty();
  if (bases.empty() || bases.back() != end.active_base) return false;
  const auto info = fs_.info(segment_path(directory_, end.active_base, "log"));
  return info && info->size == end.active_bytes;
}

// A partition that was left without a segment to go on with begins one, whatever the stop was like. CLEAN does not
// speak of one that could not be made to its end, and has nothing.
bool PartitionRecovery::clean() const {
  ASSERT_WHY(!epochs_.empty(), "examine first");
  if (options_.clean == nullptr) return end_.next_offset == 0;
  return !unclean_ || !options_.clean->end.has_active;
}

Status PartitionRecovery::examine() {
  ASSERT_WHY(epochs_.empty(), "examine once");
  auto listed = list_segments(fs_, directory_);
  if (!listed && listed.error().code != ErrorCode::kNotFound) return fail(listed.error());
  std::vector<int64_t> bases;
  for (const int64_t base : listed ? *listed : std::vector<int64_t>()) {
    const auto& passed_over = options_.passed_over;
    if (std::find(passed_over.begin(), passed_over.end(), base) == passed_over.end()) bases.push_back(base);
  }
  TRY_ASSIGN(GapTable table, GapTable::read(fs_, gaps_path(directory_)));
  partition_->set_gaps(std::move(table));
  if (options_.seals) TRY(load_oldest(bases));
  if (options_.seals) {
    TRY_ASSIGN(compactions_, find_unfinished_compactions(fs_, directory_));
    TRY(check_compactions(fs_, directory_, compactions_));
  }
  TRY(load_keys(bases));
  TRY(load_epochs(!bases.empty()));
  unclean_ = !left_clean(bases);
  for (size_t i = 0; i + 1 < bases.size(); ++i) TRY(take_older(bases[i], bases[i + 1]));
  if (!bases.empty()) TRY(take_last(bases.back()));
  end_.next_offset = gaps().skip(end_.next_offset);
  for (const auto& segment : partition_->segments()) segment->set_key(key_of(segment->base_offset()));
  return check_end();
}

const PartitionEnd& PartitionRecovery::end() const {
  return end_;
}

// --- apply ---------------------------------------------------------------------------------------------------

Status PartitionRecovery::save_torn(const io::File& file) const {
  ASSERT(damage_ && damage_->position <= last_size_);
  const std::string path = torn_path(directory_, end_.active_base, damage_->position);
  TRY_ASSIGN(const std::unique_ptr<io::File> torn, fs_.open(path, io::OpenMode::kOpenOrCreate));
  TRY(torn->truncate(0));
  std::string chunk;
  for (uint64_t at = damage_->position; at < last_size_;) {
    chunk.resize(std::min<uint64_t>(size_t{1} << 20, last_size_ - at));
    TRY_ASSIGN(const size_t count, file.read_at(at, chunk));
    if (count == 0) break;
    TRY(torn->write_at(at - damage_->position, std::string_view(chunk).substr(0, count)));
    at += count;
  }
  TRY(torn->sync());
  return fs_.sync_directory(directory_);
}

Status PartitionRecovery::cut() {
  ASSERT(unclean_ && end_.active_bytes <= last_size_);
  TRY_ASSIGN(const std::unique_ptr<io::File> file,
             fs_.open(segment_path(directory_, end_.active_base, "log"), io::OpenMode::kReadWrite));
  if (damage_) {
    TRY(save_torn(*file));
    note(std::to_string(last_size_ - damage_->position) + " bytes that a crash left torn at offset " +
         std::to_string(damage_->offset) + " were cut off and saved as '" +
         torn_path(directory_, end_.active_base, damage_->position) + "' (" + damage_->what +
         "); they stood behind all that a sync mark vouches for");
  }
  if (takes_back_) {
    note("outputs from offset " + std::to_string(end_.next_offset) +
         " on belong to a commit that a crash interrupted, and were taken back");
  }
  if (last_size_ > end_.active_bytes) TRY(file->truncate(end_.active_bytes));
  // Also what is whole may only be in the kernel's memory so far.
  return file->sync();
}

// Left by a crash between the making of a key and that of its segment, or between the removal of both.
Status PartitionRecovery::remove_lost_keys() {
  ASSERT(unclean_);
  for (const int64_t base : lost_keys_) TRY(fs_.remove(segment_path(directory_, base, "key")));
  return {};
}

// Of a removal that was interrupted.
Status PartitionRecovery::finish_removal() {
  ASSERT(oldest_.offset >= 0);
  if (oldest_.offset == 0) return {};
  size_t left = 0;
  TRY(remove_segments_below(fs_, directory_, oldest_.offset, left));
  if (left > 0) {
    note(std::to_string(left) + " files of segments that retention removed can't be deleted; they begin below " +
         "offset " + std::to_string(oldest_.offset) + " and are not used any more");
  }
  return {};
}

Status PartitionRecovery::finish_compaction() {
  ASSERT(options_.seals || compactions_.committed.empty());
  TRY(finish_compactions(fs_, directory_, compactions_));
  for (const Seal& seal : compactions_.committed) {
    if (unclean_) {
      note("the compaction of the segment at offset " + std::to_string(seal.base_offset) +
           ", which was interrupted, is finished");
    }
  }
  return {};
}

Status PartitionRecovery::apply(std::vector<RecoveryNote>& notes) {
  ASSERT_WHY(!epochs_.empty(), "examine first");
  TRY(fs_.make_directories(directory_));
  TRY(finish_removal());
  TRY(finish_compaction());
  for (const Seal& seal : lost_seals_) {
    TRY(io::write_file_atomically(fs_, segment_path(directory_, seal.base_offset, "seal"), seal_text(seal)));
    note("the seal of the finished segment at offset " + std::to_string(seal.base_offset) +
         " was missing and is made again");
  }
  if (unclean_) {
    if (end_.has_active) TRY(cut());
    TRY(remove_lost_keys());
    TRY(fs_.sync_directory(directory_));
    if (!new_epochs_) epochs_.begin(end_.next_offset);
    TRY(io::write_file_atomically(fs_, epochs_path(directory_), epochs_.text()));
  }
  partition_->set_epochs(std::make_shared<const EpochTable>(epochs_));
  partition_->set_sources(unclean_ ? sources_ : options_.clean->sources);
  partition_->add_sealed_bytes(unclean_ ? sealed_bytes_ : options_.clean->sealed_bytes);
  partition_->open_at(end_.next_offset);
  notes.insert(notes.end(), notes_.begin(), notes_.end());
  return {};
}

Status judge_damage(const std::string& place, const std::string& file, const Damage& damage,
                    const Evidence& evidence, const EpochTable& epochs, std::optional<SyncMark> mark_behind) {
  ASSERT(damage.offset >= 0);
  int64_t synced_below = evidence.synced_below;
  std::string witness = evidence.witness;
  if (epochs.current_start() > synced_below) {
    synced_below = epochs.current_start();
    witness = "the epochs file says that they were synced";
  }
  if (mark_behind && mark_behind->offset > synced_below) {
    synced_below = mark_behind->offset;
    witness = "a sync mark behind them says that they were synced";
  }
  if (damage.offset >= synced_below) return {};
  return corrupt(place, "'" + file + "' is damaged at byte " + std::to_string(damage.position) + " (" +
                            damage.what + "): " + range(damage.offset, synced_below) + " can't be read, and " +
                            witness);
}

}  // namespace colloquium::log
