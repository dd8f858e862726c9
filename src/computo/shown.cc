#include "computo/shown.h"

#include <algorithm>
#include <array>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/number.h"
#include "json/escape.h"
#include "json/writer.h"

namespace colloquium::computo {

namespace {

// In lower case, without separators.
constexpr std::array<std::string_view, 14> kSecretWords = {
    "password",  "passwd",     "passphrase", "secret", "token", "authorization", "apikey",
    "accesskey", "privatekey", "credential", "cookie", "card",  "cvv",           "signingkey"};

constexpr size_t kMostName = 256;

// Stops as soon as enough has been written, so that what a large value costs does not depend on its size. Each
// level of nesting writes a byte, so that bounds the recursion too.
class Shower {
 public:
  std::string run(const Value& value) {
    show(value);
    if (!full()) return std::move(out_);
    return shortened(out_, kShownBytes);
  }

 private:
  bool full() const { return out_.size() > kShownBytes; }

  // Text that may be cut, as a JSON string.
  void quoted(std::string_view text) {
    const std::string_view part = text.substr(0, kShownBytes + 1);
    json::append_quoted(part, out_);
  }

  void member_name(std::string_view name, bool first) {
    if (!first) out_ += ',';
    quoted(name);
    out_ += ':';
  }

  void show(const Value& value) {
    if (value.kind == Kind::kView) return show_view(value);
    char digits[32];
    switch (value.kind) {
      case Kind::kNull:
        out_ += "null";
        return;
      case Kind::kFalse:
      case Kind::kTrue:
        out_ += value.kind == Kind::kTrue ? "true" : "false";
        return;
      case Kind::kInt:
        out_ += std::to_string(value.integer);
        return;
      case Kind::kUint:
        out_ += std::to_string(value.natural);
        return;
      case Kind::kDouble:
        out_.append(digits, json::write_double(value.number, digits));
        return;
      case Kind::kString:
        return quoted(value.string());
      case Kind::kArray:
        return show_elements(value);
      case Kind::kObject:
        return show_members(value);
      default:
        out_ += "function";
        return;
    }
  }

  void show_elements(const Value& array) {
    Elements elements(array);
    const uint32_t size = array_size(array);
    out_ += '[';
    for (uint32_t i = 0; i < size && !full(); ++i) {
      if (i > 0) out_ += ',';
      show(elements.next());
    }
    out_ += ']';
  }

  void show_members(const Value& object) {
    ASSERT(object.kind == Kind::kObject);
    out_ += '{';
    for (uint32_t i = 0; i < object.size && !full(); ++i) {
      const std::string_view name = object.object->keys[i].view();
      member_name(name, i == 0);
      show_unless_secret(name, object.object->values[i]);
    }
    out_ += '}';
  }

  void show_unless_secret(std::string_view name, const Value& value) {
    if (looks_secret(name)) {
      json::append_quoted(kMasked, out_);
    } else {
      show(value);
    }
  }

  void show_view(const Value& value) {
    const json::ValueView view = value.view();
    const TokenType type = view.type();
    if (type == TokenType::kArray) return show_elements(value);
    if (type != TokenType::kObject) {
      out_ += view.raw().substr(0, kShownBytes + 1);
      return;
    }
    std::string scratch;
    out_ += '{';
    for (json::ValueView key = view.first_child(); !key.at_end_of(view) && !full(); key = key.next().next()) {
      const std::string_view name = key.string(scratch);
      member_name(name, key.index() == view.index() + 1);
      show_unless_secret(name, view_value(value.source, key.index() + 1));
    }
    out_ += '}';
  }

  std::string out_;
};

}  // namespace

// Without memory of the heap: operators ask too, in every event.
bool looks_secret(std::string_view name) {
  char letters[kMostName];
  size_t size = 0;
  for (const char c : name.substr(0, kMostName)) {
    if (c == '_' || c == '-') continue;
    letters[size++] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  const std::string_view plain(letters, size);
  return std::any_of(kSecretWords.begin(), kSecretWords.end(),
                     [&](std::string_view word) { return plain.find(word) != std::string_view::npos; });
}

namespace {

// A member's value stands right behind its key.
bool is_secret_member(const Value& value) {
  if (value.kind != Kind::kView || value.size == 0) return false;
  const json::ValueView before(value.source->text, value.source->root, value.size - 1);
  if (before.type() != TokenType::kKey) return false;
  std::string scratch;
  return looks_secret(before.string(scratch));
}

}  // namespace

bool stands_under_secret(const Value& value, Around around) {
  if (value.kind != Kind::kView) return false;
  if (around == Around::kNearest) return is_secret_member(value);
  std::string scratch;
  json::ValueView at(value.source->text, value.source->root, 0);
  while (at.index() < value.size) {
    const bool object = at.type() == TokenType::kObject;
    ASSERT(object || at.type() == TokenType::kArray);
    json::ValueView child = at.first_child();
    while (child.next().index() <= value.size) child = child.next();
    // Of an object the last child before the place is the value's key, or the value itself.
    if (object && child.type() != TokenType::kKey) {
      if (is_secret_member(view_value(value.source, child.index()))) return true;
    } else if (object) {
      return looks_secret(child.string(scratch));
    }
    at = child;
  }
  return false;
}

// Only the operators that read a place by a literal pointer: the last operand of each is that pointer.
bool reads_secret(const Program& program, uint32_t token) {
  const json::ValueView call = program.expression(token);
  if (call.type() != TokenType::kArray || call.count() < 2) return false;
  std::string scratch;
  json::ValueView item = call.first_child();
  if (item.type() != TokenType::kString) return false;
  const std::string_view name = item.string(scratch);
  if (name != "$input" && name != "$inputs" && name != "$" && name != "get") return false;
  while (!item.next().at_end_of(call)) item = item.next();
  return item.type() == TokenType::kString && looks_secret(item.string(scratch));
}

std::string shown(const Value& value) {
  ASSERT(value.kind != Kind::kCell && value.kind != Kind::kUnbound);
  return Shower().run(value);
}

std::vector<std::string> member_names(const Value& object) {
  constexpr size_t kMost = 256;
  ASSERT(type_of(object) == Type::kObject);
  std::vector<std::string> names;
  if (object.kind == Kind::kObject) {
    for (uint32_t i = 0; i < object.size && names.size() < kMost; ++i) {
      names.emplace_back(object.object->keys[i].view());
    }
    return names;
  }
  const json::ValueView view = object.view();
  std::string scratch;
  for (json::ValueView key = view.first_child(); !key.at_end_of(view) && names.size() < kMost;
       key = key.next().next()) {
    names.emplace_back(key.string(scratch));
  }
  return names;
}

std::string shortened(std::string_view text, size_t most) {
  if (text.size() <= most) return std::string(text);
  size_t end = most;
  while (end > 0 && (text[end] & 0xC0) == 0x80) --end;
  return std::string(text.substr(0, end)) + "…";
}

}  // namespace colloquium::computo
