// StreamSink: events into another stream of the same data directory.
//
// A write is one commit: the events as outputs, and behind them how far the leg is (ProgressKeeper). So each event
// is in the other stream once. An event with a key goes to its key's partition there, one without to the partition
// that has its own number, or that modulo their count.
//
// Ownership: the log (a service of the process) outlives the sink. Thread safety: loop only.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

#include "log/log.h"

namespace colloquium::components {

struct StreamSinkConfig {
  std::string name;
  int32_t partitions = 1;  // if it is made here
};

class StreamSink final : public Sink, public ProgressKeeper {
 public:
  StreamSink(ComponentContext context, StreamSinkConfig config, log::Log& log);
  ~StreamSink() override;  // REQUIRES: every write has ended

  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status restore(const std::string& token) override;
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  ProgressKeeper* progress() override { return this; }
  void close(Task closed) override;

  void recover(const std::string& leg, std::vector<std::string> partitions, ProgressDone done) override;
  void gave_up(const std::string& partition, int64_t offset, const std::string& error) override;
  void settled(const std::string& partition, int64_t offset) override;

 private:
  using GivenUp = std::vector<SinkProgress::GivenUp>;

  int32_t partition_for(const Batch& batch, size_t i) const;
  // The batches of a commit; events that no batch can hold get an outcome.
  std::vector<log::Output> outputs_of(const Batch& batch, std::vector<EventOutcome>& outcomes);
  bool add_output(const Batch& batch, const std::vector<size_t>& events, int32_t partition,
                  std::vector<log::Output>& outputs, Error& error) const;
  void committed(const Status& status, std::vector<EventOutcome> outcomes, size_t events, WriteDone& done);

  ComponentContext context_;
  const StreamSinkConfig config_;
  log::Log& log_;
  log::StreamId stream_ = 0;
  int32_t partitions_ = 1;
  std::string leg_;
  std::map<std::string, GivenUp> given_up_;  // by partition of the leg's input
  size_t writes_ = 0;
  Task closed_;
};

// What a commit keeps of the events given up, as the cursor of a position.
std::string encode_given_up(const std::vector<SinkProgress::GivenUp>& events);
Result<std::vector<SinkProgress::GivenUp>> decode_given_up(const std::string& text);

const Descriptor& stream_sink();

}  // namespace colloquium::components
