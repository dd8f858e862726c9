#include "json/put.h"

#include <charconv>
#include <span>

#include "json/writer.h"

namespace colloquium::json {

namespace {

void append_key(std::string_view key, std::string& out) {
  std::vector<char> text;
  Writer(text, nullptr).string(key);
  out.append(text.begin(), text.end());
  out += ':';
}

// What is made where nothing is: {"a":{"b":value}}.
void make(std::span<const std::string> path, std::string_view value, std::string& out) {
  for (const std::string& key : path) {
    out += '{';
    append_key(key, out);
  }
  out += value;
  out.append(path.size(), '}');
}

bool put_at(const ValueView& at, std::span<const std::string> path, std::string_view value, std::string& out);

// `index`: of the value that is to be changed, or of none.
std::optional<uint64_t> index_of(std::string_view token, uint64_t count) {
  uint64_t index = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
  const bool is_number = error == std::errc() && end == token.data() + token.size() && !token.empty();
  if (!is_number || (token.size() > 1 && token.front() == '0') || index >= count) return std::nullopt;
  return index;
}

bool put_in_array(const ValueView& array, std::span<const std::string> path, std::string_view value,
                  std::string& out) {
  const auto index = index_of(path.front(), array.count());
  if (!index) return false;
  out += '[';
  ValueView element = array.first_child();
  for (uint64_t i = 0; i < array.count(); ++i, element = element.next()) {
    if (i > 0) out += ',';
    if (i != *index) {
      out += element.raw();
    } else if (!put_at(element, path.subspan(1), value, out)) {
      return false;
    }
  }
  out += ']';
  return true;
}

// Of members of one name the last counts, so that is the one that is changed.
bool put_in_object(const ValueView& object, std::span<const std::string> path, std::string_view value,
                   std::string& out) {
  const std::optional<ValueView> old = object.member(path.front());
  out += '{';
  bool first = true;
  for (ValueView key = object.first_child(); !key.at_end_of(object);) {
    const ValueView member = key.next();
    if (!first) out += ',';
    first = false;
    out.append(key.raw()).append(":");
    if (!old || member.index() != old->index()) {
      out += member.raw();
    } else if (!put_at(member, path.subspan(1), value, out)) {
      return false;
    }
    key = member.next();
  }
  if (!old) {
    if (!first) out += ',';
    append_key(path.front(), out);
    make(path.subspan(1), value, out);
  }
  out += '}';
  return true;
}

bool put_at(const ValueView& at, std::span<const std::string> path, std::string_view value, std::string& out) {
  if (path.empty()) {
    out += value;
    return true;
  }
  if (at.type() == TokenType::kObject) return put_in_object(at, path, value, out);
  return at.type() == TokenType::kArray && put_in_array(at, path, value, out);
}

}  // namespace

std::optional<std::vector<std::string>> parse_pointer(std::string_view pointer) {
  std::vector<std::string> path;
  if (pointer.empty()) return path;
  if (pointer.front() != '/') return std::nullopt;
  for (size_t i = 0; i < pointer.size(); ++i) {
    const char c = pointer[i];
    if (c == '/') {
      path.emplace_back();
    } else if (c != '~') {
      path.back() += c;
    } else if (++i < pointer.size() && (pointer[i] == '0' || pointer[i] == '1')) {
      path.back() += pointer[i] == '0' ? '~' : '/';
    } else {
      return std::nullopt;
    }
  }
  return path;
}

bool put(const ValueView& root, const std::vector<std::string>& path, std::string_view value, std::string& out) {
  const size_t before = out.size();
  if (put_at(root, path, value, out)) return true;
  out.resize(before);
  return false;
}

}  // namespace colloquium::json
