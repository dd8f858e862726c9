#include "log/open_data.h"

#include <algorithm>

#include "base/assert.h"
#include "io/path.h"
#include "log/checkpoint_file.h"
#include "log/clean_marker.h"
#include "log/data_directory.h"
#include "log/layout.h"
#include "log/recovery.h"
#include "log/repair_plan.h"
#include "log/stream_list.h"

namespace colloquium::log {
namespace {

const CleanEntry* entry_of(const std::optional<CleanMarker>& clean, const std::string& stream, int32_t number) {
  if (!clean) return nullptr;
  const auto found = clean->find({stream, number});
  return found == clean->end() ? nullptr : &found->second;
}

// A leg that has offsets before it which were given up goes on behind them; that is said at every start until it
// has.
void note_legs_at_gaps(const std::map<std::string, LegState>& legs, const Partition& partition,
                       std::vector<RecoveryNote>& notes) {
  for (const auto& [leg, state] : legs) {
    for (const LegState::StreamPosition& position : state.positions) {
      if (position.stream != partition.stream() || position.partition != partition.number()) continue;
      for (const GapTable::Gap& gap : partition.gaps().gaps()) {
        ASSERT(gap.from < gap.below);
        if (position.next_offset >= gap.below) continue;
        notes.push_back({partition.name(), "leg '" + leg + "' stands at offset " +
                                               std::to_string(position.next_offset) +
                                               " and goes on behind offsets " + std::to_string(gap.from) + " to " +
                                               std::to_string(gap.below - 1) +
                                               ", which a repair gave up as lost or a restore passed over"});
      }
    }
  }
}

// Opens the streams of a data directory, one after the other.
class Opener {
 public:
  Opener(const LogOptions& options, OpenData& data) : options_(options), fs_(*options.files), data_(data) {}
  Status run();

 private:
  Status examine_streams();
  Status examine_partition(const OpenStream& stream, int32_t number, size_t memory_bytes);
  Status apply();
  Status sync_names();
  Status check_absent() const;

  const LogOptions& options_;
  io::FileSystem& fs_;
  OpenData& data_;
  std::optional<CleanMarker> clean_;
  std::vector<std::unique_ptr<PartitionRecovery>> recoveries_;  // in the order of streams and partitions
};

Status Opener::examine_partition(const OpenStream& stream, int32_t number, size_t memory_bytes) {
  ASSERT(number >= 0 && number < stream.meta.partitions);
  const std::string folder = partition_directory(options_.directory, stream.name, number);
  auto partition = std::make_shared<Partition>(fs_, folder, stream.name, stream.meta.tag, number, memory_bytes);
  partition->set_keys(options_.keys);
  Evidence evidence = data_.journal->state().evidence_for(stream.name, number);
  const CleanEntry* clean = entry_of(clean_, stream.name, number);
  if (clean != nullptr)
    evidence.testify(clean->end.next_offset, "CLEAN says that they were there at the last stop");
  recoveries_.push_back(std::make_unique<PartitionRecovery>(fs_, std::move(partition), std::move(evidence),
                                                            RecoveryOptions{clean, true, {}}));
  return recoveries_.back()->examine();
}

Status Opener::examine_streams() {
  TRY_ASSIGN(const std::vector<std::string> names, list_streams(fs_, options_.directory));
  size_t partitions = 0;
  for (const std::string& name : names) {
    auto stream = std::make_unique<OpenStream>();
    stream->name = name;
    TRY_ASSIGN(stream->meta, read_meta(fs_, meta_path(options_.directory, name)));
    partitions += static_cast<size_t>(stream->meta.partitions);
    data_.streams.push_back(std::move(stream));
  }
  TRY(check_absent());
  const size_t memory_bytes = memory_share(options_, partitions);
  for (const auto& stream : data_.streams) {
    for (int32_t number = 0; number < stream->meta.partitions; ++number) {
      TRY(examine_partition(*stream, number, memory_bytes));
    }
  }
  return {};
}

// What is gone, with all that would tell of it.
Status Opener::check_absent() const {
  ASSERT(data_.journal != nullptr);
  std::map<std::string, int32_t> streams;
  for (const auto& stream : data_.streams) streams[stream->name] = stream->meta.partitions;
  const auto absent = absent_partitions(data_.journal->state(), clean_, streams);
  return absent.empty() ? Status() : fail(absent.front().error());
}

// A name that is there need not be durable: who made it may have died, or failed, before the folder was synced.
// Partitions sync their own folders.
Status Opener::sync_names() {
  ASSERT(!options_.directory.empty());
  TRY(fs_.make_directories(streams_directory(options_.directory)));
  TRY(fs_.make_directories(journal_directory(options_.directory)));
  // Here and not with the first checkpoint: a failed sync of the data directory is then a start that failed. A disk
  // that is full is no reason not to start.
  const Status made = make_checkpoint_folder(fs_, options_.directory);
  if (!made && made.error().code != ErrorCode::kNoSpace) return made;
  TRY(fs_.sync_directory(options_.directory));
  TRY(fs_.sync_directory(streams_directory(options_.directory)));
  for (const auto& stream : data_.streams) {
    TRY(fs_.sync_directory(stream_directory(options_.directory, stream->name)));
  }
  return {};
}

Status Opener::apply() {
  ASSERT(data_.journal != nullptr);
  std::vector<RecoveryNote> notes;
  TRY(sync_names());
  TRY(data_.journal->apply(notes));
  const std::map<std::string, LegState> legs = data_.journal->state().checkpoint().legs;
  auto recovery = recoveries_.begin();
  for (const auto& stream : data_.streams) {
    for (int32_t number = 0; number < stream->meta.partitions; ++number, ++recovery) {
      TRY((*recovery)->apply(notes));
      note_legs_at_gaps(legs, *(*recovery)->partition(), notes);
      stream->writers.push_back(
          std::make_unique<PartitionWriter>((*recovery)->partition(), (*recovery)->end(), options_.segment_bytes));
    }
  }
  ASSERT(recovery == recoveries_.end());
  for (const RecoveryNote& note : notes) data_.report.notes.push_back({note.partition, note.text});
  // From the next write on CLEAN would be a lie.
  if (fs_.info(clean_path(options_.directory))) {
    TRY(fs_.remove(clean_path(options_.directory)));
    TRY(fs_.sync_directory(options_.directory));
  }
  return {};
}

Status Opener::run() {
  ASSERT(data_.streams.empty() && recoveries_.empty());
  TRY_ASSIGN(clean_, read_clean(fs_, clean_path(options_.directory)));
  TRY_ASSIGN(data_.journal, Journal::examine(fs_, options_.directory, entry_of(clean_, "", 0),
                                             options_.journal_segment_bytes, options_.keys));
  TRY(examine_streams());
  data_.report.clean =
      clean_ && data_.journal->left_clean() &&
      std::all_of(recoveries_.begin(), recoveries_.end(), [](const auto& r) { return r->clean(); });
  data_.journal->state().forget_outputs();
  return apply();
}

}  // namespace

size_t memory_share(const LogOptions& options, size_t partitions) {
  ASSERT(options.memory_bytes > 0 && options.memory_bytes_total > 0);
  return std::min(options.memory_bytes, options.memory_bytes_total / std::max<size_t>(1, partitions));
}

Result<OpenData> open_data(const LogOptions& options) {
  TRY(refuse_unfinished(*options.files, options.directory));
  return recover_data(options);
}

Result<OpenData> recover_data(const LogOptions& options) {
  OpenData data;
  TRY_ASSIGN(const DataFormat format, open_format(*options.files, options.directory, *options.random));
  data.tag = format.tag;
  TRY(Opener(options, data).run());
  ASSERT(data.journal != nullptr);
  return data;
}

Result<std::unique_ptr<OpenStream>> make_stream(const LogOptions& options, const StreamSpec& spec,
                                                size_t memory_bytes) {
  ASSERT(spec.partitions > 0 && options.files != nullptr && options.random != nullptr);
  io::FileSystem& fs = *options.files;
  auto stream = std::make_unique<OpenStream>();
  stream->name = spec.name;
  stream->meta.partitions = spec.partitions;
  stream->meta.tag = random_tag(*options.random);
  TRY(create_stream(fs, options.directory, spec.name, stream->meta));
  for (int32_t number = 0; number < spec.partitions; ++number) {
    const std::string folder = partition_directory(options.directory, spec.name, number);
    auto partition = std::make_shared<Partition>(fs, folder, spec.name, stream->meta.tag, number, memory_bytes);
    partition->set_keys(options.keys);
    TRY_ASSIGN(EpochTable epochs, EpochTable::read(fs, epochs_path(folder)));
    partition->set_epochs(std::make_shared<const EpochTable>(std::move(epochs)));
    stream->writers.push_back(
        std::make_unique<PartitionWriter>(std::move(partition), PartitionEnd{}, options.segment_bytes));
  }
  return stream;
}

Status write_clean(io::FileSystem& fs, const std::string& directory, Journal& journal,
                   const std::vector<OpenStream*>& streams) {
  CleanMarker marker;
  const auto note = [&](const std::string& stream, int32_t number, PartitionWriter& writer) -> Status {
    ASSERT(!writer.in_group());
    TRY(writer.leave_spent_epoch());
    TRY(writer.store_active_index());
    CleanEntry& entry = marker[{stream, number}];
    entry.end = writer.end();
    entry.sealed_bytes = writer.partition().sealed_bytes();
    entry.index_crc = index_files_crc(fs, writer.partition().directory(), entry.end.active_base);
    entry.sources = writer.partition().sources();
    return {};
  };
  TRY(note("", 0, journal.writer()));
  for (const OpenStream* stream : streams) {
    for (size_t i = 0; i < stream->writers.size(); ++i) {
      TRY(note(stream->name, static_cast<int32_t>(i), *stream->writers[i]));
    }
  }
  return io::write_file_atomically(fs, clean_path(directory), clean_text(marker));
}

}  // namespace colloquium::log
