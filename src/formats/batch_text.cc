#include "formats/batch_text.h"

#include <utility>

#include "formats/line_writer.h"

namespace colloquium::formats {

Result<std::unique_ptr<BatchText>> BatchText::create(
    const SinkFormat& format, std::shared_ptr<const std::map<std::string, std::string>> variables) {
  if (format.is_lines()) return std::make_unique<BatchText>(nullptr);
  TRY_ASSIGN(auto encoder, format.encoder(std::move(variables)));
  return std::make_unique<BatchText>(std::move(encoder));
}

void BatchText::clear(std::string text) {
  text_ = std::move(text);
  begin_ = text_.size();
  events_ = 0;
  ends_.clear();
  refused_.clear();
}

void BatchText::add(const Batch& batch) {
  if (encoder_ == nullptr) {
    append_lines(batch, text_);
    events_ += batch.size();
    return;
  }
  for (size_t i = 0; i < batch.size(); ++i, ++events_) {
    auto error = encoder_->encode(batch, i, text_);
    if (error) refused_.push_back({events_, std::move(*error)});
    ends_.push_back(text_.size());
  }
}

std::vector<size_t> BatchText::ends() const {
  if (encoder_ != nullptr) return ends_;
  std::vector<size_t> ends;
  ends.reserve(events_);
  for (size_t at = begin_; at < text_.size(); at = ends.back()) ends.push_back(text_.find('\n', at) + 1);
  return ends;
}

std::vector<EventOutcome> outcomes_of(const std::vector<RefusedEvent>& refused, size_t first, size_t count) {
  std::vector<EventOutcome> outcomes;
  for (const RefusedEvent& event : refused) {
    if (event.event < first || event.event >= first + count) continue;
    outcomes.resize(count);
    outcomes[event.event - first] = {.outcome = Outcome::kDeadLetter, .error = event.error};
  }
  return outcomes;
}

}  // namespace colloquium::formats
