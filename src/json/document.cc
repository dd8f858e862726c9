#include <algorithm>
#include <limits>
#include <string>

#include "colloquium/batch.h"

#include "json/walk.h"

namespace colloquium::json {
namespace {

// Line and column of a byte, from 1; columns count characters.
std::string position(std::string_view text, uint64_t byte) {
  const std::string_view before = text.substr(0, byte);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::string_view line = before.substr(line_begin);
  const auto columns = std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
  return std::to_string(lines + 1) + ":" + std::to_string(columns + 1);
}

}  // namespace

Result<Document> parse(std::string_view text, std::string_view origin, WalkLimits limits) {
  if (text.size() >= std::numeric_limits<uint32_t>::max()) {
    return fail(ErrorCode::kLimit, "a JSON text of 4 GiB and more can't be read; split it", std::string(origin));
  }
  Document document;
  document.text.reserve(text.size() + kBatchPadding);
  document.text = text;
  document.text.append(kBatchPadding, '\0');
  document.text.resize(text.size());  // the padding stays behind, and readable
  WalkError error;
  if (!Walker(limits).walk(document.text, document.tape, error)) {
    return fail(ErrorCode::kInvalidInput, error.what, std::string(origin) + ":" + position(text, error.byte));
  }
  return document;
}

}  // namespace colloquium::json
