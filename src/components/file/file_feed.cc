#include "components/file/file_feed.h"

#include <utility>

#include "base/assert.h"
#include "base/logging.h"

namespace colloquium::components {
namespace {

constexpr size_t kMaxAtDoor = 4;
constexpr size_t kReadAhead = 2;  // chunks that wait while more is read
constexpr int64_t kRetryMs = 1000;
constexpr int64_t kPoolFullMs = 10;
constexpr char kComponent[] = "file";

}  // namespace

// What the pool works on. The loop touches it only while no read is under way (cancel() apart).
struct FileFeed::Reading {
  std::unique_ptr<FileChunks> chunks;
  Result<std::vector<FileChunk>> got;
};

FileFeed::FileFeed(Loop& loop, Intake& intake, FileFeedOptions options, std::unique_ptr<FileChunks> chunks,
                   FeedOwner& owner)
    : loop_(loop),
      options_(std::move(options)),
      owner_(owner),
      reading_(std::make_shared<Reading>()),
      queue_(loop, intake, {kComponent, options_.source, options_.path, kMaxAtDoor}, [this] {
        pump();
        owner_.moved(*this);
      }) {
  reading_->chunks = std::move(chunks);
}

FileFeed::~FileFeed() {
  ASSERT_WHY(!is_reading_, "the owner waits for the read under way");
}

void FileFeed::set_path(const std::string& path) {
  options_.path = path;
  queue_.set_path(path);
}

uint64_t FileFeed::position() const {
  ASSERT(!is_reading_);
  return reading_->chunks->position();
}

void FileFeed::poll(bool at_rest) {
  if (is_reading_ || replaced_ || wish_ == Wish::kFinish) return;
  wish_ = at_rest ? Wish::kRest : Wish::kMore;
  at_end_ = false;
  pump();
}

void FileFeed::finish() {
  if (is_reading_ || wish_ == Wish::kFinish) return;
  wish_ = Wish::kFinish;
  at_end_ = false;
  pump();
}

void FileFeed::pump() {
  if (stopped_) return;
  queue_.pump();
  // Bounds memory while the door is slow: what is there, what waits, and one read.
  const bool enough = queue_.waiting() >= kReadAhead || (!queue_.empty() && !owner_.may_read());
  if (!is_reading_ && !at_end_ && !enough && read_timer_ == nullptr) read();
}

void FileFeed::read() {
  const auto work = [reading = reading_, wish = wish_] {
    FileChunks& chunks = *reading->chunks;
    if (wish == Wish::kFinish) chunks.last_read();
    reading->got = chunks.next(wish == Wish::kRest);
  };
  is_reading_ = loop_.offload(work, [this] { has_read(); });
  if (is_reading_) return;
  read_timer_ = loop_.start_timer(kPoolFullMs, [this] {
    const auto fired = std::move(read_timer_);
    pump();
  });
}

void FileFeed::has_read() {
  LOOP_ASSERT(loop_);
  is_reading_ = false;
  if (stopped_) return owner_.moved(*this);
  if (!reading_->got) {
    log_error(kComponent, "tried again in a second: " + reading_->got.error().describe(),
              {{"source", options_.source}});
    read_timer_ = loop_.start_timer(kRetryMs, [this] {
      const auto fired = std::move(read_timer_);
      pump();
    });
    return;
  }
  for (FileChunk& chunk : *reading_->got) push(std::move(chunk));
  at_end_ = reading_->chunks->at_end();
  replaced_ = reading_->chunks->is_replaced();
  pump();
  owner_.moved(*this);
}

void FileFeed::push(FileChunk chunk) {
  RawBatch batch;
  batch.body = std::move(chunk.lines.body);
  batch.format = options_.format;
  batch.decoder = options_.decoder;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = options_.base + static_cast<int64_t>(chunk.lines.begin);
  batch.cursor = std::move(chunk.cursor);
  queue_.push(std::move(batch));
}

void FileFeed::stop() {
  LOOP_ASSERT(loop_);
  if (std::exchange(stopped_, true)) return;
  queue_.stop();
  read_timer_ = nullptr;
  reading_->chunks->cancel();
}

}  // namespace colloquium::components
