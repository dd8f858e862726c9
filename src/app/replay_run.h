// ReplayRun: one `colloquium log replay`, from its part of a stream to its exit code.
//
// The data directory is locked if it is free: then progress is kept in its journal, dead letters in their stream,
// and an interrupted replay can go on. While another process holds it, the replay reads beside it and keeps
// nothing. What is to be replayed is chosen once, before the first event, so that a replay of a busy stream ends.
//
// Thread safety: main thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/data_directory.h"
#include "app/foundation.h"
#include "app/verb.h"
#include "config/settings.h"
#include "engine/pipeline.h"

namespace colloquium::engine {
class ReplayPace;
}

namespace colloquium::app {

struct ReplayRequest {
  config::Settings settings;
  std::shared_ptr<const engine::Plan> plan;
  std::string pipeline_file;
  std::string stream;
  std::optional<std::string> partition, from, to;  // as given; nothing with `resume`
  std::optional<std::string> key_file;
  std::optional<std::string> resume;         // the generation to go on with
  std::shared_ptr<engine::ReplayPace> pace;  // may be null
  bool fresh_ai = false;                     // recorded answers of models are not used
};

class ReplayRun {
 public:
  // `files` outlives it.
  ReplayRun(ReplayRequest request, io::FileSystem& files, Console& console);
  ~ReplayRun();

  Exit run();

 private:
  Status open();
  Status open_data_directory();
  Status choose_part(engine::Replay& replay);
  Status start();
  Status watch_signals();
  void announce() const;
  void show_progress();
  void clear_progress() const;
  void signalled(const char* name);
  void finished();
  void close(int64_t deadline_ms);
  void closed();
  Exit finish();
  void tell_result() const;
  std::string resume_command() const;

  // Constant after construction.
  const ReplayRequest request_;
  io::FileSystem& files_;
  Console& console_;
  // In the order in which they are made.
  std::unique_ptr<Foundation> foundation_;
  std::shared_ptr<const log::KeyRing> keys_;  // null: nothing is encrypted
  std::unique_ptr<DataDirectory> data_;       // null while another process holds it
  std::string held_by_;                       // then: what that process' lock says
  std::shared_ptr<const engine::Replay> replay_;
  std::unique_ptr<engine::Pipeline> pipeline_;
  std::unique_ptr<Timer> progress_timer_;
  int64_t started_ns_ = 0;
  // How it ended.
  engine::ReplayProgress progress_;
  engine::PipelineOutcome outcome_;
  std::optional<Error> failure_;
  bool refused_ = false;
  bool through_ = false;
  bool closing_ = false;
  int signals_ = 0;
};

}  // namespace colloquium::app
