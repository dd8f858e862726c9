#include "app/event_import.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <ostream>
#include <utility>

#include "base/assert.h"
#include "engine/partitioner.h"
#include "io/checksum.h"

namespace colloquium::app {
namespace {

// Appended and synced at once, and lost if the process is killed meanwhile.
constexpr size_t kRoundBytes = size_t{4} << 20;
// An event counts for more than its bytes, so that a round of tiny ones stays small too.
constexpr size_t kEventOverhead = 64;
// Lines without key go to one partition in stretches, so that batches stay large.
constexpr uint64_t kStretchLines = 1024;
// Of bad lines that are left out; more are counted.
constexpr uint64_t kToldBadLines = 20;

template <class T>
bool read_number(std::string_view text, T& number, int base) {
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && after == text.data() + text.size();
}

// "120 1f2e3d4c": a line, and the checksum of all up to it.
std::string cursor_text(uint64_t line, uint32_t crc) {
  std::array<char, 8> hex{};
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), crc, 16).ptr;
  return std::to_string(line) + " " + std::string(hex.data(), end);
}

// The number of the run that a source is of: "import:x" is the first, "import:x#2" the second; 0: of another name.
uint64_t run_of(const std::string& source, const std::string& name) {
  if (source == name) return 1;
  uint64_t run = 0;
  const bool numbered =
      source.starts_with(name + "#") && read_number(std::string_view(source).substr(name.size() + 1), run, 10);
  return numbered ? run : 0;
}

}  // namespace

EventImport::EventImport(ImportRequest request, OfflineLog& log, Console& console)
    : request_(std::move(request)), log_(log), console_(console), progress_(console, "events") {
  ASSERT(request_.partitions > 0);
  const auto count = static_cast<size_t>(request_.partitions);
  done_.resize(count);
  parts_.resize(count);
  for (size_t i = 0; i < count; ++i) builders_.push_back(std::make_unique<BatchBuilder>());
}

Status EventImport::begin(bool resume, bool again) {
  if (request_.source.empty()) return {};
  uint64_t last_run = 0;
  std::vector<Done> done(done_.size());
  bool readable = true;
  const auto visit = [&](const log::Log::Accepted& accepted) {
    const uint64_t run = run_of(accepted.info.source, request_.source);
    if (run == 0 || run < last_run) return;
    if (run > last_run) done.assign(done.size(), {});
    last_run = run;
    const std::string& cursor = accepted.info.cursor;
    const size_t space = std::min(cursor.find(' '), cursor.size());
    Done& of = done[static_cast<size_t>(accepted.partition)];
    readable = readable && read_number(std::string_view(cursor).substr(0, space), of.line, 10) &&
               space < cursor.size() && read_number(std::string_view(cursor).substr(space + 1), of.crc, 16);
  };
  TRY(log_.log().accepted_since(request_.id, std::numeric_limits<int64_t>::max(), {}, visit));
  if (!readable) {
    return fail(ErrorCode::kCorrupt, "what is stored of the last import of " + request_.name +
                                         " was written by another version; --again imports it anew");
  }
  if (last_run == 0 && resume) {
    return fail(ErrorCode::kNotFound,
                "nothing of " + request_.name + " is in '" + request_.stream +
                    "': there is no import to resume; leave --resume out, or name the source with --source");
  }
  if (last_run > 0 && !resume && !again) {
    uint64_t line = 0;
    for (const Done& of : done) line = std::max(line, of.line);
    return fail(ErrorCode::kConflict, request_.name + " was imported into '" + request_.stream + "' up to line " +
                                          std::to_string(line) +
                                          ": --resume goes on behind it, --again imports everything once more");
  }
  if (resume) done_ = std::move(done);
  const uint64_t run = resume ? last_run : last_run + 1;
  if (run > 1) request_.source += "#" + std::to_string(run);
  return {};
}

std::string EventImport::place(uint64_t line, const std::string& column) const {
  return request_.name + ":" + std::to_string(line) + ":" + column;
}

tl::unexpected<Error> EventImport::other_file(uint64_t line) const {
  return fail(ErrorCode::kConflict, request_.name + " is not what was imported before: its lines up to line " +
                                        std::to_string(line) + " have changed; --again imports everything of it");
}

Status EventImport::check_same(uint64_t number) const {
  const bool changed = std::any_of(done_.begin(), done_.end(), [&](const Done& of) {
    return of.line == number && of.line > 0 && of.crc != cursor_.crc;
  });
  if (changed) return other_file(number);
  return {};
}

Status EventImport::check_ended(uint64_t lines) const {
  for (const Done& of : done_) {
    if (of.line > lines) return other_file(of.line);
  }
  return {};
}

Status EventImport::run(NdjsonReader& reader) {
  while (true) {
    std::string_view line;
    auto more = reader.next(line);
    if (!more || !*more) {
      TRY(flush());
      if (!more) return fail(std::move(more).error());
      return check_ended(cursor_.line);
    }
    const Done before = cursor_;
    cursor_ = {reader.line(), io::crc32c("\n", io::crc32c(line, cursor_.crc))};
    TRY(check_same(cursor_.line));
    const Status taken = take(line, cursor_.line);
    if (taken) {
      if (pending_bytes_ >= kRoundBytes) TRY(flush());
      continue;
    }
    if (taken.error().code != ErrorCode::kInvalidInput || !request_.skip_bad) {
      // What is stored must not say that the bad line is done: mended, it is wanted.
      cursor_ = before;
      TRY(flush());
      return fail(taken.error());
    }
  }
}

Status EventImport::take(std::string_view line, uint64_t number) {
  const auto before = [number](const Done& of) { return number <= of.line; };
  if (std::all_of(done_.begin(), done_.end(), before)) {
    ++skipped_before_;
    return {};
  }
  const auto event = request_.plain ? parser_.parse_plain(line) : parser_.parse(line);
  if (!event) return tell_bad(number, event.error());
  const auto partition = partition_of(*event, number);
  if (!partition) return tell_bad(number, partition.error());
  if (before(done_[static_cast<size_t>(*partition)])) {
    ++skipped_before_;
    return {};
  }
  add(*event, *partition);
  return {};
}

// Left out with --skip-bad, else where the import ends.
Status EventImport::tell_bad(uint64_t number, const Error& error) {
  ++bad_lines_;
  if (!request_.skip_bad) return fail(ErrorCode::kInvalidInput, error.message, place(number, error.context));
  if (bad_lines_ <= kToldBadLines) {
    progress_.clear();
    console_.err << place(number, error.context) << ": left out: " << error.message << "\n";
  }
  return fail(ErrorCode::kInvalidInput, error.message);
}

Result<int32_t> EventImport::partition_of(const EventLine& event, uint64_t number) const {
  if (event.partition && !request_.by_key) {
    if (*event.partition < request_.partitions) return *event.partition;
    return fail(ErrorCode::kInvalidInput,
                "stream '" + request_.stream + "' has the partitions 0 to " +
                    std::to_string(request_.partitions - 1) + ", and no " + std::to_string(*event.partition) +
                    "; --by-key chooses partitions by key, --partitions gives a new stream more",
                "1");
  }
  if (event.key) return engine::partition_of(*event.key, request_.partitions);
  return static_cast<int32_t>(number / kStretchLines % static_cast<uint64_t>(request_.partitions));
}

void EventImport::add(const EventLine& event, int32_t partition) {
  BatchBuilder& builder = *builders_[static_cast<size_t>(partition)];
  const std::vector<std::pair<std::string_view, std::string_view>> headers(event.headers.begin(),
                                                                           event.headers.end());
  EventMeta meta;
  if (event.key) meta.key = *event.key;
  meta.headers = headers;
  meta.timestamp_ms = event.time_ms ? *event.time_ms : clock_.wall_ms();
  meta.offset_delta = static_cast<uint32_t>(builder.size());
  const size_t bytes_before = builder.byte_size();
  if (event.value) builder.add(*event.value, {}, meta);
  if (!event.value) builder.add_tombstone(meta);
  pending_bytes_ += builder.byte_size() - bytes_before + kEventOverhead;
}

// Appends what was gathered, a batch for each partition. Behind one that failed nothing may come, so all of a
// round are waited for.
Status EventImport::flush() {
  pending_bytes_ = 0;
  const log::AcceptInfo accept{
      request_.source, request_.source.empty() ? "" : cursor_text(cursor_.line, cursor_.crc), {}};
  std::vector<OfflineLog::Append> batches;
  for (size_t i = 0; i < builders_.size(); ++i) {
    if (builders_[i]->empty()) continue;
    auto origin = std::make_shared<BatchOrigin>();
    origin->stream = request_.stream;
    origin->partition = static_cast<int32_t>(i);
    const std::shared_ptr<const Batch> batch = builders_[i]->seal(std::move(origin), 0);
    const bool stored = !request_.source.empty();
    TRY_ASSIGN(log::EncodedBatch encoded, log::encode(batch, log::Codec::kLz4, stored ? &accept : nullptr));
    batches.push_back({static_cast<int32_t>(i), std::move(encoded)});
  }
  if (batches.empty()) return {};
  std::vector<int32_t> partitions;
  for (const OfflineLog::Append& batch : batches) partitions.push_back(batch.partition);
  const auto results = log_.append(request_.id, std::move(batches));
  Status failed;
  uint64_t events = 0;
  for (size_t i = 0; i < results.size(); ++i) {
    ImportedPart& part = parts_[static_cast<size_t>(partitions[i])];
    if (!results[i] && failed) failed = fail(results[i].error());
    if (!results[i]) continue;
    if (part.events == 0) part.first_offset = results[i]->first_offset;
    part.last_offset = results[i]->last_offset;
    part.events += static_cast<uint64_t>(results[i]->last_offset - results[i]->first_offset + 1);
  }
  for (const ImportedPart& part : parts_) events += part.events;
  progress_.show(events);
  return failed;
}

}  // namespace colloquium::app
