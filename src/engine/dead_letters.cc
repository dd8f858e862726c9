#include "engine/dead_letters.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "engine/partitioner.h"
#include "json/view.h"
#include "json/walk.h"

namespace colloquium::engine {
namespace {

// What one commit puts back or marks, at most.
constexpr size_t kCommitEvents = 1000;
constexpr size_t kCommitBytes = size_t{4} << 20;
constexpr std::string_view kReplayed = "replayed";
constexpr std::string_view kDropped = "dropped";

std::string text_of(const json::ValueView& object, std::string_view name) {
  const auto member = object.member(name);
  std::string scratch;
  if (!member || member->type() != TokenType::kString) return {};
  return std::string(member->string(scratch));
}

// {"letters":[3,4],"state":"replayed"}
Status read_marks(const Batch& batch, std::map<int64_t, LetterState>& marks) {
  for (size_t i = 0; i < batch.size(); ++i) {
    TRY_ASSIGN(const json::Document mark, json::parse(batch.value(i), batch.id(i)));
    const json::ValueView root(mark.text.data(), mark.tape.data(), 0);
    const std::string state = root.type() == TokenType::kObject ? text_of(root, "state") : "";
    const auto letters = root.type() == TokenType::kObject ? root.member("letters") : std::nullopt;
    if ((state != kReplayed && state != kDropped) || !letters || letters->type() != TokenType::kArray) {
      return fail(ErrorCode::kCorrupt, "event " + batch.id(i) + " says nothing of dead letters");
    }
    for (uint64_t k = 0; k < letters->count(); ++k) {
      const auto offset = letters->element(k);
      if (!offset || offset->type() != TokenType::kInteger) continue;
      marks[offset->integer()] = state == kReplayed ? LetterState::kReplayed : LetterState::kDropped;
    }
  }
  return {};
}

Status read_envelope(const Batch& batch, size_t i, Letter& letter) {
  TRY_ASSIGN(const json::Document envelope, json::parse(batch.value(i), batch.id(i)));
  const json::ValueView root(envelope.text.data(), envelope.tape.data(), 0);
  if (root.type() != TokenType::kObject) {
    return fail(ErrorCode::kCorrupt, "event " + batch.id(i) + " is no dead letter");
  }
  letter.stage = text_of(root, "stage");
  letter.sink = text_of(root, "sink");
  letter.stream = text_of(root, "stream");
  letter.error = text_of(root, "error");
  letter.position = text_of(root, "position");
  const auto attempts = root.member("attempts");
  letter.attempts = attempts && attempts->type() == TokenType::kInteger ? attempts->integer() : 0;
  const auto event = root.member("event");
  letter.event = event ? std::string(event->raw()) : std::string();
  const auto tombstone = root.member("tombstone");
  letter.tombstone = tombstone && tombstone->type() == TokenType::kTrue;
  return {};
}

std::shared_ptr<const BatchOrigin> origin_of(const std::string& stream, int32_t partition) {
  auto origin = std::make_shared<BatchOrigin>();
  origin->stream = stream;
  origin->partition = partition;
  return origin;
}

// Collects what one commit does.
class Settlement {
 public:
  Settlement(const LetterTarget& target, const CommitAndWait& commit) : target_(target), commit_(commit) {}

  // Whether it can be put back: the stage that it was read behind may be gone.
  Result<bool> has_place(const Letter& letter) {
    const auto stream = stream_of(letter);
    if (!stream && stream.error().code == ErrorCode::kNotFound) return false;
    if (!stream) return fail(stream.error());
    return true;
  }

  Status take(const Letter& letter, bool replay) {
    if (replay) TRY(put_back(letter));
    offsets_ += (offsets_.empty() ? "" : ",") + std::to_string(letter.offset);
    ++count_;
    bytes_ += letter.event.size();
    return count_ < kCommitEvents && bytes_ < kCommitBytes ? Status() : finish(replay);
  }

  Status finish(bool replay) {
    if (count_ == 0) return {};
    log::CommitRequest request;
    request.leg = target_.leg;
    for (auto& [place, builder] : events_) {
      const LetterTarget::Stream& stream = streams_.at(place.stream);
      TRY(add(stream.id, stream.name, place.partition, builder, request));
    }
    BatchBuilder mark;
    const std::string state(replay ? kReplayed : kDropped);
    mark.add("{\"letters\":[" + offsets_ + "],\"state\":\"" + state + "\"}", {}, {.timestamp_ms = time_ms_});
    TRY(add(target_.marks, "", 0, mark, request));
    events_.clear();
    offsets_.clear();
    count_ = bytes_ = 0;
    return commit_(std::move(request));
  }

 private:
  // A batch is for one leg, or for all.
  Status put_back(const Letter& letter) {
    TRY_ASSIGN(const LetterTarget::Stream* stream, stream_of(letter));
    const auto key = letter.batch->key(letter.index);
    int32_t partition = static_cast<int32_t>(letter.offset % stream->partitions);
    if (key) partition = partition_of(*key, stream->partitions);
    auto headers = letter.batch->headers(letter.index);
    if (!letter.sink.empty()) headers.emplace_back(kLegHeader, letter.sink);
    BatchBuilder& builder = events_[{stream->name, letter.sink, partition}];
    time_ms_ = std::max(time_ms_, letter.time_ms);
    // Behind a stage the place says nothing of the event it was made of; and by its id it is known to have been
    // there.
    const std::optional<std::string_view> id =
        letter.stream.empty() ? std::nullopt : std::optional<std::string_view>(letter.position);
    const EventMeta meta{.key = key,
                         .headers = headers,
                         .timestamp_ms = letter.time_ms,
                         .offset_delta = static_cast<uint32_t>(builder.size()),
                         .id = id};
    if (letter.tombstone) {
      builder.add_tombstone(meta);
    } else {
      builder.add(letter.event, {}, meta);
    }
    return {};
  }

  // The stage's, where the events go into the pipeline that the stage is of.
  Result<const LetterTarget::Stream*> stream_of(const Letter& letter) {
    const bool own = letter.stream.rfind(target_.stream.name + ".", 0) == 0;
    const std::string& name = own ? letter.stream : target_.stream.name;
    const auto known = streams_.find(name);
    if (known != streams_.end()) return &known->second;
    if (!own) return &streams_.emplace(name, target_.stream).first->second;
    TRY_ASSIGN(LetterTarget::Stream found, target_.find(name));
    return &streams_.emplace(name, std::move(found)).first->second;
  }

  static Status add(log::StreamId stream, const std::string& name, int32_t partition, BatchBuilder& builder,
                    log::CommitRequest& request) {
    ASSERT(!builder.empty());
    TRY_ASSIGN(log::EncodedBatch encoded,
               log::encode(builder.seal(origin_of(name, partition), 0), log::Codec::kLz4, nullptr));
    request.outputs.push_back({.stream = stream, .partition = partition, .batch = std::move(encoded)});
    return {};
  }

  const LetterTarget& target_;
  const CommitAndWait& commit_;
  struct Place {
    std::string stream, sink;
    int32_t partition;
    auto operator<=>(const Place&) const = default;
  };
  std::map<Place, BatchBuilder> events_;
  std::map<std::string, LetterTarget::Stream> streams_;  // by name
  std::string offsets_;
  size_t count_ = 0, bytes_ = 0;
  int64_t time_ms_ = 0;
};

Result<LettersDone> settle(LetterReader& letters, const LetterFilter& filter, const LetterTarget& target,
                           const CommitAndWait& commit, bool replay) {
  ASSERT(target.stream.partitions > 0 && !target.leg.empty());
  Settlement settlement(target, commit);
  LettersDone done;
  Letter letter;
  for (;;) {
    TRY_ASSIGN(const bool more, letters.next(letter));
    if (!more) break;
    if (letter.state != LetterState::kOpen || !filter.matches(letter)) continue;
    bool placed = !replay || !letter.event.empty();
    if (replay && placed) {
      TRY_ASSIGN(placed, settlement.has_place(letter));
    }
    if (!placed) {
      ++done.left;
      continue;
    }
    TRY(settlement.take(letter, replay));
    ++done.events;
  }
  TRY(settlement.finish(replay));
  return done;
}

}  // namespace

std::optional<std::string_view> leg_of(const Batch& batch) {
  if (batch.empty() || batch.header_count(0) == 0) return std::nullopt;
  for (const auto& [name, value] : batch.headers(0)) {
    if (name == kLegHeader) return value;
  }
  return std::nullopt;
}

std::shared_ptr<const Batch> without_leg(const Batch& batch) {
  BatchBuilder builder;
  for (size_t i = 0; i < batch.size(); ++i) {
    auto headers = batch.headers(i);
    std::erase_if(headers, [](const auto& header) { return header.first == kLegHeader; });
    const EventMeta meta{.key = batch.key(i),
                         .headers = headers,
                         .timestamp_ms = batch.entry(i).timestamp_ms,
                         .offset_delta = batch.entry(i).offset_delta,
                         .id = batch.own_id(i)};
    if (batch.is_tombstone(i)) {
      builder.add_tombstone(meta);
      continue;
    }
    std::span<const TapeToken> tape = batch.tape(i);
    if (!tape.empty()) tape = tape.first(tape.front().next);
    builder.add(batch.value(i), tape, meta);
  }
  return builder.seal(batch.shared_origin(), batch.base_offset());
}

std::string_view to_string(LetterState state) {
  switch (state) {
    case LetterState::kOpen:
      return "open";
    case LetterState::kReplayed:
      return kReplayed;
    case LetterState::kDropped:
      return kDropped;
  }
  return {};
}

std::string marks_stream(const std::string& letters_stream) {
  return letters_stream + ".done";
}

Result<LetterReader> LetterReader::open(std::unique_ptr<log::Reader> letters, std::unique_ptr<log::Reader> marks,
                                        int64_t end) {
  ASSERT(letters != nullptr);
  LetterReader reader;
  reader.end_ = end;
  reader.letters_ = std::move(letters);
  while (marks != nullptr) {
    TRY_ASSIGN(const std::shared_ptr<const Batch> batch, marks->next());
    if (batch == nullptr) break;
    TRY(read_marks(*batch, reader.marks_));
  }
  return reader;
}

Result<bool> LetterReader::next(Letter& letter) {
  while (batch_ == nullptr || index_ >= batch_->size()) {
    TRY_ASSIGN(batch_, letters_->next());
    if (batch_ == nullptr) return false;
    index_ = 0;
  }
  if (batch_->offset(index_) >= end_) return false;
  TRY(read_envelope(*batch_, index_, letter));
  letter.offset = batch_->offset(index_);
  letter.time_ms = batch_->entry(index_).timestamp_ms;
  letter.batch = batch_;
  letter.index = index_++;
  const auto mark = marks_.find(letter.offset);
  letter.state = mark == marks_.end() ? LetterState::kOpen : mark->second;
  return true;
}

bool LetterFilter::matches(const Letter& letter) const {
  if (!done && letter.state != LetterState::kOpen) return false;
  if (stage && letter.stage != *stage) return false;
  if (error && letter.error.find(*error) == std::string::npos) return false;
  if (since_ms && letter.time_ms < *since_ms) return false;
  if (before_ms && letter.time_ms >= *before_ms) return false;
  if (ids.empty()) return true;
  const std::string offset = std::to_string(letter.offset);
  return std::any_of(ids.begin(), ids.end(),
                     [&](const std::string& id) { return id == letter.position || id == offset; });
}

Result<LettersDone> replay_letters(LetterReader& letters, const LetterFilter& filter, const LetterTarget& target,
                                   const CommitAndWait& commit) {
  return settle(letters, filter, target, commit, true);
}

Result<LettersDone> drop_letters(LetterReader& letters, const LetterFilter& filter, const LetterTarget& target,
                                 const CommitAndWait& commit) {
  return settle(letters, filter, target, commit, false);
}

}  // namespace colloquium::engine
