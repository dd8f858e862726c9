#include "components/file/rotated_token.h"

#include <charconv>
#include <optional>
#include <string_view>

namespace colloquium::components {
namespace {

constexpr std::string_view kHead = "files 1\n";
constexpr char kHex[] = "0123456789abcdef";

bool ends_a_field(char c) {
  return static_cast<unsigned char>(c) <= ' ' || c == '%';
}

void append_name(const std::string& name, std::string& out) {
  for (const char c : name) {
    if (!ends_a_field(c)) {
      out += c;
      continue;
    }
    out += '%';
    out += kHex[static_cast<unsigned char>(c) >> 4];
    out += kHex[static_cast<unsigned char>(c) & 15];
  }
}

std::optional<std::string> name_of(std::string_view field) {
  std::string name;
  for (size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '%') {
      name += field[i];
      continue;
    }
    unsigned byte = 0;
    if (field.size() - i < 3) return std::nullopt;
    const char* digits = field.data() + i + 1;
    if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) return std::nullopt;
    name += static_cast<char>(byte);
    i += 2;
  }
  if (name.empty()) return std::nullopt;
  return name;
}

// Up to the next `end`, which is taken, too.
std::string_view take(std::string_view& text, char end) {
  const size_t at = text.find(end);
  const std::string_view field = text.substr(0, at);
  text.remove_prefix(at == text.npos ? text.size() : at + 1);
  return field;
}

template <class Number>
bool take_number(std::string_view& line, Number& number) {
  const std::string_view field = take(line, ' ');
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), number);
  return error == std::errc() && end == field.data() + field.size();
}

std::optional<RotatedEntry> entry_of(std::string_view line) {
  RotatedEntry entry;
  if (!take_number(line, entry.inode) || !take_number(line, entry.length) || !take_number(line, entry.events) ||
      !take_number(line, entry.opened_ms)) {
    return std::nullopt;
  }
  const std::string_view state = take(line, ' ');
  if (state != "open" && state != "closed") return std::nullopt;
  entry.closed = state == "closed";
  auto part = name_of(take(line, ' '));
  auto name = name_of(line);
  if (!part || !name) return std::nullopt;
  entry.part = std::move(*part);
  entry.name = std::move(*name);
  return entry;
}

}  // namespace

std::string encode_rotated(const std::vector<RotatedEntry>& entries) {
  std::string out(kHead);
  for (const RotatedEntry& entry : entries) {
    out += std::to_string(entry.inode) + " " + std::to_string(entry.length) + " " + std::to_string(entry.events);
    out += " " + std::to_string(entry.opened_ms) + (entry.closed ? " closed " : " open ");
    append_name(entry.part, out);
    out += ' ';
    append_name(entry.name, out);
    out += '\n';
  }
  return out;
}

Result<std::vector<RotatedEntry>> decode_rotated(const std::string& text) {
  std::vector<RotatedEntry> entries;
  if (text.empty()) return entries;
  std::string_view rest = text;
  bool good = rest.starts_with(kHead);
  if (good) rest.remove_prefix(kHead.size());
  while (good && !rest.empty()) {
    auto entry = entry_of(take(rest, '\n'));
    good = entry.has_value();
    if (good) entries.push_back(std::move(*entry));
  }
  if (good) return entries;
  return fail(ErrorCode::kCorrupt,
              "the place stored for this sink is not one of a file sink with rotation of this "
              "version: '" +
                  text.substr(0, 200) +
                  "'; use the version (or the settings) that wrote it, or give the sink another "
                  "name");
}

}  // namespace colloquium::components
