#include "log/recovery.h"

#include <algorithm>

#include "base/assert.h"
#include "log/accept_header.h"
#include "log/batch_decoder.h"
#include "log/layout.h"

namespace colloquium::log {
namespace {

std::string range(int64_t from, int64_t below) {
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

// Recovers one partition; see recover_partition.
class Recovery {
 public:
  Recovery(io::FileSystem& fs, Partition& partition, const Evidence& evidence, const RecoveryOptions& options)
      : fs_(fs),
        partition_(partition),
        directory_(partition.directory()),
        evidence_(evidence),
        options_(options) {}

  Result<Recovered> run();

 private:
  Status load_epochs(bool has_segments);
  Status take_sealed(int64_t base, const Seal& seal);
  Status take_older(const std::vector<int64_t>& bases, size_t i);
  Status take_last(int64_t base);
  Status take_clean(int64_t base, uint64_t size);
  Status scan_last(int64_t base, uint64_t size);
  Status repair(int64_t base, const SegmentScan& scan, uint64_t size);
  Status save_torn(const io::File& file, int64_t base, uint64_t from, uint64_t size);
  Status check_end() const;
  Status finish();
  Status seal_again(int64_t base, const SegmentScan& scan);
  Result<SegmentScan> scan(int64_t base, uint64_t size);
  Status note_accept(const BatchCursor::Item& item);
  void note(std::string text) { recovered_.notes.push_back({partition_.name(), std::move(text)}); }

  io::FileSystem& fs_;
  Partition& partition_;
  const std::string& directory_;
  const Evidence& evidence_;
  const RecoveryOptions& options_;
  EpochTable epochs_;
  Recovered recovered_;
  SourceMarks sources_;
  uint64_t sealed_bytes_ = 0;
  bool unclean_ = true;
  std::unique_ptr<BatchDecoder> decoder_;
};

Status Recovery::load_epochs(bool has_segments) {
  auto read = EpochTable::read(fs_, epochs_path(directory_));
  if (read) {
    epochs_ = std::move(*read);
    return {};
  }
  if (read.error().code != ErrorCode::kNotFound || has_segments) {
    return corrupt(partition_.name(), "the epochs of the partition can't be read: " + read.error().message);
  }
  epochs_.begin(0);
  return io::write_file_atomically(fs_, epochs_path(directory_), epochs_.text());
}

Status Recovery::take_sealed(int64_t base, const Seal& seal) {
  const std::string path = segment_path(directory_, base, "log");
  TRY_ASSIGN(const io::FileInfo info, fs_.info(path));
  if (info.size != seal.size_bytes || seal.base_offset != base) {
    return corrupt(partition_.name(), "'" + path + "' has " + std::to_string(info.size) +
                                          " bytes and was sealed with " + std::to_string(seal.size_bytes) +
                                          ": of " + range(base, seal.next_offset) + " some are lost");
  }
  auto segment = std::make_shared<Segment>(directory_, base, true);
  segment->set_readable_bytes(seal.size_bytes);
  partition_.add_segment(std::move(segment));
  sealed_bytes_ += seal.size_bytes;
  sources_ = seal.sources;
  recovered_.end = {};
  recovered_.end.next_offset = seal.next_offset;
  recovered_.end.max_time_ms = seal.max_time_ms;
  return {};
}

Status Recovery::note_accept(const BatchCursor::Item& item) {
  if (item.header.is_control()) return {};
  if (decoder_ == nullptr) decoder_ = std::make_unique<BatchDecoder>(partition_.origin(), nullptr);
  const auto info = decoder_->decode_accept(item.header, item.records());
  // Records that do not decode although the checksum holds are reported when they are read.
  if (!info || !*info) return {};
  sources_[(*info)->source] = {(*info)->cursor, item.header.base_offset, item.header.max_timestamp_ms};
  return {};
}

Result<SegmentScan> Recovery::scan(int64_t base, uint64_t size) {
  const std::string path = segment_path(directory_, base, "log");
  TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kRead));
  const auto visit = [this](const BatchCursor::Item& item) -> Status {
    if (options_.visit) TRY(options_.visit(item));
    return options_.seals ? note_accept(item) : Status();
  };
  const std::shared_ptr<const io::File> shared = std::move(file);
  return scan_segment(shared, size, base, epochs_, evidence_, visit);
}

// A finished segment: trusted if it was left cleanly or has a seal that fits; else it must be wholly valid,
// because everything below the next segment's first offset was synced before that was made.
Status Recovery::take_older(const std::vector<int64_t>& bases, size_t i) {
  const int64_t base = bases[i];
  const int64_t next = bases[i + 1];
  if (!unclean_) {
    partition_.add_segment(std::make_shared<Segment>(directory_, base, true));
    return {};
  }
  const std::string path = segment_path(directory_, base, "seal");
  const auto seal = read_seal(fs_, path);
  if (!seal && seal.error().code != ErrorCode::kNotFound && seal.error().code != ErrorCode::kCorrupt) {
    return fail(seal.error());
  }
  if (seal) {
    TRY(take_sealed(base, *seal));
  } else {
    TRY_ASSIGN(const io::FileInfo info, fs_.info(segment_path(directory_, base, "log")));
    TRY_ASSIGN(const SegmentScan found, scan(base, info.size));
    if (found.damage || found.end.next_offset != next) {
      return corrupt(partition_.name(), "the finished segment '" + segment_path(directory_, base, "log") +
                                            "' has no seal and is damaged: " + range(found.end.next_offset, next) +
                                            " can't be read");
    }
    TRY(seal_again(base, found));
  }
  if (recovered_.end.next_offset == next) return {};
  return corrupt(partition_.name(), "a segment is missing: " + range(recovered_.end.next_offset, next) +
                                        " are in none of the files of '" + directory_ + "'");
}

Status Recovery::seal_again(int64_t base, const SegmentScan& found) {
  const PartitionEnd& end = found.end;
  Seal seal{base,
            end.next_offset,
            end.active_bytes,
            end.active_crc,
            end.first_time_ms,
            end.max_time_ms,
            end.first_epoch,
            found.last_epoch,
            sources_};
  TRY(io::write_file_atomically(fs_, segment_path(directory_, base, "seal"), seal_text(seal)));
  note("the seal of the finished segment at offset " + std::to_string(base) + " was missing and is made again");
  return take_sealed(base, seal);
}

Status Recovery::take_clean(int64_t base, uint64_t size) {
  const PartitionEnd& end = options_.clean->end;
  ASSERT(end.active_bytes == size && end.active_base == base);
  auto segment = std::make_shared<Segment>(directory_, base, false);
  segment->set_readable_bytes(size);
  SegmentIndex index;
  const uint32_t crc = index_files_crc(fs_, directory_, base);
  if (size > 0) {
    TRY_ASSIGN(std::unique_ptr<io::File> opened,
               fs_.open(segment_path(directory_, base, "log"), io::OpenMode::kRead));
    const std::shared_ptr<const io::File> file = std::move(opened);
    if (crc == options_.clean->index_crc) {
      TRY_ASSIGN(index, load_index(fs_, directory_, base, file, size));
    } else {
      TRY_ASSIGN(index, SegmentIndex::rebuild(file, size));
    }
  }
  segment->set_index(std::move(index));
  partition_.add_segment(std::move(segment));
  recovered_.end = end;
  return {};
}

Status Recovery::save_torn(const io::File& file, int64_t base, uint64_t from, uint64_t size) {
  TRY_ASSIGN(const std::unique_ptr<io::File> torn,
             fs_.open(torn_path(directory_, base, from), io::OpenMode::kOpenOrCreate));
  TRY(torn->truncate(0));
  std::string chunk;
  for (uint64_t at = from; at < size;) {
    chunk.resize(std::min<uint64_t>(size_t{1} << 20, size - at));
    TRY_ASSIGN(const size_t count, file.read_at(at, chunk));
    if (count == 0) break;
    TRY(torn->write_at(at - from, std::string_view(chunk).substr(0, count)));
    at += count;
  }
  TRY(torn->sync());
  return fs_.sync_directory(directory_);
}

Status Recovery::repair(int64_t base, const SegmentScan& found, uint64_t size) {
  const PartitionEnd& end = found.uncommitted ? *found.uncommitted : found.end;
  if (end.active_bytes == size) return {};
  const std::string path = segment_path(directory_, base, "log");
  TRY_ASSIGN(const std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kReadWrite));
  if (found.damage) {
    TRY(save_torn(*file, base, found.damage->position, size));
    note(std::to_string(size - found.damage->position) + " bytes that a crash left torn at offset " +
         std::to_string(found.damage->offset) + " were cut off and saved as '" +
         torn_path(directory_, base, found.damage->position) + "' (" + found.damage->what +
         "); they were never acknowledged as durable");
  }
  if (found.uncommitted) {
    note("outputs from offset " + std::to_string(end.next_offset) +
         " on belong to a commit that a crash interrupted, "
         "and were taken back");
  }
  TRY(file->truncate(end.active_bytes));
  return file->sync();
}

Status Recovery::scan_last(int64_t base, uint64_t size) {
  TRY_ASSIGN(SegmentScan found, scan(base, size));
  const std::string path = segment_path(directory_, base, "log");
  if (found.damage) {
    TRY_ASSIGN(const std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kRead));
    TRY_ASSIGN(const auto mark, last_mark_behind(*file, found.damage->position, size, epochs_));
    TRY(judge_damage(partition_.name(), path, *found.damage, evidence_, epochs_, mark));
  }
  if (found.uncommitted && found.mark_offset >= found.uncommitted->next_offset) {
    return corrupt(partition_.name(),
                   "outputs from offset " + std::to_string(found.uncommitted->next_offset) +
                       " on are not in the commit journal, yet a sync mark behind them says that "
                       "they were committed: the journal has lost entries");
  }
  recovered_.end = found.uncommitted ? *found.uncommitted : found.end;
  TRY(check_end());
  TRY(repair(base, found, size));
  found.index.cut(recovered_.end.active_bytes);
  auto segment = std::make_shared<Segment>(directory_, base, false);
  segment->set_readable_bytes(recovered_.end.active_bytes);
  segment->set_index(std::move(found.index));
  partition_.add_segment(std::move(segment));
  return {};
}

Status Recovery::take_last(int64_t base) {
  TRY_ASSIGN(const io::FileInfo info, fs_.info(segment_path(directory_, base, "log")));
  if (!unclean_) return take_clean(base, info.size);
  if (options_.seals) {
    const auto seal = read_seal(fs_, segment_path(directory_, base, "seal"));
    if (seal) return take_sealed(base, *seal);
    if (seal.error().code != ErrorCode::kNotFound && seal.error().code != ErrorCode::kCorrupt) {
      return fail(seal.error());
    }
  }
  return scan_last(base, info.size);
}

// Whatever was promised elsewhere has to be there, even if the files look whole.
Status Recovery::check_end() const {
  const int64_t end = recovered_.end.next_offset;
  if (evidence_.synced_below > end) {
    return corrupt(partition_.name(), range(end, evidence_.synced_below) + " are missing: " + evidence_.witness);
  }
  if (epochs_.current_start() > end) {
    return corrupt(partition_.name(), range(end, epochs_.current_start()) +
                                          " are missing: the epochs file says that they were synced");
  }
  return {};
}

Status Recovery::finish() {
  TRY(check_end());
  if (unclean_) {
    // What was read may only be in the kernel's memory so far, and the file's name too.
    if (recovered_.end.has_active) {
      TRY_ASSIGN(const std::unique_ptr<io::File> file,
                 fs_.open(segment_path(directory_, recovered_.end.active_base, "log"), io::OpenMode::kReadWrite));
      TRY(file->sync());
    }
    TRY(fs_.sync_directory(directory_));
    epochs_.begin(recovered_.end.next_offset);
    TRY(io::write_file_atomically(fs_, epochs_path(directory_), epochs_.text()));
  }
  partition_.set_epochs(std::make_shared<const EpochTable>(epochs_));
  partition_.set_sources(unclean_ ? sources_ : options_.clean->sources);
  partition_.set_sealed_bytes(unclean_ ? sealed_bytes_ : options_.clean->sealed_bytes);
  partition_.open_at(recovered_.end.next_offset);
  return {};
}

Result<Recovered> Recovery::run() {
  TRY_ASSIGN(const std::vector<int64_t> bases, list_segments(fs_, directory_));
  TRY(load_epochs(!bases.empty()));
  if (options_.clean != nullptr) {
    // CLEAN is believed if the files are as it says; otherwise it still bears witness.
    const PartitionEnd& end = options_.clean->end;
    uint64_t size = 0;
    if (end.has_active) {
      const auto info = fs_.info(segment_path(directory_, end.active_base, "log"));
      size = info ? info->size : ~uint64_t{0};
    }
    const bool active_is_last = end.has_active ? !bases.empty() && bases.back() == end.active_base : true;
    unclean_ = !(active_is_last && size == (end.has_active ? end.active_bytes : 0));
    if (!end.has_active && unclean_ == false && !bases.empty()) unclean_ = true;
  }
  const size_t older = options_.seals && !bases.empty() ? bases.size() - 1 : 0;
  for (size_t i = 0; i < older; ++i) TRY(take_older(bases, i));
  if (!bases.empty()) TRY(take_last(bases.back()));
  TRY(finish());
  return std::move(recovered_);
}

}  // namespace

Status judge_damage(const std::string& place, const std::string& file, const Damage& damage,
                    const Evidence& evidence, const EpochTable& epochs, std::optional<SyncMark> mark_behind) {
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

Result<Recovered> recover_partition(io::FileSystem& fs, Partition& partition, const Evidence& evidence,
                                    const RecoveryOptions& options) {
  return Recovery(fs, partition, evidence, options).run();
}

}  // namespace colloquium::log
