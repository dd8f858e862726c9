#include "ai/record_writer.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "io/file_system.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kRetryMs = 1000;

Result<log::EncodedBatch> encoded(const Records& records, int64_t now_ms) {
  BatchBuilder builder;
  for (const CallRecord& record : records) {
    builder.add(to_json(record), {},
                {.timestamp_ms = now_ms, .offset_delta = static_cast<uint32_t>(builder.size())});
  }
  static const auto kNowhere = std::make_shared<const BatchOrigin>();
  TRY_ASSIGN(log::EncodedBatch batch, log::encode(builder.seal(kNowhere, 0), log::Codec::kLz4, nullptr));
  batch.batch = nullptr;  // nobody reads along
  return batch;
}

}  // namespace

RecordWriter::RecordWriter(log::Log* log, log::StreamId stream, Loop& loop, const Clock& clock, Placed placed)
    : log_(log), stream_(stream), loop_(loop), clock_(clock), placed_(std::move(placed)) {}

void RecordWriter::append(Records records, log::AckLevel level, bool patient, Done done) {
  LOOP_ASSERT(loop_);
  ASSERT(!records.empty() && done);
  const uint64_t number = next_++;
  auto flight = std::make_unique<Flight>();
  flight->records = std::move(records);
  flight->level = level;
  flight->patient = patient;
  flight->done = std::move(done);
  flights_.emplace(number, std::move(flight));
  send(number);
}

void RecordWriter::send(uint64_t number) {
  const Flight& flight = *flights_.at(number);
  turns_.push_back({number, flight.level, false, {}, std::nullopt});
  auto told = std::make_shared<UniqueFunction<void(Result<std::optional<int64_t>>)>>(alive_.guard(
      [this, number](Result<std::optional<int64_t>> result) { acknowledged(number, std::move(result)); }));
  // Always in a later turn, also where the log answers at once.
  const auto answer = [&loop = loop_, told](Result<std::optional<int64_t>> result) {
    (void)loop.post([told, result = std::move(result)]() mutable { (*told)(std::move(result)); });
  };
  if (log_ == nullptr) return answer(std::optional<int64_t>());
  Result<log::EncodedBatch> batch = encoded(flight.records, clock_.wall_ms());
  if (!batch) return answer(fail(std::move(batch.error())));
  // A call's end belongs behind its intent, and there are no more of them than calls under way.
  batch->follows = flight.patient;
  log_->append(stream_, 0, std::move(*batch), flight.level, [answer](Result<log::AppendResult> result) {
    if (!result) return answer(fail(std::move(result.error())));
    answer(std::optional(result->first_offset));
  });
}

void RecordWriter::acknowledged(uint64_t number, Result<std::optional<int64_t>> result) {
  const auto found = flights_.find(number);
  ASSERT(found != flights_.end());
  Flight& flight = *found->second;
  const auto turn = std::find_if(turns_.begin(), turns_.end(),
                                 [number](const Turn& each) { return each.flight == number && !each.ended; });
  ASSERT(turn != turns_.end());
  turn->ended = true;
  if (!result) {
    place();
    if (!flight.patient || !patient_ || !io::waits_for_room(result.error())) {
      return end(number, fail(std::move(result.error())));
    }
    flight.retry = loop_.start_timer(kRetryMs, [this, number] {
      const auto fired = std::move(flights_.at(number)->retry);
      send(number);
    });
    return;
  }
  turn->records = std::move(flight.records);
  turn->first_offset = *result;
  place();
  end(number, {});
}

void RecordWriter::place() {
  while (!turns_.empty() && turns_.front().ended) {
    const Turn turn = std::move(turns_.front());
    turns_.pop_front();
    if (!turn.records.empty()) placed_(turn.records, turn.first_offset, turn.level);
  }
}

void RecordWriter::end(uint64_t number, Status status) {
  const auto flight = std::move(flights_.extract(number).mapped());
  tell_idle();
  flight->done(std::move(status));
}

void RecordWriter::when_idle(Task idle) {
  idle_ = std::move(idle);
  tell_idle();
}

void RecordWriter::tell_idle() {
  if (!flights_.empty() || !idle_) return;
  // What is told last may append once more.
  (void)loop_.post(alive_.guard([this] {
    if (flights_.empty() && idle_) std::exchange(idle_, nullptr)();
  }));
}

void RecordWriter::give_up_waiting() {
  patient_ = false;
  std::vector<uint64_t> waiting;
  for (const auto& [number, flight] : flights_) {
    if (flight->retry != nullptr) waiting.push_back(number);
  }
  for (const uint64_t number : waiting) {
    end(number, fail(ErrorCode::kNoSpace, "the record of a call was given up while it waited for room"));
  }
}

}  // namespace colloquium::ai
