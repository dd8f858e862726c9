// StreamSource: the events of another stream of the same data directory, as they come.
//
// Every partition is a part of the source, with the offset in that stream as its position; so each event is taken
// once. Reads run on the offload pool, one at a time for a partition, and the next is begun when the door has
// taken what the last one brought. How far it is goes to the journal now and then, so that retention of the other
// stream keeps what is not read yet.
//
// Ownership: the log (a service of the process) outlives the source. Thread safety: loop only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/source.h"

#include "base/liveness.h"
#include "log/log.h"
#include "log/patient_commit.h"

namespace colloquium::components {

enum class StreamStart { kBeginning, kEnd };

struct StreamSourceConfig {
  std::string name;
  StreamStart from = StreamStart::kBeginning;
  ByteSize max_event{64 << 20};
};

class StreamSource final : public Source {
 public:
  StreamSource(SourceContext context, StreamSourceConfig config, log::Log& log);
  ~StreamSource() override;  // REQUIRES: closed

  Status start(std::string cursor) override;
  void stop_intake() override;
  void close(Task closed) override;

 private:
  struct Lane;

  std::string leg() const;
  std::optional<int64_t> stored_position(int32_t partition) const;
  Status start_lane(const std::string& tag, int32_t partition, const log::PartitionInfo& info);
  void pump(Lane& lane);
  void read(Lane& lane);
  void has_read(Lane& lane);
  void take(Lane& lane, const Batch& batch);
  void moved(Lane& lane);
  // Sees how far the door has taken it.
  void note_progress(Lane& lane);
  // No descriptor is free to open a segment with, say: nothing is lost by waiting.
  void read_later(Lane& lane, const Error& error);
  log::CommitRequest positions();
  void store_positions();
  void check_closed();

  SourceContext context_;
  const StreamSourceConfig config_;
  log::Log& log_;
  log::StreamId stream_ = 0;
  std::vector<std::unique_ptr<Lane>> lanes_;
  log::PatientCommit first_commit_;
  std::unique_ptr<Timer> store_timer_;
  bool moved_ = false;        // since the positions were stored
  bool reads_again_ = false;  // after a failure, and it was said
  bool stopped_ = false;
  Task closed_;
  Liveness alive_;
};

const Descriptor& stream_source();

}  // namespace colloquium::components
