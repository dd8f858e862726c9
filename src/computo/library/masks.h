// Operators that make text unreadable where it tells about people: characters, matches, and what can be found
// exactly (e-mail addresses, card numbers, IP addresses).
//
// What is masked is counted in code points. A result without anything masked is the operand itself.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// masks.cc
bool mask(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool mask_matches(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// mask_found.cc
bool luhn_valid(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool mask_cards(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool mask_emails(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool mask_ip(Machine& machine, const Value* arguments, uint32_t count, Value& out);

std::string check_regex(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kMaskLibrary[] = {
    native(
        "luhnValid", 1, 1, {"Masking", "text: string", "boolean", "type"}, "s", ops::luhn_valid,
        "True if the string is digits, of which the last is the check digit of the others (ISO/IEC 7812); spaces "
        "and hyphens between them do not count. False for fewer than two digits or anything else.",
        R"([["luhnValid","4111 1111 1111 1111"],["luhnValid","4111 1111 1111 1112"]])", "[true,false]"),
    native(
        "mask", 1, 4,
        {"Masking", "text: string, keep start?: integer, keep end?: integer, character?: string", "string",
         "type value"},
        "siis", ops::mask,
        "The string with every character replaced by an asterisk or the fourth operand, except for as many at its "
        "start as the second operand says and at its end as the third; all are replaced if the string is not "
        "longer than what would be kept.",
        R"([["mask","secret"],["mask","NO9386011117947",2,4],["mask","abc",2,1]])",
        R"(["******","NO*********7947","***"])"),
    native(
        "maskCards", 1, 2, {"Masking", "text: string, character?: string", "string", "type"}, "ss",
        ops::mask_cards,
        "The string with each payment card's number masked except for its last four digits: 13 to 19 digits of "
        "which luhnValid is true, also in groups with single spaces or hyphens between. Digits beside letters or "
        "further digits are none.",
        R"(["maskCards","paid by 4111 1111 1111 1111, order 4111111111111112"])",
        R"("paid by **** **** **** 1111, order 4111111111111112")"),
    native(
        "maskEmails", 1, 2, {"Masking", "text: string, mask?: string", "string", "type"}, "ss", ops::mask_emails,
        "The string with the part before the @ of each e-mail address replaced by its first character and three "
        "asterisks, or the second operand; only by the latter if it is one character. An address has letters, "
        "digits and the marks of RFC 5321 before the @, and a domain with a dot.",
        R"(["maskEmails","from jane.doe@example.org to b@example.com"])",
        R"("from j***@example.org to ***@example.com")"),
    native("maskIp", 1, 3,
           {"Masking", "address: string, bits of IPv4?: integer, bits of IPv6?: integer", "string", "type value"},
           "sii", ops::mask_ip,
           "The IP address with only its first bits, as many as the second operand says of IPv4 (24) and the "
           "third of IPv6 (48), the others zero. What is no address is an error of category value.",
           R"([["maskIp","203.0.113.77"],["maskIp","2001:db8:1:2::3"]])", R"(["203.0.113.0","2001:db8:1::"])"),
    native(
        "maskMatches", 2, 5,
        {"Masking", "text: string, pattern: string, keep start?: integer, keep end?: integer, character?: string",
         "string", "type value"},
        "ssiis", ops::mask_matches,
        "The string with each match of a regular expression masked; the operands from the third on are those of "
        "mask from the second on, for each match.",
        R"(["maskMatches","key=abcdef id=7","[a-z]{4,}",1,1])", R"("key=a****f id=7")", ops::check_regex),
};

}  // namespace colloquium::computo
