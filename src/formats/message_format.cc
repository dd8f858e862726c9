#include "formats/message_format.h"

#include <utility>

#include "base/assert.h"
#include "config/problems.h"

namespace colloquium::formats {

void check_message_format(const std::optional<SourceFormatSetting>& format, const ConfigNode& component,
                          ConfigProblems& problems) {
  if (!format || !format->format->has_header()) return;
  config::refuse(component, "format",
                 "format: a message is one event and has no header; give the columns instead", problems);
}

std::shared_ptr<const RecordDecoder> message_decoder(const std::optional<SourceFormatSetting>& format) {
  if (!format) return nullptr;
  auto opened = format->format->open({});
  ASSERT_WHY(opened, "without a header there is nothing to read");
  return std::move(opened->decoder);
}

Result<MessageText> MessageText::create(const SinkFormat& format,
                                        std::shared_ptr<const std::map<std::string, std::string>> variables) {
  if (format.is_lines()) return MessageText(nullptr);
  TRY_ASSIGN(auto encoder, format.encoder(std::move(variables)));
  return MessageText(std::move(encoder));
}

Status MessageText::append(const Batch& batch, size_t i, std::string& out) {
  if (batch.is_tombstone(i)) return {};
  if (is_value()) {
    out += batch.value(i);
    return {};
  }
  if (auto error = encoder_->encode(batch, i, out)) return fail(*std::move(error));
  if (encoder_->ends_in_line_break()) {
    ASSERT(out.ends_with('\n'));
    out.pop_back();
  }
  return {};
}

}  // namespace colloquium::formats
