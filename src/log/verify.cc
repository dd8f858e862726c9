#include "log/verify.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <set>

#include "base/assert.h"
#include "log/data_directory.h"
#include "log/journal_look.h"
#include "log/layout.h"
#include "log/oldest.h"
#include "log/recovery.h"
#include "log/repair_plan.h"
#include "log/stream_list.h"
#include "log/stream_meta.h"
#include "log/verifier.h"

namespace colloquium::log {
namespace {

// How often the journal is looked at from its beginning while its segments are replaced.
constexpr int kJournalLooks = 100;

}  // namespace

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
  TRY_ASSIGN(const std::vector<StreamFolder> folders, list_stream_folders(fs_, directory_));
  for (const auto& [name, lost_meta] : folders) {
    const std::string path = meta_path(directory_, name);
    const auto meta = lost_meta ? tl::unexpected(lost_meta_error(directory_, name)) : read_meta(fs_, path);
    if (!meta) {
      add({name, 0, {}, {}}, path, meta.error().message);
      unread_streams_.insert(name);
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

// What is gone, with all that would tell of it; but not what was made since we looked.
Status Verifier::find_absent() {
  std::map<std::string, int32_t> streams;
  for (const Place& place : places_) {
    if (!place.is_journal()) streams[place.stream] = place.partition + 1;
  }
  for (const AbsentPartition& absent : absent_partitions(journal_, clean_, streams)) {
    ASSERT(absent.end > 0);
    const bool told = unread_streams_.count(absent.stream) != 0;
    if (told || (streams.count(absent.stream) == 0 && fs_.info(meta_path(directory_, absent.stream)))) continue;
    VerifyProblem& problem =
        add({absent.stream, absent.partition, {}, {}},
            partition_directory(directory_, absent.stream, absent.partition), absent.error().message);
    problem.first_offset = 0;
    problem.last_offset = absent.end - 1;
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

Result<std::vector<Verifier::Listed>> Verifier::list(const Place& place, int64_t oldest) {
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
  if (!clean_ && fs_.info(clean_path(directory_))) {
    report_.notes.push_back("'" + clean_path(directory_) +
                            "' is damaged: the next start does not believe it, and reads the newest segments");
  }
  TRY(find_places());
  TRY(read_journal());
  TRY(find_absent());
  TRY(verify_journal());
  for (size_t i = 1; i < places_.size(); ++i) TRY(verify_partition(places_[i]));
  ASSERT_WHY(report_.partitions + 1 == places_.size(), "the journal is a place and no partition");
  if (progress_) progress_(total_bytes_, total_bytes_);
  return std::move(report_);
}

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
