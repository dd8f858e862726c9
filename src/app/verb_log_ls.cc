// `log ls`: the streams of a data directory. Nothing here locks it or writes to it.

#include <iomanip>
#include <ostream>

#include "app/verb_log.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string data_dir = kDefaultDataDirectory;
};

// One line a partition; columns for people, wide enough for offsets of a busy year.
Exit list(const Options& options, Console& console) {
  const auto streams = log::list_data_directory(log_files(), options.data_dir);
  if (!streams) return refuse(console, streams.error());
  console.out << std::left << std::setw(32) << "STREAM" << std::right << std::setw(10) << "PARTITION"
              << std::setw(14) << "OLDEST" << std::setw(14) << "NEXT" << std::setw(14) << "BYTES"
              << "\n";
  for (const log::StreamInfo& stream : *streams) {
    for (size_t i = 0; i < stream.partitions.size(); ++i) {
      const log::PartitionInfo& partition = stream.partitions[i];
      console.out << std::left << std::setw(32) << stream.name << std::right << std::setw(10) << i << std::setw(14)
                  << partition.oldest_offset << std::setw(14) << partition.next_offset << std::setw(14)
                  << partition.size_bytes << "\n";
    }
  }
  return Exit::kDone;
}

}  // namespace

Verb log_ls_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "ls";
  verb.summary = "List the streams of a data directory";
  verb.example = "colloquium log ls --data-dir /var/lib/colloquium";
  verb.options = {data_dir_option(options->data_dir)};
  verb.run = [options](Console& console) { return list(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
