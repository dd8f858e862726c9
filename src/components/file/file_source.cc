#include "components/file/file_source.h"

#include <algorithm>
#include <utility>

#include "colloquium/config_types.h"

#include "base/assert.h"
#include "base/logging.h"
#include "components/file/file_path.h"
#include "components/file/file_pattern.h"
#include "components/file/many_files_source.h"
#include "config/paths.h"
#include "config/problems.h"
#include "io/file_system.h"
#include "io/inflated_file.h"

namespace colloquium {

template <>
struct ConfigObject<components::MultilineConfig> {
  static ConfigSpec<components::MultilineConfig> spec() {
    using Config = components::MultilineConfig;
    return ConfigSpec<Config>()
        .field("start", &Config::start,
               {.description =
                    "Regular expression (RE2): a line in which it is found begins an event, any other goes on "
                    "with it.",
                .example = R"('^\d{4}-')",
                .required = true,
                .minimum = 1})
        .field("timeout", &Config::timeout,
               {.description = "An event is complete when nothing was added to it for so long.", .minimum = 10})
        .shorthand("start");
  }
};

namespace components {
namespace {

constexpr size_t kHeaderBytes = size_t{1} << 20;  // the longest header
constexpr char kComponent[] = "file";

// Where and what is wrong with how records are cut, if anything is.
void check_records(FileSourceConfig& config, const ConfigNode& node, ConfigProblems& problems) {
  const formats::SourceFormat& format = *config.format.format;
  if (config.follow && format.is_whole()) {
    config::refuse(node, "follow",
                   "a file that is followed never ends, and the format " + config.format.name +
                       " takes a file as one event; choose another format",
                   problems);
  }
  if (!config.multiline) return;
  auto start = formats::StartPattern::create(config.multiline->start);
  if (!start) {
    config::refuse(node, "multiline", start.error().message, problems);
  } else if (format.framing() != nullptr || format.body_format() != BodyFormat::kNdjson ||
             config.format.name == "ndjson") {
    config::refuse(node, "multiline", "multiline is for formats with a line per event: text, logfmt or syslog",
                   problems);
  } else {
    config.start = std::move(*start);
  }
}

ParsedConfig parse(const ConfigSpec<FileSourceConfig>& spec, const ConfigNode& node, ConfigProblems& problems) {
  const size_t before = problems.size();
  FileSourceConfig config = spec.read(node, "file", problems);
  const ConfigNode* path = node.kind == ConfigNode::Kind::kMap ? node.find("path") : nullptr;
  config.mark = path == nullptr ? node.mark : path->mark;
  if (problems.size() == before) check_path(node, config.path, problems);
  if (problems.size() == before) check_records(config, node, problems);
  return std::make_shared<const FileSourceConfig>(std::move(config));
}

// What ManyFilesSource reads; FileSource has one file, read once.
bool has_many(const FileSourceConfig& config, io::FileSystem& fs, const std::string& path) {
  if (config.follow || config.start != nullptr || FilePattern::is_glob(config.path)) return true;
  const auto info = fs.info(path);
  if (!info || !info->is_regular) return info && info->is_directory;
  const auto file = fs.open(path, io::OpenMode::kRead);
  return file && io::is_compressed(**file).value_or(false);
}

void check(const ParsedConfig& parsed, const std::string& base_dir, ConfigProblems& problems) {
  const auto& config = config_of<FileSourceConfig>(parsed);
  if (config.path.empty()) return;
  const std::string path = config::resolved_path(base_dir, config.path);
  // Files of a folder or glob, and those that are followed, may come later.
  if (config.follow || has_many(config, io::posix_file_system(), path)) return;
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
  const auto& config = config_of<FileSourceConfig>(parsed);
  if (has_many(config, *file_system, config::resolved_path(context.base_dir, config.path))) {
    return std::make_unique<ManyFilesSource>(std::move(context), config, *file_system);
  }
  return std::make_unique<FileSource>(std::move(context), config, *file_system);
}

ConfigSpec<FileSourceConfig> spec() {
  return ConfigSpec<FileSourceConfig>()
      .field(
          "path", &FileSourceConfig::path,
          {.description = "File to read, a folder (the files in it), or a glob; a relative one is relative to the "
                          "pipeline file. `*`, `?` and `[…]` stand for parts of one name, `**` for any folders.",
           .example = "in/orders.ndjson",
           .required = true})
      .field(
          "follow", &FileSourceConfig::follow,
          {.description = "Read on as files grow and new ones come, through rotation by renaming, by copying and "
                          "cutting, and by removal. `false`: what is there is read once to its end."})
      .field("multiline", &FileSourceConfig::multiline,
             {.description = "Several lines may make one event, of a format that has a line for each."})
      .field("poll", &FileSourceConfig::poll,
             {.description = "How often is looked for what is new.", .advanced = true, .minimum = 10})
      .field("max_open_files", &FileSourceConfig::max_open_files,
             {.description = "More than these wait until others have rested or ended.",
              .advanced = true,
              .minimum = 1,
              .maximum = 10'000})
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
  d.summary = "Reads files, once or as they grow, and resumes where it stopped.";
  d.description =
      "Without a `format` there is one JSON value per line; blank lines are skipped, and a last line without line "
      "break counts. The position "
      "is stored with the events. After a restart the source goes on behind what was accepted; a file that was "
      "read to its end is not read again, unless with `--from-start`. It knows a file again by the bytes at its "
      "beginning and before the position, so a file that grew is continued and another one under the same name "
      "is read from its start.\n\n"
      "With a folder, a glob or `follow` each file is a part of the source with a position of its own, known by "
      "its "
      "content: a file that was renamed or copied goes on where it was. Order holds within a file. gzip and zstd "
      "files are told "
      "by their first bytes, and read once they are complete; one that was read before it was compressed is not "
      "read again. Without `follow`, what cannot be read (a damaged file, one that we have no right to) fails the "
      "run "
      "once all the others are read.";
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
                        .finite = !config_of<FileSourceConfig>(parsed).follow,
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

FileSource::FileSource(SourceContext context, const FileSourceConfig& config, io::FileSystem& file_system)
    : context_(std::move(context)),
      config_(config),
      file_system_(file_system),
      path_(config::resolved_path(context_.base_dir, config.path)) {}

FileSource::~FileSource() = default;

Status FileSource::start(std::string cursor) {
  LOOP_ASSERT(context_.loop);
  TRY_ASSIGN(const io::FileInfo named, file_system_.info(path_));
  if (!named.is_regular) {
    return fail(ErrorCode::kInvalidConfig,
                "cannot read '" + path_ + "': it is not a file of bytes; name a file, or pipe it into stdin");
  }
  TRY_ASSIGN(auto file, file_system_.open(path_, io::OpenMode::kRead));
  TRY_ASSIGN(FileCursor at, place(*file, cursor));
  if (at.offset > 0 && at.offset == at.size) {
    log_info(kComponent, "the file was read to its end before; run with --from-start to read it again",
             {{"source", context_.name}, {"path", path_}, {"bytes", at.size}});
    context_.loop.post(alive_.guard([this] {
      if (stopped_) return;
      finished_ = true;
      context_.finished();
    }));
    return {};
  }
  if (at.offset > 0) {
    log_info(kComponent, "going on where the last run stopped",
             {{"source", context_.name}, {"path", path_}, {"offset", at.offset}});
  }
  TRY(open_format(*file, at));
  auto chunks = std::make_unique<FileChunks>(std::move(file), at, static_cast<size_t>(config_.max_event.bytes),
                                             config_.format.format->framing());
  FileFeedOptions options{context_.name, path_, at.base, config_.format.format->body_format(), decoder_};
  feed_ = std::make_unique<FileFeed>(context_.loop, context_.intake, std::move(options), std::move(chunks), *this);
  feed_->pump();
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

void FileSource::moved(FileFeed& feed) {
  if (closed_ && !feed.is_reading()) {
    context_.loop.post(std::move(closed_));
  } else if (!stopped_ && !finished_ && feed.is_done()) {
    finished_ = true;
    context_.finished();
  }
}

void FileSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  if (feed_ != nullptr) feed_->stop();
}

void FileSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  if (feed_ != nullptr && feed_->is_reading()) {
    closed_ = std::move(closed);
  } else {
    context_.loop.post(std::move(closed));
  }
}

}  // namespace components
}  // namespace colloquium
