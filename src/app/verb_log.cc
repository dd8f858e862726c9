// `log`: the event log from the command line. What its verbs share, and the list of them.

#include "app/verb_log.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "app/log_keys.h"
#include "app/time_text.h"
#include "base/names.h"

namespace colloquium::app {
namespace {

std::optional<int64_t> parse_offset(const std::string& text) {
  int64_t offset = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), offset);
  const bool whole = error == std::errc() && after == text.data() + text.size() && offset >= 0;
  return whole ? std::optional(offset) : std::nullopt;
}

// An offset, or the offset of the first event appended at or after a time.
Result<int64_t> resolve(const std::string& data_dir, const std::string& stream, int32_t partition,
                        const std::string& text, const char* flag) {
  if (const auto offset = parse_offset(text)) return *offset;
  if (const auto time_ms = parse_time_ms(text)) {
    return log::find_offset(log_files(), data_dir, stream, partition, *time_ms);
  }
  return fail(ErrorCode::kInvalidConfig, std::string(flag) + " takes an offset, or a time such as " +
                                             "2026-03-01T12:00:00Z; got '" + text + "'");
}

// That a part of what was asked for is gone is said before anything is done with the rest.
Status refuse_removed(const std::string& data_dir, const std::string& stream, int32_t partition,
                      const std::string& from) {
  TRY_ASSIGN(const log::RemovedFront removed, log::removed_front(log_files(), data_dir, stream, partition));
  if (removed.offset == 0) return {};
  const auto offset = parse_offset(from);
  const auto time_ms = offset ? std::nullopt : parse_time_ms(from);
  const bool gone = offset ? *offset < removed.offset : time_ms && *time_ms <= removed.newest_ms;
  if (!gone) return {};
  return fail(ErrorCode::kNotFound, "retention has removed a part of that from " + stream + "/" +
                                        std::to_string(partition) + ": offsets below " +
                                        std::to_string(removed.offset) + ", appended up to " +
                                        format_time_ms(removed.newest_ms) +
                                        "; begin behind it, or with what there is: --from beginning");
}

}  // namespace

io::FileSystem& log_files() {
  return io::posix_file_system();
}

VerbOption data_dir_option(std::string& target) {
  return {"--data-dir", "DIR", "the data directory; default ./colloquium-data", &target, false, {}};
}

Result<log::StreamInfo> find_stream(const std::string& data_dir, const std::string& name) {
  TRY_ASSIGN(const std::vector<log::StreamInfo> streams, log::list_data_directory(log_files(), data_dir));
  std::vector<std::string> names;
  for (const log::StreamInfo& stream : streams) {
    if (stream.name == name) return stream;
    names.push_back(stream.name);
  }
  const std::string nearest = closest_name(name, names);
  return fail(ErrorCode::kNotFound, "there is no stream '" + name + "' in " + data_dir +
                                        (nearest.empty() ? "" : "; did you mean '" + nearest + "'?"));
}

Result<std::vector<int32_t>> partitions_of(const std::optional<std::string>& partition,
                                           const log::StreamInfo& stream) {
  std::vector<int32_t> numbers;
  const auto count = static_cast<int32_t>(stream.partitions.size());
  if (!partition) {
    for (int32_t i = 0; i < count; ++i) numbers.push_back(i);
    return numbers;
  }
  int32_t number = 0;
  const std::string& text = *partition;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || after != text.data() + text.size() || number < 0 || number >= count) {
    return fail(ErrorCode::kInvalidConfig, "stream '" + stream.name + "' has the partitions 0 to " +
                                               std::to_string(count - 1) + "; got --partition " + text);
  }
  return std::vector<int32_t>{number};
}

Result<std::shared_ptr<const log::KeyRing>> keys_of(const std::vector<std::shared_ptr<const engine::Plan>>& plans,
                                                    const std::optional<std::string>& key_file, Random& random) {
  for (const auto& plan : plans) {
    if (key_file) break;
    TRY_ASSIGN(auto keys, key_ring_of({plan}, log_files(), random));
    if (keys != nullptr) return keys;
  }
  return key_ring_for_reading({.key_file = key_file, .pipeline = std::nullopt}, log_files());
}

Result<OffsetSpan> offset_span(const std::string& data_dir, const std::string& stream, int32_t partition,
                               const std::optional<std::string>& from, const std::optional<std::string>& to) {
  OffsetSpan span{0, std::numeric_limits<int64_t>::max()};
  if (from) {
    TRY_ASSIGN(span.from, resolve(data_dir, stream, partition, *from, "--from"));
  }
  if (to) {
    TRY_ASSIGN(span.to, resolve(data_dir, stream, partition, *to, "--to"));
  }
  return span;
}

Result<std::vector<engine::ReplaySpan>> readable_spans(const std::string& data_dir, const log::StreamInfo& stream,
                                                       const std::optional<std::string>& partition,
                                                       const std::optional<std::string>& from,
                                                       const std::optional<std::string>& to) {
  const std::optional<std::string> begin = from == "beginning" ? std::nullopt : from;
  TRY_ASSIGN(const std::vector<int32_t> partitions, partitions_of(partition, stream));
  std::vector<engine::ReplaySpan> spans;
  for (const int32_t number : partitions) {
    const log::PartitionInfo& info = stream.partitions[static_cast<size_t>(number)];
    TRY_ASSIGN(const OffsetSpan asked, offset_span(data_dir, stream.name, number, begin, to));
    if (begin) TRY(refuse_removed(data_dir, stream.name, number, *begin));
    const int64_t first = std::clamp(asked.from, info.oldest_offset, info.next_offset);
    spans.push_back({number, first, std::clamp(asked.to, first, info.next_offset)});
  }
  return spans;
}

Verb log_verb() {
  Verb verb;
  verb.name = "log";
  verb.summary = "Look into the event log";
  verb.example = "colloquium log cat orders";
  verb.verbs = {log_ls_verb(),     log_stats_verb(),  log_cat_verb(),     log_verify_verb(),
                log_repair_verb(), log_backup_verb(), log_restore_verb(), log_forget_verb(),
                log_export_verb(), log_import_verb(), log_replay_verb(),  log_diff_verb()};
  return verb;
}

}  // namespace colloquium::app
