// `log restore`: a snapshot becomes a data directory again.

#include <charconv>
#include <ostream>

#include "app/log_keys.h"
#include "app/progress_line.h"
#include "app/time_text.h"
#include "app/verb_log.h"
#include "base/system_clock.h"
#include "log/restore.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string folder;
  std::string data_dir = kDefaultDataDirectory;
  std::optional<std::string> snapshot;
  bool check = false;
  KeyOptions keys;
};

Result<std::optional<uint64_t>> number_of(const Options& options) {
  if (!options.snapshot) return std::optional<uint64_t>();
  uint64_t number = 0;
  const std::string& text = *options.snapshot;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && after == text.data() + text.size() && number > 0)
    return std::optional<uint64_t>(number);
  return fail(ErrorCode::kInvalidConfig,
              "--snapshot takes a snapshot's number, as 'log backup --list' shows them; got '" + text + "'");
}

bool was_refused(const Error& error) {
  return error.code == ErrorCode::kInvalidConfig || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kConflict;
}

void print(const log::RestoreReport& report, const Options& options, Console& console) {
  const std::string snapshot = "snapshot " + log::snapshot_name(report.number) + " of " +
                               format_time_ms(report.manifest.time_ms) + ", " +
                               std::to_string(report.manifest.files.size()) + " files with " +
                               std::to_string(report.manifest.size_bytes()) + " bytes";
  if (options.check) {
    console.out << snapshot << ": as it was written\n";
    return;
  }
  console.out << snapshot << ", restored into " << options.data_dir << "\n";
  for (const log::RestoreReport::Partition& partition : report.partitions) {
    console.out << partition.stream << "/" << partition.number << ": offsets " << partition.oldest_offset
                << " to below " << partition.end_offset << "; the next event gets " << partition.next_offset
                << "\n";
  }
}

Exit restore(const Options& options, Console& console) {
  const auto number = number_of(options);
  if (!number) return refuse(console, number.error());
  auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  SystemClock clock;
  SystemRandom random;
  log::RestoreOptions how;
  how.folder = options.folder;
  how.number = *number;
  how.log.directory = options.data_dir;
  how.log.files = &log_files();
  how.log.clock = &clock;
  how.log.random = &random;
  how.log.keys = std::move(*keys);
  how.check_only = options.check;
  ProgressLine progress(console, options.check ? "% checked" : "% restored");
  how.progress = [&progress](uint64_t done, uint64_t total) { progress.show_share(done, total); };
  const auto report = log::restore(how);
  progress.clear();
  if (!report)
    return was_refused(report.error()) ? refuse(console, report.error()) : fail_running(console, report.error());
  print(*report, options, console);
  return Exit::kDone;
}

}  // namespace

Verb log_restore_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "restore";
  verb.summary = "Make a data directory of a snapshot";
  verb.description =
      "Copies a snapshot of DIR into a data directory that is not there yet or empty, comparing every file with "
      "the\n"
      "manifest, and opens it once. Until it is done nothing else opens the directory; one that was interrupted "
      "is\n"
      "begun again by the next. Every partition goes on at an offset that was never given out before, so that ids "
      "of\n"
      "events behind the snapshot, which are lost, do not come again.";
  verb.example =
      "colloquium log restore /mnt/backup --data-dir /var/lib/colloquium\n"
      "colloquium log restore /mnt/backup --snapshot 12 --check";
  verb.options = key_options(options->keys);
  verb.options.insert(
      verb.options.begin(),
      {data_dir_option(options->data_dir),
       {"--snapshot", "N", "which one; default: the newest that is finished", &options->snapshot},
       {"--check", "", "compare every file with the manifest, and restore nothing", &options->check}});
  verb.options.push_back({"DIR", "", "the folder of the snapshots", &options->folder, true});
  verb.run = [options](Console& console) { return restore(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
