#include "log/segment_log.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "log/accept_scan.h"
#include "log/checkpoint_file.h"
#include "log/layout.h"
#include "log/partition_reader.h"
#include "log/segment_log_impl.h"

namespace colloquium::log {

SegmentLog::SegmentLog(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
SegmentLog::~SegmentLog() = default;

Result<std::unique_ptr<SegmentLog>> SegmentLog::open(LogOptions options) {
  ASSERT(options.files != nullptr && options.executor != nullptr && options.clock != nullptr);
  ASSERT(options.random != nullptr && !options.directory.empty());
  TRY_ASSIGN(OpenData data, open_data(options));
  auto impl = std::make_shared<Impl>(std::move(options), std::move(data));
  return std::unique_ptr<SegmentLog>(new SegmentLog(std::move(impl)));
}

Result<StreamId> SegmentLog::open_stream(const StreamSpec& spec) {
  return impl_->open_stream(spec);
}
Result<StreamInfo> SegmentLog::stream_info(StreamId stream) const {
  return impl_->stream_info(stream);
}
void SegmentLog::append(StreamId stream, int32_t partition, EncodedBatch batch, AckLevel level, AppendDone done) {
  impl_->append(stream, partition, std::move(batch), level, std::move(done));
}
bool SegmentLog::full() const {
  return impl_->full();
}
void SegmentLog::when_not_full(Task resume) {
  impl_->when_not_full(std::move(resume));
}
void SegmentLog::commit(CommitRequest request, CommitDone done) {
  impl_->commit(std::move(request), std::move(done));
}
std::optional<LegState> SegmentLog::leg_state(const std::string& leg) const {
  return impl_->leg_state(leg);
}

Result<std::unique_ptr<Reader>> SegmentLog::read(StreamId stream, int32_t number, int64_t from_offset,
                                                 bool with_tape) {
  std::shared_ptr<Partition> partition = impl_->partition(stream, number);
  if (partition == nullptr) return fail(ErrorCode::kNotFound, "no such stream or partition in this log");
  const TapeBuilder* tape = with_tape ? &impl_->options().tape : nullptr;
  return std::make_unique<PartitionReader>(std::move(partition), from_offset, tape);
}

void SegmentLog::subscribe(StreamId stream, UniqueFunction<void(int32_t partition)> wake) {
  impl_->subscribe(stream, std::move(wake));
}

Status SegmentLog::accepted_since(StreamId stream, int64_t since_ms, std::span<const int64_t> known_below,
                                  UniqueFunction<void(const Accepted&)> visit) {
  TRY_ASSIGN(const StreamInfo info, stream_info(stream));
  for (size_t i = 0; i < info.partitions.size(); ++i) {
    const auto each = [&](const Accepted& accepted) { visit(accepted); };
    const int64_t below = i < known_below.size() ? known_below[i] : 0;
    TRY(visit_accepted(impl_->partition(stream, static_cast<int32_t>(i)), since_ms, below, each));
  }
  return {};
}

Result<int64_t> SegmentLog::first_within(StreamId stream, int32_t number, const LagLimit& limit) const {
  const std::shared_ptr<Partition> partition = impl_->partition(stream, number);
  if (partition == nullptr) return fail(ErrorCode::kNotFound, "no such stream or partition in this log");
  int64_t first = partition->info().oldest_offset;
  if (limit.since_ms) {
    TRY_ASSIGN(first, offset_at_time(partition, *limit.since_ms));
  }
  if (!limit.bytes) return first;
  TRY_ASSIGN(const int64_t in_size, offset_before_end(*partition, *limit.bytes));
  return std::max(first, in_size);
}

Status SegmentLog::store_checkpoint(const std::string& name, std::string bytes) {
  return impl_->store_checkpoint(name, std::move(bytes));
}

std::optional<std::string> SegmentLog::load_checkpoint(const std::string& name) const {
  return read_checkpoint(*impl_->options().files, impl_->options().directory, name);
}

void SegmentLog::apply_retention(UniqueFunction<void(Status)> done) {
  impl_->apply_retention(std::move(done));
}
Status SegmentLog::close() {
  return impl_->close();
}
std::string SegmentLog::data_tag() const {
  return impl_->tag();
}
LogStats SegmentLog::stats() const {
  return impl_->stats();
}

const LogTimes* SegmentLog::times() const {
  return impl_->times();
}
void SegmentLog::tick() {
  impl_->tick();
}
const RecoveryReport& SegmentLog::recovery() const {
  return impl_->report();
}
std::vector<StreamInfo> SegmentLog::streams() const {
  return impl_->streams();
}

Result<int64_t> SegmentLog::offset_at(StreamId stream, int32_t number, int64_t time_ms) const {
  const std::shared_ptr<Partition> partition = impl_->partition(stream, number);
  if (partition == nullptr) return fail(ErrorCode::kNotFound, "no such stream or partition in this log");
  return offset_at_time(partition, time_ms);
}

}  // namespace colloquium::log
