#include "components/file/many_files_source.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/logging.h"
#include "components/file/file_path.h"
#include "config/paths.h"
#include "io/file_system.h"

namespace colloquium::components {
namespace {

constexpr char kComponent[] = "file";
constexpr size_t kChunksMax = 24;  // read and not accepted, over all files, beside one per file
constexpr size_t kHeaderBytes = 64 << 10;
constexpr int64_t kPoolFullMs = 10;
constexpr int64_t kGoneMs = 5000;    // how long a file that has no name here any more may stay silent
constexpr int64_t kRestMs = 60'000;  // how long any file may, before it is closed
constexpr size_t kNumbersMax = 1000;  // parts whose files begin alike
constexpr size_t kUnreadNamed = 3;    // in the failure that ends the source

}  // namespace

struct ManyFilesSource::Look {
  std::vector<FoundFile> found;
  std::vector<Error> failures;
};

struct ManyFilesSource::Opening {
  FoundFile found;
  std::vector<KnownPart> known;
  std::string fresh;
  Result<OpenedFile> opened = fail(ErrorCode::kInternal, "not opened");
};

struct ManyFilesSource::Live {
  FileKey key;
  std::string part;
  std::unique_ptr<FileFeed> feed;
  int64_t silent_since_ms = 0;  // monotonic
  bool is_whole = false;        // compressed: it ends where it ends
  bool is_there = true;         // the last look found it
  uint64_t size = 0;            // as that look saw it
};

ManyFilesSource::ManyFilesSource(SourceContext context, const FileSourceConfig& config,
                                 io::FileSystem& file_system)
    : context_(std::move(context)),
      config_(config),
      file_system_(file_system),
      pattern_(config::resolved_path(context_.base_dir, config.path)) {}

ManyFilesSource::~ManyFilesSource() {
  ASSERT_WHY(!busy(), "close() waits for what is under way");
}

Status ManyFilesSource::start(std::string) {
  LOOP_ASSERT(context_.loop);
  look();
  return {};
}

bool ManyFilesSource::busy() const {
  const bool reading =
      std::any_of(live_.begin(), live_.end(), [](const auto& one) { return one.second->feed->is_reading(); });
  return is_looking_ || is_opening_ || reading;
}

void ManyFilesSource::look() {
  if (stopped_ || is_looking_) return;
  look_ = std::make_shared<Look>();
  const auto work = [this, state = look_] { state->found = pattern_.list(file_system_, state->failures); };
  is_looking_ = context_.loop.offload(work, [this] { has_looked(); });
  if (!is_looking_) look_later();
}

void ManyFilesSource::look_later() {
  if (stopped_ || timer_ != nullptr) return;
  timer_ = context_.loop.start_timer(looked_once_ ? config_.poll.ms : kPoolFullMs, [this] {
    const auto fired = std::move(timer_);
    look();
  });
}

void ManyFilesSource::has_looked() {
  LOOP_ASSERT(context_.loop);
  is_looking_ = false;
  if (stopped_) return finish_close();
  looked_once_ = true;
  for (const auto& [key, live] : live_) live->is_there = false;
  to_open_.clear();
  for (const FoundFile& found : look_->found) see(found);
  note_unlisted(std::move(look_->failures));
  if (look_->found.empty() && unlisted_.empty() && !config_.follow) {
    log_info(kComponent, "no file is there", {{"source", context_.name}, {"path", pattern_.text()}});
  }
  if (config_.follow) poll_live();
  open_next();
  // One that is read once is looked for once, unless something was in the way that passes.
  const bool again =
      std::any_of(unlisted_.begin(), unlisted_.end(), [](const Error& error) { return error.retryable; });
  if (config_.follow || again) look_later();
  check_finished();
}

void ManyFilesSource::note_unlisted(std::vector<Error> failures) {
  for (const Error& error : failures) {
    const bool known = std::any_of(unlisted_.begin(), unlisted_.end(),
                                   [&](const Error& one) { return one.message == error.message; });
    if (!known) log_warning(kComponent, "not looked at: " + error.message, {{"source", context_.name}});
  }
  unlisted_ = std::move(failures);
  // Names that went take with them what was wrong with their files.
  const auto is_there = [this](const std::string& path) {
    return std::any_of(look_->found.begin(), look_->found.end(),
                       [&](const FoundFile& found) { return found.path == path; });
  };
  if (config_.follow) std::erase_if(unread_, [&](const auto& one) { return !is_there(one.first); });
}

void ManyFilesSource::see(const FoundFile& found) {
  const FileKey key{found.info.device, found.info.inode};
  if (const auto live = live_.find(key); live != live_.end()) {
    live->second->is_there = true;
    live->second->size = found.info.size;
    if (live->second->feed->path() != found.path) live->second->feed->set_path(found.path);
    return;
  }
  if (config_.follow && found.info.size < kIdentityBytesMin) return;
  if (const auto resting = resting_.find(key); resting != resting_.end()) {
    const std::string& part = resting->second.copy_of;
    const bool original_read = !part.empty() && std::any_of(live_.begin(), live_.end(), [&](const auto& one) {
      return one.second->part == part;
    });
    if (found.info.size == resting->second.size && (part.empty() || original_read)) return;
    resting_.erase(resting);
  }
  to_open_.push_back(found);
}

void ManyFilesSource::open_next() {
  if (stopped_ || is_opening_ || to_open_.empty()) return;
  release_idle(live_.size() + 1);
  if (live_.size() >= static_cast<size_t>(config_.max_open_files)) return;
  opening_ = std::make_shared<Opening>();
  opening_->found = std::move(to_open_.front());
  to_open_.pop_front();
  const auto work = [&fs = file_system_, state = opening_] {
    state->opened = open_file(fs, state->found.path, state->found.info.inode, kHeaderBytes);
  };
  is_opening_ = context_.loop.offload(work, [this] { has_opened(); });
  if (is_opening_) return;
  to_open_.push_front(std::move(opening_->found));
  look_later();
}

// By its beginning it is looked for among the parts; whether it is one of them, the file has to tell.
void ManyFilesSource::has_opened() {
  LOOP_ASSERT(context_.loop);
  is_opening_ = false;
  if (stopped_) return finish_close();
  if (!opening_->opened) return not_opened(opening_->opened.error());
  opening_->known = known_parts(opening_->opened->head, opening_->fresh);
  const auto work = [state = opening_, from_start = context_.from_start] {
    const Status status = find_part(*state->opened, state->known, state->fresh, from_start);
    if (!status) state->opened = fail(status.error());
  };
  is_opening_ = context_.loop.offload(work, [this] { has_found_part(); });
  if (is_opening_) return;
  to_open_.push_front(opening_->found);
  look_later();
}

void ManyFilesSource::has_found_part() {
  LOOP_ASSERT(context_.loop);
  is_opening_ = false;
  if (stopped_) return finish_close();
  if (!opening_->opened) return not_opened(opening_->opened.error());
  begin_feed(std::move(*opening_->opened));
  open_next();
  check_finished();
}

// It may be complete, or readable, at another look.
void ManyFilesSource::not_opened(const Error& error) {
  not_read(opening_->found.path, error);
  const io::FileInfo& info = opening_->found.info;
  if (error.code == ErrorCode::kCorrupt) resting_[{info.device, info.inode}] = {info.size, {}};
  // No descriptor was left: another look, when some may be, tries it again.
  if (!config_.follow && error.retryable) return look_later();
  open_next();
  check_finished();
}

void ManyFilesSource::not_read(const std::string& path, Error error) {
  Error& known = unread_[path];
  if (known.message == error.message) return;
  const LogFields fields = {{"source", context_.name}, {"path", path}};
  if (config_.follow) {
    log_warning(kComponent, "not read now: " + error.message, fields);
  } else {
    log_error(kComponent, "not read: " + error.message, fields);
  }
  known = std::move(error);
}

std::vector<KnownPart> ManyFilesSource::known_parts(const std::string& head, std::string& fresh) {
  std::vector<KnownPart> known;
  for (const std::string& name : part_names(head)) {
    for (size_t number = 1; number <= kNumbersMax; ++number) {
      const std::string part = number == 1 ? name : name + "." + std::to_string(number);
      const auto of_run = cursors_.find(part);
      std::string cursor = of_run != cursors_.end() ? of_run->second : context_.intake.part(part).stored_cursor();
      if (cursor.empty()) {
        if (fresh.empty()) fresh = part;
        break;
      }
      const bool in_use =
          std::any_of(live_.begin(), live_.end(), [&](const auto& one) { return one.second->part == part; });
      known.push_back({part, std::move(cursor), in_use});
    }
  }
  return known;
}

Result<std::shared_ptr<const RecordDecoder>> ManyFilesSource::decoder_for(OpenedFile& opened) const {
  TRY_ASSIGN(formats::OpenedRecords records, config_.format.format->open(opened.head));
  opened.at.offset = std::max(opened.at.offset, records.begin);
  if (config_.start == nullptr) return records.decoder;
  return formats::multiline_decoder(config_.start, std::move(records.decoder));
}

void ManyFilesSource::begin_feed(OpenedFile opened) {
  const FoundFile& found = opening_->found;
  const FileKey key{found.info.device, found.info.inode};
  // Whatever kept it from being opened before does no more.
  unread_.erase(found.path);
  if (opened.copy_of) {
    resting_[key] = {found.info.size, *opened.copy_of};
    if (!config_.follow) copies_.emplace(*opened.copy_of, found);
    return;
  }
  if (opened.part.empty()) {
    resting_[key] = {found.info.size, {}};
    const Error error{ErrorCode::kLimit,
                      std::to_string(kNumbersMax) +
                          " files begin with the same bytes as this one already; read "
                          "them with several sources, a folder for each",
                      false,
                      {}};
    return not_read(found.path, error);
  }
  if (opened.at.offset > 0 && opened.at.offset == opened.at.size) {
    if (!config_.follow) {
      log_info(kComponent, "the file was read to its end before; run with --from-start to read it again",
               {{"source", context_.name}, {"path", found.path}, {"bytes", opened.at.size}});
    }
    resting_[key] = {found.info.size, {}};
    cursors_.emplace(opened.part, opened.at.encode());
    return;
  }
  auto decoder = decoder_for(opened);
  if (!decoder) {
    resting_[key] = {found.info.size, {}};
    return not_read(found.path, decoder.error());
  }
  log_info(kComponent, opened.at.offset > 0 ? "reading on" : "reading",
           {{"source", context_.name}, {"path", found.path}, {"offset", opened.at.offset}});
  cursors_[opened.part] = opened.at.encode();
  auto framing =
      config_.start == nullptr ? config_.format.format->framing() : formats::multiline_framing(config_.start);
  const int64_t base = opened.at.base;
  const bool grows = config_.follow && !opened.is_compressed;
  auto chunks =
      std::make_unique<FileChunks>(std::move(opened.file), opened.at, static_cast<size_t>(config_.max_event.bytes),
                                   std::move(framing), config_.follow);
  auto live = std::make_unique<Live>();
  live->key = key;
  live->part = opened.part;
  live->is_whole = !grows;
  live->size = found.info.size;
  live->silent_since_ms = context_.clock.monotonic_ns() / 1'000'000;
  live->feed = std::make_unique<FileFeed>(
      context_.loop, context_.intake.part(opened.part),
      FileFeedOptions{context_.name, found.path, base, config_.format.format->body_format(), std::move(*decoder)},
      std::move(chunks), *this);
  FileFeed& feed = *live->feed;
  live_[key] = std::move(live);
  feed.pump();
}

bool ManyFilesSource::may_read() const {
  size_t chunks = 0;
  for (const auto& [key, live] : live_) chunks += live->feed->chunks();
  return chunks < kChunksMax;
}

void ManyFilesSource::moved(FileFeed& feed) {
  if (stopped_) return finish_close();
  const auto found =
      std::find_if(live_.begin(), live_.end(), [&](const auto& one) { return one.second->feed.get() == &feed; });
  if (found == live_.end()) return;
  Live& live = *found->second;
  if (!feed.cursor().empty()) cursors_[live.part] = feed.cursor();
  if (feed.chunks() > 0 || !feed.is_done()) live.silent_since_ms = context_.clock.monotonic_ns() / 1'000'000;
  if (feed.is_done() && (live.is_whole || feed.is_replaced())) {
    release(feed);
    open_next();
    return check_finished();
  }
  // Others may have waited for the room that it left.
  for (const auto& [key, other] : live_) {
    if (other->feed.get() != &feed) other->feed->pump();
  }
}

void ManyFilesSource::poll_live() {
  std::vector<Live*> all;
  for (const auto& [key, live] : live_) all.push_back(live.get());
  for (Live* live : all) poll_one(*live);
}

void ManyFilesSource::poll_one(Live& live) {
  FileFeed& feed = *live.feed;
  if (live.is_whole || feed.is_reading() || !feed.is_done()) return;
  const int64_t silent_ms = context_.clock.monotonic_ns() / 1'000'000 - live.silent_since_ms;
  if (live.is_there && silent_ms >= kRestMs && feed.position() == live.size) return release(feed);
  // Nobody who knew its name will write to it after that.
  if (!live.is_there && silent_ms >= kGoneMs) {
    if (feed.is_finishing()) return release(feed);
    return feed.finish();
  }
  const bool at_rest = config_.start != nullptr && silent_ms >= config_.multiline->timeout.ms;
  if (!live.is_there || live.size != feed.position() || at_rest) feed.poll(at_rest);
}

void ManyFilesSource::release(FileFeed& feed) {
  const auto found =
      std::find_if(live_.begin(), live_.end(), [&](const auto& one) { return one.second->feed.get() == &feed; });
  ASSERT(found != live_.end() && !feed.is_reading());
  Live& live = *found->second;
  // A file that was cut or rewritten is looked at again at once.
  if (!feed.is_replaced()) resting_[live.key] = {live.size, {}};
  // By now it is known whether they hold more, or something else.
  const auto [begin, end] = copies_.equal_range(live.part);
  for (auto copy = begin; copy != end; ++copy) to_open_.push_back(copy->second);
  copies_.erase(begin, end);
  feed.stop();
  gone_.push_back(std::move(live.feed));
  live_.erase(found);
  context_.loop.post(alive_.guard([this] { gone_.clear(); }));
}

void ManyFilesSource::release_idle(size_t wanted) {
  if (wanted <= static_cast<size_t>(config_.max_open_files)) return;
  FileFeed* idlest = nullptr;
  int64_t since_ms = INT64_MAX;
  for (const auto& [key, live] : live_) {
    const bool idle = live->feed->is_done() && live->is_there && live->feed->position() == live->size;
    if (!idle || live->silent_since_ms >= since_ms) continue;
    idlest = live->feed.get();
    since_ms = live->silent_since_ms;
  }
  if (idlest != nullptr) release(*idlest);
}

void ManyFilesSource::check_finished() {
  if (config_.follow || finished_ || stopped_ || !looked_once_) return;
  if (!to_open_.empty() || is_opening_ || is_looking_ || timer_ != nullptr || !live_.empty()) return;
  finished_ = true;
  if (unread_.empty() && unlisted_.empty()) return context_.finished();
  context_.failed(unread_error());
}

Error ManyFilesSource::unread_error() const {
  const size_t count = unread_.size() + unlisted_.size();
  std::string text = std::to_string(count) + (count == 1 ? " file or folder was" : " files or folders were") +
                     " not read, all others were: ";
  size_t named = 0;
  const auto name = [&](const std::string& one) {
    if (named < kUnreadNamed) text += (named == 0 ? "" : "; ") + one;
    ++named;
  };
  for (const auto& [path, error] : unread_) {
    const bool names_itself = error.message.find(path) != std::string::npos;
    name(names_itself ? error.message : "'" + path + "': " + error.message);
  }
  for (const Error& error : unlisted_) name(error.message);
  if (named > kUnreadNamed) text += "; and " + std::to_string(named - kUnreadNamed) + " more, which the log names";
  const ErrorCode code = unread_.empty() ? unlisted_.front().code : unread_.begin()->second.code;
  return {code, text + ". Run it again once that is put right: what was read is not read again", false, {}};
}

void ManyFilesSource::stop_intake() {
  LOOP_ASSERT(context_.loop);
  if (std::exchange(stopped_, true)) return;
  timer_ = nullptr;
  for (const auto& [key, live] : live_) live->feed->stop();
}

void ManyFilesSource::close(Task closed) {
  LOOP_ASSERT(context_.loop);
  stop_intake();
  closed_ = std::move(closed);
  finish_close();
}

void ManyFilesSource::finish_close() {
  if (closed_ && !busy()) context_.loop.post(std::move(closed_));
}

}  // namespace colloquium::components
