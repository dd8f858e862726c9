// Operators over lines that hold fields: CSV (RFC 4180) and key=value pairs (logfmt).

#include <algorithm>

#include "base/assert.h"
#include "computo/access.h"
#include "computo/library/encoding.h"
#include "computo/library/texts.h"

namespace colloquium::computo::ops {

namespace {

constexpr std::string_view kSeparator = "a separator of one ASCII character that is no quote and no line break";
constexpr std::string_view kMark = "a separator that is not empty and has no quote";

bool is_csv_separator(std::string_view text) {
  return text.size() == 1 && static_cast<unsigned char>(text[0]) < 0x80 && text[0] != '"' && text[0] != '\r' &&
         text[0] != '\n';
}

bool separator_argument(Machine& machine, const Value* arguments, uint32_t count, char& out) {
  std::string_view text = ",";
  if (count > 1 && !text_argument(machine, arguments, 1, text)) return false;
  if (!is_csv_separator(text)) return fail_value(machine, 1, kSeparator, text);
  ASSERT(!machine.failed());
  out = text[0];
  return true;
}

// Without the one line end a line may bring along.
std::string_view without_end(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// A text in quotes, at its opening quote: its content with `escape` taken from before quotes, `rest` behind the
// closing one. A doubled quote (CSV) is a quote escaped by a quote.
bool quoted_field(Machine& machine, std::string_view& rest, char escape, Value& out) {
  ASSERT(rest.starts_with('"'));
  rest.remove_prefix(1);
  Output& text = machine.text_output();
  text.start(false);
  for (size_t i = 0; i < rest.size(); ++i) {
    const bool more = i + 1 < rest.size();
    const char next = more ? rest[i + 1] : '\0';
    if (escape == '\\' && rest[i] == '\\' && (next == '"' || next == '\\' || next == 'n' || next == 't')) {
      text.put(next == 'n' ? '\n' : next == 't' ? '\t' : next);
      ++i;
    } else if (escape == '"' && rest[i] == '"' && next == '"') {
      text.put('"');
      ++i;
    } else if (rest[i] == '"') {
      // Nothing was left out: the content is part of the line.
      const bool plain = text.size() == i;
      out = string_value(rest.substr(0, i));
      rest.remove_prefix(i + 1);
      return plain || finish_text(machine, out);
    } else {
      text.put(rest[i]);
    }
  }
  return machine.fail_argument(0, Category::kValue, "a quote is not closed");
}

// The field at the beginning of the rest, which is behind it or at the separator after it.
bool csv_field(Machine& machine, std::string_view& rest, char separator, Value& out) {
  if (rest.starts_with('"')) {
    if (!quoted_field(machine, rest, '"', out)) return false;
    if (rest.empty() || rest[0] == separator) return true;
    return fail_value(machine, 0, "a separator behind a quoted field", rest);
  }
  const char stops[] = {separator, '"', '\r', '\n'};
  const size_t end = std::min(rest.find_first_of({stops, sizeof stops}), rest.size());
  out = string_value(rest.substr(0, end));
  rest.remove_prefix(end);
  ASSERT(!machine.failed());
  if (rest.empty() || rest[0] == separator) return true;
  return machine.fail_argument(
      0, Category::kValue,
      rest[0] == '"' ? "a quote stands inside a field that is not quoted" : "a line break stands outside quotes");
}

bool put_csv_field(Machine& machine, const Value& v, char separator, Output& text) {
  if (type_of(v) == Type::kNull) return true;
  const size_t begin = text.size();
  if (!append_text(machine, text, v)) return false;
  const char special[] = {separator, '"', '\r', '\n'};
  const std::string_view plain = text.text().substr(begin);
  if (plain.find_first_of({special, sizeof special}) == std::string_view::npos) return true;
  // Spread from the end, so that each byte is moved once.
  const auto quotes = static_cast<size_t>(std::count(plain.begin(), plain.end(), '"'));
  const size_t size = plain.size();
  char* const end = text.room(quotes + 2);
  char* to = end + quotes + 2;
  text.commit(to);
  *--to = '"';
  for (size_t i = 0; i < size; ++i) {
    const char c = end[-1 - static_cast<std::ptrdiff_t>(i)];
    *--to = c;
    if (c == '"') *--to = '"';
  }
  *--to = '"';
  ASSERT(text.size() == begin + size + quotes + 2);
  return true;
}

// How a line of pairs is cut. An empty separator of pairs stands for white space.
struct Marks {
  std::string_view pairs;
  std::string_view value = "=";
};

bool is_mark(std::string_view text) {
  return !text.empty() && text.find('"') == std::string_view::npos;
}

bool marks_of(Machine& machine, const Value* arguments, uint32_t count, Marks& marks) {
  ASSERT(count >= 1);
  if (count > 1) {
    if (!text_argument(machine, arguments, 1, marks.pairs)) return false;
    if (!is_mark(marks.pairs)) return fail_value(machine, 1, kMark, marks.pairs);
    // A space is white space of any length, as everybody writes it.
    if (marks.pairs == " ") marks.pairs = {};
  }
  if (count > 2) {
    if (!text_argument(machine, arguments, 2, marks.value)) return false;
    if (!is_mark(marks.value)) return fail_value(machine, 2, kMark, marks.value);
  }
  return true;
}

class PairReader {
 public:
  PairReader(Machine& machine, std::string_view text, const Marks& marks)
      : machine_(machine), rest_(text), marks_(marks) {}

  // The next pair. False at the end, or after fail.
  bool next(std::string_view& key, Value& value) {
    if (!skip_separators() || !machine_.charge(1)) return false;
    const size_t end = pair_end();
    const size_t mark = rest_.substr(0, end).find(marks_.value);
    key = trim_ascii(rest_.substr(0, std::min(mark, end)));
    if (key.empty()) return fail_value(machine_, 0, "a key before its value", rest_);
    rest_.remove_prefix(std::min(mark, end));
    if (mark == std::string_view::npos) {
      value = bool_value(true);
      return true;
    }
    rest_.remove_prefix(marks_.value.size());
    return read_value(value);
  }

 private:
  // Pairs may be set off by several separators, and by white space besides.
  bool skip_separators() {
    while (!rest_.empty()) {
      if (!marks_.pairs.empty() && rest_.starts_with(marks_.pairs)) {
        rest_.remove_prefix(marks_.pairs.size());
      } else if (is_ascii_space(rest_.front())) {
        rest_.remove_prefix(1);
      } else {
        return true;
      }
    }
    return false;
  }

  size_t pair_end() const {
    const size_t end = marks_.pairs.empty() ? rest_.find_first_of(" \t\r\n\v\f") : rest_.find(marks_.pairs);
    ASSERT(end == std::string_view::npos || end < rest_.size());
    return std::min(end, rest_.size());
  }

  bool read_value(Value& value) {
    // Between a separator that is no space and the value there may be one.
    if (!marks_.pairs.empty()) {
      while (!rest_.empty() && is_ascii_space(rest_.front()) && !rest_.starts_with(marks_.pairs))
        rest_.remove_prefix(1);
    }
    if (rest_.starts_with('"')) {
      if (!quoted_field(machine_, rest_, '\\', value)) return false;
      const std::string_view behind = rest_.substr(0, pair_end());
      if (trim_ascii(behind).empty()) return true;
      return fail_value(machine_, 0, "a separator behind a quoted value", rest_);
    }
    const size_t end = pair_end();
    value = string_value(trim_ascii(rest_.substr(0, end)));
    rest_.remove_prefix(end);
    ASSERT(!machine_.failed());
    return true;
  }

  Machine& machine_;
  std::string_view rest_;
  Marks marks_;
};

// The members gathered as key, value, key, value …
bool build(Machine& machine, const ValueList& pairs, Value& out) {
  Value list;
  if (!pairs.finish(list)) return false;
  ObjectBuilder builder(machine, list.size / 2);
  if (!builder.valid()) return false;
  for (uint32_t i = 0; i < list.size; i += 2) builder.add(key_named(list.items[i].string()), list.items[i + 1]);
  ASSERT(list.size % 2 == 0);
  return builder.finish(out);
}

}  // namespace

std::string check_csv_line(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  if (arguments.size() < 2 || !arguments[1] || is_csv_separator(*arguments[1])) return {};
  return expectation(kSeparator, *arguments[1]);
}

std::string check_key_value(std::span<const ConstantText> arguments) {
  ASSERT(!arguments.empty());
  for (const ConstantText& mark : arguments.subspan(1)) {
    if (mark && !is_mark(*mark)) return expectation(kMark, *mark);
  }
  return {};
}

bool parse_csv_line(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  char separator = ',';
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 16)) return false;
  if (!separator_argument(machine, arguments, count, separator)) return false;
  std::string_view rest = without_end(text);
  ValueList fields(machine);
  while (true) {
    Value field;
    if (!csv_field(machine, rest, separator, field) || !fields.add(field)) return false;
    if (rest.empty()) return fields.finish(out);
    rest.remove_prefix(1);
  }
}

bool format_csv_line(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  char separator = ',';
  if (!separator_argument(machine, arguments, count, separator)) return false;
  const uint32_t size = array_size(arguments[0]);
  Output& text = machine.text_output();
  text.start(false);
  Elements elements(arguments[0]);
  for (uint32_t i = 0; i < size; ++i) {
    if (i > 0) text.put(separator);
    if (!machine.charge(1) || !put_csv_field(machine, elements.next(), separator, text)) return false;
    if (!check_output(machine)) return false;
  }
  return finish_text(machine, out);
}

bool parse_key_value(Machine& machine, const Value* arguments, uint32_t count, Value& out) {
  ASSERT(count >= 1);
  std::string_view text;
  Marks marks;
  if (!text_argument(machine, arguments, 0, text) || !machine.charge(text.size() / 16)) return false;
  if (!marks_of(machine, arguments, count, marks)) return false;
  ValueList pairs(machine);
  PairReader reader(machine, text, marks);
  std::string_view key;
  Value value;
  while (reader.next(key, value)) {
    if (!pairs.add(string_value(key)) || !pairs.add(value)) return false;
  }
  return !machine.failed() && build(machine, pairs, out);
}

}  // namespace colloquium::computo::ops
