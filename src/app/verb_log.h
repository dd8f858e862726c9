// The verbs of `log`, each in its own verb_log_*.cc, and what they share.
//
// Thread safety: as verb.h says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/result.h"

#include "app/verb.h"
#include "engine/pipeline.h"
#include "engine/replay.h"
#include "io/file_system.h"
#include "log/data_directory.h"

namespace colloquium::app {

Verb log_backup_verb();
Verb log_diff_verb();
Verb log_export_verb();
Verb log_forget_verb();
Verb log_import_verb();
Verb log_ls_verb();
Verb log_stats_verb();
Verb log_replay_verb();
Verb log_cat_verb();
Verb log_verify_verb();
Verb log_repair_verb();
Verb log_restore_verb();

inline constexpr const char* kDefaultDataDirectory = "./colloquium-data";

// These verbs see the real disk; only `run` can be told to forget.
io::FileSystem& log_files();

// --data-dir. `target` lives as long as the verb.
VerbOption data_dir_option(std::string& target);

// A stream that is not there is refused, and told which is nearest.
Result<log::StreamInfo> find_stream(const std::string& data_dir, const std::string& name);

// The partitions asked for: one, or all.
Result<std::vector<int32_t>> partitions_of(const std::optional<std::string>& partition,
                                           const log::StreamInfo& stream);

// What opens an encrypted stream for a verb that runs pipelines over it: --key-file if given, else what one of the
// pipelines says, else the environment. Null if no key is given.
Result<std::shared_ptr<const log::KeyRing>> keys_of(const std::vector<std::shared_ptr<const engine::Plan>>& plans,
                                                    const std::optional<std::string>& key_file, Random& random);

// Which part of a partition is meant by --from and --to.
struct OffsetSpan {
  int64_t from;
  int64_t to;  // exclusive
};
// Each is an offset, or a time: then the offset of the first event appended at or after it.
Result<OffsetSpan> offset_span(const std::string& data_dir, const std::string& stream, int32_t partition,
                               const std::optional<std::string>& from, const std::optional<std::string>& to);

// The same for the verbs that do something with a part of a stream: cut to what can be read now. --from may be
// "beginning"; kNotFound if it names something that retention has removed.
Result<std::vector<engine::ReplaySpan>> readable_spans(const std::string& data_dir, const log::StreamInfo& stream,
                                                       const std::optional<std::string>& partition,
                                                       const std::optional<std::string>& from,
                                                       const std::optional<std::string>& to);

}  // namespace colloquium::app
