// FileSink: appends events as lines to one file, exactly once.
//
// Writes and tokens run on the offload pool, one call at a time, in the order they were asked for; the
// batches that wait meanwhile are joined into one write. The token says inode and length; what a restart finds
// behind the committed length comes again from the log, and FileWriter recognises it.
//
// Thread safety: as Sink's; FileWriter is the pool's while a call is under way.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

namespace colloquium::io {
class FileSystem;
}

namespace colloquium::components {

class FileWriter;

struct FileSinkConfig {
  std::string path;
  ConfigNode rotate;
};

const Descriptor& file_sink();

class FileSink final : public Sink {
 public:
  FileSink(ComponentContext context, const FileSinkConfig& config, io::FileSystem& file_system);
  ~FileSink() override;

  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status restore(const std::string& token) override;
  Status start() override;
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return true; }
  void token(TokenDone done) override;
  std::optional<Error> broken() const override { return broken_; }
  void close(Task closed) override;

 private:
  // Shared with the pool, so that a call under way keeps what it works on alive.
  struct Work;
  // A write, or a token (then `batch` is null).
  struct Job {
    std::shared_ptr<const Batch> batch;
    WriteDone written;
    TokenDone token;
  };

  // Gives the jobs that wait to the pool, unless a call is under way.
  void pump();
  void take_jobs();
  void put_back_jobs();
  void has_worked();
  // Writes end with a retry, tokens with kCancelled.
  void refuse_waiting();
  void tell_aside();

  ComponentContext context_;
  io::FileSystem& file_system_;
  const std::string path_;
  std::shared_ptr<Work> work_;  // the pool's while is_working_, else ours; null before restore()
  std::deque<Job> waiting_;
  std::vector<Job> under_way_;  // writes, and behind them at most one token
  bool is_working_ = false;
  bool closing_ = false;
  std::optional<Error> broken_;
  std::string told_aside_;             // what was logged of FileWriter::aside_path()
  std::unique_ptr<Timer> pool_timer_;  // until the offload pool may have room again
  Task closed_;
};

}  // namespace colloquium::components
