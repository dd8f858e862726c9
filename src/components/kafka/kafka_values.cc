#include "components/kafka/kafka_values.h"

#include "base/assert.h"

namespace colloquium::components {

KafkaValues::KafkaValues(formats::MessageText& format, const Batch& batch) {
  ends_.reserve(batch.size());
  for (size_t i = 0; i < batch.size(); ++i) {
    if (Status status = format.append(batch, i, text_); !status) refused_.emplace(i, std::move(status).error());
    ends_.push_back(text_.size());
  }
}

std::string_view KafkaValues::value(size_t event) const {
  ASSERT(event < ends_.size());
  const size_t begin = event == 0 ? 0 : ends_[event - 1];
  return std::string_view(text_).substr(begin, ends_[event] - begin);
}

const Error* KafkaValues::refusal(size_t event) const {
  const auto found = refused_.find(event);
  return found == refused_.end() ? nullptr : &found->second;
}

}  // namespace colloquium::components
