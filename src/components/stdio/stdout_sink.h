// StdoutSink: events in their format, a line each by default, to standard output.
//
// The batches that wait while one write is under way are written together by the next one, in order.
//
// When a write fails in the middle of a line, the rest of that line goes out first next time, so that a
// reader never sees half a line followed by another; the event is written again behind it (at least once).
//
// Thread safety: as Sink's; what the pool works on is a struct of its own.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

#include "base/write_queue.h"
#include "formats/batch_text.h"
#include "formats/format.h"

namespace colloquium::components {

class BlockingFd;

struct StdoutConfig {
  formats::SinkFormatSetting format;
};

const Descriptor& stdout_sink();

class StdoutSink final : public Sink {
 public:
  StdoutSink(ComponentContext context, std::unique_ptr<BlockingFd> output,
             std::unique_ptr<formats::BatchText> text);
  ~StdoutSink() override;

  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Status restore(const std::string& token) override;
  Status start() override { return {}; }
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  std::optional<Error> broken() const override { return broken_; }
  void close(Task closed) override;

 private:
  struct Writing;

  // Starts a write of what waits, unless one is under way.
  void pump();
  void has_written();
  void finish_jobs();

  ComponentContext context_;
  const std::shared_ptr<Writing> writing_;  // the pool's while is_writing_, else ours
  WriteQueue waiting_;
  WriteGroup under_way_;
  bool is_writing_ = false;
  std::optional<Error> broken_;
  std::unique_ptr<Timer> retry_timer_;
  Task closed_;
  bool closing_ = false;
};

}  // namespace colloquium::components
