// FileSink: appends events, as lines or in another format, to one file or to files that are finished one by one,
// exactly once.
//
// Writes, tokens and whatever else a FileOutput does run on the offload pool, one call at a time, in the order
// they were asked for; the batches that wait meanwhile are joined into one write.
//
// Thread safety: as Sink's; the FileOutput is the pool's while a call is under way.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "colloquium/component.h"
#include "colloquium/sink.h"

#include "formats/batch_text.h"
#include "formats/format.h"
#include "io/compress.h"

namespace colloquium::io {
class FileSystem;
}

namespace colloquium::components {

class FileOutput;

struct RotateConfig {
  std::optional<ByteSize> size;
  std::optional<Duration> time;
  std::optional<int64_t> count;
  int64_t max_open_files = 100;
};

struct FileSinkConfig {
  std::string path;
  formats::SinkFormatSetting format;
  std::optional<RotateConfig> rotate;
  io::Compression compression = io::Compression::kNone;
  ConfigMark mark;  // of the path
};

const Descriptor& file_sink();

class FileSink final : public Sink {
 public:
  FileSink(ComponentContext context, const FileSinkConfig& config, io::FileSystem& file_system,
           std::unique_ptr<formats::BatchText> text);
  ~FileSink() override;

  Guarantee guarantee() const override { return Guarantee::kExactlyOnce; }
  Status restore(const std::string& token) override;
  Status start() override;
  void write(std::shared_ptr<const Batch> batch, WriteDone done) override;
  bool has_token() const override { return true; }
  void token(TokenDone done) override;
  std::optional<Error> broken() const override { return broken_; }
  void committed(const std::string& token) override;
  void close(Task closed) override;

 private:
  // Shared with the pool, so that a call under way keeps what it works on alive.
  struct Work;
  using Call = void (FileOutput::*)();
  // A write, a token, or a call.
  struct Job {
    std::shared_ptr<const Batch> batch;
    WriteDone written;
    TokenDone token;
    Call call = nullptr;
  };

  Result<std::unique_ptr<FileOutput>> open_output(const std::string& token);
  Result<std::unique_ptr<FileOutput>> open_rotated(const std::string& token);
  void tick_later();

  // Gives the jobs that wait to the pool, unless a call is under way.
  void pump();
  void take_jobs();
  void put_back_jobs();
  void has_worked();
  // Writes end with a retry, tokens with kCancelled.
  void refuse_waiting();
  void tell_warnings();
  void finish_close();

  ComponentContext context_;
  io::FileSystem& file_system_;
  const FileSinkConfig config_;
  const std::string path_;
  std::unique_ptr<formats::BatchText> text_;  // until restore()
  std::shared_ptr<Work> work_;                // the pool's while is_working_, else ours; null before restore()
  std::deque<Job> waiting_;
  std::vector<Job> under_way_;  // writes, and behind them at most one token or call
  bool is_working_ = false;
  bool closing_ = false;
  bool finished_ = false;  // the last call, when closing
  std::optional<Error> broken_;
  std::unique_ptr<Timer> tick_timer_;
  std::unique_ptr<Timer> pool_timer_;  // until the offload pool may have room again
  Task closed_;
};

}  // namespace colloquium::components
