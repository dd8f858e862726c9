// Operators between text and its encodings: base64, hexadecimal, percent signs, HTML.
//
// Text is UTF-8; what decodes to bytes that are none is an error of category value, like what is not well encoded.
#pragma once

#include "computo/ops.h"

namespace colloquium::computo {

namespace ops {

// encoding.cc
bool base64_decode(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool base64_encode(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool hex_decode(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool hex_encode(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool html_escape(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_alphabet(std::span<const ConstantText> arguments);

// urls.cc
bool format_query(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_query(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_url(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool url_decode(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool url_encode(Machine& machine, const Value* arguments, uint32_t count, Value& out);

// records.cc
bool format_csv_line(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_csv_line(Machine& machine, const Value* arguments, uint32_t count, Value& out);
bool parse_key_value(Machine& machine, const Value* arguments, uint32_t count, Value& out);
std::string check_csv_line(std::span<const ConstantText> arguments);
std::string check_key_value(std::span<const ConstantText> arguments);

}  // namespace ops

inline constexpr Operator kEncodingLibrary[] = {
    native("base64Decode", 1, 1, {"Encoding", "text: string", "string", "type value"}, "s", ops::base64_decode,
           "The text that a string in base64 stands for, in the standard or the URL alphabet, padded or not. "
           "What is no base64, or decodes to what is no UTF-8, is an error of category value.",
           R"(["base64Decode","Wm/Dqw=="])", R"("Zoë")"),
    native("base64Encode", 1, 2, {"Encoding", "text: string, alphabet?: string", "string", "type value"}, "s",
           ops::base64_encode,
           "The string's bytes in base64, padded; with the second operand \"url\" in the URL alphabet without "
           "padding.",
           R"(["base64Encode","Zoë"])", R"("Wm/Dqw==")", ops::check_alphabet),
    native("formatCsvLine", 1, 2, {"Encoding", "fields: array, separator?: string", "string", "type value"}, "as",
           ops::format_csv_line,
           "The elements as one line of CSV without its end, null as nothing; text with the separator, a quote "
           "or a line break is quoted. The second operand is the separator in place of the comma, one ASCII "
           "character.",
           R"(["formatCsvLine",[1,"a,b",null,"say \"x\""]])", R"x("1,\"a,b\",,\"say \"\"x\"\"\"")x",
           ops::check_csv_line),
    native("formatQuery", 1, 1, {"Encoding", "parameters: object", "string", "type"}, "o", ops::format_query,
           "The members as a query, key=value&…, in byte order of the keys and percent-encoded; a key is "
           "repeated for each element of an array, and left out if its value is null.",
           R"(["formatQuery",{"q":"a b","page":2,"tag":["x","y"]}])", R"("page=2&q=a%20b&tag=x&tag=y")"),
    native("hexDecode", 1, 1, {"Encoding", "text: string", "string", "type value"}, "s", ops::hex_decode,
           "The text whose bytes a string says in hexadecimal, in small or capital letters. What is no such "
           "text, or no UTF-8, is an error of category value.",
           R"(["hexDecode","5A6FC3ab"])", R"("Zoë")"),
    native("hexEncode", 1, 1, {"Encoding", "text: string", "string", "type"}, "s", ops::hex_encode,
           "The string's bytes in hexadecimal, small letters.", R"(["hexEncode","Zoë"])", R"("5a6fc3ab")"),
    native("htmlEscape", 1, 1, {"Encoding", "text: string", "string", "type"}, "s", ops::html_escape,
           "The string with &, <, >, \" and ' as references, so that it is text in HTML and in its attributes.",
           R"(["htmlEscape","<a href='x'>"])", R"("&lt;a href=&#39;x&#39;&gt;")"),
    native("parseCsvLine", 1, 2,
           {"Encoding", "line: string, separator?: string", "array of strings", "type value"}, "ss",
           ops::parse_csv_line,
           "The fields of one line of CSV (RFC 4180) as strings; one line end behind it is left out, one outside "
           "quotes anywhere else is an error of category value, and so is a quote that is not closed or stands "
           "inside a field. The second operand is the separator in place of the comma, one ASCII character.",
           R"(["parseCsvLine","1,\"a, \"\"b\"\"\",,x"])", R"(["1","a, \"b\"","","x"])", ops::check_csv_line),
    native("parseKeyValue", 1, 3,
           {"Encoding", "line: string, pair separator?: string, key separator?: string", "object", "type value"},
           "s", ops::parse_key_value,
           "An object of the pairs key=value in a line (logfmt), separated by white space; a value may stand in "
           "double quotes, with backslash before a quote or backslash and \\n, \\t for line break and tab. A key "
           "without a value is true; of equal keys the last wins. The second operand separates pairs, the third "
           "key from value. A quote that is not closed, and an empty key, are errors of category value.",
           R"(["parseKeyValue","level=info msg=\"all well\" dry_run"])",
           R"({"dry_run":true,"level":"info","msg":"all well"})", ops::check_key_value),
    native("parseQuery", 1, 1, {"Encoding", "text: string", "object", "type value"}, "s", ops::parse_query,
           "The pairs of a URL's query as an object of strings, decoded, a plus sign being a space; a question "
           "mark before them is left out. A key that comes several times has an array of its values.",
           R"(["parseQuery","?q=a+b&tag=x&tag=%C3%AB&flag"])", R"({"flag":"","q":"a b","tag":["x","ë"]})"),
    native("parseUrl", 1, 1, {"Encoding", "url: string", "object", "type value"}, "s", ops::parse_url,
           "The parts of an absolute URL, as far as it has them, as they are spelled: scheme, user, password, "
           "host, port (a number), path, query, fragment. Scheme and host are in small letters, an IPv6 address "
           "is without brackets. What is no URL is an error of category value.",
           R"(["parseUrl","https://Example.org:8443/a/b?x=1#top"])",
           R"({"fragment":"top","host":"example.org","path":"/a/b","port":8443,"query":"x=1","scheme":"https"})"),
    native("urlDecode", 1, 1, {"Encoding", "text: string", "string", "type value"}, "s", ops::url_decode,
           "The string with each percent sign and two hexadecimal digits replaced by the byte they say. A "
           "percent sign without them, and what is no UTF-8 then, are errors of category value.",
           R"(["urlDecode","a%20b%2Fc+"])", R"("a b/c+")"),
    native("urlEncode", 1, 1, {"Encoding", "text: string", "string", "type"}, "s", ops::url_encode,
           "The string with every byte but ASCII letters, digits, and -._~ as a percent sign and two hexadecimal "
           "digits.",
           R"(["urlEncode","a b/ë"])", R"("a%20b%2F%C3%AB")"),
};

}  // namespace colloquium::computo
