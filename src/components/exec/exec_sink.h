// ExecSink: a line per event to a program's standard input.
//
// One batch is with the child at a time. With `acknowledge: line` an event is done when the child has written a
// line for it to its standard output; else when its line is in the pipe.
//
// A child that neither takes nor answers anything for `timeout` while events wait for it is killed, and is one
// that ended.
//
// Thread safety: loop only.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

#include "base/liveness.h"
#include "components/exec/exec_config.h"

namespace colloquium::components {

enum class ExecAcknowledge { kWritten, kLine };

struct ExecSinkConfig {
  std::vector<std::string> command;
  std::string directory;
  ExecAcknowledge acknowledge = ExecAcknowledge::kWritten;
  config::ProgramBackoff restart;
  Duration timeout{30'000};
  Duration stop_timeout{5000};
};

const Descriptor& exec_sink();

class ExecSink final : public Sink {
 public:
  ExecSink(ComponentContext context, const ExecSinkConfig& config, loop::UvLoop& loop);
  ~ExecSink() override;  // REQUIRES: closed, or never started

  Guarantee guarantee() const override { return Guarantee::kAtLeastOnce; }
  Status restore(const std::string& token) override;
  Status start() override;
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return false; }
  void token(TokenDone done) override;
  void close(Task closed) override;

 private:
  struct Job {
    std::shared_ptr<const Batch> batch;
    WriteDone done;
  };

  bool by_line() const { return config_.acknowledge == ExecAcknowledge::kLine; }
  void pump();
  void has_written(uint64_t job, bool written);
  void has_output(std::string_view bytes);
  void has_ended(loop::ChildExit exit);
  void watch_later();
  void watch();
  void job_done();
  // What the child did not say it has is to be tried again.
  void give_back(Job job, size_t acknowledged);
  void refuse_waiting();

  ComponentContext context_;
  const ExecSinkConfig config_;
  loop::LogLines output_;  // of a child that acknowledges nothing
  loop::SupervisedChild child_;
  std::deque<Job> waiting_;
  std::optional<Job> under_way_;
  uint64_t job_number_ = 0;             // of the one under way
  bool in_pipe_ = false;                // all of its bytes are
  size_t acknowledged_ = 0;             // of its events, by line
  bool told_of_extra_ = false;          // lines that belong to no event
  std::unique_ptr<Timer> watch_timer_;  // while something is under way
  int64_t moved_ns_ = 0;                // when the child last took or answered something of it
  size_t unwritten_ = 0;                // as watch() saw it last
  bool hung_ = false;                   // and was killed for it
  Error away_;                          // why no child takes anything
  bool closing_ = false;
  Liveness alive_;
};

}  // namespace colloquium::components
