// KafkaValues: the values of a batch's messages where they are not the events' own bytes, but what a format makes of
// them. They keep their addresses, as librdkafka refers to them.
//
// Thread safety: none; one thread at a time.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "colloquium/batch.h"
#include "colloquium/result.h"

#include "formats/message_format.h"

namespace colloquium::components {

class KafkaValues {
 public:
  KafkaValues(formats::MessageText& format, const Batch& batch);

  std::string_view value(size_t event) const;
  // Why an event has none; null: it has one.
  const Error* refusal(size_t event) const;

 private:
  std::string text_;
  std::vector<size_t> ends_;  // of each event's value in text_
  std::map<size_t, Error> refused_;
};

}  // namespace colloquium::components
