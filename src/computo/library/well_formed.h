// Texts that a standard says the form of: whether they have it.
//
// Thread safety: functions.
#pragma once

#include <string_view>

namespace colloquium::computo::ops {

// RFC 3339: "2026-03-01", "17:45:00.5+01:00", and both with a T between; the letters may be small.
bool is_rfc3339_date(std::string_view text);
bool is_rfc3339_time(std::string_view text);
bool is_rfc3339_date_time(std::string_view text);

// A mailbox of RFC 5321: a dotted or quoted local part, and a domain or an address in brackets. ASCII only.
bool is_email(std::string_view text);
// What may stand behind the @.
bool is_mail_domain(std::string_view text);

// RFC 3986, with a scheme.
bool is_uri(std::string_view text);

// Dotted decimals without leading zeros; RFC 4291 without a zone.
bool is_ipv4(std::string_view text);
bool is_ipv6(std::string_view text);

// RFC 4122: 8-4-4-4-12 hexadecimal digits.
bool is_uuid(std::string_view text);

}  // namespace colloquium::computo::ops
