#include "log/stream_list.h"

#include <set>
#include <utility>

#include "base/assert.h"
#include "io/path.h"
#include "log/layout.h"

namespace colloquium::log {

namespace {

Result<bool> holds_segments(const io::FileSystem& fs, const std::string& folder) {
  ASSERT(!folder.empty());
  const auto inside = fs.list(folder);
  if (!inside) return false;  // a file, or gone meanwhile
  for (const std::string& partition : *inside) {
    const auto segments = list_segments(fs, io::join(folder, partition));
    if (segments && !segments->empty()) return true;
  }
  return false;
}

}  // namespace

Result<std::vector<StreamFolder>> list_stream_folders(const io::FileSystem& fs, const std::string& directory) {
  const std::string folder = streams_directory(directory);
  const auto listed = fs.list(folder);
  if (!listed && listed.error().code != ErrorCode::kNotFound) return fail(listed.error());
  std::vector<StreamFolder> folders;
  for (const std::string& name : listed ? *listed : std::vector<std::string>()) {
    const auto meta = fs.info(meta_path(directory, name));
    if (!meta && meta.error().code != ErrorCode::kNotFound) return fail(meta.error());
    if (!meta) {
      TRY_ASSIGN(const bool lost, holds_segments(fs, io::join(folder, name)));
      if (!lost) continue;
    }
    folders.push_back({name, !meta});
  }
  return folders;
}

Error lost_meta_error(const std::string& directory, const std::string& stream) {
  ASSERT(!stream.empty());
  return Error{ErrorCode::kCorrupt, "stream '" + stream +
                                        "' holds segments but its meta file is missing; restore '" +
                                        meta_path(directory, stream) + "' from a backup"};
}

Result<std::vector<std::string>> list_streams(const io::FileSystem& fs, const std::string& directory) {
  TRY_ASSIGN(const std::vector<StreamFolder> folders, list_stream_folders(fs, directory));
  std::vector<std::string> names;
  for (const StreamFolder& folder : folders) {
    if (folder.lost_meta) return fail(lost_meta_error(directory, folder.name));
    names.push_back(folder.name);
  }
  return names;
}

Error AbsentPartition::error() const {
  return Error{ErrorCode::kCorrupt, "'" + partition_name(stream, partition) +
                                        "' is not in the data directory, and offsets below " +
                                        std::to_string(end) + " were there: " + why +
                                        "; restore it from a backup, or let 'colloquium log repair --accept-loss' "
                                        "give them up"};
}

std::vector<AbsentPartition> absent_partitions(const JournalState& journal,
                                               const std::optional<CleanMarker>& clean,
                                               const std::map<std::string, int32_t>& streams) {
  std::set<std::pair<std::string, int32_t>> named = journal.partitions();
  for (const auto& [place, entry] : clean ? *clean : CleanMarker()) {
    if (!place.first.empty()) named.insert(place);
  }
  std::vector<AbsentPartition> absent;
  for (const auto& [stream, partition] : named) {
    ASSERT(!stream.empty());
    const auto there = streams.find(stream);
    if (there != streams.end() && partition < there->second) continue;
    Evidence evidence = journal.evidence_for(stream, partition);
    const auto entry = clean ? clean->find({stream, partition}) : CleanMarker::const_iterator();
    if (clean && entry != clean->end()) {
      evidence.testify(entry->second.end.next_offset, "CLEAN says that they were there at the last stop");
    }
    if (evidence.synced_below > 0) absent.push_back({stream, partition, evidence.synced_below, evidence.witness});
  }
  return absent;
}

}  // namespace colloquium::log
