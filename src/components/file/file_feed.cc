#include "components/file/file_feed.h"

#include <algorithm>
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
      intake_(intake),
      options_(std::move(options)),
      owner_(owner),
      reading_(std::make_shared<Reading>()) {
  reading_->chunks = std::move(chunks);
}

FileFeed::~FileFeed() {
  ASSERT_WHY(!is_reading_, "the owner waits for the read under way");
}

// A callback that does nothing once this object is gone.
template <class Fn>
auto FileFeed::guarded(Fn fn) {
  return [alive = std::weak_ptr<char>(alive_), fn = std::move(fn)](auto&&... args) mutable {
    if (!alive.expired()) fn(std::forward<decltype(args)>(args)...);
  };
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
  emit();
  // Bounds memory while the door is slow: what is there, what waits, and one read.
  const bool enough = chunks_.size() >= at_door_ + kReadAhead || (!chunks_.empty() && !owner_.may_read());
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
  for (FileChunk& chunk : *reading_->got) chunks_.push_back({std::move(chunk)});
  at_end_ = reading_->chunks->at_end();
  replaced_ = reading_->chunks->is_replaced();
  pump();
  owner_.moved(*this);
}

void FileFeed::emit() {
  if (going_back_ || waits_for_door_) return;
  for (size_t i = 0; i < chunks_.size() && at_door_ < kMaxAtDoor; ++i) {
    if (chunks_[i].state != ChunkState::kWaiting) continue;
    if (!intake_.ready()) {
      waits_for_door_ = true;
      return intake_.when_ready(guarded([this] {
        waits_for_door_ = false;
        pump();
      }));
    }
    emit_one(i);
  }
}

void FileFeed::emit_one(size_t index) {
  Chunk& chunk = chunks_[index];
  RawBatch batch;
  batch.body = chunk.content.lines.body;
  batch.format = options_.format;
  batch.decoder = options_.decoder;
  batch.bad_event = BadEventPolicy::kDeadLetter;
  batch.position = options_.base + static_cast<int64_t>(chunk.content.lines.begin);
  batch.cursor = chunk.content.cursor;
  chunk.state = ChunkState::kAtDoor;
  ++at_door_;
  const uint64_t number = first_number_ + index;
  intake_.emit(std::move(batch), guarded([this, number](const Ack& ack) { acknowledged(number, ack); }));
}

void FileFeed::acknowledged(uint64_t number, const Ack& ack) {
  LOOP_ASSERT(loop_);
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
                  {{"source", options_.source}, {"path", options_.path}});
    }
  }
  // Acknowledgements may overtake each other; what is behind a chunk still out stays.
  while (!chunks_.empty() && chunks_.front().state == ChunkState::kAccepted) {
    cursor_ = std::move(chunks_.front().content.cursor);
    chunks_.pop_front();
    ++first_number_;
    retries_ = 0;
  }
  if (going_back_) {
    if (at_door_ == 0) go_back_later();
    return;
  }
  pump();
  owner_.moved(*this);
}

// All are back: those that were turned away are offered again, first things first.
void FileFeed::go_back_later() {
  if (stopped_) return;
  const int64_t delay_ms = retry_after_ms_ > 0 ? std::exchange(retry_after_ms_, 0) : kRetryMs;
  retry_timer_ = loop_.start_timer(delay_ms, [this] {
    const auto fired = std::move(retry_timer_);
    going_back_ = false;
    pump();
  });
}

void FileFeed::stop() {
  LOOP_ASSERT(loop_);
  if (std::exchange(stopped_, true)) return;
  retry_timer_ = nullptr;
  read_timer_ = nullptr;
  reading_->chunks->cancel();
}

}  // namespace colloquium::components
