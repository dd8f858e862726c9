#include "components/kafka/topic_part.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/assert.h"

namespace colloquium::components {
namespace {

// Larger ones would only wait longer for each other at the door.
constexpr size_t kRunBytes = size_t{1} << 20;
constexpr size_t kRunMessages = 8192;

bool read_number(std::string_view text, int64_t& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size() && into >= 0;
}

size_t bytes_of(const RawMessage& message) {
  size_t bytes = message.value.size() + (message.key ? message.key->size() : 0);
  for (const auto& [name, value] : message.headers) bytes += name.size() + value.size();
  return bytes;
}

}  // namespace

std::string PartCursor::encode() const {
  std::string text = std::to_string(next);
  if (base != 0) text += "@" + std::to_string(base);
  return text;
}

Result<PartCursor> PartCursor::decode(const std::string& text) {
  PartCursor cursor;
  const size_t at = text.find('@');
  const std::string_view all = text;
  const bool good = read_number(all.substr(0, at), cursor.next) &&
                    (at == text.npos || read_number(all.substr(at + 1), cursor.base));
  if (!good) return fail(ErrorCode::kCorrupt, "the stored position '" + text + "' is none of a Kafka partition");
  return cursor;
}

void TopicPart::begin(std::optional<PartCursor> at) {
  first_run_ += runs_.size();
  runs_.clear();
  out_ = 0;
  building_ = {};
  building_bytes_ = 0;
  accepted_ = at;
  base_ = at ? at->base : base_;
  next_ = at ? at->next : 0;
  placed_ = at.has_value();
  broken_off_ = false;
}

std::optional<RawBatch> TopicPart::add(int64_t offset, RawMessage message) {
  ASSERT(wants(offset));
  std::optional<RawBatch> done;
  const bool follows = offset == next_ && building_bytes_ < kRunBytes && building_.messages.size() < kRunMessages;
  if (!building_.messages.empty() && !follows) done = cut();
  if (building_.messages.empty()) building_.position = base_ + offset;
  building_bytes_ += bytes_of(message);
  building_.messages.push_back(std::move(message));
  next_ = offset + 1;
  placed_ = true;
  return done;
}

std::optional<RawBatch> TopicPart::cut() {
  if (building_.messages.empty()) return std::nullopt;
  // Counted from the run itself: add() may have moved next_ past a gap already.
  const int64_t end = building_.position - base_ + static_cast<int64_t>(building_.messages.size());
  building_.bad_event = BadEventPolicy::kDeadLetter;
  building_.cursor = PartCursor{end, base_}.encode();
  runs_.push_back({.begin = building_.position - base_, .end = end, .base = base_});
  ++out_;
  building_bytes_ = 0;
  return std::exchange(building_, {});
}

bool TopicPart::acknowledged(uint64_t run, bool accepted) {
  // Of a time before begin().
  if (run < first_run_) return false;
  ASSERT(run - first_run_ < runs_.size() && out_ > 0);
  Run& back = runs_[run - first_run_];
  ASSERT(back.out);
  back.out = false;
  back.accepted = accepted;
  --out_;
  if (!accepted) {
    broken_off_ = true;
    building_ = {};
    building_bytes_ = 0;
  }
  drop_accepted();
  return broken_off_ && out_ == 0;
}

void TopicPart::drop_accepted() {
  while (!runs_.empty() && runs_.front().accepted) {
    accepted_ = PartCursor{runs_.front().end, runs_.front().base};
    runs_.pop_front();
    ++first_run_;
  }
}

std::optional<int64_t> TopicPart::resume_at() const {
  if (broken_off_) return runs_.front().begin;
  if (!placed_) return std::nullopt;
  return next_;
}

void TopicPart::resume(std::optional<int64_t> offset) {
  if (broken_off_) {
    // What may still be under way is read again, too; its answers are of a time before.
    first_run_ += runs_.size();
    runs_.clear();
    out_ = 0;
  }
  broken_off_ = false;
  next_ = offset.value_or(0);
  placed_ = offset.has_value();
}

void TopicPart::raise_base(int64_t free_position) {
  // As if everything read so far stood before the new beginning.
  base_ = std::max(base_ + next_, free_position);
  next_ = 0;
  placed_ = false;
}

}  // namespace colloquium::components
