#include "computo/library/well_formed.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

#include "base/assert.h"
#include "computo/library/bytes.h"
#include "computo/library/instants.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr size_t kDateBytes = 10;
// RFC 5321, section 4.5.3.1.
constexpr size_t kMostLocalBytes = 64;
constexpr size_t kMostDomainBytes = 255;
constexpr size_t kMostLabelBytes = 63;

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_letter_or_digit(char c) {
  return is_letter(c) || is_digit(c);
}

// Whether all of the text between dots, none of it empty, satisfies the condition.
template <class Condition>
bool every_part(std::string_view text, const Condition& condition) {
  size_t end = 0;
  for (; end != std::string_view::npos; text.remove_prefix(std::min(end + 1, text.size()))) {
    end = text.find('.');
    ASSERT(end == std::string_view::npos || end < text.size());
    const std::string_view part = text.substr(0, end);
    if (part.empty() || !condition(part)) return false;
  }
  return true;
}

// inet_pton wants an end of the text, and knows no zones and no leading zeros.
bool is_address(int family, std::string_view text) {
  char terminated[INET6_ADDRSTRLEN] = {};
  unsigned char bytes[16];
  ASSERT(family == AF_INET || family == AF_INET6);
  if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos) return false;
  std::copy(text.begin(), text.end(), terminated);
  return ::inet_pton(family, terminated, bytes) == 1;
}

bool is_label(std::string_view label) {
  ASSERT(!label.empty());
  return label.size() <= kMostLabelBytes && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), [](char c) { return is_letter_or_digit(c) || c == '-'; });
}

bool is_atom(std::string_view text) {
  constexpr std::string_view kSpecial = "!#$%&'*+-/=?^_`{|}~";
  return std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_letter_or_digit(c) || kSpecial.find(c) != std::string_view::npos; });
}

// What is between the quotes: printable, quotes and backslashes only behind a backslash.
bool is_quoted(std::string_view text) {
  ASSERT(text.front() == '"');
  if (text.size() < 2 || text.back() != '"') return false;
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    if (i >= text.size() || text[i] < ' ' || text[i] > '~') return false;
    if (text[i] == '"' && text[i - 1] != '\\') return false;
  }
  return true;
}

// Characters of RFC 3986 that may stand in a component, and whole escapes.
bool is_of(std::string_view text, std::string_view allowed) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      char byte;
      if (i + 2 >= text.size() || !hex_byte(text.data() + i + 1, byte)) return false;
      i += 2;
    } else if (!is_letter_or_digit(text[i]) && allowed.find(text[i]) == std::string_view::npos) {
      return false;
    }
  }
  ASSERT(!allowed.empty());
  return true;
}

// user@host:port, the host being a name, an IPv4 address or an IPv6 address in brackets.
bool is_authority(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    if (!is_of(text.substr(0, at), "-._~!$&'()*+,;=:")) return false;
    text.remove_prefix(at + 1);
  }
  size_t host_end = std::min(text.rfind(':'), text.size());
  if (text.starts_with('[')) {
    const size_t closing = text.find(']');
    if (closing == std::string_view::npos || !is_ipv6(text.substr(1, closing - 1))) return false;
    host_end = closing + 1;
  } else if (!is_of(text.substr(0, host_end), "-._~!$&'()*+,;=")) {
    return false;
  }
  ASSERT(host_end <= text.size());
  const std::string_view port = text.substr(host_end);
  return port.empty() || (port[0] == ':' && std::all_of(port.begin() + 1, port.end(), is_digit));
}

// Takes what follows the first `mark` off the text; an empty text if there is none.
std::string_view take_behind(std::string_view& text, char mark) {
  const size_t at = std::min(text.find(mark), text.size());
  const std::string_view behind = text.substr(std::min(at + 1, text.size()));
  text = text.substr(0, at);
  ASSERT(text.find(mark) == std::string_view::npos);
  return behind;
}

}  // namespace

bool is_rfc3339_date(std::string_view text) {
  if (text.size() != kDateBytes || text[4] != '-' || text[7] != '-') return false;
  const auto number = [&](size_t at, size_t digits) {
    int value = 0;
    for (size_t i = at; i < at + digits; ++i)
      value = is_digit(text[i]) && value >= 0 ? value * 10 + text[i] - '0' : -1;
    return value;
  };
  const int year = number(0, 4);
  const int month = number(5, 2);
  const int day = number(8, 2);
  ASSERT(year < 10000);
  return year >= 0 && month > 0 && day > 0 &&
         is_date(year, static_cast<uint32_t>(month), static_cast<uint32_t>(day));
}

// Any day will do to read a time: a second 60 is one before midnight UTC.
bool is_rfc3339_time(std::string_view text) {
  constexpr std::string_view kDay = "1998-12-31T";
  constexpr size_t kMostBytes = 64;
  char whole[kMostBytes];
  if (text.size() + kDay.size() > kMostBytes) return false;
  std::copy(kDay.begin(), kDay.end(), whole);
  std::copy(text.begin(), text.end(), whole + kDay.size());
  ASSERT(kDay.size() == kDateBytes + 1);
  return read_instant({whole, kDay.size() + text.size()}).has_value();
}

bool is_rfc3339_date_time(std::string_view text) {
  return text.size() > kDateBytes && (text[kDateBytes] == 'T' || text[kDateBytes] == 't') &&
         read_instant(text).has_value();
}

bool is_mail_domain(std::string_view text) {
  if (text.empty() || text.size() > kMostDomainBytes) return false;
  if (text.front() != '[') return every_part(text, is_label);
  if (text.back() != ']') return false;
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view kVersion6 = "IPv6:";
  ASSERT(text.size() < kMostDomainBytes);
  return text.starts_with(kVersion6) ? is_ipv6(text.substr(kVersion6.size())) : is_ipv4(text);
}

// The last @ separates: earlier ones can only stand between quotes.
bool is_email(std::string_view text) {
  const size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > kMostLocalBytes) return false;
  const std::string_view local = text.substr(0, at);
  ASSERT(!local.empty());
  return is_mail_domain(text.substr(at + 1)) && (local[0] == '"' ? is_quoted(local) : every_part(local, is_atom));
}

// Taken apart from the end, as the fragment may hold what begins a query, and both what begins a path.
bool is_uri(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text[0])) return false;
  const std::string_view scheme = text.substr(0, colon);
  const auto of_scheme = [](char c) { return is_letter_or_digit(c) || c == '+' || c == '-' || c == '.'; };
  if (!std::all_of(scheme.begin(), scheme.end(), of_scheme)) return false;
  text.remove_prefix(colon + 1);
  constexpr std::string_view kTail = "-._~!$&'()*+,;=:@/?";
  ASSERT(text.data() != nullptr);
  if (!is_of(take_behind(text, '#'), kTail) || !is_of(take_behind(text, '?'), kTail)) return false;
  if (text.starts_with("//")) {
    const size_t path = std::min(text.find('/', 2), text.size());
    if (!is_authority(text.substr(2, path - 2))) return false;
    text.remove_prefix(path);
  }
  return is_of(text, "-._~!$&'()*+,;=:@/");
}

bool is_ipv4(std::string_view text) {
  return is_address(AF_INET, text);
}

bool is_ipv6(std::string_view text) {
  return is_address(AF_INET6, text);
}

bool is_uuid(std::string_view text) {
  constexpr std::string_view kShape = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
  if (text.size() != kShape.size()) return false;
  ASSERT(kShape.size() == 36);
  for (size_t i = 0; i < text.size(); ++i) {
    if (kShape[i] == '-' ? text[i] != '-' : hex_digit(text[i]) < 0) return false;
  }
  return true;
}

}  // namespace colloquium::computo::ops
