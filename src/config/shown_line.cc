#include "config/shown_line.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "config/redact.h"

namespace colloquium::config {
namespace {

// Parts of names; "pas" and "pwd" for passwords that are written in a hurry.
constexpr std::array<std::string_view, 10> kSecretParts = {"pas",    "pwd",  "secret", "token",      "bearer",
                                                           "apikey", "_key", "-key",   "credential", "auth"};

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool is_secret(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::any_of(kSecretParts.begin(), kSecretParts.end(),
                     [&](std::string_view part) { return contains(lower, part); });
}

class Hider {
 public:
  Hider(std::string_view line, size_t place) : line_(line), place_(place) {}

  void run() {
    while (at_ < line_.size()) {
      if (line_.substr(at_, 3) == "://") {
        url();
      } else if (is_name(line_[at_])) {
        name();
      } else {
        if (line_[at_] == '{' || line_[at_] == '[') ++depth_;
        if ((line_[at_] == '}' || line_[at_] == ']') && depth_ > 0) --depth_;
        copy(1);
      }
    }
    if (place_ >= line_.size()) shown_place_ = text_.size() + (place_ - line_.size());
  }

  const std::string& text() const { return text_; }
  size_t place() const { return shown_place_; }

 private:
  void copy(size_t bytes) {
    if (place_ >= at_ && place_ < at_ + bytes) shown_place_ = text_.size() + (place_ - at_);
    text_ += line_.substr(at_, bytes);
    at_ += bytes;
  }

  void hide(size_t bytes) {
    if (bytes == 0) return;
    if (place_ >= at_ && place_ < at_ + bytes) shown_place_ = text_.size();
    text_ += kMasked;
    at_ += bytes;
  }

  // user:password@ of what follows.
  void url() {
    copy(3);
    const std::string_view rest = line_.substr(at_);
    const size_t at_sign = rest.substr(0, rest.find_first_of("/ \t\"'")).rfind('@');
    const size_t colon = rest.substr(0, at_sign).find(':');
    if (at_sign == std::string_view::npos || colon == std::string_view::npos) return;
    copy(colon + 1);
    if (!line_.substr(at_).starts_with("${")) hide(at_sign - colon - 1);
  }

  void name() {
    const size_t begin = at_;
    size_t end = at_;
    while (end < line_.size() && is_name(line_[end])) ++end;
    const std::string_view name = line_.substr(begin, end - begin);
    copy(end - begin);
    if (at_ < line_.size() && (line_[at_] == '"' || line_[at_] == '\'')) {
      if (line_.substr(at_ + 1, 1) != ":") return;
      copy(1);
    }
    if (line_.substr(at_, 1) != ":" || line_.substr(at_, 3) == "://" || !is_secret(name)) return;
    copy(1);
    while (at_ < line_.size() && (line_[at_] == ' ' || line_[at_] == '\t')) copy(1);
    value(contains(name, "auth"));
  }

  // `holds_others`: of a map the members are looked at one by one.
  void value(bool holds_others) {
    const std::string_view rest = line_.substr(at_);
    if (rest.empty() || rest[0] == '#' || (holds_others && (rest[0] == '{' || rest[0] == '['))) return;
    const size_t reference = rest[0] == '"' || rest[0] == '\'' ? 1 : 0;
    const size_t length = value_length(rest);
    if (rest.substr(reference, 2) == "${") {
      copy(length);
    } else {
      hide(length);
    }
  }

  size_t value_length(std::string_view rest) const {
    if (rest[0] == '"' || rest[0] == '\'') return quoted_length(rest);
    if (rest[0] == '{' || rest[0] == '[') return nested_length(rest);
    size_t end = rest.size();
    if (depth_ > 0) end = std::min(end, rest.find_first_of(",}]"));
    end = std::min(end, rest.find(" #"));
    while (end > 0 && rest[end - 1] == ' ') --end;
    return end;
  }

  static size_t quoted_length(std::string_view rest) {
    for (size_t i = 1; i < rest.size(); ++i) {
      if (rest[0] == '"' && rest[i] == '\\') {
        ++i;
      } else if (rest[i] == rest[0]) {
        // '' within single quotes is one of them.
        if (rest[0] == '"' || rest.substr(i + 1, 1) != "'") return i + 1;
        ++i;
      }
    }
    return rest.size();
  }

  static size_t nested_length(std::string_view rest) {
    int depth = 0;
    for (size_t i = 0; i < rest.size(); ++i) {
      if (rest[i] == '{' || rest[i] == '[') ++depth;
      if ((rest[i] == '}' || rest[i] == ']') && --depth == 0) return i + 1;
      if (rest[i] == '"' || rest[i] == '\'') i += quoted_length(rest.substr(i)) - 1;
    }
    return rest.size();
  }

  const std::string_view line_;
  const size_t place_;  // a byte of the line, or behind it
  size_t at_ = 0;
  int depth_ = 0;  // of { and [
  std::string text_;
  size_t shown_place_ = 0;
};

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
}

}  // namespace

ShownLine hide_secrets(std::string_view line, uint32_t column) {
  size_t place = 0;
  uint32_t characters = 0;
  while (place < line.size() && characters + 1 < column) {
    ++place;
    if (place == line.size() || begins_character(line[place])) ++characters;
  }
  Hider hider(line, place + (column > characters ? column - characters - 1 : 0));
  hider.run();
  const std::string_view before = std::string_view(hider.text()).substr(0, hider.place());
  const auto shown = static_cast<uint32_t>(std::count_if(before.begin(), before.end(), begins_character));
  const auto behind = static_cast<uint32_t>(hider.place() - before.size());
  return {hider.text(), column == 0 ? 0 : shown + behind + 1};
}

}  // namespace colloquium::config
