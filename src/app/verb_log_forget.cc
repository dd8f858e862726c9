// `log forget`: a leg that nothing runs any more no longer holds retention back.

#include <algorithm>
#include <ostream>
#include <utility>

#include "app/counted.h"
#include "app/log_keys.h"
#include "app/offline_log.h"
#include "app/time_text.h"
#include "app/verb_log.h"
#include "base/names.h"
#include "log/directory_stats.h"
#include "log/journal_look.h"

namespace colloquium::app {
namespace {

constexpr std::string_view kReplayMark = "@replay-";

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string leg;
  bool yes = false;
  KeyOptions keys;
};

// "p@replay-g" stands for the replay as a whole: also "p/sink@replay-g".
bool is_named(const std::string& leg, const std::string& named) {
  if (leg == named) return true;
  const size_t mark = named.find(kReplayMark);
  if (mark == std::string::npos || named.find('/') < mark) return false;
  return leg.starts_with(named.substr(0, mark) + "/") && leg.ends_with(named.substr(mark));
}

Result<std::vector<std::string>> find_legs(const Options& options, const log::JournalState& journal) {
  std::vector<std::string> found, all;
  for (const auto& [leg, state] : journal.legs()) {
    all.push_back(leg);
    if (is_named(leg, options.leg)) found.push_back(leg);
  }
  if (!found.empty()) return found;
  const std::string nearest = closest_name(options.leg, all);
  return fail(ErrorCode::kNotFound, "no leg '" + options.leg + "' has committed anything in " + options.data_dir +
                                        (nearest.empty() ? "; 'colloquium log ls' lists those that have"
                                                         : "; did you mean '" + nearest + "'?"));
}

void tell_position(const std::string& stream, size_t number, const log::PartitionStats& part,
                   const log::LegPosition& leg, std::ostream& out) {
  out << leg.leg << " has committed " << stream << "/" << number << " below " << leg.next_offset;
  if (leg.events_behind == 0) {
    out << ", all there is\n";
    return;
  }
  out << " and holds back what follows: " << counted(leg.events_behind, "event")
      << ", the oldest of " << format_time_ms(leg.oldest_ms);
  // Whether they can go now is the others' to say.
  const auto furthest = std::min_element(part.legs.begin(), part.legs.end(), [](const auto& a, const auto& b) {
    return a.next_offset < b.next_offset;
  });
  if (furthest->leg != leg.leg && furthest->next_offset < leg.next_offset) {
    out << " (" << furthest->leg << " holds back more)";
  }
  out << "\n";
}

Status tell_held(const Options& options, const std::vector<std::string>& legs,
                 const std::shared_ptr<const log::KeyRing>& keys, std::ostream& out) {
  TRY_ASSIGN(const log::DirectoryStats stats,
             log::directory_stats(log_files(), options.data_dir, {std::nullopt, false, keys}));
  for (const log::StreamStats& stream : stats.streams) {
    for (size_t i = 0; i < stream.partitions.size(); ++i) {
      for (const log::LegPosition& leg : stream.partitions[i].legs) {
        const bool told = std::find(legs.begin(), legs.end(), leg.leg) != legs.end();
        if (told) tell_position(stream.name, i, stream.partitions[i], leg, out);
      }
    }
  }
  return {};
}

bool all_of_replays(const std::vector<std::string>& legs) {
  return std::all_of(legs.begin(), legs.end(),
                     [](const std::string& leg) { return leg.find(kReplayMark) != std::string::npos; });
}

Status forget_legs(OfflineLog& log, const std::vector<std::string>& legs) {
  log::CommitRequest request;
  request.leg = legs.front();
  request.forgotten = legs;
  // A stream sink keeps its own beside the leg's.
  for (const std::string& leg : legs) request.forgotten.push_back(leg + "/@progress");
  return log.commit(std::move(request));
}

Exit forget_in(OfflineLog& log, const Options& options, const std::shared_ptr<const log::KeyRing>& keys,
               Console& console) {
  const auto journal = log::look_into_journal(log_files(), options.data_dir, keys);
  if (!journal) return refuse(console, journal.error());
  const auto legs = find_legs(options, journal->state);
  if (!legs) return refuse(console, legs.error());
  const Status told = tell_held(options, *legs, keys, console.out);
  if (!told) return fail_running(console, told.error());
  if (!options.yes && !all_of_replays(*legs)) {
    return refuse(console,
                  "nothing was forgotten: a pipeline that still has this sink would deliver everything that "
                  "is left in the stream again; if none has, add --yes");
  }
  const Status forgotten = forget_legs(log, *legs);
  if (!forgotten) return fail_running(console, forgotten.error());
  for (const std::string& leg : *legs) console.out << "forgot " << leg << "\n";
  return Exit::kDone;
}

Exit forget(const Options& options, Console& console) {
  if (const auto format = log::read_format(log_files(), options.data_dir); !format) {
    return refuse(console, format.error());
  }
  const auto keys = key_ring_for_writing(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  // Opened before anything is said: what is told then stays so until it is done.
  const auto log = OfflineLog::open(options.data_dir, *keys);
  if (!log) return refuse(console, log.error());
  const Exit done = forget_in(**log, options, *keys, console);
  // Whatever came of it, the next start is to find a clean stop.
  const Status closed = (*log)->close();
  return closed ? done : fail_running(console, closed.error());
}

}  // namespace

Verb log_forget_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "forget";
  verb.summary = "Forget a leg, or a replay, so that it no longer holds retention back";
  verb.description =
      "Says first what the leg has not committed. A leg is forgotten for good: a pipeline that has it begins "
      "with\n"
      "the oldest event. 'PIPELINE@replay-GENERATION' stands for all legs of a replay that nobody will resume. "
      "No\n"
      "instance may have the data directory open.";
  verb.example =
      "colloquium log forget orders@replay-k3zq81ma\n"
      "colloquium log forget orders/old-sink --yes";
  verb.options = {
      data_dir_option(options->data_dir),
      {"--yes", "", "also a leg that is no replay's", &options->yes},
      {"LEG", "", "the leg; 'colloquium log ls' lists them", &options->leg, true},
  };
  for (VerbOption& option : key_options(options->keys))
    verb.options.insert(verb.options.end() - 1, std::move(option));
  verb.run = [options](Console& console) { return forget(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
