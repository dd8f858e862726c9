#include "components/file/file_sink.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"
#include "components/file/file_path.h"
#include "components/file/file_writer.h"
#include "formats/line_writer.h"
#include "io/file_system.h"

namespace colloquium::components {
namespace {

constexpr size_t kWriteBytes = size_t{4} << 20;  // payload that goes into one write
constexpr int64_t kPoolFullMs = 10;
constexpr char kComponent[] = "file";

ParsedConfig parse(const ConfigSpec<FileSinkConfig>& spec, const ConfigNode& node, ConfigProblems& problems) {
  const size_t before = problems.size();
  FileSinkConfig config = spec.read(node, "file", problems);
  if (problems.size() == before) check_path(node, config.path, problems);
  if (config.rotate.kind != ConfigNode::Kind::kNull) {
    refuse(node, "rotate",
           "rotate is not supported by this version, which appends to one file; leave it out, and move the file "
           "away while the pipeline is stopped",
           problems);
  }
  return std::make_shared<const FileSinkConfig>(std::move(config));
}

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  TRY_ASSIGN(io::FileSystem * file_system, file_system_of(context));
  return std::make_unique<FileSink>(std::move(context), config_of<FileSinkConfig>(parsed), *file_system);
}

ConfigSpec<FileSinkConfig> spec() {
  return ConfigSpec<FileSinkConfig>()
      .field("path", &FileSinkConfig::path,
             {.description = "File to append to; a relative one is relative to the pipeline file. Missing folders "
                             "are made.",
              .example = "out/orders.ndjson",
              .required = true})
      .field("rotate", &FileSinkConfig::rotate,
             {.description = "Not supported by this version: all events go to one file.", .advanced = true})
      .shorthand("path");
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "file";
  d.summary = "Appends one line per event (NDJSON) to a file.";
  d.description =
      "An event is written as its bytes; where they hold a line break, white space between tokens is stripped. A "
      "tombstone is written as null. Each commit syncs the file and stores its length. After a crash, bytes "
      "behind the committed length stay if what comes again is the same, as it is unless scripts were changed or "
      "somebody else wrote to the file; else they are moved to a file `PATH.uncommitted-LENGTH`, which goes when "
      "all its lines have come. A file that was there before is appended to. One file belongs to one sink; it "
      "must not be cut or replaced while positions in it are committed.";
  d.input_trust = "Events are valid JSON by then; nothing in one can make a second line. The path is fixed.";
  d.guarantee = "Exactly once: the file's length is committed together with the position of what it holds.";
  d.delivery = Guarantee::kExactlyOnce;
  d.examples = {{"Append to a file", "file: {path: out/orders.ndjson}"},
                {"The same, shorter", "file: out/orders.ndjson"}};
  d.spec = spec().object();
  d.parse = [spec = spec()](const ConfigNode& node, ConfigProblems& problems) {
    return parse(spec, node, problems);
  };
  d.create_sink = create;
  d.repeats = [](const ParsedConfig& parsed, const std::string& base_dir) -> std::string {
    const std::string path = resolve_path(base_dir, config_of<FileSinkConfig>(parsed).path);
    const auto info = io::posix_file_system().info(path);
    if (!info || info->size == 0) return {};
    return "appends each line to '" + path + "' again, which has " + std::to_string(info->size) + " bytes";
  };
  d.claims = [](const ParsedConfig& parsed, const std::string& base_dir) {
    return claim_file(base_dir, config_of<FileSinkConfig>(parsed).path, false,
                      "a sink needs a file of its own, which no source reads");
  };
  return d;
}

}  // namespace

const Descriptor& file_sink() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

// What the pool works on: one write of several batches, then perhaps a token.
struct FileSink::Work {
  void run() {
    text.clear();
    for (const auto& batch : batches) formats::append_lines(*batch, text);
    written = text.empty() ? Status() : writer->append(text);
    // Also after a failed write: those before it may be committed, and the token does not cover it.
    if (wants_token) token = writer->sync();
  }

  std::unique_ptr<FileWriter> writer;
  std::vector<std::shared_ptr<const Batch>> batches;
  std::string text;
  bool wants_token = false;
  Status written;
  Result<FileToken> token;
};

FileSink::FileSink(ComponentContext context, const FileSinkConfig& config, io::FileSystem& file_system)
    : context_(std::move(context)),
      file_system_(file_system),
      path_(resolve_path(context_.base_dir, config.path)) {}

FileSink::~FileSink() {
  ASSERT_WHY(!is_working_, "close() waits for the call under way");
}

Status FileSink::restore(const std::string& token) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(work_ == nullptr, "restore once");
  std::optional<FileToken> committed;
  if (!token.empty()) {
    TRY_ASSIGN(committed, FileToken::decode(token));
  }
  // On the loop, before anything runs: a failure has to stop the pipeline from starting.
  TRY_ASSIGN(auto writer, FileWriter::open(file_system_, path_, committed));
  if (writer->uncommitted_bytes() > 0) {
    log_info(kComponent, "the file goes on behind what was committed: as after a crash, if it is what comes again",
             {{"sink", context_.name}, {"path", path_}, {"bytes", writer->uncommitted_bytes()}});
  }
  work_ = std::make_shared<Work>();
  work_->writer = std::move(writer);
  return {};
}

Status FileSink::start() {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(work_ != nullptr, "restore comes first");
  return {};
}

void FileSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_ && work_ != nullptr, "no write before restore or after close");
  ASSERT(batch != nullptr);
  waiting_.push_back({std::move(batch), std::move(done), nullptr});
  pump();
}

void FileSink::token(TokenDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_ && work_ != nullptr, "no token before restore or after close");
  waiting_.push_back({nullptr, nullptr, std::move(done)});
  pump();
}

void FileSink::pump() {
  if (is_working_ || waiting_.empty() || pool_timer_ != nullptr) return;
  take_jobs();
  is_working_ = context_.loop.offload([work = work_] { work->run(); }, [this] { has_worked(); });
  if (is_working_) return;
  put_back_jobs();
  pool_timer_ = context_.loop.start_timer(kPoolFullMs, [this] {
    const auto fired = std::move(pool_timer_);
    pump();
  });
}

// The writes that wait, up to a bound, and the token behind them.
void FileSink::take_jobs() {
  ASSERT(under_way_.empty());
  work_->batches.clear();
  work_->wants_token = false;
  size_t bytes = 0;
  while (!waiting_.empty() && !work_->wants_token) {
    Job& job = waiting_.front();
    if (job.batch != nullptr) {
      if (bytes > 0 && bytes + job.batch->payload_bytes() > kWriteBytes) break;
      // Tombstones count too, or a queue of them would have no end.
      bytes += std::max<size_t>(job.batch->payload_bytes(), 1);
      work_->batches.push_back(job.batch);
    } else {
      work_->wants_token = true;
    }
    under_way_.push_back(std::move(job));
    waiting_.pop_front();
  }
}

void FileSink::put_back_jobs() {
  for (; !under_way_.empty(); under_way_.pop_back()) waiting_.push_front(std::move(under_way_.back()));
}

void FileSink::has_worked() {
  LOOP_ASSERT(context_.loop);
  ASSERT(is_working_);
  is_working_ = false;
  // Copied out: a callback may write at once, and so give the work to the pool again.
  const Status written = work_->written;
  const Result<FileToken> token = work_->token;
  work_->batches.clear();
  tell_aside();
  // Even a sync that succeeded later would say nothing about the pages lost by this one.
  if (work_->wants_token && !token) broken_ = token.error();
  for (Job& job : std::exchange(under_way_, {})) {
    if (job.batch == nullptr) {
      job.token(token ? Result<std::string>(token->encode()) : Result<std::string>(fail(token.error())));
    } else if (written) {
      job.written({});
    } else {
      job.written(std::vector<EventOutcome>(job.batch->size(), EventOutcome{Outcome::kRetry, written.error(), 0}));
    }
  }
  if (closing_) {
    refuse_waiting();
    context_.loop.post(std::move(closed_));
    return;
  }
  pump();
}

void FileSink::tell_aside() {
  const std::string& path = work_->writer->aside_path();
  if (path == told_aside_) return;
  told_aside_ = path;
  if (path.empty()) return;
  log_warning(
      kComponent,
      "the file held bytes behind what was committed, and something else came; they were moved to a file that "
      "goes when all of its lines have come",
      {{"sink", context_.name}, {"path", path_}, {"moved_to", path}});
}

void FileSink::refuse_waiting() {
  const Error error{ErrorCode::kCancelled, "the sink is being closed", true, context_.name};
  for (Job& job : std::exchange(waiting_, {})) {
    if (job.batch == nullptr) {
      job.token(fail(error));
    } else {
      job.written(std::vector<EventOutcome>(job.batch->size(), EventOutcome{Outcome::kRetry, error, 0}));
    }
  }
}

void FileSink::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_, "close once");
  closing_ = true;
  pool_timer_ = nullptr;
  if (is_working_) {
    closed_ = std::move(closed);
    return;
  }
  refuse_waiting();
  context_.loop.post(std::move(closed));
}

}  // namespace colloquium::components
