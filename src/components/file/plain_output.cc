#include "components/file/plain_output.h"

namespace colloquium::components {

Status PlainOutput::write(const Batches& batches) {
  text_->clear(std::string(writer_->length() == 0 ? text_->preamble() : std::string_view()));
  for (const auto& batch : batches) text_->add(*batch);
  if (text_->size() == text_->refused().size()) return {};
  return writer_->append(text_->text());
}

Result<std::string> PlainOutput::sync() {
  TRY_ASSIGN(const FileToken token, writer_->sync());
  return token.encode();
}

std::vector<std::string> PlainOutput::take_warnings() {
  const std::string& path = writer_->aside_path();
  if (path == told_aside_) return {};
  told_aside_ = path;
  if (path.empty()) return {};
  return {"the file held bytes behind what was committed, and something else came; they were moved to '" + path +
          "', which goes when all of its lines have come"};
}

}  // namespace colloquium::components
