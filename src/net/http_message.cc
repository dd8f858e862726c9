#include "net/http_message.h"

#include <algorithm>
#include <array>
#include <simdjson.h>

namespace colloquium::net {
namespace {

constexpr std::array<std::string_view, 8> kMethodNames = {"GET",   "HEAD",   "POST",    "PUT",
                                                          "PATCH", "DELETE", "OPTIONS", "(other)"};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Length of the valid UTF-8 sequence at text[i], or 0. RFC 3629: no overlong forms, no surrogates, no more
// than U+10FFFF.
size_t utf8_length(std::string_view text, size_t i) {
  const auto at = [&](size_t k) { return k < text.size() ? static_cast<unsigned char>(text[k]) : 0u; };
  const auto continues = [&](size_t k) { return (at(k) & 0xC0u) == 0x80u; };
  const unsigned first = at(i);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(i + 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(i + 1) || !continues(i + 2)) return 0;
    const bool bad = (first == 0xE0 && at(i + 1) < 0xA0) || (first == 0xED && at(i + 1) > 0x9F);
    return bad ? 0 : 3;
  }
  if (first < 0xF0 || first > 0xF4 || !continues(i + 1) || !continues(i + 2) || !continues(i + 3)) return 0;
  const bool bad = (first == 0xF0 && at(i + 1) < 0x90) || (first == 0xF4 && at(i + 1) > 0x8F);
  return bad ? 0 : 4;
}

void append_escaped(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out += '\\';
    out += c;
  } else if (byte < 0x20) {
    out += "\\u00";
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  } else {
    out += c;
  }
}

}  // namespace

std::string_view to_string(Method method) {
  return kMethodNames[static_cast<size_t>(method)];
}

Method to_method(std::string_view name) {
  const auto found = std::find(kMethodNames.begin(), kMethodNames.end() - 1, name);
  return static_cast<Method>(found - kMethodNames.begin());
}

std::string MethodSet::allow() const {
  std::string out;
  const auto add = [&](std::string_view name) {
    if (!out.empty()) out += ", ";
    out += name;
  };
  for (size_t i = 0; i + 1 < kMethodNames.size(); ++i) {
    const auto method = static_cast<Method>(i);
    const bool implied = method == Method::kOptions || (method == Method::kHead && contains(Method::kGet));
    if (contains(method) || implied) add(kMethodNames[i]);
  }
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<std::string_view> RequestHead::find(std::string_view name) const {
  for (const HeaderField& field : headers) {
    if (equals_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  const size_t last = content_type.find_last_not_of(" \t");
  return last == std::string_view::npos ? std::string_view{} : content_type.substr(0, last + 1);
}

Problem&& Problem::member(std::string name, int64_t value) && {
  members.emplace_back(std::move(name), std::to_string(value));
  return std::move(*this);
}

Problem&& Problem::header(std::string name, std::string value) && {
  headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

Problem&& Problem::retry_after(int64_t ms) && {
  const int64_t seconds = std::max<int64_t>(1, (ms + 999) / 1000);
  return std::move(*this).header("Retry-After", std::to_string(seconds)).member("retry_after_ms", ms);
}

std::string Problem::to_json() const {
  // "about:blank" is RFC 9457's way to say that the title is the status's own.
  std::string out = R"({"type":"about:blank","title":)";
  append_json_string(out, status_text(status));
  out += ",\"status\":" + std::to_string(status);
  if (!detail.empty()) {
    out += ",\"detail\":";
    append_json_string(out, detail);
  }
  for (const auto& [name, json] : members) {
    out += ',';
    append_json_string(out, name);
    out += ':';
    out += json;
  }
  out += "}\n";
  return out;
}

std::string_view status_text(int status) {
  struct Entry {
    int status;
    std::string_view text;
  };
  static constexpr Entry kTexts[] = {
      {200, "OK"},
      {100, "Continue"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {304, "Not Modified"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {411, "Length Required"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {426, "Upgrade Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  for (const Entry& entry : kTexts) {
    if (entry.status == status) return entry.text;
  }
  return "Unknown";
}

bool is_utf8(std::string_view text) {
  return simdjson::validate_utf8(text.data(), text.size());
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (size_t i = 0; i < text.size();) {
    const size_t length = utf8_length(text, i);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
    } else if (length == 1) {
      append_escaped(out, text[i++]);
    } else {
      out += text.substr(i, length);
      i += length;
    }
  }
  out += '"';
}

bool is_header_name(std::string_view name) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    const char letter = lower(c);
    return (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z') || kMarks.find(c) != kMarks.npos;
  });
}

bool is_header_value(std::string_view value) {
  return std::all_of(value.begin(), value.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte >= 0x20 && byte != 0x7f) || c == '\t';
  });
}

}  // namespace colloquium::net
