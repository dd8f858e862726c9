#include "formats/encoding.h"

#include <charconv>

#include "formats/line_writer.h"

namespace colloquium::formats {
namespace {

std::string unescaped_step(std::string_view step) {
  std::string out;
  for (size_t i = 0; i < step.size(); ++i) {
    const bool escape = step[i] == '~' && i + 1 < step.size();
    if (escape) {
      out += step[++i] == '0' ? '~' : '/';
    } else {
      out += step[i];
    }
  }
  return out;
}

std::optional<json::ValueView> element_of(json::ValueView array, const std::string& step) {
  uint64_t index = 0;
  const auto [end, error] = std::from_chars(step.data(), step.data() + step.size(), index);
  if (error != std::errc() || end != step.data() + step.size()) return std::nullopt;
  return array.element(index);
}

}  // namespace

std::optional<json::ValueView> EventReader::value(const Batch& batch, size_t i) {
  if (batch.is_tombstone(i)) return std::nullopt;
  const std::string_view text = batch.value(i);
  if (const auto tape = batch.tape(i); !tape.empty()) return json::ValueView(text.data(), tape.data(), 0);
  tape_.clear();
  // It was walked when it was accepted.
  walker_.walk_unchecked(text, tape_);
  return json::ValueView(text.data(), tape_.data(), 0);
}

std::optional<json::ValueView> EventReader::object(const Batch& batch, size_t i) {
  const auto event = value(batch, i);
  if (!event || event->type() != TokenType::kObject) return std::nullopt;
  return event;
}

MemberPath::MemberPath(const std::string& text) {
  if (!text.starts_with('/')) {
    steps_.push_back(text);
    return;
  }
  for (size_t begin = 1;;) {
    const size_t end = text.find('/', begin);
    steps_.push_back(unescaped_step(std::string_view(text).substr(begin, end - begin)));
    if (end == std::string::npos) return;
    begin = end + 1;
  }
}

std::optional<json::ValueView> MemberPath::find(json::ValueView value) const {
  for (const std::string& step : steps_) {
    std::optional<json::ValueView> found;
    if (value.type() == TokenType::kObject) found = value.member(step);
    if (value.type() == TokenType::kArray) found = element_of(value, step);
    if (!found) return std::nullopt;
    value = *found;
  }
  if (value.type() == TokenType::kNull) return std::nullopt;
  return value;
}

std::string_view text_of(json::ValueView value, std::string& scratch) {
  scratch.clear();
  if (value.type() == TokenType::kString) return value.string(scratch);
  append_compact(value.raw(), scratch);
  return scratch;
}

Error not_an_object(std::string_view format) {
  return {ErrorCode::kInvalidInput,
          "only an object can be written as " + std::string(format) + "; let a stage make one of the event",
          false,
          {}};
}

}  // namespace colloquium::formats
