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
#include "log/journal_look.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/recovery.h"
#include "log/repair_plan.h"
#include "log/segment_file.h"
#include "log/segment_scan.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

// While nothing changes, so many pauses are waited before what looks torn is called so; as many while the end of a
// segment moves and the damage does not.
constexpr int kLooks = 80;
// How often the journal is looked at from its beginning while its segments are replaced.
constexpr int kJournalLooks = 100;

struct Place {
  std::string stream;
  int32_t partition = 0;
  std::string folder;
  std::string tag;

  bool is_journal() const { return stream.empty(); }
};

// A segment as it was found when its partition was listed.
struct Listed {
  int64_t base = 0;
  bool last = false;
  bool sealed = false;
};

class Verifier {
 public:
  Verifier(io::FileSystem& fs, std::string directory, const VerifyProgress& progress,
           std::shared_ptr<const KeyRing> keys, const VerifyPause& pause)
      : fs_(fs),
        directory_(std::move(directory)),
        progress_(progress),
        keys_(std::move(keys)),
        pause_(pause),
        steady_looks_left_(pause == nullptr ? 0 : kLooks) {}

  Result<VerifyReport> run();

 private:
  Status find_places();
  Status read_journal();
  Status refresh(const Place& place);
  Result<bool> open_segment(const Place& place, int64_t base);
  Status verify_journal();
  Status verify_partition(const Place& place);
  Result<std::vector<Listed>> list(const Place& place, int64_t oldest);
  Status verify_listed(const Place& place, const Listed& segment, int64_t& next);
  Result<bool> removed(const Place& place, int64_t base, int64_t& next) const;
  Status look_at_segment(const Place& place, const Listed& segment, int64_t& next);
  Result<SegmentScan> scan(const Place& place, const Listed& segment, const std::shared_ptr<const io::File>& file,
                           uint64_t size);
  Status verify_seal(const Place& place, const SegmentFile& opened, const Result<Seal>& seal, int64_t base,
                     const SegmentScan& found, int64_t next);
  Status report_damage(const Place& place, const std::string& path, const std::shared_ptr<const io::File>& file,
                       uint64_t size, const SegmentScan& scan, bool last, int64_t& next);
  void check_end(const Place& place, const Evidence& evidence, int64_t next);
  Status check_batch(const Place& place, const BatchCursor::Item& item);
  Evidence evidence_for(const Place& place) const;
  VerifyProblem& add(const Place& place, const std::string& file, std::string what);
  void advance(uint64_t bytes);

  io::FileSystem& fs_;
  const std::string directory_;
  const VerifyProgress& progress_;
  const std::shared_ptr<const KeyRing> keys_;
  const VerifyPause& pause_;
  int steady_looks_left_;  // at what does not change, until something does
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
  std::string path_;                       // of it
  uint64_t visited_ = 0;                   // of it: everything below has been looked into
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

// Gets the key of a segment. False if it is not given or its file is damaged, which the report says.
Result<bool> Verifier::open_segment(const Place& place, int64_t base) {
  const SegmentName segment{place.folder, key_place(place.stream, place.tag, place.partition), base};
  ASSERT(base >= 0);
  key_ = nullptr;
  opened_ = false;
  const auto stored = find_stored_key(fs_, segment);
  if (!stored && stored.error().code != ErrorCode::kCorrupt) return fail(stored.error());
  if (stored && *stored && (keys_ == nullptr || !keys_->has((*stored)->kek_id))) {
    ++report_.keys_needed[(*stored)->kek_id];
    return false;
  }
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
  if (opened_) return true;
  VerifyProblem& problem = add(place, segment_path(place.folder, base, "key"), damage.message);
  problem.first_offset = base;
  return false;
}

// What the journal says; if it can't be read, that is found when its own segment is verified.
Status Verifier::read_journal() {
  TRY_ASSIGN(JournalLook look, look_into_journal(fs_, directory_, keys_));
  journal_ = std::move(look.state);
  journal_closed_ = !look.closed.empty();
  return {};
}

// Gets everything anew that a process which writes the partition may have changed.
Status Verifier::refresh(const Place& place) {
  TRY(read_journal());
  auto epochs = EpochTable::read(fs_, epochs_path(place.folder));
  if (epochs) epochs_ = std::move(*epochs);
  ASSERT(!epochs_.empty());
  auto gaps = GapTable::read(fs_, gaps_path(place.folder));
  if (gaps) gaps_ = std::move(*gaps);
  evidence_ = evidence_for(place);
  evidence_.testify(epochs_.current_start(), "the epochs file says that they were synced");
  return {};
}

Evidence Verifier::evidence_for(const Place& place) const {
  Evidence evidence = place.is_journal() ? Evidence() : journal_.evidence_for(place.stream, place.partition);
  // Then nobody can say that an output was not committed.
  if (journal_closed_) evidence.committed_end = std::numeric_limits<int64_t>::max();
  if (!clean_) return evidence;
  const auto found = clean_->find({place.stream, place.partition});
  if (found != clean_->end()) evidence.testify(found->second.end.next_offset, "CLEAN says that they were there");
  return evidence;
}

Status Verifier::check_batch(const Place& place, const BatchCursor::Item& item) {
  ASSERT(decoder_ != nullptr);
  // Looked at again because of what comes behind it.
  if (item.position < visited_) return {};
  visited_ = item.position + item.bytes.size();
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
  if (records && item.header.record_count == 0 && records->empty()) return {};
  if (records) {
    const auto decoded = decoder_->decode(item.header, *records);
    if (decoded) return {};
    defect = decoded.error();
  }
  VerifyProblem& problem = add(place, path_, defect.message);
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

Status Verifier::verify_seal(const Place& place, const SegmentFile& opened, const Result<Seal>& seal, int64_t base,
                             const SegmentScan& found, int64_t next) {
  ASSERT_WHY(!place.stream.empty(), "the journal has no seals");
  const std::string path = segment_path(place.folder, base, "seal");
  const uint64_t size = opened.size;
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
  } else if ((seal->compacted.generation > 0) != found.compacted) {
    add(place, path,
        found.compacted ? "the segment was compacted, and its seal does not say so"
                        : "the segment was not compacted, and its seal says so");
  } else {
    uint32_t crc = 0;
    std::string chunk(size_t{1} << 20, '\0');
    for (uint64_t at = 0; at < size;) {
      TRY_ASSIGN(const size_t count, opened.file->read_at(at, chunk));
      if (count == 0) break;
      crc = io::crc32c(std::string_view(chunk).substr(0, count), crc);
      at += count;
    }
    if (crc != seal->crc) add(place, path, "the segment's bytes do not have the sum it was sealed with");
  }
  return {};
}

// Where what is good of a segment ends: at the damage, or where outputs begin whose commit is not known.
SegmentPlace good_end(const SegmentScan& scan, uint64_t size) {
  if (scan.uncommitted) return {scan.uncommitted->active_bytes, scan.uncommitted->next_offset};
  if (scan.damage) return {scan.damage->position, scan.damage->offset};
  ASSERT(scan.end.active_bytes == size);
  return {size, scan.end.next_offset};
}

// Scans a segment. While it is being written, its end may be half there, or its commit not yet: that part is
// waited for and scanned again. Only what stood there at first is waited for, or a busy segment had no end.
Result<SegmentScan> Verifier::scan(const Place& place, const Listed& segment,
                                   const std::shared_ptr<const io::File>& file, uint64_t size) {
  visited_ = 0;
  const auto visit = [&](const BatchCursor::Item& item) { return check_batch(place, item); };
  TRY_ASSIGN(SegmentScan found, scan_segment(file, {0, segment.base}, size, epochs_, evidence_, visit));
  uint64_t seen = size;
  SegmentPlace from = good_end(found, size);
  // Whoever writes has taken CLEAN away before.
  const bool written = segment.last && !segment.sealed && !fs_.info(clean_path(directory_));
  for (int looks = 0; written && from.position < size && looks < kLooks && steady_looks_left_ > 0; ++looks) {
    pause_();
    TRY(refresh(place));
    TRY_ASSIGN(const io::FileInfo info, file->info());
    if (info.size < from.position) break;  // cut back: the second look begins anew
    TRY_ASSIGN(found, scan_segment(file, from, info.size, epochs_, evidence_, visit));
    const SegmentPlace to = good_end(found, info.size);
    const bool moved = info.size != seen || to.position != from.position;
    steady_looks_left_ = moved ? kLooks : steady_looks_left_ - 1;
    if (to.position > from.position) looks = 0;
    seen = info.size;
    from = to;
  }
  // What was written since the beginning is for the next verification.
  if (found.damage && found.damage->position >= size) found.damage.reset();
  if (found.uncommitted && found.uncommitted->active_bytes >= size) found.uncommitted.reset();
  ASSERT(!found.damage || found.damage->position < size);
  return found;
}

// What of a segment is not as it has to be, as it is now.
Status Verifier::look_at_segment(const Place& place, const Listed& segment, int64_t& next) {
  ASSERT(segment.base >= 0 && !epochs_.empty());
  ++report_.segments;
  if (next >= 0 && gaps_.skip(next) != segment.base) {
    VerifyProblem& problem =
        add(place, segment_path(place.folder, segment.base, "log"), "a segment is missing before it");
    problem.first_offset = next;
    problem.last_offset = segment.base - 1;
  }
  const Result<Seal> seal = read_seal(fs_, segment_path(place.folder, segment.base, "seal"));
  const bool placed = seal && seal->base_offset == segment.base;
  TRY_ASSIGN(const SegmentFile opened,
             open_segment_file(fs_, place.folder, segment.base, placed ? &*seal : nullptr));
  const std::string& path = path_ = opened.path;
  TRY(open_segment(place, segment.base));
  TRY_ASSIGN(const SegmentScan found, scan(place, segment, opened.file, opened.size));
  next = found.end.next_offset;
  if (found.damage) TRY(report_damage(place, path, opened.file, opened.size, found, segment.last, next));
  if (found.uncommitted) {
    VerifyProblem& problem = add(place, path, "outputs of a commit that is not in the journal");
    problem.position = found.uncommitted->active_bytes;
    problem.first_offset = found.uncommitted->next_offset;
    problem.last_offset = next - 1;
    problem.torn = segment.last;
  }
  // The journal's segments are deleted, never sealed.
  if (place.is_journal() || (segment.last && !segment.sealed)) return {};
  return verify_seal(place, opened, seal, segment.base, found, next);
}

// Whether a process has removed the segment since it was listed. Then `next` is where the partition begins now.
Result<bool> Verifier::removed(const Place& place, int64_t base, int64_t& next) const {
  if (place.is_journal()) {
    TRY_ASSIGN(const std::vector<int64_t> bases, list_segments(fs_, place.folder));
    return !bases.empty() && !std::binary_search(bases.begin(), bases.end(), base);
  }
  const auto oldest = read_oldest(fs_, place.folder);
  if (!oldest || oldest->offset <= base) return false;
  ASSERT(oldest->offset > 0);
  next = oldest->offset;
  return true;
}

// Looks at a segment, and again if it looks damaged and somebody may be changing it. kNotFound: it is the
// journal's, and was replaced.
Status Verifier::verify_listed(const Place& place, const Listed& segment, int64_t& next) {
  const VerifyReport before = report_;
  const int64_t begins = next;
  for (int looks = 0;; ++looks) {
    const Status looked = look_at_segment(place, segment, next);
    if (!looked && looked.error().code != ErrorCode::kNotFound) return looked;
    if (looked && report_.problems.size() == before.problems.size()) return {};
    TRY_ASSIGN(const bool gone, removed(place, segment.base, next));
    if (gone) {
      report_ = before;
      return place.is_journal() ? fail(ErrorCode::kNotFound, "replaced") : Status();
    }
    if (!looked && (pause_ == nullptr || looks > 0)) return looked;
    if (pause_ == nullptr || looks > 0) return {};
    pause_();
    TRY(refresh(place));
    report_ = before;
    next = begins;
  }
}

Result<std::vector<Listed>> Verifier::list(const Place& place, int64_t oldest) {
  TRY_ASSIGN(std::vector<int64_t> bases, list_segments(fs_, place.folder));
  bases.erase(bases.begin(), std::lower_bound(bases.begin(), bases.end(), oldest));
  std::vector<Listed> segments;
  for (const int64_t base : bases) {
    const bool last = base == bases.back();
    segments.push_back({base, last, fs_.info(segment_path(place.folder, base, "seal")).has_value()});
  }
  ASSERT(segments.size() == bases.size());
  return segments;
}

// What has to be there, and is not.
void Verifier::check_end(const Place& place, const Evidence& evidence, int64_t next) {
  ASSERT(next >= 0);
  const bool told = !report_.problems.empty() && report_.problems.back().first_offset >= 0 &&
                    report_.problems.back().stream == place.stream &&
                    report_.problems.back().partition == place.partition && !report_.problems.back().torn;
  if (evidence.synced_below <= next || told) return;
  VerifyProblem& problem = add(place, place.folder, "they are missing, and " + evidence.witness);
  problem.first_offset = next;
  problem.last_offset = evidence.synced_below - 1;
}

Status Verifier::verify_partition(const Place& place) {
  if (!place.is_journal()) ++report_.partitions;
  // The journal's front is its own to remove; a stream's is told of before it goes.
  int64_t next = -1;
  auto segments = list(place, next);
  if (!segments) {
    if (!place.is_journal()) add(place, place.folder, segments.error().message);
    return {};
  }
  if (!place.is_journal()) {
    // Read behind the list, so that what is removed between the two is passed over.
    const auto oldest = read_oldest(fs_, place.folder);
    if (!oldest) add(place, oldest_path(place.folder), oldest.error().message);
    if (oldest) next = oldest->offset;
    std::erase_if(*segments, [&](const Listed& segment) { return segment.base < next; });
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
  // From before the segments were listed: whatever it says stands in them.
  Evidence evidence = evidence_;
  evidence.testify(epochs_.current_start(), "the epochs file says that they were synced");
  for (const Listed& segment : *segments) TRY(verify_listed(place, segment, next));
  check_end(place, evidence, gaps_.skip(std::max<int64_t>(next, 0)));
  return {};
}

// Its segments are replaced by newer ones: who meets that begins with those.
Status Verifier::verify_journal() {
  const VerifyReport before = report_;
  for (int look = 1;; ++look) {
    const Status verified = verify_partition(places_.front());
    if (verified || verified.error().code != ErrorCode::kNotFound || look == kJournalLooks) return verified;
    ASSERT(look < kJournalLooks);
    report_ = before;
  }
}

Result<VerifyReport> Verifier::run() {
  TRY(read_format(fs_, directory_));
  if (const Status begun = refuse_unfinished(fs_, directory_); !begun) report_.unfinished = begun.error().message;
  TRY_ASSIGN(clean_, read_clean(fs_, clean_path(directory_)));
  TRY(find_places());
  TRY(read_journal());
  TRY(verify_journal());
  for (size_t i = 1; i < places_.size(); ++i) TRY(verify_partition(places_[i]));
  ASSERT_WHY(report_.partitions + 1 == places_.size(), "the journal is a place and no partition");
  if (progress_) progress_(total_bytes_, total_bytes_);
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
                                           const VerifyProgress& progress, std::shared_ptr<const KeyRing> keys,
                                           const VerifyPause& pause) {
  return Verifier(fs, directory, progress, std::move(keys), pause).run();
}

}  // namespace colloquium::log
