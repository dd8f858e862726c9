#include "tests/sim/model.h"

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace colloquium::sim {
namespace {

constexpr int64_t kFirstTimeMs = 1'600'000'000'000;

std::string describe(Place place) {
  return kStreams[static_cast<size_t>(place.stream)] + "/" + std::to_string(place.partition);
}

// "[12,3," at the beginning of a value.
std::optional<std::pair<int, int>> parse_value(std::string_view value) {
  std::pair<int, int> parsed;
  if (value.size() < 6 || value[0] != '[') return std::nullopt;
  const char* const end = value.data() + value.size();
  const auto first = std::from_chars(value.data() + 1, end, parsed.first);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ',') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, parsed.second);
  if (second.ec != std::errc()) return std::nullopt;
  return parsed;
}

bool has_key(int number) {
  return number % 3 == 0;
}
bool has_header(int number) {
  return number % 5 == 0;
}
int64_t time_of(int number, int i) {
  return kFirstTimeMs + number * 7 - i * 3;
}

}  // namespace

// --- what is asked -------------------------------------------------------------------------------------------

std::string Model::value_of(int number, int i) const {
  size_t padding = static_cast<size_t>(number) * 7919 % 41;
  if (number % 16 == 7) padding = 600;
  std::string value = "[";
  value += std::to_string(number);
  value += ',';
  value += std::to_string(i);
  value += ",\"";
  value.append(padding, static_cast<char>('a' + number % 26));
  value += "\"]";
  return value;
}

int Model::new_batch(Place place, int count, log::AckLevel level, int commit) {
  sent_.push_back({place, count, level, commit});
  const int number = static_cast<int>(sent_.size()) - 1;
  if (commit >= 0) commits_[static_cast<size_t>(commit)].outputs.push_back(number);
  return number;
}

int Model::new_commit(int leg, std::vector<std::pair<Place, int64_t>> positions, bool with_token) {
  commits_.push_back({leg, std::move(positions), with_token, {}});
  const int commit = static_cast<int>(commits_.size()) - 1;
  by_leg_[leg].push_back(commit);
  return commit;
}

std::shared_ptr<const Batch> Model::make_batch(int number) const {
  const Sent& sent = sent_[static_cast<size_t>(number)];
  BatchBuilder builder;
  const std::string key = "k" + std::to_string(number);
  const std::vector<std::pair<std::string_view, std::string_view>> headers = {{"h", key}};
  for (int i = 0; i < sent.count; ++i) {
    EventMeta meta;
    if (has_key(number)) meta.key = key;
    if (has_header(number)) meta.headers = headers;
    meta.timestamp_ms = time_of(number, i);
    meta.offset_delta = static_cast<uint32_t>(i);
    builder.add(value_of(number, i), {}, meta);
  }
  return builder.seal(std::make_shared<BatchOrigin>(), 0);
}

log::AcceptInfo Model::accept_of(int number) const {
  log::AcceptInfo info;
  info.source = number % 2 == 0 ? "even" : "odd";
  info.cursor = "cursor " + std::to_string(number);
  const auto count = static_cast<uint64_t>(sent_[static_cast<size_t>(number)].count);
  for (uint64_t i = 0; number % 4 == 1 && i < count; ++i) {
    info.id_hashes.push_back({static_cast<uint64_t>(number) << 20 | i, ~i});
  }
  return info;
}

// --- what is promised ----------------------------------------------------------------------------------------

std::string Model::told(int number, const Result<log::AppendResult>& result) {
  Sent& sent = sent_[static_cast<size_t>(number)];
  if (sent.told) return "batch " + std::to_string(number) + " is answered twice";
  sent.told = true;
  if (!result) {
    const ErrorCode code = result.error().code;
    const bool refused = code == ErrorCode::kNoSpace || code == ErrorCode::kUnavailable;
    if (refused && sent.fate == Fate::kOpen) {
      sent.fate = Fate::kGone;
      refused_now_.push_back(number);
    }
    return {};
  }
  refused_now_.clear();
  if (result->last_offset - result->first_offset + 1 != sent.count) return "an acknowledgement of another size";
  if (sent.level == log::AckLevel::kQueued) return {};
  if (sent.fate == Fate::kGone) return "acknowledged although it was refused";
  if (sent.level == log::AckLevel::kDurable) acknowledged_ += static_cast<uint64_t>(sent.count);
  sent.fate = sent.level == log::AckLevel::kDurable ? Fate::kPromised : std::max(sent.fate, Fate::kWritten);
  sent.first_offset = result->first_offset;
  if (sent.level == log::AckLevel::kDurable) {
    readable_[sent.place] = std::max(readable_[sent.place], result->last_offset + 1);
  }
  return {};
}

void Model::told_commit(int number, const Status& result) {
  Commit& commit = commits_[static_cast<size_t>(number)];
  if (result) {
    commit.fate = Fate::kPromised;
    ++acknowledged_;
  } else if (result.error().code == ErrorCode::kNoSpace && commit.fate == Fate::kOpen) {
    commit.fate = Fate::kGone;
  }
  for (const int output : commit.outputs) sent_[static_cast<size_t>(output)].fate = commit.fate;
}

void Model::log_failed() {
  for (const int number : refused_now_) sent_[static_cast<size_t>(number)].fate = Fate::kOpen;
  refused_now_.clear();
}

std::string Model::seen(Place place, const Batch& batch) {
  std::vector<Found> found;
  for (size_t i = 0; i < batch.size(); ++i) {
    const int64_t offset = batch.offset(i);
    if (offset < reader_at_[place]) return "a reader is given offset " + std::to_string(offset) + " again";
    reader_at_[place] = offset + 1;
    const auto parsed = parse_value(batch.value(i));
    int next = parsed ? parsed->second : 0;
    if (std::string wrong = take_event(place, offset, batch, i, found, next); !wrong.empty()) return wrong;
    Sent& sent = sent_[static_cast<size_t>(parsed->first)];
    if (sent.first_offset >= 0 && sent.first_offset != offset - parsed->second)
      return "a reader finds it elsewhere";
    sent.first_offset = offset - parsed->second;
    // Whatever its level: a sink may have it now, and its offset may never mean anything else.
    sent.fate = Fate::kPromised;
    if (sent.commit >= 0) commits_[static_cast<size_t>(sent.commit)].fate = Fate::kPromised;
  }
  return {};
}

void Model::power_lost() {
  for (Sent& sent : sent_) {
    if (sent.fate != Fate::kWritten) continue;
    sent.fate = Fate::kOpen;
    sent.first_offset = -1;
  }
}

int64_t Model::readable_end(Place place) const {
  const auto found = readable_.find(place);
  return found == readable_.end() ? 0 : found->second;
}

int64_t Model::commits_of(int leg) const {
  const auto found = by_leg_.find(leg);
  return found == by_leg_.end() ? 0 : static_cast<int64_t>(found->second.size());
}

int64_t Model::reader_at(Place place) const {
  const auto found = reader_at_.find(place);
  return found == reader_at_.end() ? 0 : found->second;
}

// --- what is found -------------------------------------------------------------------------------------------

// One event; `found` gets its batch with its first event, `next` is the place in the batch that has to follow.
std::string Model::take_event(Place place, int64_t offset, const Batch& batch, size_t i, std::vector<Found>& found,
                              int& next) const {
  const std::string_view value = batch.value(i);
  const auto parsed = parse_value(value);
  const std::string at = describe(place) + " offset " + std::to_string(offset);
  if (!parsed) return at + ": nobody wrote '" + std::string(value) + "'";
  const auto [number, place_in_batch] = *parsed;
  if (number < 0 || static_cast<size_t>(number) >= sent_.size()) return at + ": a batch nobody sent";
  const Sent& sent = sent_[static_cast<size_t>(number)];
  if (sent.place != place) return at + ": an event of " + describe(sent.place);
  if (place_in_batch != next || next >= sent.count) return at + ": events are missing or come twice";
  if (sent.fate == Fate::kGone)
    return at + ": batch " + std::to_string(number) + " was refused or lost, and is back";
  if (value != value_of(number, next)) return at + ": another value than was written";
  if ((batch.key(i).has_value()) != has_key(number)) return at + ": another key";
  if (has_key(number) && *batch.key(i) != "k" + std::to_string(number)) return at + ": another key";
  if (batch.header_count(i) != (has_header(number) ? 1 : 0)) return at + ": other headers";
  if (batch.entry(i).timestamp_ms != time_of(number, next)) return at + ": another time";
  if (next == 0) found.push_back({number, offset});
  if (++next == sent.count) next = 0;
  return {};
}

std::string Model::read(log::SegmentLog& log, log::StreamId id, Place place, bool may_fail,
                        PartitionFound& found) const {
  auto reader = log.read(id, place.partition, 0, false);
  if (!reader) return reader.error().describe();
  int next = 0;
  int64_t expected = 0;
  for (;;) {
    const auto batch = (*reader)->next();
    if (!batch) {
      if (!may_fail || batch.error().code != ErrorCode::kCorrupt) return batch.error().describe();
      found.unreadable_from = expected;
      return {};
    }
    if (*batch == nullptr) break;
    for (size_t i = 0; i < (*batch)->size(); ++i) {
      const int64_t offset = (*batch)->offset(i);
      if (next != 0 && offset != expected) return describe(place) + ": a gap within a batch";
      if (offset < expected) return describe(place) + ": offsets go back";
      expected = offset + 1;
      if (std::string wrong = take_event(place, offset, **batch, i, found.batches, next); !wrong.empty())
        return wrong;
    }
  }
  return next == 0 ? std::string() : describe(place) + ": only a part of a batch is there";
}

// Appends come in the order of their calls, and so do outputs; each once.
std::string Model::check_order(const std::vector<Found>& found) const {
  int last_append = -1;
  int last_output = -1;
  for (const Found& batch : found) {
    int& last = sent_[static_cast<size_t>(batch.number)].commit < 0 ? last_append : last_output;
    if (batch.number <= last) return "batch " + std::to_string(batch.number) + " comes out of order, or twice";
    last = batch.number;
  }
  return {};
}

namespace {
int64_t stored_number(const std::optional<log::LegState>& state) {
  return state && !state->external.empty() ? state->external[0].next_offset : 0;
}
}  // namespace

// `commits`: those that are there, in order.
std::string Model::check_leg(const std::vector<int>& commits, const std::optional<log::LegState>& state) const {
  std::map<std::pair<std::string, int32_t>, int64_t> positions;
  std::string token;
  for (const int number : commits) {
    const Commit& commit = commits_[static_cast<size_t>(number)];
    for (const auto& [place, next] : commit.positions) {
      positions[{kStreams[static_cast<size_t>(place.stream)], place.partition}] = next;
    }
    if (commit.with_token) token = "token " + std::to_string(number);
  }
  if (!state) return commits.empty() ? std::string() : "a leg's state is lost";
  std::map<std::pair<std::string, int32_t>, int64_t> found;
  for (const auto& position : state->positions) {
    found[{position.stream, position.partition}] = position.next_offset;
  }
  if (found != positions) return "a leg's positions are not those of its commits";
  if (state->sink_token != token) return "a leg's token is not that of its last commit";
  return {};
}

std::string Model::check_legs(log::SegmentLog& log, const Allowance& allowance) {
  int64_t lost = 0;
  for (auto& [leg, numbers] : by_leg_) {
    const std::optional<log::LegState> state = log.leg_state(leg_name(leg));
    const int64_t stored = stored_number(state);
    if (stored > static_cast<int64_t>(numbers.size())) return "a commit that nobody made";
    std::vector<int> there;
    for (size_t i = 0; i < numbers.size(); ++i) {
      Commit& commit = commits_[static_cast<size_t>(numbers[i])];
      const bool present = static_cast<int64_t>(i) < stored && commit.fate != Fate::kGone;
      if (present) there.push_back(numbers[i]);
      if (static_cast<int64_t>(i) + 1 == stored && !present) return "a commit that was refused or lost is back";
      if (!present && commit.fate == Fate::kPromised) {
        if (++lost > allowance.journal_entries) return "commit " + std::to_string(i + 1) + " of a leg is lost";
        ++excused_;
      }
      if (commit.fate == Fate::kPromised) ++promises_checked_;
      commit.fate = present ? Fate::kPromised : Fate::kGone;
    }
    if (std::string wrong = check_leg(there, state); !wrong.empty()) return wrong;
  }
  return {};
}

bool Model::damaged(Place place) const {
  const auto found = found_.find(place);
  return found != found_.end() && found->second.unreadable_from.has_value();
}

std::string Model::check_batch(int number, const std::map<int, int64_t>& where, const Allowance& allowance) {
  Sent& sent = sent_[static_cast<size_t>(number)];
  const auto found = where.find(number);
  const bool there = found != where.end();
  const bool damaged_here = damaged(sent.place);
  const std::string name = describe(sent.place) + ", batch " + std::to_string(number);
  if (sent.commit >= 0) {
    const bool committed = commits_[static_cast<size_t>(sent.commit)].fate == Fate::kPromised;
    // In a segment that has been finished since, an output whose commit the journal lost is not looked for.
    const bool excused = allowance.journal_entries > 0;
    if (there && !committed && !excused) return name + ": an output without its commit";
    if (!there && committed && !damaged_here) return name + ": a commit without its output";
    if (!committed) sent.fate = Fate::kGone;
    if (there && !committed) ++excused_;
  }
  if (sent.fate == Fate::kPromised || sent.fate == Fate::kWritten) ++promises_checked_;
  if (there && sent.first_offset >= 0 && sent.first_offset != found->second) return name + " is at another offset";
  if (!there && (sent.fate == Fate::kPromised || sent.fate == Fate::kWritten)) {
    const bool excused_here = allowance.hit == sent.place && sent.first_offset >= allowance.from_offset;
    if (!excused_here && !damaged_here) return name + " was acknowledged and is lost";
    if (excused_here && !damaged_here) ++excused_;
  }
  sent.fate = there ? Fate::kPromised : Fate::kGone;
  sent.first_offset = there ? found->second : -1;
  return {};
}

std::string Model::check(log::SegmentLog& log, const std::vector<log::StreamId>& ids, const Allowance& allowance) {
  found_.clear();
  reader_at_.clear();
  readable_.clear();
  refused_now_.clear();
  std::map<int, int64_t> where;
  for (size_t stream = 0; stream < ids.size(); ++stream) {
    for (int32_t partition = 0; ids[stream] >= 0 && partition < partitions_[stream]; ++partition) {
      const Place place{static_cast<int>(stream), partition};
      PartitionFound& found = found_[place];
      if (std::string wrong = read(log, ids[stream], place, allowance.hit == place, found); !wrong.empty())
        return wrong;
      unreadable_ = unreadable_ || found.unreadable_from.has_value();
      if (std::string wrong = check_order(found.batches); !wrong.empty()) return describe(place) + ": " + wrong;
      for (const Found& batch : found.batches) {
        where[batch.number] = batch.first_offset;
        readable_[place] = batch.first_offset + sent_[static_cast<size_t>(batch.number)].count;
      }
    }
  }
  if (std::string wrong = check_legs(log, allowance); !wrong.empty()) return wrong;
  for (size_t number = 0; number < sent_.size(); ++number) {
    if (std::string wrong = check_batch(static_cast<int>(number), where, allowance); !wrong.empty()) return wrong;
  }
  return {};
}

std::string Model::check_accepted(log::SegmentLog& log, const std::vector<log::StreamId>& ids) const {
  for (size_t stream = 0; stream < ids.size(); ++stream) {
    if (ids[stream] < 0) continue;
    std::map<int32_t, std::vector<int>> expected;
    for (const auto& [place, found] : found_) {
      if (place.stream != static_cast<int>(stream)) continue;
      for (const Found& batch : found.batches) {
        if (sent_[static_cast<size_t>(batch.number)].commit < 0) expected[place.partition].push_back(batch.number);
      }
    }
    std::map<int32_t, size_t> at;
    std::map<int32_t, int64_t> last_ms;
    std::string wrong;
    const auto visit = [&](const log::Log::Accepted& accepted) {
      const std::vector<int>& numbers = expected[accepted.partition];
      const size_t i = at[accepted.partition]++;
      if (i >= numbers.size()) return void(wrong = "accept headers of batches that are not there");
      const log::AcceptInfo right = accept_of(numbers[i]);
      const bool same = accepted.info.source == right.source && accepted.info.cursor == right.cursor &&
                        accepted.info.id_hashes == right.id_hashes &&
                        accepted.first_offset == sent_[static_cast<size_t>(numbers[i])].first_offset;
      if (!same) wrong = "the accept header of batch " + std::to_string(numbers[i]) + " is another";
      if (accepted.append_time_ms < last_ms[accepted.partition]) wrong = "append times go back";
      last_ms[accepted.partition] = accepted.append_time_ms;
    };
    if (const Status visited = log.accepted_since(ids[stream], 0, {}, visit); !visited)
      return visited.error().describe();
    if (!wrong.empty()) return wrong;
    for (const auto& [partition, numbers] : expected) {
      if (at[partition] != numbers.size()) return "accept headers are missing";
    }
  }
  return {};
}

}  // namespace colloquium::sim
