// `log repair`: makes a damaged data directory one that opens, without losing anything silently.

#include <memory>
#include <optional>
#include <ostream>
#include <utility>

#include "app/json_report.h"
#include "app/log_keys.h"
#include "app/time_text.h"
#include "app/verb_log.h"
#include "base/system_clock.h"
#include "log/repair.h"

namespace colloquium::app {
namespace {

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  KeyOptions keys;
  std::string format = "text";
  bool dry_run = false;
  bool accept_loss = false;
};

// A dry run writes nothing, not into LOCK either.
struct DataHold {
  std::optional<log::DataDirectoryLock> lock;
  std::unique_ptr<io::FileLock> still;
};

// When what is lost was appended, as far as its neighbours tell.
std::string times_of(const log::LostRange& range) {
  const std::string after = range.after_ms < 0 ? "" : format_time_ms(range.after_ms);
  const std::string before = range.before_ms < 0 ? "" : format_time_ms(range.before_ms);
  if (!after.empty() && !before.empty()) return "; appended from " + after + " to " + before;
  if (!after.empty()) return "; appended at or after " + after;
  return before.empty() ? "" : "; appended at or before " + before;
}

void print(const log::RepairReport& report, Console& console) {
  for (const std::string& text : report.hopeless) console.out << "cannot be repaired: " << text << "\n";
  for (const log::LostRange& range : report.lost) {
    console.out << "lost: " << range.describe() << times_of(range) << "\n";
  }
  for (const std::string& text : report.consequences) console.out << "so: " << text << "\n";
  for (const std::string& text : report.actions) console.out << "repair: " << text << "\n";
}

void put_texts(std::string_view name, const std::vector<std::string>& texts, JsonReport& json) {
  json.begin_array(name);
  for (const std::string& text : texts) json.add(text);
  json.end_array();
}

std::string json_text(const log::RepairReport& report) {
  const auto known_ms = [](int64_t time_ms) { return time_ms < 0 ? std::nullopt : std::optional(time_ms); };
  JsonReport json;
  json.put("refused", report.refused);
  put_texts("hopeless", report.hopeless, json);
  json.begin_array("lost");
  for (const log::LostRange& range : report.lost) {
    json.begin_object();
    json.put("stream", range.stream.empty() ? std::nullopt : std::optional(range.stream));
    json.put("partition", range.partition);
    json.put("first_offset", range.first_offset);
    json.put("last_offset", range.last_offset);
    json.put("file", range.file);
    json.put("position", range.position);
    json.put("size_bytes", range.size);
    json.put("appended_after_ms", known_ms(range.after_ms));
    json.put("appended_before_ms", known_ms(range.before_ms));
    json.put("what", range.what);
    json.end_object();
  }
  json.end_array();
  put_texts("consequences", report.consequences, json);
  put_texts("actions", report.actions, json);
  return json.text();
}

Exit repair(const Options& options, Console& console) {
  if (const auto format = log::read_format(log_files(), options.data_dir); !format) {
    return refuse(console, format.error());
  }
  auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto hold = [&]() -> Result<DataHold> {
    DataHold held;
    if (options.dry_run) {
      TRY_ASSIGN(held.still, log::hold_still(log_files(), options.data_dir));
    } else {
      TRY_ASSIGN(log::DataDirectoryLock lock, log::lock_data_directory(log_files(), options.data_dir, ""));
      held.lock.emplace(std::move(lock));
    }
    return held;
  };
  const auto held = hold();
  if (!held) return refuse(console, held.error());
  SystemClock clock;
  SystemRandom random;
  log::LogOptions how;
  how.directory = options.data_dir;
  how.files = &log_files();
  how.clock = &clock;
  how.random = &random;
  how.keys = std::move(*keys);
  const auto report = log::repair_data_directory(how, {options.dry_run, options.accept_loss});
  if (!report) return fail_running(console, report.error());
  const bool json = options.format == "json";
  if (json) console.out << json_text(*report);
  if (!json) print(*report, console);
  if (report->refused) {
    console.err << "error: nothing was changed: "
                << (report->hopeless.empty()
                        ? "what is listed is lost; restore it from a backup, or go on without it "
                          "with --accept-loss"
                        : "restore what is listed from a backup")
                << "\n";
    return Exit::kFailed;
  }
  if (!json && report->actions.empty()) console.out << "nothing to repair\n";
  return Exit::kDone;
}

}  // namespace

Verb log_repair_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "repair";
  verb.summary = "Mend a damaged data directory";
  verb.description =
      "Cuts off what a crash left torn, and makes seals, indexes and epochs again where they do not fit. If "
      "anything\n"
      "that was acknowledged is lost, nothing is changed, and the lost offsets, bytes and times are listed; with\n"
      "--accept-loss the damaged segments are moved to DIR/quarantine, and the log goes on with everything else.";
  verb.example =
      "colloquium log repair --dry-run\n"
      "colloquium log repair --data-dir /var/lib/colloquium --accept-loss";
  verb.options = key_options(options->keys);
  verb.options.insert(
      verb.options.begin(),
      {data_dir_option(options->data_dir),
       {"--format", "FORMAT", "for people, or one JSON object", &options->format, false, {"text", "json"}},
       {"--dry-run", "", "say what would be done, and change nothing", &options->dry_run},
       {"--accept-loss", "", "go on without the events that are lost", &options->accept_loss}});
  verb.run = [options](Console& console) { return repair(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
