#include "log/data_instant.h"

#include <algorithm>

#include "base/assert.h"
#include "log/layout.h"
#include "log/stream_list.h"
#include "log/stream_meta.h"

namespace colloquium::log {
namespace {

constexpr int kMostTries = 20'000;
// Files that go while they are looked at are retention's or the journal's, which removes few at a time.
constexpr int kMostVanished = 100;
constexpr size_t kMaxKeyBytes = size_t{1} << 20;

// What a file says, or what one that is not there does.
template <class T>
Result<T> or_none(Result<T> read) {
  if (!read && read.error().code == ErrorCode::kNotFound) return T();
  return read;
}

Status look_at(io::FileSystem& fs, PartitionInstant& place) {
  ASSERT(!place.folder.empty());
  if (!place.is_journal()) {
    TRY_ASSIGN(place.oldest, read_oldest(fs, place.folder));
    TRY_ASSIGN(place.gaps, GapTable::read(fs, gaps_path(place.folder)));
  }
  TRY_ASSIGN(place.bases, or_none(list_segments(fs, place.folder)));
  place.bases.erase(place.bases.begin(),
                    std::lower_bound(place.bases.begin(), place.bases.end(), place.oldest.offset));
  if (!place.bases.empty()) {
    place.last_sealed = fs.info(segment_path(place.folder, place.bases.back(), "seal")).has_value();
  }
  auto epochs = EpochTable::read(fs, epochs_path(place.folder));
  // The journal's are made by the first start.
  if (!epochs && epochs.error().code == ErrorCode::kNotFound && place.is_journal() && place.bases.empty())
    return {};
  TRY_ASSIGN(place.epochs, std::move(epochs));
  return {};
}

Status hold(io::FileSystem& fs, PartitionInstant& journal) {
  ASSERT(journal.is_journal() && journal.held.empty());
  for (const int64_t base : journal.bases) {
    HeldSegment& held = journal.held.emplace_back();
    TRY_ASSIGN(held.file, fs.open(segment_path(journal.folder, base, "log"), io::OpenMode::kRead));
    TRY_ASSIGN(held.key, find_stored_key(fs, {journal.folder, key_place("", "", 0), base}));
    if (!held.key) continue;
    TRY_ASSIGN(held.key_text, io::read_file(fs, segment_path(journal.folder, base, "key"), kMaxKeyBytes));
  }
  return {};
}

Status measure(io::FileSystem& fs, PartitionInstant& place) {
  ASSERT(place.last_bytes == 0);
  if (place.bases.empty()) return {};
  TRY_ASSIGN(const io::FileInfo info, fs.info(segment_path(place.folder, place.bases.back(), "log")));
  place.last_bytes = info.size;
  return {};
}

bool same_place(const PartitionInstant& a, const PartitionInstant& b) {
  ASSERT(a.folder == b.folder);
  const bool same_last = a.bases.empty() ? b.bases.empty() : !b.bases.empty() && a.bases.back() == b.bases.back();
  const auto same_entry = [](const EpochTable::Entry& x, const EpochTable::Entry& y) {
    return x.epoch == y.epoch && x.start == y.start;
  };
  const auto& x = a.epochs.entries();
  const auto& y = b.epochs.entries();
  return same_last && std::equal(x.begin(), x.end(), y.begin(), y.end(), same_entry);
}

// Whether nothing was begun between two looks: no segment, no incarnation, no stream.
bool same(const DataInstant& a, const DataInstant& b) {
  ASSERT(a.partitions.size() >= a.streams.size());
  if (a.streams != b.streams || a.partitions.size() != b.partitions.size()) return false;
  if (!same_place(a.journal, b.journal)) return false;
  for (size_t i = 0; i < a.partitions.size(); ++i) {
    if (a.partitions[i].folder != b.partitions[i].folder || !same_place(a.partitions[i], b.partitions[i]))
      return false;
  }
  return true;
}

// True if `instant` became one.
Result<bool> try_once(io::FileSystem& fs, const std::string& directory, DataInstant& instant) {
  TRY_ASSIGN(instant, look_at_data(fs, directory));
  TRY(hold(fs, instant.journal));
  TRY(measure(fs, instant.journal));
  for (PartitionInstant& place : instant.partitions) TRY(measure(fs, place));
  PartitionInstant again = instant.journal;
  again.last_bytes = 0;
  TRY(measure(fs, again));
  if (again.last_bytes != instant.journal.last_bytes) return false;
  TRY_ASSIGN(const DataInstant after, look_at_data(fs, directory));
  return same(instant, after);
}

}  // namespace

Result<DataInstant> look_at_data(io::FileSystem& fs, const std::string& directory) {
  DataInstant instant;
  instant.journal.folder = journal_directory(directory);
  TRY(look_at(fs, instant.journal));
  TRY_ASSIGN(const std::vector<std::string> names, list_streams(fs, directory));
  for (const std::string& name : names) {
    TRY_ASSIGN(const StreamMeta meta, read_meta(fs, meta_path(directory, name)));
    instant.streams.push_back(name);
    for (int32_t number = 0; number < meta.partitions; ++number) {
      PartitionInstant& place = instant.partitions.emplace_back();
      place.stream = name;
      place.tag = meta.tag;
      place.number = number;
      place.folder = partition_directory(directory, name, number);
      TRY(look_at(fs, place));
    }
  }
  return instant;
}

Result<DataInstant> take_instant(io::FileSystem& fs, const std::string& directory) {
  ASSERT(!directory.empty());
  int vanished = 0;
  for (int i = 0; i < kMostTries; ++i) {
    DataInstant instant;
    const auto taken = try_once(fs, directory, instant);
    if (!taken && (taken.error().code != ErrorCode::kNotFound || ++vanished > kMostVanished)) {
      return fail(taken.error());
    }
    if (taken && *taken) return instant;
  }
  return fail(
      Error{ErrorCode::kUnavailable,
            "the commit journal of '" + directory +
                "' is written so often that no moment was found to look at everything; try again when there "
                "is less to do",
            true});
}

}  // namespace colloquium::log
