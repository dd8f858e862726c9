#include "components/file/file_sink.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"
#include "components/file/file_path.h"
#include "components/file/file_writer.h"
#include "components/file/path_template.h"
#include "components/file/plain_output.h"
#include "components/file/rotated_output.h"
#include "config/paths.h"
#include "config/problems.h"
#include "io/file_system.h"

namespace colloquium {

template <>
struct ConfigEnum<io::Compression> {
  static constexpr std::pair<std::string_view, io::Compression> values[] = {{"none", io::Compression::kNone},
                                                                            {"gzip", io::Compression::kGzip},
                                                                            {"lz4", io::Compression::kLz4},
                                                                            {"zstd", io::Compression::kZstd}};
};

template <>
struct ConfigObject<components::RotateConfig> {
  static ConfigSpec<components::RotateConfig> spec() {
    using Config = components::RotateConfig;
    return ConfigSpec<Config>()
        .field("size", &Config::size,
               {.description = "Before it would have more bytes; a compressed one at the first write behind that.",
                .minimum = 1})
        .field("time", &Config::time,
               {.description = "When it is this old, also if nothing comes.", .minimum = 1000})
        .field("count", &Config::count, {.description = "With this many events.", .minimum = 1})
        .field("max_open_files", &Config::max_open_files,
               {.description = "The one written to least recently is finished before another is opened.",
                .advanced = true,
                .minimum = 1,
                .maximum = 10'000});
  }
};

namespace components {
namespace {

constexpr int64_t kTickMs = 1000;
constexpr size_t kWriteBytes = size_t{4} << 20;  // payload that goes into one write
constexpr int64_t kPoolFullMs = 10;
constexpr char kComponent[] = "file";

// Empty if it is good.
std::string path_problem(const FileSinkConfig& config) {
  if (config.path.empty()) return "path is empty; name a file";
  const auto path = PathTemplate::parse(config.path, config.mark);
  if (!path) return path.error().message;
  if (config.path.ends_with('/')) return "path ends with '/'; name a file";
  if (config.path.ends_with(kPartEnding)) return "path ends with .part, as files do that are not finished";
  if (config.rotate) return {};
  if (!path->is_constant()) {
    return "path has fields, so many files are written: say when one is finished, as in rotate: {time: 1h}";
  }
  if (config.compression == io::Compression::kNone) return {};
  return "a compressed file has to be finished one day: say when, as in rotate: {size: 256MiB, time: 1h}";
}

ParsedConfig parse(const ConfigSpec<FileSinkConfig>& spec, const ConfigNode& node, ConfigProblems& problems) {
  const size_t before = problems.size();
  FileSinkConfig config = spec.read(node, "file", problems);
  const ConfigNode* path = node.kind == ConfigNode::Kind::kMap ? node.find("path") : &node;
  config.mark = path == nullptr ? node.mark : path->mark;
  if (problems.size() == before && path != nullptr && !path->unresolved) {
    const std::string problem = path_problem(config);
    if (!problem.empty()) config::refuse(node, "path", problem, problems);
  }
  return std::make_shared<const FileSinkConfig>(std::move(config));
}

void check_scripts(const ParsedConfig& parsed, const ScriptNames& names, ConfigProblems& problems) {
  const auto& config = config_of<FileSinkConfig>(parsed);
  config.format.format->check(names, problems);
  if (const auto path = PathTemplate::parse(config.path, config.mark)) path->check(names, problems);
}

Result<std::unique_ptr<Sink>> create(const ParsedConfig& parsed, ComponentContext context) {
  TRY_ASSIGN(io::FileSystem * file_system, file_system_of(context));
  const auto& config = config_of<FileSinkConfig>(parsed);
  TRY_ASSIGN(auto text, formats::BatchText::create(*config.format.format, context.script_variables));
  return std::make_unique<FileSink>(std::move(context), config, *file_system, std::move(text));
}

ConfigSpec<FileSinkConfig> spec() {
  return ConfigSpec<FileSinkConfig>()
      .field(
          "path", &FileSinkConfig::path,
          {.description =
               "File to append to; a relative one is relative to the pipeline file. Missing folders are made. "
               "With `rotate` it may have fields: `%Y %m %d %H %M %S %j` of the event's own time (UTC), and "
               "`{$input/customer}`, Computo in sugar over the event. `%%`, `{{` and `}}` stand for themselves.",
           .example = "out/orders.ndjson",
           .required = true})
      .field("format", &FileSinkConfig::format, {.description = "What an event is written as."})
      .field("rotate", &FileSinkConfig::rotate,
             {.description =
                  "When a file is finished. It is written as NAME.part and renamed to NAME, or, if there is "
                  "one, NAME-0001 and so on before the extension."})
      .field("compression", &FileSinkConfig::compression,
             {.description = "How files are compressed; with `rotate` only. The name is as `path` has it."})
      .shorthand("path");
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSink;
  d.name = "file";
  d.summary = "Writes events to files: appends to one, or finishes one after the other.";
  d.description =
      "Without a `format` an event is written as its bytes; where they hold a line break, white space between "
      "tokens "
      "is stripped; a tombstone is written as null. An event that the format refuses is a dead letter. Each "
      "commit syncs the file and stores its length. After a crash, bytes "
      "behind the committed length stay if what comes again is the same, as it is unless scripts were changed or "
      "somebody else wrote to the file; else they are moved to a file `PATH.uncommitted-LENGTH`, which goes when "
      "all its lines have come. A file that was there before is appended to. One file belongs to one sink; it "
      "must not be cut or replaced while positions in it are committed.\n\n"
      "With `rotate` a file is written as `NAME.part` and renamed when it is finished and all of it is committed: "
      "only "
      "finished names are promised, and nothing is written to one again. Where there is a `NAME` already, `-0001` "
      "and so "
      "on goes before the extension. Files that are open when the pipeline ends are finished, too. What an "
      "expression "
      "in `path` yields is one name: everything but letters, digits, `.`, `-` and `_` is written as %XX, and so "
      "is the "
      "`.` of a name that would end with `.part`; an event for which it yields no text is a dead letter.";
  d.input_trust =
      "Events are valid JSON by then; nothing in one can make a second line of NDJSON. What of an event comes "
      "into a "
      "path can name a file, but neither leave its folder nor replace anything.";
  d.guarantee =
      "Exactly once: the files' lengths are committed together with the position of what they hold. With `rotate` "
      "that is promised of finished files.";
  d.delivery = Guarantee::kExactlyOnce;
  d.examples = {
      {"Append to a file", "file: {path: out/orders.ndjson}"},
      {"The same, shorter", "file: out/orders.ndjson"},
      {"A file per hour and customer, compressed",
       "file:\n  path: \"out/{$input/customer}/%Y%m%d-%H.ndjson.gz\"\n  rotate: {time: 1h, size: 256MiB}\n  "
       "compression: gzip"},
      {"As CSV", "file: {path: out/orders.csv, format: {csv: {columns: [id, /customer/name]}}}"}};
  d.spec = spec().object();
  d.parse = [spec = spec()](const ConfigNode& node, ConfigProblems& problems) {
    return parse(spec, node, problems);
  };
  d.create_sink = create;
  d.check_scripts = check_scripts;
  d.repeats = [](const ParsedConfig& parsed, const std::string& base_dir) -> std::string {
    const auto& config = config_of<FileSinkConfig>(parsed);
    if (config.rotate) return "writes each event to another file again";
    const std::string path = config::resolved_path(base_dir, config.path);
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

// What the pool works on: one write of several batches, then perhaps a token or a call.
struct FileSink::Work {
  void run() {
    if (!batches.empty()) written = output->write(batches);
    // Also after a failed write: those before it may be committed, and the token does not cover it.
    if (wants_token) token = output->sync();
    if (call != nullptr) (output.get()->*call)();
    warnings = output->take_warnings();
  }

  std::unique_ptr<FileOutput> output;
  FileOutput::Batches batches;
  bool wants_token = false;
  Call call = nullptr;
  Status written;
  Result<std::string> token;
  std::vector<std::string> warnings;
};

FileSink::FileSink(ComponentContext context, const FileSinkConfig& config, io::FileSystem& file_system,
                   std::unique_ptr<formats::BatchText> text)
    : context_(std::move(context)),
      file_system_(file_system),
      config_(config),
      path_(config::resolved_path(context_.base_dir, config.path)),
      text_(std::move(text)) {}

FileSink::~FileSink() {
  ASSERT_WHY(!is_working_, "close() waits for the call under way");
}

Status FileSink::restore(const std::string& token) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(work_ == nullptr, "restore once");
  // On the loop, before anything runs: a failure has to stop the pipeline from starting.
  TRY_ASSIGN(auto output, config_.rotate ? open_rotated(token) : open_output(token));
  work_ = std::make_shared<Work>();
  work_->output = std::move(output);
  return {};
}

Result<std::unique_ptr<FileOutput>> FileSink::open_output(const std::string& token) {
  std::optional<FileToken> committed;
  if (!token.empty()) {
    TRY_ASSIGN(committed, FileToken::decode(token));
  }
  TRY_ASSIGN(auto writer, FileWriter::open(file_system_, path_, committed));
  if (writer->uncommitted_bytes() > 0) {
    log_info(kComponent, "the file goes on behind what was committed: as after a crash, if it is what comes again",
             {{"sink", context_.name}, {"path", path_}, {"bytes", writer->uncommitted_bytes()}});
  }
  return std::make_unique<PlainOutput>(std::move(writer), std::move(text_));
}

Result<std::unique_ptr<FileOutput>> FileSink::open_rotated(const std::string& token) {
  TRY_ASSIGN(const PathTemplate path, PathTemplate::parse(config_.path, config_.mark));
  TRY_ASSIGN(auto renderer, PathTemplate::Renderer::create(path, context_.script_variables));
  RotatedOutput::Options options{file_system_, context_.clock, {}, config_.compression, context_.base_dir};
  if (config_.rotate->size) options.limits.bytes = static_cast<uint64_t>(config_.rotate->size->bytes);
  if (config_.rotate->time) options.limits.age_ms = config_.rotate->time->ms;
  if (config_.rotate->count) options.limits.events = static_cast<uint64_t>(*config_.rotate->count);
  options.limits.open_files = static_cast<size_t>(config_.rotate->max_open_files);
  return RotatedOutput::open(std::move(options), token, std::move(text_), std::move(renderer));
}

Status FileSink::start() {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(work_ != nullptr, "restore comes first");
  if (work_->output->has_ticks()) tick_later();
  return {};
}

void FileSink::tick_later() {
  tick_timer_ = context_.loop.start_timer(kTickMs, [this] {
    const auto fired = std::move(tick_timer_);
    // Only one waits at a time; a call under way is as good.
    if (waiting_.empty()) {
      waiting_.push_back({nullptr, nullptr, nullptr, &FileOutput::tick});
      pump();
    }
    tick_later();
  });
}

void FileSink::committed(const std::string&) {
  LOOP_ASSERT(context_.loop);
  // The one file that is appended to in place has nothing to publish.
  if (closing_ || !config_.rotate) return;
  waiting_.push_back({nullptr, nullptr, nullptr, &FileOutput::committed});
  pump();
}

void FileSink::write(std::shared_ptr<const Batch> batch, WriteDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_ && work_ != nullptr, "no write before restore or after close");
  ASSERT(batch != nullptr);
  waiting_.push_back({std::move(batch), std::move(done), nullptr, nullptr});
  pump();
}

void FileSink::token(TokenDone done) {
  LOOP_ASSERT(context_.loop);
  ASSERT_WHY(!closing_ && work_ != nullptr, "no token before restore or after close");
  waiting_.push_back({nullptr, nullptr, std::move(done), nullptr});
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
  work_->call = nullptr;
  size_t bytes = 0;
  while (!waiting_.empty() && !work_->wants_token && work_->call == nullptr) {
    Job& job = waiting_.front();
    if (job.batch != nullptr) {
      if (bytes > 0 && bytes + job.batch->payload_bytes() > kWriteBytes) break;
      // Tombstones count too, or a queue of them would have no end.
      bytes += std::max<size_t>(job.batch->payload_bytes(), 1);
      work_->batches.push_back(job.batch);
    } else if (job.call != nullptr) {
      work_->call = job.call;
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
  const Result<std::string> token = work_->token;
  const std::vector<formats::RefusedEvent> refused = work_->output->refused();
  size_t first = 0;
  work_->batches.clear();
  tell_warnings();
  // Even a sync that succeeded later would say nothing about the pages lost by this one.
  if (work_->wants_token && !token) broken_ = token.error();
  for (Job& job : std::exchange(under_way_, {})) {
    if (job.call != nullptr) continue;
    if (job.batch == nullptr) {
      job.token(token);
    } else if (written) {
      const size_t count = job.batch->size();
      job.written(formats::outcomes_of(refused, std::exchange(first, first + count), count));
    } else {
      job.written(std::vector<EventOutcome>(job.batch->size(), EventOutcome{Outcome::kRetry, written.error(), 0}));
    }
  }
  if (closing_) return finish_close();
  pump();
}

void FileSink::tell_warnings() {
  for (const std::string& text : work_->warnings)
    log_warning(kComponent, text, {{"sink", context_.name}, {"path", path_}});
  work_->warnings.clear();
}

void FileSink::refuse_waiting() {
  const Error error{ErrorCode::kCancelled, "the sink is being closed", true, context_.name};
  for (Job& job : std::exchange(waiting_, {})) {
    if (job.call != nullptr) continue;
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
  tick_timer_ = nullptr;
  closed_ = std::move(closed);
  if (!is_working_) finish_close();
}

// What waits is refused, but for the word that something was committed; then files are finished whose every byte
// is.
void FileSink::finish_close() {
  const bool told = std::any_of(waiting_.begin(), waiting_.end(),
                                [](const Job& job) { return job.call == &FileOutput::committed; });
  refuse_waiting();
  if (told) waiting_.push_back({nullptr, nullptr, nullptr, &FileOutput::committed});
  if (!told && !std::exchange(finished_, true) && work_ != nullptr) {
    waiting_.push_back({nullptr, nullptr, nullptr, &FileOutput::finish});
  }
  if (waiting_.empty()) {
    context_.loop.post(std::move(closed_));
    return;
  }
  pump();
}

}  // namespace components
}  // namespace colloquium
