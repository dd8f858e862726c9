#include "json/duplicate_keys.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "json/view.h"

namespace colloquium::json {
namespace {

// Compares decoded keys.
bool same_key(const ValueView& a, const ValueView& b) {
  if (!a.is_escaped() && !b.is_escaped()) return a.raw() == b.raw();
  std::string decoded_a;
  std::string decoded_b;
  return a.string(decoded_a) == b.string(decoded_b);
}

template <class Visit>
void for_each_key(const ValueView& object, Visit visit) {
  for (ValueView key = object.first_child(); !key.at_end_of(object); key = key.next().next()) visit(key);
}

// Each with each, on the stack: for a few keys faster than anything that allocates.
bool pairwise(const ValueView& object) {
  std::array<uint32_t, KeyFilter::kCompareMax> keys;
  size_t count = 0;
  bool found = false;
  for_each_key(object, [&](const ValueView& key) {
    for (size_t i = 0; i < count && !found; ++i) found = same_key({object.text(), object.root(), keys[i]}, key);
    keys[count++] = key.index();
  });
  return found;
}

// Sorts the keys, so that a hostile object costs n log n and not n².
bool by_order(const ValueView& object) {
  std::vector<std::string_view> keys;
  keys.reserve(object.count());
  std::deque<std::string> decoded;  // a deque: the views into it must stay
  for_each_key(object, [&](const ValueView& key) {
    keys.push_back(key.is_escaped() ? key.string(decoded.emplace_back()) : key.raw_string());
  });
  std::sort(keys.begin(), keys.end());
  return std::adjacent_find(keys.begin(), keys.end()) != keys.end();
}

}  // namespace

bool has_key(const char* text, const TapeToken* root, uint32_t object, uint32_t end, std::string_view key) {
  for (uint32_t i = object + 1; i < end; i = root[i + 1].next) {
    const TapeToken& other = root[i];
    const bool candidate = other.length == key.size() + 2 && (other.flags & kTokenEscaped) == 0;
    if (candidate && std::memcmp(text + other.offset + 1, key.data(), key.size()) == 0) return true;
  }
  return false;
}

bool has_duplicate_keys(const char* text, const TapeToken* root, uint32_t object) {
  const ValueView value(text, root, object);
  return value.count() <= KeyFilter::kCompareMax ? pairwise(value) : by_order(value);
}

}  // namespace colloquium::json
