// Operators over strings that need Unicode's tables (version 14, by utf8proc): letter case, normal forms, white
// space, words and what a reader takes for one character.
//
// Case mapping is Unicode's default, full one, independent of any language.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// unicode.cc
bool case_fold(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool capitalize(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool lower_case(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool normalize(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool reverse_string(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool trim_end(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool trim_start(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool upper_case(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_normal_form(std::span<const ConstantText> arguments);

// words.cc
enum class NameStyle : uint8_t { kCamel, kSnake, kKebab };
template <NameStyle kStyle>
bool name_case(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool words(Machine& machine, const Value* arguments, uint32_t count, Value& out);

}  // namespace ops

inline constexpr Operator kUnicodeLibrary[] = {
    native("camelCase", 1, 1, {"Strings", "text: string", "string", "type"}, "s",
           ops::name_case<ops::NameStyle::kCamel>,
           "The words of the string as one name, each but the first with a capital. A word ends before anything "
           "that is no letter, mark or number, between a small and a capital letter, and before the last of "
           "several capitals that a small letter follows.",
           R"(["camelCase","HTTP server_name"])", R"("httpServerName")"),
    native("capitalize", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::capitalize,
           "The string with its first character in title case; the rest stays as it is.",
           R"(["capitalize","élan vital"])", R"("Élan vital")"),
    native("caseFold", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::case_fold,
           "The string without distinctions of letter case, for comparing; by Unicode's full case folding.",
           R"(["caseFold","Straße"])", R"("strasse")"),
    native("kebabCase", 1, 1, {"Strings", "text: string", "string", "type"}, "s",
           ops::name_case<ops::NameStyle::kKebab>,
           "The words of the string, as camelCase finds them, small and with hyphens between.",
           R"(["kebabCase","getHTTPResponse2xx"])", R"("get-http-response2xx")"),
    native("lowerCase", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::lower_case,
           "The string in small letters; a capital sigma at the end of a word becomes ς.",
           R"(["lowerCase","ÀΣΑΣ"])", R"("àσας")"),
    native("normalize", 1, 2, {"Strings", "text: string, form?: string", "string", "type value"}, "s",
           ops::normalize,
           "The string in the normal form NFC, or in that the second operand names: NFC, NFD, NFKC or NFKD. "
           "Another name is an error of category value.",
           R"(["normalize","ﬁ","NFKC"])", R"("fi")", ops::check_normal_form),
    native("reverseString", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::reverse_string,
           "The string backwards, by what a reader takes for one character (grapheme clusters), so that accents "
           "stay where they belong.",
           R"(["reverseString","añb"])", R"("bña")"),
    native("snakeCase", 1, 1, {"Strings", "text: string", "string", "type"}, "s",
           ops::name_case<ops::NameStyle::kSnake>,
           "The words of the string, as camelCase finds them, small and with underscores between.",
           R"x(["snakeCase","orderId (new)"])x", R"("order_id_new")"),
    native("trimEnd", 1, 2, {"Strings", "text: string, characters?: string", "string", "type"}, "s", ops::trim_end,
           "The string without the white space of Unicode at its end, or without the characters of the second "
           "operand there.",
           R"(["trimEnd","1.500","0"])", R"("1.5")"),
    native("trimStart", 1, 2, {"Strings", "text: string, characters?: string", "string", "type"}, "s",
           ops::trim_start,
           "The string without the white space of Unicode at its beginning, or without the characters of the "
           "second operand there.",
           R"(["trimStart","//a/b","/"])", R"("a/b")"),
    native("upperCase", 1, 1, {"Strings", "text: string", "string", "type"}, "s", ops::upper_case,
           "The string in capital letters; some become several, as ß becomes SS.", R"(["upperCase","straße"])",
           R"("STRASSE")"),
    native("words", 1, 1, {"Strings", "text: string", "array of strings", "type"}, "s", ops::words,
           "The words of a text: what consists of letters, marks, numbers and apostrophes between letters.",
           R"(["words","Don't panic: 42 times!"])", R"(["Don't","panic","42","times"])"),
};

}  // namespace colloquium::computo
