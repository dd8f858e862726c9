#include "ai/record_writer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "io/file_system.h"

namespace colloquium::ai {
namespace {

constexpr int64_t kRetryMs = 1000;

// Of what goes together; a log takes no batch of any size.
constexpr size_t kTogetherBytes = size_t{1} << 20;

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
  waiting_.push_back(number);
  if (waiting_.size() > 1) return;
  loop_.at_turn_end(alive_.guard([this] { send_waiting(); }));
}

void RecordWriter::send_waiting() {
  while (!waiting_.empty()) {
    BatchBuilder builder;
    std::vector<uint64_t> flights = take_together(builder);
    hand_over(std::move(flights), builder);
  }
}

// The first of those that wait, and as many of the others as are appended in the same way and make no large batch.
// Those may pass others: what follows another record, a call's end its intent, or where a batch is where it was,
// is never appended in the turn of that.
std::vector<uint64_t> RecordWriter::take_together(BatchBuilder& builder) {
  const int64_t now_ms = clock_.wall_ms();
  const Flight& first = *flights_.at(waiting_.front());
  size_t bytes = 0;
  bool full = false;
  std::vector<uint64_t> taken;
  std::vector<uint64_t> left;
  for (const uint64_t number : waiting_) {
    const Flight& flight = *flights_.at(number);
    std::vector<std::string> texts;
    size_t more = 0;
    const bool goes = !full && flight.level == first.level && flight.patient == first.patient;
    for (size_t i = 0; goes && i < flight.records.size(); ++i) {
      more += texts.emplace_back(to_json(flight.records[i])).size();
    }
    full = full || (goes && !taken.empty() && bytes + more > kTogetherBytes);
    if (!goes || full) {
      left.push_back(number);
      continue;
    }
    bytes += more;
    taken.push_back(number);
    for (const std::string& text : texts) {
      builder.add(text, {}, {.timestamp_ms = now_ms, .offset_delta = static_cast<uint32_t>(builder.size())});
    }
  }
  waiting_ = std::move(left);
  return taken;
}

void RecordWriter::hand_over(std::vector<uint64_t> flights, BatchBuilder& builder) {
  const log::AckLevel level = flights_.at(flights.front())->level;
  // A call's end belongs behind its intent, and there are no more of them than calls under way.
  const bool follows = flights_.at(flights.front())->patient;
  const uint64_t turn = first_turn_ + turns_.size();
  turns_.push_back({std::move(flights), level, false, {}, std::nullopt});
  auto told = std::make_shared<UniqueFunction<void(Placing)>>(
      alive_.guard([this, turn](Placing result) { acknowledged(turn, std::move(result)); }));
  // Always in a later turn, also where the log answers at once.
  const auto answer = [&loop = loop_, told](Placing result) {
    (void)loop.post([told, result = std::move(result)]() mutable { (*told)(std::move(result)); });
  };
  if (log_ == nullptr) return answer(std::optional<int64_t>());
  static const auto kNowhere = std::make_shared<const BatchOrigin>();
  Result<log::EncodedBatch> batch = log::encode(builder.seal(kNowhere, 0), log::Codec::kLz4, nullptr);
  if (!batch) return answer(fail(std::move(batch.error())));
  batch->batch = nullptr;  // nobody reads along
  batch->follows = follows;
  // An intent: its end is durable, and may be here before anybody else would have had it synced.
  batch->syncs_with_next = level == log::AckLevel::kWritten;
  log_->append(stream_, 0, std::move(*batch), level, [answer](Result<log::AppendResult> result) {
    if (!result) return answer(fail(std::move(result.error())));
    answer(std::optional(result->first_offset));
  });
}

void RecordWriter::acknowledged(uint64_t number, Placing result) {
  ASSERT(number >= first_turn_ && number - first_turn_ < turns_.size());
  Turn& turn = turns_[number - first_turn_];
  const std::vector<uint64_t> flights = turn.flights;
  turn.ended = true;
  if (result) {
    for (const uint64_t flight : flights) {
      Records& records = flights_.at(flight)->records;
      std::move(records.begin(), records.end(), std::back_inserter(turn.records));
    }
    turn.first_offset = *result;
  }
  place();
  // Whoever is told may end this.
  auto one = alive_.guard([&](uint64_t flight) { result ? end(flight, {}) : refused(flight, result.error()); });
  for (const uint64_t flight : flights) one(flight);
}

void RecordWriter::refused(uint64_t number, const Error& error) {
  Flight& flight = *flights_.at(number);
  if (!flight.patient || !patient_ || !io::waits_for_room(error)) return end(number, fail(Error(error)));
  flight.retry = loop_.start_timer(kRetryMs, [this, number] {
    const auto fired = std::move(flights_.at(number)->retry);
    send(number);
  });
}

void RecordWriter::place() {
  while (!turns_.empty() && turns_.front().ended) {
    const Turn turn = std::move(turns_.front());
    turns_.pop_front();
    ++first_turn_;
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
