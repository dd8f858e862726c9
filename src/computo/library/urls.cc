// Operators over URLs and their queries (RFC 3986; a plus sign as a space by the URL Standard's forms).

#include <algorithm>
#include <charconv>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/bytes.h"
#include "computo/library/encoding.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

bool is_alnum(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z');
}

bool is_unreserved(char c) {
  return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

void put_encoded(std::string_view text, Output& output) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  for (const char c : text) {
    char* at = output.room(3);
    if (is_unreserved(c)) {
      *at++ = c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      *at++ = '%';
      *at++ = kDigits[byte >> 4];
      *at++ = kDigits[byte & 15];
    }
    output.commit(at);
  }
}

// The text percent-decoded, in the machine's memory; one without anything to decode is itself.
bool decoded(Machine& machine, std::string_view text, bool plus_is_space, std::string_view& out) {
  ASSERT(!machine.failed());
  out = text;
  if (text.find('%') == std::string_view::npos && (!plus_is_space || text.find('+') == std::string_view::npos)) {
    return true;
  }
  char* const begin = text_room(machine, text.size());
  char* at = begin;
  if (begin == nullptr) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    *at = plus_is_space && text[i] == '+' ? ' ' : text[i];
    if (text[i] == '%') {
      if (i + 2 >= text.size() || !hex_byte(text.data() + i + 1, *at)) {
        return fail_value(machine, 0, "two hexadecimal digits behind a percent sign", text);
      }
      i += 2;
    }
    ++at;
  }
  Value value;
  if (!utf8_value(machine, {begin, static_cast<size_t>(at - begin)}, text, value)) return false;
  out = value.string();
  return true;
}

// A pair of a query; pairs are sorted by key, those of equal keys as they came.
struct Pair {
  std::string_view key;
  std::string_view value;
};

// The part up to the separator, taken off the rest together with it.
std::string_view take_until(std::string_view& rest, char separator) {
  const size_t end = std::min(rest.find(separator), rest.size());
  const std::string_view part = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  ASSERT(part.find(separator) == std::string_view::npos);
  return part;
}

bool read_pairs(Machine& machine, std::string_view query, Pair* pairs, uint32_t& count) {
  count = 0;
  while (!query.empty()) {
    std::string_view value = take_until(query, '&');
    if (value.empty()) continue;
    const std::string_view key = take_until(value, '=');
    if (!decoded(machine, key, true, pairs[count].key)) return false;
    if (!decoded(machine, value, true, pairs[count].value)) return false;
    ++count;
  }
  ASSERT(!machine.failed());
  return machine.charge(count);
}

// The values of equal keys, which stand beside each other: one string, or an array of them.
bool pair_values(Machine& machine, const Pair* pairs, uint32_t count, Value& out) {
  ASSERT(count > 0);
  if (count == 1) {
    out = string_value(pairs[0].value);
    return true;
  }
  Value* const items = result_array(machine, count);
  if (items == nullptr) return false;
  for (uint32_t i = 0; i < count; ++i) items[i] = string_value(pairs[i].value);
  out = array_value(items, count);
  return true;
}

// As std::stable_sort, which takes memory from the heap: where keys are equal, what stands first in memory is less
// in the order of the copies beside them.
void sort_pairs(Pair* pairs, uint32_t* order, uint32_t count, Pair* sorted) {
  for (uint32_t i = 0; i < count; ++i) order[i] = i;
  std::sort(order, order + count, [&](uint32_t a, uint32_t b) {
    const int by_key = pairs[a].key.compare(pairs[b].key);
    return by_key != 0 ? by_key < 0 : a < b;
  });
  for (uint32_t i = 0; i < count; ++i) sorted[i] = pairs[order[i]];
  ASSERT(count == 0 || !(sorted[count - 1].key < sorted[0].key));
}

bool put_query_value(Machine& machine, std::string_view key, const Value& value, Output& output) {
  if (output.size() > 0) output.put('&');
  put_encoded(key, output);
  output.put('=');
  ASSERT(!machine.failed());
  std::string_view text;
  switch (type_of(value)) {
    case Type::kString:
      if (!text_of(machine, value, text)) return false;
      put_encoded(text, output);
      break;
    case Type::kNumber:
    case Type::kBoolean:
      if (!append_text(machine, output, value)) return false;
      break;
    default:
      return machine.fail_type(0, "strings, numbers and booleans in a query", value);
  }
  return check_output(machine) && machine.charge(1 + text.size() / 16);
}

// What parseUrl gives; kUnbound where the URL has no such part. In byte order of the names.
struct Url {
  Value fragment = no_member();
  Value host = no_member();
  Value password = no_member();
  Value path = no_member();
  Value port = no_member();
  Value query = no_member();
  Value scheme = no_member();
  Value user = no_member();
};

bool lower_text(Machine& machine, std::string_view text, Value& out) {
  char* const begin = text_room(machine, text.size());
  if (begin == nullptr) return false;
  std::transform(text.begin(), text.end(), begin, ascii_lower);
  ASSERT(!machine.failed());
  out = string_value({begin, text.size()});
  return true;
}

bool is_scheme(std::string_view text) {
  return !text.empty() && is_alnum(text[0]) && !is_digit(text[0]) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '+' || c == '-' || c == '.'; });
}

// White space, controls and what only looks like a URL's syntax do not belong into one.
bool is_url_text(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) <= ' ') || c == 0x7f || c == '<' || c == '>' || c == '"' || c == '\\';
  });
}

bool read_port(std::string_view text, Value& out) {
  if (text.empty()) return true;
  uint16_t port = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
  out = int_value(port);
  return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// [user[:password]@]host[:port]. `valid` false if it is no such thing; the result false after fail.
bool read_authority(Machine& machine, std::string_view text, Url& url, bool& valid) {
  const size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    std::string_view password = text.substr(0, at);
    const bool has_password = password.find(':') != std::string_view::npos;
    url.user = string_value(take_until(password, ':'));
    if (has_password) url.password = string_value(password);
    text.remove_prefix(at + 1);
  }
  std::string_view host = text;
  std::string_view after;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    valid = valid && end != std::string_view::npos;
    host = text.substr(1, valid ? end - 1 : 0);
    after = valid ? text.substr(end + 1) : std::string_view();
    valid = valid && (after.empty() || after[0] == ':');
  } else {
    host = text.substr(0, text.find(':'));
    after = text.substr(host.size());
  }
  if (!after.empty()) after.remove_prefix(1);
  valid = valid && read_port(after, url.port);
  ASSERT(!machine.failed());
  return host.empty() || lower_text(machine, host, url.host);
}

bool read_url(Machine& machine, std::string_view text, Url& url, bool& valid) {
  const size_t colon = text.find(':');
  valid = colon != std::string_view::npos && is_scheme(text.substr(0, colon)) && is_url_text(text);
  if (!valid) return true;
  if (!lower_text(machine, text.substr(0, colon), url.scheme)) return false;
  text.remove_prefix(colon + 1);
  const size_t hash = text.find('#');
  if (hash != std::string_view::npos) url.fragment = string_value(text.substr(hash + 1));
  text = text.substr(0, hash);
  const size_t mark = text.find('?');
  if (mark != std::string_view::npos) url.query = string_value(text.substr(mark + 1));
  text = text.substr(0, mark);
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    const std::string_view authority = text.substr(0, text.find('/'));
    text.remove_prefix(authority.size());
    if (!read_authority(machine, authority, url, valid)) return false;
  }
  if (!text.empty()) url.path = string_value(text);
  ASSERT(!machine.failed());
  return true;
}

}  // namespace

bool url_encode(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 16)) return false;
  machine.text_output().start(false);
  put_encoded(text, machine.text_output());
  return finish_text(machine, out);
}

bool url_decode(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view whole;
  std::string_view text;
  if (!text_argument(machine, arguments, 0, whole) || !decoded(machine, whole, false, text)) return false;
  out = text.data() == whole.data() ? arguments[0] : string_value(text);
  return true;
}

bool parse_query(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 16)) return false;
  if (text.starts_with('?')) text.remove_prefix(1);
  const auto most = static_cast<uint32_t>(std::count(text.begin(), text.end(), '&') + 1);
  const Arena::Mark mark = machine.scratch().mark();
  auto* const pairs = machine.allocate_scratch<Pair>(most);
  auto* const sorted = machine.allocate_scratch<Pair>(most);
  auto* const order = machine.allocate_scratch<uint32_t>(most);
  uint32_t size = 0;
  if (pairs == nullptr || sorted == nullptr || order == nullptr) return false;
  if (!read_pairs(machine, text, pairs, size)) return false;
  sort_pairs(pairs, order, size, sorted);
  {
    ObjectBuilder builder(machine, size);
    if (!builder.valid()) return false;
    for (uint32_t i = 0; i < size;) {
      uint32_t end = i + 1;
      while (end < size && sorted[end].key == sorted[i].key) ++end;
      Value value;
      if (!pair_values(machine, sorted + i, end - i, value)) return false;
      builder.add(key_named(sorted[i].key), value);
      i = end;
    }
    if (!builder.finish(out)) return false;
  }
  machine.scratch().release(mark);
  return true;
}

bool format_query(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  Object object;
  uint32_t size = 0;
  if (!members_of(machine, arguments[0], object, size)) return false;
  Output& output = machine.text_output();
  output.start(false);
  for (uint32_t i = 0; i < size; ++i) {
    const Value& value = object.values[i];
    const std::string_view key = object.keys[i].view();
    if (type_of(value) == Type::kNull) continue;
    if (type_of(value) != Type::kArray) {
      if (!put_query_value(machine, key, value, output)) return false;
      continue;
    }
    Elements elements(value);
    for (uint32_t k = array_size(value); k > 0; --k) {
      if (!put_query_value(machine, key, elements.next(), output)) return false;
    }
  }
  return finish_text(machine, out);
}

bool parse_url(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  static constexpr std::string_view kNames[] = {"fragment", "host",  "password", "path",
                                                "port",     "query", "scheme",   "user"};
  ASSERT(count == 1);
  std::string_view text;
  Url url;
  bool valid = false;
  if (!text_argument(machine, arguments, 0, text) || !read_url(machine, text, url, valid)) return false;
  if (!valid) return fail_value(machine, 0, "an absolute URL", text);
  const Value values[] = {url.fragment, url.host,  url.password, url.path,
                          url.port,     url.query, url.scheme,   url.user};
  return fixed_object(machine, kNames, values, std::size(kNames), out);
}

}  // namespace colloquium::computo::ops
