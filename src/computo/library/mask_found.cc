// Masking of what can be recognised exactly.

#include <algorithm>
#include <arpa/inet.h>

#include "base/assert.h"
#include "computo/library/masks.h"
#include "computo/library/texts.h"
#include "computo/library/well_formed.h"

namespace colloquium::computo::ops {

namespace {

constexpr size_t kLeastCardDigits = 13;
constexpr size_t kMostCardDigits = 19;
constexpr size_t kShownCardDigits = 4;
constexpr size_t kMostLocalBytes = 64;
constexpr size_t kMostDomainBytes = 255;

// Doubles every second digit from the right, the check digit being the first.
bool has_check_digit(const char* digits, size_t count) {
  unsigned sum = 0;
  for (size_t i = 0; i < count; ++i) {
    const auto digit = static_cast<unsigned>(digits[count - 1 - i] - '0');
    const unsigned doubled = i % 2 == 0 ? digit : digit * 2;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  ASSERT(count > 0);
  return sum % 10 == 0;
}

// Beyond ASCII every byte counts as part of a word: digits beside letters of any script are no card number.
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0 || c == '_';
}

bool is_separator(char c) {
  return c == ' ' || c == '-';
}

// Where the longest card number that begins at `begin`, a digit, ends; 0 if none does.
size_t card_end(std::string_view text, size_t begin) {
  char digits[kMostCardDigits];
  size_t count = 0;
  size_t end = 0;
  ASSERT(is_digit(text[begin]));
  for (size_t i = begin; i < text.size() && count < kMostCardDigits; ++i) {
    if (is_separator(text[i]) && i + 1 < text.size() && is_digit(text[i + 1])) continue;
    if (!is_digit(text[i])) break;
    digits[count++] = text[i];
    const bool ends = i + 1 == text.size() || !is_word(text[i + 1]);
    if (ends && count >= kLeastCardDigits && has_check_digit(digits, count)) end = i + 1;
  }
  return end;
}

// Hides all but the last digits; what separates them stays.
// The last four digits are what is printed on receipts, and what people recognise a card by.
void append_card(Output& output, std::string_view card, std::string_view with) {
  auto hidden = static_cast<size_t>(std::count_if(card.begin(), card.end(), is_digit));
  ASSERT(hidden >= kLeastCardDigits);
  hidden -= kShownCardDigits;
  for (const char c : card) {
    if (is_digit(c) && hidden > 0) {
      output.put(with);
      --hidden;
    } else {
      output.put(c);
    }
  }
}

bool is_of_local(char c) {
  // Also what is beyond ASCII (RFC 6531): half an address masked would be worse than none.
  constexpr std::string_view kMarks = "!#$%&'*+-/=?^_`{|}~.";
  return (c & 0x80) != 0 || is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}

bool is_of_domain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.';
}

// The address around an @, which is no earlier than `from`; empty if there is none.
std::string_view email_around(std::string_view text, size_t at, size_t from) {
  size_t begin = at;
  while (begin > from && at - begin < kMostLocalBytes && is_of_local(text[begin - 1])) --begin;
  while (begin < at && is_continuation(text[begin])) ++begin;
  size_t end = at + 1;
  while (end < text.size() && end - at <= kMostDomainBytes && is_of_domain(text[end])) ++end;
  // Punctuation around an address in a sentence is none of it.
  while (begin < at && text[begin] == '.') ++begin;
  while (end > at + 1 && !is_word(text[end - 1])) --end;
  ASSERT(begin <= at && at < end);
  const std::string_view local = text.substr(begin, at - begin);
  const std::string_view domain = text.substr(at + 1, end - at - 1);
  const bool good = !local.empty() && local.back() != '.' && local.find("..") == std::string_view::npos &&
                    domain.find('.') != std::string_view::npos && is_mail_domain(domain);
  return good ? text.substr(begin, end - begin) : std::string_view();
}

// The operand that says what is put in place.
bool read_with(Machine& machine, const Value* arguments, uint32_t count, std::string_view& with) {
  ASSERT(!with.empty());
  return count < 2 || text_argument(machine, arguments, 1, with);
}

// Copies a text piece by piece; without any piece replaced, it is the operand itself.
class Replacing {
 public:
  Replacing(Machine& machine, std::string_view text) : machine_(machine), text_(text) {
    machine_.text_output().start(false);
  }
  // What is before `begin` is copied; what follows, up to `end`, the caller writes.
  Output& replace(size_t begin, size_t end) {
    ASSERT(copied_ <= begin && begin <= end);
    Output& output = machine_.text_output();
    output.put(text_.substr(copied_, begin - copied_));
    copied_ = end;
    return output;
  }
  bool finish(const Value& untouched, Value& out) {
    ASSERT(copied_ <= text_.size());
    out = untouched;
    if (copied_ == 0) return true;
    machine_.text_output().put(text_.substr(copied_));
    return check_output(machine_) && finish_text(machine_, out);
  }

 private:
  Machine& machine_;
  std::string_view text_;
  size_t copied_ = 0;
};

// Clears the bits from `kept` on.
void clear_tail(unsigned char* bytes, size_t size, uint64_t kept) {
  for (size_t i = 0; i < size; ++i) {
    const uint64_t bits = std::min<uint64_t>(kept > i * 8 ? kept - i * 8 : 0, 8);
    bytes[i] = static_cast<unsigned char>(bytes[i] & (0xff00u >> bits));
  }
  ASSERT(kept <= size * 8);
}

bool bits_argument(Machine& machine, const Value* arguments, uint32_t count, uint32_t i, int64_t most,
                   int64_t& bits) {
  if (count <= i) return true;
  if (!count_argument(machine, arguments, i, 0, bits)) return false;
  ASSERT(bits >= 0);
  return bits <= most ||
         machine.fail_argument(i, Category::kValue,
                               "expected at most " + std::to_string(most) + " bits, got " + std::to_string(bits));
}

}  // namespace

// Counts on from the right as it reads, so that a text of any length needs no memory.
bool luhn_valid(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 1);
  std::string_view text;
  if (!text_argument(machine, arguments, 0, text)) return false;
  unsigned sum = 0;
  size_t digits = 0;
  bool good = true;
  for (auto at = text.rbegin(); at != text.rend() && good; ++at) {
    good = is_digit(*at) || is_separator(*at);
    if (!is_digit(*at)) continue;
    const auto digit = static_cast<unsigned>(*at - '0');
    const unsigned doubled = digits++ % 2 == 0 ? digit : digit * 2;
    sum = (sum + (doubled > 9 ? doubled - 9 : doubled)) % 10;
  }
  out = bool_value(good && digits >= 2 && sum == 0);
  return true;
}

bool mask_cards(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  std::string_view with = "*";
  if (!text_argument(machine, arguments, 0, text) || !read_with(machine, arguments, count, with)) return false;
  Replacing result(machine, text);
  for (size_t i = 0; i < text.size();) {
    const bool starts = is_digit(text[i]) && (i == 0 || !is_word(text[i - 1]));
    const size_t end = starts ? card_end(text, i) : 0;
    if (starts && !machine.charge(1)) return false;
    if (end > 0) {
      append_card(result.replace(i, end), text.substr(i, end - i), with);
      if (!check_output(machine)) return false;
    }
    i = end > 0 ? end : i + 1;
  }
  return result.finish(arguments[0], out);
}

// Each @ is looked at once, a bounded way to both sides; addresses do not overlap.
bool mask_emails(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  std::string_view with = "***";
  if (!text_argument(machine, arguments, 0, text) || !read_with(machine, arguments, count, with)) return false;
  Replacing result(machine, text);
  size_t from = 0;
  for (size_t at = text.find('@'); at != std::string_view::npos; at = text.find('@', at + 1)) {
    if (!machine.charge(4)) return false;
    const std::string_view found = email_around(text, at, from);
    if (found.empty()) continue;
    const auto begin = static_cast<size_t>(found.data() - text.data());
    Output& output = result.replace(begin, at);
    const std::string_view first = found.substr(0, point_size(found));
    if (at - begin > first.size()) output.put(first);
    output.put(with);
    from = begin + found.size();
    if (!check_output(machine)) return false;
  }
  return result.finish(arguments[0], out);
}

// Written back in the shortest form, whatever it was written like.
bool mask_ip(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  int64_t bits4 = 24;
  int64_t bits6 = 48;
  if (!text_argument(machine, arguments, 0, text) || !bits_argument(machine, arguments, count, 1, 32, bits4) ||
      !bits_argument(machine, arguments, count, 2, 128, bits6)) {
    return false;
  }
  const int family = is_ipv4(text) ? AF_INET : AF_INET6;
  if (family == AF_INET6 && !is_ipv6(text)) return fail_value(machine, 0, "an IP address", text);
  char written[INET6_ADDRSTRLEN] = {};
  unsigned char bytes[16];
  std::copy(text.begin(), text.end(), written);
  ::inet_pton(family, written, bytes);
  if (family == AF_INET) {
    clear_tail(bytes, 4, static_cast<uint64_t>(bits4));
  } else {
    clear_tail(bytes, sizeof bytes, static_cast<uint64_t>(bits6));
  }
  ::inet_ntop(family, bytes, written, sizeof written);
  return copied_text(machine, written, out);
}

}  // namespace colloquium::computo::ops
