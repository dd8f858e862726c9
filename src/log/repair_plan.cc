#include "log/repair_plan.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "base/assert.h"
#include "io/checksum.h"
#include "io/path.h"
#include "log/batch_crypt.h"
#include "log/copy_file.h"
#include "log/journal_record.h"
#include "log/layout.h"
#include "log/record_batch.h"
#include "log/segment_key.h"
#include "log/sidecar.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

constexpr int kVersion = 1;
constexpr std::array<const char*, 3> kSideFiles = {"seal", "index", "timeindex"};

std::string text_of(const RepairPlan& plan) {
  ASSERT(!plan.quarantine.empty() && !plan.empty());
  SidecarWriter writer("repair", kVersion);
  writer.line("quarantine", {plan.quarantine});
  for (const RepairPlan::CutSegment& segment : plan.segments) {
    writer.line("segment",
                {segment.stream, std::to_string(segment.partition), std::to_string(segment.base_offset)});
    for (const Stretch& stretch : segment.stretches) {
      writer.line("stretch", {std::to_string(stretch.position), std::to_string(stretch.size),
                              std::to_string(stretch.base_offset)});
    }
  }
  for (const RepairPlan::NewGap& gap : plan.gaps) {
    writer.line("gap", {gap.stream, std::to_string(gap.partition), std::to_string(gap.gap.from),
                        std::to_string(gap.gap.below)});
  }
  if (plan.journal) {
    writer.line("journal", {std::to_string(plan.journal->base_offset), std::to_string(plan.journal->epoch),
                            std::to_string(plan.journal->time_ms), plan.journal->checkpoint});
  }
  return writer.finish();
}

bool read_line(const SidecarLine& line, RepairPlan& plan) {
  ASSERT(!line.name.empty());
  if (line.name == "quarantine") {
    plan.quarantine = line.field(0);
    return !plan.quarantine.empty();
  }
  if (line.name == "segment") {
    RepairPlan::CutSegment& segment = plan.segments.emplace_back();
    segment.stream = line.field(0);
    return !segment.stream.empty() && line.number(1, segment.partition) && line.number(2, segment.base_offset);
  }
  if (line.name == "stretch") {
    if (plan.segments.empty()) return false;
    Stretch& stretch = plan.segments.back().stretches.emplace_back();
    return line.number(0, stretch.position) && line.number(1, stretch.size) && line.number(2, stretch.base_offset);
  }
  if (line.name == "gap") {
    RepairPlan::NewGap& gap = plan.gaps.emplace_back();
    gap.stream = line.field(0);
    return line.number(1, gap.partition) && line.number(2, gap.gap.from) && line.number(3, gap.gap.below) &&
           gap.gap.from < gap.gap.below;
  }
  if (line.name == "journal") {
    NewJournal& journal = plan.journal.emplace();
    journal.checkpoint = line.field(3);
    return line.number(0, journal.base_offset) && line.number(1, journal.epoch) && line.number(2, journal.time_ms);
  }
  return false;  // to leave out a step would be to lose something
}

// In the quarantine a file lies where it lay in the data directory.
std::string quarantined(const std::string& directory, const RepairPlan& plan, const std::string& path) {
  ASSERT(path.compare(0, directory.size(), directory) == 0);
  return io::join(io::join(directory, plan.quarantine), path.substr(directory.size() + 1));
}

Status set_aside(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan,
                 const std::string& path) {
  const auto there = fs.info(path);
  if (!there && there.error().code == ErrorCode::kNotFound) return {};
  if (!there) return fail(there.error());
  const std::string copy = quarantined(directory, plan, path);
  const std::string folder = copy.substr(0, copy.rfind('/'));
  ASSERT(folder.size() < copy.size());
  TRY(fs.make_directories(folder));
  TRY(copy_file(fs, path, copy));
  return fs.sync_directory(folder);
}

Status cut_apart(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan,
                 const RepairPlan::CutSegment& segment, const std::shared_ptr<const KeyRing>& keys) {
  TRY_ASSIGN(const StreamMeta meta, read_meta(fs, meta_path(directory, segment.stream)));
  const std::string folder = partition_directory(directory, segment.stream, segment.partition);
  const std::string path = segment_path(folder, segment.base_offset, "log");
  TRY_ASSIGN(const std::unique_ptr<io::File> copy,
             fs.open(quarantined(directory, plan, path), io::OpenMode::kRead));
  const std::string place = key_place(segment.stream, meta.tag, segment.partition);
  const SegmentName whole{quarantined(directory, plan, folder), place, segment.base_offset};
  bool replaced = false;
  for (const Stretch& stretch : segment.stretches) {
    ASSERT(stretch.base_offset >= segment.base_offset);
    if (stretch.base_offset != segment.base_offset) {
      TRY(rewrap_segment_key(fs, keys, whole, {folder, place, stretch.base_offset}));
    }
    TRY(copy_bytes(fs, *copy, stretch.position, stretch.size, segment_path(folder, stretch.base_offset, "log")));
    replaced = replaced || stretch.base_offset == segment.base_offset;
  }
  if (!replaced) {
    TRY(io::remove_if_there(fs, path));
    TRY(fs.sync_directory(folder));
    TRY(io::remove_if_there(fs, segment_path(folder, segment.base_offset, "key")));
  }
  for (const char* suffix : kSideFiles) {
    TRY(io::remove_if_there(fs, segment_path(folder, segment.base_offset, suffix)));
  }
  // The start that follows makes the seals.
  for (const Stretch& stretch : segment.stretches) {
    TRY_ASSIGN(std::unique_ptr<io::File> part,
               fs.open(segment_path(folder, stretch.base_offset, "log"), io::OpenMode::kRead));
    TRY_ASSIGN(const SegmentIndex index, SegmentIndex::rebuild(std::move(part), stretch.size));
    TRY(store_index(fs, folder, stretch.base_offset, index));
  }
  return fs.sync_directory(folder);
}

Status add_gaps(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan) {
  std::map<std::pair<std::string, int32_t>, std::vector<GapTable::Gap>> by_place;
  for (const RepairPlan::NewGap& gap : plan.gaps) by_place[{gap.stream, gap.partition}].push_back(gap.gap);
  for (const auto& [place, gaps] : by_place) {
    const std::string path = gaps_path(partition_directory(directory, place.first, place.second));
    auto table = GapTable::read(fs, path);
    if (!table && table.error().code != ErrorCode::kCorrupt) return fail(table.error());
    if (!table) table = GapTable();  // what it said is among the plan's
    for (const GapTable::Gap& gap : gaps) table->add(gap.from, gap.below);
    ASSERT(!table->empty());
    TRY(io::write_file_atomically(fs, path, table->text()));
  }
  return {};
}

// A segment that holds nothing but the checkpoint, in the place of all others.
Status renew_journal(io::FileSystem& fs, const std::string& directory, const NewJournal& journal,
                     const std::shared_ptr<const KeyRing>& keys) {
  const std::string folder = journal_directory(directory);
  RecordWriter records;
  records.add(kCheckpointKey, journal.checkpoint);
  BatchHeader header;
  header.base_offset = journal.base_offset;
  header.epoch = journal.epoch;
  header.attributes = kLogAppendTime;
  header.base_timestamp_ms = journal.time_ms;
  header.max_timestamp_ms = journal.time_ms;
  header.record_count = 1;
  TRY_ASSIGN(const auto key, renew_segment_key(fs, keys, {folder, key_place("", "", 0), journal.base_offset}));
  std::string body = records.records();
  const HeaderBytes bytes =
      key != nullptr ? BatchSealer(key).seal(header, body) : put_header(header, body.size(), io::crc32c(body));
  const std::string content = std::string(bytes.data(), bytes.size()) + body;
  ASSERT(batch_defect(content) == nullptr);
  TRY(io::write_file_atomically(fs, segment_path(folder, journal.base_offset, "log"), content));
  TRY_ASSIGN(const std::vector<int64_t> bases, list_segments(fs, folder));
  for (const int64_t base : bases) {
    if (base != journal.base_offset) TRY(remove_segment(fs, folder, base));
  }
  return fs.sync_directory(folder);
}

}  // namespace

Result<std::optional<RepairPlan>> read_repair_plan(const io::FileSystem& fs, const std::string& directory) {
  const auto sidecar = read_sidecar(fs, repair_path(directory), "repair", kVersion);
  if (!sidecar && sidecar.error().code == ErrorCode::kNotFound) return std::optional<RepairPlan>();
  if (!sidecar) return fail(sidecar.error());
  RepairPlan plan;
  for (const SidecarLine& line : sidecar->lines) {
    if (!read_line(line, plan)) {
      return sidecar_damaged(repair_path(directory), "the line '" + line.name + "' is malformed");
    }
  }
  if (plan.empty() || plan.quarantine.compare(0, 11, "quarantine/") != 0) {
    return sidecar_damaged(repair_path(directory), "it names nothing to do");
  }
  return std::optional<RepairPlan>(std::move(plan));
}

Status store_repair_plan(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan) {
  ASSERT(!plan.empty());
  for (const RepairPlan::CutSegment& segment : plan.segments) {
    const std::string folder = partition_directory(directory, segment.stream, segment.partition);
    for (const char* suffix : {"log", "key", "seal", "index", "timeindex"}) {
      TRY(set_aside(fs, directory, plan, segment_path(folder, segment.base_offset, suffix)));
    }
    // Of a compaction that failed; something may be left of it that is damaged in the segment.
    TRY_ASSIGN(const std::vector<CompactedFile> compacted, list_compacted_files(fs, folder));
    for (const CompactedFile& file : compacted) {
      if (file.base_offset != segment.base_offset) continue;
      TRY(set_aside(fs, directory, plan, compacted_path(folder, file.base_offset, file.generation)));
    }
  }
  if (plan.journal) {
    const std::string folder = journal_directory(directory);
    const auto bases = list_segments(fs, folder);
    if (!bases && bases.error().code != ErrorCode::kNotFound) return fail(bases.error());
    for (const int64_t base : bases ? *bases : std::vector<int64_t>()) {
      TRY(set_aside(fs, directory, plan, segment_path(folder, base, "log")));
      TRY(set_aside(fs, directory, plan, segment_path(folder, base, "key")));
    }
  }
  return io::write_file_atomically(fs, repair_path(directory), text_of(plan));
}

Status carry_out(io::FileSystem& fs, const std::string& directory, const RepairPlan& plan,
                 const std::shared_ptr<const KeyRing>& keys) {
  ASSERT(!plan.empty());
  for (const RepairPlan::CutSegment& segment : plan.segments) TRY(cut_apart(fs, directory, plan, segment, keys));
  TRY(add_gaps(fs, directory, plan));
  if (plan.journal) TRY(renew_journal(fs, directory, *plan.journal, keys));
  // It speaks of how things were.
  TRY(io::remove_if_there(fs, clean_path(directory)));
  TRY(fs.sync_directory(directory));
  TRY(fs.remove(repair_path(directory)));
  return fs.sync_directory(directory);
}

Status refuse_unfinished(const io::FileSystem& fs, const std::string& directory) {
  ASSERT(!directory.empty());
  if (fs.info(repair_path(directory))) {
    return fail(ErrorCode::kConflict,
                "a repair of '" + directory + "' was interrupted; 'colloquium log repair' finishes it");
  }
  return refuse_unfinished_restore(fs, directory);
}

Status refuse_unfinished_restore(const io::FileSystem& fs, const std::string& directory) {
  ASSERT(!directory.empty());
  if (!fs.info(restoring_path(directory))) return {};
  return fail(ErrorCode::kConflict,
              "a restore into '" + directory +
                  "' was interrupted; 'colloquium log restore' into the same folder begins it "
                  "again");
}

}  // namespace colloquium::log
