// FakeLog: a Log in memory for tests of what stands above the log, less kind than the real one.
//
// It leaves gaps between offsets, as control batches do, and lets every call wait a seeded number of turns of
// its queue before it takes effect, so that nobody comes to rely on density or on promptness. Order per
// partition and all-or-nothing commits it keeps. Nothing is durable: a FakeStorage shared by two FakeLogs, one
// after the other, plays the disk.
//
// Thread safety: as Log's. The Executor and Clock outlive it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "colloquium/clock.h"
#include "colloquium/executor.h"

#include "log/log.h"
#include "log/tape_builder.h"

namespace colloquium::log {

// What a FakeLog keeps: hand it to the next one to play a restart.
class FakeStorage;
std::shared_ptr<FakeStorage> make_fake_storage();

struct FakeLogOptions {
  uint64_t seed = 1;
  int64_t gap_max = 3;     // offsets left out before a batch: 0 … gap_max
  uint32_t delay_max = 3;  // turns of the queue that a call waits: 0 … delay_max
  size_t queue_bytes_max = size_t{32} << 20;
  TapeBuilder tape;
  std::shared_ptr<FakeStorage> storage;  // made if null
};

class FakeLog final : public Log {
 public:
  FakeLog(Executor& executor, Clock& clock, FakeLogOptions options = {});
  ~FakeLog() override;

  Result<StreamId> open_stream(const StreamSpec& spec) override;
  Result<StreamInfo> stream_info(StreamId stream) const override;
  void append(StreamId stream, int32_t partition, EncodedBatch batch, AckLevel level, AppendDone done) override;
  bool full() const override;
  void when_not_full(Task resume) override;
  void commit(CommitRequest request, CommitDone done) override;
  std::optional<LegState> leg_state(const std::string& leg) const override;
  Result<std::unique_ptr<Reader>> read(StreamId stream, int32_t partition, int64_t from_offset,
                                       bool with_tape) override;
  void subscribe(StreamId stream, UniqueFunction<void(int32_t partition)> wake) override;
  Status accepted_since(StreamId stream, int64_t since_ms, std::span<const int64_t> known_below,
                        UniqueFunction<void(const Accepted&)> visit) override;
  Result<int64_t> first_within(StreamId stream, int32_t partition, const LagLimit& limit) const override;
  Status store_checkpoint(const std::string& name, std::string bytes) override;
  std::optional<std::string> load_checkpoint(const std::string& name) const override;
  void apply_retention(UniqueFunction<void(Status)> done) override;
  Status close() override;
  std::string data_tag() const override { return "fakedata"; }
  LogStats stats() const override;

  // --- for tests ------------------------------------------------------------------------------------------
  // Appends are refused with kNoSpace, and full() is true, until it is called with false.
  void set_full(bool full);
  // The same, once so many more appends have been taken.
  void set_full_after(size_t appends);
  // Commits end with `why`, and nothing of them is there, until it is called with false: a disk that is full
  // beyond the log's reserve, or no descriptor to open a file with (kUnavailable).
  void set_commits_full(bool full, ErrorCode why = ErrorCode::kNoSpace);
  // So many reads end with `error`.
  void fail_reads(size_t count, Error error);
  // From now on every append and commit ends with `error`, as after a failed sync.
  void fail_for_good(Error error);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace colloquium::log
