#include "components/file/file_source.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"
#include "components/file/file_path.h"
#include "config/problems.h"
#include "io/file_system.h"

namespace colloquium::components {
namespace {

constexpr size_t kMaxAtDoor = 4;
constexpr size_t kHeaderBytes = size_t{1} << 20;  // the longest header
constexpr size_t kReadAhead = 2;                  // chunks that wait while more is read
constexpr int64_t kRetryMs = 1000;
constexpr int64_t kPoolFullMs = 10;
constexpr char kComponent[] = "file";

ParsedConfig parse(const ConfigSpec<FileSourceConfig>& spec, const ConfigNode& node, ConfigProblems& problems) {
  const size_t before = problems.size();
  FileSourceConfig config = spec.read(node, "file", problems);
  const ConfigNode* path = node.kind == ConfigNode::Kind::kMap ? node.find("path") : nullptr;
  config.mark = path == nullptr ? node.mark : path->mark;
  if (problems.size() == before) check_path(node, config.path, problems);
  if (config.follow) {
    refuse(node, "follow",
           "follow: true is not supported by this version, which reads a file once; leave it out, or pipe "
           "`tail -F FILE` into a stdin source",
           problems);
  }
  return std::make_shared<const FileSourceConfig>(std::move(config));
}

void check(const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
  const auto& config = config_of<FileSourceConfig>(parsed);
  if (config.path.empty()) return;
  const std::string path = resolve_path(base_dir, config.path);
  const auto info = io::posix_file_system().info(path);
  if (!info) {
    config::add_error(problems, config.mark, info.error().message);
  } else if (!info->is_regular) {
    config::add_error(problems, config.mark,
                      config::quoted(config.path) + " is not a file of bytes; name a file, or pipe it into stdin");
  } else if (const auto file = io::posix_file_system().open(path, io::OpenMode::kRead); !file) {
    config::add_error(problems, config.mark, file.error().message);
  }
}

Result<std::unique_ptr<Source>> create(const ParsedConfig& parsed, SourceContext context) {
  TRY_ASSIGN(io::FileSystem * file_system, file_system_of(context));
  return std::make_unique<FileSource>(std::move(context), config_of<FileSourceConfig>(parsed), *file_system);
}

ConfigSpec<FileSourceConfig> spec() {
  return ConfigSpec<FileSourceConfig>()
      .field("path", &FileSourceConfig::path,
             {.description = "File to read; a relative one is relative to the pipeline file.",
              .example = "in/orders.ndjson",
              .required = true})
      .field("follow", &FileSourceConfig::follow,
             {.description = "Only `false` is supported: the file is read once to its end.", .advanced = true})
      .field("format", &FileSourceConfig::format, {.description = "What the file holds."})
      .field(
          "max_event", &FileSourceConfig::max_event,
          {.description = "How much of a record is read; a longer one is cut there and goes to the dead letters.",
           .advanced = true,
           .minimum = 1,
           .maximum = 64 << 20})
      .shorthand("path");
}

Descriptor describe() {
  Descriptor d;
  d.kind = ComponentKind::kSource;
  d.name = "file";
  d.summary = "Reads the lines of a file once, NDJSON, and resumes where it stopped.";
  d.description =
      "Without a `format` there is one JSON value per line; blank lines are skipped, and a last line without line "
      "break counts. The position "
      "is stored with the events. After a restart the source goes on behind what was accepted; a file that was "
      "read to its end is not read again, unless with `--from-start`. It knows a file again by the bytes at its "
      "beginning and before the position, so a file that grew is continued and another one under the same name "
      "is read from its start.";
  d.input_trust =
      "Any bytes may come in: a record that makes no event, or is longer than max_event, goes to the dead "
      "letters.";
  d.guarantee = "Exactly once: position and events are stored together.";
  d.examples = {
      {"Read a file", "file: {path: in/orders.ndjson}"},
      {"The same, shorter", "file: in/orders.ndjson"},
      {"Read CSV", "file: {path: in/orders.ndjson, format: {csv: {delimiter: \";\", types: {total: number}}}}"}};
  d.spec = spec().object();
  d.parse = [spec = spec()](const ConfigNode& node, ConfigProblems& problems) {
    return parse(spec, node, problems);
  };
  d.create_source = create;
  d.source_traits = [](const ParsedConfig& parsed) {
    return SourceTraits{.rereadable = true,
                        .finite = true,
                        .max_event_bytes = config_of<FileSourceConfig>(parsed).max_event.bytes};
  };
  d.check = check;
  d.claims = [](const ParsedConfig& parsed, const std::string& base_dir) {
    return claim_file(base_dir, config_of<FileSourceConfig>(parsed).path, true,
                      "a source cannot read what a sink writes; let both use one pipeline's stream");
  };
  return d;
}

}  // namespace

const Descriptor& file_source() {
  static const Descriptor descriptor = describe();
  return descriptor;
}

// What the pool works on. The loop touches it only while no read is under way (cancel() apart).
struct FileSource::Reading {
  Reading(std::unique_ptr<io::File> file, const FileCursor& at, const FileSourceConfig& config)
      : chunks(std::move(file), at, static_cast<size_t>(config.max_event.bytes), config.format.format->framing()) {
  }
  FileChunks chunks;
  Result<std::vector<FileChunk>> got;
};

FileSource::FileSource(SourceContext context, const FileSourceConfig& config, io::FileSystem& file_system)
    : context_(std::move(context)),
      config_(config),
      file_system_(file_system),
      path_(resolve_path(context_.base_dir, config.path)) {}

FileSource::~FileSource() {
  ASSERT_WHY(!is_reading_, "close() waits for the read under way");
}

// A callback that does nothing once this object is gone.
template <class Fn>
auto FileSource::guarded(Fn fn) {
  return [alive = std::weak_ptr<char>(alive_), fn = std::move(fn)](auto&&... args) mutable {
    if (!alive.expired()) fn(std::forward<decltype(args)>(args)...);
  };
}

Status FileSource::start(std::string cursor) {
  LOOP_ASSERT(context_.loop);
  TRY_ASSIGN(const io::FileInfo named, file_system_.info(path_));
  if (!named.is_regular) {
    return fail(ErrorCode::kInvalidConfig,
                "cannot read '" + path_ + "': it is not a file of bytes; name a file, or pipe it into stdin");
  }
  TRY_ASSIGN(auto file, file_system_.open(path_, io::OpenMode::kRead));
  TRY_ASSIGN(FileCursor at, place(*file, cursor));
  base_ = at.base;
  if (at.offset > 0 && at.offset == at.size) {
    log_info(kComponent, "the file was read to its end before; run with --from-start to read it again",
             {{"source", context_.name}, {"path", path_}, {"bytes", at.size}});
    finish_later();
    return {};
  }
  if (at.offset > 0) {
    log_info(kComponent, "going on where the last run stopped",
             {{"source", context_.name}, {"path", path_}, {"offset", at.offset}});
  }
  TRY(open_format(*file, at));
  reading_ = std::make_shared<Reading>(std::move(file), at, config_);
  pump();
  return {};
}

Status FileSource::open_format(const io::File& file, FileCursor& at) {
  std::string head(config_.format.format->has_header() ? kHeaderBytes : 0, '\0');
  TRY_ASSIGN(const size_t got, file.read_at(0, {head.data(), head.size()}));
  auto opened = config_.format.format->open(std::string_view(head).substr(0, got));
  if (!opened) return fail(opened.error().code, "cannot read '" + path_ + "': " + opened.error().message);
  decoder_ = std::move(opened->decoder);
  at.offset = std::max(at.offset, opened->begin);
  return {};
}

Result<FileCursor> FileSource::place(const io::File& file, const std::string& stored) const {
  TRY_ASSIGN(const io::FileInfo info, file.info());
  FileCursor begin;
  begin.inode = info.inode;
  begin.size = info.size;
  TRY_ASSIGN(begin.head, read_fingerprint(file, 0, std::min<uint64_t>(info.size, kFingerprintBytes)));
  if (stored.empty()) return begin;
  TRY_ASSIGN(const FileCursor cursor, FileCursor::decode(stored));
  // Also with --from-start: to the log a position below what it has is an event it has.
  begin.base = cursor.next_base();
  if (context_.from_start) return begin;
  TRY_ASSIGN(const bool same, cursor.speaks_of(file));
  // Its positions go on where they were, so that the log recognises what it has of them.
  if (same) {
    begin.base = cursor.base;
    begin.offset = cursor.offset;
    begin.tail = cursor.tail;
    return begin;
  }
  const bool rewritten = info.inode == cursor.inode;
  log_info(kComponent,
           rewritten ? "the file was rewritten since it was read; reading it from its start"
                     : "another file than the one read before; reading it from its start",
           {{"source", context_.name}, {"path", path_}});
  return begin;
}

void FileSource::finish_later() {
  ended_ = true;
  context_.loop.post(guarded([this] { pump(); }));
}

void FileSource::pump() {
  if (stopped_ || finished_) return;
  if (ended_ && chunks_.empty()) {
    finished_ = true;
    return context_.finished();
  }
  emit();
  // Bounds memory while the door is slow: what is there, what waits, and one read.
  const bool enough = chunks_.size() >= at_door_ + kReadAhead;
  if (!is_reading_ && !ended_ && !enough && read_timer_ == nullptr) read();
}

void FileSource::read() {
  const auto work = [reading = reading_] { reading->got = reading->chunks.next(); };
  is_reading_ = context_.loop.offload(work, [this] { has_read(); });
  if (is_reading_) return;
  read_timer_ = context_.loop.start_timer(kPoolFullMs, [this] {
    const auto fired = std::move(read_timer_);
    pump();
  });
}

void FileSource::has_read() {
  LOOP_ASSERT(context_.loop);
  is_reading_ = false;
  if (closed_) {
    context_.loop.post(std::move(closed_));
    return;
  }
  if (stopped_) return;
  if (!reading_->got) {
    log_error(kComponent, "tried again in a second: " + reading_->got.error().describe(),
              {{"source", context_.name}});
    read_timer_ = context_.loop.start_timer(kRetryMs, [this] {
      const auto fired = std::move(read_timer_);
      pump();
    });
    return;
  }
  for (FileChunk& chunk : *reading_->got) chunks_.push_back({std::move(chunk)});
  ended_ = reading_->chunks.ended();
  pump();
}

void FileSource::emit() {
  if (going_back_ || waits_for_door_) return;
  for (size_t i = 0; i < chunks_.size() && at_door_ < kMaxAtDoor; ++i) {
    if (chunks_[i].state != ChunkState::kWaiting) continue;
    if (!context_.intake.ready()) {
      waits_for_door_ = true;
      return context_.intake.when_ready(guarded([this] {
        waits_for_door_ = false;
        pump();
      }));
    }
    emit_one(i);
  }
}

void FileSource::emit_one(size_t index) {
  Chunk& chunk = chunks_[index];
  RawBatch batch;
  batch.body = chunk.content.lines.body;
  batch.format = config_.format.format->body_format();
  batch.decoder = decoder_;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = base_ + static_cast<int64_t>(chunk.content.lines.begin);
  batch.cursor = chunk.content.cursor;
  chunk.state = ChunkState::kAtDoor;
  ++at_door_;
  const uint64_t number = first_number_ + index;
  context_.intake.emit(std::move(batch), guarded([this, number](const Ack& ack) { acknowledged(number, ack); }));
}

void FileSource::acknowledged(uint64_t number, const Ack& ack) {
  LOOP_ASSERT(context_.loop);
  ASSERT(number >= first_number_ && number - first_number_ < chunks_.size() && at_door_ > 0);
  --at_door_;
  Chunk& chunk = chunks_[number - first_number_];
  ASSERT(chunk.state == ChunkState::kAtDoor);
  chunk.state = ack.error ? ChunkState::kWaiting : ChunkState::kAccepted;
  if (ack.error) {
    going_back_ = true;
    // The longest wait anybody asked for serves all of them.
    retry_after_ms_ = std::max(retry_after_ms_, ack.retry_after_ms);
    if (retries_++ == 0 && !stopped_) {
      log_warning(kComponent, "not accepted, offered again until it is: " + ack.error->describe(),
                  {{"source", context_.name}, {"path", path_}});
    }
  }
  // Acknowledgements may overtake each other; what is behind a chunk still out stays.
  while (!chunks_.empty() && chunks_.front().state == ChunkState::kAccepted) {
    chunks_.pop_front();
    ++first_number_;
    retries_ = 0;
  }
  if (going_back_) {
    if (at_door_ == 0) go_back_later();
  } else {
    pump();
  }
}

// All are back: those that were turned away are offered again, first things first.
void FileSource::go_back_later() {
  if (stopped_) return;
  const int64_t delay_ms = retry_after_ms_ > 0 ? std::exchange(retry_after_ms_, 0) : kRetryMs;
  retry_timer_ = context_.loop.start_timer(delay_ms, [this] {
    const auto fired = std::move(retry_timer_);
    going_back_ = false;
    pump();
  });
}

void FileSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  retry_timer_ = nullptr;
  read_timer_ = nullptr;
  if (reading_ != nullptr) reading_->chunks.cancel();
}

void FileSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  if (is_reading_) {
    closed_ = std::move(closed);
  } else {
    context_.loop.post(std::move(closed));
  }
}

}  // namespace colloquium::components
