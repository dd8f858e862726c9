#include <algorithm>
#include <memory>

#include "base/assert.h"
#include "io/checksum.h"
#include "log/layout.h"
#include "log/recovery.h"
#include "log/segment_file.h"
#include "log/segment_scan.h"
#include "log/verifier.h"

namespace colloquium::log {

Status Verifier::check_batch(const Place& place, const BatchCursor::Item& item) {
  ASSERT(decoder_ != nullptr);
  if (item.position == summed_bytes_) {
    sum_ = io::crc32c(item.bytes, sum_);
    summed_bytes_ += item.bytes.size();
  }
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
    // Damage is behind what was summed up.
    std::string chunk(size_t{1} << 20, '\0');
    while (summed_bytes_ < size) {
      TRY_ASSIGN(const size_t count, opened.file->read_at(summed_bytes_, chunk));
      if (count == 0) break;
      sum_ = io::crc32c(std::string_view(chunk).substr(0, count), sum_);
      summed_bytes_ += count;
    }
    if (sum_ != seal->crc) add(place, path, "the segment's bytes do not have the sum it was sealed with");
  }
  return {};
}

namespace {
// Where what is good of a segment ends: at the damage, or where outputs begin whose commit is not known.
SegmentPlace good_end(const SegmentScan& scan, uint64_t size) {
  if (scan.uncommitted) return {scan.uncommitted->active_bytes, scan.uncommitted->next_offset};
  if (scan.damage) return {scan.damage->position, scan.damage->offset};
  ASSERT(scan.end.active_bytes == size);
  return {size, scan.end.next_offset};
}
}  // namespace

// Scans a segment. While it is being written, its end may be half there, or its commit not yet: that part is
// waited for and scanned again. Only what stood there at first is waited for, or a busy segment had no end.
Result<SegmentScan> Verifier::scan(const Place& place, const Listed& segment,
                                   const std::shared_ptr<const io::File>& file, uint64_t size) {
  visited_ = summed_bytes_ = sum_ = 0;
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
  if (placed && !found.damage) TRY(check_index(place, opened, *seal, found.index));
  return verify_seal(place, opened, seal, segment.base, found, next);
}

// Readers look where an index file leads them to and go by what they find, so that a wrong one costs time. One
// that a compaction is about to replace is none.
Status Verifier::check_index(const Place& place, const SegmentFile& opened, const Seal& seal,
                             const SegmentIndex& index) {
  ASSERT(!opened.path.empty());
  const std::string path = segment_path(place.folder, seal.base_offset, "log");
  if (opened.path != path || index_files_fit(fs_, place.folder, seal.base_offset, index)) return {};
  const auto now = read_seal(fs_, segment_path(place.folder, seal.base_offset, "seal"));
  if (!now || now->compacted.generation != seal.compacted.generation) return {};
  report_.notes.push_back("the index files of '" + path +
                          "' are missing or say something else than the segment, which costs readers time; "
                          "'colloquium log repair' makes them again");
  return {};
}

}  // namespace colloquium::log
