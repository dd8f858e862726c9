#include "log/repair.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <map>
#include <set>

#include "base/assert.h"
#include "io/path.h"
#include "log/clean_marker.h"
#include "log/data_directory.h"
#include "log/journal_state.h"
#include "log/layout.h"
#include "log/lost_keys.h"
#include "log/open_data.h"
#include "log/repair_plan.h"
#include "log/segment_file.h"
#include "log/segment_key.h"
#include "log/stream_list.h"
#include "log/stream_meta.h"
#include "log/undecoded.h"

namespace colloquium::log {
namespace {

std::string offsets(int64_t from, int64_t below) {
  ASSERT(from < below);
  if (below == from + 1) return "offset " + std::to_string(from);
  return "offsets " + std::to_string(from) + " to " + std::to_string(below - 1);
}

class Repair {
 public:
  Repair(const LogOptions& log, const RepairOptions& options) : log_(log), fs_(*log.files), options_(options) {
    while (log_.directory.size() > 1 && log_.directory.back() == '/') log_.directory.pop_back();
  }

  Result<RepairReport> run();

 private:
  Status finish_interrupted();
  Status finish_started_compactions();
  void tell_failed_compactions();
  Status survey();
  Status survey_journal();
  Status survey_absent();
  Status make_absent();
  Status survey_stream(const std::string& name);
  void note_unread(const BatchCursor::Item& item, const std::string& what, std::vector<LostRange>& unread) const;
  Result<std::vector<int64_t>> superfluous_journal_segments() const;
  Status enter_journal(BatchOpener& opener, int64_t base) const;
  Result<bool> begins_with_checkpoint(int64_t base) const;
  Evidence evidence_for(const std::string& stream, int32_t partition) const;
  void judge_journal();
  void tell_consequences();
  void tell_legs(const PartitionSurvey& partition, const GapTable::Gap& gap);
  void tell_outputs(const PartitionSurvey& partition, const GapTable::Gap& gap);
  Result<RepairPlan> plan() const;
  Status set_aside(const RepairPlan& plan);
  NewJournal new_journal() const;
  Result<std::string> next_quarantine() const;
  void describe(const RepairPlan& plan);
  bool side_files_to_mend() const;
  Status forget_clean();
  Status mend_side_files();
  Status open_once();
  void act(std::string what) { report_.actions.push_back(std::move(what)); }

  LogOptions log_;
  io::FileSystem& fs_;
  const RepairOptions options_;
  RepairReport report_;
  std::optional<CleanMarker> clean_;
  JournalState state_;
  bool renew_journal_ = false;
  PartitionSurvey journal_;
  std::vector<PartitionSurvey> partitions_;
  std::map<std::string, int32_t> absent_streams_;  // and how many partitions they had
  std::vector<LostRange> absent_;
};

// --- looking -------------------------------------------------------------------------------------------------

Evidence Repair::evidence_for(const std::string& stream, int32_t partition) const {
  Evidence evidence = stream.empty() ? Evidence() : state_.evidence_for(stream, partition);
  if (!clean_) return evidence;
  const auto found = clean_->find({stream, partition});
  if (found != clean_->end()) evidence.testify(found->second.end.next_offset, "CLEAN says that they were there");
  ASSERT(evidence.synced_below >= 0);
  return evidence;
}

Status Repair::enter_journal(BatchOpener& opener, int64_t base) const {
  const std::string folder = journal_directory(log_.directory);
  ASSERT(base >= 0);
  auto key = read_segment_key(fs_, log_.keys, {folder, key_place("", "", 0), base});
  if (!key && key.error().code != ErrorCode::kCorrupt) return fail(key.error());
  opener.enter(key ? std::move(*key) : nullptr);
  return {};
}

Result<bool> Repair::begins_with_checkpoint(int64_t base) const {
  const std::string path = segment_path(journal_directory(log_.directory), base, "log");
  TRY_ASSIGN(std::unique_ptr<io::File> file, fs_.open(path, io::OpenMode::kRead));
  TRY_ASSIGN(const io::FileInfo info, file->info());
  BatchCursor cursor(std::move(file), 0, info.size);
  const auto first = cursor.next();
  if (!first && first.error().code != ErrorCode::kCorrupt) return fail(first.error());
  if (!first || !*first) return false;
  ASSERT((*first)->position == 0);
  if ((*first)->header.is_control()) return false;
  BatchOpener opener;
  TRY(enter_journal(opener, base));
  const auto records = opener.open(**first);
  if (!records) return false;
  RecordReader reader(*records, 1);
  Record record;
  return reader.next(record) && record.key == kCheckpointKey;
}

// A segment of the journal that begins with a whole checkpoint says everything that those before it said.
Result<std::vector<int64_t>> Repair::superfluous_journal_segments() const {
  const std::string folder = journal_directory(log_.directory);
  auto listed = list_segments(fs_, folder);
  if (!listed && listed.error().code != ErrorCode::kNotFound) return fail(listed.error());
  std::vector<int64_t> bases = listed ? *listed : std::vector<int64_t>();
  for (size_t i = bases.size(); i-- > 1;) {
    TRY_ASSIGN(const bool whole, begins_with_checkpoint(bases[i]));
    if (!whole) continue;
    bases.resize(i);
    return bases;
  }
  return std::vector<int64_t>();
}

// A batch of the journal that is whole and says nothing, because its key is lost, say: commits are lost with it.
void Repair::note_unread(const BatchCursor::Item& item, const std::string& what,
                         std::vector<LostRange>& unread) const {
  ASSERT(!what.empty());
  const bool more = !unread.empty() && unread.back().last_offset < item.header.base_offset;
  if (!more) {
    LostRange range;
    range.first_offset = item.header.base_offset;
    range.file = journal_directory(log_.directory);
    range.position = item.position;
    range.what = what;
    unread.push_back(std::move(range));
  }
  unread.back().last_offset = item.header.last_offset();
  unread.back().size += item.bytes.size();
}

// Takes from the journal what can be read of it, behind damage too: a leg's later commit replaces an earlier one.
Status Repair::survey_journal() {
  SurveyPlace place{"", 0, journal_directory(log_.directory), {}};
  TRY_ASSIGN(place.passed_over, superfluous_journal_segments());
  if (!fs_.info(place.folder)) return {};
  bool first = false;
  BatchOpener opener;
  std::vector<LostRange> unread;
  TRY_ASSIGN(const std::vector<int64_t> bases, list_segments(fs_, place.folder));
  const auto visit = [&](const BatchCursor::Item& item) -> Status {
    // A segment's first batch, or the first that is left of it.
    const auto behind = std::upper_bound(bases.begin(), bases.end(), item.header.base_offset);
    if (item.header.is_control()) return {};
    TRY(enter_journal(opener, behind == bases.begin() ? 0 : *std::prev(behind)));
    const Status taken = state_.replay_batch(item, opener, first, place.folder);
    if (!taken && taken.error().code == ErrorCode::kCorrupt) note_unread(item, taken.error().message, unread);
    return taken || taken.error().code == ErrorCode::kCorrupt ? Status() : taken;
  };
  TRY_ASSIGN(journal_, survey_partition(fs_, place, evidence_for("", 0), visit));
  ASSERT(journal_.stream.empty());
  journal_.lost.insert(journal_.lost.end(), unread.begin(), unread.end());
  for (const SegmentSurvey& segment : journal_.segments) renew_journal_ = renew_journal_ || segment.damaged;
  renew_journal_ = renew_journal_ || !journal_.lost.empty();
  return {};
}

Status Repair::survey_stream(const std::string& name) {
  const auto meta = read_meta(fs_, meta_path(log_.directory, name));
  if (!meta) {
    report_.hopeless.push_back(meta.error().message + "; restore it from a backup");
    return {};
  }
  for (int32_t number = 0; number < meta->partitions; ++number) {
    const SurveyPlace place{name, number, partition_directory(log_.directory, name, number), {}};
    const std::string key = key_place(name, meta->tag, number);
    LostKeys keys(fs_, place.folder, key, log_.keys);
    TRY_ASSIGN(Undecoded undecoded, Undecoded::begin(fs_, place.folder, key, log_.keys));
    const auto visit = [&](const BatchCursor::Item& item) {
      keys.see(item);
      return undecoded.see(item);
    };
    TRY_ASSIGN(PartitionSurvey found, survey_partition(fs_, place, evidence_for(name, number), visit));
    ASSERT(found.partition == number);
    TRY(keys.judge(found));
    undecoded.judge(found);
    partitions_.push_back(std::move(found));
  }
  return {};
}

// What is gone is lost as a whole.
Status Repair::survey_absent() {
  TRY_ASSIGN(const std::vector<StreamFolder> folders, list_stream_folders(fs_, log_.directory));
  std::map<std::string, int32_t> streams;
  for (const auto& [name, lost_meta] : folders) {
    const auto meta = read_meta(fs_, meta_path(log_.directory, name));
    // One whose meta can't be read is told of as that.
    streams[name] = meta ? meta->partitions : std::numeric_limits<int32_t>::max();
  }
  for (const AbsentPartition& absent : absent_partitions(state_, clean_, streams)) {
    ASSERT(absent.end > 0);
    if (streams.count(absent.stream) != 0) {
      report_.hopeless.push_back("stream '" + absent.stream + "' has " + std::to_string(streams[absent.stream]) +
                                 " partition(s) by its meta file, but " + absent.error().message);
      continue;
    }
    int32_t& partitions = absent_streams_[absent.stream];
    partitions = std::max(partitions, absent.partition + 1);
    LostRange range;
    range.stream = absent.stream;
    range.partition = absent.partition;
    range.last_offset = absent.end - 1;
    range.file = partition_directory(log_.directory, absent.stream, absent.partition);
    range.what = "it is not in the data directory: " + absent.why;
    absent_.push_back(std::move(range));
  }
  return {};
}

// Empty streams, in which a survey misses everything: what comes next gets offsets behind those that the legs have
// had.
Status Repair::make_absent() {
  ASSERT(report_.hopeless.empty() && options_.accept_loss && !options_.dry_run);
  for (const auto& [name, partitions] : absent_streams_) {
    StreamMeta meta;
    meta.partitions = partitions;
    meta.tag = random_tag(*log_.random);
    TRY(create_stream(fs_, log_.directory, name, meta));
    act("stream '" + name + "' is made anew, with " + std::to_string(partitions) + " partition(s)");
    const size_t known = partitions_.size();
    TRY(survey_stream(name));
    for (size_t i = known; i < partitions_.size(); ++i) {
      report_.lost.insert(report_.lost.end(), partitions_[i].lost.begin(), partitions_[i].lost.end());
    }
  }
  return {};
}

Status Repair::survey() {
  ASSERT(partitions_.empty());
  TRY_ASSIGN(clean_, read_clean(fs_, clean_path(log_.directory)));
  TRY(survey_journal());
  TRY(survey_absent());
  TRY_ASSIGN(const std::vector<StreamFolder> folders, list_stream_folders(fs_, log_.directory));
  for (const auto& [name, lost_meta] : folders) {
    if (lost_meta) report_.hopeless.push_back(lost_meta_error(log_.directory, name).message);
    if (!lost_meta) TRY(survey_stream(name));
  }
  judge_journal();
  for (const PartitionSurvey& partition : partitions_) {
    report_.lost.insert(report_.lost.end(), partition.lost.begin(), partition.lost.end());
    report_.hopeless.insert(report_.hopeless.end(), partition.hopeless.begin(), partition.hopeless.end());
  }
  report_.lost.insert(report_.lost.end(), journal_.lost.begin(), journal_.lost.end());
  report_.hopeless.insert(report_.hopeless.end(), journal_.hopeless.begin(), journal_.hopeless.end());
  return {};
}

// Outputs that stand where only committed ones can, and of which the journal knows nothing.
void Repair::judge_journal() {
  for (const PartitionSurvey& partition : partitions_) {
    if (!partition.journal_lost_entries()) continue;
    renew_journal_ = true;
    if (!journal_.lost.empty()) continue;  // it is clear where they were
    LostRange range;
    range.first_offset = journal_.end;
    range.last_offset = journal_.end;
    range.file = journal_directory(log_.directory);
    range.what = "commits are missing: outputs in " + partition_name(partition.stream, partition.partition) +
                 " from offset " + std::to_string(partition.uncommitted_from) + " on were committed";
    journal_.lost.push_back(std::move(range));
  }
}

// --- what it means -------------------------------------------------------------------------------------------

void Repair::tell_legs(const PartitionSurvey& partition, const GapTable::Gap& gap) {
  ASSERT(gap.from < gap.below);
  for (const auto& [leg, state] : state_.checkpoint().legs) {
    for (const LegState::StreamPosition& position : state.positions) {
      if (position.stream != partition.stream || position.partition != partition.partition) continue;
      if (position.next_offset >= gap.below) continue;
      report_.consequences.push_back("leg '" + leg + "' stands at offset " + std::to_string(position.next_offset) +
                                     " of " + partition_name(partition.stream, partition.partition) +
                                     " and will never see " +
                                     offsets(std::max(gap.from, position.next_offset), gap.below));
    }
  }
}

void Repair::tell_outputs(const PartitionSurvey& partition, const GapTable::Gap& gap) {
  ASSERT(gap.from >= 0);
  size_t count = 0;
  for (const OutputRef& output : state_.outputs()) {
    const bool here = output.stream == partition.stream && output.partition == partition.partition;
    if (here && output.base_offset < gap.below && output.last_offset >= gap.from) ++count;
  }
  if (count == 0) return;
  report_.consequences.push_back("the commit journal names " + std::to_string(count) +
                                 " batches of outputs among " + offsets(gap.from, gap.below) + " of " +
                                 partition_name(partition.stream, partition.partition) +
                                 ": their commits stand, and they are gone");
}

void Repair::tell_consequences() {
  for (const PartitionSurvey& partition : partitions_) {
    for (const LostRange& range : partition.lost) {
      const GapTable::Gap gap{range.first_offset, range.last_offset + 1};
      tell_legs(partition, gap);
      tell_outputs(partition, gap);
    }
  }
  if (!renew_journal_) return;
  std::string legs;
  for (const auto& [leg, state] : state_.checkpoint().legs) legs += (legs.empty() ? "'" : ", '") + leg + "'";
  ASSERT(journal_.end >= 0);
  report_.consequences.push_back(
      "commits are lost: what a leg did in them it does again, and its outputs and its sink may get it twice; " +
      (legs.empty() ? std::string("no leg's position is known any more, and each begins at the oldest event")
                    : "known are the positions of " + legs + ", and any other leg begins at the oldest event"));
}

// --- doing ---------------------------------------------------------------------------------------------------

// Behind every one that is there: some may have been taken away.
Result<std::string> Repair::next_quarantine() const {
  const auto names = fs_.list(quarantine_directory(log_.directory));
  if (!names && names.error().code != ErrorCode::kNotFound) return fail(names.error());
  int last = 0;
  for (const std::string& name : names ? *names : std::vector<std::string>()) {
    int number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && end == name.data() + name.size()) last = std::max(last, number);
  }
  std::string number = std::to_string(last + 1);
  if (number.size() > 6) return fail(ErrorCode::kLimit, "there are a million repairs in quarantine/; move them away");
  return "quarantine/" + std::string("000000").substr(number.size()) + number;
}

NewJournal Repair::new_journal() const {
  Checkpoint checkpoint = state_.checkpoint();
  for (const PartitionSurvey& partition : partitions_) {
    int64_t& end = checkpoint.committed_ends[{partition.stream, partition.partition}];
    end = std::max(end, partition.committed_below);
  }
  ASSERT(journal_.epoch >= 0);
  return {journal_.end, journal_.epoch, log_.clock->wall_ms(), put_checkpoint(checkpoint)};
}

Result<RepairPlan> Repair::plan() const {
  RepairPlan plan;
  TRY_ASSIGN(plan.quarantine, next_quarantine());
  for (const PartitionSurvey& partition : partitions_) {
    for (const SegmentSurvey& segment : partition.segments) {
      if (!segment.damaged) continue;
      plan.segments.push_back({partition.stream, partition.partition, segment.base_offset, segment.stretches});
    }
    for (const LostRange& range : partition.lost) {
      ASSERT(range.first_offset <= range.last_offset);
      plan.gaps.push_back({partition.stream, partition.partition, {range.first_offset, range.last_offset + 1}});
    }
  }
  if (renew_journal_) plan.journal = new_journal();
  return plan;
}

// A try that fails leaves no copies behind: on a full disk each would make the next one's want greater.
Status Repair::set_aside(const RepairPlan& plan) {
  ASSERT(!options_.dry_run);
  Status stored = store_repair_plan(fs_, log_.directory, plan);
  if (stored || fs_.info(repair_path(log_.directory))) return stored;
  (void)io::remove_tree(fs_, io::join(log_.directory, plan.quarantine));
  return stored;
}

void Repair::describe(const RepairPlan& plan) {
  const std::string tense = options_.dry_run ? "would be " : "";
  for (const RepairPlan::CutSegment& segment : plan.segments) {
    const std::string path = segment_path(partition_directory(log_.directory, segment.stream, segment.partition),
                                          segment.base_offset, "log");
    act("'" + path + "' " + tense + "moved to '" + io::join(log_.directory, plan.quarantine) + "', and the " +
        std::to_string(segment.stretches.size()) + " intact stretches of it kept as segments of their own");
  }
  for (const RepairPlan::NewGap& gap : plan.gaps) {
    ASSERT(!gap.stream.empty());
    act(partition_name(gap.stream, gap.partition) + ": " + offsets(gap.gap.from, gap.gap.below) + " " + tense +
        "recorded as given up");
  }
  if (plan.journal) {
    act("the commit journal " + tense + "begun again with what can be read of it; the old one " + tense +
        "moved to '" + io::join(log_.directory, plan.quarantine) + "'");
  }
}

// Seals, indexes and epochs that say something else than the intact segments.
Status Repair::mend_side_files() {
  const std::string tense = options_.dry_run ? "would be " : "";
  const auto mend = [&](const PartitionSurvey& partition) -> Status {
    if (partition.new_epochs) {
      act("'" + epochs_path(partition.folder) + "' " + tense + "made again from the batches");
      if (!options_.dry_run) {
        TRY(io::write_file_atomically(fs_, epochs_path(partition.folder), partition.new_epochs->text()));
      }
    }
    for (const SegmentSurvey& segment : partition.segments) {
      ASSERT(!segment.damaged || (!segment.bad_seal && !segment.index));
      const std::string seal = segment_path(partition.folder, segment.base_offset, "seal");
      if (segment.bad_seal) {
        act("'" + seal + "' does not fit its segment, which is intact, and " + tense + "made again");
        if (!options_.dry_run) TRY(fs_.remove(seal));
      }
      if (!segment.index) continue;
      act("the index files of '" + segment_path(partition.folder, segment.base_offset, "log") + "' " + tense +
          "made again");
      if (!options_.dry_run) TRY(store_index(fs_, partition.folder, segment.base_offset, *segment.index));
    }
    return options_.dry_run ? Status() : fs_.sync_directory(partition.folder);
  };
  for (const PartitionSurvey& partition : partitions_) TRY(mend(partition));
  return journal_.folder.empty() ? Status() : mend(journal_);
}

bool Repair::side_files_to_mend() const {
  const auto any = [](const PartitionSurvey& partition) {
    return partition.new_epochs || std::any_of(partition.segments.begin(), partition.segments.end(),
                                               [](const SegmentSurvey& s) { return s.bad_seal || s.index; });
  };
  ASSERT(!report_.refused);
  return any(journal_) || std::any_of(partitions_.begin(), partitions_.end(), any);
}

// While it stands a start believes that every finished segment has its seal, and looks at none.
Status Repair::forget_clean() {
  if (!fs_.info(clean_path(log_.directory))) return {};
  ASSERT(!options_.dry_run);
  TRY(fs_.remove(clean_path(log_.directory)));
  return fs_.sync_directory(log_.directory);
}

// As a start: cuts off what is torn, makes lost seals, begins new incarnations.
Status Repair::open_once() {
  TRY_ASSIGN(const OpenData data, open_data(log_));
  ASSERT(data.journal != nullptr);
  for (const RecoveryReport::Note& note : data.report.notes) act(note.partition + ": " + note.text);
  return {};
}

Status Repair::finish_interrupted() {
  TRY_ASSIGN(const std::optional<RepairPlan> plan, read_repair_plan(fs_, log_.directory));
  if (!plan) return {};
  act("a repair that was interrupted " + std::string(options_.dry_run ? "would be " : "is ") + "finished first");
  describe(*plan);
  if (options_.dry_run) return {};
  ASSERT(!plan->empty());
  return carry_out(fs_, log_.directory, *plan, log_.keys);
}

// A segment is to have one file, the one that was looked at, before anything is done to it. Where that is the file
// of before the compaction, the seal goes when it is mended or the segment cut apart, and with it the other file.
Status Repair::finish_started_compactions() {
  ASSERT(!options_.dry_run && !report_.refused);
  for (const PartitionSurvey& partition : partitions_) {
    TRY_ASSIGN(UnfinishedCompactions unfinished, find_unfinished_compactions(fs_, partition.folder));
    unfinished.abandoned.clear();  // the start removes them, once everything else is as it should be
    const auto failed = [&](const Seal& seal) {
      return std::any_of(partition.segments.begin(), partition.segments.end(), [&](const SegmentSurvey& segment) {
        return segment.base_offset == seal.base_offset && segment.compaction_failed;
      });
    };
    auto& committed = unfinished.committed;
    committed.erase(std::remove_if(committed.begin(), committed.end(), failed), committed.end());
    TRY(check_compactions(fs_, partition.folder, unfinished));
    TRY(finish_compactions(fs_, partition.folder, unfinished));
    for (const Seal& seal : committed) {
      act(partition_name(partition.stream, partition.partition) + ": the compaction of the segment at offset " +
          std::to_string(seal.base_offset) + ", which was interrupted, is finished");
    }
  }
  return {};
}

void Repair::tell_failed_compactions() {
  for (const PartitionSurvey& partition : partitions_) {
    for (const SegmentSurvey& segment : partition.segments) {
      ASSERT(segment.base_offset >= 0);
      if (!segment.compaction_failed) continue;
      act(partition_name(partition.stream, partition.partition) + ": the segment at offset " +
          std::to_string(segment.base_offset) + " " + (options_.dry_run ? "would be " : "is ") +
          "again as it was before its last compaction, whose file is damaged");
    }
  }
}

Result<RepairReport> Repair::run() {
  ASSERT(!log_.directory.empty());
  TRY(read_format(fs_, log_.directory));
  TRY(refuse_unfinished_restore(fs_, log_.directory));
  TRY(finish_interrupted());
  const bool finishing = !report_.actions.empty();
  // What it would find behind an unfinished repair can't be told before that is finished.
  if (finishing && options_.dry_run) return std::move(report_);
  TRY(survey());
  if (report_.hopeless.empty() && options_.accept_loss && !options_.dry_run) {
    TRY(make_absent());
  } else {
    report_.lost.insert(report_.lost.begin(), absent_.begin(), absent_.end());
  }
  tell_consequences();
  report_.refused = !report_.hopeless.empty() || (!report_.lost.empty() && !options_.accept_loss);
  if (report_.refused) return std::move(report_);
  if (!options_.dry_run) TRY(finish_started_compactions());
  tell_failed_compactions();
  TRY_ASSIGN(const RepairPlan work, plan());
  if (!work.empty()) {
    describe(work);
    if (!options_.dry_run) {
      TRY(set_aside(work));
      TRY(carry_out(fs_, log_.directory, work, log_.keys));
    }
  }
  std::vector<std::string> mends = journal_.start_mends;
  for (const PartitionSurvey& p : partitions_)
    mends.insert(mends.end(), p.start_mends.begin(), p.start_mends.end());
  if (!options_.dry_run && (side_files_to_mend() || !mends.empty())) TRY(forget_clean());
  TRY(mend_side_files());
  if (options_.dry_run) {
    for (std::string& mend : mends) act(std::move(mend));
    return std::move(report_);
  }
  if (!report_.actions.empty() || !mends.empty()) TRY(open_once());
  return std::move(report_);
}

}  // namespace

Result<RepairReport> repair_data_directory(const LogOptions& log, const RepairOptions& options) {
  ASSERT(log.files != nullptr && log.clock != nullptr && log.random != nullptr);
  return Repair(log, options).run();
}

}  // namespace colloquium::log
