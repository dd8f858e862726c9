#include "computo/library/conversions.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "colloquium/batch.h"

#include "base/assert.h"
#include "computo/access.h"
#include "computo/failure.h"
#include "computo/library/texts.h"
#include "computo/number.h"
#include "computo/render.h"
#include "computo/text.h"
#include "json/number.h"
#include "json/walk.h"

namespace colloquium::computo::ops {

namespace {

// A conversion failed: the default if there is one, else the error.
bool refuse(Machine& machine, const Value* arguments, uint32_t count, std::string_view expected, Value& out) {
  if (count > 1) {
    out = arguments[1];
    return true;
  }
  const Type type = type_of(arguments[0]);
  if (type != Type::kString && type != Type::kNumber) return machine.fail_type(0, expected, arguments[0]);
  ASSERT(!machine.failed());
  return machine.fail_argument(0, Category::kValue,
                               "expected " + std::string(expected) + ", got " + describe(arguments[0]));
}

// Without an optional plus sign, which JSON does not have.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && is_digit(text[1])) text.remove_prefix(1);
  return text;
}

bool read_integer(std::string_view text, Value& out) {
  text = without_plus(text);
  const char* const end = text.data() + text.size();
  int64_t integer = 0;
  auto read = std::from_chars(text.data(), end, integer);
  if (read.ptr != end || text.empty()) return false;
  if (read.ec == std::errc()) {
    out = int_value(integer);
    return true;
  }
  uint64_t natural = 0;
  read = std::from_chars(text.data(), end, natural);
  ASSERT(read.ptr == end || text[0] == '-');
  if (read.ec != std::errc() || read.ptr != end) return false;
  out = uint_value(natural);
  return true;
}

size_t skip_digits(std::string_view text, size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

// Whether it is a number by the grammar of RFC 8259, and whether one with a fraction or exponent.
bool is_json_number(std::string_view text, bool& integer) {
  size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t whole = at;
  at = skip_digits(text, at);
  ASSERT(at <= text.size());
  if (at == whole || (text[whole] == '0' && at > whole + 1)) return false;
  integer = at == text.size();
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = at + 1;
    at = skip_digits(text, fraction);
    if (at == fraction) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = at;
    at = skip_digits(text, exponent);
    if (at == exponent) return false;
  }
  return at == text.size();
}

bool read_number(std::string_view text, Value& out) {
  bool integer = false;
  text = without_plus(text);
  if (!is_json_number(text, integer)) return false;
  if (integer && read_integer(text, out)) return true;
  const auto number = json::to_double(text);
  if (!number) return false;
  out = double_value(*number);
  return true;
}

bool is_word(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return std::equal(text.begin(), text.end(), word.begin(), word.end(),
                      [](char a, char b) { return ascii_lower(a) == b; });
  });
}

// The walker and the tape it fills: both grow to what the texts need and stay so.
class JsonReader : public Tool {
 public:
  static constexpr std::string_view kKind = "json reader";
  json::Walker walker;
  std::vector<TapeToken> tape;
};

bool fail_parse(Machine& machine, const Value* arguments, uint32_t count, const json::WalkError& error,
                std::string_view text, Value& out) {
  if (count > 1) {
    out = arguments[1];
    return true;
  }
  ASSERT(error.what != nullptr);
  const Category category = nests_too_deep(text, error.byte) ? Category::kLimit : Category::kParse;
  return machine.fail_argument(0, category, "no JSON at byte " + std::to_string(error.byte) + ": " + error.what);
}

}  // namespace

bool type(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 && !machine.failed());
  out = string_value(computo::to_string(type_of(arguments[0])));
  return true;
}

bool to_int(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  const Type type = type_of(arguments[0]);
  if (type == Type::kNumber) {
    const Value number = decode_number(arguments[0]);
    out = number.kind == Kind::kDouble && is_integral(number) ? int_value(to_integer(number)) : number;
    if (out.kind != Kind::kDouble) return true;
  }
  if (type == Type::kString) {
    std::string_view text;
    if (!text_argument(machine, arguments, 0, text)) return false;
    if (read_integer(trim_ascii(text), out)) return true;
  }
  return refuse(machine, arguments, count, "an integer of 64 bits or its digits", out);
}

bool to_number(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  const Type type = type_of(arguments[0]);
  if (type == Type::kNumber) {
    out = arguments[0];
    return true;
  }
  if (type == Type::kString) {
    std::string_view text;
    if (!text_argument(machine, arguments, 0, text)) return false;
    if (read_number(trim_ascii(text), out)) return true;
  }
  return refuse(machine, arguments, count, "a number or its text", out);
}

bool to_bool(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  const Type type = type_of(arguments[0]);
  if (type == Type::kBoolean) {
    out = arguments[0];
    return true;
  }
  if (type == Type::kNumber) {
    const Value number = decode_number(arguments[0]);
    const bool one = is_integral(number) && to_integer(number) == 1;
    if (one || is_zero(number)) {
      out = bool_value(one);
      return true;
    }
  }
  if (type == Type::kString) {
    std::string_view text;
    if (!text_argument(machine, arguments, 0, text)) return false;
    text = trim_ascii(text);
    const bool yes = is_word(text, {"true", "yes", "on", "y", "t", "1"});
    if (yes || is_word(text, {"false", "no", "off", "n", "f", "0"})) {
      out = bool_value(yes);
      return true;
    }
  }
  return refuse(machine, arguments, count, "a boolean, 0, 1 or a word such as \"yes\"", out);
}

bool to_string(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  if (type_of(arguments[0]) == Type::kString) {
    out = arguments[0];
    return true;
  }
  machine.text_output().start(false);
  return append_text(machine, machine.text_output(), arguments[0]) && finish_text(machine, out);
}

bool to_json(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  machine.text_output().start(false);
  return render(machine, machine.text_output(), RenderAs::kText, arguments[0]) && finish_text(machine, out);
}

// The text gets a padded copy, since walking needs the padding; the result is a view of that, like an input.
bool parse_json(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1 || count == 2);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / kPassedPerStep)) return false;
  char* const bytes = machine.allocate<char>(text.size() + kBatchPadding);
  if (bytes == nullptr) return false;
  std::copy(text.begin(), text.end(), bytes);
  std::memset(bytes + text.size(), 0, kBatchPadding);
  auto& reader = machine.tools().get<JsonReader>();
  reader.tape.clear();
  json::WalkError error;
  if (!reader.walker.walk({bytes, text.size()}, reader.tape, error)) {
    return fail_parse(machine, arguments, count, error, text, out);
  }
  auto* const tape = machine.allocate<TapeToken>(reader.tape.size());
  auto* const source = machine.allocate<Source>(1);
  if (tape == nullptr || source == nullptr) return false;
  std::copy(reader.tape.begin(), reader.tape.end(), tape);
  *source = {bytes, tape};
  out = view_value(source, 0);
  return true;
}

}  // namespace colloquium::computo::ops
