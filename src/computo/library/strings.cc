#include "computo/library/strings.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/compare.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr int64_t kNotFound = -1;

bool two_texts(Machine& machine, const Value* arguments, std::string_view& a, std::string_view& b) {
  return text_argument(machine, arguments, 0, a) && text_argument(machine, arguments, 1, b);
}

// Where the value first stands in the array; false after fail.
bool find_element(Machine& machine, const Value& array, const Value& wanted, int64_t& index) {
  const uint32_t size = array_size(array);
  ASSERT(!machine.failed());
  index = kNotFound;
  Elements elements(array);
  for (uint32_t i = 0; i < size; ++i) {
    if (!machine.charge(1)) return false;
    const bool same = equal(machine, elements.next(), wanted);
    if (machine.failed()) return false;
    if (!same) continue;
    index = i;
    return true;
  }
  return true;
}

// Where argument 1 first stands in argument 0, in code points or elements; false after fail.
bool find_first(Machine& machine, const Value* arguments, int64_t& index) {
  const Type type = type_of(arguments[0]);
  if (type == Type::kArray) return find_element(machine, arguments[0], arguments[1], index);
  if (type != Type::kString) return machine.fail_type(0, "string or array", arguments[0]);
  if (type_of(arguments[1]) != Type::kString) return machine.fail_type(1, "string", arguments[1]);
  std::string_view text;
  std::string_view wanted;
  if (!two_texts(machine, arguments, text, wanted)) return false;
  const size_t at = text.find(wanted);
  ASSERT(at == std::string_view::npos || at <= text.size());
  index = at == std::string_view::npos ? kNotFound : static_cast<int64_t>(count_points(text.substr(0, at)));
  return true;
}

bool map_ascii(Machine& machine, const Value* arguments, char (*map)(char), Value& out) {
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  char* const begin = text_room(machine, text.size());
  if (begin == nullptr) return false;
  std::transform(text.begin(), text.end(), begin, map);
  ASSERT(!machine.failed());
  out = string_value({begin, text.size()});
  return true;
}

// How many bytes the first `points` code points of the padding repeated without end have.
uint64_t padding_bytes(std::string_view pad, uint64_t points) {
  const uint64_t in_pad = count_points(pad);
  ASSERT(in_pad > 0);
  return points / in_pad * pad.size() + skip_points(pad, points % in_pad);
}

void fill(char* begin, uint64_t bytes, std::string_view pad) {
  ASSERT(!pad.empty());
  for (uint64_t done = 0; done < bytes;) {
    const uint64_t size = std::min<uint64_t>(pad.size(), bytes - done);
    std::copy_n(pad.data(), size, begin + done);
    done += size;
  }
}

bool padded(Machine& machine, const Value* arguments, uint32_t count, bool at_start, Value& out) {
  std::string_view text;
  std::string_view pad = " ";
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (count > 2 && !text_argument(machine, arguments, 2, pad)) return false;
  if (pad.empty()) return fail_value(machine, 2, "characters to pad with", pad);
  const int64_t wanted = integer_argument(arguments, 1);
  const auto points = static_cast<int64_t>(count_points(text));
  if (wanted <= points) {
    out = arguments[0];
    return true;
  }
  // A padding of this many code points would not fit in any case, and below it no product overflows.
  const auto missing = static_cast<uint64_t>(wanted - points);
  if (missing > std::numeric_limits<uint32_t>::max()) return text_room(machine, missing) != nullptr;
  const uint64_t bytes = padding_bytes(pad, missing);
  char* const begin = text_room(machine, bytes + text.size());
  if (begin == nullptr) return false;
  fill(at_start ? begin : begin + text.size(), bytes, pad);
  std::copy(text.begin(), text.end(), at_start ? begin + bytes : begin);
  ASSERT(!machine.failed());
  out = string_value({begin, static_cast<size_t>(bytes + text.size())});
  return true;
}

}  // namespace

bool byte_length(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  out = int_value(static_cast<int64_t>(text.size()));
  return true;
}

bool contains(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  int64_t index = kNotFound;
  if (!find_first(machine, arguments, index)) return false;
  out = bool_value(index != kNotFound);
  return true;
}

bool index_of(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  int64_t index = kNotFound;
  if (!find_first(machine, arguments, index)) return false;
  out = int_value(index);
  return true;
}

bool starts_with(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view text;
  std::string_view start;
  if (!two_texts(machine, arguments, text, start)) return false;
  out = bool_value(text.starts_with(start));
  return true;
}

bool ends_with(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view text;
  std::string_view end;
  if (!two_texts(machine, arguments, text, end)) return false;
  out = bool_value(text.ends_with(end));
  return true;
}

// Members are counted after their keys have been compared: of duplicates there is one.
bool length(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  switch (type_of(arguments[0])) {
    case Type::kString: {
      std::string_view text;
      if (!text_argument(machine, arguments, 0, text)) return false;
      out = int_value(static_cast<int64_t>(count_points(text)));
      return true;
    }
    case Type::kArray:
      out = int_value(array_size(arguments[0]));
      return true;
    case Type::kObject: {
      Object object;
      uint32_t size = 0;
      if (!members_of(machine, arguments[0], object, size)) return false;
      out = int_value(size);
      return true;
    }
    default:
      return machine.fail_type(0, "string, array or object", arguments[0]);
  }
}

bool upper(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return map_ascii(machine, arguments, ascii_upper, out);
}

bool lower(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  return map_ascii(machine, arguments, ascii_lower, out);
}

bool pad_start(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  return padded(machine, arguments, count, true, out);
}

bool pad_end(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  return padded(machine, arguments, count, false, out);
}

bool repeat(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view text;
  int64_t times = 0;
  if (!text_argument(machine, arguments, 0, text) || !count_argument(machine, arguments, 1, 0, times))
    return false;
  if (text.empty() || times == 0) {
    out = string_value("");
    return true;
  }
  if (times > std::numeric_limits<uint32_t>::max())
    return text_room(machine, static_cast<uint64_t>(times)) != nullptr;
  const uint64_t bytes = static_cast<uint64_t>(times) * text.size();
  char* const begin = text_room(machine, bytes);
  if (begin == nullptr) return false;
  fill(begin, bytes, text);
  out = string_value({begin, static_cast<size_t>(bytes)});
  return true;
}

bool replace(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 3);
  std::string_view text;
  std::string_view from;
  std::string_view to;
  int64_t most = std::numeric_limits<int64_t>::max();
  if (!two_texts(machine, arguments, text, from) || !text_argument(machine, arguments, 2, to)) return false;
  if (from.empty()) return fail_value(machine, 1, "a string to replace", from);
  if (count > 3 && !count_argument(machine, arguments, 3, 0, most)) return false;
  Output& output = machine.text_output();
  output.start(false);
  size_t done = 0;
  for (int64_t i = 0; i < most; ++i) {
    const size_t found = text.find(from, done);
    if (found == std::string_view::npos) break;
    output.put(text.substr(done, found - done));
    output.put(to);
    done = found + from.size();
    if (!check_output(machine)) return false;
  }
  if (done == 0) {
    out = arguments[0];
    return true;
  }
  output.put(text.substr(done));
  return finish_text(machine, out);
}

bool substring(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  std::string_view text;
  int64_t most = std::numeric_limits<int64_t>::max();
  if (!text_argument(machine, arguments, 0, text)) return false;
  if (count > 2 && !count_argument(machine, arguments, 2, 0, most)) return false;
  int64_t start = integer_argument(arguments, 1);
  if (start < 0) {
    // From the end; what lies before the string takes its share of the length.
    const auto points = static_cast<int64_t>(count_points(text));
    if (start < -points) {
      if (count > 2) most += std::max(start + points, -most);
      start = -points;
    }
    start += points;
  }
  const std::string_view rest = text.substr(skip_points(text, static_cast<uint64_t>(start)));
  out = part_of_text(arguments[0], text, rest.substr(0, skip_points(rest, static_cast<uint64_t>(most))));
  return true;
}

bool truncate(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 2);
  std::string_view text;
  std::string_view ending;
  int64_t most = 0;
  if (!text_argument(machine, arguments, 0, text) || !count_argument(machine, arguments, 1, 0, most)) return false;
  if (count > 2 && !text_argument(machine, arguments, 2, ending)) return false;
  const auto ending_points = static_cast<int64_t>(count_points(ending));
  if (ending_points > most) {
    return fail_value(machine, 2, "an ending of at most " + std::to_string(most) + " code points", ending);
  }
  if (skip_points(text, static_cast<uint64_t>(most)) == text.size()) {
    out = arguments[0];
    return true;
  }
  const std::string_view kept = text.substr(0, skip_points(text, static_cast<uint64_t>(most - ending_points)));
  char* const begin = text_room(machine, kept.size() + ending.size());
  if (begin == nullptr) return false;
  std::copy(ending.begin(), ending.end(), std::copy(kept.begin(), kept.end(), begin));
  out = string_value({begin, kept.size() + ending.size()});
  return true;
}

}  // namespace colloquium::computo::ops
