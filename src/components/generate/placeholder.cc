#include "components/generate/placeholder.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include "base/assert.h"
#include "computo/timestamp.h"
#include "json/writer.h"

namespace colloquium::components {

enum class Placeholder::Kind : uint8_t {
  kNumber,
  kInt,
  kFloat,
  kBool,
  kPick,
  kUuid,
  kHex,
  kWords,
  kFirstName,
  kLastName,
  kName,
  kEmail,
  kCity,
  kCountry,
  kIpv4,
  kTime,
  kTimeMs,
};

struct Placeholder::Form {
  std::string_view name;
  Kind kind;
  std::string_view usage;
  size_t least;  // words behind the name
  size_t most;
};

namespace {

constexpr std::array<std::string_view, 32> kWordList = {
    "amber",  "basket", "candle", "delta",  "ember",  "forest", "garden", "harbor", "island", "jungle", "kettle",
    "ladder", "meadow", "needle", "orange", "pepper", "quartz", "river",  "silver", "timber", "urban",  "velvet",
    "window", "yellow", "zephyr", "anchor", "bridge", "copper", "dragon", "engine", "falcon", "glacier"};
constexpr std::array<std::string_view, 20> kFirstNames = {
    "Ada",   "Ben",  "Carla", "David", "Emma", "Farid", "Grace", "Hugo",  "Ines", "Jonas",
    "Kemal", "Lena", "Mara",  "Nils",  "Olga", "Pablo", "Rosa",  "Samir", "Tara", "Yuki"};
constexpr std::array<std::string_view, 20> kLastNames = {
    "Adams",    "Baker", "Costa", "Diaz",   "Evans",  "Fischer", "Garcia", "Hansen", "Ivanov", "Jensen",
    "Kowalski", "Lopez", "Meyer", "Nguyen", "Okafor", "Patel",   "Rossi",  "Smith",  "Tanaka", "Weber"};
constexpr std::array<std::string_view, 16> kCities = {
    "Amsterdam", "Berlin",  "Chicago", "Delhi",  "Edinburgh", "Florence", "Geneva", "Helsinki",
    "Istanbul",  "Jakarta", "Kyoto",   "Lisbon", "Madrid",    "Nairobi",  "Oslo",   "Paris"};
constexpr std::array<std::string_view, 12> kCountries = {"BR", "CA", "DE", "ES", "FI", "FR",
                                                         "GB", "IN", "JP", "KE", "PT", "US"};
__extension__ typedef unsigned __int128 Product;

constexpr size_t kMostDecimals = 9;
constexpr uint64_t kMostDigits = 256;
constexpr uint64_t kMostWords = 1000;

template <size_t n>
std::string_view any_of(const std::array<std::string_view, n>& list, Draws& draws) {
  return list[draws.below(n)];
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number number{};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

template <class Number>
void append_number(Number number, std::string& out) {
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, number).ptr;
  out.append(text, end);
}

void append_fixed(double number, int decimals, std::string& out) {
  char text[360];  // the largest double has 309 digits
  const auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::fixed, decimals).ptr;
  out.append(text, end);
}

void append_hex(uint64_t digits, Draws& draws, std::string& out) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < digits; ++i, bits >>= 4) {
    if (i % 16 == 0) bits = draws.next();
    out += "0123456789abcdef"[bits & 15];
  }
}

// Version 4, RFC 9562.
void append_uuid(Draws& draws, std::string& out) {
  const size_t begin = out.size();
  append_hex(32, draws, out);
  out[begin + 12] = '4';
  out[begin + 16] = "89ab"[draws.below(4)];
  for (const size_t at : {20, 16, 12, 8}) out.insert(begin + at, 1, '-');
}

void append_words(uint64_t count, Draws& draws, std::string& out) {
  for (uint64_t i = 0; i < count; ++i) {
    if (i > 0) out += ' ';
    out += any_of(kWordList, draws);
  }
}

void append_lower(std::string_view text, std::string& out) {
  for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void append_email(Draws& draws, std::string& out) {
  append_lower(any_of(kFirstNames, draws), out);
  out += '.';
  append_lower(any_of(kLastNames, draws), out);
  append_number(draws.below(100), out);
  out += "@example.org";
}

// Of 10.0.0.0/8, so that nobody is meant.
void append_ipv4(Draws& draws, std::string& out) {
  out += "10";
  for (int i = 0; i < 3; ++i) {
    out += '.';
    append_number(draws.below(256), out);
  }
}

void append_time(int64_t time_ms, std::string& out) {
  char text[computo::kTimestampBytes];
  computo::format_timestamp(time_ms, text);
  out.append(text, sizeof text);
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (size_t end = 0; end != text.npos;) {
    end = text.find(at);
    parts.push_back(trimmed(text.substr(0, end)));
    if (end != text.npos) text.remove_prefix(end + 1);
  }
  return parts;
}

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words = split(text, ' ');
  std::erase(words, std::string_view());
  return words;
}

std::string escaped(std::string_view text) {
  std::vector<char> bytes;
  json::Writer writer(bytes, nullptr);
  writer.string(text);
  return {bytes.begin() + 1, bytes.end() - 1};
}

}  // namespace

Draws::Draws(uint64_t seed, uint64_t event) : state_(seed * 0xD1B54A32D192ED03 + event * 0x8CB92BA72F3D8DD7) {
  next();  // neighbours begin close together; one round sets them apart
}

// Sebastiano Vigna's splitmix64, public domain.
uint64_t Draws::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

uint64_t Draws::below(uint64_t bound) {
  ASSERT(bound > 0);
  // The upper half of the product; uneven by less than bound / 2^64.
  return static_cast<uint64_t>((static_cast<Product>(next()) * bound) >> 64);
}

double Draws::unit() {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

const Placeholder::Form* Placeholder::find(std::string_view name) {
  static constexpr std::array<Form, 17> kForms = {{{"n", Kind::kNumber, "n", 0, 0},
                                                   {"int", Kind::kInt, "int MIN MAX", 2, 2},
                                                   {"float", Kind::kFloat, "float MIN MAX [DECIMALS]", 2, 3},
                                                   {"bool", Kind::kBool, "bool [PERCENT]", 0, 1},
                                                   {"pick", Kind::kPick, "pick A|B|C", 1, 1},
                                                   {"uuid", Kind::kUuid, "uuid", 0, 0},
                                                   {"hex", Kind::kHex, "hex DIGITS", 1, 1},
                                                   {"words", Kind::kWords, "words [COUNT]", 0, 1},
                                                   {"first_name", Kind::kFirstName, "first_name", 0, 0},
                                                   {"last_name", Kind::kLastName, "last_name", 0, 0},
                                                   {"name", Kind::kName, "name", 0, 0},
                                                   {"email", Kind::kEmail, "email", 0, 0},
                                                   {"city", Kind::kCity, "city", 0, 0},
                                                   {"country", Kind::kCountry, "country", 0, 0},
                                                   {"ipv4", Kind::kIpv4, "ipv4", 0, 0},
                                                   {"time", Kind::kTime, "time", 0, 0},
                                                   {"time_ms", Kind::kTimeMs, "time_ms", 0, 0}}};
  for (const Form& form : kForms) {
    if (form.name == name) return &form;
  }
  return nullptr;
}

Result<Placeholder> Placeholder::parse(std::string_view text) {
  text = trimmed(text);
  const std::string_view name = text.substr(0, text.find(' '));
  const Form* form = find(name);
  if (form == nullptr) {
    return fail(
        ErrorCode::kInvalidConfig,
        "there is no placeholder {{" + std::string(name) +
            "}}; there are n, int, float, bool, pick, uuid, hex, words, first_name, last_name, name, email, "
            "city, country, ipv4, time, time_ms");
  }
  Placeholder made;
  made.kind_ = form->kind;
  TRY(made.take_arguments(*form, trimmed(text.substr(name.size()))));
  return made;
}

Status Placeholder::take_arguments(const Form& form, std::string_view rest) {
  if (kind_ == Kind::kPick) return take_options(rest);
  const std::vector<std::string_view> words = words_of(rest);
  const bool fits = words.size() >= form.least && words.size() <= form.most;
  Status taken = !fits ? Status(fail(ErrorCode::kInvalidConfig, "")) : take_numbers(form, words);
  if (taken) return {};
  return fail(ErrorCode::kInvalidConfig, "'" + std::string(form.name) + (rest.empty() ? "" : " ") +
                                             std::string(rest) + "' is not what this placeholder takes: {{" +
                                             std::string(form.usage) + "}}");
}

Status Placeholder::take_options(std::string_view rest) {
  for (const std::string_view option : split(rest, '|')) options_.push_back(escaped(option));
  if (rest.empty()) return fail(ErrorCode::kInvalidConfig, "{{pick A|B|C}} needs something to pick from");
  return {};
}

Status Placeholder::take_float(const std::vector<std::string_view>& words) {
  const auto bad = [] { return fail(ErrorCode::kInvalidConfig, ""); };
  const auto from = number_in<double>(words[0]), to = number_in<double>(words[1]);
  const auto decimals = words.size() > 2 ? number_in<uint64_t>(words[2]) : std::optional<uint64_t>(2);
  if (!from || !to || !decimals || *decimals > kMostDecimals) return bad();
  from_ = *from;
  width_ = *to - *from;
  decimals_ = static_cast<int>(*decimals);
  if (!(width_ >= 0) || !std::isfinite(from_) || !std::isfinite(width_)) return bad();
  return {};
}

Status Placeholder::take_numbers(const Form& form, const std::vector<std::string_view>& words) {
  const auto bad = [] { return fail(ErrorCode::kInvalidConfig, ""); };
  if (form.kind == Kind::kFloat) return take_float(words);
  span_ = form.kind == Kind::kBool ? 50 : 1;
  if (words.empty()) return {};
  if (form.kind == Kind::kInt) {
    const auto low = number_in<int64_t>(words[0]), high = number_in<int64_t>(words[1]);
    if (!low || !high || *low > *high) return bad();
    low_ = *low;
    span_ = static_cast<uint64_t>(*high) - static_cast<uint64_t>(*low) + 1;
    return {};
  }
  const auto count = number_in<uint64_t>(words[0]);
  const uint64_t most = form.kind == Kind::kBool ? 100 : form.kind == Kind::kHex ? kMostDigits : kMostWords;
  if (!count || *count > most || (*count == 0 && form.kind != Kind::kBool)) return bad();
  span_ = *count;
  return {};
}

bool Placeholder::is_text() const {
  return kind_ != Kind::kNumber && kind_ != Kind::kInt && kind_ != Kind::kFloat && kind_ != Kind::kBool &&
         kind_ != Kind::kTimeMs;
}

void Placeholder::append(const EventMoment& event, Draws& draws, std::string& out) const {
  switch (kind_) {
    case Kind::kNumber:
      return append_number(event.number, out);
    case Kind::kInt:
      return append_number(
          static_cast<int64_t>(static_cast<uint64_t>(low_) + (span_ == 0 ? draws.next() : draws.below(span_))),
          out);
    case Kind::kFloat:
      return append_fixed(from_ + width_ * draws.unit(), decimals_, out);
    case Kind::kBool:
      out += draws.below(100) < span_ ? "true" : "false";
      return;
    case Kind::kPick:
      out += options_[draws.below(options_.size())];
      return;
    case Kind::kUuid:
      return append_uuid(draws, out);
    case Kind::kHex:
      return append_hex(span_, draws, out);
    case Kind::kWords:
      return append_words(span_, draws, out);
    case Kind::kFirstName:
      out += any_of(kFirstNames, draws);
      return;
    case Kind::kLastName:
      out += any_of(kLastNames, draws);
      return;
    case Kind::kName:
      out += any_of(kFirstNames, draws);
      out += ' ';
      out += any_of(kLastNames, draws);
      return;
    case Kind::kEmail:
      return append_email(draws, out);
    case Kind::kCity:
      out += any_of(kCities, draws);
      return;
    case Kind::kCountry:
      out += any_of(kCountries, draws);
      return;
    case Kind::kIpv4:
      return append_ipv4(draws, out);
    case Kind::kTime:
      return append_time(event.time_ms, out);
    case Kind::kTimeMs:
      return append_number(event.time_ms, out);
  }
}

}  // namespace colloquium::components
