// Formats where each message is one event by itself: those of topics, not of files.
//
// Thread safety: MessageText: one thread at a time. The others on any.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "colloquium/batch.h"
#include "colloquium/config_types.h"
#include "colloquium/result.h"
#include "colloquium/source.h"

#include "formats/format.h"

namespace colloquium::formats {

// Refuses `format` if it needs a header, which no message has.
void check_message_format(const std::optional<SourceFormatSetting>& format, const ConfigNode& component,
                          ConfigProblems& problems);

// What makes events of messages. Null: they are JSON. REQUIRES: check_message_format was content.
std::shared_ptr<const RecordDecoder> message_decoder(const std::optional<SourceFormatSetting>& format);

// An event as the text of a message. What a format puts between two events is left out.
class MessageText {
 public:
  // `variables`: as ComponentContext::script_variables; may be null.
  static Result<MessageText> create(const SinkFormat& format,
                                    std::shared_ptr<const std::map<std::string, std::string>> variables);

  // Whether it is the event's JSON as it stands in the batch, so that no text has to be made.
  bool is_value() const { return encoder_ == nullptr; }

  // Appends event `i`; a tombstone has no text. After an error `out` is as it was.
  Status append(const Batch& batch, size_t i, std::string& out);

 private:
  explicit MessageText(std::unique_ptr<Encoder> encoder) : encoder_(std::move(encoder)) {}

  std::unique_ptr<Encoder> encoder_;
};

}  // namespace colloquium::formats
