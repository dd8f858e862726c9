#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/assert.h"
#include "base/counters.h"
#include "base/logging.h"
#include "engine/dead_letter.h"
#include "engine/dead_letter_tally.h"
#include "engine/door_batch.h"
#include "engine/partitioner.h"
#include "engine/producer_sequences.h"
#include "json/utf8.h"

namespace colloquium::engine {

namespace {

constexpr bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Sources that can be re-read must give an event the same partition every time, so without a key the
// partition follows from the event's position.
constexpr int kPositionShift = 20;

// Whoever sends them from outside could choose the sink an event goes to.
void drop_reserved(std::vector<std::pair<std::string_view, std::string_view>>& headers) {
  std::erase_if(headers, [](const auto& header) { return header.first.starts_with(log::kReservedHeaders); });
}

// A batch that has so much takes no more events. The log's readers take a batch as a whole, and refuse one of more
// than log::kMaxRecordsBytes, with what stands around each event and the ids: far away.
constexpr size_t kBatchBytes = 4u << 20;
constexpr size_t kBatchEvents = 100'000;

// How many bytes of a bad event a message quotes.
constexpr size_t kQuoteBytes = 80;

}  // namespace

SourceIntake::Scratch::Scratch(const IntakeOptions& options) {
  if (options.partition_by)
    partition_by = std::make_unique<EventExpression>(options.partition_by, options.script_context);
  if (options.dedupe_key)
    dedupe_key = std::make_unique<EventExpression>(options.dedupe_key, options.script_context);
  if (options.dedupe_sequence)
    dedupe_sequence = std::make_unique<EventExpression>(options.dedupe_sequence, options.script_context);
}

SourceIntake::Cutter::Cutter(SourceIntake& intake, RequestPtr request, Scratch& scratch)
    : intake_(intake),
      request_(std::move(request)),
      open_(scratch.open),
      scratch_(scratch),
      first_(scratch.first),
      first_full_(scratch.full.size()),
      accepted_position_(scratch.accepted_position) {
  // Others' requests of this turn may be in the open batches already.
  first_.clear();
  for (const OpenBatch& batch : open_) first_.push_back(batch.builder->size());
  accepted_position_.clear();
  if (!request_->raw.cursor.empty()) {
    std::lock_guard lock(intake_.position_mutex_);
    accepted_position_ = intake_.accepted_position_;
  }
  scratch.headers.assign(request_->raw.headers.begin(), request_->raw.headers.end());
  drop_reserved(scratch.headers);
  meta_.headers = scratch.headers;
  meta_.timestamp_ms = intake_.clock_.wall_ms();
  const auto partitions = static_cast<uint32_t>(intake_.options_.partitions);
  // Chosen per request, so that its events stay together and in order.
  batch_target_ = partitions == 1 ? 0 : intake_.round_robin_.fetch_add(1, std::memory_order_relaxed) % partitions;
  make_settled_ = [this] {
    request_->one_more();
    return DedupeTable::Settled([&intake = intake_, request = request_](bool durable) {
      if (durable) request->kept_one();
      intake.loop_.post([&intake, request, durable] {
        if (!durable && !request->result.error) {
          request->result.error =
              Error{ErrorCode::kUnavailable, "the first copy of a duplicate was not stored", true, {}};
        }
        intake.settle(request);
      });
    });
  };
}

void SourceIntake::Cutter::run() {
  const RawBatch& raw = request_->raw;
  if (!raw.messages.empty()) {
    cut_messages();
  } else {
    ASSERT(raw.body != nullptr);
    if (raw.decoder != nullptr) {
      cut_records(*raw.body);
    } else if (raw.format == BodyFormat::kJsonArray) {
      cut_array(*raw.body);
    } else {
      cut_body(*raw.body);
    }
  }
  if (rejected_) {
    take_back();
  } else {
    close_parts();
  }
}

void SourceIntake::Cutter::cut_body(std::string_view body) {
  scratch_.pieces.clear();
  formats::cut(body, request_->raw.format, scratch_.pieces);
  for (const formats::Piece& piece : scratch_.pieces) {
    if (rejected_) return;
    add({piece.in(body), request_->raw.position + static_cast<int64_t>(piece.offset), piece.offset}, meta_);
  }
}

// Records stand in the body as they came: positions and messages speak of them, never of the JSON made of them.
void SourceIntake::Cutter::cut_records(std::string_view body) {
  const RawBatch& raw = request_->raw;
  std::string_view rest = body.substr(std::min<uint64_t>(raw.records_begin, body.size()));
  std::string_view record;
  while (!rejected_ && raw.decoder->next(rest, record)) {
    const auto offset = static_cast<uint64_t>(record.data() - body.data());
    ASSERT(offset + record.size() <= body.size());
    add({record, raw.position + static_cast<int64_t>(offset), offset}, meta_);
  }
}

// Appends the event's JSON: the place's own text, or what the decoder makes of it.
bool SourceIntake::Cutter::append_text(const Place& place, std::vector<char>& bytes) {
  if (request_->raw.decoder == nullptr) {
    bytes.insert(bytes.end(), place.text.begin(), place.text.end());
    return true;
  }
  const auto failure = request_->raw.decoder->decode(place.text, bytes);
  if (failure) bad(place, ErrorCode::kInvalidInput, failure->what, failure->byte);
  return !failure;
}

void SourceIntake::Cutter::bad_json(const Place& place, const json::WalkError& error) {
  if (request_->raw.decoder == nullptr) return bad(place, ErrorCode::kInvalidInput, error.what, error.byte);
  // The walk speaks of a text nobody has seen. What a decoder lets pass is bytes that are no UTF-8.
  const size_t byte = json::valid_utf8_prefix(place.text);
  const bool known = byte < place.text.size();
  bad(place, ErrorCode::kInvalidInput, known ? "the record is not valid UTF-8" : error.what, known ? byte : 0);
}

// The whole body is walked once; every element takes its part of that tape along.
void SourceIntake::Cutter::cut_array(std::string_view body) {
  // The walker loads past the end of what it reads, and a body need not have room behind it.
  std::vector<char> padded(body.begin(), body.end());
  padded.resize(body.size() + kBatchPadding);
  std::vector<TapeToken> tape;
  std::vector<formats::ArrayElement> elements;
  json::WalkError error;
  if (!formats::cut_array({padded.data(), body.size()}, scratch_.walker, tape, elements, error)) {
    return bad({body, request_->raw.position, 0}, ErrorCode::kInvalidInput, error.what, error.byte);
  }
  std::vector<TapeToken> own;
  for (const formats::ArrayElement& element : elements) {
    if (rejected_) return;
    own.clear();
    formats::append_element_tape(element, tape, own);
    const size_t offset = element.piece.offset;
    add({element.piece.in(body), request_->raw.position + static_cast<int64_t>(offset), offset, &own}, meta_);
  }
}

// A format may give white space a meaning, but for the line break behind a message's only record; JSON gives none
// to what stands around a value.
std::string_view SourceIntake::Cutter::value_of(const RawMessage& message) const {
  if (request_->raw.decoder == nullptr) return trimmed(message.value);
  std::string_view rest = message.value;
  std::string_view record;
  const bool only = request_->raw.decoder->next(rest, record) && rest.empty();
  return only ? record : std::string_view(message.value);
}

void SourceIntake::Cutter::cut_messages() {
  std::vector<std::pair<std::string_view, std::string_view>> headers;
  int64_t position = request_->raw.position;
  for (const RawMessage& message : request_->raw.messages) {
    if (rejected_) return;
    // Views into the message, which the request keeps.
    headers.assign(message.headers.begin(), message.headers.end());
    drop_reserved(headers);
    EventMeta meta = meta_;
    meta.headers = headers;
    if (message.key) meta.key = *message.key;
    if (message.timestamp_ms) meta.timestamp_ms = *message.timestamp_ms;
    if (message.tombstone) {
      add_tombstone(position++, meta);
      continue;
    }
    add({value_of(message), position++, 0}, meta);
  }
}

void SourceIntake::Cutter::add(const Place& place, const EventMeta& meta) {
  if (place.text.size() > intake_.options_.max_event_bytes) {
    bad(place, ErrorCode::kLimit,
        "the event has " + std::to_string(place.text.size()) + " bytes, more than max_event (" +
            std::to_string(intake_.options_.max_event_bytes) + ")",
        0);
  } else if (scratch_.partition_by) {
    add_by_key(place, meta);
  } else if (meta.key && intake_.options_.partitions > 1) {
    add_directly(static_cast<size_t>(partition_of(*meta.key, intake_.options_.partitions)), place, meta);
  } else {
    add_directly(default_target(place.position), place, meta);
  }
  ++ordinal_;
}

// Scripts see null. It has no id of its own, so that no dedupe can know it.
void SourceIntake::Cutter::add_tombstone(int64_t position, EventMeta meta) {
  static constexpr std::string_view kNull = "null";
  size_t target = default_target(position);
  std::string key_text;
  if (scratch_.partition_by) {
    scratch_.bytes.assign(kNull.begin(), kNull.end());
    scratch_.bytes.resize(kNull.size() + kBatchPadding);
    scratch_.tape.clear();
    json::WalkError error;
    const bool walked = scratch_.walker.walk({scratch_.bytes.data(), kNull.size()}, scratch_.tape, error);
    ASSERT(walked);
    const auto key = scratch_.partition_by->text({scratch_.bytes.data(), scratch_.tape.data(), 0});
    if (!key) {
      return bad({kNull, position, 0}, ErrorCode::kInvalidInput,
                 "partition_by, of an event without value: " + scratch_.partition_by->error(), 0);
    }
    target = static_cast<size_t>(partition_of(*key, intake_.options_.partitions));
    key_text = *key;
    meta.key = key_text;
  } else if (meta.key && intake_.options_.partitions > 1) {
    target = static_cast<size_t>(partition_of(*meta.key, intake_.options_.partitions));
  }
  ++ordinal_;
  if (seen(target, position)) return;
  OpenBatch& open = batch_for(target, position, false);
  meta.offset_delta = next_delta(open, position);
  open.builder->add_tombstone(meta);
}

// Copies the text into the batch and walks it there.
bool SourceIntake::Cutter::add_directly(size_t target, const Place& place, const EventMeta& meta) {
  if (seen(target, place.position)) return true;
  OpenBatch& open = batch_for(target, place.position, scratch_.dedupe_key != nullptr);
  BatchBuilder& builder = *open.builder;
  builder.begin_value();
  std::vector<char>& bytes = builder.bytes();
  if (!append_text(place, bytes)) {
    builder.abandon();
    return false;
  }
  // The walk's wide loads go up to there. To grow by no more than that would copy the batch for every small event.
  if (bytes.capacity() - bytes.size() < kBatchPadding) {
    bytes.reserve(std::max(bytes.size() + kBatchPadding, 2 * bytes.capacity()));
  }
  json::WalkError error;
  const std::string_view text(bytes.data() + builder.value_begin(), bytes.size() - builder.value_begin());
  if (!walk(place, text, builder.tokens(), error)) {
    builder.abandon();
    bad_json(place, error);
    return false;
  }
  const json::ValueView value(text.data(), builder.tokens().data() + builder.tape_begin(), 0);
  if (!claim(value, place, open)) {
    builder.abandon();
    return false;
  }
  EventMeta placed = meta;
  placed.offset_delta = next_delta(open, place.position);
  builder.finish(placed);
  request_->kept_bytes += text.size();
  return true;
}

void SourceIntake::Cutter::add_by_key(const Place& place, EventMeta meta) {
  // The event's partition is only known when it has been walked, so it can't be walked in its batch.
  scratch_.bytes.clear();
  if (!append_text(place, scratch_.bytes)) return;
  const size_t size = scratch_.bytes.size();
  scratch_.bytes.resize(size + kBatchPadding);
  scratch_.tape.clear();
  json::WalkError error;
  const std::string_view text(scratch_.bytes.data(), size);
  if (!walk(place, text, scratch_.tape, error)) return bad_json(place, error);
  const json::ValueView value(scratch_.bytes.data(), scratch_.tape.data(), 0);
  const auto key = scratch_.partition_by->text(value);
  if (!key) {
    return bad(place, ErrorCode::kInvalidInput, "partition_by: " + scratch_.partition_by->error(), 0);
  }
  const auto target = static_cast<size_t>(partition_of(*key, intake_.options_.partitions));
  if (seen(target, place.position)) return;
  OpenBatch& open = batch_for(target, place.position, scratch_.dedupe_key != nullptr);
  const std::string key_text(*key);  // the dedupe key may use the same scratch memory
  if (!claim(value, place, open)) return;
  meta.key = key_text;
  meta.offset_delta = next_delta(open, place.position);
  open.builder->add(text, scratch_.tape, meta);
  request_->kept_bytes += text.size();
}

// Appends the tape of `text`, which is the place's text where it may be read beyond its end.
bool SourceIntake::Cutter::walk(const Place& place, std::string_view text, std::vector<TapeToken>& tape,
                                json::WalkError& error) {
  if (place.tape == nullptr) return scratch_.walker.walk(text, tape, error);
  tape.insert(tape.end(), place.tape->begin(), place.tape->end());
  return true;
}

// The log numbers the events of a batch densely; with `log: off` an event stands where its source has it.
uint32_t SourceIntake::Cutter::next_delta(OpenBatch& open, int64_t position) const {
  const size_t index = open.builder->size();
  if (intake_.options_.queue == nullptr) return static_cast<uint32_t>(index);
  if (index == 0) open.base_position = position;
  return static_cast<uint32_t>(position - open.base_position);
}

std::optional<IdHash> SourceIntake::Cutter::id_of(const json::ValueView& value, const Place& place) {
  const auto text = scratch_.dedupe_key->text(value);
  if (!text) {
    bad(place, ErrorCode::kInvalidInput, "dedupe.key: " + scratch_.dedupe_key->error(), 0);
    return std::nullopt;
  }
  const TokenType type = scratch_.dedupe_key->type();
  if (type == TokenType::kNull) {
    // Whoever leaves an id empty does so in every event, and all but the first of them would be dropped.
    bad(place, ErrorCode::kInvalidInput, "dedupe.key: the event's id is null", 0);
    return std::nullopt;
  }
  const DedupeTable& table = *intake_.options_.dedupe;
  const IdHash key = type == TokenType::kString ? table.hash(*text) : table.hash_json(*text);
  if (!scratch_.dedupe_sequence) return key;
  const auto number = sequence_of(value, place);
  if (!number) return std::nullopt;
  return ProducerSequences::id(key, *number);
}

std::optional<int64_t> SourceIntake::Cutter::sequence_of(const json::ValueView& value, const Place& place) {
  const auto text = scratch_.dedupe_sequence->text(value);
  if (!text) {
    bad(place, ErrorCode::kInvalidInput, "dedupe.sequence: " + scratch_.dedupe_sequence->error(), 0);
    return std::nullopt;
  }
  int64_t number = -1;
  if (scratch_.dedupe_sequence->type() == TokenType::kInteger) {
    const auto [after, error] = std::from_chars(text->data(), text->data() + text->size(), number);
    if (error != std::errc() || after != text->data() + text->size()) number = -1;
  }
  if (number >= 0) return number;
  bad(place, ErrorCode::kInvalidInput,
      "dedupe.sequence: a sequence number is an integer from 0 to 2^63 - 1; got " +
          std::string(text->substr(0, kQuoteBytes)),
      0);
  return std::nullopt;
}

// False if the event is a duplicate, or has no id that can be taken; the caller drops it.
bool SourceIntake::Cutter::claim(const json::ValueView& value, const Place& place, OpenBatch& open) {
  if (!scratch_.dedupe_key) return true;
  const auto id = id_of(value, place);
  if (!id) return false;
  DedupeTable& table = *intake_.options_.dedupe;
  switch (table.claim(*id, meta_.timestamp_ms, make_settled_)) {
    case DedupeTable::Claim::kNew:
      open.ids.push_back(*id);
      return true;
    case DedupeTable::Claim::kGap: {
      const auto expected = static_cast<ProducerSequences&>(table).expected(*id);
      bad(place, ErrorCode::kConflict,
          "dedupe.sequence: the producer's next number is " + (expected ? std::to_string(*expected) : "another") +
              "; got " + std::to_string((*id)[1]),
          0);
      return false;
    }
    case DedupeTable::Claim::kDurable:
    case DedupeTable::Claim::kPending:
      break;
  }
  ++request_->result.duplicates;
  return false;
}

// Whether the target holds this event from before (a source that resumed behind what was stored).
bool SourceIntake::Cutter::seen(size_t target, int64_t position) const {
  return !request_->raw.cursor.empty() && position < accepted_position_[target];
}

size_t SourceIntake::Cutter::default_target(int64_t position) const {
  if (request_->raw.cursor.empty()) return batch_target_;
  return static_cast<size_t>((position >> kPositionShift) % intake_.options_.partitions);
}

void SourceIntake::Cutter::bad(const Place& place, ErrorCode code, const std::string& what, uint64_t byte) {
  intake_.options_.counters->errors.add(code);
  if (request_->raw.bad_event == BadEventPolicy::kDeadLetter)
    return refuse(place, code, what + " at byte " + std::to_string(byte));
  rejected_ = true;
  request_->unkept.fetch_add(1);
  request_->result.error = Error{code, what, false, {}};
  request_->result.bad_byte = place.byte + byte;
  request_->result.bad_event = ordinal_;
}

// Stores the bad event among the dead letters, or, where there are none, says so.
void SourceIntake::Cutter::refuse(const Place& place, ErrorCode code, const std::string& what) {
  // Where the bytes are, not an id: a bad event has none.
  const std::string where = intake_.options_.source + "@" + std::to_string(place.position);
  const size_t target = intake_.dead_target();
  if (target >= open_.size()) {
    intake_.options_.letters->count(code);
    log_warning(intake_.options_.pipeline + "/" + intake_.options_.source,
                "bad event at " + where + " dropped: " + what, {{"event", place.text.substr(0, kQuoteBytes)}});
    return;
  }
  if (seen(target, place.position)) return;
  intake_.options_.letters->add(Error{code, what, false, {}}, [&] { return where; });
  EventMeta meta = meta_;
  OpenBatch& open = batch_for(target, place.position, false);
  meta.offset_delta = next_delta(open, place.position);
  open.builder->add(dead_letter_json({.event = place.text,
                                      .is_json = false,
                                      .error = what,
                                      .stage = intake_.options_.source,
                                      .attempts = 1,
                                      .position = where}),
                    {}, meta);
}

SourceIntake::OpenBatch& SourceIntake::Cutter::batch_for(size_t target, int64_t position, bool has_id) {
  OpenBatch& open = open_[target];
  const bool full = open.builder->byte_size() >= kBatchBytes || open.builder->size() >= kBatchEvents;
  const bool others = !open.builder->empty() && has_id == open.ids.empty();
  // An item of a queue is never encoded, and carries its request's cursor.
  if ((!full && !others) || intake_.options_.queue != nullptr) return open;
  request_->split = true;
  scratch_.full.push_back({target, std::exchange(open, OpenBatch()), std::exchange(first_[target], 0), position});
  return open;
}

// All or nothing: what the request has added so far goes again, and its ids are free.
void SourceIntake::Cutter::take_back() {
  for (size_t target = 0; target < open_.size(); ++target) take_back(open_[target], first_[target]);
  std::vector<FullBatch>& full = scratch_.full;
  for (size_t i = first_full_; i < full.size(); ++i) take_back(full[i].batch, full[i].first);
  std::erase_if(full, [](const FullBatch& filled) { return filled.batch.builder->empty(); });
  request_->result.duplicates = 0;
  if (!request_->raw.cursor.empty()) intake_.poisoned_.store(true);
}

void SourceIntake::Cutter::take_back(OpenBatch& batch, size_t first) {
  batch.builder->truncate(first);
  while (batch.ids.size() > batch.builder->size()) {
    intake_.options_.dedupe->release(batch.ids.back());
    batch.ids.pop_back();
  }
}

void SourceIntake::Cutter::close_parts() {
  for (size_t i = first_full_; i < scratch_.full.size(); ++i) {
    FullBatch& filled = scratch_.full[i];
    close_part(filled.batch, filled.first, filled.next_position);
  }
  for (size_t target = 0; target < open_.size(); ++target) {
    OpenBatch& open = open_[target];
    // A queue's item carries the cursor even if it carries no event.
    const bool item = intake_.options_.queue != nullptr && target == 0;
    if (item || open.builder->size() > first_[target]) close_part(open, first_[target], request_->end_position);
  }
}

void SourceIntake::Cutter::close_part(OpenBatch& batch, size_t first, int64_t position) {
  const size_t count = batch.builder->size() - first;
  if (count == 0 && intake_.options_.queue == nullptr) return;
  request_->one_more();
  batch.parts.push_back({request_, first, count});
  if (request_->raw.cursor.empty()) return;
  batch.position = position;
  batch.cursor = request_->raw.cursor;
}

}  // namespace colloquium::engine
