// The keywords of JSON Schema about one value by itself: its type, what it equals, numbers, strings.

#include <charconv>
#include <cmath>

#include "base/assert.h"
#include "computo/compare.h"
#include "computo/library/schema_parts.h"
#include "computo/library/texts.h"
#include "computo/library/well_formed.h"
#include "computo/number.h"
#include "computo/shown.h"

namespace colloquium::computo::ops {

namespace {

__extension__ using Wide = unsigned __int128;

// digits times 10 to the power of `exponent`.
struct Written {
  uint64_t digits;
  int exponent;
};

// The shortest digits that read back as the number: those it is written with.
Written written(const Value& number) {
  if (number.kind == Kind::kUint) return {number.natural, 0};
  if (number.kind == Kind::kInt) {
    const auto bits = static_cast<uint64_t>(number.integer);
    return {number.integer < 0 ? 0 - bits : bits, 0};
  }
  char text[40];
  const auto end =
      std::to_chars(text, text + sizeof text, std::fabs(number.number), std::chars_format::scientific);
  ASSERT(end.ec == std::errc());
  Written out{0, 0};
  int fraction = 0;
  const char* at = text;
  for (; *at != 'e'; ++at) {
    if (*at == '.') continue;
    out.digits = out.digits * 10 + static_cast<uint64_t>(*at - '0');
    ++fraction;
  }
  if (*++at == '+') ++at;
  std::from_chars(at, end.ptr, out.exponent);
  out.exponent -= fraction - 1;
  return out;
}

// By squaring: the exponent is at most that of the widest double.
uint64_t power_modulo(uint64_t base, int exponent, uint64_t modulus) {
  ASSERT(exponent >= 0 && modulus > 0);
  Wide result = 1 % modulus;
  Wide factor = base % modulus;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0) result = result * factor % modulus;
    factor = factor * factor % modulus;
  }
  return static_cast<uint64_t>(result);
}

// For messages; with an example where the name alone does not say how it is written.
std::string_view name_of(SchemaFormat format) {
  switch (format) {
    case SchemaFormat::kDate:
      return "a date such as 2026-03-01";
    case SchemaFormat::kDateTime:
      return "a date and time such as 2026-03-01T17:45:00Z";
    case SchemaFormat::kEmail:
      return "an e-mail address";
    case SchemaFormat::kIpv4:
      return "an IPv4 address";
    case SchemaFormat::kIpv6:
      return "an IPv6 address";
    case SchemaFormat::kTime:
      return "a time such as 17:45:00Z";
    case SchemaFormat::kUri:
      return "a URI";
    case SchemaFormat::kUuid:
      return "a UUID";
    case SchemaFormat::kNone:
      break;
  }
  ASSERT_WHY(false, "only formats that are asserted are named");
}

bool has_format(SchemaFormat format, std::string_view text) {
  switch (format) {
    case SchemaFormat::kDate:
      return is_rfc3339_date(text);
    case SchemaFormat::kDateTime:
      return is_rfc3339_date_time(text);
    case SchemaFormat::kEmail:
      return is_email(text);
    case SchemaFormat::kIpv4:
      return is_ipv4(text);
    case SchemaFormat::kIpv6:
      return is_ipv6(text);
    case SchemaFormat::kTime:
      return is_rfc3339_time(text);
    case SchemaFormat::kUri:
      return is_uri(text);
    case SchemaFormat::kUuid:
      return is_uuid(text);
    case SchemaFormat::kNone:
      break;
  }
  ASSERT(format == SchemaFormat::kNone);
  return true;
}

struct TypeName {
  uint8_t type;
  std::string_view name;
};
constexpr TypeName kTypeNames[] = {{kTypeNull, "null"},     {kTypeBoolean, "boolean"}, {kTypeInteger, "integer"},
                                   {kTypeNumber, "number"}, {kTypeString, "string"},   {kTypeArray, "array"},
                                   {kTypeObject, "object"}};

// An integer is a number without a fraction, however it is written: 1.0 is one.
bool is_of_types(uint8_t types, const Value& v) {
  switch (type_of(v)) {
    case Type::kNull:
      return (types & kTypeNull) != 0;
    case Type::kBoolean:
      return (types & kTypeBoolean) != 0;
    case Type::kNumber:
      return (types & kTypeNumber) != 0 || ((types & kTypeInteger) != 0 && is_whole(decode_number(v)));
    case Type::kString:
      return (types & kTypeString) != 0;
    case Type::kArray:
      return (types & kTypeArray) != 0;
    case Type::kObject:
      return (types & kTypeObject) != 0;
    case Type::kFunction:
      break;
  }
  ASSERT(types != 0);
  return false;
}

}  // namespace

bool is_whole(const Value& number) {
  ASSERT(is_decoded_number(number));
  return number.kind != Kind::kDouble || std::trunc(number.number) == number.number;
}

bool is_multiple(const Value& number, const Value& of) {
  const Written a = written(number);
  const Written b = written(of);
  ASSERT(b.digits > 0);
  if (a.digits == 0) return true;
  if (a.exponent >= b.exponent) {
    const uint64_t power = power_modulo(10, a.exponent - b.exponent, b.digits);
    return static_cast<Wide>(a.digits % b.digits) * power % b.digits == 0;
  }
  // As soon as the divisor is larger, only zero would be a multiple.
  Wide divisor = b.digits;
  for (int i = a.exponent; i < b.exponent; ++i) {
    divisor *= 10;
    if (divisor > a.digits) return false;
  }
  return a.digits % divisor == 0;
}

void append_count(Output& text, uint64_t count) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, count);
  ASSERT(end.ec == std::errc());
  text.put(std::string_view(digits, static_cast<size_t>(end.ptr - digits)));
}

// Containers only by their kind: their content may be anything, also long and secret.
bool append_found(Machine& machine, Output& text, const Value& v) {
  ASSERT(!machine.failed());
  switch (type_of(v)) {
    case Type::kString: {
      std::string_view s;
      if (!text_of(machine, v, s)) return false;
      const bool whole = s.size() <= kShownBytes;
      size_t end = whole ? s.size() : kShownBytes;
      while (!whole && is_continuation(s[end])) --end;
      text.put('"');
      text.put(s.substr(0, end));
      text.put(whole ? "\"" : "…\"");
      return true;
    }
    case Type::kArray:
      text.put("an array");
      return true;
    case Type::kObject:
      text.put("an object");
      return true;
    case Type::kFunction:
      text.put("a function");
      return true;
    default:
      return append_text(machine, text, v);
  }
}

// Errors end up in logs: what stands under the name of a secret is not told.
bool SchemaCheck::append_instance(const Instance& instance) {
  for (const Instance* at = &instance; at != nullptr; at = at->parent) {
    if (!looks_secret(at->key)) continue;
    machine_.text_output().put(kMasked);
    return true;
  }
  ASSERT(!machine_.failed());
  return append_found(machine_, machine_.text_output(), instance.value);
}

bool SchemaCheck::wrong_type(const Visit& visit) {
  if (!begin_message()) return false;
  Output& text = machine_.text_output();
  std::string_view before = "expected ";
  for (const TypeName& row : kTypeNames) {
    if ((visit.node.types & row.type) == 0) continue;
    text.put(before);
    text.put(row.name);
    before = " or ";
  }
  text.put(", got ");
  ASSERT(visit.node.types != 0);
  return append_instance(visit.instance) && end_message(visit, "type");
}

// An enumeration is mostly a few strings; comparing with each is cheaper than a table.
bool SchemaCheck::check_values(const Visit& visit) {
  const SchemaNode& node = visit.node;
  const Value& value = visit.instance.value;
  bool good = node.types == 0 || is_of_types(node.types, value) || wrong_type(visit);
  if (node.constant && (good || !enough()) && !equal(machine_, *node.constant, value)) {
    good = wrong_value(visit, "const", "the value of const");
  }
  if (!node.enumeration || (!good && enough())) return good;
  for (const Value& allowed : *node.enumeration) {
    if (equal(machine_, allowed, value)) return good;
    if (!machine_.charge(1)) return false;
  }
  ASSERT(node.enumeration.has_value());
  return wrong_value(visit, "enum", "one of the values of enum");
}

// Compared and divided exactly, so that no bound is off by a rounding.
bool SchemaCheck::check_number(const Visit& visit) {
  const SchemaNode& node = visit.node;
  const Value number = decode_number(visit.instance.value);
  bool good = true;
  const auto demand = [&](const SchemaNumber& bound, bool holds, std::string_view keyword, std::string_view what) {
    ASSERT(bound.given);
    if (!holds && (good || !enough())) good = wrong_number(visit, keyword, what, bound.number);
  };
  const auto compared = [&](const SchemaNumber& bound) { return compare_numbers(number, bound.number); };
  if (node.minimum.given) demand(node.minimum, compared(node.minimum) >= 0, "minimum", "at least ");
  if (node.maximum.given) demand(node.maximum, compared(node.maximum) <= 0, "maximum", "at most ");
  if (node.above.given) demand(node.above, compared(node.above) > 0, "exclusiveMinimum", "more than ");
  if (node.below.given) demand(node.below, compared(node.below) < 0, "exclusiveMaximum", "less than ");
  if (node.multiple_of.given) {
    demand(node.multiple_of, is_multiple(number, node.multiple_of.number), "multipleOf", "a multiple of ");
  }
  return good;
}

// Lengths count code points, which costs a pass; it is made only where a bound asks.
bool SchemaCheck::check_string(const Visit& visit) {
  const SchemaNode& node = visit.node;
  std::string_view text;
  if (!text_of(machine_, visit.instance.value, text) || !machine_.charge(text.size() / kPassedPerStep))
    return false;
  bool good = true;
  if (node.least_length > 0 || node.most_length != kNoBound) {
    const uint64_t length = count_points(text);
    if (length < node.least_length)
      good = wrong_count(visit, "minLength", node.least_length, "characters", length);
    if (length > node.most_length) good = wrong_count(visit, "maxLength", node.most_length, "characters", length);
  }
  if (!good && enough()) return false;
  if (node.pattern != nullptr && !node.pattern->match(text, 0, nullptr, 0)) {
    good = wrong_pattern(visit);
  }
  ASSERT(good || !machine_.failed() || enough());
  if (!options_.formats || (!good && enough()) || has_format(node.format, text)) return good;
  return wrong_value(visit, "format", name_of(node.format));
}

bool SchemaCheck::wrong_pattern(const Visit& visit) {
  if (!begin_message()) return false;
  Output& text = machine_.text_output();
  text.put("expected a match of ");
  ASSERT(visit.node.pattern != nullptr);
  text.put(visit.node.pattern_source);
  text.put(", got ");
  return append_instance(visit.instance) && end_message(visit, "pattern");
}

}  // namespace colloquium::computo::ops
