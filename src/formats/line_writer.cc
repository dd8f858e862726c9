#include "formats/line_writer.h"

#include <cstring>

namespace colloquium::formats {
namespace {

bool has_line_break(std::string_view text) {
  return !text.empty() && (std::memchr(text.data(), '\n', text.size()) != nullptr ||
                           std::memchr(text.data(), '\r', text.size()) != nullptr);
}

// Up to the closing quote, which is included; `json` begins behind the opening one.
std::string_view rest_of_string(std::string_view json) {
  size_t at = 0;
  // A backslash takes the next byte with it, be it a quote or another backslash.
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return json.substr(0, at + 1);
}

}  // namespace

void append_compact(std::string_view json, std::string& out) {
  while (!json.empty()) {
    const char c = json[0];
    json.remove_prefix(1);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') continue;
    out += c;
    // Strings go over as they are: their white space is content.
    if (c != '"') continue;
    const std::string_view string = rest_of_string(json);
    out += string;
    json.remove_prefix(string.size());
  }
}

void append_line(const Batch& batch, size_t i, std::string& out) {
  const std::string_view value = batch.value(i);
  if (batch.is_tombstone(i)) {
    out += "null";
  } else if (has_line_break(value)) {
    append_compact(value, out);
  } else {
    out += value;
  }
  out += '\n';
}

void append_lines(const Batch& batch, std::string& out) {
  out.reserve(out.size() + batch.payload_bytes() + batch.size() * sizeof("null\n"));
  // One look at the whole body, which values and little else make up, is cheaper than one per value; it finds
  // nothing in what came as lines.
  const std::vector<char>& body = batch.body()->bytes;
  const bool look = has_line_break({body.data(), body.size()});
  for (size_t i = 0; i < batch.size(); ++i) {
    const std::string_view value = batch.value(i);
    if (batch.is_tombstone(i)) {
      out += "null";
    } else if (look && has_line_break(value)) {
      append_compact(value, out);
    } else {
      out += value;
    }
    out += '\n';
  }
}

}  // namespace colloquium::formats
