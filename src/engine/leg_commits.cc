#include "engine/leg_commits.h"

#include <utility>

#include "base/assert.h"

namespace colloquium::engine {

LegCommits::LegCommits(const LegOptions& options, const LegLetters& kept, Loop& loop, std::function<void()> due,
                       std::function<void(const Error&)> waiting)
    : options_(options), kept_(kept), loop_(loop), due_(std::move(due)) {
  ASSERT(due_ && waiting);
  if (options.log != nullptr) commit_.emplace(*options.log, loop, options.commit_name, std::move(waiting));
}

bool LegCommits::is_full() const {
  return bytes_ >= options_.commit_bytes || kept_.byte_size() >= kLetterBytes;
}

void LegCommits::done(size_t bytes) {
  bytes_ += bytes;
  dirty_ = true;
  if (!commit_ || under_way_ || stopped_) return;
  if (is_full()) return due_();
  if (timer_ != nullptr) return;
  timer_ = loop_.start_timer(options_.commit_interval_ms, [this] {
    timer_ = nullptr;
    if (!under_way_ && !stopped_) due_();
  });
}

void LegCommits::begin() {
  ASSERT_WHY(!under_way_, "one at a time, so that positions in the journal only rise");
  timer_ = nullptr;
  under_way_ = true;
}

void LegCommits::collected() {
  bytes_ = 0;
  dirty_ = false;
}

void LegCommits::store(log::CommitRequest request, Done stored) {
  ASSERT(under_way_);
  if (!commit_) {
    under_way_ = false;
    return stored({}, std::move(request));
  }
  commit_->commit(std::move(request),
                  [this, stored = std::move(stored)](Status status, log::CommitRequest committed) mutable {
                    under_way_ = false;
                    stored(std::move(status), std::move(committed));
                  });
}

void LegCommits::stop() {
  stopped_ = true;
  timer_ = nullptr;
}

void LegCommits::give_up_waiting() {
  if (commit_) commit_->give_up_waiting();
}

}  // namespace colloquium::engine
