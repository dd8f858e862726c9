#include "components/file/rotated_output.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "components/file/file_path.h"
#include "config/paths.h"
#include "io/file_system.h"
#include "io/path.h"

namespace colloquium::components {
namespace {

constexpr uint64_t kNotSynced = UINT64_MAX;
constexpr int kNumbersMax = 1'000'000;
constexpr size_t kNamesKept = 10'000;

std::string quote(const std::string& path) {
  return "'" + path + "'";
}

// "out/a.ndjson.gz", 1 → "out/a-0001.ndjson.gz". What follows the first '.' of the name is its extension, but a
// '.' that begins it.
std::string numbered(const std::string& path, int number) {
  if (number == 0) return path;
  std::string digits = std::to_string(number);
  if (digits.size() < 4) digits.insert(0, 4 - digits.size(), '0');
  const size_t slash = path.rfind('/');
  const size_t name = slash == std::string::npos ? 0 : slash + 1;
  size_t dot = path.rfind('.');
  if (dot == std::string::npos || dot <= name) return path + "-" + digits;
  for (const char* ending : {".gz", ".zst", ".lz4"}) {
    if (path.substr(dot) != ending) continue;
    const size_t before = path.rfind('.', dot - 1);
    if (before != std::string::npos && before > name) dot = before;
  }
  return path.substr(0, dot) + "-" + digits + path.substr(dot);
}

}  // namespace

struct RotatedOutput::OpenFile {
  std::string name;  // of the finished file, but for a number
  std::string part;
  std::unique_ptr<io::File> file;
  std::unique_ptr<io::FileLock> lock;
  std::unique_ptr<io::Folder> folder;  // until the name is synced, and null from then on
  uint64_t inode = 0;
  uint64_t length = 0;  // of what is good
  uint64_t events = 0;
  int64_t opened_ms = 0;
  uint64_t synced_length = 0;
  uint64_t token_length = 0;      // as the last token has it
  uint64_t committed_length = 0;  // as the last commit has it
  uint64_t last_use = 0;
  bool closed = false;
  bool torn = false;  // there may be bytes behind the good length

  // While a write is put together.
  std::string pending;
  uint64_t pending_events = 0;
  uint64_t length_before = 0;
  uint64_t events_before = 0;
  bool written = false;
};

RotatedOutput::RotatedOutput(Options options, std::unique_ptr<formats::BatchText> text,
                             std::unique_ptr<PathTemplate::Renderer> path)
    : options_(std::move(options)), text_(std::move(text)), path_(std::move(path)) {}

RotatedOutput::~RotatedOutput() = default;

Result<std::unique_ptr<RotatedOutput>> RotatedOutput::open(Options options, const std::string& token,
                                                           std::unique_ptr<formats::BatchText> text,
                                                           std::unique_ptr<PathTemplate::Renderer> path) {
  TRY_ASSIGN(const std::vector<RotatedEntry> entries, decode_rotated(token));
  std::unique_ptr<RotatedOutput> output(new RotatedOutput(std::move(options), std::move(text), std::move(path)));
  output->history_ = !token.empty();
  for (const RotatedEntry& entry : entries) {
    output->committed_parts_.push_back(entry.part);
    TRY(output->restore(entry));
  }
  for (const RotatedEntry& entry : entries) output->remove_orphans(entry.name);
  output->publish();
  return output;
}

Status RotatedOutput::restore(const RotatedEntry& entry) {
  io::FileSystem& fs = options_.file_system;
  const auto info = fs.info(entry.part);
  if (!info && info.error().code == ErrorCode::kNotFound) {
    // Renamed behind its last commit, and perhaps taken away by whoever reads finished files.
    return {};
  }
  if (!info) return fail(info.error());
  if (info->inode != entry.inode || info->size < entry.length) {
    return fail(
        ErrorCode::kConflict,
        "the file " + quote(entry.part) + " is not as it was left, with " + std::to_string(entry.length) +
            " bytes committed: it was cut or replaced by someone; put it back as it was, or remove it if what "
            "it held may be missing");
  }
  auto file = std::make_unique<OpenFile>();
  file->name = entry.name;
  file->part = entry.part;
  file->inode = entry.inode;
  file->length = file->synced_length = file->token_length = file->committed_length = entry.length;
  file->events = entry.events;
  file->opened_ms = entry.opened_ms;
  file->closed = entry.closed;
  TRY_ASSIGN(file->file, fs.open(entry.part, io::OpenMode::kReadWrite));
  TRY_ASSIGN(file->lock, fs.lock(entry.part));
  // Nothing there was committed, and nobody else writes to a .part.
  if (info->size > entry.length) TRY(cut_back(*file));
  files_.push_back(std::move(file));
  return {};
}

Status RotatedOutput::write(const Batches& batches) {
  text_->clear();
  for (const auto& batch : batches) text_->add(*batch);
  refused_ = text_->refused();
  const std::vector<size_t> ends = text_->ends();
  for (const auto& file : files_) {
    file->length_before = file->length;
    file->events_before = file->events;
    file->written = false;
  }
  size_t at = 0;
  size_t event = 0;
  Status status;
  for (const auto& batch : batches) {
    status = add(*batch, event, at, ends);
    if (!status) break;
    event += batch->size();
  }
  for (size_t i = 0; status && i < files_.size(); ++i) status = append_pending(*files_[i]);
  if (status) return {};
  take_back();
  return status;
}

Status RotatedOutput::add(const Batch& batch, size_t first_event, size_t& at, const std::vector<size_t>& ends) {
  const std::vector<formats::RefusedEvent>& by_format = text_->refused();
  auto next_refused = std::lower_bound(by_format.begin(), by_format.end(), first_event,
                                       [](const auto& refused, size_t event) { return refused.event < event; });
  for (size_t i = 0; i < batch.size(); ++i) {
    const size_t event = first_event + i;
    const std::string_view bytes = std::string_view(text_->text()).substr(at, ends[event] - at);
    at = ends[event];
    if (next_refused != by_format.end() && next_refused->event == event) {
      ++next_refused;
      continue;
    }
    const auto name = path_->render(batch, i);
    if (!name) {
      refused_.push_back({event, name.error()});
      continue;
    }
    TRY_ASSIGN(OpenFile * file, file_for(*name, bytes.size()));
    if (file->length == 0 && file->pending.empty()) file->pending = text_->preamble();
    file->pending += bytes;
    ++file->pending_events;
  }
  return {};
}

Result<RotatedOutput::OpenFile*> RotatedOutput::file_for(std::string_view name, size_t bytes) {
  if (last_ == nullptr || last_->closed || last_->name != name) {
    const auto found = std::find_if(files_.begin(), files_.end(),
                                    [name](const auto& file) { return !file->closed && file->name == name; });
    last_ = found == files_.end() ? nullptr : found->get();
  }
  if (last_ != nullptr) {
    const RotationLimits& limits = options_.limits;
    const uint64_t events = last_->events + last_->pending_events;
    // What a compressed file will have is not known before; the limit is looked at between writes then.
    const bool compressed = options_.compression != io::Compression::kNone;
    const uint64_t size = last_->length + (compressed ? 0 : last_->pending.size() + bytes);
    const bool full = size > limits.bytes || (compressed && size == limits.bytes) || events >= limits.events;
    if (events > 0 && full) {
      close(*last_);
      last_ = nullptr;
    }
  }
  if (last_ == nullptr) {
    TRY_ASSIGN(last_, open_new(std::string(name)));
  }
  last_->last_use = ++uses_;
  return last_;
}

Result<RotatedOutput::OpenFile*> RotatedOutput::open_new(std::string name) {
  close_one_of_many();
  remove_orphans(name);
  io::FileSystem& fs = options_.file_system;
  auto file = std::make_unique<OpenFile>();
  const std::string whole = config::resolved_path(options_.base_dir, name);
  TRY(fs.make_directories(io::parent_of(whole)));
  // Now: a sync that finds no descriptor would be one that failed, and those are not tried again.
  TRY_ASSIGN(file->folder, fs.open_folder(io::parent_of(whole)));
  // The plain name, unless a file waits under it for its commit, or somebody left one before this sink began.
  for (int number = 1; file->file == nullptr; ++number) {
    file->part = whole + (number == 1 ? "" : "." + std::to_string(number)).append(kPartEnding);
    if (is_taken(file->part) || (!history_ && fs.info(file->part).has_value())) continue;
    TRY_ASSIGN(file->file, fs.open(file->part, io::OpenMode::kOpenOrCreate));
  }
  auto held = fs.lock(file->part);
  if (!held && held.error().code == ErrorCode::kConflict) {
    return fail(ErrorCode::kConflict, "the file " + quote(file->part) +
                                          " is being written by another sink or process; give each its own path");
  }
  TRY_ASSIGN(file->lock, std::move(held));
  TRY(file->file->truncate(0));
  TRY_ASSIGN(const io::FileInfo info, file->file->info());
  file->inode = info.inode;
  file->name = std::move(name);
  file->opened_ms = options_.clock.wall_ms();
  files_.push_back(std::move(file));
  return files_.back().get();
}

bool RotatedOutput::is_taken(const std::string& part) const {
  const auto has = [&](const std::vector<std::string>& paths) {
    return std::find(paths.begin(), paths.end(), part) != paths.end();
  };
  if (has(committed_parts_) || has(token_parts_)) return true;
  return std::any_of(files_.begin(), files_.end(), [&](const auto& file) { return file->part == part; });
}

// "a.ndjson.part" and "a.ndjson.7.part" beside what will be "a.ndjson". One that can't be removed is told by
// whoever finds it; it is used again, emptied, when its number comes.
void RotatedOutput::remove_orphans(const std::string& name) {
  if (!history_ || !looked_at_.insert(name).second) return;
  if (looked_at_.size() > kNamesKept) looked_at_ = {name};
  io::FileSystem& fs = options_.file_system;
  const std::string whole = config::resolved_path(options_.base_dir, name);
  const std::string folder = io::parent_of(whole);
  const std::string begin = whole.substr(whole.rfind('/') + 1) + ".";
  const auto found = fs.list(folder);
  if (!found) return;
  for (const std::string& each : *found) {
    if (!each.starts_with(begin) || !each.ends_with(kPartEnding)) continue;
    const std::string number = each.substr(begin.size() - 1, each.size() - kPartEnding.size() - begin.size() + 1);
    const bool numbered = number.size() > 1 && number.find_first_not_of("0123456789", 1) == std::string::npos;
    const std::string path = io::join(folder, each);
    if ((!number.empty() && !numbered) || is_taken(path)) continue;
    // Whoever holds it writes to it.
    if (const auto held = fs.lock(path)) (void)fs.remove(path);
  }
}

void RotatedOutput::close(OpenFile& file) const {
  file.closed = true;
}

void RotatedOutput::close_one_of_many() {
  const auto open = std::count_if(files_.begin(), files_.end(), [](const auto& file) { return !file->closed; });
  if (static_cast<size_t>(open) < options_.limits.open_files) return;
  OpenFile* oldest = nullptr;
  for (const auto& file : files_) {
    if (!file->closed && (oldest == nullptr || file->last_use < oldest->last_use)) oldest = file.get();
  }
  ASSERT(oldest != nullptr);
  close(*oldest);
}

Status RotatedOutput::cut_back(OpenFile& file) {
  TRY(file.file->truncate(file.length));
  file.torn = false;
  file.synced_length = kNotSynced;
  return {};
}

Status RotatedOutput::append_pending(OpenFile& file) {
  if (file.pending_events == 0) return {};
  if (file.torn) TRY(cut_back(file));
  std::string_view bytes = file.pending;
  if (options_.compression != io::Compression::kNone) {
    TRY(compressor_.compress(options_.compression, file.pending, frame_));
    bytes = frame_;
  }
  file.torn = true;  // until all of it is there
  TRY(file.file->write_at(file.length, bytes));
  file.torn = false;
  file.written = true;
  file.length += bytes.size();
  file.events += file.pending_events;
  file.pending.clear();
  file.pending_events = 0;
  return {};
}

// Every file is again as it was before this write, but for files that were opened, and are empty.
void RotatedOutput::take_back() {
  for (const auto& file : files_) {
    file->pending.clear();
    file->pending_events = 0;
    if (!file->written) continue;
    file->length = file->length_before;
    file->events = file->events_before;
    file->torn = true;
    file->written = false;
  }
  // Cut off now if that is possible, before the next write or commit at the latest.
  for (const auto& file : files_) {
    if (file->torn && !cut_back(*file)) return;
  }
}

Result<std::string> RotatedOutput::sync() {
  if (sync_failure_) return fail(*sync_failure_);
  const Status synced = sync_once();
  if (!synced) {
    sync_failure_ = synced.error();
    return fail(synced.error());
  }
  std::vector<RotatedEntry> entries;
  for (const auto& file : files_) {
    file->token_length = file->length;
    if (file->length == 0) continue;
    entries.push_back(
        {file->inode, file->length, file->events, file->opened_ms, file->closed, file->part, file->name});
  }
  history_ = true;
  token_parts_.clear();
  for (const RotatedEntry& entry : entries) token_parts_.push_back(entry.part);
  return encode_rotated(entries);
}

Status RotatedOutput::sync_once() {
  for (const auto& file : files_) {
    if (file->torn) TRY(cut_back(*file));
    if (file->synced_length != file->length) {
      TRY(file->file->sync());
      file->synced_length = file->length;
    }
    if (file->folder != nullptr && file->length > 0) {
      TRY(file->folder->sync());
      file->folder = nullptr;
    }
  }
  return {};
}

void RotatedOutput::committed() {
  for (const auto& file : files_) file->committed_length = file->token_length;
  committed_parts_ = token_parts_;
  publish();
}

void RotatedOutput::tick() {
  const int64_t now_ms = options_.clock.wall_ms();
  for (const auto& file : files_) {
    const bool old = now_ms - file->opened_ms >= options_.limits.age_ms;
    if (old && !file->closed && file->events > 0) close(*file);
  }
  publish();
}

void RotatedOutput::finish() {
  for (const auto& file : files_) close(*file);
  publish();
}

void RotatedOutput::publish() {
  last_ = nullptr;
  std::erase_if(files_, [this](const std::unique_ptr<OpenFile>& file) {
    if (!file->closed || file->length != file->committed_length) return false;
    const Status published = publish_one(*file);
    if (published) return true;
    warnings_.push_back("tried again in a second: " + published.error().describe());
    return false;
  });
}

Status RotatedOutput::publish_one(OpenFile& file) {
  io::FileSystem& fs = options_.file_system;
  if (file.length == 0) return fs.remove(file.part);
  if (file.torn) TRY(cut_back(file));
  // Once it has its name nobody cuts off what a failed write or a crash had left behind its end.
  if (file.synced_length != file.length) TRY(file.file->sync());
  const std::string whole = config::resolved_path(options_.base_dir, file.name);
  for (int number = 0; number < kNumbersMax; ++number) {
    const std::string to = numbered(whole, number);
    TRY_ASSIGN(const std::unique_ptr<io::Folder> folder, fs.open_folder(io::parent_of(to)));
    const Status renamed = fs.rename_new(file.part, to);
    if (renamed) {
      // It has its name; after a crash of the machine it may be a .part again, which the next start finishes.
      if (const Status synced = folder->sync(); !synced) warnings_.push_back(synced.error().describe());
      return {};
    }
    if (renamed.error().code != ErrorCode::kAlreadyExists) return renamed;
  }
  return fail(ErrorCode::kAlreadyExists, "there are a million files " + quote(whole) + " already; move them away");
}

}  // namespace colloquium::components
