// Operators with a little language of their own: format's templates and like's patterns.

#include <charconv>
#include <optional>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/strings.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr std::string_view kBraceAlone = "a template whose braces come in pairs";

// What a template consists of, from left to right: text, or the name inside braces.
struct Piece {
  std::string_view text;
  bool field = false;
};

// Takes the next piece off the template; false if a brace stands alone.
bool take_piece(std::string_view& rest, Piece& piece) {
  ASSERT(!rest.empty());
  const char c = rest.front();
  if (c != '{' && c != '}') {
    piece = {rest.substr(0, rest.find_first_of("{}")), false};
    rest.remove_prefix(piece.text.size());
    return true;
  }
  if (rest.size() > 1 && rest[1] == c) {
    piece = {rest.substr(0, 1), false};
    rest.remove_prefix(2);
    return true;
  }
  const size_t end = rest.find('}');
  if (c == '}' || end == std::string_view::npos) return false;
  piece = {rest.substr(1, end - 1), true};
  rest.remove_prefix(end + 1);
  return true;
}

std::optional<uint64_t> as_index(std::string_view name) {
  uint64_t index = 0;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), index);
  if (name.empty() || read.ec != std::errc() || read.ptr != name.data() + name.size()) return std::nullopt;
  return index;
}

// The value a field stands for. `next` counts the fields without a name.
bool field_value(Machine& machine, const Value* values, uint32_t count, std::string_view name, uint64_t& next,
                 Value& out) {
  ASSERT(!machine.failed());
  std::optional<uint64_t> index = as_index(name);
  if (name.empty()) index = next++;
  if (index) {
    if (*index < count) {
      out = values[*index];
      return true;
    }
    return machine.fail_argument(0, Category::kValue,
                                 "the template asks for value " + std::to_string(*index) + " of " +
                                     std::to_string(count) + ", which count from 0");
  }
  if (count == 0 || type_of(values[0]) != Type::kObject) {
    return machine.fail_argument(1, Category::kValue, "expected an object with the member " + shown(name));
  }
  if (find_member(values[0], name, out)) return true;
  return machine.fail_argument(1, Category::kValue, "the object has no member " + shown(name));
}

// Pattern matching with one place to come back to: behind the last star. Anything an earlier star could take
// the last one can take as well.
class Like {
 public:
  Like(Machine& machine, std::string_view text, std::string_view pattern)
      : machine_(machine), text_(text), pattern_(pattern) {}

  // False after fail.
  bool run(bool& matches) {
    while (t_ < text_.size()) {
      if (p_ < pattern_.size() && pattern_[p_] == '*') {
        star_ = ++p_;
        star_text_ = t_;
      } else if (!step()) {
        if (star_ == 0) return finish(matches, false);
        // Each new attempt costs, so that a pattern of many characters over a long text ends in time.
        if (!machine_.charge(1 + (t_ - star_text_) / 64)) return false;
        star_text_ += point_size(text_.substr(star_text_));
        t_ = star_text_;
        p_ = star_;
      }
    }
    while (p_ < pattern_.size() && pattern_[p_] == '*') ++p_;
    return finish(matches, p_ == pattern_.size());
  }

 private:
  bool finish(bool& matches, bool result) {
    ASSERT(!machine_.failed());
    matches = result;
    return true;
  }

  // One character of both, if they match.
  bool step() {
    if (p_ == pattern_.size()) return false;
    if (pattern_[p_] == '?') {
      ++p_;
      t_ += point_size(text_.substr(t_));
      return true;
    }
    const bool quoted = pattern_[p_] == '\\' && p_ + 1 < pattern_.size();
    if (text_[t_] != pattern_[p_ + (quoted ? 1 : 0)]) return false;
    p_ += quoted ? 2 : 1;
    ++t_;
    return true;
  }

  Machine& machine_;
  std::string_view text_;
  std::string_view pattern_;
  size_t t_ = 0;
  size_t p_ = 0;
  size_t star_ = 0;  // behind the last star; 0: none yet
  size_t star_text_ = 0;
};

}  // namespace

std::string check_format(std::span<const ConstantText> arguments) {
  if (!arguments[0]) return {};
  std::string_view rest = *arguments[0];
  const size_t values = arguments.size() - 1;
  ASSERT(arguments.size() >= 1);
  uint64_t next = 0;
  while (!rest.empty()) {
    Piece piece;
    if (!take_piece(rest, piece)) return expectation(kBraceAlone, *arguments[0]);
    if (!piece.field) continue;
    const uint64_t index = piece.text.empty() ? next++ : as_index(piece.text).value_or(0);
    if (index >= values) return "the template asks for more values than there are: " + std::to_string(values);
  }
  return {};
}

bool format(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view rest;
  if (!text_argument(machine, arguments, 0, rest)) return false;
  const std::string_view whole = rest;
  Output& text = machine.text_output();
  text.start(false);
  uint64_t next = 0;
  while (!rest.empty()) {
    Piece piece;
    if (!take_piece(rest, piece)) return fail_value(machine, 0, kBraceAlone, whole);
    if (!piece.field) {
      text.put(piece.text);
      continue;
    }
    Value value = null_value();
    if (!machine.charge(1) || !field_value(machine, arguments + 1, count - 1, piece.text, next, value))
      return false;
    if (!append_text(machine, text, value)) return false;
  }
  return finish_text(machine, out);
}

bool like(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count == 2);
  std::string_view text;
  std::string_view pattern;
  if (!text_argument(machine, arguments, 0, text) || !text_argument(machine, arguments, 1, pattern)) return false;
  bool matches = false;
  if (!Like(machine, text, pattern).run(matches)) return false;
  out = bool_value(matches);
  return true;
}

}  // namespace colloquium::computo::ops
