#include "computo/pointer.h"

#include <algorithm>

#include "base/assert.h"

namespace colloquium::computo {

namespace {

bool unescape_token(std::string_view token, std::string& out) {
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out.push_back(token[i]);
      continue;
    }
    if (++i == token.size()) return false;
    if (token[i] != '0' && token[i] != '1') return false;
    out.push_back(token[i] == '0' ? '~' : '/');
  }
  return true;
}

}  // namespace

// Longer than any array can be is no index.
uint64_t read_index(std::string_view token) {
  constexpr size_t kMostDigits = 18;
  if (token.empty() || token.size() > kMostDigits) return kNoIndex;
  if (token[0] == '0' && token.size() > 1) return kNoIndex;
  uint64_t index = 0;
  for (const char c : token) {
    if (c < '0' || c > '9') return kNoIndex;
    index = index * 10 + static_cast<uint64_t>(c - '0');
  }
  ASSERT(index != kNoIndex);
  return index;
}

bool split_pointer(std::string_view text, Steps& out) {
  ASSERT(out.empty());
  if (text.empty()) return true;
  if (text[0] != '/') return false;
  size_t begin = 1;
  while (true) {
    const size_t end = std::min(text.find('/', begin), text.size());
    Step step;
    if (!unescape_token(text.substr(begin, end - begin), step.key)) return false;
    step.index = read_index(step.key);
    out.push_back(std::move(step));
    if (end == text.size()) return true;
    begin = end + 1;
  }
}

std::string pointer_problem(std::string_view text, std::string_view shown, std::string_view form) {
  const std::string got = ", got " + std::string(shown);
  if (text.starts_with('/')) return "in a JSON Pointer '~' stands only in ~0 (for '~') and ~1 (for '/')" + got;
  return "expected a JSON Pointer" + std::string(form) + got;
}

void append_token(std::string_view token, std::string& out) {
  for (const char c : token) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace colloquium::computo
