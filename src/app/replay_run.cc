#include "app/replay_run.h"

#include <algorithm>
#include <csignal>
#include <ostream>
#include <unistd.h>
#include <utility>

#include "app/counted.h"
#include "app/verb_log.h"
#include "base/assert.h"
#include "base/logging.h"
#include "engine/replay.h"
#include "formats/line_writer.h"
#include "log/data_directory.h"

namespace colloquium::app {
namespace {

constexpr int64_t kProgressMs = 500;
// For a pipeline that never ran: see Pipeline::stop.
constexpr int64_t kWithoutDraining = -1;
constexpr char kAlphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";

std::string new_generation(Random& random) {
  std::string name;
  for (int i = 0; i < 8; ++i) name += kAlphabet[random.next() % 36];
  return name;
}

}  // namespace

ReplayRun::ReplayRun(ReplayRequest request, io::FileSystem& files, Console& console)
    : request_(std::move(request)), files_(files), console_(console) {
  ASSERT(request_.plan != nullptr);
}

ReplayRun::~ReplayRun() = default;

Exit ReplayRun::run() {
  const auto workers = static_cast<size_t>(std::max<int32_t>(0, request_.settings.workers));
  auto foundation = Foundation::create(files_, workers > 0 ? workers : default_workers());
  if (!foundation) return refuse(console_, foundation.error());
  foundation_ = std::move(*foundation);
  Status started = open();
  if (started) started = start();
  if (!started) {
    refused_ = true;
    refuse(console_, started.error());
    close(kWithoutDraining);
  }
  foundation_->loop().run();
  return finish();
}

Status ReplayRun::open() {
  // A mistyped --data-dir or STREAM is refused before anything is made or locked.
  TRY(find_stream(request_.settings.data_dir, request_.stream));
  TRY(open_data_directory());
  auto replay = std::make_shared<engine::Replay>();
  TRY(choose_part(*replay));
  replay->pace = request_.pace;
  replay->open = [this, stream = replay->stream](int32_t partition, int64_t from) {
    return log::open_reader(files_, request_.settings.data_dir, stream, partition, from, keys_, &stored_tapes(),
                            true);
  };
  replay->tell_dead_letter = [this](std::string_view envelope) {
    std::string line;
    formats::append_compact(envelope, line);
    clear_progress();
    console_.err << line << "\n" << std::flush;
  };
  replay_ = replay;
  engine::Environment environment = foundation_->environment(data_ == nullptr ? nullptr : &data_->log(), false);
  environment.replay = replay_;
  environment.fresh_ai = request_.fresh_ai;
  TRY_ASSIGN(pipeline_, engine::Pipeline::create(request_.plan, std::move(environment)));
  return watch_signals();
}

Status ReplayRun::open_data_directory() {
  TRY_ASSIGN(keys_, keys_of({request_.plan}, request_.key_file, foundation_->chance()));
  auto opened = DataDirectory::open(*foundation_, request_.settings.data_dir, keys_);
  if (opened) {
    data_ = std::move(*opened);
    foundation_->services().provide<log::Log>(&data_->log());
    data_->start_ticking();
    return {};
  }
  if (opened.error().code != ErrorCode::kConflict) return fail(opened.error());
  if (request_.resume) {
    return fail(ErrorCode::kConflict,
                "a replay can only go on where its progress is kept, and " + opened.error().message);
  }
  const log::LockHolder holder = log::read_lock_holder(files_, request_.settings.data_dir);
  held_by_ = holder.process_id.empty() ? "another process" : "process " + holder.process_id;
  return {};
}

// Only now, with everything recovered that a crash may have left.
Status ReplayRun::choose_part(engine::Replay& replay) {
  if (request_.resume) {
    replay.generation = *request_.resume;
    TRY(engine::restore_replay(data_->log(), request_.plan->name(), replay));
    if (replay.stream == request_.stream) return {};
    return fail(ErrorCode::kInvalidConfig, "replay '" + replay.generation + "' is one of stream '" +
                                               replay.stream + "', not of '" + request_.stream + "'");
  }
  const std::string& data_dir = request_.settings.data_dir;
  replay.generation = new_generation(foundation_->chance());
  replay.stream = request_.stream;
  TRY_ASSIGN(const log::StreamInfo stream, find_stream(data_dir, request_.stream));
  replay.partitions = static_cast<int32_t>(stream.partitions.size());
  TRY_ASSIGN(replay.spans, readable_spans(data_dir, stream, request_.partition, request_.from, request_.to));
  return {};
}

Status ReplayRun::start() {
  started_ns_ = foundation_->clock().monotonic_ns();
  announce();
  // It may finish inside start(), and is closed from a turn of its own.
  TRY(pipeline_->start([this] { foundation_->loop().post([this] { finished(); }); },
                       [this](Error error) {
                         if (!failure_) failure_ = std::move(error);
                         foundation_->loop().post([this] { close(0); });
                       }));
  if (console_.err_is_terminal) show_progress();
  return {};
}

Status ReplayRun::watch_signals() {
  TRY(foundation_->loop().on_signal(SIGTERM, [this] { signalled("SIGTERM"); }));
  return foundation_->loop().on_signal(SIGINT, [this] { signalled("SIGINT"); });
}

void ReplayRun::announce() const {
  int64_t offsets = 0;
  for (const engine::ReplaySpan& span : replay_->spans) offsets += span.to - span.from;
  console_.err << "replay " << replay_->generation << ": stream " << replay_->stream << ", " << offsets
               << " offsets, through pipeline " << request_.plan->name() << "\n";
  if (data_ == nullptr) {
    console_.err << "the data directory is in use by " << held_by_
                 << ": no progress is kept, so a replay that is interrupted starts again, and dead letters are "
                    "printed here\n";
  } else {
    console_.err << "if it is interrupted: " << resume_command() << "\n";
  }
  console_.err << std::flush;
}

std::string ReplayRun::resume_command() const {
  return "colloquium log replay " + request_.stream + " --pipeline " + request_.pipeline_file + " --data-dir " +
         request_.settings.data_dir + " --resume " + replay_->generation;
}

// A line that overwrites itself, for a person who waits.
void ReplayRun::show_progress() {
  const engine::ReplayProgress now = pipeline_->replay_progress();
  const int64_t passed_ns = std::max<int64_t>(1, foundation_->clock().monotonic_ns() - started_ns_);
  const auto rate = static_cast<uint64_t>(static_cast<double>(now.read) * 1e9 / static_cast<double>(passed_ns));
  console_.err << "\r\033[K" << static_cast<int>(now.share * 100) << " %, " << counted(now.read, "event") << ", "
               << rate << " events/s" << std::flush;
  progress_timer_ = foundation_->loop().start_timer(kProgressMs, [this] { show_progress(); });
}

void ReplayRun::clear_progress() const {
  if (progress_timer_ != nullptr) console_.err << "\r\033[K";
}

void ReplayRun::signalled(const char* name) {
  if (++signals_ > 1) {
    console_.err << "error: " << name << " again: ending at once\n" << std::flush;
    ::_exit(static_cast<int>(Exit::kFailed));
  }
  clear_progress();
  console_.err << name << ": writing what was read\n" << std::flush;
  close(request_.settings.drain_timeout.ms);
}

void ReplayRun::finished() {
  if (closing_) return;
  through_ = true;
  close(0);
}

void ReplayRun::close(int64_t deadline_ms) {
  if (closing_) return;
  closing_ = true;
  if (pipeline_ == nullptr) {
    foundation_->loop().post([this] { closed(); });
    return;
  }
  // `closed` runs inside the pipeline, which therefore dies in a later turn.
  pipeline_->stop(deadline_ms, [this] { foundation_->loop().post([this] { closed(); }); });
}

void ReplayRun::closed() {
  clear_progress();
  progress_timer_.reset();
  if (pipeline_ != nullptr) {
    progress_ = pipeline_->replay_progress();
    outcome_ = pipeline_->outcome();
  }
  pipeline_.reset();
  if (data_ != nullptr) data_->stop_ticking();
  // What was just destroyed gives its handles back in the turn it died in.
  loop::UvLoop& loop = foundation_->loop();
  loop.post([&loop] { loop.stop(); });
}

void ReplayRun::tell_result() const {
  console_.err << (through_ ? "replayed " : "interrupted after ") << counted(progress_.read, "event") << ":";
  for (size_t i = 0; i < progress_.delivered.size(); ++i) {
    const auto& [sink, count] = progress_.delivered[i];
    console_.err << (i == 0 ? " " : ", ") << count << " to " << sink;
  }
  if (outcome_.dead_letters > 0) {
    console_.err << ", " << outcome_.dead_letters << " dead letters";
    if (!outcome_.dead_stream.empty()) console_.err << " in " << outcome_.dead_stream;
  }
  console_.err << "\n";
  if (!through_ && data_ != nullptr) console_.err << "go on with: " << resume_command() << "\n";
  console_.err << std::flush;
}

Exit ReplayRun::finish() {
  if (!refused_) tell_result();
  const Status closed = data_ == nullptr ? Status() : data_->close();
  data_.reset();
  foundation_.reset();
  if (refused_) return Exit::kRefused;
  if (failure_) return fail_running(console_, *failure_);
  if (!closed) return fail_running(console_, closed.error());
  return through_ ? Exit::kDone : Exit::kFailed;
}

}  // namespace colloquium::app
