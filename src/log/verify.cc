#include "log/verify.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/batch_crypt.h"
#include "log/batch_decoder.h"
#include "log/clean_marker.h"
#include "log/data_directory.h"
#include "log/journal_state.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/recovery.h"
#include "log/segment_scan.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

struct Place {
  std::string stream;
  int32_t partition = 0;
  std::string folder;
  std::string tag;
};

class Verifier {
 public:
  Verifier(io::FileSystem& fs, std::string directory, const VerifyProgress& progress,
           std::shared_ptr<const KeyRing> keys)
      : fs_(fs), directory_(std::move(directory)), progress_(progress), keys_(std::move(keys)) {}

  Result<VerifyReport> run();

 private:
  Status find_places();
  Status replay_journal();
  Result<bool> open_segment(const Place& place, int64_t base, bool tell);
  Status verify_partition(const Place& place);
  Status verify_segment(const Place& place, int64_t base, bool last, int64_t& next);
  Status verify_seal(const Place& place, int64_t base, const io::File& file, uint64_t size, int64_t next);
  Status report_damage(const Place& place, const std::string& path, const std::shared_ptr<const io::File>& file,
                       uint64_t size, const SegmentScan& scan, bool last, int64_t& next);
  Status check_batch(const Place& place, const BatchCursor::Item& item);
  Evidence evidence_for(const Place& place) const;
  VerifyProblem& add(const Place& place, const std::string& file, std::string what);
  void advance(uint64_t bytes);

  io::FileSystem& fs_;
  const std::string directory_;
  const VerifyProgress& progress_;
  const std::shared_ptr<const KeyRing> keys_;
  VerifyReport report_;
  std::vector<Place> places_;
  JournalState journal_;
  bool journal_closed_ = false;  // it is encrypted, and its key is not given
  std::optional<CleanMarker> clean_;
  EpochTable epochs_;  // of the partition being verified
  GapTable gaps_;      // likewise
  Evidence evidence_;  // likewise
  std::unique_ptr<BatchDecoder> decoder_;
  std::shared_ptr<const SegmentKey> key_;  // of the segment being verified; null: in the clear, or not opened
  BatchOpener opener_;                     // has entered it …
  bool opened_ = false;                    // … if its batches can be looked into
  uint64_t done_bytes_ = 0;
  uint64_t total_bytes_ = 0;
};

VerifyProblem& Verifier::add(const Place& place, const std::string& file, std::string what) {
  ASSERT(!what.empty());
  VerifyProblem problem;
  problem.stream = place.stream;
  problem.partition = place.partition;
  problem.file = file;
  problem.what = std::move(what);
  report_.problems.push_back(std::move(problem));
  return report_.problems.back();
}

void Verifier::advance(uint64_t bytes) {
  done_bytes_ += bytes;
  report_.bytes += bytes;
  if (progress_) progress_(std::min(done_bytes_, total_bytes_), total_bytes_);
}

// Every partition, the journal first, and how many bytes they have.
Status Verifier::find_places() {
  ASSERT(places_.empty());
  places_.push_back({"", 0, journal_directory(directory_), ""});
  TRY_ASSIGN(const std::vector<std::string> names, fs_.list(streams_directory(directory_)));
  for (const std::string& name : names) {
    const auto meta = read_meta(fs_, meta_path(directory_, name));
    if (!meta) {
      if (meta.error().code != ErrorCode::kNotFound) {
        add({name, 0, {}, {}}, meta_path(directory_, name), meta.error().message);
      }
      continue;
    }
    for (int32_t number = 0; number < meta->partitions; ++number) {
      places_.push_back({name, number, partition_directory(directory_, name, number), meta->tag});
    }
  }
  for (const Place& place : places_) {
    const auto bases = list_segments(fs_, place.folder);
    if (!bases) continue;
    for (const int64_t base : *bases) {
      const auto info = fs_.info(segment_path(place.folder, base, "log"));
      if (info) total_bytes_ += info->size;
    }
  }
  return {};
}

// Gets the key of a segment. False if it is not given or its file is damaged; `tell`: the report says so.
Result<bool> Verifier::open_segment(const Place& place, int64_t base, bool tell) {
  const SegmentName segment{place.folder, key_place(place.stream, place.tag, place.partition), base};
  ASSERT(base >= 0);
  key_ = nullptr;
  opened_ = false;
  const auto stored = find_stored_key(fs_, segment);
  if (!stored && stored.error().code != ErrorCode::kCorrupt) return fail(stored.error());
  const bool missing = stored && *stored && (keys_ == nullptr || !keys_->has((*stored)->kek_id));
  if (missing && tell) ++report_.keys_needed[(*stored)->kek_id];
  if (missing) return false;
  Error damage;
  if (!stored) {
    damage = stored.error();
  } else if (*stored) {
    auto key = open_stored_key(keys_, segment, **stored);
    if (key) key_ = std::move(*key);
    if (!key) damage = key.error();
  }
  opened_ = damage.message.empty();
  opener_.enter(key_);
  if (opened_ || !tell) return opened_;
  VerifyProblem& problem = add(place, segment_path(place.folder, base, "key"), damage.message);
  problem.first_offset = base;
  return false;
}

// What the journal says; if it can't be read, that is found when its own segment is verified.
Status Verifier::replay_journal() {
  const std::string folder = journal_directory(directory_);
  const auto bases = list_segments(fs_, folder);
  if (!bases) return {};
  for (auto base = bases->rbegin(); base != bases->rend(); ++base) {
    TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(segment_path(folder, *base, "log"), io::OpenMode::kRead));
    TRY_ASSIGN(const io::FileInfo info, file->info());
    TRY_ASSIGN(journal_closed_, open_segment(places_.front(), *base, false));
    journal_closed_ = !journal_closed_;
    if (journal_closed_) return {};
    JournalState state;
    const Status replayed = state.replay(std::move(file), info.size, *base, folder, key_);
    if (!replayed && replayed.error().code != ErrorCode::kCorrupt) return replayed;
    journal_ = std::move(state);  // as far as it went
    if (replayed) break;
  }
  return {};
}

Evidence Verifier::evidence_for(const Place& place) const {
  Evidence evidence = place.stream.empty() ? Evidence() : journal_.evidence_for(place.stream, place.partition);
  // Then nobody can say that an output was not committed.
  if (journal_closed_) evidence.committed_end = std::numeric_limits<int64_t>::max();
  if (!clean_) return evidence;
  const auto found = clean_->find({place.stream, place.partition});
  if (found != clean_->end()) evidence.testify(found->second.end.next_offset, "CLEAN says that they were there");
  return evidence;
}

Status Verifier::check_batch(const Place& place, const BatchCursor::Item& item) {
  ASSERT(decoder_ != nullptr);
  advance(item.bytes.size());
  if (item.header.is_control()) return {};
  if (!place.stream.empty()) {
    ++report_.batches;
    report_.events += static_cast<uint64_t>(item.header.record_count);
  }
  if (!opened_) return {};
  const auto records = opener_.open(item);
  Error defect;
  if (!records) defect = records.error();
  if (records) {
    const auto decoded = decoder_->decode(item.header, *records);
    if (decoded) return {};
    defect = decoded.error();
  }
  VerifyProblem& problem = add(place, place.folder, defect.message);
  problem.position = item.position;
  problem.first_offset = item.header.base_offset;
  problem.last_offset = item.header.last_offset();
  return {};
}

// Adds a problem per damaged stretch, going on at the next valid batch behind it.
Status Verifier::report_damage(const Place& place, const std::string& path,
                               const std::shared_ptr<const io::File>& file, uint64_t size,
                               const SegmentScan& first, bool last, int64_t& next) {
  ASSERT(first.damage.has_value());
  TRY_ASSIGN(const auto mark, last_mark_behind(*file, first.damage->position, size, epochs_));
  SegmentScan scan = first;
  while (scan.damage) {
    const Damage damage = *scan.damage;
    VerifyProblem& problem = add(place, path, damage.what);
    problem.position = damage.position;
    problem.first_offset = damage.offset;
    problem.torn = last && judge_damage("", path, damage, evidence_, epochs_, mark).has_value();
    TRY_ASSIGN(const auto more, next_batch_behind(*file, {damage.position, damage.offset}, size, epochs_));
    advance((more ? more->position : size) - damage.position);
    if (!more) break;
    report_.problems.back().last_offset = more->offset - 1;
    const auto visit = [&](const BatchCursor::Item& item) { return check_batch(place, item); };
    TRY_ASSIGN(scan, scan_segment(file, *more, size, epochs_, {}, visit));
  }
  next = scan.end.next_offset;
  return {};
}

Status Verifier::verify_seal(const Place& place, int64_t base, const io::File& file, uint64_t size, int64_t next) {
  ASSERT_WHY(!place.stream.empty(), "the journal has no seals");
  const std::string path = segment_path(place.folder, base, "seal");
  const auto seal = read_seal(fs_, path);
  if (!seal) {
    add(place, path, seal.error().message);
    return {};
  }
  if (seal->size_bytes != size) {
    add(place, path,
        "the segment has " + std::to_string(size) + " bytes and was sealed with " +
            std::to_string(seal->size_bytes));
  } else if (seal->next_offset != next) {
    add(place, path,
        "the segment ends before offset " + std::to_string(next) + " and was sealed with " +
            std::to_string(seal->next_offset));
  } else {
    uint32_t crc = 0;
    std::string chunk(size_t{1} << 20, '\0');
    for (uint64_t at = 0; at < size;) {
      TRY_ASSIGN(const size_t count, file.read_at(at, chunk));
      if (count == 0) break;
      crc = io::crc32c(std::string_view(chunk).substr(0, count), crc);
      at += count;
    }
    if (crc != seal->crc) add(place, path, "the segment's bytes do not have the sum it was sealed with");
  }
  return {};
}

Status Verifier::verify_segment(const Place& place, int64_t base, bool last, int64_t& next) {
  ASSERT(base >= 0 && !epochs_.empty());
  const std::string path = segment_path(place.folder, base, "log");
  ++report_.segments;
  if (next >= 0 && gaps_.skip(next) != base) {
    VerifyProblem& problem = add(place, path, "a segment is missing before it");
    problem.first_offset = next;
    problem.last_offset = base - 1;
  }
  TRY_ASSIGN(std::unique_ptr<io::File> opened, fs_.open(path, io::OpenMode::kRead));
  const std::shared_ptr<const io::File> file = std::move(opened);
  TRY_ASSIGN(const io::FileInfo info, file->info());
  TRY(open_segment(place, base, true));
  const auto visit = [&](const BatchCursor::Item& item) { return check_batch(place, item); };
  TRY_ASSIGN(const SegmentScan scan, scan_segment(file, {0, base}, info.size, epochs_, evidence_, visit));
  next = scan.end.next_offset;
  if (scan.damage) TRY(report_damage(place, path, file, info.size, scan, last, next));
  if (scan.uncommitted) {
    VerifyProblem& problem = add(place, path, "outputs of a commit that is not in the journal");
    problem.position = scan.uncommitted->active_bytes;
    problem.first_offset = scan.uncommitted->next_offset;
    problem.last_offset = next - 1;
    problem.torn = last;
  }
  const bool sealed = fs_.info(segment_path(place.folder, base, "seal")).has_value();
  // The journal's segments are deleted, never sealed.
  if (place.stream.empty() || (last && !sealed)) return {};
  return verify_seal(place, base, *file, info.size, next);
}

Status Verifier::verify_partition(const Place& place) {
  if (!place.stream.empty()) ++report_.partitions;
  auto bases = list_segments(fs_, place.folder);
  if (!bases) {
    if (!place.stream.empty()) add(place, place.folder, bases.error().message);
    return {};
  }
  // The journal's front is its own to remove; a stream's is told of before it goes.
  int64_t next = -1;
  if (!place.stream.empty()) {
    const auto oldest = read_oldest(fs_, place.folder);
    if (!oldest) add(place, oldest_path(place.folder), oldest.error().message);
    if (oldest) next = oldest->offset;
    bases->erase(bases->begin(), std::lower_bound(bases->begin(), bases->end(), next));
  }
  auto epochs = EpochTable::read(fs_, epochs_path(place.folder));
  if (!epochs) {
    add(place, epochs_path(place.folder), epochs.error().message);
    return {};
  }
  epochs_ = std::move(*epochs);
  auto gaps = GapTable::read(fs_, gaps_path(place.folder));
  if (!gaps) add(place, gaps_path(place.folder), gaps.error().message);
  gaps_ = gaps ? std::move(*gaps) : GapTable();
  evidence_ = evidence_for(place);
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = place.stream;
  decoder_ = std::make_unique<BatchDecoder>(std::move(origin), nullptr);
  for (const int64_t base : *bases) TRY(verify_segment(place, base, base == bases->back(), next));
  next = gaps_.skip(std::max<int64_t>(next, 0));
  evidence_.testify(epochs_.current_start(), "the epochs file says that they were synced");
  const bool told = !report_.problems.empty() && report_.problems.back().first_offset >= 0 &&
                    report_.problems.back().stream == place.stream &&
                    report_.problems.back().partition == place.partition && !report_.problems.back().torn;
  if (evidence_.synced_below > next && !told) {
    VerifyProblem& problem = add(place, place.folder, "they are missing, and " + evidence_.witness);
    problem.first_offset = next;
    problem.last_offset = evidence_.synced_below - 1;
  }
  return {};
}

Result<VerifyReport> Verifier::run() {
  TRY(read_format(fs_, directory_));
  TRY_ASSIGN(clean_, read_clean(fs_, clean_path(directory_)));
  TRY(find_places());
  TRY(replay_journal());
  for (const Place& place : places_) TRY(verify_partition(place));
  ASSERT_WHY(report_.partitions + 1 == places_.size(), "the journal is a place and no partition");
  return std::move(report_);
}

}  // namespace

std::string VerifyProblem::describe() const {
  ASSERT(!what.empty());
  std::string text = stream.empty() ? std::string("journal") : partition_name(stream, partition);
  text += ": '" + file + "' byte " + std::to_string(position);
  if (first_offset >= 0) text += ", offset " + std::to_string(first_offset);
  if (last_offset > first_offset) text += " to " + std::to_string(last_offset);
  return text + ": " + (torn ? "torn by a crash" : "corrupt") + ": " + what;
}

bool VerifyReport::corrupt() const {
  return std::any_of(problems.begin(), problems.end(), [](const VerifyProblem& problem) { return !problem.torn; });
}

Result<VerifyReport> verify_data_directory(io::FileSystem& fs, const std::string& directory,
                                           const VerifyProgress& progress, std::shared_ptr<const KeyRing> keys) {
  return Verifier(fs, directory, progress, std::move(keys)).run();
}

}  // namespace colloquium::log
