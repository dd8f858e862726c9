// `log export`: the events of a stream as lines that `log import` reads. Nothing here locks the data directory or
// writes to it.

#include <algorithm>
#include <ostream>
#include <utility>

#include "app/counted.h"
#include "app/event_lines.h"
#include "app/log_keys.h"
#include "app/progress_line.h"
#include "app/verb_log.h"
#include "io/path.h"

namespace colloquium::app {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

struct Options {
  std::string data_dir = kDefaultDataDirectory;
  std::string stream;
  std::optional<std::string> partition, from, to, out;
  KeyOptions keys;
};

// Where the lines go: standard output, or a file that has its name once it is whole.
class LineTarget {
 public:
  // `path` empty: standard output.
  static Result<std::unique_ptr<LineTarget>> open(const std::string& path, Console& console) {
    std::unique_ptr<LineTarget> target(new LineTarget(path, console));
    if (path.empty()) return target;
    if (log_files().info(path)) {
      return fail(ErrorCode::kAlreadyExists, "'" + path + "' is there already; remove it, or give another --out");
    }
    // What an export that was interrupted has left is nobody's.
    TRY_ASSIGN(target->file_, log_files().open(target->part_, io::OpenMode::kOpenOrCreate));
    TRY(target->file_->truncate(0));
    return target;
  }
  ~LineTarget() {
    if (file_ != nullptr) (void)log_files().remove(part_);
  }
  LineTarget(const LineTarget&) = delete;
  LineTarget& operator=(const LineTarget&) = delete;

  Status write(std::string_view lines) {
    if (file_ == nullptr) {
      console_.out << lines;
      return {};
    }
    block_ += lines;
    return block_.size() < kBlockBytes ? Status() : flush();
  }
  // False if whoever read standard output has gone, which main() tells.
  bool alive() const { return file_ != nullptr || console_.out; }

  Status finish() {
    if (file_ == nullptr) return {};
    TRY(flush());
    TRY(file_->sync());
    TRY(log_files().rename(part_, path_));
    file_.reset();
    return log_files().sync_directory(io::parent_of(path_));
  }

 private:
  LineTarget(std::string path, Console& console)
      : path_(std::move(path)), part_(path_ + ".part"), console_(console) {}

  Status flush() {
    TRY(file_->write_at(written_, block_));
    written_ += block_.size();
    block_.clear();
    return {};
  }

  const std::string path_, part_;
  Console& console_;
  std::unique_ptr<io::File> file_;  // null: standard output, or done
  std::string block_;
  uint64_t written_ = 0;
};

struct Exported {
  int32_t partition = 0;
  uint64_t events = 0;
  int64_t first_offset = 0, last_offset = 0;
};

class Export {
 public:
  Export(const Options& options, std::shared_ptr<const log::KeyRing> keys, LineTarget& target, Console& console)
      : options_(options), keys_(std::move(keys)), target_(target), progress_(console, "% exported") {}

  Status run(const std::vector<engine::ReplaySpan>& spans) {
    for (const engine::ReplaySpan& span : spans) total_ += static_cast<uint64_t>(span.to - span.from);
    for (const engine::ReplaySpan& span : spans) {
      TRY(export_span(span));
      done_ += static_cast<uint64_t>(span.to - span.from);
    }
    return target_.finish();
  }
  const std::vector<Exported>& exported() const { return exported_; }

 private:
  Status export_span(const engine::ReplaySpan& span) {
    exported_.push_back({span.partition});
    if (span.from == span.to) return {};
    TRY_ASSIGN(const auto reader, log::open_reader(log_files(), options_.data_dir, options_.stream, span.partition,
                                                   span.from, keys_, nullptr, true));
    std::string lines;
    while (target_.alive()) {
      TRY_ASSIGN(const std::shared_ptr<const Batch> batch, reader->next());
      if (batch == nullptr || batch->offset(0) >= span.to) return {};
      lines.clear();
      for (size_t i = 0; i < batch->size() && batch->offset(i) < span.to; ++i) {
        append_export_line(*batch, i, lines);
        note(batch->offset(i));
      }
      TRY(target_.write(lines));
      progress_.show_share(done_ + static_cast<uint64_t>(exported_.back().last_offset - span.from), total_);
    }
    return {};
  }

  void note(int64_t offset) {
    Exported& exported = exported_.back();
    if (exported.events++ == 0) exported.first_offset = offset;
    exported.last_offset = offset;
  }

  const Options& options_;
  const std::shared_ptr<const log::KeyRing> keys_;
  LineTarget& target_;
  ProgressLine progress_;
  uint64_t done_ = 0, total_ = 0;  // offsets
  std::vector<Exported> exported_;
};

void tell(const Options& options, const std::vector<Exported>& exported, std::ostream& err) {
  uint64_t events = 0;
  for (const Exported& one : exported) events += one.events;
  err << "exported " << counted(events, "event") << " of " << options.stream;
  for (const Exported& one : exported) {
    err << (&one == &exported.front() ? ": " : ", ") << "partition " << one.partition << " ";
    if (one.events == 0) err << "none";
    if (one.events > 0) err << one.first_offset << " to " << one.last_offset;
  }
  err << "\n";
}

Exit export_stream(const Options& options, Console& console) {
  const auto stream = find_stream(options.data_dir, options.stream);
  if (!stream) return refuse(console, stream.error());
  const auto spans = readable_spans(options.data_dir, *stream, options.partition, options.from, options.to);
  if (!spans) return refuse(console, spans.error());
  const auto keys = key_ring_for_reading(options.keys, log_files());
  if (!keys) return refuse(console, keys.error());
  const auto target = LineTarget::open(options.out.value_or(""), console);
  if (!target) return refuse(console, target.error());
  Export run(options, *keys, **target, console);
  const Status done = run.run(*spans);
  if (!done) return fail_running(console, done.error());
  if (console.out) tell(options, run.exported(), console.err);
  return Exit::kDone;
}

}  // namespace

Verb log_export_verb() {
  auto options = std::make_shared<Options>();
  Verb verb;
  verb.name = "export";
  verb.summary = "Write the events of a stream as lines that 'log import' reads";
  verb.description =
      "One event a line, {\"partition\",\"offset\",\"time\",\"key\",\"headers\",\"value\"}, with the bytes of its "
      "value,\n"
      "up to what is synced, also beside a running process. A file gets its name when it is whole.";
  verb.example =
      "colloquium log export orders --out orders.ndjson\n"
      "colloquium log export orders --from 2026-03-01T12:00:00Z | gzip > orders.ndjson.gz";
  verb.options = {
      data_dir_option(options->data_dir),
      {"--partition", "N", "only this partition; default: all, one after the other", &options->partition},
      {"--from", "OFFSET|TIME|beginning", "the first event; a time is when it was appended; default: beginning",
       &options->from},
      {"--to", "OFFSET|TIME", "the first event not to export; default: where the stream ends now", &options->to},
      {"--out", "FILE", "write to this file; default: standard output", &options->out},
      {"STREAM", "", "the stream; 'colloquium log ls' lists them", &options->stream, true},
  };
  for (VerbOption& option : key_options(options->keys))
    verb.options.insert(verb.options.end() - 1, std::move(option));
  verb.run = [options](Console& console) { return export_stream(*options, console); };
  verb.state = options;
  return verb;
}

}  // namespace colloquium::app
