#include "app/output_difference.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "app/json_difference.h"

namespace colloquium::app {
namespace {

std::string_view text_of(const Batch& batch, size_t i) {
  return batch.is_tombstone(i) ? std::string_view("null") : batch.value(i);
}

std::optional<size_t> index_of(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<size_t>(found - names.begin());
}

// Bytes first: most events are the same to the byte, and parsing them all would cost ten times the stages.
bool same(std::string_view a, std::string_view b) {
  return a == b || json_difference(a, b).empty();
}

auto place_of(const Batch& batch, size_t i) {
  return std::pair(batch.offset(i), batch.entry(i).ordinal);
}

struct Letter {
  std::string_view envelope;
  // What of it is compared: the pipeline's file and line, which stand before an error's category, are other ones.
  std::string compared;
};

Letter letter_of(std::string_view envelope, std::string& id) {
  auto parsed = nlohmann::json::parse(envelope, nullptr, false);
  if (!parsed.is_object()) return {envelope, std::string(envelope)};
  id = parsed.value("position", std::string());
  const std::string error = parsed.value("error", std::string());
  const size_t category = error.find("error[");
  if (category != std::string::npos) parsed["error"] = error.substr(category);
  return {envelope, parsed.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

std::set<std::string> ids_at(const Batch& input, const std::vector<int64_t>& offsets) {
  std::set<std::string> ids;
  for (size_t i = 0; i < input.size(); ++i) {
    if (std::binary_search(offsets.begin(), offsets.end(), input.offset(i))) ids.insert(input.id(i));
  }
  return ids;
}

// Whether that is the id of one of the events, or of something that stages made of it, which goes on behind a '-'.
bool came_of_one(const std::string& id, const std::set<std::string>& events) {
  if (events.empty()) return false;
  for (size_t end = id.size(); end != id.npos && end > 0; end = id.rfind('-', end - 1)) {
    if (events.count(id.substr(0, end)) > 0) return true;
  }
  return false;
}

// Of the envelopes of one event, which has one for each sink whose `when` fails, by turns.
using Letters = std::map<std::pair<std::string, int>, Letter>;

Letters letters_of(const Batch& dead, const std::set<std::string>& open) {
  Letters letters;
  for (size_t i = 0; i < dead.size(); ++i) {
    std::string id;
    const Letter letter = letter_of(dead.value(i), id);
    if (came_of_one(id, open)) continue;
    int turn = 0;
    while (!letters.emplace(std::pair(id, turn), letter).second) ++turn;
  }
  return letters;
}

}  // namespace

OutputDifference::OutputDifference(std::vector<std::string> old_sinks, std::vector<std::string> new_sinks,
                                   size_t shown)
    : old_sinks_(std::move(old_sinks)), new_sinks_(std::move(new_sinks)), shown_max_(shown) {
  for (const std::string& name : old_sinks_) {
    sinks_.emplace_back();
    sinks_.back().sink = name;
    sinks_.back().in_new = index_of(new_sinks_, name).has_value();
  }
  for (const std::string& name : new_sinks_) {
    if (index_of(old_sinks_, name)) continue;
    sinks_.emplace_back();
    sinks_.back().sink = name;
    sinks_.back().in_old = false;
  }
}

void OutputDifference::add(const Batch& input, const engine::DryRun::Outcome& old_outcome,
                           const engine::DryRun::Outcome& new_outcome) {
  static const auto nothing = BatchBuilder().seal(std::make_shared<const BatchOrigin>(), 0);
  std::vector<int64_t> open;
  std::set_union(old_outcome.open.begin(), old_outcome.open.end(), new_outcome.open.begin(),
                 new_outcome.open.end(), std::back_inserter(open));
  open_ += open.size();
  const auto compared = [&](const engine::DryRun::Outcome& outcome, const std::vector<std::string>& names,
                            const std::string& name) {
    const auto at = index_of(names, name);
    return at ? engine::DryRun::without(outcome.sinks[*at], open) : nothing;
  };
  for (Counts& counts : sinks_) {
    compare_sink(counts, *compared(old_outcome, old_sinks_, counts.sink),
                 *compared(new_outcome, new_sinks_, counts.sink));
  }
  compare_dead(*old_outcome.dead, *new_outcome.dead, ids_at(input, open));
}

// Both are in the order of their places.
void OutputDifference::compare_sink(Counts& counts, const Batch& old_batch, const Batch& new_batch) {
  size_t i = 0;
  size_t j = 0;
  while (i < old_batch.size() || j < new_batch.size()) {
    const bool only_old =
        j == new_batch.size() || (i < old_batch.size() && place_of(old_batch, i) < place_of(new_batch, j));
    const bool only_new =
        i == old_batch.size() || (j < new_batch.size() && place_of(new_batch, j) < place_of(old_batch, i));
    const std::string_view old_value = only_new ? "" : text_of(old_batch, i);
    const std::string_view new_value = only_old ? "" : text_of(new_batch, j);
    if (!only_old && !only_new && same(old_value, new_value)) {
      ++counts.equal;
    } else {
      note(counts, only_new ? new_batch.id(j) : old_batch.id(i), old_value, new_value);
    }
    if (!only_new) ++i;
    if (!only_old) ++j;
  }
}

void OutputDifference::compare_dead(const Batch& old_dead, const Batch& new_dead,
                                    const std::set<std::string>& open) {
  if (old_dead.empty() && new_dead.empty()) return;
  const Letters old_letters = letters_of(old_dead, open);
  const Letters new_letters = letters_of(new_dead, open);
  for (const auto& [key, letter] : old_letters) {
    const auto other = new_letters.find(key);
    if (other != new_letters.end() && other->second.compared == letter.compared) {
      ++dead_.equal;
    } else {
      note(dead_, key.first, letter.envelope, other == new_letters.end() ? "" : other->second.envelope);
    }
  }
  for (const auto& [key, letter] : new_letters) {
    if (old_letters.count(key) == 0) note(dead_, key.first, "", letter.envelope);
  }
}

// A difference. An empty value: there is none.
void OutputDifference::note(Counts& counts, const std::string& id, std::string_view old_value,
                            std::string_view new_value) {
  ++(new_value.empty() ? counts.only_old : old_value.empty() ? counts.only_new : counts.changed);
  if (shown_.size() < shown_max_) {
    shown_.push_back({id, counts.sink, std::string(old_value), std::string(new_value)});
  }
}

bool OutputDifference::equal() const {
  return total() == 0 && open_ == 0 && std::all_of(sinks_.begin(), sinks_.end(), [](const Counts& counts) {
           return counts.in_old && counts.in_new;
         });
}

uint64_t OutputDifference::total() const {
  uint64_t total = dead_.differences();
  for (const Counts& counts : sinks_) total += counts.differences();
  return total;
}

}  // namespace colloquium::app
