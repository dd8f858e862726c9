#include "json/canonical.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <deque>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/assert.h"
#include "json/escape.h"
#include "json/writer.h"

namespace colloquium::json {
namespace {

// One value's text, with the open containers on a stack of its own.
class CanonicalText {
 public:
  explicit CanonicalText(std::string& out) : out_(out) {}

  void write(const ValueView& root) {
    begin(root);
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.object ? level.member == members_.size() : level.element.at_end_of(level.container)) {
        end();
      } else if (level.object) {
        next_member(level);
      } else {
        next_element(level);
      }
    }
  }

 private:
  // A key of an open object; its value is behind `name` on the tape.
  struct Member {
    std::string_view key;  // decoded
    ValueView name;
  };

  // An open container. The members of open objects stand one object behind the other in members_.
  struct Level {
    ValueView container;
    ValueView element;        // array: the next one
    size_t first_member = 0;  // object
    size_t member = 0;        // object: the next one
    bool object = false;
    bool empty = true;
  };

  // Writes a scalar, or opens a container whose content write() then fetches.
  void begin(const ValueView& value) {
    switch (value.type()) {
      case TokenType::kInteger:
      case TokenType::kDouble:
        return write_canonical_number(value, out_);
      case TokenType::kKey:
      case TokenType::kString:
        return string(value);
      case TokenType::kArray:
        return begin_array(value);
      case TokenType::kObject:
        return begin_object(value);
      default:
        out_ += value.raw();
    }
  }

  void begin_array(const ValueView& value) {
    out_ += '[';
    levels_.push_back(Level{value, value.first_child()});
  }

  void begin_object(const ValueView& value) {
    out_ += '{';
    const size_t first = members_.size();
    for (ValueView name = value.first_child(); !name.at_end_of(value); name = name.next().next()) {
      members_.push_back({name.is_escaped() ? name.string(decoded_.emplace_back()) : name.raw_string(), name});
    }
    const auto begin = members_.begin() + static_cast<std::ptrdiff_t>(first);
    std::sort(begin, members_.end(), [](const Member& a, const Member& b) {
      return std::forward_as_tuple(a.key, b.name.index()) < std::forward_as_tuple(b.key, a.name.index());
    });
    // Of equal keys the last written now comes first.
    const auto same = [](const Member& a, const Member& b) { return a.key == b.key; };
    members_.erase(std::unique(begin, members_.end(), same), members_.end());
    levels_.push_back(Level{value, value, first, first, true});
  }

  void next_element(Level& level) {
    separate(level);
    const ValueView element = level.element;
    level.element = element.next();
    begin(element);  // may invalidate `level`
  }

  void next_member(Level& level) {
    separate(level);
    const ValueView name = members_[level.member++].name;
    string(name);
    out_ += ':';
    begin(name.next());  // may invalidate `level`
  }

  // A comma before every entry but the first.
  void separate(Level& level) {
    if (!level.empty) out_ += ',';
    level.empty = false;
  }

  void end() {
    const Level& level = levels_.back();
    out_ += level.object ? '}' : ']';
    if (level.object)
      members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(level.first_member), members_.end());
    levels_.pop_back();
  }

  // Without escapes the bytes are canonical already; with them, there are several ways to write the same.
  void string(const ValueView& value) {
    if (!value.is_escaped()) {
      out_ += value.raw();
      return;
    }
    scratch_.clear();
    unescape(value.raw_string(), scratch_);
    append_quoted(scratch_, out_);
  }

  std::string& out_;
  std::string scratch_;
  std::vector<Level> levels_;
  std::vector<Member> members_;
  std::deque<std::string> decoded_;  // escaped keys; a deque, because Member views into them
};

}  // namespace

void write_canonical(const ValueView& value, std::string& out) {
  const bool container = value.type() == TokenType::kArray || value.type() == TokenType::kObject;
  if (!container && !value.is_escaped() && value.type() != TokenType::kInteger &&
      value.type() != TokenType::kDouble) {
    out += value.raw();
    return;
  }
  CanonicalText(out).write(value);
}

void write_canonical_number(const ValueView& value, std::string& out) {
  ASSERT(value.type() == TokenType::kInteger || value.type() == TokenType::kDouble);
  const bool integer = value.type() == TokenType::kInteger;
  const bool big = (value.token().flags & kTokenBigInteger) != 0;
  if (integer && (!big || value.unsigned_integer())) {
    out += value.raw() == "-0" ? "0" : value.raw();
    return;
  }
  char digits[32];
  out.append(digits, write_double(value.number(), digits));
}

}  // namespace colloquium::json
