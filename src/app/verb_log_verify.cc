// `log verify`: every byte of a data directory. Nothing here locks it or writes to it.

#include <ostream>

#include "app/log_keys.h"
#include "app/verb_log.h"
#include "log/verify.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  KeyOptions keys;
};

// A line that overwrites itself, for a person who waits; a file or a pipe gets none of it.
log::VerifyProgress progress_of(Console& console) {
  if (!console.err_is_terminal) return nullptr;
  return [&console, shown = uint64_t{101}](uint64_t done_bytes, uint64_t total_bytes) mutable {
    const uint64_t percent = total_bytes == 0 ? 100 : done_bytes * 100 / total_bytes;
    if (percent == shown) return;
    shown = percent;
    console.err << "\r\033[K" << (percent < 100 ? std::to_string(percent) + " % verified" : "") << std::flush;
  };
}

// What a crash left above everything acknowledged is told but is no failure: the next start mends it.
Exit verify(const Options& options, Console& console) {
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto report = log::verify_data_directory(log_files(), options.data_dir, progress_of(console), *keys);
  if (!report) return refuse(console, report.error());
  for (const log::VerifyProblem& problem : report->problems) console.out << problem.describe() << "\n";
  for (const auto& [key, segments] : report->keys_needed) {
    console.out << segments << " segments are encrypted with the key " << key
                << ", which is not given: what their batches hold was not checked; give it with --key-file\n";
  }
  console.out << report->events << " events in " << report->batches << " batches of " << report->partitions
              << " partitions, and the commit journal; " << report->bytes << " bytes in " << report->segments
              << " segments: " << report->problems.size() << " problems\n";
  return report->corrupt() ? Exit::kFailed : Exit::kDone;
}

}  // namespace

Verb log_verify_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "verify";
  verb.summary = "Check every batch of a data directory";
  verb.description =
      "Reads every byte, and says where something is damaged; exits with 1 if anything acknowledged is. What\n"
      "a crash left half written is told too, as torn: the next start cuts it off.";
  verb.example = "colloquium log verify --data-dir /var/lib/colloquium";
  verb.options = key_options(options->keys);
  verb.options.insert(verb.options.begin(), data_dir_option(options->data_dir));
  verb.run = [options](Console& console) { return verify(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
