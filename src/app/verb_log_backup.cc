// `log backup`: a snapshot of a data directory, also of a running one. Nothing of it is locked or written to.

#include <charconv>
#include <iomanip>
#include <ostream>

#include "app/counted.h"
#include "app/log_keys.h"
#include "app/progress_line.h"
#include "app/time_text.h"
#include "app/verb_log.h"
#include "base/system_clock.h"
#include "log/backup.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string folder;
  std::string data_dir = kDefaultDataDirectory;
  std::optional<std::string> keep;
  bool list = false, full = false;
  KeyOptions keys;
};

uint64_t partitions_of(const log::BackupManifest& manifest) {
  uint64_t count = 0;
  for (const log::BackupManifest::Partition& partition : manifest.partitions) {
    if (!partition.stream.empty()) ++count;
  }
  return count;
}

void print_snapshot(const log::Snapshot& snapshot, const std::string& folder, Console& console) {
  console.out << std::left << std::setw(10) << log::snapshot_name(snapshot.number);
  const auto manifest = log::read_manifest(log_files(), log::snapshot_path(folder, snapshot.number));
  if (!snapshot.finished) {
    console.out << "not finished; the next backup removes it\n";
  } else if (!manifest) {
    console.out << "cannot be restored: " << manifest.error().message << "\n";
  } else {
    console.out << std::setw(26) << format_time_ms(manifest->time_ms) << std::right << std::setw(12)
                << partitions_of(*manifest) << std::setw(8) << manifest->files.size() << std::setw(16)
                << manifest->size_bytes() << "\n";
  }
}

Exit list(const Options& options, Console& console) {
  const auto snapshots = log::list_snapshots(log_files(), options.folder);
  if (!snapshots) return refuse(console, snapshots.error());
  console.out << std::left << std::setw(10) << "SNAPSHOT" << std::setw(26) << "TIME" << std::right << std::setw(12)
              << "PARTITIONS" << std::setw(8) << "FILES" << std::setw(16) << "BYTES"
              << "\n";
  for (const log::Snapshot& snapshot : *snapshots) print_snapshot(snapshot, options.folder, console);
  return Exit::kDone;
}

void print(const log::BackupReport& report, Console& console) {
  const uint64_t files = report.manifest.files.size();
  console.out << "snapshot " << log::snapshot_name(report.number) << ": "
              << counted(files - report.linked_files, "file") << " with "
              << counted(report.manifest.size_bytes() - report.linked_bytes, "byte") << " copied, "
              << counted(report.linked_files, "file") << " with " << counted(report.linked_bytes, "byte")
              << " shared with the snapshot before\n";
  for (const auto& [key, segments] : report.manifest.keys) {
    console.out << counted(segments, "segment") << " can be restored only with the key " << key << "\n";
  }
  for (const uint64_t number : report.removed) {
    console.out << "snapshot " << log::snapshot_name(number) << " was removed\n";
  }
}

// Zero: all are kept.
Result<uint64_t> number_to_keep(const Options& options) {
  if (!options.keep) return uint64_t{0};
  uint64_t number = 0;
  const std::string& text = *options.keep;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && after == text.data() + text.size() && number > 0) return number;
  return fail(ErrorCode::kInvalidConfig,
              "--keep takes how many snapshots are to be left, 1 or more; got '" + text + "'");
}

// Whether nothing was begun when it failed.
bool was_refused(const Error& error) {
  return error.code == ErrorCode::kInvalidConfig || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kConflict;
}

Exit back_up(const Options& options, Console& console) {
  if (options.list) return list(options, console);
  const auto keep = number_to_keep(options);
  if (!keep) return refuse(console, keep.error());
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  SystemClock clock;
  log::BackupOptions how;
  how.directory = options.data_dir;
  how.folder = options.folder;
  how.files = &log_files();
  how.clock = &clock;
  how.keys = *keys;
  how.keep = *keep;
  how.full = options.full;
  ProgressLine progress(console, "% backed up");
  how.progress = [&progress](uint64_t done, uint64_t total) { progress.show_share(done, total); };
  const auto report = log::back_up(how);
  progress.clear();
  if (!report)
    return was_refused(report.error()) ? refuse(console, report.error()) : fail_running(console, report.error());
  print(*report, console);
  if (report->removal_failure.empty()) return Exit::kDone;
  console.err << "error: the snapshot is complete, but older ones can't be removed: " << report->removal_failure
              << "\n";
  return Exit::kFailed;
}

}  // namespace

Verb log_backup_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "backup";
  verb.summary = "Copy a data directory into a folder of snapshots, also while it is written";
  verb.description =
      "Makes a snapshot of one instant in DIR, as DIR/000001, DIR/000002 and so on: whatever was acknowledged "
      "before\n"
      "the backup began is in it, and commits are whole or absent. Files that have not changed since the "
      "snapshot\n"
      "before are hard links to it. Every batch is checked on its way; a damaged data directory gives no "
      "snapshot,\n"
      "but says what is damaged and exits with 1. Encrypted segments are copied as they are, without a key.";
  verb.example =
      "colloquium log backup /mnt/backup --data-dir /var/lib/colloquium --keep 14\n"
      "colloquium log backup /mnt/backup --list";
  verb.options = key_options(options->keys);
  verb.options.insert(
      verb.options.begin(),
      {data_dir_option(options->data_dir),
       {"--keep", "N", "afterwards remove all but the newest N snapshots; default: keep all", &options->keep},
       {"--full", "", "copy every file, also what the snapshot before has", &options->full},
       {"--list", "", "list the snapshots in DIR, and make none", &options->list}});
  verb.options.push_back(
      {"DIR", "", "the folder of the snapshots; made if it is not there", &options->folder, true});
  verb.run = [options](Console& console) { return back_up(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
