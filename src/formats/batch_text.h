// BatchText: the events of batches as one text in a sink's format, with what of them could not be written.
//
// Thread safety: one thread at a time.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"
#include "colloquium/sink.h"

#include "formats/format.h"

namespace colloquium::formats {

// An event that its format refuses, by its number among all that were added.
struct RefusedEvent {
  size_t event = 0;
  Error error;
};

class BatchText {
 public:
  // `encoder` may be null: lines (NDJSON), the fast way.
  explicit BatchText(std::unique_ptr<Encoder> encoder) : encoder_(std::move(encoder)) {}

  static Result<std::unique_ptr<BatchText>> create(
      const SinkFormat& format, std::shared_ptr<const std::map<std::string, std::string>> variables);

  std::string_view preamble() const { return encoder_ == nullptr ? std::string_view() : encoder_->preamble(); }

  // Begins anew, with `text`.
  void clear(std::string text = {});
  void add(const Batch& batch);

  const std::string& text() const { return text_; }
  size_t size() const { return events_; }
  const std::vector<RefusedEvent>& refused() const { return refused_; }

  // Where each event ends in text(); that of a refused one is where the one before it ended.
  std::vector<size_t> ends() const;

 private:
  const std::unique_ptr<Encoder> encoder_;
  std::string text_;
  size_t begin_ = 0;  // of the first event
  size_t events_ = 0;
  std::vector<size_t> ends_;  // with an encoder
  std::vector<RefusedEvent> refused_;
};

// The outcomes of a batch whose first event is number `first`: dead letters for those that were refused; empty if
// none of them was.
std::vector<EventOutcome> outcomes_of(const std::vector<RefusedEvent>& refused, size_t first, size_t count);

}  // namespace colloquium::formats
