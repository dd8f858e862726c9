#include "computo/text.h"

#include <charconv>
#include <algorithm>

#include "base/assert.h"
#include "computo/number.h"
#include "json/escape.h"
#include "json/walk.h"
#include "json/writer.h"

namespace colloquium::computo {

char* write_string(std::string_view text, char* out, bool& escaped) {
  ASSERT(out != nullptr);
  *out++ = '"';
  while (true) {
    const size_t plain = json::plain_prefix(text);
    out = std::copy_n(text.data(), plain, out);
    if (plain == text.size()) break;
    out += json::write_escape(text[plain], out);
    text.remove_prefix(plain + 1);
    escaped = true;
  }
  *out++ = '"';
  return out;
}

char* write_number(const Value& number, char* out) {
  ASSERT(is_decoded_number(number));
  switch (number.kind) {
    case Kind::kInt:
      return std::to_chars(out, out + kNumberBound, number.integer).ptr;
    case Kind::kUint:
      return std::to_chars(out, out + kNumberBound, number.natural).ptr;
    default:
      return out + json::write_double(number.number, out);
  }
}

NumberToken number_token(std::string_view text) {
  ASSERT(!text.empty());
  if (text.find_first_of(".eE") != std::string_view::npos) return {TokenType::kDouble, 0};
  int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool fits = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return {TokenType::kInteger, fits ? uint8_t{0} : kTokenBigInteger};
}

bool nests_too_deep(std::string_view text, uint64_t byte) {
  const uint32_t most = json::WalkLimits().depth;
  uint32_t depth = 0;
  bool quoted = false;
  for (uint64_t i = 0; i < text.size() && i <= byte; ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > most) return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  ASSERT(depth <= most);
  return false;
}

}  // namespace colloquium::computo
